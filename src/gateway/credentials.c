#include "gateway/credentials.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

/* No account has this name, so that the check takes its time and fails. */
#define NOBODY "?"

int credentials_parse(const char *body, size_t len, struct credentials *ret_credentials)
{
	const char *name;
	const char *password;
	json_t *json = json_loadb(body, len, JSON_REJECT_DUPLICATES, NULL);
	if (!json ||
			json_unpack_ex(json, NULL, JSON_STRICT, "{s:s, s:s}", "username", &name,
					"password", &password) < 0) {
		json_decref(json);
		return -EBADMSG;
	}
	if (!account_name_is_valid(name) || strlen(password) > ACCOUNT_PASSWORD_MAX_BYTES) {
		name = NOBODY;
		password = "";
	}
	memcpy(ret_credentials->name, name, strlen(name) + 1);
	memcpy(ret_credentials->password, password, strlen(password) + 1);
	json_decref(json);
	return 0;
}
