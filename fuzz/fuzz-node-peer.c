/* What a gateway may send to the node: control bytes, in reads of any size. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "node/peer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The first byte says how large the reads are at most. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct peer peer;
	peer_init(&peer);
	if (size == 0) {
		return 0;
	}
	size_t step = data[0] ? data[0] : 1;
	size_t at = 1;
	while (at < size && peer_wanted(&peer)) {
		size_t part = peer_wanted(&peer);
		part = part > size - at ? size - at : part;
		part = part > step ? step : part;
		enum peer_state before = peer.state;
		struct peer_event event;
		int code = peer_take(&peer, data + at, part, &event);
		at += part;
		assert(code == 0 || (peer.state == PEER_BROKEN && event.kind == PEER_EVENT_NONE));
		assert(event.kind == PEER_EVENT_NONE || before < PEER_STREAM);
		assert((event.kind == PEER_EVENT_WELCOME) ==
				(code == 0 && before == PEER_HELLO && peer.state == PEER_OPEN));
		assert((event.kind == PEER_EVENT_ATTACH) == (peer.state == PEER_STREAM));
	}
	return 0;
}
