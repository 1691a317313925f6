/* A token bucket: `burst` at once, then `per_s` a second. */
#ifndef SAFEWEB_EGRESS_RATE_H
#define SAFEWEB_EGRESS_RATE_H

#include <stdbool.h>
#include <stdint.h>

struct rate {
	uint32_t burst;
	uint32_t per_s;
	uint64_t level_milli; /* thousandths of a token */
	uint64_t filled_ms;
};

static inline void rate_init(struct rate *rate, uint32_t burst, uint32_t per_s, uint64_t now_ms)
{
	*rate = (struct rate){burst, per_s, (uint64_t)burst * 1000, now_ms};
}

/* Takes a token; false when there is none. */
static inline bool rate_take(struct rate *rate, uint64_t now_ms)
{
	uint64_t most = (uint64_t)rate->burst * 1000;
	rate->level_milli += (now_ms - rate->filled_ms) * rate->per_s;
	rate->filled_ms = now_ms;
	if (rate->level_milli > most) {
		rate->level_milli = most;
	}
	if (rate->level_milli < 1000) {
		return false;
	}
	rate->level_milli -= 1000;
	return true;
}

#endif
