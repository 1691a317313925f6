/* The body of a request to log in. */
#include <assert.h>
#include <string.h>

#include "gateway/credentials.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct credentials credentials;
	if (credentials_parse((const char *)data, size, &credentials) == 0) {
		assert(strlen(credentials.password) <= ACCOUNT_PASSWORD_MAX_BYTES);
		assert(account_name_is_valid(credentials.name) ||
				strcmp(credentials.name, "?") == 0);
	}
	return 0;
}
