/* safeweb user: local accounts. */
#include <errno.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/directory.h"
#include "cli/json.h"
#include "store/account.h"

/* One line of standard input, without echo on a terminal. */
static int read_password(char *to, size_t size, struct error *err)
{
	struct termios old;
	bool is_terminal = isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &old) == 0;
	if (is_terminal) {
		struct termios quiet = old;
		quiet.c_lflag &= ~(tcflag_t)ECHO;
		fprintf(stderr, "password: ");
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
	}
	bool is_read = fgets(to, (int)size, stdin) != NULL;
	if (is_terminal) {
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &old);
		fprintf(stderr, "\n");
	}
	if (!is_read) {
		return error_set(err, -EINVAL, "no password on standard input");
	}
	size_t len = strcspn(to, "\n");
	if (to[len] != '\n' && len + 1 >= size) {
		return error_set(err, -ENAMETOOLONG, "a password has at most %d bytes",
				ACCOUNT_PASSWORD_MAX_BYTES);
	}
	to[len] = '\0';
	return 0;
}

static bool print_account(void *data, const struct store_account *account)
{
	json_t *list = data;
	if (list) {
		json_array_append_new(list,
				json_pack("{s:s, s:s, s:b}", "name", account->name, "role",
						account_role_name(account->role), "disabled",
						account->is_disabled));
	} else {
		printf("%-32s %-6s%s\n", account->name, account_role_name(account->role),
				account->is_disabled ? " disabled" : "");
	}
	return true;
}

static int list(const struct cli *cli, struct store *store, struct error *err)
{
	json_t *rows = cli->json ? json_array() : NULL;
	int code = store_account_list(store, print_account, rows, err);
	if (rows) {
		cli_print_json(json_pack("{s:o}", "users", rows));
	}
	return code;
}

static int parse_role_flag(const struct cli *cli, enum store_role *ret_role, struct error *err)
{
	*ret_role = STORE_USER;
	if (cli->word_count < 3) {
		return 0;
	}
	if (strncmp(cli->words[2], "--role=", 7) != 0) {
		return error_set(err, -EINVAL, "\"%.40s\" is not --role=admin or --role=user",
				cli->words[2]);
	}
	return account_parse_role(cli->words[2] + 7, ret_role, err);
}

/* Carries out what words say; -EINVAL with a sentence when they say nothing known. */
static int run(const struct cli *cli, struct store *store, const char **ret_done, struct error *err)
{
	const char *verb = cli->words[0];
	const char *name = cli->word_count > 1 ? cli->words[1] : NULL;
	if (strcmp(verb, "list") == 0 && !name) {
		return list(cli, store, err);
	}
	if (!name) {
		return error_set(err, -EINVAL, "safeweb user %.20s needs a name", verb);
	}
	if (strcmp(verb, "remove") == 0) {
		*ret_done = "removed";
		return account_remove(store, name, err);
	}
	bool is_add = strcmp(verb, "add") == 0;
	if (!is_add && strcmp(verb, "password") != 0) {
		return error_set(err, -EINVAL, "safeweb user does not know \"%.20s\"", verb);
	}
	enum store_role role;
	int code = parse_role_flag(cli, &role, err);
	char password[ACCOUNT_PASSWORD_MAX_BYTES + 2];
	if (code == 0) {
		code = read_password(password, sizeof(password), err);
	}
	if (code == 0) {
		*ret_done = is_add ? "added" : "has a new password";
		code = is_add ? account_add(store, name, password, role, err)
			      : account_set_password(store, name, password, err);
	}
	explicit_bzero(password, sizeof(password));
	return code;
}

enum cli_exit cli_user(struct cli *cli)
{
	struct error err = {0};
	struct store *store;
	const char *done = NULL;
	if (cli_open_store(cli, &store, &err) < 0) {
		return cli_fail(cli, CLI_FAILED, &err);
	}
	int code = run(cli, store, &done, &err);
	store_close(store);
	if (code < 0) {
		enum cli_exit exit = code == -ENOENT ? CLI_NOT_FOUND
				: code == -EEXIST    ? CLI_ALREADY
				: code == -EINVAL    ? CLI_USAGE
						     : CLI_FAILED;
		return cli_fail(cli, exit, &err);
	}
	if (done && cli->json) {
		cli_print_json(json_pack("{s:s, s:s}", "user", cli->words[1], "done", done));
	} else if (done) {
		printf("%s %s\n", cli->words[1], done);
	}
	return CLI_OK;
}
