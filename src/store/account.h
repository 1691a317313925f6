/* Accounts and passwords: what the gateway's login and `safeweb user` share. */
#ifndef SAFEWEB_STORE_ACCOUNT_H
#define SAFEWEB_STORE_ACCOUNT_H

#include "store/store.h"

#define ACCOUNT_PASSWORD_MIN_BYTES 8
#define ACCOUNT_PASSWORD_MAX_BYTES 256
#define ACCOUNT_RANDOM_PASSWORD_BYTES 25 /* 24 characters, 120 bits */

/* Whether a text may be an account's name: 1–64 of A–Z a–z 0–9 . _ - @ + */
bool account_name_is_valid(const char *name);

const char *account_role_name(enum store_role role);
/* "user" or "admin"; -EINVAL for anything else. */
int account_parse_role(const char *text, enum store_role *ret_role, struct error *err);

/* Makes an account. -EEXIST when the name is taken, -EINVAL for a bad name or password; the
 * sentence says the rule. */
int account_add(struct store *store, const char *name, const char *password, enum store_role role,
		struct error *err);
/* Sets the password and ends every login of the account. */
int account_set_password(
		struct store *store, const char *name, const char *password, struct error *err);
/* A disabled account cannot log in; disabling ends its logins. */
int account_set_disabled(
		struct store *store, const char *name, bool is_disabled, struct error *err);
int account_remove(struct store *store, const char *name, struct error *err);

/* A password with 120 random bits, easy to type. */
void account_random_password(char ret_password[ACCOUNT_RANDOM_PASSWORD_BYTES]);

/* argon2id, 32 MiB, 2 passes, 1 lane: some 100 to 300 ms. Needs no store; any thread. */
int account_hash_password(
		const char *password, char ret_hash[STORE_PASSWORD_BYTES], struct error *err);
/* Whether password belongs to hash. A NULL hash (no such account) takes as long and is false. */
bool account_password_matches(const char *password, const char *hash);

#endif
