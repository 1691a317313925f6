#include "node/lease.h"

void lease_begin(struct lease *lease, const struct lease_limits *limits, uint64_t now_ms)
{
	*lease = (struct lease){
			.limits = *limits,
			.claimed_ms = now_ms,
			.input_ms = now_ms,
			.detached_ms = now_ms,
	};
}

void lease_note_input(struct lease *lease, uint64_t now_ms)
{
	lease->input_ms = now_ms;
}

void lease_note_attached(struct lease *lease, bool is_attached, uint64_t now_ms)
{
	if (lease->is_attached && !is_attached) {
		lease->detached_ms = now_ms;
	}
	lease->is_attached = is_attached;
}

void lease_note_contact(struct lease *lease, uint64_t now_ms)
{
	lease->detached_ms = now_ms;
}

uint64_t lease_end_ms(const struct lease *lease, enum wire_reason *ret_reason)
{
	uint64_t end = lease->claimed_ms + lease->limits.session_ms;
	*ret_reason = WIRE_REASON_TIME_LIMIT;
	uint64_t idle = lease->input_ms + lease->limits.idle_ms;
	if (idle < end) {
		end = idle;
		*ret_reason = WIRE_REASON_IDLE;
	}
	uint64_t alone = lease->detached_ms + lease->limits.disconnected_ms;
	if (!lease->is_attached && alone < end) {
		end = alone;
		*ret_reason = WIRE_REASON_DISCONNECTED;
	}
	return end;
}
