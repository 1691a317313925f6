/* One session: a browser in its container, its compositor, its encoder, and what ties them
 * together.
 *
 *   STARTING ── first picture, sandbox seen ──▶ WARM ── claim ──▶ CLAIMED
 *       └───────────────┬──────────────────────────┴─────────────────┘
 *                       ▼  session_end, any process's exit, a lease's end
 *                    ENDING: bye (short grace) → kill all → all gone → host->gone
 *
 * Every process of a session dies with it, and any one's death ends it. */
#ifndef SAFEWEB_NODE_SESSION_H
#define SAFEWEB_NODE_SESSION_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/loop.h"
#include "base/settings.h"
#include "container/container.h"
#include "node/egress.h"
#include "node/lease.h"
#include "node/place.h"
#include "wire/messages.h"

/* Until the encoder has the browser's first picture. */
#define SESSION_START_TIMEOUT_MS 20000
/* For the encoder to say bye to its client. */
#define SESSION_BYE_MS 300
/* After the kill; then it is said aloud, and tried again. */
#define SESSION_KILL_TIMEOUT_MS 5000
/* Port of the egress proxy in the session's own network namespace. */
#define SESSION_PROXY_PORT 3128

#define SESSION_ID_CHARS WIRE_CLAIMED_SESSION_MAX_BYTES
#define SESSION_TOKEN_CHARS WIRE_CLAIMED_TOKEN_MAX_BYTES

enum session_stage { SESSION_STARTING, SESSION_WARM, SESSION_CLAIMED, SESSION_ENDING };

struct session;

/* What a session has from its node. */
struct session_host {
	struct loop *loop;
	const struct settings *settings;
	const struct place *place;
	const char *libexec;
	struct egress *egress;
	void (*ready)(struct session *session); /* STARTING → WARM */
	/* Nothing of it is left: its slot may be used again. Call session_destroy, but later. */
	void (*gone)(struct session *session);
	void *data;
};

struct session_program {
	const char *name;
	pid_t pid; /* 0 once waited for */
	int pidfd; /* owned; -1 then too */
	struct loop_source source;
	struct session *session;
};

struct session {
	const struct session_host *host;
	unsigned slot;
	char id[SESSION_ID_CHARS + 1];
	char token[SESSION_TOKEN_CHARS + 1]; /* empty until claimed */
	enum session_stage stage;
	bool was_warm;
	bool was_claimed;
	bool has_picture; /* the encoder has the browser's first one */
	bool is_killed; /* ENDING: the grace is over */
	uint64_t killed_ms; /* monotonic; ENDING: since when */
	enum wire_reason reason;
	char why[ERROR_TEXT_BYTES]; /* ENDING: one sentence */
	struct lease lease;
	uint64_t created_ms; /* monotonic */
	uint64_t started_at; /* Unix seconds, of the claim; of the start before */
	struct container *container;
	struct loop_source runtime_source;
	struct loop_source browser_source;
	bool is_runtime_running;
	bool is_browser_running;
	struct session_program compositor;
	struct session_program encoder;
	int seat_fd; /* owned */
	struct loop_source seat_source;
	int listen_fd; /* owned */
	int netns_fd; /* owned; -1 once the runtime has entered it */
	struct egress_entry egress;
	struct loop_timer timer; /* start limit, lease, grace, kill limit: one at a time */
	struct session *next_gone; /* the node's list of what is to be freed */
};

/* Starts a session in a free slot on the image at rootfs. On failure nothing is left. */
int session_create(const struct session_host *host, unsigned slot, const char *rootfs,
		struct session **ret_session, struct error *err);
/* Frees what host->gone was called for. */
void session_destroy(struct session *session);

/* WARM → CLAIMED, with a fresh token. */
int session_claim(struct session *session, struct error *err);

bool session_token_is(const struct session *session, const char *token);

/* Hands a client's connection, which stays the caller's to close, to the encoder. */
int session_attach(struct session *session, int client_fd);

/* Begins the end; a second call changes nothing. */
void session_end(struct session *session, enum wire_reason reason, const char *why);

enum wire_session_state session_state(const struct session *session);

#endif
