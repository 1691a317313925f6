/* A display stream from a node, in reads of any size: the first byte says how large. */
#include <assert.h>
#include <string.h>

#include "gateway/relay.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct relay relay;
	size_t step = size && data[0] ? data[0] : 1;
	long len = 0;
	relay_init(&relay);
	for (size_t at = 1; at < size && len >= 0; at += step) {
		size_t part = size - at < step ? size - at : step;
		uint8_t *room = relay_reserve(&relay, part);
		assert(room);
		memcpy(room, data + at, part);
		relay.end += part;
		uint8_t *message;
		if (at % 2) {
			while ((len = relay_pack(&relay, &message)) > 0) {
				assert(len <= RELAY_CHUNK_BYTES && message[0] == 0x82);
				relay_consume_packed(&relay, len);
			}
		}
		while (len >= 0 && (len = relay_next(&relay, &message)) > 0) {
			assert(wire_display_check(message, (size_t)len) == 0);
			assert(message >= relay.bytes + RELAY_HEADROOM_BYTES);
			assert(message + len <= relay.bytes + relay.end);
			/* A WebSocket's header is written in front of it. */
			memset(message - 10, 0, 10);
			relay_consume(&relay, (size_t)len);
		}
	}
	relay_finish(&relay);
	return 0;
}
