#include "store/account.h"

#include <argon2.h>
#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#define SALT_BYTES 16
#define HASH_BYTES 32
/* docs/decisions/0009 has the measurement. */
#define MEMORY_KIB (32 * 1024)
#define PASSES 2
#define LANES 1

/* A hash of no known password with the parameters above, so that an unknown name takes as long. */
#define NOBODY_HASH                                                                                \
	"$argon2id$v=19$m=32768,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$"                                   \
	"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

bool account_name_is_valid(const char *name)
{
	size_t len = strlen(name);
	return len > 0 && len < STORE_NAME_BYTES &&
			strspn(name,
					"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
					"0123456789._-@+") == len;
}

const char *account_role_name(enum store_role role)
{
	return role == STORE_ADMIN ? "admin" : "user";
}

int account_parse_role(const char *text, enum store_role *ret_role, struct error *err)
{
	if (strcmp(text, "user") == 0) {
		*ret_role = STORE_USER;
	} else if (strcmp(text, "admin") == 0) {
		*ret_role = STORE_ADMIN;
	} else {
		return error_set(err, -EINVAL, "a role is user or admin, not %.32s", text);
	}
	return 0;
}

static int check_password(const char *password, struct error *err)
{
	size_t len = strlen(password);
	if (len < ACCOUNT_PASSWORD_MIN_BYTES || len > ACCOUNT_PASSWORD_MAX_BYTES) {
		return error_set(err, -EINVAL, "a password has %d to %d bytes, this one has %zu",
				ACCOUNT_PASSWORD_MIN_BYTES, ACCOUNT_PASSWORD_MAX_BYTES, len);
	}
	return 0;
}

static int random_bytes(void *to, size_t len)
{
	return getrandom(to, len, 0) == (ssize_t)len ? 0 : -EIO;
}

int account_hash_password(
		const char *password, char ret_hash[STORE_PASSWORD_BYTES], struct error *err)
{
	uint8_t salt[SALT_BYTES];
	if (random_bytes(salt, sizeof(salt)) < 0) {
		return error_set(err, -EIO, "the kernel gave no random bytes");
	}
	int code = argon2id_hash_encoded(PASSES, MEMORY_KIB, LANES, password, strlen(password),
			salt, sizeof(salt), HASH_BYTES, ret_hash, STORE_PASSWORD_BYTES);
	if (code != ARGON2_OK) {
		return error_set(err, code == ARGON2_MEMORY_ALLOCATION_ERROR ? -ENOMEM : -EIO,
				"cannot hash a password: %s", argon2_error_message(code));
	}
	return 0;
}

bool account_password_matches(const char *password, const char *hash)
{
	int code = argon2id_verify(hash ? hash : NOBODY_HASH, password, strlen(password));
	return hash && code == ARGON2_OK;
}

void account_random_password(char ret_password[ACCOUNT_RANDOM_PASSWORD_BYTES])
{
	/* 32 letters without l, o, 0 and 1, so that every byte gives 5 bits. */
	static const char letters[] = "abcdefghijkmnpqrstuvwxyz23456789";
	uint8_t raw[ACCOUNT_RANDOM_PASSWORD_BYTES - 1];
	int code = random_bytes(raw, sizeof(raw));
	assert(code == 0);
	for (size_t i = 0; i < sizeof(raw); i++) {
		ret_password[i] = letters[raw[i] & 31];
	}
	ret_password[sizeof(raw)] = '\0';
	explicit_bzero(raw, sizeof(raw));
}

int account_add(struct store *store, const char *name, const char *password, enum store_role role,
		struct error *err)
{
	if (!account_name_is_valid(name)) {
		return error_set(err, -EINVAL,
				"a name has 1 to 64 letters, digits or . _ - @ + and nothing else");
	}
	struct store_account account = {.role = role, .created_at = time(NULL)};
	int code = check_password(password, err);
	if (code == 0) {
		code = account_hash_password(password, account.password, err);
	}
	if (code < 0) {
		return code;
	}
	memcpy(account.name, name, strlen(name));
	int64_t id;
	code = store_account_add(store, &account, &id, err);
	return code == -EEXIST ? error_set(err, code, "there is an account named %s", name) : code;
}

/* Reads the account; the sentence names it when there is none. */
static int find(struct store *store, const char *name, struct store_account *ret_account,
		struct error *err)
{
	int code = store_account_get(store, name, ret_account, err);
	return code == -ENOENT ? error_set(err, code, "there is no account named %.64s", name)
			       : code;
}

int account_set_password(
		struct store *store, const char *name, const char *password, struct error *err)
{
	struct store_account account;
	int code = check_password(password, err);
	if (code == 0) {
		code = find(store, name, &account, err);
	}
	if (code == 0) {
		code = account_hash_password(password, account.password, err);
	}
	if (code == 0) {
		code = store_account_update(store, &account, err);
	}
	return code < 0 ? code : store_login_remove_of(store, account.id, err);
}

int account_set_disabled(struct store *store, const char *name, bool is_disabled, struct error *err)
{
	struct store_account account;
	int code = find(store, name, &account, err);
	if (code < 0) {
		return code;
	}
	account.is_disabled = is_disabled;
	code = store_account_update(store, &account, err);
	return code < 0 || !is_disabled ? code : store_login_remove_of(store, account.id, err);
}

int account_remove(struct store *store, const char *name, struct error *err)
{
	int code = store_account_remove(store, name, err);
	return code == -ENOENT ? error_set(err, code, "there is no account named %.64s", name)
			       : code;
}
