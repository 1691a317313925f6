/* The body of a request to log in. Pure. */
#ifndef SAFEWEB_GATEWAY_CREDENTIALS_H
#define SAFEWEB_GATEWAY_CREDENTIALS_H

#include <stddef.h>

#include "store/account.h"

struct credentials {
	char name[STORE_NAME_BYTES];
	char password[ACCOUNT_PASSWORD_MAX_BYTES + 1];
};

/* Reads {"username": "…", "password": "…"} and nothing else: 0, or -EBADMSG with ret_credentials
 * untouched. A name or password that no account can have becomes one that no account has. */
int credentials_parse(const char *body, size_t len, struct credentials *ret_credentials);

#endif
