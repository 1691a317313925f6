#include "base/spawn.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fds.h"

/* Descriptors are first moved up here, so that no target number covers a source. */
#define SPAWN_STAGING_FD 64

struct failure {
	int number;
	const char *step;
};

/* Runs in the child; returns only when something failed, with the step's name. */
static const char *become_child(const struct spawn_options *options, pid_t parent)
{
	int death_signal = options->death_signal ? options->death_signal : SIGKILL;
	if (prctl(PR_SET_PDEATHSIG, death_signal) < 0 || getppid() != parent) {
		return "tie its life to its parent's";
	}
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	for (int number = 1; number < NSIG; number++) {
		signal(number, SIG_DFL);
	}
	setsid();
	int null = open("/dev/null", O_RDWR);
	if (null < 0 || dup2(null, 0) < 0) {
		return "open /dev/null";
	}
	int staged[SPAWN_MAX_FDS];
	for (size_t i = 0; i < options->fd_count; i++) {
		staged[i] = fcntl(options->fds[i].from, F_DUPFD_CLOEXEC, SPAWN_STAGING_FD);
		if (staged[i] < 0) {
			return "duplicate its descriptors";
		}
	}
	for (size_t i = 0; i < options->fd_count; i++) {
		if (dup2(staged[i], options->fds[i].to) < 0) {
			return "place its descriptors";
		}
	}
	/* Everything not placed goes: flag what is above the highest target, close the gaps. */
	for (int fd = 3; fd < SPAWN_STAGING_FD; fd++) {
		int is_placed = 0;
		for (size_t i = 0; i < options->fd_count; i++) {
			is_placed |= options->fds[i].to == fd;
		}
		if (!is_placed) {
			close(fd);
		}
	}
	syscall(SYS_close_range, SPAWN_STAGING_FD, ~0U, 4 /* CLOSE_RANGE_CLOEXEC */);
	for (size_t i = 0; options->cgroup_procs && options->cgroup_procs[i]; i++) {
		if (fds_write_kernel_file(AT_FDCWD, options->cgroup_procs[i], "0", NULL) < 0) {
			return "enter its cgroup";
		}
	}
	if (options->unshare_flags && unshare(options->unshare_flags) < 0) {
		return "leave its parent's namespaces";
	}
	if (options->uid &&
			(setgroups(0, NULL) < 0 ||
					setresgid(options->gid, options->gid, options->gid) < 0 ||
					setresuid(options->uid, options->uid, options->uid) < 0)) {
		return "become its user";
	}
	/* Changing user clears the tie. */
	prctl(PR_SET_PDEATHSIG, death_signal);
	static const char *const empty[] = {NULL};
	execve(options->path, (char *const *)(uintptr_t)options->argv,
			(char *const *)(uintptr_t)(options->envp ? options->envp : empty));
	return "execute it";
}

int spawn_process(const struct spawn_options *options, pid_t *ret_pid, int *ret_pidfd,
		struct error *err)
{
	assert(options->fd_count <= SPAWN_MAX_FDS);
	int pipe_fds[2];
	if (pipe2(pipe_fds, O_CLOEXEC) < 0) {
		return error_set_errno(err, "cannot make a pipe to start %s", options->path);
	}
	CLEANUP_CLOSE int report_read = pipe_fds[0];
	CLEANUP_CLOSE int report_write = fcntl(pipe_fds[1], F_DUPFD_CLOEXEC, SPAWN_STAGING_FD * 2);
	close(pipe_fds[1]);
	pid_t parent = getpid();
	pid_t pid = report_write < 0 ? -1 : fork();
	if (pid < 0) {
		return error_set_errno(err, "cannot start %s", options->path);
	}
	if (pid == 0) {
		struct failure failure = {.step = become_child(options, parent)};
		failure.number = errno;
		ssize_t written = write(report_write, &failure, sizeof(failure));
		(void)written;
		_exit(127);
	}
	close(steal_fd(&report_write));
	struct failure failure;
	ssize_t got;
	do {
		got = read(report_read, &failure, sizeof(failure));
	} while (got < 0 && errno == EINTR);
	if (got > 0) {
		waitpid(pid, NULL, 0);
		errno = failure.number;
		return error_set_errno(err, "cannot start %s: it could not %s", options->path,
				failure.step);
	}
	if (ret_pidfd) {
		*ret_pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
		if (*ret_pidfd < 0) {
			kill(pid, SIGKILL);
			waitpid(pid, NULL, 0);
			return error_set_errno(err, "cannot watch %s", options->path);
		}
		fcntl(*ret_pidfd, F_SETFD, FD_CLOEXEC);
	}
	*ret_pid = pid;
	return 0;
}

int spawn_and_wait(const struct spawn_options *options, int timeout_ms, struct error *err)
{
	pid_t pid;
	CLEANUP_CLOSE int pidfd = -1;
	int code = spawn_process(options, &pid, &pidfd, err);
	if (code < 0) {
		return code;
	}
	struct pollfd end = {.fd = pidfd, .events = POLLIN};
	int ready;
	do {
		ready = poll(&end, 1, timeout_ms);
	} while (ready < 0 && errno == EINTR);
	if (ready <= 0) {
		kill(pid, SIGKILL);
	}
	int status;
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
	}
	if (ready <= 0) {
		return error_set(err, -ETIMEDOUT, "%s did not end within %d ms and was killed",
				options->path, timeout_ms);
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
