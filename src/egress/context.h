/* What all sessions of the proxy share. */
#ifndef SAFEWEB_EGRESS_CONTEXT_H
#define SAFEWEB_EGRESS_CONTEXT_H

#include "base/loop.h"
#include "egress/policy.h"
#include "egress/request.h"
#include "egress/resolver.h"
#include "egress/target.h"
#include "wire/wire.h"

/* Everything a session can grow or make wait. */
struct egress_limits {
	size_t sessions;
	size_t connections; /* of all sessions */
	size_t session_connections; /* of one; further ones wait in the listening socket */
	uint32_t accept_burst; /* new connections of one session */
	uint32_t accepts_per_s;
	uint32_t notice_burst; /* notices and lines about refusals of one session */
	uint32_t notices_per_s;
	uint64_t head_timeout_ms;
	uint64_t lookup_timeout_ms;
	uint64_t address_timeout_ms; /* connecting to one of a name's addresses */
	uint64_t connect_timeout_ms; /* to any of them */
	uint64_t idle_timeout_ms;
	uint64_t half_closed_timeout_ms; /* idle, with one direction ended */
	uint64_t linger_timeout_ms; /* for the client to read the last bytes */
};

extern const struct egress_limits egress_standard_limits;

/* Read at once from a socket, and kept at most for each direction (and a head besides). */
#define EGRESS_CHUNK_BYTES (64 * 1024)

struct connection;
struct session;

struct context {
	struct loop *loop;
	struct policy policy;
	struct resolver *resolver; /* owned */
	struct egress_limits limits;
	bool has_proxy;
	struct target proxy; /* upstream; its address is the administrator's choice, not checked */
	size_t connection_count;
	struct connection *dead; /* closed ones, freed by the reaper outside their callbacks */
	struct loop_timer reaper;
	struct request request; /* the one being parsed */
	uint8_t chunk[EGRESS_CHUNK_BYTES];
	/* Tells the node about a refusal; may drop it. */
	void (*notify)(void *data, const struct session *session, enum wire_notice_code code,
			const char *host);
	void *notify_data;
};

#endif
