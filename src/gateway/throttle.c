#include "gateway/throttle.h"

#include <errno.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* Someone who types badly is let alone; a guesser has 5 tries, then one each 1, 2, 4 … 900 s. From
 * many addresses an account is slowed to one a minute at most, so that nobody can lock it for long.
 */
struct rule {
	const char *kind;
	uint32_t free_attempts;
	uint64_t longest_ms;
};

enum { BOTH, ADDRESS, ACCOUNT, RULES };

static const struct rule rules[RULES] = {
		[BOTH] = {"both", 5, 900 * 1000},
		[ADDRESS] = {"address", 20, 900 * 1000},
		[ACCOUNT] = {"account", 50, 60 * 1000},
};

int throttle_init(struct throttle *throttle)
{
	*throttle = (struct throttle){0};
	if (getrandom(throttle->secret, sizeof(throttle->secret), 0) !=
			(ssize_t)sizeof(throttle->secret)) {
		return -EIO;
	}
	throttle->entries = calloc(THROTTLE_ENTRIES, sizeof(*throttle->entries));
	return throttle->entries ? 0 : -ENOMEM;
}

void throttle_finish(struct throttle *throttle)
{
	free(throttle->entries);
	throttle->entries = NULL;
}

static uint64_t key_of(
		const struct throttle *throttle, int rule, const char *account, const char *address)
{
	char text[512];
	uint8_t hash[SHA256_DIGEST_LENGTH];
	int len = snprintf(text, sizeof(text), "%016llx%016llx %s %.128s %.128s",
			(unsigned long long)throttle->secret[0],
			(unsigned long long)throttle->secret[1], rules[rule].kind,
			rule == ADDRESS ? "" : account, rule == ACCOUNT ? "" : address);
	SHA256((const unsigned char *)text, (size_t)len, hash);
	uint64_t key;
	memcpy(&key, hash, sizeof(key));
	return key ? key : 1;
}

/* The entry of a key, or the one to use for it: free, forgotten, or quiet longest. */
static struct throttle_entry *find(struct throttle *throttle, uint64_t key)
{
	struct throttle_entry *oldest = &throttle->entries[0];
	for (size_t i = 0; i < THROTTLE_ENTRIES; i++) {
		struct throttle_entry *entry = &throttle->entries[i];
		if (entry->key == key) {
			return entry;
		}
		if (entry->last_ms < oldest->last_ms) {
			oldest = entry;
		}
	}
	return oldest;
}

static void count(struct throttle_entry *entry, uint64_t key, const struct rule *rule,
		uint64_t now_ms)
{
	if (entry->key != key || now_ms - entry->last_ms > THROTTLE_FORGET_MS) {
		*entry = (struct throttle_entry){.key = key};
	}
	entry->last_ms = now_ms;
	entry->attempts++;
	if (entry->attempts < rule->free_attempts) {
		return;
	}
	uint32_t over = entry->attempts - rule->free_attempts;
	uint64_t wait_ms = over < 20 ? 1000ull << over : rule->longest_ms;
	entry->blocked_until_ms =
			now_ms + (wait_ms < rule->longest_ms ? wait_ms : rule->longest_ms);
}

uint64_t throttle_attempt(struct throttle *throttle, const char *account, const char *address,
		uint64_t now_ms)
{
	uint64_t keys[RULES];
	uint64_t wait_ms = 0;
	for (int i = 0; i < RULES; i++) {
		keys[i] = key_of(throttle, i, account, address);
		const struct throttle_entry *entry = find(throttle, keys[i]);
		if (entry->key == keys[i] && entry->blocked_until_ms > now_ms + wait_ms) {
			wait_ms = entry->blocked_until_ms - now_ms;
		}
	}
	for (int i = 0; wait_ms == 0 && i < RULES; i++) {
		count(find(throttle, keys[i]), keys[i], &rules[i], now_ms);
	}
	return wait_ms;
}

void throttle_success(struct throttle *throttle, const char *account, const char *address)
{
	for (int i = 0; i < RULES; i++) {
		uint64_t key = key_of(throttle, i, account, address);
		struct throttle_entry *entry = find(throttle, key);
		if (entry->key != key) {
			continue;
		}
		if (i == BOTH) {
			*entry = (struct throttle_entry){0};
		} else if (entry->attempts > 0) {
			/* A right password does not buy its owner guesses at other accounts. */
			entry->attempts--;
		}
	}
}
