#include "container/container.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fds.h"
#include "base/spawn.h"
#include "container/bundle.h"
#include "container/chromium.h"
#include "container/verify.h"

#define RUNTIME_DEFAULT "crun"
#define RUNTIME_ARGUMENTS_MAX 20
#define RUNTIME_LOG_BYTES_MAX 4096
#define RUNTIME_END_TIMEOUT_MS 5000 /* for `delete`, of runtimes that keep more than a process */
#define DESTROY_TIMEOUT_MS 5000

struct container {
	char *id;
	char *state_dir;
	char *runtime; /* absolute path */
	uid_t uid_base;
	struct cgroup *cgroup;
	bool has_bundle;
	pid_t runtime_pid; /* 0 once it has been waited for */
	int runtime_pidfd;
	pid_t pid; /* of the browser, 0 before it runs */
	int pidfd;
};

void container_limits_default(struct container_limits *limits)
{
	*limits = (struct container_limits){
			.memory_bytes = 1536ULL << 20,
			.pids = 512,
			.cpu_percent = 200,
			.cpu_weight = 100,
			.home_bytes = 256ULL << 20,
			.tmp_bytes = 64ULL << 20,
			.shm_bytes = 512ULL << 20,
	};
}

int container_prepare(struct error *err)
{
	/* What the detached runtime leaves behind becomes our child, so that no zombie depends
	 * on pid 1. */
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0) {
		return error_set_errno(err, "cannot take over orphaned containers");
	}
	return cgroup_prepare_mount_namespace(err);
}

static int find_runtime(const char *name, char **ret_path, struct error *err)
{
	static const char *const directories[] = {
			"/usr/local/bin", "/usr/bin", "/usr/local/sbin", "/usr/sbin"};
	if (strchr(name, '/')) {
		*ret_path = strdup(name);
		return *ret_path ? 0 : error_set(err, -ENOMEM, "out of memory");
	}
	for (size_t i = 0; i < ARRAY_LENGTH(directories); i++) {
		CLEANUP_FREE char *path = NULL;
		if (asprintf(&path, "%s/%s", directories[i], name) >= 0 &&
				access(path, X_OK) == 0) {
			*ret_path = steal_ptr(path);
			return 0;
		}
	}
	return error_set(err, -ENOENT, "the container runtime %s is not installed", name);
}

static bool is_crun(const struct container *container)
{
	const char *slash = strrchr(container->runtime, '/');
	return strcmp(slash ? slash + 1 : container->runtime, "crun") == 0;
}

static int check_spec(const struct container_spec *spec, struct error *err)
{
	if (spec->uid_base == 0 || spec->uid_base % CONTAINER_UID_COUNT != 0) {
		return error_set(err, -EINVAL, "uid_base has to be a multiple of %d other than 0",
				CONTAINER_UID_COUNT);
	}
	if (!spec->rootfs || spec->rootfs[0] != '/' || !spec->state_dir ||
			spec->state_dir[0] != '/') {
		return error_set(err, -EINVAL, "rootfs and state_dir have to be absolute paths");
	}
	if (spec->netns_fd < 0 || spec->wayland_fd < 0 || spec->cdp_in_fd < 0 ||
			spec->cdp_out_fd < 0) {
		return error_set(err, -EINVAL,
				"a container needs netns_fd, wayland_fd, cdp_in_fd, cdp_out_fd");
	}
	if (spec->proxy_port == 0 || spec->window_width == 0 || spec->window_height == 0) {
		return error_set(err, -EINVAL,
				"a container needs proxy_port, window_width, window_height");
	}
	return 0;
}

/* Puts the runtime's arguments before its subcommand together: where it keeps its state, where
 * it complains. */
static size_t common_arguments(const struct container *container, const char **argv,
		const char *root, const char *log)
{
	size_t count = 0;
	argv[count++] = container->runtime;
	argv[count++] = "--root";
	argv[count++] = root;
	argv[count++] = "--log";
	argv[count++] = log;
	if (is_crun(container)) {
		/* It inherits the group we have made, and is not asked to understand the layout. */
		argv[count++] = "--cgroup-manager=disabled";
	}
	return count;
}

static int spawn_runtime(
		struct container *container, const struct container_spec *spec, struct error *err)
{
	char bundle[BUNDLE_PATH_BYTES];
	char root[BUNDLE_PATH_BYTES];
	char log[BUNDLE_PATH_BYTES];
	char pid_file[BUNDLE_PATH_BYTES];
	if (bundle_path(bundle, spec->state_dir, spec->id, NULL, err) < 0 ||
			bundle_path(root, spec->state_dir, spec->id, "runtime", err) < 0 ||
			bundle_path(log, spec->state_dir, spec->id, "log", err) < 0 ||
			bundle_path(pid_file, spec->state_dir, spec->id, "pid", err) < 0) {
		return -ENAMETOOLONG;
	}
	const char *argv[RUNTIME_ARGUMENTS_MAX];
	size_t count = common_arguments(container, argv, root, log);
	const char *const run[] = {"run", "--detach", "--pid-file", pid_file, "--preserve-fds", "3",
			"--bundle", bundle, container->id, NULL};
	memcpy(argv + count, run, sizeof(run));
	CLEANUP_CLOSE int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	int output = spec->log_fd >= 0 ? spec->log_fd : null_fd;
	const struct spawn_fd fds[] = {{output, 1}, {output, 2},
			{spec->cdp_in_fd, CHROMIUM_CDP_IN_FD},
			{spec->cdp_out_fd, CHROMIUM_CDP_OUT_FD},
			{spec->wayland_fd, CHROMIUM_WAYLAND_FD}};
	const struct spawn_options options = {
			.path = container->runtime,
			.argv = argv,
			.fds = fds,
			.fd_count = ARRAY_LENGTH(fds),
			.cgroup_procs = cgroup_procs_paths(container->cgroup, CGROUP_BROWSER),
	};
	return spawn_process(&options, &container->runtime_pid, &container->runtime_pidfd, err);
}

static int start_parts(
		struct container *container, const struct container_spec *spec, struct error *err)
{
	const struct cgroup_limits limits = {
			.memory_bytes = spec->limits.memory_bytes,
			.pids = spec->limits.pids,
			.cpu_percent = spec->limits.cpu_percent,
			.cpu_weight = spec->limits.cpu_weight,
	};
	int code = find_runtime(
			spec->runtime ? spec->runtime : RUNTIME_DEFAULT, &container->runtime, err);
	if (code == 0) {
		code = cgroup_create(spec->id, &limits, &container->cgroup, err);
	}
	if (code == 0) {
		code = bundle_create(spec, err);
	}
	if (code == 0) {
		container->has_bundle = true;
		code = spawn_runtime(container, spec, err);
	}
	return code;
}

int container_start(const struct container_spec *spec, struct container **ret_container,
		struct error *err)
{
	int code = check_spec(spec, err);
	if (code < 0) {
		return code;
	}
	struct container *container = calloc(1, sizeof(*container));
	if (!container) {
		return error_set(err, -ENOMEM, "out of memory for a container");
	}
	container->runtime_pidfd = -1;
	container->pidfd = -1;
	container->uid_base = spec->uid_base;
	container->id = strdup(spec->id);
	container->state_dir = strdup(spec->state_dir);
	if (!container->id || !container->state_dir) {
		code = error_set(err, -ENOMEM, "out of memory for a container");
	} else {
		code = start_parts(container, spec, err);
	}
	if (code < 0) {
		container_destroy(container);
		return code;
	}
	*ret_container = container;
	return 0;
}

int container_runtime_pidfd(const struct container *container)
{
	return container->runtime_pidfd;
}

static int wait_readable(int fd, int timeout_ms)
{
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
	int ready;
	do {
		ready = poll(&poll_fd, 1, timeout_ms);
	} while (ready < 0 && errno == EINTR);
	return ready;
}

/* The runtime's own sentence: the last line of its log. */
static int runtime_failed(const struct container *container, int status, struct error *err)
{
	char path[BUNDLE_PATH_BYTES];
	CLEANUP_FREE char *text = NULL;
	size_t len = 0;
	const char *line = "it gave no reason";
	if (bundle_path(path, container->state_dir, container->id, "log", NULL) == 0 &&
			fds_read_file(AT_FDCWD, path, RUNTIME_LOG_BYTES_MAX, &text, &len, NULL) ==
					0) {
		while (len > 0 && text[len - 1] == '\n') {
			text[--len] = '\0';
		}
		const char *newline = strrchr(text, '\n');
		line = len == 0 ? line : newline ? newline + 1 : text;
	}
	return error_set(err, -EIO, "%s could not start the browser's container (status %d): %s",
			container->runtime,
			WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), line);
}

/* Finds the browser's process from the runtime's pid file, and makes sure that it is ours. */
static int adopt_browser(struct container *container, struct error *err)
{
	char path[BUNDLE_PATH_BYTES];
	CLEANUP_FREE char *text = NULL;
	size_t len;
	int code = bundle_path(path, container->state_dir, container->id, "pid", err);
	if (code == 0) {
		code = fds_read_file(AT_FDCWD, path, 32, &text, &len, err);
	}
	if (code < 0) {
		return code;
	}
	pid_t pid = (pid_t)strtol(text, NULL, 10);
	CLEANUP_CLOSE int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	CLEANUP_FREE pid_t *pids = NULL;
	size_t count = 0;
	bool is_ours = false;
	if (pidfd >= 0 && cgroup_pids(container->cgroup, CGROUP_BROWSER, &pids, &count, err) == 0) {
		for (size_t i = 0; i < count; i++) {
			is_ours |= pids[i] == pid;
		}
	}
	if (!is_ours) {
		return error_set(err, -ESRCH, "the browser of session %s ended at once",
				container->id);
	}
	container->pid = pid;
	container->pidfd = steal_fd(&pidfd);
	return 0;
}

int container_finish_start(struct container *container, int timeout_ms, struct error *err)
{
	if (container->runtime_pid == 0) {
		return container->pid ? 0
				      : error_set(err, -EINVAL,
							"the runtime has been waited for already");
	}
	if (wait_readable(container->runtime_pidfd, timeout_ms) <= 0) {
		return error_set(err, -ETIMEDOUT, "%s did not start the browser within %d ms",
				container->runtime, timeout_ms);
	}
	int status = 0;
	while (waitpid(container->runtime_pid, &status, 0) < 0 && errno == EINTR) {
	}
	container->runtime_pid = 0;
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		return runtime_failed(container, status, err);
	}
	return adopt_browser(container, err);
}

struct cgroup *container_cgroup(struct container *container)
{
	return container->cgroup;
}

pid_t container_pid(const struct container *container)
{
	return container->pid;
}

int container_pidfd(const struct container *container)
{
	return container->pidfd;
}

int container_pids(const struct container *container, pid_t **ret_pids, size_t *ret_count,
		struct error *err)
{
	return cgroup_pids(container->cgroup, CGROUP_BROWSER, ret_pids, ret_count, err);
}

int container_memory_bytes(
		const struct container *container, uint64_t *ret_bytes, struct error *err)
{
	struct cgroup_usage usage;
	int code = cgroup_read_usage(container->cgroup, &usage, err);
	if (code == 0) {
		*ret_bytes = usage.memory_bytes;
	}
	return code;
}

int container_verify_sandbox(const struct container *container, struct error *err)
{
	if (container->pid == 0) {
		return error_set(
				err, -ESRCH, "session %s has no browser to look at", container->id);
	}
	const struct verify_subject subject = {
			.cgroup = container->cgroup,
			.init = container->pid,
			.uid_base = container->uid_base,
			.uid_count = CONTAINER_UID_COUNT,
	};
	return verify_sandbox(&subject, err);
}

int container_kill(struct container *container, struct error *err)
{
	return cgroup_kill(container->cgroup, err);
}

/* Runtimes that keep more than our process (a virtual machine, a user-space kernel) are told to
 * let go. */
static void delete_in_runtime(const struct container *container)
{
	char root[BUNDLE_PATH_BYTES];
	char log[BUNDLE_PATH_BYTES];
	if (is_crun(container) ||
			bundle_path(root, container->state_dir, container->id, "runtime", NULL) <
					0 ||
			bundle_path(log, container->state_dir, container->id, "log", NULL) < 0) {
		return;
	}
	const char *argv[RUNTIME_ARGUMENTS_MAX];
	size_t count = common_arguments(container, argv, root, log);
	const char *const words[] = {"delete", "--force", container->id, NULL};
	memcpy(argv + count, words, sizeof(words));
	CLEANUP_CLOSE int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	const struct spawn_fd fds[] = {{null_fd, 1}, {null_fd, 2}};
	const struct spawn_options options = {
			.path = container->runtime,
			.argv = argv,
			.fds = fds,
			.fd_count = ARRAY_LENGTH(fds),
	};
	spawn_and_wait(&options, RUNTIME_END_TIMEOUT_MS, NULL);
}

/* Waits for what became our child by subreaping, as the runtime does not outlive its start. */
static void reap_browser(struct container *container)
{
	if (container->pidfd >= 0 && wait_readable(container->pidfd, DESTROY_TIMEOUT_MS) > 0) {
		waitid(P_PIDFD, (id_t)container->pidfd, NULL, WEXITED | WNOHANG);
	}
}

/* The same for a start that was cut off, of which only the group knows the processes. */
static void reap_half_started(const pid_t *pids, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		waitpid(pids[i], NULL, WNOHANG);
	}
}

static void end_processes(struct container *container)
{
	CLEANUP_FREE pid_t *pids = NULL;
	size_t count = 0;
	if (container->runtime_pid > 0) {
		kill(container->runtime_pid, SIGKILL);
		waitpid(container->runtime_pid, NULL, 0);
	}
	if (container->pid == 0) {
		cgroup_pids(container->cgroup, CGROUP_BROWSER, &pids, &count, NULL);
	}
	cgroup_kill(container->cgroup, NULL);
	reap_browser(container);
	if (container->has_bundle) {
		delete_in_runtime(container);
	}
	cgroup_destroy(container->cgroup, DESTROY_TIMEOUT_MS, NULL);
	reap_half_started(pids, count);
}

void container_destroy(struct container *container)
{
	if (!container) {
		return;
	}
	if (container->cgroup) {
		end_processes(container);
	}
	if (container->has_bundle) {
		bundle_remove(container->state_dir, container->id);
	}
	cleanup_close(&container->runtime_pidfd);
	cleanup_close(&container->pidfd);
	free(container->runtime);
	free(container->state_dir);
	free(container->id);
	free(container);
}

int container_reap(const char *state_dir, const char *id_prefix, struct error *err)
{
	int code = cgroup_reap(id_prefix, NULL, err);
	CLEANUP_DIR DIR *dir = opendir(state_dir);
	for (struct dirent *entry; dir && (entry = readdir(dir));) {
		if (entry->d_name[0] != '.' && entry->d_type == DT_DIR &&
				strncmp(entry->d_name, id_prefix, strlen(id_prefix)) == 0) {
			bundle_remove(state_dir, entry->d_name);
		}
	}
	return code;
}

int container_reap_all(const char *state_dir, struct error *err)
{
	return container_reap(state_dir, "", err);
}
