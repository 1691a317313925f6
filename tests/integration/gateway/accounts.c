/* Changes accounts in the store while the gateway runs, as `safeweb user` does.
 *
 *   accounts STATE add NAME ROLE PASSWORD | password NAME PASSWORD | disable NAME | remove NAME
 *   accounts STATE audit */
#include <stdio.h>
#include <string.h>

#include "store/account.h"

static bool print_row(void *data, const struct store_audit *row)
{
	(void)data;
	printf("%s|%s|%s|%s\n", row->event, row->user, row->session, row->detail);
	return true;
}

static int run(struct store *store, int argc, char **argv, struct error *err)
{
	const char *command = argv[2];
	enum store_role role;
	if (argc == 3 && strcmp(command, "audit") == 0) {
		return store_audit_list(store, 0, 0, print_row, NULL, err);
	}
	if (argc == 6 && strcmp(command, "add") == 0) {
		int code = account_parse_role(argv[4], &role, err);
		return code < 0 ? code : account_add(store, argv[3], argv[5], role, err);
	}
	if (argc == 5 && strcmp(command, "password") == 0) {
		return account_set_password(store, argv[3], argv[4], err);
	}
	if (argc == 4 && strcmp(command, "disable") == 0) {
		return account_set_disabled(store, argv[3], true, err);
	}
	if (argc == 4 && strcmp(command, "remove") == 0) {
		return account_remove(store, argv[3], err);
	}
	return error_set(err, -1, "unknown command");
}

int main(int argc, char **argv)
{
	struct store *store;
	struct error err = {0};
	if (argc < 3 ||
			store_open_sqlite(argv[1], STORE_GATEWAY_UID, STORE_GATEWAY_GID, &store,
					&err) < 0) {
		fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	int code = run(store, argc, argv, &err);
	store_close(store);
	if (code < 0) {
		fprintf(stderr, "%s\n", err.text);
	}
	return code < 0 ? 1 : 0;
}
