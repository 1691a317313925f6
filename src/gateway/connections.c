#include "gateway/connections.h"

#include <assert.h>
#include <errno.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/origin.h"

/* The table stays half empty, so that looking is short. */
#define USED_MAX (CONNECTIONS_ADDRESSES / 2)

int connections_init(struct connections *connections)
{
	*connections = (struct connections){0};
	connections->entries = calloc(CONNECTIONS_ADDRESSES, sizeof(*connections->entries));
	return connections->entries ? 0 : -ENOMEM;
}

void connections_finish(struct connections *connections)
{
	free(connections->entries);
	connections->entries = NULL;
}

uint64_t connections_key(const char *address)
{
	char group[ORIGIN_ADDRESS_BYTES];
	uint8_t hash[SHA256_DIGEST_LENGTH];
	uint64_t key;
	origin_address_group(address, group);
	SHA256((const unsigned char *)group, strlen(group), hash);
	memcpy(&key, hash, sizeof(key));
	return key ? key : 1;
}

static uint32_t place_of(uint64_t key)
{
	return (uint32_t)(key % CONNECTIONS_ADDRESSES);
}

/* The key's entry, or the free one where it belongs. */
static struct connections_entry *find(struct connections *connections, uint64_t key)
{
	uint32_t at = place_of(key);
	while (connections->entries[at].key && connections->entries[at].key != key) {
		at = (at + 1) % CONNECTIONS_ADDRESSES;
	}
	return &connections->entries[at];
}

bool connections_add(struct connections *connections, uint64_t key)
{
	struct connections_entry *entry = find(connections, key);
	if (entry->count >= CONNECTIONS_PER_ADDRESS ||
			(!entry->key && connections->used >= USED_MAX)) {
		return false;
	}
	connections->used += !entry->key;
	entry->key = key;
	entry->count++;
	return true;
}

/* Closes the gap that a removed entry leaves (Knuth, volume 3, 6.4, algorithm R). */
static void close_gap(struct connections *connections, uint32_t gap)
{
	struct connections_entry *entries = connections->entries;
	uint32_t at = gap;
	for (;;) {
		entries[gap] = (struct connections_entry){0};
		for (;;) {
			at = (at + 1) % CONNECTIONS_ADDRESSES;
			if (!entries[at].key) {
				return;
			}
			uint32_t home = place_of(entries[at].key);
			uint32_t from_home = (at - home) % CONNECTIONS_ADDRESSES;
			uint32_t from_gap = (at - gap) % CONNECTIONS_ADDRESSES;
			if (from_home >= from_gap) {
				break;
			}
		}
		entries[gap] = entries[at];
		gap = at;
	}
}

void connections_remove(struct connections *connections, uint64_t key)
{
	struct connections_entry *entry = find(connections, key);
	assert(entry->key == key && entry->count > 0);
	if (--entry->count == 0) {
		connections->used--;
		close_gap(connections, (uint32_t)(entry - connections->entries));
	}
}
