#include "wire/wire.h"

#include <errno.h>
#include <string.h>

struct wire_string wire_string_from(const char *string)
{
	return (struct wire_string){.bytes = string, .len = strlen(string)};
}

void wire_string_copy(struct wire_string text, char *to, size_t size)
{
	size_t len = text.len < size - 1 ? text.len : size - 1;
	if (len) {
		memcpy(to, text.bytes, len);
	}
	to[len] = '\0';
}

long wire_stream_next(
		const uint8_t *bytes, size_t len, size_t max_bytes, const uint8_t **ret_message)
{
	if (len < WIRE_LENGTH_BYTES) {
		return 0;
	}
	uint32_t message_len = (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 |
			(uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
	if (message_len == 0 || message_len > max_bytes) {
		return -EMSGSIZE;
	}
	if (len - WIRE_LENGTH_BYTES < message_len) {
		return 0;
	}
	*ret_message = bytes + WIRE_LENGTH_BYTES;
	return (long)message_len;
}

void wire_put_length(uint8_t *to, size_t message_len)
{
	for (int i = 0; i < WIRE_LENGTH_BYTES; i++) {
		to[i] = (uint8_t)(message_len >> (8 * i));
	}
}
