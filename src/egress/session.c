#include "egress/session.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/fds.h"
#include "base/log.h"
#include "egress/connection.h"

/* A session that may not accept for now looks again after this long. */
#define ACCEPT_PAUSE_MS 100
/* Accepted in one go, so that one session does not keep the loop from the others. */
#define ACCEPT_BATCH 8

static void update_source(struct session *session)
{
	bool is_full = session->connection_count >= session->context->limits.session_connections;
	bool is_pausing = session->pause.due_ms != 0;
	if (is_full || is_pausing) {
		loop_source_remove(&session->source);
	} else if (!session->source.loop) {
		int code = loop_source_add(session->context->loop, &session->source,
				session->listen_fd, EPOLLIN, session->source.handle, session);
		if (code < 0) {
			loop_timer_arm(&session->pause, ACCEPT_PAUSE_MS);
		}
	}
}

static void handle_pause_end(struct loop_timer *timer)
{
	update_source(timer->data);
}

static void pause_accepting(struct session *session)
{
	loop_timer_arm(&session->pause, ACCEPT_PAUSE_MS);
}

/* Accepts one; false when there is none or there may be none for now. */
static bool accept_one(struct session *session)
{
	struct context *context = session->context;
	if (session->connection_count >= context->limits.session_connections) {
		session_note_refusal(session, WIRE_NOTICE_TOO_MANY_CONNECTIONS, "");
		return false;
	}
	if (context->connection_count >= context->limits.connections ||
			!rate_take(&session->accepts, clock_now_ms())) {
		pause_accepting(session);
		return false;
	}
	int fd = accept4(session->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0) {
		if (errno != EAGAIN && errno != ECONNABORTED && errno != EINTR) {
			log_warning("session=%s cannot accept: %s", session->id, strerror(errno));
			pause_accepting(session);
		}
		return false;
	}
	int code = connection_create(session, fd);
	if (code < 0) {
		log_warning("session=%s cannot serve a connection: %s", session->id,
				strerror(-code));
		pause_accepting(session);
	}
	return code == 0;
}

static void handle_listening(struct loop_source *source, uint32_t events)
{
	(void)events;
	struct session *session = source->data;
	for (int i = 0; i < ACCEPT_BATCH && accept_one(session); i++) {
	}
	update_source(session);
}

static bool id_is_valid(const char *id)
{
	static const char allowed[] =
			"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	size_t len = strlen(id);
	return len > 0 && len <= SESSION_ID_MAX_BYTES && strspn(id, allowed) == len;
}

static bool is_listening_stream(int fd)
{
	int listens = 0;
	int type = 0;
	socklen_t len = sizeof(int);
	if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) < 0) {
		return false;
	}
	len = sizeof(int);
	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && listens &&
			type == SOCK_STREAM;
}

int session_create(struct context *context, const char *id, int listen_fd,
		struct session **ret_session, struct error *err)
{
	CLEANUP_CLOSE int fd = listen_fd;
	if (!id_is_valid(id) || !is_listening_stream(fd) || fds_set_nonblocking(fd) < 0) {
		return error_set(err, -EINVAL,
				"session %.40s: not an id, or no listening stream socket", id);
	}
	struct session *session = calloc(1, sizeof(*session));
	if (!session) {
		return error_set(err, -ENOMEM, "no memory for session %s", id);
	}
	const struct egress_limits *limits = &context->limits;
	uint64_t now = clock_now_ms();
	session->context = context;
	memcpy(session->id, id, strlen(id) + 1);
	rate_init(&session->accepts, limits->accept_burst, limits->accepts_per_s, now);
	rate_init(&session->notices, limits->notice_burst, limits->notices_per_s, now);
	rate_init(&session->refusal_lines, limits->notice_burst, limits->notices_per_s, now);
	loop_timer_init(context->loop, &session->pause, handle_pause_end, session);
	session->listen_fd = steal_fd(&fd);
	session->source.handle = handle_listening;
	update_source(session);
	*ret_session = session;
	return 0;
}

static void log_unlogged(struct session *session)
{
	if (session->unlogged_refusals) {
		log_info("session=%s verdict=refused unlogged=%u", session->id,
				session->unlogged_refusals);
		session->unlogged_refusals = 0;
	}
}

void session_destroy(struct session *session)
{
	if (!session) {
		return;
	}
	/* First, so that the closing connections cannot make it accept again. */
	loop_source_remove(&session->source);
	close(session->listen_fd);
	session->listen_fd = -1;
	while (session->connections) {
		connection_close(session->connections);
	}
	assert(session->connection_count == 0);
	log_unlogged(session);
	loop_timer_disarm(&session->pause);
	free(session);
}

void session_handle_closed(struct session *session)
{
	if (session->listen_fd >= 0) {
		update_source(session);
	}
}

void session_note_refusal(struct session *session, enum wire_notice_code code, const char *host)
{
	session->refusals++;
	if (rate_take(&session->notices, clock_now_ms())) {
		struct context *context = session->context;
		context->notify(context->notify_data, session, code, host);
	}
}

bool session_may_log_refusal(struct session *session)
{
	if (!rate_take(&session->refusal_lines, clock_now_ms())) {
		session->unlogged_refusals++;
		return false;
	}
	log_unlogged(session);
	return true;
}
