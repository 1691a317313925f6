#include "egress/egress.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fds.h"
#include "base/log.h"
#include "egress/connection.h"
#include "egress/session.h"
#include "wire/messages.h"

/* Reports that wait for the node to read. */
#define OUTBOX_MAX_BYTES (512 * 1024)
/* Descriptors kept free for listening sockets' owner, DNS, epoll and the log. */
#define SPARE_DESCRIPTORS 96

const struct egress_limits egress_standard_limits = {
		.sessions = 4096,
		.connections = 8192,
		.session_connections = 256,
		.accept_burst = 256,
		.accepts_per_s = 50,
		.notice_burst = 10,
		.notices_per_s = 1,
		.head_timeout_ms = 30 * 1000,
		.lookup_timeout_ms = 10 * 1000,
		.address_timeout_ms = 4 * 1000,
		.connect_timeout_ms = 10 * 1000,
		.idle_timeout_ms = 10 * 60 * 1000,
		.half_closed_timeout_ms = 2 * 60 * 1000,
		.linger_timeout_ms = 2 * 1000,
};

const char *const egress_calls[] = {"socket", "connect", "bind", "accept4", "setsockopt",
		"getsockname", "getpeername", NULL};

struct egress {
	struct context context;
	int control_fd;
	struct loop_source control;
	struct buffer outbox; /* u16 length and message, each */
	struct session *sessions;
	size_t session_count;
};

static void handle_reaper(struct loop_timer *timer)
{
	connection_reap(timer->data);
}

static int send_outbox(struct egress *egress)
{
	while (buffer_length(&egress->outbox)) {
		const uint8_t *head = buffer_head(&egress->outbox);
		size_t len = (size_t)head[0] | (size_t)head[1] << 8;
		int code = fds_send(egress->control_fd, head + 2, len, NULL, 0);
		if (code == -EAGAIN) {
			return loop_source_update(&egress->control, EPOLLIN | EPOLLOUT);
		}
		buffer_consume(&egress->outbox, len + 2);
		if (code < 0) {
			log_warning("cannot report to the node: %s", strerror(-code));
		}
	}
	return loop_source_update(&egress->control, EPOLLIN);
}

/* Sends a report after those that wait. */
static void report(struct egress *egress, const uint8_t *message, long len)
{
	uint8_t head[2] = {(uint8_t)(len & 0xff), (uint8_t)(len >> 8)};
	size_t room = OUTBOX_MAX_BYTES - buffer_length(&egress->outbox);
	if (len < 0 || (size_t)len + sizeof(head) > room ||
			buffer_append(&egress->outbox, head, sizeof(head)) < 0 ||
			buffer_append(&egress->outbox, message, (size_t)len) < 0) {
		log_warning("a report to the node is lost");
		return;
	}
	if (egress->control.loop) {
		send_outbox(egress);
	}
}

static void handle_notify(void *data, const struct session *session, enum wire_notice_code code,
		const char *host)
{
	struct egress *egress = data;
	struct wire_egress_notice notice = {.session = wire_string_from(session->id),
			.code = (uint16_t)code,
			.host = wire_string_from(host)};
	uint8_t message[WIRE_EGRESS_NOTICE_MAX_BYTES];
	/* A notice is for the moment: when the node does not keep up it is not kept. */
	if (buffer_length(&egress->outbox) == 0) {
		report(egress, message,
				wire_egress_notice_encode(&notice, message, sizeof(message)));
	}
}

static struct session *find_session(struct egress *egress, const char *id)
{
	struct session *session = egress->sessions;
	while (session && strcmp(session->id, id) != 0) {
		session = session->next;
	}
	return session;
}

/* Takes listen_fd in any case. */
static int add_session(struct egress *egress, const char *id, int listen_fd, struct error *err)
{
	CLEANUP_CLOSE int fd = listen_fd;
	if (find_session(egress, id)) {
		return error_set(err, -EEXIST, "session %s is there already", id);
	}
	if (egress->session_count >= egress->context.limits.sessions) {
		return error_set(err, -EMFILE, "there are %zu sessions already",
				egress->session_count);
	}
	struct session *session;
	int code = session_create(&egress->context, id, steal_fd(&fd), &session, err);
	if (code < 0) {
		return code;
	}
	session->next = egress->sessions;
	if (session->next) {
		session->next->previous = session;
	}
	egress->sessions = session;
	egress->session_count++;
	return 0;
}

static void remove_session(struct egress *egress, struct session *session)
{
	if (session->previous) {
		session->previous->next = session->next;
	} else {
		egress->sessions = session->next;
	}
	if (session->next) {
		session->next->previous = session->previous;
	}
	egress->session_count--;
	struct wire_egress_usage usage = {.session = wire_string_from(session->id),
			.bytes_up = session->bytes_up,
			.bytes_down = session->bytes_down,
			.connections = session->connections_total,
			.refusals = session->refusals};
	uint8_t message[WIRE_EGRESS_USAGE_MAX_BYTES];
	long len = wire_egress_usage_encode(&usage, message, sizeof(message));
	session_destroy(session);
	report(egress, message, len);
}

/* Takes fds[0] when it uses it, leaving -1 there. */
static int obey(struct egress *egress, const uint8_t *message, size_t len, int *fds,
		size_t fd_count, struct error *err)
{
	char id[SESSION_ID_MAX_BYTES + 1];
	struct wire_egress_add add;
	struct wire_egress_remove removal;
	if (wire_egress_add_decode(message, len, &add) == 0 && fd_count == 1) {
		wire_string_copy(add.session, id, sizeof(id));
		return add_session(egress, id, steal_fd(&fds[0]), err);
	}
	if (wire_egress_remove_decode(message, len, &removal) == 0 && fd_count == 0) {
		wire_string_copy(removal.session, id, sizeof(id));
		struct session *session = find_session(egress, id);
		if (!session) {
			return error_set(err, -ENOENT, "there is no session %.40s", id);
		}
		remove_session(egress, session);
		return 0;
	}
	return error_set(err, -EBADMSG, "the node sent what the protocol does not have");
}

/* False when no more can be read for now. */
static bool receive_order(struct egress *egress)
{
	uint8_t message[WIRE_SHORT_MAX_BYTES];
	int fds[FDS_MAX_PASSED];
	size_t fd_count = FDS_MAX_PASSED;
	ssize_t len = fds_receive(egress->control_fd, message, sizeof(message), fds, &fd_count);
	if (len == -EAGAIN || len == -EINTR) {
		return false;
	}
	struct error err = {0};
	if (len == 0 || (len < 0 && len != -EMSGSIZE)) {
		log_info("the node is gone: ending");
		loop_stop(egress->context.loop);
		loop_source_remove(&egress->control);
		return false;
	}
	int code = len < 0 ? error_set(&err, -EMSGSIZE, "the node sent a message that is too long")
			   : obey(egress, message, (size_t)len, fds, fd_count, &err);
	for (size_t i = 0; i < fd_count; i++) {
		cleanup_close(&fds[i]);
	}
	if (code < 0) {
		log_error("%s", err.text);
	}
	return true;
}

static void handle_control(struct loop_source *source, uint32_t events)
{
	struct egress *egress = source->data;
	if (events & EPOLLOUT) {
		send_outbox(egress);
	}
	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
		while (receive_order(egress)) {
		}
	}
}

/* Each connection has two descriptors, each session one. */
static void fit_limits(struct egress_limits *limits)
{
	struct rlimit files;
	if (getrlimit(RLIMIT_NOFILE, &files) < 0) {
		return;
	}
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	size_t usable = files.rlim_cur > 2 * SPARE_DESCRIPTORS
			? (size_t)files.rlim_cur - SPARE_DESCRIPTORS
			: SPARE_DESCRIPTORS;
	if (limits->sessions > usable / 4) {
		limits->sessions = usable / 4;
	}
	size_t connections = (usable - limits->sessions) / 2;
	if (limits->connections > connections) {
		limits->connections = connections;
	}
}

static int set_policy(
		struct context *context, const struct egress_options *options, struct error *err)
{
	int code = policy_parse_openings(&context->policy, options->allow, err);
	if (code == 0) {
		code = policy_read_own_addresses(&context->policy, err);
	}
	if (code < 0) {
		return code;
	}
	if (context->policy.opening_count) {
		log_warning("egress_allow opens internal addresses to every session: %s",
				options->allow);
	}
	context->has_proxy = options->proxy[0] != '\0';
	if (context->has_proxy &&
			target_parse_authority(options->proxy, strlen(options->proxy), 0,
					&context->proxy) < 0) {
		return error_set(err, -EINVAL,
				"egress_proxy: \"%.100s\" is not of the form host:port",
				options->proxy);
	}
	return 0;
}

static int start(struct egress *egress, const struct egress_options *options, struct error *err)
{
	struct context *context = &egress->context;
	int code = set_policy(context, options, err);
	if (code == 0) {
		code = resolver_create(context->loop, options->dns, &context->resolver, err);
	}
	if (code == 0 &&
			(fds_set_nonblocking(egress->control_fd) < 0 ||
					loop_source_add(context->loop, &egress->control,
							egress->control_fd, EPOLLIN, handle_control,
							egress) < 0)) {
		code = error_set(err, -EBADF, "the control socket cannot be watched");
	}
	return code;
}

int egress_create(struct loop *loop, const struct egress_options *options,
		struct egress **ret_egress, struct error *err)
{
	struct egress *egress = calloc(1, sizeof(*egress));
	if (!egress) {
		return error_set(err, -ENOMEM, "no memory for the proxy");
	}
	egress->control_fd = options->control_fd;
	egress->context.loop = loop;
	egress->context.limits = *options->limits;
	egress->context.notify = handle_notify;
	egress->context.notify_data = egress;
	loop_timer_init(loop, &egress->context.reaper, handle_reaper, &egress->context);
	buffer_init(&egress->outbox, OUTBOX_MAX_BYTES);
	fit_limits(&egress->context.limits);
	int code = start(egress, options, err);
	if (code < 0) {
		egress_destroy(egress);
		return code;
	}
	*ret_egress = egress;
	return 0;
}

void egress_destroy(struct egress *egress)
{
	if (!egress) {
		return;
	}
	while (egress->sessions) {
		remove_session(egress, egress->sessions);
	}
	loop_timer_disarm(&egress->context.reaper);
	connection_reap(&egress->context);
	resolver_destroy(egress->context.resolver);
	loop_source_remove(&egress->control);
	buffer_finish(&egress->outbox);
	free(egress);
}
