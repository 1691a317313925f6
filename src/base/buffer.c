#include "base/buffer.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BUFFER_FIRST_BYTES 4096

void buffer_init(struct buffer *buffer, size_t max_bytes)
{
	*buffer = (struct buffer){.max_bytes = max_bytes};
}

void buffer_finish(struct buffer *buffer)
{
	free(buffer->bytes);
	*buffer = (struct buffer){0};
}

uint8_t *buffer_reserve(struct buffer *buffer, size_t len)
{
	size_t held = buffer_length(buffer);
	if (held > buffer->max_bytes || len > buffer->max_bytes - held) {
		return NULL;
	}
	if (buffer->size_bytes - buffer->end >= len) {
		return buffer->bytes + buffer->end;
	}
	size_t size = buffer->size_bytes ? buffer->size_bytes : BUFFER_FIRST_BYTES;
	while (size < held + len) {
		size *= 2;
	}
	uint8_t *bytes = malloc(size);
	if (!bytes) {
		return NULL;
	}
	if (held) {
		memcpy(bytes, buffer->bytes + buffer->start, held);
	}
	free(buffer->bytes);
	buffer->bytes = bytes;
	buffer->size_bytes = size;
	buffer->start = 0;
	buffer->end = held;
	return bytes + held;
}

void buffer_commit(struct buffer *buffer, size_t len)
{
	assert(len <= buffer->size_bytes - buffer->end);
	buffer->end += len;
}

int buffer_append(struct buffer *buffer, const void *bytes, size_t len)
{
	if (len == 0) {
		return 0;
	}
	uint8_t *to = buffer_reserve(buffer, len);
	if (!to) {
		return len > buffer->max_bytes - buffer_length(buffer) ? -ENOBUFS : -ENOMEM;
	}
	memcpy(to, bytes, len);
	buffer_commit(buffer, len);
	return 0;
}

void buffer_consume(struct buffer *buffer, size_t len)
{
	assert(len <= buffer_length(buffer));
	buffer->start += len;
	if (buffer->start == buffer->end) {
		buffer->start = 0;
		buffer->end = 0;
	}
}
