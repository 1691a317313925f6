#include "egress/target.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

int target_parse_port(const char *text, size_t len, uint16_t *ret_port)
{
	unsigned value = 0;
	if (len == 0 || len > 5 || text[0] == '0') {
		return -EINVAL;
	}
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9') {
			return -EINVAL;
		}
		value = value * 10 + (unsigned)(text[i] - '0');
	}
	if (value > UINT16_MAX) {
		return -EINVAL;
	}
	*ret_port = (uint16_t)value;
	return 0;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_hex(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'f');
}

/* True when a resolver somewhere could take the label for a number: 10, 0x7f, 0x. */
static bool label_is_number(const char *label, size_t len)
{
	size_t at = 0;
	bool in_hex = len >= 2 && label[0] == '0' && label[1] == 'x';
	if (in_hex) {
		at = 2;
	}
	while (at < len && (in_hex ? is_hex(label[at]) : is_digit(label[at]))) {
		at++;
	}
	return at == len;
}

static bool label_is_valid(const char *label, size_t len)
{
	if (len == 0 || len > TARGET_LABEL_MAX_BYTES) {
		return false;
	}
	for (size_t i = 0; i < len; i++) {
		char c = label[i];
		if (!is_digit(c) && !(c >= 'a' && c <= 'z') && c != '-' && c != '_') {
			return false;
		}
	}
	return true;
}

/* host is lower case already. */
static int check_name(const char *host, size_t len)
{
	const char *label = host;
	for (;;) {
		const char *dot = memchr(label, '.', len - (size_t)(label - host));
		size_t label_len = dot ? (size_t)(dot - label) : len - (size_t)(label - host);
		if (!label_is_valid(label, label_len)) {
			return -EINVAL;
		}
		if (!dot) {
			/* As the WHATWG URL standard has it: a name that ends in a number is an
			 * IPv4 address, and this one is not written as those are. */
			return label_is_number(label, label_len) ? -EPERM : 0;
		}
		label = dot + 1;
	}
}

static int parse_bracketed(const char *text, size_t len, struct target *target)
{
	if (address_parse(text, len, &target->address) < 0 || target->address.family != 6) {
		return -EINVAL;
	}
	target->is_literal = true;
	address_format(&target->address, target->host);
	return 0;
}

static int parse_host(const char *text, size_t len, struct target *target)
{
	if (len > 1 && len <= TARGET_HOST_MAX_BYTES + 1 && text[len - 1] == '.' &&
			!is_digit(text[len - 2])) {
		len--;
	}
	if (len == 0 || len > TARGET_HOST_MAX_BYTES) {
		return -EINVAL;
	}
	for (size_t i = 0; i < len; i++) {
		char c = text[i];
		target->host[i] = c >= 'A' && c <= 'Z' ? (char)(c + 'a' - 'A') : c;
	}
	target->host[len] = '\0';
	if (!memchr(text, ':', len) && address_parse(text, len, &target->address) == 0) {
		target->is_literal = true;
		return 0;
	}
	return check_name(target->host, len);
}

int target_parse_authority(
		const char *text, size_t len, uint16_t standard_port, struct target *ret_target)
{
	struct target target = {.port = standard_port};
	const char *port;
	int code;
	if (len && text[0] == '[') {
		const char *close = memchr(text, ']', len);
		if (!close) {
			return -EINVAL;
		}
		code = parse_bracketed(text + 1, (size_t)(close - text) - 1, &target);
		port = close + 1;
	} else {
		const char *colon = memchr(text, ':', len);
		port = colon ? colon : text + len;
		code = parse_host(text, (size_t)(port - text), &target);
	}
	if (code < 0) {
		return code;
	}
	size_t port_len = len - (size_t)(port - text);
	if (port_len == 0 ? standard_port == 0
			  : *port != ':' ||
							target_parse_port(port + 1, port_len - 1,
									&target.port) < 0) {
		return -EINVAL;
	}
	*ret_target = target;
	return 0;
}

int target_parse_url(const char *text, size_t len, struct target *ret_target, size_t *ret_path_at)
{
	static const char scheme[] = "http://";
	size_t scheme_len = sizeof(scheme) - 1;
	if (len < scheme_len || strncasecmp(text, scheme, scheme_len) != 0) {
		return -EPROTONOSUPPORT;
	}
	size_t at = scheme_len;
	while (at < len && text[at] != '/' && text[at] != '?') {
		at++;
	}
	for (size_t i = at; i < len; i++) {
		if (text[i] <= ' ' || text[i] >= 0x7f || text[i] == '#') {
			return -EINVAL;
		}
	}
	int code = target_parse_authority(text + scheme_len, at - scheme_len, 80, ret_target);
	if (code == 0) {
		*ret_path_at = at;
	}
	return code;
}

bool target_is_local_name(const struct target *target)
{
	static const char name[] = "localhost";
	size_t name_len = sizeof(name) - 1;
	size_t len = strlen(target->host);
	if (target->is_literal || len < name_len) {
		return false;
	}
	size_t at = len - name_len;
	return strcmp(target->host + at, name) == 0 && (at == 0 || target->host[at - 1] == '.');
}

void target_format(const struct target *target, uint16_t omit_port, char text[TARGET_TEXT_BYTES])
{
	bool needs_brackets = target->is_literal && target->address.family == 6;
	int len = snprintf(text, TARGET_TEXT_BYTES, "%s%s%s", needs_brackets ? "[" : "",
			target->host, needs_brackets ? "]" : "");
	if (target->port != omit_port && len > 0 && (size_t)len < TARGET_TEXT_BYTES) {
		snprintf(text + len, TARGET_TEXT_BYTES - (size_t)len, ":%u", target->port);
	}
}
