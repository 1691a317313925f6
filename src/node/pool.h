/* When to start a session: pure decisions over counts, so that they can be tested without a
 * session.
 *
 * A claim takes a warm session. Is there none, it waits for one that starts; for each claim that
 * waits one is started at once, as far as there is room. Only when nobody waits is the pool
 * refilled, one session at a time; after a failure only when a back-off has passed. */
#ifndef SAFEWEB_NODE_POOL_H
#define SAFEWEB_NODE_POOL_H

#include <stdbool.h>
#include <stdint.h>

#define POOL_BACKOFF_FIRST_MS 500u
#define POOL_BACKOFF_MAX_MS 60000u

struct pool_counts {
	unsigned capacity; /* sessions at most */
	unsigned target; /* warm sessions wanted */
	unsigned taken; /* slots in use: starting, warm, claimed, ending */
	unsigned warm;
	unsigned starting;
	unsigned waiting; /* claims that wait for a session */
};

enum pool_claim {
	POOL_CLAIM_WARM, /* take a warm one */
	POOL_CLAIM_WAIT, /* one that starts, or will be started now, is for this claim */
	POOL_CLAIM_FULL,
};

/* What becomes of one more claim; counts.waiting does not contain it yet. */
enum pool_claim pool_claim(const struct pool_counts *counts);

/* Whether to start a session now. is_backing_off: a refill failed and its back-off runs. */
bool pool_wants_start(const struct pool_counts *counts, bool is_backing_off);

/* The wait after so many failures in a row, at least one. */
uint32_t pool_backoff_ms(unsigned failures);

#endif
