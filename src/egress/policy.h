/* Which addresses and ports a session may reach. */
#ifndef SAFEWEB_EGRESS_POLICY_H
#define SAFEWEB_EGRESS_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "egress/address.h"

#define POLICY_MAX_OPENINGS 64
#define POLICY_MAX_OWN_ADDRESSES 512
/* A wider opening is a mistake: it is refused at start. */
#define POLICY_MIN_IPV4_BITS 8
#define POLICY_MIN_IPV6_BITS 16

/* A special-purpose range the administrator opened. It never opens this machine's own addresses nor
 * a metadata address, unless it names exactly that one. */
struct policy_opening {
	struct address_prefix prefix;
	uint16_t port; /* 0: every port that is not restricted */
};

struct policy {
	struct policy_opening openings[POLICY_MAX_OPENINGS];
	size_t opening_count;
	struct address own[POLICY_MAX_OWN_ADDRESSES]; /* of this machine's interfaces */
	size_t own_count;
	bool has_public_ipv6; /* one of its own addresses is */
};

enum policy_verdict {
	POLICY_ALLOWED,
	POLICY_INTERNAL, /* a special-purpose range, or this machine */
	POLICY_PORT, /* a port that speaks no web protocol */
};

/* Adds what CIDR[:port],… opens; [v6-CIDR]:port for IPv6 with a port. -EINVAL names the entry. */
int policy_parse_openings(struct policy *policy, const char *text, struct error *err);

/* Reads this machine's interface addresses. */
int policy_read_own_addresses(struct policy *policy, struct error *err);

/* True for ports on which other protocols than the web's listen: what the Fetch standard calls bad
 * ports, and the usual ones of databases and administration. */
bool policy_port_is_restricted(uint16_t port);

/* False when no address at all could be reached on this port: no need to look a name up. */
bool policy_port_can_pass(const struct policy *policy, uint16_t port);

enum policy_verdict policy_check(
		const struct policy *policy, const struct address *address, uint16_t port);

/* True when an opening names exactly this address: what an address of this machine needs. */
bool policy_opens_own(const struct policy *policy, const struct address *address, uint16_t port);

#endif
