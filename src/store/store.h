/* What the clean side keeps: accounts, logins, the directory of sessions, settings, audit. One
 * interface; SQLite behind it today. A store belongs to one thread. Several processes may have the
 * same store open (the gateway and the command line).
 *
 * Texts in the structs below are terminated; a text that is too long for its field is refused with
 * -EINVAL. Times are Unix seconds unless the name says otherwise. */
#ifndef SAFEWEB_STORE_STORE_H
#define SAFEWEB_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

/* Names of accounts: 1–64 bytes of letters, digits and . _ - @ + */
#define STORE_NAME_BYTES 65
#define STORE_PASSWORD_BYTES 160 /* an encoded argon2id hash */
#define STORE_HASH_BYTES 32 /* SHA-256 */
#define STORE_SESSION_BYTES 33 /* 32 hexadecimal characters */
#define STORE_TOKEN_BYTES 65
#define STORE_NODE_BYTES 256
#define STORE_ADDRESS_BYTES 64
#define STORE_EVENT_BYTES 32
#define STORE_DETAIL_BYTES 256

/* The gateway's numeric user and group: owner of the store's files. */
#define STORE_GATEWAY_UID 61001
#define STORE_GATEWAY_GID 61001

enum store_role { STORE_USER, STORE_ADMIN };

struct store_account {
	int64_t id;
	char name[STORE_NAME_BYTES];
	enum store_role role;
	bool is_disabled;
	int64_t created_at;
	char password[STORE_PASSWORD_BYTES];
};

struct store_login {
	int64_t id;
	int64_t account;
	char user[STORE_NAME_BYTES];
	enum store_role role;
	char address[STORE_ADDRESS_BYTES];
	int64_t created_at;
	int64_t seen_at;
	int64_t expires_at;
};

struct store_session {
	char id[STORE_SESSION_BYTES];
	int64_t account; /* 0: the account is gone */
	char user[STORE_NAME_BYTES];
	char node[STORE_NODE_BYTES];
	char token[STORE_TOKEN_BYTES]; /* lets the gateway attach again after a restart */
	bool is_live;
	int64_t started_at;
	int64_t expires_at;
	int64_t ended_at; /* 0 while it is live */
	int reason; /* enum wire_reason, 0 while it is live */
};

struct store_audit {
	int64_t id;
	int64_t at_ms;
	char event[STORE_EVENT_BYTES];
	char user[STORE_NAME_BYTES];
	char address[STORE_ADDRESS_BYTES];
	char session[STORE_SESSION_BYTES];
	char detail[STORE_DETAIL_BYTES];
};

/* Called for each row of a list. Return false to stop. Do not call the store from inside. */
typedef bool (*store_account_visitor)(void *data, const struct store_account *account);
typedef bool (*store_session_visitor)(void *data, const struct store_session *session);
typedef bool (*store_audit_visitor)(void *data, const struct store_audit *row);

struct store_session_filter {
	int64_t account; /* 0: everyone's */
	const char *node; /* NULL: every node's */
	bool live_only;
	bool orphans_only; /* of accounts that are gone or disabled */
	unsigned limit; /* 0: no limit; newest first */
};

struct store;

struct store_impl {
	void (*close)(struct store *store);
	/* Each gives -ENOENT when there is none, -EEXIST when a unique value is taken. */
	int (*account_add)(struct store *store, const struct store_account *account,
			int64_t *ret_id, struct error *err);
	int (*account_get)(struct store *store, const char *name, struct store_account *ret_account,
			struct error *err);
	int (*account_update)(struct store *store, const struct store_account *account,
			struct error *err);
	int (*account_remove)(struct store *store, const char *name, struct error *err);
	int (*account_list)(struct store *store, store_account_visitor visit, void *data,
			struct error *err);

	int (*login_add)(struct store *store, const uint8_t token_hash[STORE_HASH_BYTES],
			const struct store_login *login, int64_t *ret_id, struct error *err);
	int (*login_get)(struct store *store, const uint8_t token_hash[STORE_HASH_BYTES],
			struct store_login *ret_login, struct error *err);
	int (*login_get_by_id)(struct store *store, int64_t id, struct store_login *ret_login,
			struct error *err);
	int (*login_touch)(struct store *store, int64_t id, int64_t now, struct error *err);
	int (*login_remove)(struct store *store, int64_t id, struct error *err);
	int (*login_remove_of)(struct store *store, int64_t account, struct error *err);
	int (*login_prune)(struct store *store, int64_t expired_before, int64_t idle_before,
			struct error *err);

	int (*session_add)(struct store *store, const struct store_session *session,
			struct error *err);
	int (*session_get)(struct store *store, const char *id, struct store_session *ret_session,
			struct error *err);
	int (*session_end)(struct store *store, const char *id, int64_t ended_at, int reason,
			struct error *err);
	int (*session_list)(struct store *store, const struct store_session_filter *filter,
			store_session_visitor visit, void *data, struct error *err);
	int (*session_prune)(struct store *store, int64_t ended_before, struct error *err);

	int (*setting_set)(struct store *store, const char *name, const char *value,
			struct error *err);
	int (*setting_get)(struct store *store, const char *name, char *value, size_t size,
			struct error *err);

	int (*audit_add)(struct store *store, const struct store_audit *row, struct error *err);
	int (*audit_list)(struct store *store, int64_t after_id, unsigned limit,
			store_audit_visitor visit, void *data, struct error *err);
};

struct store {
	const struct store_impl *impl;
};

/* Opens, and if need be makes and migrates, STATE/store/safeweb.db. When the caller is root the
 * folder (0700) and file (0600) are given to owner:group, so the gateway can use what the command
 * line made first. */
int store_open_sqlite(const char *state, uid_t owner, gid_t group, struct store **ret_store,
		struct error *err);
void store_close(struct store *store);

static inline int store_account_add(struct store *store, const struct store_account *account,
		int64_t *ret_id, struct error *err)
{
	return store->impl->account_add(store, account, ret_id, err);
}

static inline int store_account_get(struct store *store, const char *name,
		struct store_account *ret_account, struct error *err)
{
	return store->impl->account_get(store, name, ret_account, err);
}

/* Writes name, role, is_disabled and password of the account with that id. */
static inline int store_account_update(
		struct store *store, const struct store_account *account, struct error *err)
{
	return store->impl->account_update(store, account, err);
}

/* Its logins go with it; its sessions stay in the directory without an account. */
static inline int store_account_remove(struct store *store, const char *name, struct error *err)
{
	return store->impl->account_remove(store, name, err);
}

static inline int store_account_list(
		struct store *store, store_account_visitor visit, void *data, struct error *err)
{
	return store->impl->account_list(store, visit, data, err);
}

static inline int store_login_add(struct store *store, const uint8_t *token_hash,
		const struct store_login *login, int64_t *ret_id, struct error *err)
{
	return store->impl->login_add(store, token_hash, login, ret_id, err);
}

/* -ENOENT also when the account is disabled. Expiry is the caller's to judge. */
static inline int store_login_get(struct store *store, const uint8_t *token_hash,
		struct store_login *ret_login, struct error *err)
{
	return store->impl->login_get(store, token_hash, ret_login, err);
}

static inline int store_login_get_by_id(
		struct store *store, int64_t id, struct store_login *ret_login, struct error *err)
{
	return store->impl->login_get_by_id(store, id, ret_login, err);
}

static inline int store_login_touch(struct store *store, int64_t id, int64_t now, struct error *err)
{
	return store->impl->login_touch(store, id, now, err);
}

static inline int store_login_remove(struct store *store, int64_t id, struct error *err)
{
	return store->impl->login_remove(store, id, err);
}

static inline int store_login_remove_of(struct store *store, int64_t account, struct error *err)
{
	return store->impl->login_remove_of(store, account, err);
}

static inline int store_login_prune(
		struct store *store, int64_t expired_before, int64_t idle_before, struct error *err)
{
	return store->impl->login_prune(store, expired_before, idle_before, err);
}

/* -EEXIST when the account has a live session already. */
static inline int store_session_add(
		struct store *store, const struct store_session *session, struct error *err)
{
	return store->impl->session_add(store, session, err);
}

static inline int store_session_get(struct store *store, const char *id,
		struct store_session *ret_session, struct error *err)
{
	return store->impl->session_get(store, id, ret_session, err);
}

/* -ENOENT when it is not live. Its token is wiped. */
static inline int store_session_end(struct store *store, const char *id, int64_t ended_at,
		int reason, struct error *err)
{
	return store->impl->session_end(store, id, ended_at, reason, err);
}

static inline int store_session_list(struct store *store, const struct store_session_filter *filter,
		store_session_visitor visit, void *data, struct error *err)
{
	return store->impl->session_list(store, filter, visit, data, err);
}

static inline int store_session_prune(struct store *store, int64_t ended_before, struct error *err)
{
	return store->impl->session_prune(store, ended_before, err);
}

static inline int store_setting_set(
		struct store *store, const char *name, const char *value, struct error *err)
{
	return store->impl->setting_set(store, name, value, err);
}

static inline int store_setting_get(
		struct store *store, const char *name, char *value, size_t size, struct error *err)
{
	return store->impl->setting_get(store, name, value, size, err);
}

/* id is ignored. */
static inline int store_audit_add(
		struct store *store, const struct store_audit *row, struct error *err)
{
	return store->impl->audit_add(store, row, err);
}

/* Rows with an id above after_id, oldest first; limit 0: no limit. */
static inline int store_audit_list(struct store *store, int64_t after_id, unsigned limit,
		store_audit_visitor visit, void *data, struct error *err)
{
	return store->impl->audit_list(store, after_id, limit, visit, data, err);
}

#endif
