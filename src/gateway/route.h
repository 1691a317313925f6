/* The one table of everything the gateway answers. */
#ifndef SAFEWEB_GATEWAY_ROUTE_H
#define SAFEWEB_GATEWAY_ROUTE_H

#include <stddef.h>

#include "gateway/assets.h"
#include "store/store.h"

enum method { METHOD_GET, METHOD_POST, METHOD_DELETE, METHOD_OTHER };

/* Who may use a route. Whose object it may be about is the handler's to check. */
enum who {
	WHO_ANYONE,
	WHO_LOOPBACK, /* anyone on this machine */
	WHO_TICKET, /* a WebSocket with a ticket and its login */
	WHO_USER, /* any login */
	WHO_ADMIN,
};

struct request;

struct route {
	enum method method;
	const char *pattern; /* a segment ID is a session's id; a last segment * is an asset's name
			      */
	enum who who;
	void (*handle)(struct request *request);
};

struct route_match {
	const struct route *route;
	char session[STORE_SESSION_BYTES];
	char asset[ASSET_NAME_BYTES];
};

extern const struct route routes[];
extern const size_t route_count;

/* Finds the route of a path (without its query). 0, -ENOENT when no route has the path, -EOPNOTSUPP
 * when none has it with this method. */
int route_find(enum method method, const char *path, size_t len, struct route_match *ret_match);

const char *route_method_name(enum method method);
const char *route_who_name(enum who who);

#endif
