#include "node/pool.h"

static unsigned room(const struct pool_counts *counts)
{
	return counts->capacity > counts->taken ? counts->capacity - counts->taken : 0;
}

enum pool_claim pool_claim(const struct pool_counts *counts)
{
	if (counts->warm > 0 && counts->waiting == 0) {
		return POOL_CLAIM_WARM;
	}
	if (counts->starting + room(counts) > counts->waiting) {
		return POOL_CLAIM_WAIT;
	}
	return POOL_CLAIM_FULL;
}

bool pool_wants_start(const struct pool_counts *counts, bool is_backing_off)
{
	if (room(counts) == 0) {
		return false;
	}
	if (counts->waiting > 0) {
		return counts->waiting > counts->starting;
	}
	return counts->warm < counts->target && counts->starting == 0 && !is_backing_off;
}

uint32_t pool_backoff_ms(unsigned failures)
{
	uint32_t wait = POOL_BACKOFF_FIRST_MS;
	for (unsigned i = 1; i < failures && wait < POOL_BACKOFF_MAX_MS; i++) {
		wait *= 2;
	}
	return wait < POOL_BACKOFF_MAX_MS ? wait : POOL_BACKOFF_MAX_MS;
}
