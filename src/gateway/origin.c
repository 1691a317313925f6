#include "gateway/origin.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static bool is_port(const char *text, size_t len)
{
	if (len == 0 || len > 5) {
		return false;
	}
	unsigned number = 0;
	for (size_t i = 0; i < len; i++) {
		if (!isdigit((unsigned char)text[i])) {
			return false;
		}
		number = number * 10 + (unsigned)(text[i] - '0');
	}
	return number > 0 && number <= 65535;
}

static bool is_ipv6(const char *text, size_t len)
{
	char copy[INET6_ADDRSTRLEN];
	struct in6_addr address;
	if (len >= sizeof(copy)) {
		return false;
	}
	memcpy(copy, text, len);
	copy[len] = '\0';
	return strlen(copy) == len && inet_pton(AF_INET6, copy, &address) == 1;
}

/* Labels of letters, digits, - and _, between single dots. */
static bool is_name(const char *text, size_t len)
{
	bool at_label_start = true;
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];
		if (c == '.') {
			if (at_label_start) {
				return false;
			}
			at_label_start = true;
		} else if (c < 128 && (isalnum(c) || c == '-' || c == '_')) {
			at_label_start = false;
		} else {
			return false;
		}
	}
	return len > 0 && len <= 253;
}

bool origin_host_is_valid(const char *host, size_t len)
{
	if (len == 0 || len >= ORIGIN_HOST_BYTES) {
		return false;
	}
	size_t name_len;
	if (host[0] == '[') {
		const char *end = memchr(host, ']', len);
		if (!end || !is_ipv6(host + 1, (size_t)(end - host) - 1)) {
			return false;
		}
		name_len = (size_t)(end - host) + 1;
	} else {
		const char *colon = memchr(host, ':', len);
		name_len = colon ? (size_t)(colon - host) : len;
		if (!is_name(host, name_len)) {
			return false;
		}
	}
	return name_len == len ||
			(host[name_len] == ':' && is_port(host + name_len + 1, len - name_len - 1));
}

bool origin_is_same(const char *origin, size_t origin_len, const char *host, size_t host_len)
{
	static const char scheme[] = "https://";
	const size_t scheme_len = sizeof(scheme) - 1;
	return origin_len == scheme_len + host_len && memcmp(origin, scheme, scheme_len) == 0 &&
			origin_host_is_valid(host, host_len) &&
			strncasecmp(origin + scheme_len, host, host_len) == 0;
}

void origin_address_text(const struct sockaddr *address, char ret_text[ORIGIN_ADDRESS_BYTES])
{
	const char *text = NULL;
	if (address->sa_family == AF_INET) {
		struct sockaddr_in in;
		memcpy(&in, address, sizeof(in));
		text = inet_ntop(AF_INET, &in.sin_addr, ret_text, ORIGIN_ADDRESS_BYTES);
	} else if (address->sa_family == AF_INET6) {
		struct sockaddr_in6 in;
		memcpy(&in, address, sizeof(in));
		text = IN6_IS_ADDR_V4MAPPED(&in.sin6_addr)
				? inet_ntop(AF_INET, in.sin6_addr.s6_addr + 12, ret_text,
						  ORIGIN_ADDRESS_BYTES)
				: inet_ntop(AF_INET6, &in.sin6_addr, ret_text,
						  ORIGIN_ADDRESS_BYTES);
	}
	if (!text) {
		snprintf(ret_text, ORIGIN_ADDRESS_BYTES, "unknown");
	}
}

bool origin_address_is_loopback(const char *text)
{
	struct in_addr address;
	if (strcmp(text, "::1") == 0) {
		return true;
	}
	return inet_pton(AF_INET, text, &address) == 1 && (ntohl(address.s_addr) >> 24) == 127;
}

void origin_address_group(const char *text, char ret_group[ORIGIN_ADDRESS_BYTES])
{
	struct in6_addr address;
	if (inet_pton(AF_INET6, text, &address) != 1) {
		snprintf(ret_group, ORIGIN_ADDRESS_BYTES, "%.60s", text);
		return;
	}
	memset(address.s6_addr + 8, 0, 8);
	if (!inet_ntop(AF_INET6, &address, ret_group, ORIGIN_ADDRESS_BYTES)) {
		ret_group[0] = '\0';
	}
}
