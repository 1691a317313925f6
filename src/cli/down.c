/* safeweb down: end everything that `safeweb up` started. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/cli.h"
#include "cli/json.h"

/* Sessions get 5 s, the supervisor some more. */
#define DOWN_TIMEOUT_MS 30000

enum cli_exit cli_down(struct cli *cli)
{
	struct error err = {0};
	pid_t pid = cli_supervisor_pid(cli);
	if (pid <= 0) {
		error_set(&err, -ESRCH, "Safeweb is not running (no one holds %s/up.lock)",
				settings_text(&cli->settings, SETTING_RUN));
		return cli_fail(cli, CLI_NOT_RUNNING, &err);
	}
	CLEANUP_CLOSE int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (pidfd < 0 || kill(pid, SIGTERM) < 0) {
		error_set_errno(&err, "cannot end process %d", (int)pid);
		return cli_fail(cli, CLI_FAILED, &err);
	}
	struct pollfd end = {.fd = pidfd, .events = POLLIN};
	if (poll(&end, 1, DOWN_TIMEOUT_MS) <= 0) {
		error_set(&err, -ETIMEDOUT, "process %d did not end within %d s; look at its log",
				(int)pid, DOWN_TIMEOUT_MS / 1000);
		return cli_fail(cli, CLI_FAILED, &err);
	}
	if (cli->json) {
		cli_print_json(json_pack("{s:b}", "down", 1));
	} else {
		printf("Safeweb is down\n");
	}
	return CLI_OK;
}
