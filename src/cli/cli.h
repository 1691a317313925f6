/* What the commands share. A command is one file with one function; the table in main.c names them.
 */
#ifndef SAFEWEB_CLI_CLI_H
#define SAFEWEB_CLI_CLI_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/settings.h"

#define CLI_PATH_BYTES 4096

/* The egress proxy's user. Numbers, so that no account has to be made; the gateway's is the
 * store's. */
#define CLI_EGRESS_UID 61002

/* Exit statuses, documented in safeweb(8). */
enum cli_exit {
	CLI_OK = 0,
	CLI_FAILED = 1, /* it did not work; standard error says why */
	CLI_USAGE = 2, /* the words of the call are wrong */
	CLI_NOT_RUNNING = 3, /* Safeweb is not up */
	CLI_NOT_FOUND = 4, /* no such user, session, image */
	CLI_ALREADY = 5, /* it is already up, or the name is taken */
};

struct cli {
	struct settings settings;
	bool json;
	char libexec[CLI_PATH_BYTES]; /* where the programs are */
	char share[CLI_PATH_BYTES]; /* where the viewer is */
	char image_recipe[CLI_PATH_BYTES];
	int word_count; /* what follows the command */
	char **words;
};

struct cli_command {
	const char *name;
	const char *words; /* of the usage line */
	const char *summary; /* one line */
	const char *details; /* the rest of its help; may be "" */
	int min_words;
	int max_words;
	enum cli_exit (*run)(struct cli *cli);
};

enum cli_exit cli_up(struct cli *cli);
enum cli_exit cli_down(struct cli *cli);
enum cli_exit cli_status(struct cli *cli);
enum cli_exit cli_doctor(struct cli *cli);
enum cli_exit cli_user(struct cli *cli);
enum cli_exit cli_session(struct cli *cli);
enum cli_exit cli_image(struct cli *cli);

/* Prints "safeweb: sentence" on standard error, or {"error": sentence} with --json; returns exit.
 */
enum cli_exit cli_fail(const struct cli *cli, enum cli_exit exit, const struct error *err);
enum cli_exit cli_usage(const struct cli *cli, const char *format, ...)
		__attribute__((format(printf, 2, 3)));

/* RUN/name into a buffer of CLI_PATH_BYTES. */
void cli_run_path(const struct cli *cli, const char *name, char *ret_path);

/* -ENOTSUP with the first thing that `safeweb doctor` calls missing, and what to do. */
int cli_preflight(const struct cli *cli, struct error *err);

/* The running supervisor's pid from its lock, 0 when Safeweb is not up. */
pid_t cli_supervisor_pid(const struct cli *cli);

#endif
