/* A request's path, Host and Origin, one a line. */
#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "gateway/origin.h"
#include "gateway/route.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The next line; what is after it stays in *data. */
static const char *take_line(const uint8_t **data, size_t *size, size_t *ret_len)
{
	const uint8_t *line = *data;
	const uint8_t *end = *size ? memchr(line, '\n', *size) : NULL;
	*ret_len = end ? (size_t)(end - line) : *size;
	size_t taken = end ? *ret_len + 1 : *ret_len;
	*data += taken;
	*size -= taken;
	return (const char *)line;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t path_len;
	size_t host_len;
	size_t origin_len;
	const char *path = take_line(&data, &size, &path_len);
	const char *host = take_line(&data, &size, &host_len);
	const char *origin = take_line(&data, &size, &origin_len);
	for (int method = METHOD_GET; method <= METHOD_OTHER; method++) {
		struct route_match match;
		if (route_find((enum method)method, path, path_len, &match) == 0) {
			assert(match.route->method == (enum method)method);
			assert(strlen(match.session) == 0 || strlen(match.session) == 32);
			assert(strlen(match.asset) < ASSET_NAME_BYTES);
		}
	}
	if (origin_is_same(origin, origin_len, host, host_len)) {
		assert(origin_host_is_valid(host, host_len));
		assert(origin_len == host_len + 8);
	}
	return 0;
}
