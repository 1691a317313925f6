/* A client's request to the proxy: CONNECT host:port, or an absolute http:// URL. Pure; strict, so
 * that no server behind it can read the bytes another way than it did. */
#ifndef SAFEWEB_EGRESS_REQUEST_H
#define SAFEWEB_EGRESS_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "egress/head.h"
#include "egress/target.h"

#define REQUEST_METHOD_MAX_BYTES 32
#define REQUEST_TARGET_MAX_BYTES (16 * 1024)
#define REQUEST_MAX_FIELDS 128

enum request_kind { REQUEST_CONNECT, REQUEST_PLAIN };
enum request_body { REQUEST_BODY_NONE, REQUEST_BODY_LENGTH, REQUEST_BODY_CHUNKED };

struct request_field {
	struct head_span name;
	struct head_span value;
};

/* Spans point into the head it was parsed from. */
struct request {
	enum request_kind kind;
	struct target target;
	struct head_span method;
	struct head_span path; /* with its query, perhaps empty; of a plain request */
	enum request_body body;
	uint64_t body_bytes;
	bool is_upgrade; /* asks for a WebSocket */
	bool is_http10;
	struct head_span connection; /* value of the Connection field */
	struct head_span upgrade;
	size_t field_count;
	struct request_field fields[REQUEST_MAX_FIELDS];
	/* While parsing. */
	bool has_host;
	bool has_length;
	bool has_encoding;
};

/* Parses a whole head (as head_find_end measures it). Returns 0, or
 * -EBADMSG bad syntax, or framing that could be read two ways
 * -E2BIG    a named cap is passed
 * -EPERM    an IP address that is not spelled canonically
 * -EPROTONOSUPPORT  not http:// nor CONNECT
 * In the last two cases, and only then, method and kind are set. */
int request_parse(const char *head, size_t len, struct request *ret_request);

/* Appends the head to send: in origin form, or in absolute form to an upstream proxy. Hop-by-hop
 * and Proxy- fields are left out; Host is the target's; Connection is close. -ENOBUFS as
 * buffer_append. */
int request_write(const struct request *request, bool to_proxy, struct buffer *to);

#endif
