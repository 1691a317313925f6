/* Counts open connections by address, so that one address cannot take them all. */
#ifndef SAFEWEB_GATEWAY_CONNECTIONS_H
#define SAFEWEB_GATEWAY_CONNECTIONS_H

#include <stdbool.h>
#include <stdint.h>

/* Open connections of one address (of an IPv6 /64); many people may sit behind it. */
#define CONNECTIONS_PER_ADDRESS 1024
/* Addresses with connections. */
#define CONNECTIONS_ADDRESSES 16384

struct connections_entry {
	uint64_t key; /* 0: free */
	uint32_t count;
};

struct connections {
	struct connections_entry *entries; /* owned; open addressing, CONNECTIONS_ADDRESSES */
	uint32_t used;
};

int connections_init(struct connections *connections);
void connections_finish(struct connections *connections);

/* The key of an address as text: never 0. */
uint64_t connections_key(const char *address);
/* Counts one more; false when the address, or the table, has as many as it may. */
bool connections_add(struct connections *connections, uint64_t key);
void connections_remove(struct connections *connections, uint64_t key);

#endif
