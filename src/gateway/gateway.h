/* What the parts of safeweb-gateway share. One thread; the password threads touch none of it. */
#ifndef SAFEWEB_GATEWAY_GATEWAY_H
#define SAFEWEB_GATEWAY_GATEWAY_H

#include <libwebsockets.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/loop.h"
#include "base/settings.h"
#include "gateway/assets.h"
#include "gateway/connections.h"
#include "gateway/node_link.h"
#include "gateway/password.h"
#include "gateway/throttle.h"
#include "gateway/ticket.h"
#include "store/store.h"

/* A login ends this long after it began, and this long after its last use. */
#define LOGIN_LIFE_S (12 * 3600)
#define LOGIN_IDLE_S (2 * 3600)
/* How often open streams are compared with the logins that opened them. */
#define RECHECK_MS 3000

struct request;
struct stream;

struct metrics {
	uint64_t requests[6]; /* by hundreds of the status */
	uint64_t logins_good;
	uint64_t logins_bad;
	uint64_t logins_throttled;
	uint64_t sessions_claimed;
	uint64_t sessions_ended;
	uint64_t streams_opened;
	uint64_t messages_refused;
	uint64_t bytes_down;
	uint64_t bytes_up;
	uint64_t audit_dropped;
};

struct gateway {
	struct settings settings;
	struct loop *loop; /* inside the WebSocket library's */
	struct lws_context *context;
	struct lws_vhost *vhost;
	struct store *store;
	struct assets assets;
	struct connections connections;
	struct throttle throttle;
	struct tickets tickets;
	struct password_pool *passwords;
	struct node_link *node;
	char node_path[108];
	struct stream *streams; /* open ones */
	struct request *requests; /* under way */
	size_t stream_count;
	struct loop_timer recheck; /* runs while there are streams */
	uint64_t audit_window_ms;
	unsigned audit_refusals; /* rows of the window */
	struct metrics metrics;
	bool has_pauses; /* a stream's client is to be paused or let go on */
	bool is_stopping;
};

/* The name that the session directory gives the one node there is. */
#define GATEWAY_NODE_NAME "local"

/* An audit row; session may be NULL. Rows of refusals are capped per second and then only counted.
 */
void audit_write(struct gateway *gateway, const char *event, const char *user, const char *address,
		const char *session, const char *detail);
void audit_refused(struct gateway *gateway, const char *user, const char *address,
		const char *session, const char *detail);

/* ---- logins ---- */

/* The login of a cookie's token: 0, or -EACCES when there is none or it is over. Counts as a use.
 */
int login_find(struct gateway *gateway, const char *token, struct store_login *ret_login);
/* Whether a login, by its row, still stands. */
bool login_is_valid(struct gateway *gateway, int64_t id);

/* ---- sessions ---- */

extern const struct node_events session_events;

/* Ends a directory entry; the session is over on the node. */
void session_has_ended(struct gateway *gateway, const char *session, int reason);
/* Only its part in the directory: from now on its user is given a new one. */
void session_note_end(struct gateway *gateway, const char *session, int reason);
/* Releases the sessions of accounts that are gone or disabled. */
void session_release_orphans(struct gateway *gateway);

/* Every few seconds while streams are open: closes those whose login is over. */
void gateway_handle_recheck(struct loop_timer *timer);

#endif
