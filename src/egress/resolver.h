/* Names to addresses, over DNS alone (no hosts file, no search list), with c-ares on the loop. */
#ifndef SAFEWEB_EGRESS_RESOLVER_H
#define SAFEWEB_EGRESS_RESOLVER_H

#include <stddef.h>

#include "base/error.h"
#include "base/loop.h"
#include "egress/address.h"

/* Of one name; further ones are not looked at. */
#define RESOLVER_MAX_ADDRESSES 32
/* A longer chain of aliases counts as no answer. */
#define RESOLVER_MAX_ALIASES 16

struct resolver;
struct lookup;

/* count addresses with code 0; or code -ENOENT (no such name), -ETIMEDOUT, -EIO (the server
 * failed). */
typedef void (*lookup_handler)(void *data, int code, const struct address *addresses, size_t count);

/* servers: address[:port],…; empty: those of /etc/resolv.conf, read now. */
int resolver_create(struct loop *loop, const char *servers, struct resolver **ret_resolver,
		struct error *err);
void resolver_destroy(struct resolver *resolver);

/* Starts a lookup. handle may be called before this returns; *ret_lookup is set before that and is
 * not to be used after handle was called. -EBUSY when too many are on their way. */
int resolver_start(struct resolver *resolver, const char *name, lookup_handler handle, void *data,
		struct lookup **ret_lookup);
/* handle will not be called any more. NULL is fine. */
void lookup_cancel(struct lookup *lookup);

#endif
