/* One HTTP request: read, checked against its route, handled, answered. */
#ifndef SAFEWEB_GATEWAY_REQUEST_H
#define SAFEWEB_GATEWAY_REQUEST_H

#include <jansson.h>

#include "gateway/gateway.h"
#include "gateway/origin.h"
#include "gateway/route.h"

#define REQUEST_BODY_MAX_BYTES (16 * 1024)

enum request_state {
	REQUEST_RECEIVING, /* its body */
	REQUEST_HANDLING, /* waits for a password check or the node */
	REQUEST_ANSWERING, /* the answer is there, and goes out */
};

struct answer {
	int status; /* 0: there is none yet */
	const char *type;
	const uint8_t *bytes; /* owned text, or an asset's */
	size_t len;
	size_t sent;
	bool has_head_sent;
	char *text; /* owned: what bytes points to, unless it is an asset's */
	const char *etag;
	unsigned retry_after_s;
	char cookie[192]; /* a Set-Cookie value; empty: none */
	bool is_head_only;
	bool closes; /* the connection */
};

/* Freed when its answer is out or its connection is gone. */
struct request {
	struct gateway *gateway;
	struct lws *wsi;
	enum request_state state;
	struct route_match match;
	char address[ORIGIN_ADDRESS_BYTES];
	char token[TOKEN_BYTES]; /* the cookie's; empty: none */
	struct store_login login;
	bool has_login;
	char etag[ASSET_ETAG_BYTES]; /* If-None-Match */
	char *body; /* owned, terminated */
	size_t body_len;
	struct answer answer;
	struct password_check *check; /* under way; not owned */
	char login_name[STORE_NAME_BYTES];
	bool waits_for_claim;
	struct request *previous;
	struct request *next;
};

/* Callbacks of the WebSocket library for plain HTTP. */
int request_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
		size_t len);

/* Each answers the request; a second answer is a bug. */
void respond_json(struct request *request, int status, json_t *stolen);
void respond_empty(struct request *request);
void respond_error(struct request *request, int status, const char *code, const char *message);
void respond_text(struct request *request, int status, const char *type, char *stolen);
void respond_asset(struct request *request, const struct asset *asset);

/* The headers of every answer. */
const struct lws_protocol_vhost_options *request_standard_headers(void);

/* What the HTTP and the WebSocket side read alike. A header that is missing is -ENOENT, one that
 * does not fit -EMSGSIZE. */
int request_header(struct lws *wsi, enum lws_token_indexes token, char *to, size_t size);
void request_address(struct lws *wsi, char ret_address[ORIGIN_ADDRESS_BYTES]);
/* 0 with the login of its cookie, -EACCES when there is none. ret_token may be NULL. */
int request_login(struct gateway *gateway, struct lws *wsi, struct store_login *ret_login,
		char *ret_token);
/* Whether Host is well formed and Origin, where needed, is the same. */
bool request_is_same_origin(struct lws *wsi);

#endif
