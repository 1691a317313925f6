#include "egress/dial.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include "base/cleanup.h"

static void drop_attempt(struct dial *dial)
{
	loop_timer_disarm(&dial->timer);
	loop_source_remove(&dial->source);
	cleanup_close(&dial->fd);
}

void dial_finish(struct dial *dial)
{
	drop_attempt(dial);
}

/* A connected datagram socket sends nothing, but shows the route: only this machine's own addresses
 * are reached from themselves. */
static bool is_own_now(const struct address *address, uint16_t port)
{
	struct sockaddr_storage to;
	struct sockaddr_storage from;
	socklen_t from_len = sizeof(from);
	socklen_t to_len = address_to_sockaddr(address, port, &to);
	CLEANUP_CLOSE int fd = socket(to.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct address source;
	return fd >= 0 && connect(fd, (struct sockaddr *)&to, to_len) == 0 &&
			getsockname(fd, (struct sockaddr *)&from, &from_len) == 0 &&
			address_from_sockaddr((struct sockaddr *)&from, &source) == 0 &&
			address_equal(&source, address);
}

static bool is_refused_own(const struct dial *dial, const struct address *address)
{
	if (!dial->policy || !is_own_now(address, dial->port)) {
		return false;
	}
	/* The policy decides again, knowing what it could not know at the start. */
	return !policy_opens_own(dial->policy, address, dial->port);
}

static void try_next(struct dial *dial);

static void handle_connected(struct loop_source *source, uint32_t events)
{
	(void)events;
	struct dial *dial = source->data;
	int problem = 0;
	socklen_t len = sizeof(problem);
	if (getsockopt(dial->fd, SOL_SOCKET, SO_ERROR, &problem, &len) < 0) {
		problem = errno;
	}
	if (problem == 0) {
		int fd = steal_fd(&dial->fd);
		drop_attempt(dial);
		dial->handle(dial, fd);
		return;
	}
	dial->last_error = -problem;
	dial->at++;
	try_next(dial);
}

static void handle_timeout(struct loop_timer *timer)
{
	struct dial *dial = timer->data;
	dial->last_error = -ETIMEDOUT;
	dial->at++;
	try_next(dial);
}

static int start_attempt(struct dial *dial, const struct address *address)
{
	struct sockaddr_storage to;
	socklen_t to_len = address_to_sockaddr(address, dial->port, &to);
	if (is_refused_own(dial, address)) {
		return -EACCES;
	}
	dial->fd = socket(to.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (dial->fd < 0) {
		return -errno;
	}
	int on = 1;
	setsockopt(dial->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (connect(dial->fd, (struct sockaddr *)&to, to_len) < 0 && errno != EINPROGRESS) {
		return -errno;
	}
	int code = loop_source_add(
			dial->loop, &dial->source, dial->fd, EPOLLOUT, handle_connected, dial);
	if (code < 0) {
		return code;
	}
	loop_timer_arm(&dial->timer, dial->address_timeout_ms);
	return 0;
}

static void try_next(struct dial *dial)
{
	drop_attempt(dial);
	for (; dial->at < dial->count; dial->at++) {
		int code = start_attempt(dial, &dial->addresses[dial->at]);
		if (code == 0) {
			return;
		}
		dial->last_error = code;
		drop_attempt(dial);
	}
	dial->handle(dial, dial->last_error);
}

void dial_init(struct dial *dial, struct loop *loop, uint64_t address_timeout_ms,
		dial_handler handle, void *data)
{
	dial->loop = loop;
	dial->address_timeout_ms = address_timeout_ms;
	dial->handle = handle;
	dial->data = data;
	dial->fd = -1;
	dial->count = 0;
	loop_timer_init(loop, &dial->timer, handle_timeout, dial);
}

void dial_start(struct dial *dial, const struct policy *policy, uint16_t port)
{
	dial->policy = policy;
	dial->port = port;
	dial->at = 0;
	dial->last_error = -EHOSTUNREACH;
	try_next(dial);
}
