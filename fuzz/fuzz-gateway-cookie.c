/* The Cookie header of a request. */
#include <assert.h>
#include <string.h>

#include "gateway/cookie.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char token[TOKEN_BYTES] = "untouched";
	int code = cookie_find((const char *)data, size, token);
	if (code == 0) {
		assert(token_is_valid(token, strlen(token)));
		assert(memmem(data, size, token, strlen(token)));
	} else {
		assert(strcmp(token, "untouched") == 0);
	}
	return 0;
}
