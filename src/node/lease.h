/* How long a claimed session may live: pure arithmetic on a clock that the caller reads. */
#ifndef SAFEWEB_NODE_LEASE_H
#define SAFEWEB_NODE_LEASE_H

#include <stdbool.h>
#include <stdint.h>

#include "wire/wire.h"

struct lease_limits {
	uint64_t disconnected_ms; /* from the last detachment, or the claim */
	uint64_t idle_ms; /* from the last input, or the claim */
	uint64_t session_ms; /* from the claim, in any case */
};

/* Times are of the monotonic clock, in milliseconds. */
struct lease {
	struct lease_limits limits;
	uint64_t claimed_ms;
	uint64_t input_ms;
	uint64_t detached_ms;
	bool is_attached;
};

void lease_begin(struct lease *lease, const struct lease_limits *limits, uint64_t now_ms);
void lease_note_input(struct lease *lease, uint64_t now_ms);
/* Someone attached or the last one left. */
void lease_note_attached(struct lease *lease, bool is_attached, uint64_t now_ms);
/* Someone was let in whose arrival the encoder has not confirmed yet: the wait starts afresh. */
void lease_note_contact(struct lease *lease, uint64_t now_ms);

/* When the lease ends as things stand, and why. */
uint64_t lease_end_ms(const struct lease *lease, enum wire_reason *ret_reason);

#endif
