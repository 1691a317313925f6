/* Logging in and out. docs/decisions/0010 has the rules. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "gateway/api.h"
#include "gateway/credentials.h"
#include "gateway/request.h"
#include "gateway/stream.h"

/* A login's last use is written down once in so many seconds. */
#define TOUCH_S 60

static bool is_over(const struct store_login *login, int64_t now)
{
	return login->expires_at <= now || login->seen_at + LOGIN_IDLE_S <= now;
}

int login_find(struct gateway *gateway, const char *token, struct store_login *ret_login)
{
	uint8_t hash[TOKEN_HASH_BYTES];
	struct store_login login;
	int64_t now = time(NULL);
	token_hash(token, hash);
	if (store_login_get(gateway->store, hash, &login, NULL) < 0 || is_over(&login, now)) {
		return -EACCES;
	}
	if (now - login.seen_at >= TOUCH_S) {
		store_login_touch(gateway->store, login.id, now, NULL);
	}
	*ret_login = login;
	return 0;
}

bool login_is_valid(struct gateway *gateway, int64_t id)
{
	struct store_login login;
	struct error err;
	int64_t now = time(NULL);
	int code = store_login_get_by_id(gateway->store, id, &login, &err);
	if (code < 0 && code != -ENOENT) {
		/* A store that is busy ends nobody's work. */
		log_warning("cannot check a login: %s", err.text);
		return true;
	}
	if (code < 0 || login.expires_at <= now) {
		return false;
	}
	/* An open stream is a use. */
	if (now - login.seen_at >= TOUCH_S) {
		store_login_touch(gateway->store, id, now, NULL);
	}
	return true;
}

static json_t *user_json(const char *name, enum store_role role)
{
	return json_pack("{s:s, s:s}", "name", name, "role", account_role_name(role));
}

/* Makes the login of a right password; the cookie before it, if any, is over. */
static int begin_login(struct request *request, const struct store_account *account)
{
	struct gateway *gateway = request->gateway;
	char token[TOKEN_BYTES];
	uint8_t hash[TOKEN_HASH_BYTES];
	int64_t id;
	struct error err;
	struct store_login login = {.account = account->id, .created_at = time(NULL)};
	login.seen_at = login.created_at;
	login.expires_at = login.created_at + LOGIN_LIFE_S;
	memcpy(login.address, request->address, sizeof(login.address));
	token_make(token);
	token_hash(token, hash);
	store_login_prune(gateway->store, login.created_at, login.created_at - LOGIN_IDLE_S, NULL);
	if (request->has_login) {
		store_login_remove(gateway->store, request->login.id, NULL);
		stream_close_of_login(gateway, request->login.id);
	}
	int code = store_login_add(gateway->store, hash, &login, &id, &err);
	if (code < 0) {
		log_error("cannot keep a login: %s", err.text);
		return code;
	}
	snprintf(request->answer.cookie, sizeof(request->answer.cookie),
			COOKIE_NAME "=%s; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=%d",
			token, LOGIN_LIFE_S);
	explicit_bzero(token, sizeof(token));
	return 0;
}

static void finish_login(
		struct request *request, const struct password_check *check, const char *name)
{
	struct gateway *gateway = request->gateway;
	struct store_account account;
	/* Read again: it may have changed while the password was checked. */
	if (!check->matches || store_account_get(gateway->store, name, &account, NULL) < 0 ||
			account.is_disabled || strcmp(account.password, check->hash) != 0) {
		gateway->metrics.logins_bad++;
		audit_write(gateway, "login_failed", name, request->address, NULL, "");
		respond_error(request, 401, "bad_credentials", "the name or the password is wrong");
		return;
	}
	char group[ORIGIN_ADDRESS_BYTES];
	origin_address_group(request->address, group);
	throttle_success(&gateway->throttle, name, group);
	if (begin_login(request, &account) < 0) {
		respond_error(request, 500, "store", "the login could not be kept: see the log");
		return;
	}
	gateway->metrics.logins_good++;
	audit_write(gateway, "login", account.name, request->address, NULL, "");
	respond_json(request, 200,
			json_pack("{s:o}", "user", user_json(account.name, account.role)));
}

static void handle_checked(struct password_check *check)
{
	struct request *request = check->data;
	if (!request) {
		return; /* its connection is gone */
	}
	request->check = NULL;
	finish_login(request, check, request->login_name);
}

static void respond_throttled(struct request *request, const char *name, uint64_t wait_ms)
{
	unsigned wait_s = (unsigned)((wait_ms + 999) / 1000);
	char message[128];
	request->gateway->metrics.logins_throttled++;
	audit_refused(request->gateway, name, request->address, NULL, "too_many_attempts");
	snprintf(message, sizeof(message),
			"too many attempts to log in: wait %u second%s and try again", wait_s,
			wait_s == 1 ? "" : "s");
	request->answer.retry_after_s = wait_s;
	respond_error(request, 429, "too_many_attempts", message);
}

/* Hands the password to the threads. */
static void check_password(struct request *request, const char *name, const char *password)
{
	struct gateway *gateway = request->gateway;
	struct store_account account;
	struct password_check *check = calloc(1, sizeof(*check));
	if (!check) {
		respond_error(request, 503, "busy", "the gateway is short of memory");
		return;
	}
	check->done = handle_checked;
	check->data = request;
	memcpy(check->password, password, strlen(password));
	if (store_account_get(gateway->store, name, &account, NULL) == 0 && !account.is_disabled) {
		memcpy(check->hash, account.password, sizeof(check->hash));
	}
	memcpy(request->login_name, name, strlen(name) + 1);
	if (password_pool_add(gateway->passwords, check) < 0) {
		password_check_free(check);
		request->answer.retry_after_s = 2;
		respond_error(request, 503, "busy",
				"many people are logging in: try again in 2 seconds");
		return;
	}
	request->check = check;
}

void api_login(struct request *request)
{
	struct credentials credentials;
	if (credentials_parse(request->body, request->body_len, &credentials) < 0) {
		respond_error(request, 400, "bad_request",
				"the body is {\"username\": \"…\", \"password\": \"…\"}");
		return;
	}
	char group[ORIGIN_ADDRESS_BYTES];
	origin_address_group(request->address, group);
	uint64_t wait_ms = throttle_attempt(
			&request->gateway->throttle, credentials.name, group, clock_now_ms());
	if (wait_ms) {
		respond_throttled(request, credentials.name, wait_ms);
	} else {
		check_password(request, credentials.name, credentials.password);
	}
	explicit_bzero(&credentials, sizeof(credentials));
}

void api_logout(struct request *request)
{
	struct gateway *gateway = request->gateway;
	struct error err;
	int code = store_login_remove(gateway->store, request->login.id, &err);
	if (code < 0 && code != -ENOENT) {
		log_error("cannot end a login: %s", err.text);
		respond_error(request, 500, "store", "the login could not be ended: see the log");
		return;
	}
	stream_close_of_login(gateway, request->login.id);
	audit_write(gateway, "logout", request->login.user, request->address, NULL, "");
	snprintf(request->answer.cookie, sizeof(request->answer.cookie),
			COOKIE_NAME "=; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=0");
	respond_empty(request);
}

static bool take_first(void *data, const struct store_session *session)
{
	*(struct store_session *)data = *session;
	return false;
}

void api_me(struct request *request)
{
	struct store_session session = {0};
	struct store_session_filter filter = {
			.account = request->login.account, .live_only = true, .limit = 1};
	store_session_list(request->gateway->store, &filter, take_first, &session, NULL);
	json_t *live = session.id[0] ? json_pack("{s:s, s:I}", "id", session.id, "started_at",
						       (json_int_t)session.started_at)
				     : json_null();
	respond_json(request, 200,
			json_pack("{s:o, s:o}", "user",
					user_json(request->login.user, request->login.role),
					"session", live));
}
