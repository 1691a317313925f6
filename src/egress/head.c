#include "egress/head.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"

long head_find_end(const char *bytes, size_t len, bool is_lenient, size_t *scanned)
{
	size_t limit = len < HEAD_MAX_BYTES ? len : HEAD_MAX_BYTES;
	for (size_t at = *scanned; at < limit; at++) {
		if (bytes[at] != '\n') {
			continue;
		}
		bool after_crlf = at >= 3 && memcmp(bytes + at - 3, "\r\n\r", 3) == 0;
		bool after_lf = is_lenient && at >= 1 &&
				(bytes[at - 1] == '\n' ||
						(at >= 2 &&
								memcmp(bytes + at - 2, "\n\r", 2) ==
										0));
		if (after_crlf || after_lf) {
			return (long)at + 1;
		}
	}
	*scanned = limit;
	return len >= HEAD_MAX_BYTES ? -EMSGSIZE : 0;
}

bool head_next_line(struct head_span *rest, struct head_span *ret_line)
{
	const char *end = rest->len ? memchr(rest->bytes, '\n', rest->len) : NULL;
	if (!end) {
		return false;
	}
	size_t len = (size_t)(end - rest->bytes);
	*ret_line = (struct head_span){rest->bytes, len};
	if (len && rest->bytes[len - 1] == '\r') {
		ret_line->len--;
	}
	rest->bytes = end + 1;
	rest->len -= len + 1;
	return true;
}

static bool is_token_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
			(c != '\0' && strchr("!#$%&'*+-.^_`|~", c));
}

bool head_is_token(struct head_span span)
{
	for (size_t i = 0; i < span.len; i++) {
		if (!is_token_char(span.bytes[i])) {
			return false;
		}
	}
	return span.len > 0;
}

static struct head_span trim(struct head_span span)
{
	while (span.len && (span.bytes[0] == ' ' || span.bytes[0] == '\t')) {
		span.bytes++;
		span.len--;
	}
	while (span.len && (span.bytes[span.len - 1] == ' ' || span.bytes[span.len - 1] == '\t')) {
		span.len--;
	}
	return span;
}

int head_split_field(struct head_span line, struct head_span *ret_name, struct head_span *ret_value)
{
	const char *colon = line.len ? memchr(line.bytes, ':', line.len) : NULL;
	if (!colon) {
		return -EINVAL;
	}
	struct head_span name = {line.bytes, (size_t)(colon - line.bytes)};
	struct head_span value = trim((struct head_span){colon + 1, line.len - name.len - 1});
	if (!head_is_token(name)) {
		return -EINVAL;
	}
	for (size_t i = 0; i < value.len; i++) {
		unsigned char c = (unsigned char)value.bytes[i];
		if ((c < ' ' && c != '\t') || c == 0x7f) {
			return -EINVAL;
		}
	}
	*ret_name = name;
	*ret_value = value;
	return 0;
}

bool head_equals(struct head_span span, const char *text)
{
	return span.len == strlen(text) && strncasecmp(span.bytes, text, span.len) == 0;
}

bool head_starts_with(struct head_span span, const char *text)
{
	size_t len = strlen(text);
	return span.len >= len && strncasecmp(span.bytes, text, len) == 0;
}

bool head_list_has(struct head_span list, struct head_span token)
{
	while (list.len) {
		const char *comma = memchr(list.bytes, ',', list.len);
		size_t len = comma ? (size_t)(comma - list.bytes) : list.len;
		struct head_span item = trim((struct head_span){list.bytes, len});
		if (item.len == token.len && strncasecmp(item.bytes, token.bytes, item.len) == 0) {
			return true;
		}
		size_t step = comma ? len + 1 : len;
		list.bytes += step;
		list.len -= step;
	}
	return false;
}

bool head_is_hop_by_hop(struct head_span name)
{
	static const char *const names[] = {"connection", "keep-alive", "te", "trailer",
			"transfer-encoding", "upgrade", "http2-settings", "alt-svc"};
	for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
		if (head_equals(name, names[i])) {
			return true;
		}
	}
	return head_starts_with(name, "proxy-");
}
