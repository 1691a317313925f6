#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/fds.h"
#include "harness/test.h"
#include "store/account.h"
#include "store/store.h"

#define SESSION_A "0123456789abcdef0123456789abcdef"
#define SESSION_B "fedcba9876543210fedcba9876543210"

static char folder[64];

static void make_folder(void)
{
	snprintf(folder, sizeof(folder), "/tmp/safeweb-store-XXXXXX");
	CHECK(mkdtemp(folder) != NULL);
}

static void remove_folder(void)
{
	CHECK_INT(fds_remove_tree(folder, NULL), 0);
}

static struct store *open_store(void)
{
	struct store *store = NULL;
	struct error err = {0};
	if (store_open_sqlite(folder, getuid(), getgid(), &store, &err) < 0) {
		test_fail(__FILE__, __LINE__, "%s", err.text);
	}
	return store;
}

/* An account with a hash of no password: the tests of the store need no argon2. */
static int64_t add_account(struct store *store, const char *name)
{
	struct store_account account = {.role = STORE_USER, .created_at = 1};
	int64_t id = 0;
	snprintf(account.name, sizeof(account.name), "%s", name);
	snprintf(account.password, sizeof(account.password), "none");
	CHECK_INT(store_account_add(store, &account, &id, NULL), 0);
	return id;
}

static struct store_session make_session(const char *id, int64_t account)
{
	struct store_session session = {.account = account, .started_at = 10, .expires_at = 20};
	snprintf(session.id, sizeof(session.id), "%s", id);
	snprintf(session.user, sizeof(session.user), "ann");
	snprintf(session.node, sizeof(session.node), "local");
	snprintf(session.token, sizeof(session.token), "secret");
	return session;
}

static bool count_account(void *data, const struct store_account *account)
{
	(void)account;
	++*(int *)data;
	return true;
}

static bool count_session(void *data, const struct store_session *session)
{
	(void)session;
	++*(int *)data;
	return true;
}

static int sessions(struct store *store, struct store_session_filter filter)
{
	int count = 0;
	CHECK_INT(store_session_list(store, &filter, count_session, &count, NULL), 0);
	return count;
}

TEST(store_files_are_private)
{
	make_folder();
	store_close(open_store());
	char path[128];
	struct stat info;
	snprintf(path, sizeof(path), "%s/store", folder);
	CHECK_INT(stat(path, &info), 0);
	CHECK_INT(info.st_mode & 07777, 0700);
	snprintf(path, sizeof(path), "%s/store/safeweb.db", folder);
	CHECK_INT(stat(path, &info), 0);
	CHECK_INT(info.st_mode & 07777, 0600);
	remove_folder();
}

TEST(store_file_behind_a_link_is_refused)
{
	make_folder();
	char path[128];
	snprintf(path, sizeof(path), "%s/store", folder);
	CHECK_INT(mkdir(path, 0700), 0);
	snprintf(path, sizeof(path), "%s/store/safeweb.db", folder);
	CHECK_INT(symlink("/tmp/safeweb-elsewhere.db", path), 0);
	struct store *store = NULL;
	CHECK_INT(store_open_sqlite(folder, getuid(), getgid(), &store, NULL), -ELOOP);
	remove_folder();
}

TEST(store_keeps_accounts)
{
	make_folder();
	struct store *store = open_store();
	int64_t id = add_account(store, "ann");
	struct store_account account;
	CHECK_INT(store_account_get(store, "ann", &account, NULL), 0);
	CHECK_INT(account.id, id);
	CHECK_INT(account.role, STORE_USER);
	account.role = STORE_ADMIN;
	account.is_disabled = true;
	CHECK_INT(store_account_update(store, &account, NULL), 0);
	store_close(store);
	store = open_store();
	CHECK_INT(store_account_get(store, "ann", &account, NULL), 0);
	CHECK_INT(account.role, STORE_ADMIN);
	CHECK(account.is_disabled);
	CHECK_INT(store_account_get(store, "bob", &account, NULL), -ENOENT);
	struct store_account twin = account;
	CHECK_INT(store_account_add(store, &twin, &id, NULL), -EEXIST);
	int count = 0;
	CHECK_INT(store_account_list(store, count_account, &count, NULL), 0);
	CHECK_INT(count, 1);
	CHECK_INT(store_account_remove(store, "ann", NULL), 0);
	CHECK_INT(store_account_remove(store, "ann", NULL), -ENOENT);
	store_close(store);
	remove_folder();
}

TEST(store_login_ends_with_its_account)
{
	make_folder();
	struct store *store = open_store();
	struct store_login login = {.account = add_account(store, "ann"),
			.created_at = 5,
			.seen_at = 5,
			.expires_at = 100};
	uint8_t hash[STORE_HASH_BYTES] = {1, 2, 3};
	uint8_t other[STORE_HASH_BYTES] = {9};
	int64_t id;
	CHECK_INT(store_login_add(store, hash, &login, &id, NULL), 0);
	CHECK_INT(store_login_get(store, other, &login, NULL), -ENOENT);
	CHECK_INT(store_login_get(store, hash, &login, NULL), 0);
	CHECK_TEXT(login.user, "ann");
	CHECK_INT(store_login_touch(store, id, 50, NULL), 0);
	CHECK_INT(store_login_get_by_id(store, id, &login, NULL), 0);
	CHECK_INT(login.seen_at, 50);
	struct store_account account;
	CHECK_INT(store_account_get(store, "ann", &account, NULL), 0);
	account.is_disabled = true;
	CHECK_INT(store_account_update(store, &account, NULL), 0);
	CHECK_INT(store_login_get(store, hash, &login, NULL), -ENOENT);
	account.is_disabled = false;
	CHECK_INT(store_account_update(store, &account, NULL), 0);
	CHECK_INT(store_login_get(store, hash, &login, NULL), 0);
	CHECK_INT(store_account_remove(store, "ann", NULL), 0);
	CHECK_INT(store_login_get(store, hash, &login, NULL), -ENOENT);
	store_close(store);
	remove_folder();
}

TEST(store_prunes_old_logins)
{
	make_folder();
	struct store *store = open_store();
	struct store_login login = {.account = add_account(store, "ann"),
			.created_at = 5,
			.seen_at = 50,
			.expires_at = 100};
	uint8_t hash[STORE_HASH_BYTES] = {1};
	int64_t id;
	CHECK_INT(store_login_add(store, hash, &login, &id, NULL), 0);
	CHECK_INT(store_login_prune(store, 100, 50, NULL), 0);
	CHECK_INT(store_login_get(store, hash, &login, NULL), 0);
	CHECK_INT(store_login_prune(store, 100, 51, NULL), 0);
	CHECK_INT(store_login_get(store, hash, &login, NULL), -ENOENT);
	store_close(store);
	remove_folder();
}

TEST(store_has_one_live_session_an_account)
{
	make_folder();
	struct store *store = open_store();
	int64_t ann = add_account(store, "ann");
	struct store_session a = make_session(SESSION_A, ann);
	struct store_session b = make_session(SESSION_B, ann);
	CHECK_INT(store_session_add(store, &a, NULL), 0);
	CHECK_INT(store_session_add(store, &b, NULL), -EEXIST);
	CHECK_INT(store_session_end(store, SESSION_A, 30, 2, NULL), 0);
	CHECK_INT(store_session_end(store, SESSION_A, 31, 3, NULL), -ENOENT);
	CHECK_INT(store_session_add(store, &b, NULL), 0);
	struct store_session read;
	CHECK_INT(store_session_get(store, SESSION_A, &read, NULL), 0);
	CHECK(!read.is_live);
	CHECK_INT(read.ended_at, 30);
	CHECK_INT(read.reason, 2);
	CHECK_TEXT(read.token, "");
	CHECK_INT(sessions(store, (struct store_session_filter){.account = ann}), 2);
	CHECK_INT(sessions(store, (struct store_session_filter){.live_only = true}), 1);
	CHECK_INT(sessions(store, (struct store_session_filter){.node = "elsewhere"}), 0);
	CHECK_INT(sessions(store, (struct store_session_filter){.limit = 1}), 1);
	CHECK_INT(sessions(store, (struct store_session_filter){.orphans_only = true}), 0);
	CHECK_INT(store_account_remove(store, "ann", NULL), 0);
	CHECK_INT(sessions(store,
				  (struct store_session_filter){
						  .orphans_only = true, .live_only = true}),
			1);
	CHECK_INT(store_session_get(store, SESSION_B, &read, NULL), 0);
	CHECK_INT(read.account, 0);
	CHECK_TEXT(read.user, "ann");
	CHECK_INT(store_session_prune(store, 31, NULL), 0);
	CHECK_INT(store_session_get(store, SESSION_A, &read, NULL), -ENOENT);
	CHECK_INT(store_session_get(store, SESSION_B, &read, NULL), 0);
	store_close(store);
	remove_folder();
}

TEST(store_refuses_a_session_of_nobody)
{
	make_folder();
	struct store *store = open_store();
	struct store_session a = make_session(SESSION_A, 77);
	CHECK_INT(store_session_add(store, &a, NULL), -EINVAL);
	a = make_session("short", add_account(store, "ann"));
	CHECK_INT(store_session_add(store, &a, NULL), -EINVAL);
	store_close(store);
	remove_folder();
}

TEST(store_keeps_settings)
{
	make_folder();
	struct store *store = open_store();
	char value[8];
	CHECK_INT(store_setting_get(store, "banner", value, sizeof(value), NULL), -ENOENT);
	CHECK_INT(store_setting_set(store, "banner", "one", NULL), 0);
	CHECK_INT(store_setting_set(store, "banner", "two", NULL), 0);
	CHECK_INT(store_setting_get(store, "banner", value, sizeof(value), NULL), 0);
	CHECK_TEXT(value, "two");
	CHECK_INT(store_setting_set(store, "banner", "12345678", NULL), 0);
	CHECK_INT(store_setting_get(store, "banner", value, sizeof(value), NULL), -EINVAL);
	store_close(store);
	remove_folder();
}

static bool take_row(void *data, const struct store_audit *row)
{
	*(struct store_audit *)data = *row;
	return true;
}

TEST(store_keeps_audit_rows)
{
	make_folder();
	struct store *store = open_store();
	struct store_audit row = {.at_ms = 1, .event = "login", .user = "ann", .detail = "'); --"};
	CHECK_INT(store_audit_add(store, &row, NULL), 0);
	row.at_ms = 2;
	CHECK_INT(store_audit_add(store, &row, NULL), 0);
	struct store_audit last = {0};
	CHECK_INT(store_audit_list(store, 0, 1, take_row, &last, NULL), 0);
	CHECK_INT(last.at_ms, 1);
	CHECK_INT(store_audit_list(store, last.id, 0, take_row, &last, NULL), 0);
	CHECK_INT(last.at_ms, 2);
	CHECK_TEXT(last.detail, "'); --");
	store_close(store);
	remove_folder();
}

static void set_version(int version)
{
	char path[128];
	char sql[64];
	sqlite3 *database;
	snprintf(path, sizeof(path), "%s/store/safeweb.db", folder);
	snprintf(sql, sizeof(sql), "PRAGMA user_version = %d", version);
	CHECK_INT(sqlite3_open(path, &database), SQLITE_OK);
	CHECK_INT(sqlite3_exec(database, sql, NULL, NULL, NULL), SQLITE_OK);
	CHECK_INT(sqlite3_close(database), SQLITE_OK);
}

TEST(store_refuses_a_schema_of_the_future)
{
	make_folder();
	store_close(open_store());
	set_version(1000);
	struct store *store = NULL;
	struct error err = {0};
	CHECK_INT(store_open_sqlite(folder, getuid(), getgid(), &store, &err), -EPROTO);
	CHECK(strstr(err.text, "schema 1000") != NULL);
	remove_folder();
}

/* A step that fails leaves the schema as it was. */
TEST(store_migrates_whole_or_not_at_all)
{
	make_folder();
	store_close(open_store());
	set_version(0); /* the tables are there already, so that step 1 fails */
	struct store *store = NULL;
	struct error err = {0};
	CHECK(store_open_sqlite(folder, getuid(), getgid(), &store, &err) < 0);
	CHECK(strstr(err.text, "0001-begin.sql") != NULL);
	set_version(1);
	store_close(open_store());
	remove_folder();
}

TEST(store_file_that_is_no_database_is_refused)
{
	make_folder();
	char path[128];
	snprintf(path, sizeof(path), "%s/store", folder);
	CHECK_INT(mkdir(path, 0700), 0);
	snprintf(path, sizeof(path), "%s/store/safeweb.db", folder);
	char junk[8192];
	memset(junk, 'x', sizeof(junk));
	CHECK_INT(fds_write_file(AT_FDCWD, path, junk, sizeof(junk), 0600, NULL), 0);
	struct store *store = NULL;
	CHECK(store_open_sqlite(folder, getuid(), getgid(), &store, NULL) < 0);
	remove_folder();
}

#define WRITERS 4
#define ROWS_EACH 50

static void write_rows(int writer)
{
	struct store *store = open_store();
	for (int i = 0; i < ROWS_EACH; i++) {
		struct store_audit row = {.at_ms = writer * 1000 + i, .event = "test"};
		CHECK_INT(store_audit_add(store, &row, NULL), 0);
	}
	store_close(store);
}

static bool count_row(void *data, const struct store_audit *row)
{
	(void)row;
	++*(int *)data;
	return true;
}

TEST_WITH_TIMEOUT(store_is_shared_by_processes, 30)
{
	make_folder();
	pid_t pids[WRITERS];
	/* They also race to make the schema. */
	for (int i = 0; i < WRITERS; i++) {
		pids[i] = fork();
		if (pids[i] == 0) {
			write_rows(i);
			_exit(0);
		}
	}
	for (int i = 0; i < WRITERS; i++) {
		int status = -1;
		CHECK_INT(waitpid(pids[i], &status, 0), pids[i]);
		CHECK_INT(status, 0);
	}
	struct store *store = open_store();
	int count = 0;
	CHECK_INT(store_audit_list(store, 0, 0, count_row, &count, NULL), 0);
	CHECK_INT(count, WRITERS * ROWS_EACH);
	store_close(store);
	remove_folder();
}

TEST(account_rules_are_kept)
{
	make_folder();
	struct store *store = open_store();
	struct error err;
	CHECK_INT(account_add(store, "", "long enough", STORE_USER, &err), -EINVAL);
	CHECK_INT(account_add(store, "a b", "long enough", STORE_USER, &err), -EINVAL);
	CHECK_INT(account_add(store, "ann", "short", STORE_USER, &err), -EINVAL);
	char longest[ACCOUNT_PASSWORD_MAX_BYTES + 2];
	memset(longest, 'x', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	CHECK_INT(account_add(store, "ann", longest, STORE_USER, &err), -EINVAL);
	longest[sizeof(longest) - 2] = '\0';
	CHECK_INT(account_add(store, "ann", longest, STORE_USER, &err), 0);
	CHECK_INT(account_add(store, "ann", longest, STORE_USER, &err), -EEXIST);
	CHECK_INT(account_remove(store, "bob", &err), -ENOENT);
	CHECK(strstr(err.text, "bob") != NULL);
	store_close(store);
	remove_folder();
}

TEST(account_password_change_ends_logins)
{
	make_folder();
	struct store *store = open_store();
	CHECK_INT(account_add(store, "ann", "first password", STORE_ADMIN, NULL), 0);
	struct store_account account;
	CHECK_INT(store_account_get(store, "ann", &account, NULL), 0);
	CHECK_INT(account.role, STORE_ADMIN);
	CHECK(strstr(account.password, "$argon2id$v=19$m=32768,t=2,p=1$") == account.password);
	CHECK(account_password_matches("first password", account.password));
	CHECK(!account_password_matches("first passworD", account.password));
	struct store_login login = {.account = account.id, .expires_at = 100};
	uint8_t hash[STORE_HASH_BYTES] = {1};
	int64_t id;
	CHECK_INT(store_login_add(store, hash, &login, &id, NULL), 0);
	CHECK_INT(account_set_password(store, "ann", "second password", NULL), 0);
	CHECK_INT(store_login_get(store, hash, &login, NULL), -ENOENT);
	CHECK_INT(store_login_add(store, hash, &login, &id, NULL), 0);
	CHECK_INT(account_set_disabled(store, "ann", true, NULL), 0);
	CHECK_INT(store_login_get_by_id(store, id, &login, NULL), -ENOENT);
	store_close(store);
	remove_folder();
}

static double seconds_of(const char *hash)
{
	struct timespec begin;
	struct timespec end;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &begin);
	CHECK(!account_password_matches("wrong password", hash));
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &end);
	return (double)(end.tv_sec - begin.tv_sec) + (double)(end.tv_nsec - begin.tv_nsec) / 1e9;
}

/* An unknown name costs the same work: NOBODY_HASH has to decode and hash with our parameters. */
TEST(account_unknown_takes_as_long)
{
	char hash[STORE_PASSWORD_BYTES];
	CHECK_INT(account_hash_password("some password", hash, NULL), 0);
	double known = seconds_of(hash);
	double unknown = seconds_of(NULL);
	CHECK(unknown > known / 2 && unknown < known * 2);
}

TEST(account_random_passwords_differ)
{
	char a[ACCOUNT_RANDOM_PASSWORD_BYTES];
	char b[ACCOUNT_RANDOM_PASSWORD_BYTES];
	account_random_password(a);
	account_random_password(b);
	CHECK_INT(strlen(a), 24);
	CHECK(strcmp(a, b) != 0);
}
