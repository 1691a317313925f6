/* Little-endian reading and writing, byte by byte. A reader or writer that runs out remembers it in
 * `failed` and yields zeros, so a parser checks once at its end. Header-only: also for WebAssembly.
 */
#ifndef SAFEWEB_BASE_BYTES_H
#define SAFEWEB_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct bytes_reader {
	const uint8_t *bytes; /* not owned */
	size_t len;
	size_t at;
	bool failed;
};

struct bytes_writer {
	uint8_t *bytes; /* not owned */
	size_t size;
	size_t at;
	bool failed;
};

/* The next len bytes, or NULL (and failed) when fewer are left. */
static inline const uint8_t *bytes_read(struct bytes_reader *reader, size_t len)
{
	if (reader->failed || len > reader->len - reader->at) {
		reader->failed = true;
		return NULL;
	}
	const uint8_t *here = reader->bytes + reader->at;
	reader->at += len;
	return here;
}

static inline uint64_t bytes_read_number(struct bytes_reader *reader, size_t len)
{
	const uint8_t *here = bytes_read(reader, len);
	uint64_t number = 0;
	for (size_t i = 0; here && i < len; i++) {
		number |= (uint64_t)here[i] << (8 * i);
	}
	return number;
}

static inline uint8_t bytes_read_u8(struct bytes_reader *reader)
{
	return (uint8_t)bytes_read_number(reader, 1);
}

static inline uint16_t bytes_read_u16(struct bytes_reader *reader)
{
	return (uint16_t)bytes_read_number(reader, 2);
}

static inline uint32_t bytes_read_u32(struct bytes_reader *reader)
{
	return (uint32_t)bytes_read_number(reader, 4);
}

static inline uint64_t bytes_read_u64(struct bytes_reader *reader)
{
	return bytes_read_number(reader, 8);
}

static inline int32_t bytes_read_i32(struct bytes_reader *reader)
{
	return (int32_t)bytes_read_u32(reader);
}

static inline void bytes_write(struct bytes_writer *writer, const void *bytes, size_t len)
{
	if (writer->failed || len > writer->size - writer->at) {
		writer->failed = true;
		return;
	}
	if (len) {
		memcpy(writer->bytes + writer->at, bytes, len);
	}
	writer->at += len;
}

static inline void bytes_write_number(struct bytes_writer *writer, uint64_t number, size_t len)
{
	uint8_t raw[8];
	for (size_t i = 0; i < len; i++) {
		raw[i] = (uint8_t)(number >> (8 * i));
	}
	bytes_write(writer, raw, len);
}

#endif
