/* Connecting to one of several addresses, one after the other. */
#ifndef SAFEWEB_EGRESS_DIAL_H
#define SAFEWEB_EGRESS_DIAL_H

#include "base/loop.h"
#include "egress/address.h"
#include "egress/policy.h"
#include "egress/resolver.h"

struct dial;

/* fd: the connected, non-blocking socket, which becomes the receiver's; or a negative errno, that
 * of the last address tried. */
typedef void (*dial_handler)(struct dial *dial, int fd);

struct dial {
	struct loop *loop;
	const struct policy *policy; /* NULL: connect even to this machine itself */
	struct address addresses[RESOLVER_MAX_ADDRESSES];
	size_t count;
	size_t at; /* the one being tried; once connected, the one that answered */
	uint16_t port;
	uint64_t address_timeout_ms;
	int fd;
	int last_error;
	struct loop_source source;
	struct loop_timer timer;
	dial_handler handle;
	void *data;
};

void dial_init(struct dial *dial, struct loop *loop, uint64_t address_timeout_ms,
		dial_handler handle, void *data);
void dial_finish(struct dial *dial);

/* Starts with addresses[0…count); handle may be called before this returns. Before it connects, it
 * asks the kernel (without a packet) whether the address has become this machine's own since the
 * start, and passes over those the policy does not name. */
void dial_start(struct dial *dial, const struct policy *policy, uint16_t port);

#endif
