/* A byte queue with a cap: append at the end, consume from the front. */
#ifndef SAFEWEB_BASE_BUFFER_H
#define SAFEWEB_BASE_BUFFER_H

#include <stddef.h>
#include <stdint.h>

struct buffer {
	uint8_t *bytes; /* owned; allocation of size_bytes */
	size_t start; /* first byte not yet consumed */
	size_t end; /* one past the last byte */
	size_t size_bytes;
	size_t max_bytes; /* never holds more than this */
};

void buffer_init(struct buffer *buffer, size_t max_bytes);
void buffer_finish(struct buffer *buffer);

static inline size_t buffer_length(const struct buffer *buffer)
{
	return buffer->end - buffer->start;
}

static inline uint8_t *buffer_head(struct buffer *buffer)
{
	/* By way of a number: an empty buffer has no bytes, and to NULL nothing may be added. */
	return (uint8_t *)((uintptr_t)buffer->bytes + buffer->start);
}

/* Makes room for len more bytes and returns where to write them; then call buffer_commit.
 * NULL when the cap would be passed or memory is out. */
uint8_t *buffer_reserve(struct buffer *buffer, size_t len);
void buffer_commit(struct buffer *buffer, size_t len);

/* 0, or -ENOBUFS when the cap would be passed, -ENOMEM. */
int buffer_append(struct buffer *buffer, const void *bytes, size_t len);
void buffer_consume(struct buffer *buffer, size_t len);

#endif
