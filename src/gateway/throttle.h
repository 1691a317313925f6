/* Slows guessing down: counts attempts to log in by account, by address and by both together. */
#ifndef SAFEWEB_GATEWAY_THROTTLE_H
#define SAFEWEB_GATEWAY_THROTTLE_H

#include <stdint.h>

/* Names counted at once; the one that was quiet longest makes room. */
#define THROTTLE_ENTRIES 4096
/* Attempts are forgotten after this long without one. */
#define THROTTLE_FORGET_MS (3600 * 1000)

struct throttle_entry {
	uint64_t key; /* keyed hash of the name; 0: free */
	uint64_t last_ms;
	uint64_t blocked_until_ms;
	uint32_t attempts;
};

struct throttle {
	uint64_t secret[2];
	struct throttle_entry *entries; /* owned, THROTTLE_ENTRIES */
};

int throttle_init(struct throttle *throttle);
void throttle_finish(struct throttle *throttle);

/* Counts an attempt before the password is looked at, so that a burst counts as well. Returns 0
 * when it may go on, else the milliseconds to wait; then nothing is counted. */
uint64_t throttle_attempt(struct throttle *throttle, const char *account, const char *address,
		uint64_t now_ms);
/* The attempt was right: forgets what account and address counted together. */
void throttle_success(struct throttle *throttle, const char *account, const char *address);

#endif
