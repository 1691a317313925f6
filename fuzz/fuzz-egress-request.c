/* What a session sends to the proxy: a request's head and its body. What is passed on has to read
 * as exactly one request, to the target that was checked, with the framing that was understood. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "egress/body.h"
#include "egress/request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct request request;
static struct request again;

static void check_written(void)
{
	struct buffer out;
	buffer_init(&out, 4 * HEAD_MAX_BYTES);
	assert(request_write(&request, true, &out) == 0);
	const char *head = (const char *)buffer_head(&out);
	size_t len = buffer_length(&out);
	size_t scanned = 0;
	assert(head_find_end(head, len, false, &scanned) == (long)len);
	/* The fields put in may pass the cap on fields, and nothing else may go wrong. */
	int code = request_parse(head, len, &again);
	assert(code == 0 || code == -7 /* E2BIG */);
	if (code == 0) {
		assert(again.target.port == request.target.port);
		assert(strcmp(again.target.host, request.target.host) == 0);
		assert(again.body == request.body && again.body_bytes == request.body_bytes);
		assert(again.is_upgrade == request.is_upgrade);
	}
	buffer_finish(&out);
}

static void check_body(const uint8_t *bytes, size_t len)
{
	struct body whole;
	struct body parts;
	body_init(&whole, &request);
	body_init(&parts, &request);
	long taken = body_take(&whole, bytes, len);
	assert(taken <= (long)len && (taken < 0 || taken == (long)len || whole.state == BODY_DONE));
	size_t at = 0;
	long code = 0;
	while (at < len && parts.state != BODY_DONE && code >= 0) {
		code = body_take(&parts, bytes + at, 1);
		at += code > 0 ? (size_t)code : 0;
	}
	assert(taken < 0 ? code < 0 : (size_t)taken == at);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *bytes = (const char *)data;
	size_t scanned = 0;
	long len = head_find_end(bytes, size, false, &scanned);
	if (len <= 0 || request_parse(bytes, (size_t)len, &request) < 0) {
		return 0;
	}
	assert(request.target.port != 0 && request.target.host[0] != '\0');
	if (request.kind == REQUEST_PLAIN) {
		check_written();
	}
	check_body(data + len, size - (size_t)len);
	return 0;
}
