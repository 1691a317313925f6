#include "cli/directory.h"

#include "base/log.h"

int cli_open_store(const struct cli *cli, struct store **ret_store, struct error *err)
{
	return store_open_sqlite(settings_text(&cli->settings, SETTING_STATE), STORE_GATEWAY_UID,
			STORE_GATEWAY_GID, ret_store, err);
}

void cli_directory_init(struct cli_directory *directory, const struct cli *cli)
{
	struct error err = {0};
	*directory = (struct cli_directory){0};
	if (cli_open_store(cli, &directory->store, &err) < 0) {
		log_warning("users are not shown: %s", err.text);
		directory->store = NULL;
	}
}

void cli_directory_finish(struct cli_directory *directory)
{
	if (directory->store) {
		store_close(directory->store);
		directory->store = NULL;
	}
}

const char *cli_directory_user(struct cli_directory *directory, const char *session)
{
	if (!directory->store ||
			store_session_get(directory->store, session, &directory->session, NULL) <
					0) {
		return NULL;
	}
	return *directory->session.user ? directory->session.user : NULL;
}
