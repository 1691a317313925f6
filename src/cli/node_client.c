#include "cli/node_client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"

#define NODE_TIMEOUT_S 5
#define NODE_PROCESSES_MAX 4096

const char *node_state_name(uint8_t state)
{
	static const char *const names[] = {
			"starting", "warm", "attached", "disconnected", "ending"};
	return state < ARRAY_LENGTH(names) ? names[state] : "unknown";
}

const char *node_program_name(uint8_t program)
{
	static const char *const names[] = {"compositor", "encoder", "browser", "runtime"};
	return program < ARRAY_LENGTH(names) ? names[program] : "unknown";
}

static int send_message(int fd, const uint8_t *message, long len, struct error *err)
{
	uint8_t bytes[WIRE_LENGTH_BYTES + 256];
	if (len < 0 || (size_t)len > sizeof(bytes) - WIRE_LENGTH_BYTES) {
		return error_set(err, -EINVAL, "the request to the node is too long");
	}
	wire_put_length(bytes, (size_t)len);
	memcpy(bytes + WIRE_LENGTH_BYTES, message, (size_t)len);
	size_t total = WIRE_LENGTH_BYTES + (size_t)len;
	if (send(fd, bytes, total, MSG_NOSIGNAL) != (ssize_t)total) {
		return error_set_errno(err, "cannot ask the node");
	}
	return 0;
}

static int receive_exactly(int fd, uint8_t *bytes, size_t len, struct error *err)
{
	while (len) {
		ssize_t got = recv(fd, bytes, len, 0);
		if (got <= 0) {
			errno = got == 0 ? ECONNRESET : errno == EAGAIN ? ETIMEDOUT : errno;
			return error_set_errno(err, "the node gave no answer");
		}
		bytes += got;
		len -= (size_t)got;
	}
	return 0;
}

/* Reads one message into bytes of WIRE_SHORT_MAX_BYTES; returns its length. */
static long receive_message(int fd, uint8_t *bytes, struct error *err)
{
	uint8_t head[WIRE_LENGTH_BYTES];
	int code = receive_exactly(fd, head, sizeof(head), err);
	if (code < 0) {
		return code;
	}
	uint32_t len = (uint32_t)head[0] | (uint32_t)head[1] << 8 | (uint32_t)head[2] << 16 |
			(uint32_t)head[3] << 24;
	if (len == 0 || len > WIRE_SHORT_MAX_BYTES) {
		return error_set(err, -EBADMSG, "the node's answer has a bad length");
	}
	code = receive_exactly(fd, bytes, len, err);
	if (code == 0 && wire_node_check(bytes, len) < 0) {
		code = error_set(err, -EBADMSG, "the node's answer is not of this protocol");
	}
	return code < 0 ? code : (long)len;
}

static int connect_to_node(
		const struct cli *cli, int *ret_fd, uint32_t *ret_capacity, struct error *err)
{
	char path[CLI_PATH_BYTES];
	cli_run_path(cli, "node.sock", path);
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof(address.sun_path)) {
		return error_set(err, -ENAMETOOLONG, "the path %.200s is too long for a socket",
				path);
	}
	memcpy(address.sun_path, path, strlen(path) + 1);
	CLEANUP_CLOSE int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct timeval limit = {.tv_sec = NODE_TIMEOUT_S};
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) < 0 ||
			setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) < 0) {
		return error_set_errno(err, "cannot make a socket");
	}
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		return error_set_errno(err, "cannot reach the node at %s; is Safeweb up?", path);
	}
	uint8_t bytes[WIRE_SHORT_MAX_BYTES];
	struct wire_node_hello hello = {.version = WIRE_VERSION};
	int code = send_message(
			fd, bytes, wire_node_hello_encode(&hello, bytes, sizeof(bytes)), err);
	long len = code < 0 ? code : receive_message(fd, bytes, err);
	if (len < 0) {
		return (int)len;
	}
	struct wire_node_welcome welcome;
	if (wire_node_welcome_decode(bytes, (size_t)len, &welcome) < 0 ||
			welcome.version != WIRE_VERSION) {
		return error_set(err, -EPROTO, "the node speaks another version of the protocol");
	}
	*ret_capacity = welcome.capacity;
	*ret_fd = steal_fd(&fd);
	return 0;
}

static int add_session(struct node_status *status, const struct wire_session_status *row)
{
	if (status->count >= NODE_SESSIONS_MAX) {
		return -E2BIG;
	}
	struct node_session *grown =
			realloc(status->sessions, (status->count + 1) * sizeof(*grown));
	if (!grown) {
		return -ENOMEM;
	}
	status->sessions = grown;
	struct node_session *session = &grown[status->count++];
	*session = (struct node_session){
			.state = row->state,
			.started_at = row->started_at,
			.memory_bytes = row->memory_bytes,
	};
	wire_string_copy(row->session, session->id, sizeof(session->id));
	return 0;
}

/* Rows of a session follow its session_status row. */
static int add_process(struct node_status *status, const struct wire_session_process *row)
{
	for (size_t i = 0; i < status->count; i++) {
		struct node_session *session = &status->sessions[i];
		if (strlen(session->id) != row->session.len ||
				memcmp(session->id, row->session.bytes, row->session.len) != 0) {
			continue;
		}
		if (session->process_count >= NODE_PROCESSES_MAX) {
			return -E2BIG;
		}
		struct node_process *grown = realloc(
				session->processes, (session->process_count + 1) * sizeof(*grown));
		if (!grown) {
			return -ENOMEM;
		}
		session->processes = grown;
		grown[session->process_count++] = (struct node_process){row->program, row->pid};
		return 0;
	}
	return -EBADMSG;
}

/* 1 at the end of the listing. */
static int take_status_row(struct node_status *status, const uint8_t *bytes, size_t len)
{
	struct wire_session_status session;
	struct wire_session_process process;
	if (wire_session_status_decode(bytes, len, &session) == 0) {
		return add_session(status, &session);
	}
	if (wire_session_process_decode(bytes, len, &process) == 0) {
		return add_process(status, &process);
	}
	return bytes[0] == WIRE_DONE ? 1 : 0;
}

int node_read_status(const struct cli *cli, struct node_status *ret_status, struct error *err)
{
	struct node_status status = {0};
	CLEANUP_CLOSE int fd = -1;
	int code = connect_to_node(cli, &fd, &status.capacity, err);
	if (code < 0) {
		return code;
	}
	uint8_t bytes[WIRE_SHORT_MAX_BYTES];
	struct wire_status request = {.request = 1};
	code = send_message(fd, bytes, wire_status_encode(&request, bytes, sizeof(bytes)), err);
	while (code == 0) {
		long len = receive_message(fd, bytes, err);
		code = len < 0 ? (int)len : take_status_row(&status, bytes, (size_t)len);
		if (code < 0 && len >= 0) {
			error_set(err, code, "the node's listing makes no sense");
		}
	}
	if (code < 0) {
		node_status_finish(&status);
		return code;
	}
	*ret_status = status;
	return 0;
}

void node_status_finish(struct node_status *status)
{
	for (size_t i = 0; i < status->count; i++) {
		free(status->sessions[i].processes);
	}
	free(status->sessions);
	*status = (struct node_status){0};
}

int node_kill_session(const struct cli *cli, const char *id, struct error *err)
{
	CLEANUP_CLOSE int fd = -1;
	uint32_t capacity;
	int code = connect_to_node(cli, &fd, &capacity, err);
	if (code < 0) {
		return code;
	}
	uint8_t bytes[WIRE_SHORT_MAX_BYTES];
	struct wire_kill request = {.request = 1, .session = wire_string_from(id)};
	long len = wire_kill_encode(&request, bytes, sizeof(bytes));
	if (len < 0) {
		return error_set(err, -ENOENT, "there is no session \"%.40s\"", id);
	}
	code = send_message(fd, bytes, len, err);
	while (code == 0) {
		len = receive_message(fd, bytes, err);
		if (len < 0) {
			return (int)len;
		}
		if (bytes[0] == WIRE_DONE) {
			return 0;
		}
		if (bytes[0] == WIRE_REFUSED) {
			return error_set(err, -ENOENT,
					"there is no session \"%.40s\"; `safeweb session list` "
					"shows them",
					id);
		}
	}
	return code;
}
