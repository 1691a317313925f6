#include "egress/request.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"

/* Digits of the largest body length taken: under 10^18. */
#define LENGTH_MAX_DIGITS 18

static bool cut_at_space(struct head_span *rest, struct head_span *ret_word)
{
	const char *space = rest->len ? memchr(rest->bytes, ' ', rest->len) : NULL;
	if (!space) {
		return false;
	}
	*ret_word = (struct head_span){rest->bytes, (size_t)(space - rest->bytes)};
	rest->len -= ret_word->len + 1;
	rest->bytes = space + 1;
	return true;
}

static bool span_is(struct head_span span, const char *text)
{
	return span.len == strlen(text) && memcmp(span.bytes, text, span.len) == 0;
}

static int translate(int code)
{
	return code == -EINVAL ? -EBADMSG : code;
}

static int parse_request_line(struct head_span line, struct request *request)
{
	struct head_span target;
	if (!cut_at_space(&line, &request->method) || !cut_at_space(&line, &target) ||
			!head_is_token(request->method)) {
		return -EBADMSG;
	}
	request->is_http10 = span_is(line, "HTTP/1.0");
	if (!request->is_http10 && !span_is(line, "HTTP/1.1")) {
		return -EBADMSG;
	}
	if (request->method.len > REQUEST_METHOD_MAX_BYTES ||
			target.len > REQUEST_TARGET_MAX_BYTES) {
		return -E2BIG;
	}
	if (span_is(request->method, "CONNECT")) {
		request->kind = REQUEST_CONNECT;
		return translate(target_parse_authority(
				target.bytes, target.len, 0, &request->target));
	}
	request->kind = REQUEST_PLAIN;
	if (span_is(request->method, "TRACE") || span_is(request->method, "TRACK")) {
		return -EPROTONOSUPPORT;
	}
	size_t path_at;
	int code = target_parse_url(target.bytes, target.len, &request->target, &path_at);
	if (code == 0) {
		request->path = (struct head_span){target.bytes + path_at, target.len - path_at};
	}
	return translate(code);
}

static int parse_length(struct head_span value, struct request *request)
{
	uint64_t length = 0;
	if (request->has_length || value.len == 0 || value.len > LENGTH_MAX_DIGITS) {
		return -EBADMSG;
	}
	for (size_t i = 0; i < value.len; i++) {
		if (value.bytes[i] < '0' || value.bytes[i] > '9') {
			return -EBADMSG;
		}
		length = length * 10 + (uint64_t)(value.bytes[i] - '0');
	}
	request->has_length = true;
	request->body_bytes = length;
	request->body = length ? REQUEST_BODY_LENGTH : REQUEST_BODY_NONE;
	return 0;
}

/* A field that says how the message is framed or meant for the proxy. */
static int note_field(const struct request_field *field, struct request *request)
{
	if (head_equals(field->name, "host")) {
		bool again = request->has_host;
		request->has_host = true;
		return again ? -EBADMSG : 0;
	}
	if (head_equals(field->name, "content-length")) {
		return parse_length(field->value, request);
	}
	if (head_equals(field->name, "transfer-encoding")) {
		if (request->has_encoding || !head_equals(field->value, "chunked")) {
			return -EBADMSG;
		}
		request->has_encoding = true;
		request->body = REQUEST_BODY_CHUNKED;
		return 0;
	}
	if (head_equals(field->name, "connection")) {
		bool again = request->connection.bytes != NULL;
		request->connection = field->value;
		return again ? -EBADMSG : 0;
	}
	if (head_equals(field->name, "upgrade")) {
		bool again = request->upgrade.bytes != NULL;
		request->upgrade = field->value;
		return again ? -EBADMSG : 0;
	}
	return 0;
}

static int parse_fields(struct head_span rest, struct request *request)
{
	struct head_span line;
	while (head_next_line(&rest, &line) && line.len) {
		if (request->field_count == REQUEST_MAX_FIELDS) {
			return -E2BIG;
		}
		struct request_field *field = &request->fields[request->field_count];
		if (line.bytes[line.len] != '\r' ||
				head_split_field(line, &field->name, &field->value) < 0) {
			return -EBADMSG;
		}
		int code = note_field(field, request);
		if (code < 0) {
			return code;
		}
		request->field_count++;
	}
	return rest.len == 0 ? 0 : -EBADMSG;
}

static int check_framing(struct request *request)
{
	bool has_body = request->body != REQUEST_BODY_NONE;
	if ((request->has_length && request->has_encoding) ||
			(request->has_encoding && request->is_http10) ||
			(!request->has_host && !request->is_http10) ||
			(has_body && request->kind == REQUEST_CONNECT)) {
		return -EBADMSG;
	}
	struct head_span upgrade = {"upgrade", 7};
	request->is_upgrade = request->kind == REQUEST_PLAIN && !has_body && !request->is_http10 &&
			span_is(request->method, "GET") && request->upgrade.bytes &&
			head_equals(request->upgrade, "websocket") &&
			head_list_has(request->connection, upgrade);
	return 0;
}

int request_parse(const char *head, size_t len, struct request *ret_request)
{
	struct request *request = ret_request;
	struct head_span rest = {head, len};
	struct head_span line;
	memset(request, 0, offsetof(struct request, fields));
	request->has_host = request->has_length = request->has_encoding = false;
	if (!head_next_line(&rest, &line) || line.bytes[line.len] != '\r') {
		return -EBADMSG;
	}
	int code = parse_request_line(line, request);
	if (code < 0) {
		return code;
	}
	code = parse_fields(rest, request);
	return code < 0 ? code : check_framing(request);
}

static bool is_passed_on(const struct request *request, const struct request_field *field)
{
	return !head_is_hop_by_hop(field->name) && !head_equals(field->name, "host") &&
			!head_equals(field->name, "content-length") &&
			!head_list_has(request->connection, field->name);
}

static void append_text(struct buffer *to, const char *text, int *code)
{
	if (*code == 0) {
		*code = buffer_append(to, text, strlen(text));
	}
}

static void append_span(struct buffer *to, struct head_span span, int *code)
{
	if (*code == 0) {
		*code = buffer_append(to, span.bytes, span.len);
	}
}

static void write_fields(const struct request *request, struct buffer *to, int *code)
{
	for (size_t i = 0; i < request->field_count; i++) {
		const struct request_field *field = &request->fields[i];
		if (is_passed_on(request, field)) {
			append_span(to, field->name, code);
			append_text(to, ": ", code);
			append_span(to, field->value, code);
			append_text(to, "\r\n", code);
		}
	}
}

static void write_framing(const struct request *request, struct buffer *to, int *code)
{
	if (request->has_encoding) {
		append_text(to, "Transfer-Encoding: chunked\r\n", code);
	} else if (request->has_length) {
		char length[64];
		snprintf(length, sizeof(length), "Content-Length: %llu\r\n",
				(unsigned long long)request->body_bytes);
		append_text(to, length, code);
	}
	append_text(to,
			request->is_upgrade ? "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
					    : "Connection: close\r\n\r\n",
			code);
}

int request_write(const struct request *request, bool to_proxy, struct buffer *to)
{
	char authority[TARGET_TEXT_BYTES];
	target_format(&request->target, 80, authority);
	int code = 0;
	append_span(to, request->method, &code);
	append_text(to, to_proxy ? " http://" : " ", &code);
	append_text(to, to_proxy ? authority : "", &code);
	append_text(to, request->path.len && request->path.bytes[0] == '/' ? "" : "/", &code);
	append_span(to, request->path, &code);
	append_text(to, request->is_http10 ? " HTTP/1.0\r\nHost: " : " HTTP/1.1\r\nHost: ", &code);
	append_text(to, authority, &code);
	append_text(to, "\r\n", &code);
	write_fields(request, to, &code);
	write_framing(request, to, &code);
	return code;
}
