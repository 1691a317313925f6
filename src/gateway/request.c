#include "gateway/request.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"

#define HEAD_BYTES 4096
#define COOKIE_HEADER_BYTES 4096
#define CHUNK_BYTES (64 * 1024)
/* For a client to take an answer whole. */
#define ANSWER_PATIENCE_S 60

#define CSP                                                                                        \
	"default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; "             \
	"img-src 'self' blob: data:; connect-src 'self'; worker-src 'self'; font-src 'self'; "     \
	"manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "       \
	"require-trusted-types-for 'script'; trusted-types safeweb"
#define PERMISSIONS                                                                                \
	"accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), "          \
	"magnetometer=(), microphone=(), midi=(), payment=(), usb=(), clipboard-read=(self), "     \
	"clipboard-write=(self), fullscreen=(self)"

static const struct lws_protocol_vhost_options standard_headers[] = {
		{&standard_headers[1], NULL, "content-security-policy:", CSP},
		{&standard_headers[2], NULL, "cross-origin-opener-policy:", "same-origin"},
		{&standard_headers[3], NULL, "cross-origin-embedder-policy:", "require-corp"},
		{&standard_headers[4], NULL, "cross-origin-resource-policy:", "same-origin"},
		{&standard_headers[5], NULL, "x-content-type-options:", "nosniff"},
		{&standard_headers[6], NULL, "x-frame-options:", "DENY"},
		{&standard_headers[7], NULL, "referrer-policy:", "no-referrer"},
		{NULL, NULL, "permissions-policy:", PERMISSIONS},
};

const struct lws_protocol_vhost_options *request_standard_headers(void)
{
	return standard_headers;
}

/* ---- reading ---- */

int request_header(struct lws *wsi, enum lws_token_indexes token, char *to, size_t size)
{
	int len = lws_hdr_total_length(wsi, token);
	if (len <= 0) {
		return -ENOENT;
	}
	if ((size_t)len >= size || lws_hdr_copy(wsi, to, (int)size, token) < 0) {
		return -EMSGSIZE;
	}
	return len;
}

void request_address(struct lws *wsi, char ret_address[ORIGIN_ADDRESS_BYTES])
{
	struct sockaddr_storage address = {0};
	socklen_t len = sizeof(address);
	if (getpeername(lws_get_socket_fd(wsi), (struct sockaddr *)&address, &len) < 0) {
		address.ss_family = AF_UNSPEC;
	}
	origin_address_text((const struct sockaddr *)&address, ret_address);
}

int request_login(struct gateway *gateway, struct lws *wsi, struct store_login *ret_login,
		char *ret_token)
{
	char header[COOKIE_HEADER_BYTES];
	char token[TOKEN_BYTES];
	int len = request_header(wsi, WSI_TOKEN_HTTP_COOKIE, header, sizeof(header));
	if (len < 0 || cookie_find(header, (size_t)len, token) < 0) {
		return -EACCES;
	}
	int code = login_find(gateway, token, ret_login);
	if (code == 0 && ret_token) {
		memcpy(ret_token, token, TOKEN_BYTES);
	}
	explicit_bzero(header, sizeof(header));
	explicit_bzero(token, sizeof(token));
	return code;
}

bool request_is_same_origin(struct lws *wsi)
{
	char host[ORIGIN_HOST_BYTES];
	char origin[ORIGIN_HOST_BYTES + 16];
	int host_len = request_header(wsi, WSI_TOKEN_HOST, host, sizeof(host));
	int origin_len = request_header(wsi, WSI_TOKEN_ORIGIN, origin, sizeof(origin));
	return host_len > 0 && origin_len > 0 &&
			origin_is_same(origin, (size_t)origin_len, host, (size_t)host_len);
}

static bool host_is_valid(struct lws *wsi)
{
	char host[ORIGIN_HOST_BYTES];
	int len = request_header(wsi, WSI_TOKEN_HOST, host, sizeof(host));
	return len > 0 && origin_host_is_valid(host, (size_t)len);
}

/* The body's length that the headers announce; -EBADMSG for what a proxy in front might read
 * differently. */
static long announced_length(struct lws *wsi)
{
	char text[16];
	if (lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING) > 0) {
		return -EBADMSG;
	}
	int len = request_header(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH, text, sizeof(text));
	if (len == -ENOENT) {
		return -ENOENT;
	}
	if (len <= 0 || len > 9 || strspn(text, "0123456789") != (size_t)len) {
		return -EBADMSG;
	}
	return strtol(text, NULL, 10);
}

static enum method method_of(int lws_method)
{
	switch (lws_method) {
	case LWSHUMETH_GET:
		return METHOD_GET;
	case LWSHUMETH_POST:
		return METHOD_POST;
	case LWSHUMETH_DELETE:
		return METHOD_DELETE;
	default:
		return METHOD_OTHER;
	}
}

/* ---- answering ---- */

static void begin_answer(struct request *request)
{
	request->state = REQUEST_ANSWERING;
	lws_rx_flow_control(request->wsi, 1);
	lws_set_timeout(request->wsi, PENDING_TIMEOUT_HTTP_CONTENT, ANSWER_PATIENCE_S);
	lws_callback_on_writable(request->wsi);
}

static void finish_answer(struct request *request, int status)
{
	assert(request->answer.status == 0);
	request->answer.status = status;
	request->gateway->metrics.requests[status / 100]++;
	if (request->state != REQUEST_HANDLING) {
		return; /* its body comes first */
	}
	begin_answer(request);
}

void respond_text(struct request *request, int status, const char *type, char *stolen)
{
	request->answer.type = type;
	request->answer.text = stolen;
	request->answer.bytes = (const uint8_t *)stolen;
	request->answer.len = stolen ? strlen(stolen) : 0;
	finish_answer(request, status);
}

void respond_json(struct request *request, int status, json_t *stolen)
{
	char *text = stolen ? json_dumps(stolen, JSON_COMPACT) : NULL;
	json_decref(stolen);
	respond_text(request, text ? status : 500, "application/json", text);
}

void respond_empty(struct request *request)
{
	respond_text(request, 204, NULL, NULL);
}

void respond_error(struct request *request, int status, const char *code, const char *message)
{
	respond_json(request, status,
			json_pack("{s:{s:s, s:s}}", "error", "code", code, "message", message));
}

void respond_asset(struct request *request, const struct asset *asset)
{
	request->answer.etag = asset->etag;
	if (strcmp(request->etag, asset->etag) == 0) {
		finish_answer(request, 304);
		return;
	}
	request->answer.type = asset->type;
	request->answer.bytes = asset->bytes;
	request->answer.len = asset->len;
	finish_answer(request, 200);
}

static bool add_header(
		struct lws *wsi, const char *name, const char *value, uint8_t **at, uint8_t *end)
{
	return lws_add_http_header_by_name(wsi, (const unsigned char *)name,
			       (const unsigned char *)value, (int)strlen(value), at, end) == 0;
}

static bool add_headers(struct request *request, uint8_t **at, uint8_t *end)
{
	struct lws *wsi = request->wsi;
	const struct answer *answer = &request->answer;
	char number[24];
	bool is_good = lws_add_http_header_status(wsi, (unsigned)answer->status, at, end) == 0 &&
			add_header(wsi, "cache-control:", answer->etag ? "no-cache" : "no-store",
					at, end);
	if (is_good && answer->type) {
		is_good = add_header(wsi, "content-type:", answer->type, at, end);
	}
	if (is_good && answer->etag) {
		is_good = add_header(wsi, "etag:", answer->etag, at, end);
	}
	if (is_good && answer->retry_after_s) {
		snprintf(number, sizeof(number), "%u", answer->retry_after_s);
		is_good = add_header(wsi, "retry-after:", number, at, end);
	}
	if (is_good && answer->cookie[0]) {
		is_good = add_header(wsi, "set-cookie:", answer->cookie, at, end);
	}
	if (is_good && answer->closes) {
		is_good = add_header(wsi, "connection:", "close", at, end);
	}
	if (is_good && answer->status != 204 && answer->status != 304) {
		snprintf(number, sizeof(number), "%zu", answer->len);
		is_good = add_header(wsi, "content-length:", number, at, end);
	}
	return is_good && lws_finalize_http_header(wsi, at, end) == 0;
}

/* Head and as much of the body as fits beside it, in one write. */
static int send_head(struct request *request)
{
	uint8_t buffer[LWS_PRE + HEAD_BYTES];
	uint8_t *start = buffer + LWS_PRE;
	uint8_t *at = start;
	uint8_t *end = buffer + sizeof(buffer);
	if (!add_headers(request, &at, end)) {
		log_error("an answer's headers do not fit into %d bytes", HEAD_BYTES);
		return -1;
	}
	struct answer *answer = &request->answer;
	size_t room = (size_t)(end - at);
	if (answer->is_head_only) {
		answer->sent = answer->len;
	} else if (answer->len <= room) {
		if (answer->len) {
			memcpy(at, answer->bytes, answer->len);
		}
		at += answer->len;
		answer->sent = answer->len;
	}
	size_t len = (size_t)(at - start);
	answer->has_head_sent = true;
	return lws_write(request->wsi, start, len, LWS_WRITE_HTTP_HEADERS) == (int)len ? 0 : -1;
}

static int send_body(struct request *request)
{
	struct answer *answer = &request->answer;
	while (answer->sent < answer->len && !lws_send_pipe_choked(request->wsi)) {
		size_t left = answer->len - answer->sent;
		size_t len = left < CHUNK_BYTES ? left : CHUNK_BYTES;
		/* The library writes nothing in front of it in HTTP/1.1, and takes no const. */
		uint8_t *bytes = (uint8_t *)(uintptr_t)(answer->bytes + answer->sent);
		if (lws_write(request->wsi, bytes, len, LWS_WRITE_HTTP) != (int)len) {
			return -1;
		}
		answer->sent += len;
	}
	return 0;
}

/* ---- a request's life ---- */

static struct request *request_create(struct gateway *gateway, struct lws *wsi)
{
	struct request *request = calloc(1, sizeof(*request));
	if (!request) {
		return NULL;
	}
	request->gateway = gateway;
	request->wsi = wsi;
	request->next = gateway->requests;
	if (request->next) {
		request->next->previous = request;
	}
	gateway->requests = request;
	request_address(wsi, request->address);
	return request;
}

static void request_destroy(struct request *request)
{
	if (!request) {
		return;
	}
	if (request->check) {
		request->check->data = NULL;
	}
	if (request->previous) {
		request->previous->next = request->next;
	} else {
		request->gateway->requests = request->next;
	}
	if (request->next) {
		request->next->previous = request->previous;
	}
	if (request->body) {
		explicit_bzero(request->body, request->body_len);
		free(request->body);
	}
	free(request->answer.text);
	explicit_bzero(request, sizeof(*request));
	free(request);
}

static void refuse(struct request *request, int status, const char *code, const char *message)
{
	audit_refused(request->gateway, request->has_login ? request->login.user : "",
			request->address, NULL, code);
	respond_error(request, status, code, message);
}

static bool check_who(struct request *request)
{
	request->has_login = request_login(request->gateway, request->wsi, &request->login,
					     request->token) == 0;
	switch (request->match.route->who) {
	case WHO_ANYONE:
	case WHO_TICKET:
		return true;
	case WHO_LOOPBACK:
		if (!origin_address_is_loopback(request->address)) {
			refuse(request, 403, "forbidden",
					"this is only for the machine that the gateway runs on");
			return false;
		}
		return true;
	case WHO_USER:
		if (!request->has_login) {
			respond_error(request, 401, "not_logged_in", "log in first");
		}
		return request->has_login;
	case WHO_ADMIN:
		if (!request->has_login) {
			respond_error(request, 401, "not_logged_in", "log in first");
			return false;
		}
		if (request->login.role != STORE_ADMIN) {
			refuse(request, 403, "forbidden", "this is for administrators");
			return false;
		}
		return true;
	}
	return false;
}

/* A request whose end is not certain: answer, and close the connection. */
static void refuse_and_close(
		struct request *request, int status, const char *code, const char *message)
{
	request->answer.closes = true;
	request->state = REQUEST_HANDLING;
	refuse(request, status, code, message);
}

/* Checks everything that needs no body. True when the handler may see the request. */
static bool check_request(struct request *request, enum method method, const char *path, size_t len)
{
	int code = route_find(method, path, len, &request->match);
	if (code == -ENOENT) {
		respond_error(request, 404, "not_found", "there is nothing here");
		return false;
	}
	if (code < 0) {
		respond_error(request, 405, "method_not_allowed",
				"this address has no such method");
		return false;
	}
	if (method != METHOD_GET && !request_is_same_origin(request->wsi)) {
		refuse(request, 403, "bad_origin",
				"the Origin header is missing or names another site");
		return false;
	}
	return check_who(request);
}

static bool type_is_json(struct lws *wsi)
{
	char type[128];
	return request_header(wsi, WSI_TOKEN_HTTP_CONTENT_TYPE, type, sizeof(type)) > 0 &&
			strncasecmp(type, "application/json", 16) == 0 &&
			(type[16] == '\0' || type[16] == ';' || type[16] == ' ');
}

static void handle(struct request *request)
{
	request->state = REQUEST_HANDLING;
	lws_rx_flow_control(request->wsi, 0);
	if (request->answer.status == 0) {
		request->match.route->handle(request);
		return;
	}
	begin_answer(request);
}

static int begin(struct request *request, const char *path, size_t len)
{
	struct lws *wsi = request->wsi;
	char *target;
	int target_len;
	int lws_method = lws_http_get_uri_and_method(wsi, &target, &target_len);
	enum method method = method_of(lws_method);
	request->answer.is_head_only = lws_method == LWSHUMETH_HEAD;
	long body_len = announced_length(wsi);
	if (body_len == -EBADMSG || !host_is_valid(wsi) ||
			(method != METHOD_POST && body_len > 0)) {
		refuse_and_close(request, 400, "bad_request",
				"the request's host or length is not well formed");
		return 0;
	}
	if (method == METHOD_POST && body_len == -ENOENT) {
		refuse_and_close(request, 411, "length_required", "a body needs a Content-Length");
		return 0;
	}
	if (body_len > REQUEST_BODY_MAX_BYTES) {
		refuse_and_close(request, 413, "too_large", "a body has 16384 bytes at most");
		return 0;
	}
	request_header(wsi, WSI_TOKEN_HTTP_IF_NONE_MATCH, request->etag, sizeof(request->etag));
	if (check_request(request, method, path, len) && body_len > 0 && !type_is_json(wsi)) {
		respond_error(request, 415, "not_json", "a body is application/json");
	}
	/* The library calls for the body of a POST even when it is empty. */
	if (method == METHOD_POST) {
		request->body = calloc(1, REQUEST_BODY_MAX_BYTES + 1);
		return request->body ? 0 : -1;
	}
	handle(request);
	return 0;
}

static int add_body(struct request *request, const void *bytes, size_t len)
{
	if (!request || request->state == REQUEST_ANSWERING) {
		return 0; /* refused, and about to be closed */
	}
	if (request->state != REQUEST_RECEIVING ||
			len > REQUEST_BODY_MAX_BYTES - request->body_len) {
		return -1;
	}
	if (len) {
		memcpy(request->body + request->body_len, bytes, len);
		request->body_len += len;
	}
	return 0;
}

/* Sends what can be sent; ends the transaction when all is. */
static int handle_writable(struct request **place)
{
	struct request *request = *place;
	if (!request || request->state != REQUEST_ANSWERING) {
		return 0;
	}
	int code = request->answer.has_head_sent ? 0 : send_head(request);
	if (code == 0) {
		code = send_body(request);
	}
	if (code < 0) {
		return -1;
	}
	struct lws *wsi = request->wsi;
	if (request->answer.sent < request->answer.len) {
		lws_callback_on_writable(wsi);
		return 0;
	}
	bool closes = request->answer.closes;
	request_destroy(request);
	*place = NULL;
	return closes || lws_http_transaction_completed(wsi) ? -1 : 0;
}

int request_callback(
		struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
	struct request **place = user;
	struct gateway *gateway = lws_context_user(lws_get_context(wsi));
	/* clang-format off */
	switch ((int)reason) {
	/* clang-format on */
	case LWS_CALLBACK_HTTP:
		if (*place) {
			return -1;
		}
		*place = request_create(gateway, wsi);
		return *place ? begin(*place, in, len) : -1;
	case LWS_CALLBACK_HTTP_BODY:
		return add_body(*place, in, len);
	case LWS_CALLBACK_HTTP_BODY_COMPLETION:
		if (*place && (*place)->state == REQUEST_RECEIVING) {
			handle(*place);
			return 0;
		}
		/* More than the one body came before the answer went. */
		return *place && (*place)->state == REQUEST_ANSWERING ? 0 : -1;
	case LWS_CALLBACK_HTTP_WRITEABLE:
		return handle_writable(place);
	case LWS_CALLBACK_CLOSED_HTTP:
	case LWS_CALLBACK_HTTP_DROP_PROTOCOL:
		if (place) {
			request_destroy(*place);
			*place = NULL;
		}
		return 0;
	default:
		return 0;
	}
}
