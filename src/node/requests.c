#include "node/requests.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/utf8.h"

static void refuse(struct connection *connection, uint32_t number, enum wire_reason reason,
		const char *sentence)
{
	char detail[WIRE_REFUSED_DETAIL_MAX_BYTES + 1];
	utf8_copy(detail, sizeof(detail), sentence, strlen(sentence));
	const struct wire_refused refused = {.request = number,
			.reason = (uint16_t)reason,
			.detail = wire_string_from(detail)};
	uint8_t bytes[WIRE_REFUSED_MAX_BYTES];
	long len = wire_refused_encode(&refused, bytes, sizeof(bytes));
	if (len > 0) {
		connection_send(connection, bytes, (size_t)len);
	}
}

static void send_done(struct connection *connection, uint32_t number)
{
	const struct wire_done done = {.request = number};
	uint8_t bytes[WIRE_DONE_MAX_BYTES];
	long len = wire_done_encode(&done, bytes, sizeof(bytes));
	connection_send(connection, bytes, (size_t)len);
}

/* Remembers a request to be answered later. */
static int remember(struct node *node, const struct connection *connection, enum request_kind kind,
		uint32_t number, const char *session)
{
	struct request *request = node->request_count < NODE_REQUESTS_MAX
			? calloc(1, sizeof(*request))
			: NULL;
	if (!request) {
		return -ENOMEM;
	}
	request->kind = kind;
	request->connection = connection->number;
	request->number = number;
	memcpy(request->session, session, strlen(session) + 1);
	struct request **end = &node->requests;
	while (*end) {
		end = &(*end)->next;
	}
	*end = request;
	node->request_count++;
	return 0;
}

static void forget(struct node *node, struct request **at)
{
	struct request *request = *at;
	*at = request->next;
	node->request_count--;
	free(request);
}

void requests_drop_orphans(struct node *node)
{
	struct request **at = &node->requests;
	while (*at) {
		if (server_find(&node->server, (*at)->connection)) {
			at = &(*at)->next;
		} else {
			forget(node, at);
		}
	}
}

unsigned requests_waiting_claims(const struct node *node)
{
	unsigned count = 0;
	for (const struct request *request = node->requests; request; request = request->next) {
		count += request->kind == REQUEST_CLAIM;
	}
	return count;
}

/* The connection of the claim that has waited longest, which is then forgotten; NULL when none
 * waits whose gateway is still there. */
static struct connection *next_claim(struct node *node, uint32_t *ret_number)
{
	struct request **at = &node->requests;
	while (*at) {
		if ((*at)->kind != REQUEST_CLAIM) {
			at = &(*at)->next;
			continue;
		}
		struct connection *connection = server_find(&node->server, (*at)->connection);
		*ret_number = (*at)->number;
		forget(node, at);
		if (connection) {
			return connection;
		}
	}
	return NULL;
}

static void give(struct connection *connection, uint32_t number, struct session *session)
{
	struct error err = {0};
	if (session_claim(session, &err) < 0) {
		refuse(connection, number, WIRE_REASON_FAILED, err.text);
		return;
	}
	const struct wire_claimed claimed = {.request = number,
			.session = wire_string_from(session->id),
			.token = {.bytes = session->token, .len = SESSION_TOKEN_CHARS}};
	uint8_t bytes[WIRE_CLAIMED_MAX_BYTES];
	long len = wire_claimed_encode(&claimed, bytes, sizeof(bytes));
	connection_send(connection, bytes, (size_t)len);
	explicit_bzero(bytes, sizeof(bytes));
}

void requests_session_ready(struct node *node, struct session *session)
{
	uint32_t number;
	struct connection *connection = next_claim(node, &number);
	if (connection) {
		give(connection, number, session);
	}
}

void requests_start_failed(struct node *node, const char *why)
{
	uint32_t number;
	struct connection *connection = next_claim(node, &number);
	if (connection) {
		refuse(connection, number, WIRE_REASON_FAILED, why);
	}
}

static void claim(struct node *node, struct connection *connection, uint32_t number)
{
	struct pool_counts counts;
	char sentence[128];
	requests_drop_orphans(node);
	node_count(node, &counts);
	if (node->is_stopping) {
		refuse(connection, number, WIRE_REASON_SHUTDOWN, "the node is going down");
		return;
	}
	switch (pool_claim(&counts)) {
	case POOL_CLAIM_WARM:
		give(connection, number, node_warm_session(node));
		break;
	case POOL_CLAIM_WAIT:
		if (remember(node, connection, REQUEST_CLAIM, number, "") < 0) {
			refuse(connection, number, WIRE_REASON_FULL,
					"too many requests wait at this node");
		}
		break;
	case POOL_CLAIM_FULL:
		snprintf(sentence, sizeof(sentence),
				"all %u sessions of this node are in use (setting sessions)",
				counts.capacity);
		refuse(connection, number, WIRE_REASON_FULL, sentence);
		break;
	}
	node_fill(node);
}

/* Of one that nobody was given only the administrator may speak. */
static void end(struct node *node, struct connection *connection, const struct peer_event *event)
{
	bool is_kill = event->kind == PEER_EVENT_KILL;
	struct session *session = node_find_session(node, event->session);
	if (!session || (!is_kill && !session->was_claimed)) {
		refuse(connection, event->request, WIRE_REASON_UNKNOWN_SESSION,
				"this node holds no such session");
		return;
	}
	if (remember(node, connection, REQUEST_END, event->request, session->id) < 0) {
		refuse(connection, event->request, WIRE_REASON_FULL,
				"too many requests wait at this node");
		return;
	}
	session_end(session, is_kill ? WIRE_REASON_KILLED : WIRE_REASON_CLOSED,
			is_kill ? "the administrator ended it" : "its user ended it");
}

void requests_session_gone(struct node *node, const struct session *session)
{
	if (session->was_claimed) {
		const struct wire_ended ended = {.session = wire_string_from(session->id),
				.reason = (uint16_t)session->reason};
		uint8_t bytes[WIRE_ENDED_MAX_BYTES];
		long len = wire_ended_encode(&ended, bytes, sizeof(bytes));
		server_broadcast(&node->server, bytes, (size_t)len);
	}
	struct request **at = &node->requests;
	while (*at) {
		if ((*at)->kind != REQUEST_END || strcmp((*at)->session, session->id) != 0) {
			at = &(*at)->next;
			continue;
		}
		struct connection *connection = server_find(&node->server, (*at)->connection);
		if (connection) {
			send_done(connection, (*at)->number);
		}
		forget(node, at);
	}
}

static void send_process(struct connection *connection, uint32_t number, const char *session,
		enum wire_program program, pid_t pid)
{
	const struct wire_session_process process = {.request = number,
			.session = wire_string_from(session),
			.program = (uint8_t)program,
			.pid = (uint32_t)pid};
	uint8_t bytes[WIRE_SESSION_PROCESS_MAX_BYTES];
	long len = wire_session_process_encode(&process, bytes, sizeof(bytes));
	if (pid > 0) {
		connection_send(connection, bytes, (size_t)len);
	}
}

static void send_session(
		struct connection *connection, uint32_t number, const struct session *session)
{
	struct wire_session_status status = {.request = number,
			.session = wire_string_from(session->id),
			.state = (uint8_t)session_state(session),
			.started_at = session->started_at};
	pid_t *pids = NULL;
	size_t count = 0;
	if (session->container) {
		container_memory_bytes(session->container, &status.memory_bytes, NULL);
		container_pids(session->container, &pids, &count, NULL);
	}
	uint8_t bytes[WIRE_SESSION_STATUS_MAX_BYTES];
	long len = wire_session_status_encode(&status, bytes, sizeof(bytes));
	connection_send(connection, bytes, (size_t)len);
	send_process(connection, number, session->id, WIRE_PROGRAM_COMPOSITOR,
			session->compositor.pid);
	send_process(connection, number, session->id, WIRE_PROGRAM_ENCODER, session->encoder.pid);
	for (size_t i = 0; i < count; i++) {
		send_process(connection, number, session->id,
				session->is_browser_running ? WIRE_PROGRAM_BROWSER
							    : WIRE_PROGRAM_RUNTIME,
				pids[i]);
	}
	free(pids);
}

static void status(struct node *node, struct connection *connection, uint32_t number)
{
	for (unsigned slot = 0; slot < node->slots.count; slot++) {
		if (node->sessions[slot] && connection->fd >= 0) {
			send_session(connection, number, node->sessions[slot]);
		}
	}
	send_done(connection, number);
}

/* The connection leaves the node: to the encoder, or, refused, altogether. The answer goes out
 * first, because afterwards two processes would write. */
static void attach(struct node *node, struct connection *connection, const struct peer_event *event)
{
	struct session *session = node_find_session(node, event->session);
	if (!session || !session_token_is(session, event->token)) {
		refuse(connection, 0, WIRE_REASON_UNKNOWN_SESSION,
				"this node holds no such session");
		connection_close(connection);
		return;
	}
	const struct wire_attached_stream attached = {0};
	uint8_t bytes[WIRE_ATTACHED_STREAM_MAX_BYTES];
	long len = wire_attached_stream_encode(&attached, bytes, sizeof(bytes));
	connection_send(connection, bytes, (size_t)len);
	if (connection->fd < 0 || !connection_is_flushed(connection)) {
		connection_close(connection);
		return;
	}
	int code = session_attach(session, connection->fd);
	if (code < 0) {
		log_warning("session %s: its encoder does not take a client (error %d)",
				session->id, -code);
	}
	connection_close(connection);
}

static void welcome(struct node *node, struct connection *connection)
{
	const struct wire_node_welcome message = {
			.version = WIRE_VERSION, .capacity = node->slots.count};
	uint8_t bytes[WIRE_NODE_WELCOME_MAX_BYTES];
	long len = wire_node_welcome_encode(&message, bytes, sizeof(bytes));
	connection_send(connection, bytes, (size_t)len);
}

void requests_handle(void *data, struct connection *connection, const struct peer_event *event)
{
	struct node *node = data;
	switch (event->kind) {
	case PEER_EVENT_NONE:
		break;
	case PEER_EVENT_WELCOME:
		welcome(node, connection);
		break;
	case PEER_EVENT_CLAIM:
		claim(node, connection, event->request);
		break;
	case PEER_EVENT_RELEASE:
	case PEER_EVENT_KILL:
		end(node, connection, event);
		break;
	case PEER_EVENT_STATUS:
		status(node, connection, event->request);
		break;
	case PEER_EVENT_ATTACH:
		attach(node, connection, event);
		break;
	}
}

void requests_send_notice(struct node *node, const struct wire_egress_notice *notice)
{
	const struct wire_session_notice message = {
			.session = notice->session, .code = notice->code, .detail = notice->host};
	uint8_t bytes[WIRE_SESSION_NOTICE_MAX_BYTES];
	long len = wire_session_notice_encode(&message, bytes, sizeof(bytes));
	if (len > 0) {
		server_broadcast(&node->server, bytes, (size_t)len);
	}
}

void requests_finish(struct node *node)
{
	while (node->requests) {
		forget(node, &node->requests);
	}
}
