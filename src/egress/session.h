/* One session's side of the proxy: its listening socket, its connections, its account. */
#ifndef SAFEWEB_EGRESS_SESSION_H
#define SAFEWEB_EGRESS_SESSION_H

#include "egress/context.h"
#include "egress/rate.h"

#define SESSION_ID_MAX_BYTES 32

struct session {
	struct context *context;
	char id[SESSION_ID_MAX_BYTES + 1]; /* letters, digits, - and _ */
	int listen_fd; /* owned */
	struct loop_source source;
	struct loop_timer pause; /* armed: not accepting for a moment */
	struct connection *connections;
	size_t connection_count;
	struct rate accepts;
	struct rate notices;
	struct rate refusal_lines;
	uint32_t unlogged_refusals;
	uint64_t bytes_up; /* from here on the account */
	uint64_t bytes_down;
	uint32_t connections_total;
	uint32_t refusals;
	struct session *previous;
	struct session *next;
};

/* Takes listen_fd in any case. -EINVAL when it is no listening stream socket, or the id no id. */
int session_create(struct context *context, const char *id, int listen_fd,
		struct session **ret_session, struct error *err);
/* Closes all its connections. The caller has unlinked it. */
void session_destroy(struct session *session);

/* A connection of the session is closed: another may be accepted. */
void session_handle_closed(struct session *session);

/* Counts a refusal and tells the node, as far as the session's rate allows. */
void session_note_refusal(struct session *session, enum wire_notice_code code, const char *host);

/* True when one more line about a refusal may be logged. */
bool session_may_log_refusal(struct session *session);

#endif
