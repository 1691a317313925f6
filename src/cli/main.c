/* safeweb: one command line for everything. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>

#include "base/cleanup.h"
#include "base/fds.h"
#include "base/log.h"
#include "cli/cli.h"
#include "cli/json.h"

static const struct cli_command commands[] = {
		{"up", "[--SETTING=VALUE …]", "start everything and stay in the foreground",
				"Prints `ready https://localhost:PORT/` once it serves. Ctrl+C "
				"ends it.\n"
				"The first start builds the browser image and makes the account "
				"admin.\n",
				0, 0, cli_up},
		{"down", "", "end everything that `safeweb up` started",
				"Returns when nothing is left. Exit status 3 when it was not up.\n",
				0, 0, cli_down},
		{"status", "", "what runs: sessions, users, memory, processes", "", 0, 0,
				cli_status},
		{"doctor", "", "check this machine and say what is missing and what to do",
				"Exit status 1 when something that is needed is missing.\n", 0, 0,
				cli_doctor},
		{"user", "add NAME [--role=admin|user] | list | password NAME | remove NAME",
				"manage local accounts",
				"add and password read the password from standard input, one "
				"line.\n",
				1, 3, cli_user},
		{"session", "list | kill ID", "list sessions, end one", "", 1, 2, cli_session},
		{"image", "build [--force] | show", "build or show the browser image",
				"build does nothing when neither recipe nor a package has "
				"changed.\n",
				1, 2, cli_image},
};

static void print_help(FILE *out)
{
	fprintf(out, "usage: safeweb COMMAND [--json] [--SETTING=VALUE …]\n\ncommands\n");
	for (size_t i = 0; i < ARRAY_LENGTH(commands); i++) {
		fprintf(out, "  %-9s %s\n", commands[i].name, commands[i].summary);
	}
	fprintf(out,
			"\nsettings: --name=value, SAFEWEB_NAME in the environment, or `name = "
			"value` in\n"
			"STATE/safeweb.conf; the first one found in this order counts\n");
	for (int i = 0; i < SETTING_COUNT; i++) {
		const struct setting_info *info = setting_info((enum setting)i);
		fprintf(out, "  %-21s %s", info->name, info->help);
		fprintf(out, *info->standard ? " [%s]\n" : "\n", info->standard);
	}
	fprintf(out,
			"\n`safeweb COMMAND --help` says more. Exit status: 0 done, 1 failed, 2 "
			"wrong usage,\n"
			"3 not running, 4 not found, 5 already there.\n");
}

static void print_command_help(const struct cli_command *command)
{
	printf("usage: safeweb %s %s\n\n%s\n%s", command->name, command->words, command->summary,
			command->details);
}

enum cli_exit cli_fail(const struct cli *cli, enum cli_exit exit, const struct error *err)
{
	if (cli->json) {
		json_t *object = json_pack("{s:s}", "error", err->text);
		cli_print_json(object);
	} else {
		fprintf(stderr, "safeweb: %s\n", err->text);
	}
	return exit;
}

enum cli_exit cli_usage(const struct cli *cli, const char *format, ...)
{
	struct error err;
	char text[400];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	error_set(&err, -EINVAL, "%s; see `safeweb --help`", text);
	return cli_fail(cli, CLI_USAGE, &err);
}

void cli_run_path(const struct cli *cli, const char *name, char *ret_path)
{
	snprintf(ret_path, CLI_PATH_BYTES, "%s/%s", settings_text(&cli->settings, SETTING_RUN),
			name);
}

pid_t cli_supervisor_pid(const struct cli *cli)
{
	char path[CLI_PATH_BYTES];
	cli_run_path(cli, "up.lock", path);
	CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 || flock(fd, LOCK_SH | LOCK_NB) == 0) {
		return 0;
	}
	char text[32] = {0};
	return read(fd, text, sizeof(text) - 1) > 0 ? (pid_t)atoll(text) : 0;
}

/* The programs lie beside this one: PREFIX/bin/safeweb, PREFIX/libexec/safeweb/…, PREFIX/share/….
 */
static int find_installation(struct cli *cli, struct error *err)
{
	char exe[CLI_PATH_BYTES - 64];
	ssize_t len = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	if (len < 0) {
		return error_set_errno(err, "cannot read /proc/self/exe");
	}
	exe[len] = '\0';
	for (int i = 0; i < 2; i++) {
		char *slash = strrchr(exe, '/');
		if (slash) {
			*slash = '\0';
		}
	}
	snprintf(cli->libexec, sizeof(cli->libexec), "%s/libexec/safeweb", exe);
	snprintf(cli->share, sizeof(cli->share), "%s/share/safeweb", exe);
	snprintf(cli->image_recipe, sizeof(cli->image_recipe), "%s/share/safeweb/image", exe);
	return 0;
}

/* A flag of the form --name or --name=value that main understands: 1 taken, 0 not one, or an error.
 */
static int take_flag(struct cli *cli, const char *word, struct error *err)
{
	if (strcmp(word, "--json") == 0) {
		cli->json = true;
		return 1;
	}
	const char *equals = strchr(word, '=');
	if (strncmp(word, "--", 2) != 0 || !equals || strncmp(word, "--role=", 7) == 0) {
		return 0;
	}
	char name[64];
	snprintf(name, sizeof(name), "%.*s", (int)(equals - word - 2), word + 2);
	int code = settings_set(&cli->settings, name, equals + 1, "command line", err);
	return code < 0 ? code : 1;
}

static const char *find_state_flag(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (strncmp(argv[i], "--state=", 8) == 0) {
			return argv[i] + 8;
		}
	}
	return NULL;
}

static enum cli_exit run_command(
		struct cli *cli, const struct cli_command *command, int argc, char **argv)
{
	struct error err = {0};
	cli->words = argv;
	for (int i = 0; i < argc; i++) {
		if (strcmp(argv[i], "--help") == 0) {
			print_command_help(command);
			return CLI_OK;
		}
		int taken = take_flag(cli, argv[i], &err);
		if (taken < 0) {
			return cli_fail(cli, CLI_USAGE, &err);
		}
		if (!taken) {
			argv[cli->word_count++] = argv[i];
		}
	}
	if (cli->word_count < command->min_words || cli->word_count > command->max_words) {
		return cli_usage(cli, "usage: safeweb %s %s", command->name, command->words);
	}
	return command->run(cli);
}

int main(int argc, char **argv)
{
	log_open("safeweb");
	if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0) {
		print_help(argc < 2 ? stderr : stdout);
		return argc < 2 ? CLI_USAGE : CLI_OK;
	}
	if (strcmp(argv[1], "--version") == 0) {
		printf("safeweb %s\n", SAFEWEB_VERSION);
		return CLI_OK;
	}
	struct cli cli = {0};
	struct error err = {0};
	enum cli_exit exit = CLI_USAGE;
	if (find_installation(&cli, &err) < 0 ||
			settings_load(&cli.settings, find_state_flag(argc, argv), &err) < 0) {
		cli_fail(&cli, CLI_FAILED, &err);
		settings_finish(&cli.settings);
		return CLI_FAILED;
	}
	const struct cli_command *command = NULL;
	for (size_t i = 0; i < ARRAY_LENGTH(commands); i++) {
		if (strcmp(argv[1], commands[i].name) == 0) {
			command = &commands[i];
		}
	}
	if (command) {
		exit = run_command(&cli, command, argc - 2, argv + 2);
	} else {
		cli_usage(&cli, "there is no command \"%.40s\"", argv[1]);
	}
	settings_finish(&cli.settings);
	return exit;
}
