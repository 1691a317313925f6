#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fds.h"
#include "store/migrations.h"
#include "store/store.h"

/* How long one process waits for another's write. */
#define BUSY_TIMEOUT_MS 5000
#define BUSY_RETRY_MS 20

#define ACCOUNT_COLUMNS "id, name, role, is_disabled, created_at, password"
#define LOGIN_COLUMNS                                                                              \
	"logins.id, account, accounts.name, accounts.role, address, logins.created_at, seen_at, "  \
	"expires_at"
#define SESSION_COLUMNS                                                                            \
	"id, account, user, node, token, state, started_at, expires_at, ended_at, reason"

enum statement {
	ACCOUNT_ADD,
	ACCOUNT_GET,
	ACCOUNT_UPDATE,
	ACCOUNT_REMOVE,
	ACCOUNT_LIST,
	LOGIN_ADD,
	LOGIN_GET,
	LOGIN_GET_BY_ID,
	LOGIN_TOUCH,
	LOGIN_REMOVE,
	LOGIN_REMOVE_OF,
	LOGIN_PRUNE,
	SESSION_ADD,
	SESSION_GET,
	SESSION_END,
	SESSION_LIST,
	SESSION_PRUNE,
	SETTING_SET_VALUE,
	SETTING_GET_VALUE,
	AUDIT_ADD,
	AUDIT_LIST,
	STATEMENT_COUNT,
};

static const char *const statement_texts[STATEMENT_COUNT] = {
		[ACCOUNT_ADD] = "INSERT INTO accounts (name, role, is_disabled, created_at, "
				"password) "
				"VALUES (?1, ?2, ?3, ?4, ?5)",
		[ACCOUNT_GET] = "SELECT " ACCOUNT_COLUMNS " FROM accounts WHERE name = ?1",
		[ACCOUNT_UPDATE] = "UPDATE accounts SET name = ?1, role = ?2, is_disabled = ?3, "
				   "created_at = ?4, password = ?5 WHERE id = ?6",
		[ACCOUNT_REMOVE] = "DELETE FROM accounts WHERE name = ?1",
		[ACCOUNT_LIST] = "SELECT " ACCOUNT_COLUMNS " FROM accounts ORDER BY name",
		[LOGIN_ADD] = "INSERT INTO logins (token_hash, account, address, created_at, "
			      "seen_at, "
			      "expires_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
		[LOGIN_GET] = "SELECT " LOGIN_COLUMNS " FROM logins JOIN accounts ON account = "
			      "accounts.id WHERE token_hash = ?1 AND is_disabled = 0",
		[LOGIN_GET_BY_ID] =
				"SELECT " LOGIN_COLUMNS " FROM logins JOIN accounts ON account = "
				"accounts.id WHERE logins.id = ?1 AND is_disabled = 0",
		[LOGIN_TOUCH] = "UPDATE logins SET seen_at = ?2 WHERE id = ?1",
		[LOGIN_REMOVE] = "DELETE FROM logins WHERE id = ?1",
		[LOGIN_REMOVE_OF] = "DELETE FROM logins WHERE account = ?1",
		[LOGIN_PRUNE] = "DELETE FROM logins WHERE expires_at < ?1 OR seen_at < ?2",
		[SESSION_ADD] = "INSERT INTO sessions (id, account, user, node, token, state, "
				"started_at, expires_at) VALUES (?1, ?2, ?3, ?4, ?5, 'live', ?6, "
				"?7)",
		[SESSION_GET] = "SELECT " SESSION_COLUMNS " FROM sessions WHERE id = ?1",
		[SESSION_END] = "UPDATE sessions SET state = 'ended', token = '', ended_at = ?2, "
				"reason = ?3 WHERE id = ?1 AND state = 'live'",
		[SESSION_LIST] = "SELECT " SESSION_COLUMNS " FROM sessions WHERE "
				 "(?1 = 0 OR account = ?1) AND (?2 IS NULL OR node = ?2) AND "
				 "(?3 = 0 OR state = 'live') AND (?4 = 0 OR account IS NULL OR "
				 "account "
				 "IN (SELECT accounts.id FROM accounts WHERE is_disabled = 1)) "
				 "ORDER BY started_at DESC, id LIMIT ?5",
		[SESSION_PRUNE] = "DELETE FROM sessions WHERE state = 'ended' AND ended_at < ?1",
		[SETTING_SET_VALUE] =
				"INSERT INTO settings (name, value) VALUES (?1, ?2) ON CONFLICT "
				"(name) DO UPDATE SET value = excluded.value",
		[SETTING_GET_VALUE] = "SELECT value FROM settings WHERE name = ?1",
		[AUDIT_ADD] = "INSERT INTO audit (at_ms, event, user, address, session, detail) "
			      "VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
		[AUDIT_LIST] = "SELECT id, at_ms, event, user, address, session, detail FROM audit "
			       "WHERE id > ?1 ORDER BY id LIMIT ?2",
};

struct sqlite_store {
	struct store base;
	sqlite3 *database;
	sqlite3_stmt *statements[STATEMENT_COUNT];
};

static struct sqlite_store *downcast(struct store *store);

static int code_of(int result)
{
	switch (result & 0xff) {
	case SQLITE_CONSTRAINT:
		return result == SQLITE_CONSTRAINT_UNIQUE || result == SQLITE_CONSTRAINT_PRIMARYKEY
				? -EEXIST
				: -EINVAL;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_READONLY:
		return -EROFS;
	case SQLITE_CANTOPEN:
	case SQLITE_PERM:
	case SQLITE_AUTH:
		return -EACCES;
	case SQLITE_TOOBIG:
		return -EINVAL;
	default:
		return -EIO;
	}
}

static int fail(struct sqlite_store *store, int result, const char *doing, struct error *err)
{
	return error_set(err, code_of(result), "the store cannot %s: %s", doing,
			store->database ? sqlite3_errmsg(store->database) : sqlite3_errstr(result));
}

/* A statement bound to values, run once and reset when its scope ends. */
struct query {
	struct sqlite_store *store;
	sqlite3_stmt *statement;
	int next; /* number of the next value */
	int result; /* first failure of binding */
};

static struct query query_begin(struct store *base, enum statement which)
{
	struct sqlite_store *store = downcast(base);
	return (struct query){.store = store,
			.statement = store->statements[which],
			.next = 1,
			.result = SQLITE_OK};
}

static void query_end(struct query *query)
{
	sqlite3_reset(query->statement);
	sqlite3_clear_bindings(query->statement);
}

#define CLEANUP_QUERY CLEANUP(query_end)

static void note(struct query *query, int result)
{
	query->next++;
	if (result != SQLITE_OK && query->result == SQLITE_OK) {
		query->result = result;
	}
}

/* The text has to live until the query ends; NULL binds NULL. */
static void bind_text(struct query *query, const char *text)
{
	note(query, sqlite3_bind_text(query->statement, query->next, text, -1, SQLITE_STATIC));
}

static void bind_number(struct query *query, int64_t number)
{
	note(query, sqlite3_bind_int64(query->statement, query->next, number));
}

static void bind_hash(struct query *query, const uint8_t *hash)
{
	note(query,
			sqlite3_bind_blob(query->statement, query->next, hash, STORE_HASH_BYTES,
					SQLITE_STATIC));
}

/* Runs to the end. 0, or a negative errno. */
static int query_run(struct query *query, const char *doing, struct error *err)
{
	int result = query->result == SQLITE_OK ? sqlite3_step(query->statement) : query->result;
	return result == SQLITE_DONE ? 0 : fail(query->store, result, doing, err);
}

/* As query_run, and -ENOENT when no row was changed. */
static int query_change(struct query *query, const char *doing, struct error *err)
{
	int code = query_run(query, doing, err);
	if (code == 0 && sqlite3_changes(query->store->database) == 0) {
		return error_set(err, -ENOENT, "the store cannot %s: there is none", doing);
	}
	return code;
}

/* 1 when there is a row, 0 at the end, or a negative errno. */
static int query_next(struct query *query, const char *doing, struct error *err)
{
	int result = query->result == SQLITE_OK ? sqlite3_step(query->statement) : query->result;
	if (result == SQLITE_ROW) {
		return 1;
	}
	return result == SQLITE_DONE ? 0 : fail(query->store, result, doing, err);
}

/* 0 with the one row ready, -ENOENT when there is none. */
static int query_one(struct query *query, const char *doing, struct error *err)
{
	int code = query_next(query, doing, err);
	if (code == 0) {
		return error_set(err, -ENOENT, "the store cannot %s: there is none", doing);
	}
	return code < 0 ? code : 0;
}

/* Values are written with their limits; what is longer anyway is cut. */
static void column_text(const struct query *query, int column, char *to, size_t size)
{
	const char *text = (const char *)sqlite3_column_text(query->statement, column);
	size_t len = text ? strnlen(text, size - 1) : 0;
	if (len) {
		memcpy(to, text, len);
	}
	to[len] = '\0';
}

static int64_t column_number(const struct query *query, int column)
{
	return sqlite3_column_int64(query->statement, column);
}

static enum store_role column_role(const struct query *query, int column)
{
	const char *text = (const char *)sqlite3_column_text(query->statement, column);
	return text && strcmp(text, "admin") == 0 ? STORE_ADMIN : STORE_USER;
}

static const char *role_text(enum store_role role)
{
	return role == STORE_ADMIN ? "admin" : "user";
}

/* ---- accounts ---- */

static void read_account(const struct query *query, struct store_account *account)
{
	*account = (struct store_account){
			.id = column_number(query, 0),
			.role = column_role(query, 2),
			.is_disabled = column_number(query, 3) != 0,
			.created_at = column_number(query, 4),
	};
	column_text(query, 1, account->name, sizeof(account->name));
	column_text(query, 5, account->password, sizeof(account->password));
}

static void bind_account(struct query *query, const struct store_account *account)
{
	bind_text(query, account->name);
	bind_text(query, role_text(account->role));
	bind_number(query, account->is_disabled);
	bind_number(query, account->created_at);
	bind_text(query, account->password);
}

static int sqlite_account_add(struct store *store, const struct store_account *account,
		int64_t *ret_id, struct error *err)
{
	CLEANUP_QUERY struct query query = query_begin(store, ACCOUNT_ADD);
	bind_account(&query, account);
	int code = query_run(&query, "add an account", err);
	if (code == 0) {
		*ret_id = sqlite3_last_insert_rowid(query.store->database);
	}
	return code;
}

static int sqlite_account_get(struct store *store, const char *name,
		struct store_account *ret_account, struct error *err)
{
	CLEANUP_QUERY struct query query = query_begin(store, ACCOUNT_GET);
	bind_text(&query, name);
	int code = query_one(&query, "read an account", err);
	if (code == 0) {
		read_account(&query, ret_account);
	}
	return code;
}

static int sqlite_account_update(
		struct store *store, const struct store_account *account, struct error *err)
{
	CLEANUP_QUERY struct query query = query_begin(store, ACCOUNT_UPDATE);
	bind_account(&query, account);
	bind_number(&query, account->id);
	return query_change(&query, "change an account", err);
}

static int sqlite_account_remove(struct store *store, const char *name, struct error *err)
{
	CLEANUP_QUERY struct query query = query_begin(store, ACCOUNT_REMOVE);
	bind_text(&query, name);
	return query_change(&query, "remove an account", err);
}

static int sqlite_account_list(
		struct store *store, store_account_visitor visit, void *data, struct error *err)
{
	CLEANUP_QUERY struct query query = query_begin(store, ACCOUNT_LIST);
	struct store_account account;
	int code;
	while ((code = query_next(&query, "list accounts", err)) > 0) {
		read_account(&query, &account);
		if (!visit(data, &account)) {
			return 0;
		}
	}
	return code;
}

/* ---- logins ---- */

static int read_login(struct query *query, struct store_login *ret_login, struct error *err)
{
	int code = query_one(query, "read a login", err);
	if (code < 0) {
		return code;
	}
	*ret_login = (struct store_login){
			.id = column_number(query, 0),
			.account = column_number(query, 1),
			.role = column_role(query, 3),
			.created_at = column_number(query, 5),
			.seen_at = column_number(query, 6),
			.expires_at = column_number(query, 7),
	};
	column_text(query, 2, ret_login->user, sizeof(ret_login->user));
	column_text(query, 4, ret_login->address, sizeof(ret_login->address));
	return 0;
}

static int sqlite_login_add(struct store *store, const uint8_t *token_hash,
		const struct store_login *login, int64_t *ret_id, struct error *err)
{
	CLEANUP_QUERY struct query query = query_begin(store, LOGIN_ADD);
	bind_hash(&query, token_hash);
	bind_number(&query, login->account);
	bind_text(&query, login->address);
	bind_number(&query, login->created_at);
	bind_number(&query, login->seen_at);
	bind_number(&query, login->expires_at);
	int code = query_run(&query, "add a login", err);
	if (code == 0) {
		*ret_id = sqlite3_last_insert_rowid(query.store->database);
	}
	return code;
}

static int sqlite_login_get(struct store *store, const uint8_t *token_hash,
		struct store_login *ret_login, struct error *err)
{
	CLEANUP_QUERY struct query query = query_begin(store, LOGIN_GET);
	bind_hash(&query, token_hash);
	return read_login(&query, ret_login, err);
}

static int sqlite_login_get_by_id(
		struct store *store, int64_t id, struct store_login *ret_login, struct error *err)
{
	CLEANUP_QUERY struct query query = query_begin(store, LOGIN_GET_BY_ID);
	bind_number(&query, id);
	return read_login(&query, ret_login, err);
}

static int sqlite_login_touch(struct store *store, int64_t id, int64_t now, struct error *err)
{
	CLEANUP_QUERY struct query query = query_begin(store, LOGIN_TOUCH);
	bind_number(&query, id);
	bind_number(&query, now);
	return query_change(&query, "touch a login", err);
}

static int sqlite_login_remove(struct store *store, int64_t id, struct error *err)
{
	CLEANUP_QUERY struct query query = query_begin(store, LOGIN_REMOVE);
	bind_number(&query, id);
	return query_change(&query, "remove a login", err);
}

static int sqlite_login_remove_of(struct store *store, int64_t account, struct error *err)
{
	CLEANUP_QUERY struct query query = query_begin(store, LOGIN_REMOVE_OF);
	bind_number(&query, account);
	return query_run(&query, "remove an account's logins", err);
}

static int sqlite_login_prune(
		struct store *store, int64_t expired_before, int64_t idle_before, struct error *err)
{
	CLEANUP_QUERY struct query query = query_begin(store, LOGIN_PRUNE);
	bind_number(&query, expired_before);
	bind_number(&query, idle_before);
	return query_run(&query, "remove old logins", err);
}

/* ---- sessions ---- */

static void read_session(const struct query *query, struct store_session *session)
{
	const char *state = (const char *)sqlite3_column_text(query->statement, 5);
	*session = (struct store_session){
			.account = column_number(query, 1),
			.is_live = state && strcmp(state, "live") == 0,
			.started_at = column_number(query, 6),
			.expires_at = column_number(query, 7),
			.ended_at = column_number(query, 8),
			.reason = (int)column_number(query, 9),
	};
	column_text(query, 0, session->id, sizeof(session->id));
	column_text(query, 2, session->user, sizeof(session->user));
	column_text(query, 3, session->node, sizeof(session->node));
	column_text(query, 4, session->token, sizeof(session->token));
}

static int sqlite_session_add(
		struct store *store, const struct store_session *session, struct error *err)
{
	CLEANUP_QUERY struct query query = query_begin(store, SESSION_ADD);
	bind_text(&query, session->id);
	bind_number(&query, session->account);
	bind_text(&query, session->user);
	bind_text(&query, session->node);
	bind_text(&query, session->token);
	bind_number(&query, session->started_at);
	bind_number(&query, session->expires_at);
	return query_run(&query, "add a session", err);
}

static int sqlite_session_get(struct store *store, const char *id,
		struct store_session *ret_session, struct error *err)
{
	CLEANUP_QUERY struct query query = query_begin(store, SESSION_GET);
	bind_text(&query, id);
	int code = query_one(&query, "read a session", err);
	if (code == 0) {
		read_session(&query, ret_session);
	}
	return code;
}

static int sqlite_session_end(struct store *store, const char *id, int64_t ended_at, int reason,
		struct error *err)
{
	CLEANUP_QUERY struct query query = query_begin(store, SESSION_END);
	bind_text(&query, id);
	bind_number(&query, ended_at);
	bind_number(&query, reason);
	return query_change(&query, "end a session", err);
}

static int sqlite_session_list(struct store *store, const struct store_session_filter *filter,
		store_session_visitor visit, void *data, struct error *err)
{
	CLEANUP_QUERY struct query query = query_begin(store, SESSION_LIST);
	bind_number(&query, filter->account);
	bind_text(&query, filter->node);
	bind_number(&query, filter->live_only);
	bind_number(&query, filter->orphans_only);
	bind_number(&query, filter->limit ? (int64_t)filter->limit : -1);
	struct store_session session;
	int code;
	while ((code = query_next(&query, "list sessions", err)) > 0) {
		read_session(&query, &session);
		if (!visit(data, &session)) {
			return 0;
		}
	}
	return code;
}

static int sqlite_session_prune(struct store *store, int64_t ended_before, struct error *err)
{
	CLEANUP_QUERY struct query query = query_begin(store, SESSION_PRUNE);
	bind_number(&query, ended_before);
	return query_run(&query, "remove old sessions", err);
}

/* ---- settings and audit ---- */

static int sqlite_setting_set(
		struct store *store, const char *name, const char *value, struct error *err)
{
	CLEANUP_QUERY struct query query = query_begin(store, SETTING_SET_VALUE);
	bind_text(&query, name);
	bind_text(&query, value);
	return query_run(&query, "write a setting", err);
}

static int sqlite_setting_get(
		struct store *store, const char *name, char *value, size_t size, struct error *err)
{
	CLEANUP_QUERY struct query query = query_begin(store, SETTING_GET_VALUE);
	bind_text(&query, name);
	int code = query_one(&query, "read a setting", err);
	if (code < 0) {
		return code;
	}
	if ((size_t)sqlite3_column_bytes(query.statement, 0) >= size) {
		return error_set(err, -EINVAL, "the setting %.64s is longer than %zu bytes", name,
				size - 1);
	}
	column_text(&query, 0, value, size);
	return 0;
}

static int sqlite_audit_add(struct store *store, const struct store_audit *row, struct error *err)
{
	CLEANUP_QUERY struct query query = query_begin(store, AUDIT_ADD);
	bind_number(&query, row->at_ms);
	bind_text(&query, row->event);
	bind_text(&query, row->user);
	bind_text(&query, row->address);
	bind_text(&query, row->session);
	bind_text(&query, row->detail);
	return query_run(&query, "add an audit row", err);
}

static int sqlite_audit_list(struct store *store, int64_t after_id, unsigned limit,
		store_audit_visitor visit, void *data, struct error *err)
{
	CLEANUP_QUERY struct query query = query_begin(store, AUDIT_LIST);
	bind_number(&query, after_id);
	bind_number(&query, limit ? (int64_t)limit : -1);
	int code;
	while ((code = query_next(&query, "list audit rows", err)) > 0) {
		struct store_audit row = {
				.id = column_number(&query, 0), .at_ms = column_number(&query, 1)};
		column_text(&query, 2, row.event, sizeof(row.event));
		column_text(&query, 3, row.user, sizeof(row.user));
		column_text(&query, 4, row.address, sizeof(row.address));
		column_text(&query, 5, row.session, sizeof(row.session));
		column_text(&query, 6, row.detail, sizeof(row.detail));
		if (!visit(data, &row)) {
			return 0;
		}
	}
	return code;
}

/* ---- opening and closing ---- */

static void sqlite_close(struct store *base)
{
	struct sqlite_store *store = downcast(base);
	for (int i = 0; i < STATEMENT_COUNT; i++) {
		sqlite3_finalize(store->statements[i]);
	}
	sqlite3_close(store->database);
	free(store);
}

static const struct store_impl sqlite_impl = {
		.close = sqlite_close,
		.account_add = sqlite_account_add,
		.account_get = sqlite_account_get,
		.account_update = sqlite_account_update,
		.account_remove = sqlite_account_remove,
		.account_list = sqlite_account_list,
		.login_add = sqlite_login_add,
		.login_get = sqlite_login_get,
		.login_get_by_id = sqlite_login_get_by_id,
		.login_touch = sqlite_login_touch,
		.login_remove = sqlite_login_remove,
		.login_remove_of = sqlite_login_remove_of,
		.login_prune = sqlite_login_prune,
		.session_add = sqlite_session_add,
		.session_get = sqlite_session_get,
		.session_end = sqlite_session_end,
		.session_list = sqlite_session_list,
		.session_prune = sqlite_session_prune,
		.setting_set = sqlite_setting_set,
		.setting_get = sqlite_setting_get,
		.audit_add = sqlite_audit_add,
		.audit_list = sqlite_audit_list,
};

static struct sqlite_store *downcast(struct store *store)
{
	assert(store->impl == &sqlite_impl);
	return (struct sqlite_store *)store;
}

static int execute(
		struct sqlite_store *store, const char *sql, const char *doing, struct error *err)
{
	int result = sqlite3_exec(store->database, sql, NULL, NULL, NULL);
	return result == SQLITE_OK ? 0 : fail(store, result, doing, err);
}

static int read_version(struct sqlite_store *store, int *ret_version, struct error *err)
{
	sqlite3_stmt *statement = NULL;
	int result = sqlite3_prepare_v2(
			store->database, "PRAGMA user_version", -1, &statement, NULL);
	if (result == SQLITE_OK) {
		result = sqlite3_step(statement);
	}
	int code = result == SQLITE_ROW ? 0 : fail(store, result, "read its version", err);
	if (code == 0) {
		*ret_version = sqlite3_column_int(statement, 0);
	}
	sqlite3_finalize(statement);
	return code;
}

static int apply_migration(
		struct sqlite_store *store, const struct migration *migration, struct error *err)
{
	int code = execute(store, migration->sql, "change its schema", err);
	if (code < 0) {
		return error_prefix(err, "migration %s", migration->name);
	}
	char set_version[64];
	sqlite3_snprintf((int)sizeof(set_version), set_version, "PRAGMA user_version = %d",
			migration->number);
	return execute(store, set_version, "set its version", err);
}

/* All missing steps in one transaction, so that two starting programs or a power cut leave a whole
 * schema. */
static int migrate(struct sqlite_store *store, struct error *err)
{
	int version = 0;
	int code = execute(store, "BEGIN IMMEDIATE", "begin", err);
	if (code < 0) {
		return code;
	}
	code = read_version(store, &version, err);
	int known = 0;
	for (const struct migration *m = migrations; code == 0 && m->number; m++) {
		known = m->number;
		if (m->number > version) {
			code = apply_migration(store, m, err);
		}
	}
	if (code == 0 && version > known) {
		code = error_set(err, -EPROTO,
				"the store has schema %d and this program knows up to %d: use the "
				"newer program, or the copy made before the upgrade",
				version, known);
	}
	if (code == 0) {
		code = execute(store, "COMMIT", "commit its schema", err);
	}
	if (code < 0) {
		sqlite3_exec(store->database, "ROLLBACK", NULL, NULL, NULL);
	}
	return code;
}

static int prepare(struct sqlite_store *store, struct error *err)
{
	for (int i = 0; i < STATEMENT_COUNT; i++) {
		int result = sqlite3_prepare_v3(store->database, statement_texts[i], -1,
				SQLITE_PREPARE_PERSISTENT, &store->statements[i], NULL);
		if (result != SQLITE_OK) {
			return fail(store, result, "prepare a statement", err);
		}
	}
	return 0;
}

/* The change to WAL does not wait for others by itself, so this does. */
static int set_journal(struct sqlite_store *store, struct error *err)
{
	int code = -EBUSY;
	for (int waited_ms = 0; code == -EBUSY && waited_ms <= BUSY_TIMEOUT_MS;
			waited_ms += BUSY_RETRY_MS) {
		if (waited_ms) {
			usleep(BUSY_RETRY_MS * 1000);
		}
		code = execute(store, "PRAGMA journal_mode = WAL", "be set up", err);
	}
	return code;
}

static int open_database(struct sqlite_store *store, const char *path, struct error *err)
{
	int result = sqlite3_open_v2(path, &store->database,
			SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_EXRESCODE, NULL);
	if (result != SQLITE_OK) {
		return fail(store, result, "be opened", err);
	}
	sqlite3_busy_timeout(store->database, BUSY_TIMEOUT_MS);
	/* A hostile file must not run code through the schema. */
	sqlite3_db_config(store->database, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(store->database, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	int code = set_journal(store, err);
	if (code < 0) {
		return code;
	}
	code = execute(store,
			"PRAGMA synchronous = NORMAL; "
			"PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY; "
			"PRAGMA cell_size_check = ON",
			"be set up", err);
	if (code == 0) {
		code = migrate(store, err);
	}
	return code < 0 ? code : prepare(store, err);
}

/* Makes folder and file with the right owner and mode before SQLite sees them; its -wal and -shm
 * files take after the database. */
static int make_files(
		const char *folder, const char *path, uid_t owner, gid_t group, struct error *err)
{
	bool is_root = geteuid() == 0;
	int code = fds_make_directories(folder, 0711, err);
	if (code < 0) {
		return code;
	}
	CLEANUP_CLOSE int dir = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir < 0) {
		return error_set_errno(err, "cannot open the folder %s", folder);
	}
	if ((is_root && fchown(dir, owner, group) < 0) || fchmod(dir, 0700) < 0) {
		return error_set_errno(err, "cannot give the folder %s to user %u", folder,
				(unsigned)owner);
	}
	CLEANUP_CLOSE int file = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (file < 0) {
		return error_set_errno(err, "cannot open %s", path);
	}
	if ((is_root && fchown(file, owner, group) < 0) || fchmod(file, 0600) < 0) {
		return error_set_errno(err, "cannot give %s to user %u", path, (unsigned)owner);
	}
	return 0;
}

int store_open_sqlite(const char *state, uid_t owner, gid_t group, struct store **ret_store,
		struct error *err)
{
	CLEANUP_FREE char *folder = NULL;
	CLEANUP_FREE char *path = NULL;
	if (asprintf(&folder, "%s/store", state) < 0 ||
			asprintf(&path, "%s/store/safeweb.db", state) < 0) {
		return error_set(err, -ENOMEM, "no memory for the store's path");
	}
	int code = make_files(folder, path, owner, group, err);
	if (code < 0) {
		return code;
	}
	struct sqlite_store *store = calloc(1, sizeof(*store));
	if (!store) {
		return error_set(err, -ENOMEM, "no memory for the store");
	}
	store->base.impl = &sqlite_impl;
	code = open_database(store, path, err);
	if (code < 0) {
		sqlite_close(&store->base);
		return error_prefix(err, "%s", path);
	}
	*ret_store = &store->base;
	return 0;
}

void store_close(struct store *store)
{
	if (store) {
		store->impl->close(store);
	}
}
