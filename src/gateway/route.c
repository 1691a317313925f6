#include "gateway/route.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "gateway/api.h"

const struct route routes[] = {
		{METHOD_GET, "/", WHO_ANYONE, api_index},
		{METHOD_GET, "/open", WHO_ANYONE, api_index},
		{METHOD_GET, "/assets/*", WHO_ANYONE, api_asset},
		{METHOD_POST, "/api/v1/login", WHO_ANYONE, api_login},
		{METHOD_POST, "/api/v1/logout", WHO_USER, api_logout},
		{METHOD_GET, "/api/v1/me", WHO_USER, api_me},
		{METHOD_POST, "/api/v1/sessions", WHO_USER, api_session_open},
		{METHOD_GET, "/api/v1/sessions", WHO_USER, api_session_list},
		{METHOD_GET, "/api/v1/sessions/ID", WHO_USER, api_session_get},
		{METHOD_DELETE, "/api/v1/sessions/ID", WHO_USER, api_session_end},
		{METHOD_POST, "/api/v1/sessions/ID/ticket", WHO_USER, api_ticket},
		{METHOD_GET, "/api/v1/admin/sessions", WHO_ADMIN, api_admin_sessions},
		{METHOD_GET, "/stream", WHO_TICKET, api_stream},
		{METHOD_GET, "/healthz", WHO_ANYONE, api_health},
		{METHOD_GET, "/readyz", WHO_ANYONE, api_ready},
		{METHOD_GET, "/metrics", WHO_LOOPBACK, api_metrics},
};
const size_t route_count = sizeof(routes) / sizeof(routes[0]);

static bool take_session(const char *text, size_t len, char *to)
{
	if (len != STORE_SESSION_BYTES - 1) {
		return false;
	}
	for (size_t i = 0; i < len; i++) {
		if (!((text[i] >= '0' && text[i] <= '9') || (text[i] >= 'a' && text[i] <= 'f'))) {
			return false;
		}
	}
	memcpy(to, text, len);
	to[len] = '\0';
	return true;
}

static bool take_asset(const char *text, size_t len, char *to)
{
	if (len == 0 || len >= ASSET_NAME_BYTES || memchr(text, '\0', len)) {
		return false;
	}
	memcpy(to, text, len);
	to[len] = '\0';
	return true;
}

static size_t segment_length(const char *text, size_t len)
{
	const char *slash = memchr(text, '/', len);
	return slash ? (size_t)(slash - text) : len;
}

/* Compares segment by segment; both begin with a slash. */
static bool matches(const char *pattern, const char *path, size_t len, struct route_match *match)
{
	size_t pattern_len = strlen(pattern);
	while (pattern_len > 0 && len > 0) {
		if (*pattern != '/' || *path != '/') {
			return false;
		}
		pattern++, pattern_len--, path++, len--;
		size_t wanted = segment_length(pattern, pattern_len);
		size_t got = segment_length(path, len);
		if (wanted == 1 && pattern[0] == '*') {
			return take_asset(path, len, match->asset);
		}
		bool is_same = wanted == 2 && memcmp(pattern, "ID", 2) == 0
				? take_session(path, got, match->session)
				: wanted == got && memcmp(pattern, path, got) == 0;
		if (!is_same) {
			return false;
		}
		pattern += wanted, pattern_len -= wanted, path += got, len -= got;
	}
	return pattern_len == 0 && len == 0;
}

int route_find(enum method method, const char *path, size_t len, struct route_match *ret_match)
{
	int code = -ENOENT;
	for (size_t i = 0; i < route_count; i++) {
		struct route_match match = {.route = &routes[i]};
		if (!matches(routes[i].pattern, path, len, &match)) {
			continue;
		}
		if (routes[i].method == method) {
			*ret_match = match;
			return 0;
		}
		code = -EOPNOTSUPP;
	}
	return code;
}

const char *route_method_name(enum method method)
{
	static const char *const names[] = {"GET", "POST", "DELETE", "OTHER"};
	return names[method];
}

const char *route_who_name(enum who who)
{
	static const char *const names[] = {"anyone", "loopback", "ticket", "user", "admin"};
	return names[who];
}
