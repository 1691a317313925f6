/* Browser sessions: claimed from the node, kept in the directory, ended. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "gateway/api.h"
#include "gateway/request.h"
#include "gateway/stream.h"

/* Sessions in a list. */
#define LIST_MAX 200

/* A claim under way. The people who wait for it may leave; its session is theirs anyway. */
struct claim {
	struct gateway *gateway;
	int64_t account;
	char user[STORE_NAME_BYTES];
	char address[STORE_ADDRESS_BYTES];
};

static json_t *session_json(const struct store_session *session)
{
	json_t *json = json_pack("{s:s, s:s, s:s, s:I, s:I}", "id", session->id, "user",
			session->user, "state", session->is_live ? "live" : "ended", "started_at",
			(json_int_t)session->started_at, "expires_at",
			(json_int_t)session->expires_at);
	if (json && !session->is_live) {
		json_object_set_new(json, "ended_at", json_integer(session->ended_at));
		json_object_set_new(json, "reason", json_integer(session->reason));
	}
	return json;
}

static void respond_session(
		struct request *request, const struct store_session *session, bool is_resumed)
{
	respond_json(request, 201,
			json_pack("{s:s, s:s, s:I, s:b}", "id", session->id, "url", "/",
					"expires_at", (json_int_t)session->expires_at, "resumed",
					is_resumed));
}

static void respond_unavailable(struct request *request, const struct node_answer *answer)
{
	bool is_full = answer->code == -EREMOTEIO && answer->reason == WIRE_REASON_FULL;
	request->answer.retry_after_s = is_full ? 30 : 5;
	audit_refused(request->gateway, request->login.user, request->address, NULL,
			is_full ? "full" : "node_unreachable");
	if (is_full) {
		respond_error(request, 503, "full",
				"every session of this machine is in use: try again in half a "
				"minute");
	} else {
		respond_error(request, 503, "node_unreachable",
				"the machine that runs the browsers does not answer: try again in "
				"a few "
				"seconds");
	}
}

static bool take_first(void *data, const struct store_session *session)
{
	*(struct store_session *)data = *session;
	return false;
}

/* 0 with the account's live session, -ENOENT when it has none. */
static int find_live(struct gateway *gateway, int64_t account, struct store_session *ret_session)
{
	struct store_session session = {0};
	struct store_session_filter filter = {.account = account, .live_only = true, .limit = 1};
	struct error err;
	int code = store_session_list(gateway->store, &filter, take_first, &session, &err);
	if (code < 0) {
		log_error("cannot read the session directory: %s", err.text);
		return code;
	}
	if (!session.id[0]) {
		return -ENOENT;
	}
	*ret_session = session;
	return 0;
}

/* Calls answer for each request that waits for the account's claim; there may be several windows.
 */
static void for_waiting(struct claim *claim,
		void (*answer)(struct request *request, const void *data), const void *data)
{
	struct request *next;
	for (struct request *request = claim->gateway->requests; request; request = next) {
		next = request->next;
		if (request->waits_for_claim && request->login.account == claim->account) {
			request->waits_for_claim = false;
			answer(request, data);
		}
	}
}

static void answer_claimed(struct request *request, const void *data)
{
	respond_session(request, data, false);
}

static void answer_unavailable(struct request *request, const void *data)
{
	respond_unavailable(request, data);
}

static int keep_session(struct claim *claim, const struct node_answer *answer,
		struct store_session *ret_session)
{
	struct gateway *gateway = claim->gateway;
	struct store_session session = {
			.account = claim->account, .is_live = true, .started_at = time(NULL)};
	session.expires_at = session.started_at +
			(int64_t)settings_number(&gateway->settings, SETTING_SESSION_TIMEOUT);
	memcpy(session.id, answer->session, sizeof(session.id));
	memcpy(session.token, answer->token, sizeof(session.token));
	memcpy(session.user, claim->user, sizeof(session.user));
	snprintf(session.node, sizeof(session.node), "%s", GATEWAY_NODE_NAME);
	struct error err;
	int code = store_session_add(gateway->store, &session, &err);
	if (code < 0) {
		/* A node that names a session twice, an account that went meanwhile. */
		log_error("a claimed session is given back: %s", err.text);
		node_release(gateway->node, session.id, NULL, NULL);
		return code;
	}
	*ret_session = session;
	return 0;
}

static void handle_claimed(void *data, const struct node_answer *answer)
{
	struct claim *claim = data;
	struct store_session session;
	struct node_answer failed = *answer;
	if (answer->code == 0) {
		failed.code = keep_session(claim, answer, &session);
	}
	if (failed.code == 0) {
		claim->gateway->metrics.sessions_claimed++;
		audit_write(claim->gateway, "session_claimed", claim->user, claim->address,
				session.id, "");
		for_waiting(claim, answer_claimed, &session);
	} else {
		for_waiting(claim, answer_unavailable, &failed);
	}
	free(claim);
}

static bool has_claim_under_way(const struct request *request)
{
	for (const struct request *r = request->gateway->requests; r; r = r->next) {
		if (r != request && r->waits_for_claim &&
				r->login.account == request->login.account) {
			return true;
		}
	}
	return false;
}

static void begin_claim(struct request *request)
{
	struct claim *claim = calloc(1, sizeof(*claim));
	if (!claim) {
		respond_error(request, 503, "busy", "the gateway is short of memory");
		return;
	}
	claim->gateway = request->gateway;
	claim->account = request->login.account;
	memcpy(claim->user, request->login.user, sizeof(claim->user));
	memcpy(claim->address, request->address, sizeof(claim->address));
	request->waits_for_claim = true;
	node_claim(request->gateway->node, handle_claimed, claim);
}

void api_session_open(struct request *request)
{
	struct gateway *gateway = request->gateway;
	struct store_session session;
	if (request->body_len) {
		json_t *body = json_loadb(
				request->body, request->body_len, JSON_REJECT_DUPLICATES, NULL);
		bool is_good = json_is_object(body) && json_object_size(body) == 0;
		json_decref(body);
		if (!is_good) {
			respond_error(request, 400, "bad_request", "the body is {}");
			return;
		}
	}
	if (!node_link_is_ready(gateway->node)) {
		struct node_answer unreachable = {.code = -ENOTCONN};
		respond_unavailable(request, &unreachable);
		return;
	}
	int code = find_live(gateway, request->login.account, &session);
	if (code == 0) {
		respond_session(request, &session, true);
	} else if (code != -ENOENT) {
		respond_error(request, 500, "store",
				"the session directory cannot be read: see the log");
	} else if (has_claim_under_way(request)) {
		request->waits_for_claim = true;
	} else {
		begin_claim(request);
	}
}

static bool append_json(void *data, const struct store_session *session)
{
	return json_array_append_new(data, session_json(session)) == 0;
}

static void list(struct request *request, const struct store_session_filter *filter)
{
	struct error err;
	json_t *rows = json_array();
	if (store_session_list(request->gateway->store, filter, append_json, rows, &err) < 0) {
		json_decref(rows);
		log_error("cannot read the session directory: %s", err.text);
		respond_error(request, 500, "store",
				"the session directory cannot be read: see the log");
		return;
	}
	respond_json(request, 200, json_pack("{s:o}", "sessions", rows));
}

void api_session_list(struct request *request)
{
	struct store_session_filter filter = {.account = request->login.account, .limit = LIST_MAX};
	list(request, &filter);
}

void api_admin_sessions(struct request *request)
{
	struct store_session_filter filter = {.live_only = true};
	list(request, &filter);
}

/* The session that the address names, when the login may see it. Another's looks as if it were not
 * there. */
static bool find_own(struct request *request, bool admin_too, struct store_session *ret_session)
{
	bool is_admin = admin_too && request->login.role == STORE_ADMIN;
	int code = store_session_get(
			request->gateway->store, request->match.session, ret_session, NULL);
	if (code == 0 && (is_admin || ret_session->account == request->login.account)) {
		return true;
	}
	if (code == 0) {
		audit_refused(request->gateway, request->login.user, request->address,
				ret_session->id, "another's session");
	}
	respond_error(request, 404, "no_session", "you have no such session");
	return false;
}

void api_session_get(struct request *request)
{
	struct store_session session;
	if (find_own(request, true, &session)) {
		respond_json(request, 200, session_json(&session));
	}
}

void api_session_end(struct request *request)
{
	struct gateway *gateway = request->gateway;
	struct store_session session;
	if (!find_own(request, true, &session)) {
		return;
	}
	if (!session.is_live) {
		respond_empty(request);
		return;
	}
	bool is_owner = session.account == request->login.account;
	audit_write(gateway, is_owner ? "session_closed" : "session_killed", request->login.user,
			request->address, session.id, session.user);
	/* Ended here at once; when the node cannot be told now, it is told when it is back. */
	if (is_owner) {
		node_release(gateway->node, session.id, NULL, NULL);
	} else {
		node_kill(gateway->node, session.id, NULL, NULL);
	}
	session_has_ended(gateway, session.id, is_owner ? WIRE_REASON_CLOSED : WIRE_REASON_KILLED);
	respond_empty(request);
}

void api_ticket(struct request *request)
{
	struct gateway *gateway = request->gateway;
	struct store_session session;
	char ticket[TOKEN_BYTES];
	/* Not even an administrator looks into another's session. */
	if (!find_own(request, false, &session)) {
		return;
	}
	if (!session.is_live) {
		respond_error(request, 404, "no_session", "this session has ended");
		return;
	}
	ticket_make(&gateway->tickets, request->login.id, session.id, clock_now_ms(), ticket);
	respond_json(request, 200, json_pack("{s:s}", "ticket", ticket));
	explicit_bzero(ticket, sizeof(ticket));
}

/* ---- what the node says ---- */

void session_note_end(struct gateway *gateway, const char *session, int reason)
{
	struct store_session entry;
	if (store_session_get(gateway->store, session, &entry, NULL) == 0 && entry.is_live) {
		struct error err;
		char detail[32];
		if (store_session_end(gateway->store, session, time(NULL), reason, &err) < 0) {
			log_error("cannot end a session in the directory: %s", err.text);
		}
		snprintf(detail, sizeof(detail), "reason %d", reason);
		gateway->metrics.sessions_ended++;
		audit_write(gateway, "session_ended", entry.user, "", session, detail);
	}
}

void session_has_ended(struct gateway *gateway, const char *session, int reason)
{
	session_note_end(gateway, session, reason);
	stream_session_has_ended(gateway, session, reason);
}

static void handle_ended(void *data, const char *session, uint16_t reason)
{
	session_has_ended(data, session, reason);
}

static void handle_notice(void *data, const char *session, uint16_t code, struct wire_string detail)
{
	stream_send_notice(data, session, code, detail);
}

/* What the directory and a node that is newly connected do not agree on. */
struct comparison {
	struct gateway *gateway;
	const char (*held)[STORE_SESSION_BYTES];
	size_t count;
	char (*lost)[STORE_SESSION_BYTES]; /* live here, not held there */
	size_t lost_count;
};

static bool is_held(const struct comparison *comparison, const char *session)
{
	for (size_t i = 0; i < comparison->count; i++) {
		if (strcmp(comparison->held[i], session) == 0) {
			return true;
		}
	}
	return false;
}

static bool note_lost(void *data, const struct store_session *session)
{
	struct comparison *comparison = data;
	if (is_held(comparison, session->id)) {
		return true;
	}
	void *grown = reallocarray(
			comparison->lost, comparison->lost_count + 1, sizeof(*comparison->lost));
	if (!grown) {
		return false;
	}
	comparison->lost = grown;
	memcpy(comparison->lost[comparison->lost_count++], session->id, STORE_SESSION_BYTES);
	return true;
}

/* Ends on the node what was ended here while it could not be told. */
static void release_ended(struct comparison *comparison)
{
	for (size_t i = 0; i < comparison->count; i++) {
		struct store_session entry;
		if (store_session_get(comparison->gateway->store, comparison->held[i], &entry,
				    NULL) == 0 &&
				!entry.is_live) {
			node_release(comparison->gateway->node, entry.id, NULL, NULL);
		}
	}
}

static void handle_ready(void *data, const char (*sessions)[STORE_SESSION_BYTES], size_t count)
{
	struct gateway *gateway = data;
	struct comparison comparison = {.gateway = gateway, .held = sessions, .count = count};
	struct store_session_filter filter = {.node = GATEWAY_NODE_NAME, .live_only = true};
	store_session_list(gateway->store, &filter, note_lost, &comparison, NULL);
	for (size_t i = 0; i < comparison.lost_count; i++) {
		session_has_ended(gateway, comparison.lost[i], WIRE_REASON_FAILED);
	}
	free(comparison.lost);
	release_ended(&comparison);
	session_release_orphans(gateway);
}

const struct node_events session_events = {
		.ready = handle_ready,
		.ended = handle_ended,
		.notice = handle_notice,
};

#define ORPHANS_AT_ONCE 64

struct orphans {
	char ids[ORPHANS_AT_ONCE][STORE_SESSION_BYTES];
	size_t count;
};

static bool note_orphan(void *data, const struct store_session *session)
{
	struct orphans *orphans = data;
	memcpy(orphans->ids[orphans->count++], session->id, STORE_SESSION_BYTES);
	return orphans->count < ORPHANS_AT_ONCE;
}

void session_release_orphans(struct gateway *gateway)
{
	struct orphans orphans = {0};
	struct store_session_filter filter = {
			.live_only = true, .orphans_only = true, .limit = ORPHANS_AT_ONCE};
	store_session_list(gateway->store, &filter, note_orphan, &orphans, NULL);
	for (size_t i = 0; i < orphans.count; i++) {
		node_kill(gateway->node, orphans.ids[i], NULL, NULL);
		session_has_ended(gateway, orphans.ids[i], WIRE_REASON_KILLED);
	}
}
