/* safeweb status, safeweb session: what runs, and ending one. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "cli/cli.h"
#include "cli/directory.h"
#include "cli/json.h"
#include "cli/node_client.h"

static void format_time(uint64_t unix_seconds, char *to, size_t size)
{
	time_t when = (time_t)unix_seconds;
	struct tm parts;
	gmtime_r(&when, &parts);
	strftime(to, size, "%Y-%m-%dT%H:%M:%SZ", &parts);
}

static json_t *session_object(const struct node_session *session, const char *user)
{
	json_t *pids = json_object();
	for (size_t i = 0; i < session->process_count; i++) {
		const char *program = node_program_name(session->processes[i].program);
		json_t *list = json_object_get(pids, program);
		if (!list) {
			list = json_array();
			json_object_set_new(pids, program, list);
		}
		json_array_append_new(list, json_integer(session->processes[i].pid));
	}
	char started[32];
	format_time(session->started_at, started, sizeof(started));
	return json_pack("{s:s, s:s?, s:s, s:s, s:I, s:o}", "id", session->id, "user", user,
			"state", node_state_name(session->state), "started_at", started,
			"memory_bytes", (json_int_t)session->memory_bytes, "pids", pids);
}

static void print_table(const struct node_status *status, struct cli_directory *directory)
{
	printf("%-34s %-16s %-13s %-21s %9s %5s\n", "SESSION", "USER", "STATE", "STARTED", "MEMORY",
			"PIDS");
	for (size_t i = 0; i < status->count; i++) {
		const struct node_session *session = &status->sessions[i];
		char started[32];
		const char *user = cli_directory_user(directory, session->id);
		format_time(session->started_at, started, sizeof(started));
		printf("%-34s %-16s %-13s %-21s %5llu MiB %5zu\n", session->id, user ? user : "-",
				node_state_name(session->state), started,
				(unsigned long long)(session->memory_bytes >> 20),
				session->process_count);
	}
}

static enum cli_exit print_status(struct cli *cli)
{
	struct error err = {0};
	struct node_status status;
	pid_t supervisor = cli_supervisor_pid(cli);
	if (node_read_status(cli, &status, &err) < 0) {
		return cli_fail(cli, supervisor ? CLI_FAILED : CLI_NOT_RUNNING, &err);
	}
	struct cli_directory directory;
	cli_directory_init(&directory, cli);
	if (cli->json) {
		json_t *sessions = json_array();
		for (size_t i = 0; i < status.count; i++) {
			json_array_append_new(sessions,
					session_object(&status.sessions[i],
							cli_directory_user(&directory,
									status.sessions[i].id)));
		}
		cli_print_json(json_pack("{s:b, s:i, s:i, s:o}", "running", 1, "supervisor_pid",
				(int)supervisor, "capacity", (int)status.capacity, "sessions",
				sessions));
	} else {
		printf("up: https://localhost:%s/, %zu of %u sessions\n",
				settings_text(&cli->settings, SETTING_PORT), status.count,
				(unsigned)status.capacity);
		print_table(&status, &directory);
	}
	cli_directory_finish(&directory);
	node_status_finish(&status);
	return CLI_OK;
}

enum cli_exit cli_status(struct cli *cli)
{
	return print_status(cli);
}

enum cli_exit cli_session(struct cli *cli)
{
	struct error err = {0};
	if (strcmp(cli->words[0], "list") == 0 && cli->word_count == 1) {
		return print_status(cli);
	}
	if (strcmp(cli->words[0], "kill") != 0 || cli->word_count != 2) {
		return cli_usage(cli, "usage: safeweb session list | kill ID");
	}
	int code = node_kill_session(cli, cli->words[1], &err);
	if (code < 0) {
		return cli_fail(cli, code == -ENOENT ? CLI_NOT_FOUND : CLI_FAILED, &err);
	}
	if (cli->json) {
		cli_print_json(json_pack("{s:s}", "killed", cli->words[1]));
	} else {
		printf("session %s ends\n", cli->words[1]);
	}
	return CLI_OK;
}
