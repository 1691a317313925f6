#include "gateway/node_link.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/log.h"

#define RETRY_FIRST_MS 100
#define RETRY_LAST_MS 2000
/* Sessions that a node may say it holds. */
#define STATUS_SESSIONS_MAX 16384
#define READ_CHUNK_BYTES (16 * 1024)
#define OUT_MAX_BYTES (256 * 1024)

enum link_state { LINK_DOWN, LINK_HELLO, LINK_STATUS, LINK_READY };
enum request_kind { REQUEST_FREE, REQUEST_CLAIM, REQUEST_END, REQUEST_STATUS };

struct node_request {
	enum request_kind kind;
	uint32_t number;
	uint64_t due_ms;
	node_answer_handler handler;
	void *data;
};

struct node_link {
	struct loop *loop;
	char path[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
	const struct node_events *events;
	void *data;
	enum link_state state;
	int fd;
	struct loop_source source;
	struct loop_timer timer; /* next connection, or the earliest request's time limit */
	uint64_t retry_ms;
	bool was_told; /* that it is not reachable */
	struct buffer in;
	struct buffer out;
	uint32_t next_number;
	struct node_request requests[NODE_REQUESTS_MAX];
	char (*sessions)[STORE_SESSION_BYTES]; /* collected from a status listing */
	size_t session_count;
	size_t session_size;
};

int node_dial(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t len = strlen(path);
	if (len >= sizeof(address.sun_path)) {
		return -ENAMETOOLONG;
	}
	memcpy(address.sun_path, path, len);
	CLEANUP_CLOSE int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0) {
		return -errno;
	}
	return steal_fd(&fd);
}

bool node_session_is_valid(struct wire_string session)
{
	if (session.len != STORE_SESSION_BYTES - 1) {
		return false;
	}
	for (size_t i = 0; i < session.len; i++) {
		char c = session.bytes[i];
		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) {
			return false;
		}
	}
	return true;
}

bool node_link_is_ready(const struct node_link *link)
{
	return link->state == LINK_READY;
}

/* ---- requests ---- */

static void answer(struct node_request *request, const struct node_answer *answer)
{
	struct node_request done = *request;
	*request = (struct node_request){0};
	if (done.handler) {
		done.handler(done.data, answer);
	}
}

static void arm_timer(struct node_link *link)
{
	uint64_t earliest = 0;
	for (size_t i = 0; i < NODE_REQUESTS_MAX; i++) {
		const struct node_request *request = &link->requests[i];
		if (request->kind != REQUEST_FREE && (!earliest || request->due_ms < earliest)) {
			earliest = request->due_ms;
		}
	}
	uint64_t now = clock_now_ms();
	if (earliest) {
		loop_timer_arm(&link->timer, earliest > now ? earliest - now : 0);
	} else {
		loop_timer_disarm(&link->timer);
	}
}

static struct node_request *find_request(struct node_link *link, uint32_t number)
{
	for (size_t i = 0; i < NODE_REQUESTS_MAX; i++) {
		struct node_request *request = &link->requests[i];
		if (request->kind != REQUEST_FREE && request->number == number) {
			return request;
		}
	}
	return NULL;
}

static void fail_requests(struct node_link *link, int code)
{
	struct node_answer failed = {.code = code};
	for (size_t i = 0; i < NODE_REQUESTS_MAX; i++) {
		if (link->requests[i].kind != REQUEST_FREE) {
			answer(&link->requests[i], &failed);
		}
	}
}

static struct node_request *add_request(struct node_link *link, enum request_kind kind,
		node_answer_handler handler, void *data)
{
	for (size_t i = 0; i < NODE_REQUESTS_MAX; i++) {
		struct node_request *request = &link->requests[i];
		if (request->kind != REQUEST_FREE) {
			continue;
		}
		*request = (struct node_request){
				.kind = kind,
				.number = ++link->next_number,
				.due_ms = clock_now_ms() + NODE_REQUEST_TIMEOUT_MS,
				.handler = handler,
				.data = data,
		};
		return request;
	}
	return NULL;
}

/* ---- the connection ---- */

static void flush_out(struct node_link *link)
{
	while (buffer_length(&link->out) > 0) {
		ssize_t sent = send(link->fd, buffer_head(&link->out), buffer_length(&link->out),
				MSG_NOSIGNAL | MSG_DONTWAIT);
		if (sent < 0) {
			/* Another failure shows as a hang-up. */
			break;
		}
		buffer_consume(&link->out, (size_t)sent);
	}
	loop_source_update(&link->source,
			buffer_length(&link->out) > 0 ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

/* Sends a message of len bytes that begins WIRE_LENGTH_BYTES into bytes. */
static int send_message(struct node_link *link, uint8_t *bytes, long len)
{
	assert(len > 0);
	wire_put_length(bytes, (size_t)len);
	int code = buffer_append(&link->out, bytes, WIRE_LENGTH_BYTES + (size_t)len);
	if (code == 0) {
		flush_out(link);
	}
	return code;
}

static void disconnect(struct node_link *link, const char *why)
{
	if (link->fd >= 0) {
		loop_source_remove(&link->source);
		close(link->fd);
		link->fd = -1;
	}
	if (!link->was_told) {
		log_warning("the node at %s is not reachable: %s", link->path, why);
		link->was_told = true;
	}
	link->state = LINK_DOWN;
	buffer_consume(&link->in, buffer_length(&link->in));
	buffer_consume(&link->out, buffer_length(&link->out));
	fail_requests(link, -ENOTCONN);
	loop_timer_arm(&link->timer, link->retry_ms);
	link->retry_ms = link->retry_ms * 2 < RETRY_LAST_MS ? link->retry_ms * 2 : RETRY_LAST_MS;
}

static int handle_welcome(struct node_link *link, const uint8_t *bytes, size_t len)
{
	struct wire_node_welcome welcome;
	if (wire_node_welcome_decode(bytes, len, &welcome) < 0 || welcome.version != WIRE_VERSION) {
		return -EBADMSG;
	}
	struct node_request *request = add_request(link, REQUEST_STATUS, NULL, NULL);
	if (!request) {
		return -EBUSY;
	}
	uint8_t out[WIRE_LENGTH_BYTES + WIRE_STATUS_MAX_BYTES];
	struct wire_status status = {.request = request->number};
	link->state = LINK_STATUS;
	link->session_count = 0;
	arm_timer(link);
	return send_message(link, out,
			wire_status_encode(&status, out + WIRE_LENGTH_BYTES,
					sizeof(out) - WIRE_LENGTH_BYTES));
}

static int handle_claimed(struct node_link *link, const uint8_t *bytes, size_t len)
{
	struct wire_claimed claimed;
	if (wire_claimed_decode(bytes, len, &claimed) < 0 ||
			!node_session_is_valid(claimed.session) || claimed.token.len == 0) {
		return -EBADMSG;
	}
	struct node_answer good = {0};
	wire_string_copy(claimed.session, good.session, sizeof(good.session));
	wire_string_copy(claimed.token, good.token, sizeof(good.token));
	struct node_request *request = find_request(link, claimed.request);
	if (request && request->kind == REQUEST_CLAIM) {
		answer(request, &good);
	} else {
		/* It came too late for anybody. */
		node_release(link, good.session, NULL, NULL);
	}
	return 0;
}

static int handle_refused(struct node_link *link, const uint8_t *bytes, size_t len)
{
	struct wire_refused refused;
	if (wire_refused_decode(bytes, len, &refused) < 0) {
		return -EBADMSG;
	}
	struct node_request *request = find_request(link, refused.request);
	if (request && request->kind == REQUEST_STATUS) {
		return -EBADMSG;
	}
	if (request) {
		struct node_answer failed = {.code = -EREMOTEIO, .reason = refused.reason};
		answer(request, &failed);
	}
	return 0;
}

static int handle_session_status(struct node_link *link, const uint8_t *bytes, size_t len)
{
	struct wire_session_status status;
	if (wire_session_status_decode(bytes, len, &status) < 0 ||
			!node_session_is_valid(status.session)) {
		return -EBADMSG;
	}
	if (link->state != LINK_STATUS) {
		return 0;
	}
	if (link->session_count == STATUS_SESSIONS_MAX) {
		return -EBADMSG;
	}
	if (link->session_count == link->session_size) {
		size_t size = link->session_size ? 2 * link->session_size : 64;
		void *grown = reallocarray(link->sessions, size, sizeof(*link->sessions));
		if (!grown) {
			return -ENOMEM;
		}
		link->sessions = grown;
		link->session_size = size;
	}
	wire_string_copy(
			status.session, link->sessions[link->session_count++], STORE_SESSION_BYTES);
	return 0;
}

static int handle_done(struct node_link *link, const uint8_t *bytes, size_t len)
{
	struct wire_done done;
	if (wire_done_decode(bytes, len, &done) < 0) {
		return -EBADMSG;
	}
	struct node_request *request = find_request(link, done.request);
	if (!request || request->kind == REQUEST_CLAIM) {
		return request ? -EBADMSG : 0;
	}
	bool was_status = request->kind == REQUEST_STATUS;
	struct node_answer good = {0};
	answer(request, &good);
	if (was_status && link->state == LINK_STATUS) {
		link->state = LINK_READY;
		link->retry_ms = RETRY_FIRST_MS;
		link->was_told = false;
		log_info("connected to the node at %s", link->path);
		link->events->ready(link->data, (const char(*)[STORE_SESSION_BYTES])link->sessions,
				link->session_count);
	}
	return 0;
}

static int handle_ended(struct node_link *link, const uint8_t *bytes, size_t len)
{
	struct wire_ended ended;
	if (wire_ended_decode(bytes, len, &ended) < 0 || !node_session_is_valid(ended.session)) {
		return -EBADMSG;
	}
	char session[STORE_SESSION_BYTES];
	wire_string_copy(ended.session, session, sizeof(session));
	link->events->ended(link->data, session, ended.reason);
	return 0;
}

static int handle_notice(struct node_link *link, const uint8_t *bytes, size_t len)
{
	struct wire_session_notice notice;
	if (wire_session_notice_decode(bytes, len, &notice) < 0 ||
			!node_session_is_valid(notice.session)) {
		return -EBADMSG;
	}
	char session[STORE_SESSION_BYTES];
	wire_string_copy(notice.session, session, sizeof(session));
	link->events->notice(link->data, session, notice.code, notice.detail);
	return 0;
}

static int handle_message(struct node_link *link, const uint8_t *bytes, size_t len)
{
	if (wire_node_check(bytes, len) < 0 ||
			(link->state == LINK_HELLO) != (bytes[0] == WIRE_NODE_WELCOME)) {
		return -EBADMSG;
	}
	switch (bytes[0]) {
	case WIRE_NODE_WELCOME:
		return handle_welcome(link, bytes, len);
	case WIRE_CLAIMED:
		return handle_claimed(link, bytes, len);
	case WIRE_REFUSED:
		return handle_refused(link, bytes, len);
	case WIRE_ENDED:
		return handle_ended(link, bytes, len);
	case WIRE_SESSION_STATUS:
		return handle_session_status(link, bytes, len);
	case WIRE_DONE:
		return handle_done(link, bytes, len);
	case WIRE_SESSION_NOTICE:
		return handle_notice(link, bytes, len);
	case WIRE_SESSION_PROCESS:
		return 0;
	default: /* attached_stream belongs to other connections */
		return -EBADMSG;
	}
}

/* Handles whole messages; 0, or a negative errno that ends the connection. */
static int handle_input(struct node_link *link)
{
	const uint8_t *message;
	long len;
	while ((len = wire_stream_next(buffer_head(&link->in), buffer_length(&link->in),
				WIRE_SHORT_MAX_BYTES, &message)) > 0) {
		int code = handle_message(link, message, (size_t)len);
		if (code < 0) {
			return code;
		}
		buffer_consume(&link->in, WIRE_LENGTH_BYTES + (size_t)len);
	}
	return len < 0 ? -EBADMSG : 0;
}

/* Reads once, so that a flood does not keep others waiting. */
static void handle_readable(struct node_link *link)
{
	uint8_t *room = buffer_reserve(&link->in, READ_CHUNK_BYTES);
	if (!room) {
		disconnect(link, "no memory");
		return;
	}
	ssize_t got = recv(link->fd, room, READ_CHUNK_BYTES, MSG_DONTWAIT);
	if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
		return;
	}
	if (got <= 0) {
		disconnect(link, got < 0 ? strerror(errno) : "it closed the connection");
		return;
	}
	buffer_commit(&link->in, (size_t)got);
	int code = handle_input(link);
	if (code < 0) {
		log_error("the node at %s broke the protocol", link->path);
		disconnect(link, "it broke the protocol");
	} else {
		arm_timer(link);
	}
}

static void handle_events(struct loop_source *source, uint32_t events)
{
	struct node_link *link = source->data;
	if (events & EPOLLOUT) {
		flush_out(link);
	}
	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
		handle_readable(link);
	}
}

static void connect_node(struct node_link *link)
{
	link->fd = node_dial(link->path);
	if (link->fd < 0) {
		int code = link->fd;
		link->fd = -1;
		disconnect(link, strerror(-code));
		return;
	}
	link->state = LINK_HELLO;
	loop_source_add(link->loop, &link->source, link->fd, EPOLLIN, handle_events, link);
	loop_timer_arm(&link->timer, NODE_REQUEST_TIMEOUT_MS);
	uint8_t out[WIRE_LENGTH_BYTES + WIRE_NODE_HELLO_MAX_BYTES];
	struct wire_node_hello hello = {.version = WIRE_VERSION};
	send_message(link, out,
			wire_node_hello_encode(&hello, out + WIRE_LENGTH_BYTES,
					sizeof(out) - WIRE_LENGTH_BYTES));
}

static void expire_requests(struct node_link *link)
{
	struct node_answer failed = {.code = -ETIMEDOUT};
	uint64_t now = clock_now_ms();
	for (size_t i = 0; i < NODE_REQUESTS_MAX; i++) {
		struct node_request *request = &link->requests[i];
		if (request->kind != REQUEST_FREE && request->due_ms <= now) {
			answer(request, &failed);
		}
	}
	arm_timer(link);
}

static void handle_timer(struct loop_timer *timer)
{
	struct node_link *link = timer->data;
	switch (link->state) {
	case LINK_DOWN:
		connect_node(link);
		break;
	case LINK_HELLO:
	case LINK_STATUS:
		disconnect(link, "it does not answer");
		break;
	case LINK_READY:
		expire_requests(link);
		break;
	}
}

/* ---- what the gateway asks ---- */

/* For requests that cannot be sent: answered from the loop, as every other. */
struct refusal {
	struct loop_timer timer;
	struct node_answer answer;
	node_answer_handler handler;
	void *data;
};

static void handle_refusal(struct loop_timer *timer)
{
	struct refusal *refusal = timer->data;
	refusal->handler(refusal->data, &refusal->answer);
	free(refusal);
}

static void refuse(struct node_link *link, int code, node_answer_handler handler, void *data)
{
	struct refusal *refusal = handler ? calloc(1, sizeof(*refusal)) : NULL;
	if (!refusal) {
		return;
	}
	refusal->answer.code = code;
	refusal->handler = handler;
	refusal->data = data;
	loop_timer_init(link->loop, &refusal->timer, handle_refusal, refusal);
	loop_timer_arm(&refusal->timer, 0);
}

static struct node_request *begin_request(struct node_link *link, enum request_kind kind,
		node_answer_handler handler, void *data)
{
	if (link->state != LINK_READY) {
		refuse(link, -ENOTCONN, handler, data);
		return NULL;
	}
	struct node_request *request = add_request(link, kind, handler, data);
	if (!request) {
		refuse(link, -EBUSY, handler, data);
		return NULL;
	}
	arm_timer(link);
	return request;
}

void node_claim(struct node_link *link, node_answer_handler handler, void *data)
{
	struct node_request *request = begin_request(link, REQUEST_CLAIM, handler, data);
	if (request) {
		uint8_t out[WIRE_LENGTH_BYTES + WIRE_CLAIM_MAX_BYTES];
		struct wire_claim claim = {.request = request->number};
		send_message(link, out,
				wire_claim_encode(&claim, out + WIRE_LENGTH_BYTES,
						sizeof(out) - WIRE_LENGTH_BYTES));
	}
}

void node_release(struct node_link *link, const char *session, node_answer_handler handler,
		void *data)
{
	struct node_request *request = begin_request(link, REQUEST_END, handler, data);
	if (request) {
		uint8_t out[WIRE_LENGTH_BYTES + WIRE_RELEASE_MAX_BYTES];
		struct wire_release release = {
				.request = request->number, .session = wire_string_from(session)};
		send_message(link, out,
				wire_release_encode(&release, out + WIRE_LENGTH_BYTES,
						sizeof(out) - WIRE_LENGTH_BYTES));
	}
}

void node_kill(struct node_link *link, const char *session, node_answer_handler handler, void *data)
{
	struct node_request *request = begin_request(link, REQUEST_END, handler, data);
	if (request) {
		uint8_t out[WIRE_LENGTH_BYTES + WIRE_KILL_MAX_BYTES];
		struct wire_kill kill = {
				.request = request->number, .session = wire_string_from(session)};
		send_message(link, out,
				wire_kill_encode(&kill, out + WIRE_LENGTH_BYTES,
						sizeof(out) - WIRE_LENGTH_BYTES));
	}
}

int node_link_create(struct loop *loop, const char *path, const struct node_events *events,
		void *data, struct node_link **ret_link, struct error *err)
{
	struct node_link *link = calloc(1, sizeof(*link));
	if (!link) {
		return error_set(err, -ENOMEM, "no memory for the connection to the node");
	}
	if (strlen(path) >= sizeof(link->path)) {
		free(link);
		return error_set(err, -ENAMETOOLONG,
				"the node's socket %s is longer than %zu bytes: choose a shorter "
				"run "
				"folder",
				path, sizeof(link->path) - 1);
	}
	memcpy(link->path, path, strlen(path));
	link->loop = loop;
	link->events = events;
	link->data = data;
	link->fd = -1;
	link->retry_ms = RETRY_FIRST_MS;
	buffer_init(&link->in, READ_CHUNK_BYTES + WIRE_LENGTH_BYTES + WIRE_SHORT_MAX_BYTES);
	buffer_init(&link->out, OUT_MAX_BYTES);
	loop_timer_init(loop, &link->timer, handle_timer, link);
	connect_node(link);
	*ret_link = link;
	return 0;
}

void node_link_destroy(struct node_link *link)
{
	if (!link) {
		return;
	}
	if (link->fd >= 0) {
		loop_source_remove(&link->source);
		close(link->fd);
	}
	loop_timer_disarm(&link->timer);
	buffer_finish(&link->in);
	buffer_finish(&link->out);
	free(link->sessions);
	free(link);
}
