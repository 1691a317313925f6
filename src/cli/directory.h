/* Which user a session belongs to, from the store. */
#ifndef SAFEWEB_CLI_DIRECTORY_H
#define SAFEWEB_CLI_DIRECTORY_H

#include "cli/cli.h"
#include "store/store.h"

struct cli_directory {
	struct store *store; /* NULL when the store cannot be opened: no user is known then */
	struct store_session session;
};

int cli_open_store(const struct cli *cli, struct store **ret_store, struct error *err);

void cli_directory_init(struct cli_directory *directory, const struct cli *cli);
void cli_directory_finish(struct cli_directory *directory);

/* NULL when nobody has it (a warm session). Valid until the next call. */
const char *cli_directory_user(struct cli_directory *directory, const char *session);

#endif
