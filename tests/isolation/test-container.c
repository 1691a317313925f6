/* A real container with a probe where Chromium would be, attacked from inside and looked at from
 * outside. Needs root; the image is not needed, as the probe is one static file. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fds.h"
#include "container/bundle.h"
#include "container/chromium.h"
#include "container/container.h"
#include "container/image.h"
#include "container/netns.h"
#include "harness/test.h"

#define PORT 3128
#define UID_BASE (65536U * 30)
#define ANSWER_TIMEOUT_MS 20000
#define PIDS 64
#define MEMORY_MIB 96
#define TMP_MIB 8

struct fixture {
	char folder[64]; /* holds rootfs and state */
	char rootfs[80];
	char state[80];
	char id[40];
	int netns_fd;
	int listen_fd;
	int command_fd;
	int answer_fd;
	int wayland_fd;
	struct container *container;
};

static struct error err;

static void must(int code)
{
	if (code < 0) {
		test_fail(__FILE__, __LINE__, "%s", err.text);
	}
}

static void copy_probe(const char *to)
{
	CLEANUP_CLOSE int from_fd = open(getenv("SAFEWEB_TEST_PROBE"), O_RDONLY | O_CLOEXEC);
	CLEANUP_CLOSE int to_fd = open(to, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
	CHECK(from_fd >= 0 && to_fd >= 0);
	char block[65536];
	for (ssize_t len; (len = read(from_fd, block, sizeof(block))) > 0;) {
		CHECK_INT(write(to_fd, block, (size_t)len), len);
	}
}

static void make_rootfs(const struct fixture *fixture)
{
	static const char *const folders[] = {"/dev", "/proc", "/sys", "/tmp", "/home/user",
			"/usr/lib/chromium", "/etc/chromium/policies/managed"};
	char path[256];
	for (size_t i = 0; i < ARRAY_LENGTH(folders); i++) {
		snprintf(path, sizeof(path), "%s%s", fixture->rootfs, folders[i]);
		must(fds_make_directories(path, 0755, &err));
	}
	snprintf(path, sizeof(path), "%s%s", fixture->rootfs, IMAGE_CA_POLICY);
	must(fds_write_file(AT_FDCWD, path, "{}", 2, 0644, &err));
	snprintf(path, sizeof(path), "%s%s", fixture->rootfs, CHROMIUM_PATH);
	copy_probe(path);
}

static void fixture_init(struct fixture *fixture, const char *name)
{
	if (geteuid() != 0) {
		test_skip("containers need root");
	}
	*fixture = (struct fixture){.folder = "/run/safeweb-test-XXXXXX"};
	must(cgroup_reap("test-", NULL, &err)); /* what a test that failed has left */
	CHECK(mkdtemp(fixture->folder) != NULL);
	CHECK_INT(chmod(fixture->folder, 0755), 0);
	snprintf(fixture->rootfs, sizeof(fixture->rootfs), "%s/rootfs", fixture->folder);
	snprintf(fixture->state, sizeof(fixture->state), "%s/state", fixture->folder);
	snprintf(fixture->id, sizeof(fixture->id), "test-%s-%d", name, (int)getpid());
	make_rootfs(fixture);
	must(container_prepare(&err));
	must(netns_create(&fixture->netns_fd, &err));
	must(netns_listen(fixture->netns_fd, PORT, &fixture->listen_fd, &err));
}

/* Starts without waiting; runtime NULL: the default. */
static void fixture_launch(struct fixture *fixture, const char *runtime)
{
	int commands[2];
	int answers[2];
	int wayland[2];
	CHECK_INT(pipe2(commands, O_CLOEXEC), 0);
	CHECK_INT(pipe2(answers, O_CLOEXEC), 0);
	must(fds_socketpair(SOCK_STREAM, wayland, &err));
	struct container_spec spec = {
			.id = fixture->id,
			.rootfs = fixture->rootfs,
			.runtime = runtime,
			.state_dir = fixture->state,
			.uid_base = UID_BASE,
			.netns_fd = fixture->netns_fd,
			.wayland_fd = wayland[0],
			.cdp_in_fd = commands[0],
			.cdp_out_fd = answers[1],
			.log_fd = -1,
			.window_width = 800,
			.window_height = 600,
			.proxy_port = PORT,
	};
	container_limits_default(&spec.limits);
	spec.limits.pids = PIDS;
	spec.limits.memory_bytes = (uint64_t)MEMORY_MIB << 20;
	spec.limits.tmp_bytes = (uint64_t)TMP_MIB << 20;
	must(container_start(&spec, &fixture->container, &err));
	close(commands[0]);
	close(answers[1]);
	close(wayland[0]);
	fixture->command_fd = commands[1];
	fixture->answer_fd = answers[0];
	fixture->wayland_fd = wayland[1];
}

static void fixture_start(struct fixture *fixture, const char *name)
{
	fixture_init(fixture, name);
	fixture_launch(fixture, NULL);
	must(container_finish_start(fixture->container, 10000, &err));
}

static void check_nothing_left(const struct fixture *fixture)
{
	static const char *const places[] = {"/sys/fs/cgroup", "/sys/fs/cgroup/pids",
			"/sys/fs/cgroup/memory", "/sys/fs/cgroup/cpu", "/sys/fs/cgroup/freezer"};
	char path[256];
	for (size_t i = 0; i < ARRAY_LENGTH(places); i++) {
		snprintf(path, sizeof(path), "%s/" CGROUP_PREFIX "/%s", places[i], fixture->id);
		CHECK(access(path, F_OK) < 0);
	}
	snprintf(path, sizeof(path), "%s/%s", fixture->state, fixture->id);
	CHECK(access(path, F_OK) < 0);
	CLEANUP_FREE char *mounts = NULL;
	must(fds_read_file(AT_FDCWD, "/proc/self/mountinfo", 1 << 20, &mounts, NULL, &err));
	CHECK(strstr(mounts, fixture->folder) == NULL);
	CLEANUP_DIR DIR *proc = opendir("/proc");
	for (struct dirent *entry; (entry = readdir(proc));) {
		struct stat status;
		if (fstatat(dirfd(proc), entry->d_name, &status, 0) == 0) {
			CHECK(status.st_uid < UID_BASE ||
					status.st_uid >= UID_BASE + CONTAINER_UID_COUNT);
		}
	}
}

static void fixture_finish(struct fixture *fixture)
{
	container_destroy(fixture->container);
	check_nothing_left(fixture);
	must(fds_remove_tree(fixture->folder, &err));
	const int fds[] = {fixture->netns_fd, fixture->listen_fd, fixture->command_fd,
			fixture->answer_fd, fixture->wayland_fd};
	for (size_t i = 0; i < ARRAY_LENGTH(fds); i++) {
		close(fds[i]);
	}
}

static long ask(const struct fixture *fixture, const char *format, ...)
		__attribute__((format(printf, 2, 3)));

static long ask(const struct fixture *fixture, const char *format, ...)
{
	char text[256];
	va_list arguments;
	va_start(arguments, format);
	int len = vsnprintf(text, sizeof(text) - 1, format, arguments);
	va_end(arguments);
	text[len] = '\n';
	CHECK_INT(write(fixture->command_fd, text, (size_t)len + 1), len + 1);
	struct pollfd poll_fd = {.fd = fixture->answer_fd, .events = POLLIN};
	CHECK_INT(poll(&poll_fd, 1, ANSWER_TIMEOUT_MS), 1);
	ssize_t got = read(fixture->answer_fd, text, sizeof(text) - 1);
	CHECK(got > 0);
	text[got] = '\0';
	return strtol(text, NULL, 10);
}

static void read_proc(const struct fixture *fixture, const char *file, char **text, size_t *len)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/%s", (int)container_pid(fixture->container), file);
	must(fds_read_file(AT_FDCWD, path, 1 << 20, text, len, &err));
}

TEST_WITH_TIMEOUT(browser_has_no_power, 60)
{
	static const char *const lines[] = {"CapInh:\t0000000000000000",
			"CapPrm:\t0000000000000000", "CapEff:\t0000000000000000",
			"CapBnd:\t0000000000000000", "CapAmb:\t0000000000000000", "NoNewPrivs:\t1",
			"Seccomp:\t2", "Uid:\t1967080\t1967080\t1967080\t1967080",
			"Gid:\t1967080\t1967080\t1967080\t1967080", "Groups:\t \n"};
	struct fixture fixture;
	CLEANUP_FREE char *status = NULL;
	size_t len;
	fixture_start(&fixture, "power");
	CHECK_INT(ask(&fixture, "call %d", SYS_getpid), 0);
	read_proc(&fixture, "status", &status, &len);
	for (size_t i = 0; i < ARRAY_LENGTH(lines); i++) {
		if (!strstr(status, lines[i])) {
			test_fail(__FILE__, __LINE__, "no \"%s\" in\n%s", lines[i], status);
		}
	}
	fixture_finish(&fixture);
}

TEST_WITH_TIMEOUT(browser_gets_only_what_is_declared, 60)
{
	struct fixture fixture;
	char path[64];
	CLEANUP_FREE char *environment = NULL;
	CLEANUP_FREE char *arguments = NULL;
	size_t len;
	fixture_start(&fixture, "declared");
	CHECK_INT(ask(&fixture, "call %d", SYS_getpid), 0);
	int mask = 0;
	snprintf(path, sizeof(path), "/proc/%d/fd", (int)container_pid(fixture.container));
	DIR *dir = opendir(path);
	for (struct dirent *entry; (entry = readdir(dir));) {
		mask |= entry->d_name[0] == '.' ? 0 : 1 << atoi(entry->d_name);
	}
	closedir(dir);
	CHECK_INT(mask, 0x3f); /* 0 to 5 */
	read_proc(&fixture, "environ", &environment, &len);
	for (const char *at = environment; at < environment + len; at += strlen(at) + 1) {
		CHECK(strncmp(at, "HOME=", 5) == 0 || strncmp(at, "TMPDIR=", 7) == 0 ||
				strncmp(at, "LANG=", 5) == 0 || strncmp(at, "TZ=", 3) == 0 ||
				strncmp(at, "WAYLAND_SOCKET=", 15) == 0 ||
				strncmp(at, "DBUS_", 5) == 0);
	}
	read_proc(&fixture, "cmdline", &arguments, &len);
	for (const char *at = arguments; at < arguments + len; at += strlen(at) + 1) {
		CHECK(!chromium_argument_is_forbidden(at, ""));
	}
	fixture_finish(&fixture);
}

TEST_WITH_TIMEOUT(only_memory_can_be_written, 60)
{
	struct fixture fixture;
	fixture_start(&fixture, "write");
	CHECK_INT(ask(&fixture, "write /x"), EROFS);
	static const char *const closed[] = {CHROMIUM_PATH, IMAGE_CA_POLICY, "/usr/x",
			"/proc/sys/kernel/hostname", "/proc/sys/kernel/core_pattern",
			"/proc/sysrq-trigger", "/proc/1/oom_score_adj/x", "/sys/x", "/dev/x"};
	for (size_t i = 0; i < ARRAY_LENGTH(closed); i++) {
		CHECK(ask(&fixture, "write %s", closed[i]) != 0);
	}
	CHECK_INT(ask(&fixture, "write /tmp/x"), 0);
	CHECK_INT(ask(&fixture, "write /dev/shm/x"), 0);
	CHECK_INT(ask(&fixture, "write /home/user/x"), 0);
	fixture_finish(&fixture);
}

TEST_WITH_TIMEOUT(only_the_proxy_can_be_reached, 60)
{
	struct fixture fixture;
	fixture_start(&fixture, "net");
	CHECK_INT(ask(&fixture, "outside"), ENETUNREACH);
	CHECK_INT(ask(&fixture, "connect %d", PORT + 1), ECONNREFUSED);
	CHECK_INT(ask(&fixture, "connect %d", PORT), 0);
	struct pollfd poll_fd = {.fd = fixture.listen_fd, .events = POLLIN};
	CHECK_INT(poll(&poll_fd, 1, 1000), 1);
	int accepted = accept4(fixture.listen_fd, NULL, NULL, SOCK_CLOEXEC);
	CHECK(accepted >= 0);
	close(accepted);
	for (int family = 0; family < 46; family++) {
		bool is_allowed = family == AF_UNIX || family == AF_INET || family == AF_INET6;
		long got = ask(&fixture, "nested %d %d %d 0", SYS_socket, family, SOCK_STREAM);
		CHECK_INT(got, is_allowed ? 0 : ENOSYS);
	}
	CHECK_INT(ask(&fixture, "nested %d %d %d 0", SYS_socket, AF_INET, SOCK_RAW), ENOSYS);
	CHECK_INT(ask(&fixture, "nested %d %d %d 1", SYS_socket, AF_INET, SOCK_DGRAM), ENOSYS);
	CHECK_INT(ask(&fixture, "nested %d %d %d 262", SYS_socket, AF_INET, SOCK_STREAM), ENOSYS);
	fixture_finish(&fixture);
}

TEST_WITH_TIMEOUT(kernel_surface_is_closed, 60)
{
	static const struct {
		long number;
		long first;
	} calls[] = {{SYS_mount, 0}, {SYS_umount2, 0}, {SYS_pivot_root, 0}, {SYS_setns, 0},
			{SYS_fsopen, 0}, {SYS_open_tree, 0}, {SYS_move_mount, 0}, {SYS_bpf, 0},
			{SYS_io_uring_setup, 8}, {SYS_keyctl, 0}, {SYS_add_key, 0},
			{SYS_request_key, 0}, {SYS_perf_event_open, 0}, {SYS_userfaultfd, 0},
			{SYS_ptrace, 0}, {SYS_process_vm_readv, 1}, {SYS_process_vm_writev, 1},
			{SYS_pidfd_getfd, 0}, {SYS_open_by_handle_at, 0},
			{SYS_name_to_handle_at, 0}, {SYS_quotactl, 0}, {SYS_syslog, 3},
			{SYS_kexec_load, 0}, {SYS_init_module, 0}, {SYS_finit_module, 0},
			{SYS_delete_module, 0}, {SYS_clone3, 0}, {SYS_mknod, 0}, {SYS_mknodat, 0},
			{SYS_shmget, 0}, {SYS_msgget, 0}, {SYS_semget, 0}, {SYS_mq_open, 0},
			{SYS_swapon, 0}, {SYS_reboot, 0}, {SYS_sethostname, 0},
			{SYS_personality, 0xffffffff}, {SYS_acct, 0}, {SYS_fanotify_init, 0},
			{SYS_vmsplice, 0}, {SYS_unshare, CLONE_NEWNS}, {SYS_unshare, CLONE_NEWUTS},
			{SYS_unshare, CLONE_NEWIPC}, {SYS_unshare, CLONE_NEWCGROUP},
			{SYS_unshare, 0x80 /* CLONE_NEWTIME */}, {SYS_clone, CLONE_NEWNS | SIGCHLD},
			{SYS_prctl, 59 /* PR_SET_SYSCALL_USER_DISPATCH */}};
	struct fixture fixture;
	fixture_start(&fixture, "calls");
	for (size_t i = 0; i < ARRAY_LENGTH(calls); i++) {
		long plain = ask(&fixture, "call %ld %ld", calls[i].number, calls[i].first);
		long nested = ask(&fixture, "nested %ld %ld", calls[i].number, calls[i].first);
		if (plain != ENOSYS || nested != ENOSYS) {
			test_fail(__FILE__, __LINE__, "system call %ld(%lx) gave %ld, nested %ld",
					calls[i].number, calls[i].first, plain, nested);
		}
	}
	CHECK_INT(ask(&fixture, "nested %d %d", SYS_unshare, CLONE_NEWPID | CLONE_NEWNET), 0);
	CHECK_INT(ask(&fixture, "call %d", SYS_getpid | 0x40000000), 1000 + SIGSYS); /* x32 */
	fixture_finish(&fixture);
}

TEST_WITH_TIMEOUT(limits_bite_inside_only, 60)
{
	struct fixture fixture;
	struct cgroup_usage usage;
	fixture_start(&fixture, "limits");
	long forks = ask(&fixture, "fork 1000");
	CHECK(forks > 0 && forks < PIDS);
	CHECK_INT(ask(&fixture, "fill /tmp/x 100"), TMP_MIB);
	CHECK_INT(ask(&fixture, "eat 16"), 0);
	CHECK_INT(ask(&fixture, "eat 400"), SIGKILL);
	must(cgroup_read_usage(container_cgroup(fixture.container), &usage, &err));
	CHECK(usage.oom_kills >= 1);
	CHECK(usage.cpu_usec > 0);
	CHECK_INT(ask(&fixture, "call %d", SYS_getpid), 0); /* the browser itself lives */
	fixture_finish(&fixture);
}

TEST_WITH_TIMEOUT(frozen_session_can_be_ended, 60)
{
	struct fixture fixture;
	fixture_start(&fixture, "frozen");
	must(cgroup_freeze(container_cgroup(fixture.container), &err));
	usleep(50000);
	must(container_kill(fixture.container, &err));
	struct pollfd poll_fd = {.fd = container_pidfd(fixture.container), .events = POLLIN};
	CHECK_INT(poll(&poll_fd, 1, 5000), 1);
	fixture_finish(&fixture);
}

TEST_WITH_TIMEOUT(killed_runtime_leaves_nothing, 60)
{
	for (int delay_us = 0; delay_us < 40000; delay_us += 8000) {
		struct fixture fixture;
		fixture_init(&fixture, "killed");
		fixture_launch(&fixture, NULL);
		usleep((useconds_t)delay_us);
		syscall(SYS_pidfd_send_signal, container_runtime_pidfd(fixture.container), SIGKILL,
				NULL, 0);
		container_finish_start(
				fixture.container, 5000, &err); /* may or may not have made it */
		fixture_finish(&fixture);
	}
}

TEST_WITH_TIMEOUT(dead_node_is_cleaned_up_after, 60)
{
	struct fixture fixture;
	fixture_init(&fixture, "dead");
	pid_t node = fork();
	if (node == 0) {
		fixture_launch(&fixture, NULL);
		must(container_finish_start(fixture.container, 10000, &err));
		_exit(0); /* closes everything, cleans nothing */
	}
	int status = 0;
	CHECK_INT(waitpid(node, &status, 0), node);
	CHECK_INT(status, 0);
	must(container_reap(fixture.state, fixture.id, &err));
	usleep(100000); /* its pid 1 is ours now, by subreaping */
	while (waitpid(-1, NULL, WNOHANG) > 0) {
	}
	fixture.command_fd = fixture.answer_fd = fixture.wayland_fd = -1;
	fixture_finish(&fixture);
}

TEST_WITH_TIMEOUT(browser_without_renderers_is_refused, 60)
{
	struct fixture fixture;
	fixture_start(&fixture, "verify");
	CHECK_INT(container_verify_sandbox(fixture.container, &err), -EPERM);
	fixture_finish(&fixture);
}

TEST_WITH_TIMEOUT(missing_runtime_is_named, 60)
{
	struct fixture fixture;
	fixture_init(&fixture, "missing");
	struct container_spec spec = {.id = fixture.id,
			.rootfs = fixture.rootfs,
			.runtime = "no-such",
			.state_dir = fixture.state,
			.uid_base = UID_BASE,
			.netns_fd = 0,
			.wayland_fd = 0,
			.cdp_in_fd = 0,
			.cdp_out_fd = 0,
			.log_fd = -1,
			.window_width = 1,
			.window_height = 1,
			.proxy_port = PORT};
	CHECK_INT(container_start(&spec, &fixture.container, &err), -ENOENT);
	CHECK(strstr(err.text, "no-such") != NULL);
	fixture.command_fd = fixture.answer_fd = fixture.wayland_fd = -1;
	fixture_finish(&fixture);
}

TEST_WITH_TIMEOUT(second_runtime_fits, 60)
{
	struct fixture fixture;
	if (access("/usr/bin/runc", X_OK) < 0 && access("/usr/sbin/runc", X_OK) < 0) {
		return; /* optional: not a skip */
	}
	fixture_init(&fixture, "runc");
	fixture_launch(&fixture, "runc");
	must(container_finish_start(fixture.container, 10000, &err));
	CHECK_INT(ask(&fixture, "outside"), ENETUNREACH);
	CHECK_INT(ask(&fixture, "nested %d 16 3 0", SYS_socket), ENOSYS);
	CHECK_INT(ask(&fixture, "write /x"), EROFS);
	fixture_finish(&fixture);
}
