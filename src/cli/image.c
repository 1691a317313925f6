/* safeweb image: build or show the browser image. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fds.h"
#include "cli/cli.h"
#include "cli/image.h"
#include "cli/json.h"

#define MANIFEST_BYTES (4 * 1024 * 1024)

static void print_progress(const char *line, void *data)
{
	(void)data;
	fprintf(stderr, "image: %s\n", line);
}

void cli_image_options(const struct cli *cli, struct image_options *ret_options)
{
	*ret_options = (struct image_options){
			.state_dir = settings_text(&cli->settings, SETTING_STATE),
			.recipe_dir = cli->image_recipe,
			.progress = print_progress,
	};
}

static enum cli_exit build(struct cli *cli)
{
	struct error err = {0};
	struct image_options options;
	cli_image_options(cli, &options);
	if (cli->word_count == 2) {
		if (strcmp(cli->words[1], "--force") != 0) {
			return cli_usage(cli, "safeweb image build does not know \"%.40s\"",
					cli->words[1]);
		}
		options.force = true;
	}
	bool is_new = false;
	if (image_build(&options, &is_new, &err) < 0) {
		return cli_fail(cli, CLI_FAILED, &err);
	}
	if (cli->json) {
		cli_print_json(json_pack("{s:b}", "built", is_new));
	} else {
		printf("%s\n",
				is_new ? "built a new browser image"
				       : "the browser image is up to date");
	}
	return CLI_OK;
}

static enum cli_exit show(struct cli *cli)
{
	struct error err = {0};
	struct image_options options;
	cli_image_options(cli, &options);
	char rootfs[IMAGE_PATH_BYTES];
	if (image_current(&options, rootfs, sizeof(rootfs), &err) < 0) {
		return cli_fail(cli, CLI_NOT_FOUND, &err);
	}
	char path[IMAGE_PATH_BYTES + 32];
	snprintf(path, sizeof(path), "%s/../image.json", rootfs);
	CLEANUP_FREE char *text = NULL;
	if (fds_read_file(AT_FDCWD, path, MANIFEST_BYTES, &text, NULL, &err) < 0) {
		return cli_fail(cli, CLI_FAILED, &err);
	}
	printf("%s%s", text, text[0] && text[strlen(text) - 1] == '\n' ? "" : "\n");
	return CLI_OK;
}

enum cli_exit cli_image(struct cli *cli)
{
	if (strcmp(cli->words[0], "build") == 0) {
		return build(cli);
	}
	if (strcmp(cli->words[0], "show") == 0) {
		return show(cli);
	}
	return cli_usage(cli, "safeweb image does not know \"%.40s\"", cli->words[0]);
}
