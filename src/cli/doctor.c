/* safeweb doctor: what this machine has, what is missing, what to do. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fds.h"
#include "base/spawn.h"
#include "cli/cli.h"
#include "cli/image.h"
#include "cli/json.h"
#include "container/cgroup.h"

#define TMPFS_MAGIC 0x01021994
#define MEMORY_WANTED_MIB 2048
#define IMAGE_OLD_DAYS 14

enum verdict { VERDICT_OK, VERDICT_WEAK, VERDICT_MISSING };

struct finding {
	enum verdict verdict;
	char text[300]; /* what is there */
	char advice[300]; /* what to do; "" when nothing */
};

struct check {
	const char *name;
	void (*run)(const struct cli *cli, struct finding *finding);
};

static void set(struct finding *finding, enum verdict verdict, const char *text, const char *advice)
{
	finding->verdict = verdict;
	snprintf(finding->text, sizeof(finding->text), "%s", text);
	snprintf(finding->advice, sizeof(finding->advice), "%s", advice);
}

static void check_root(const struct cli *cli, struct finding *finding)
{
	(void)cli;
	bool is_root = geteuid() == 0;
	set(finding, is_root ? VERDICT_OK : VERDICT_MISSING,
			is_root ? "running as root" : "not running as root",
			is_root ? "" : "run it as root: sessions need namespaces and cgroups");
}

static void check_kernel(const struct cli *cli, struct finding *finding)
{
	(void)cli;
	struct utsname name;
	uname(&name);
	int major = 0;
	int minor = 0;
	bool is_new = sscanf(name.release, "%d.%d", &major, &minor) == 2 &&
			(major > 5 || (major == 5 && minor >= 10));
	char text[200];
	snprintf(text, sizeof(text), "Linux %.100s on %.60s", name.release, name.machine);
	set(finding, is_new ? VERDICT_OK : VERDICT_MISSING, text,
			is_new ? ""
			       : "Linux 5.10 or newer is needed (pidfds, close_range, openat2)");
}

/* Whether a child may unshare these flags, as an ordinary user if uid is not 0. */
static bool can_unshare(int flags, uid_t uid)
{
	pid_t pid = fork();
	if (pid == 0) {
		if (uid && setresuid(uid, uid, uid) < 0) {
			_exit(1);
		}
		_exit(unshare(flags) == 0 ? 0 : 1);
	}
	int status = 1;
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR) {
	}
	return pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void check_user_namespaces(const struct cli *cli, struct finding *finding)
{
	(void)cli;
	if (!can_unshare(CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWPID, CLI_EGRESS_UID)) {
		set(finding, VERDICT_MISSING, "an ordinary user cannot make user namespaces",
				"Chromium's sandbox needs them: raise user.max_user_namespaces, "
				"and "
				"set kernel.unprivileged_userns_clone=1 or "
				"kernel.apparmor_restrict_unprivileged_userns=0 where these exist");
		return;
	}
	set(finding, VERDICT_OK, "user, network and pid namespaces can be made", "");
}

static void check_seccomp(const struct cli *cli, struct finding *finding)
{
	(void)cli;
	bool has_filter = prctl(PR_GET_SECCOMP, 0, 0, 0, 0) >= 0;
	set(finding, has_filter ? VERDICT_OK : VERDICT_MISSING,
			has_filter ? "seccomp filters" : "no seccomp filters",
			has_filter ? "" : "the kernel needs CONFIG_SECCOMP_FILTER");
}

static void check_cgroup(const struct cli *cli, struct finding *finding)
{
	(void)cli;
	struct error err = {0};
	char missing[200] = "";
	enum cgroup_layout layout = cgroup_layout();
	int code = cgroup_missing_controllers(missing, sizeof(missing), &err);
	char text[300];
	snprintf(text, sizeof(text), "cgroup %s%s%s", cgroup_layout_name(layout),
			*missing ? ", without " : "", missing);
	if (layout == CGROUP_LAYOUT_NONE || code < 0) {
		set(finding, VERDICT_MISSING, text, "mount cgroup2 on /sys/fs/cgroup");
	} else if (*missing) {
		set(finding, VERDICT_WEAK, text,
				"sessions run without these limits: enable the controllers in the "
				"kernel or delegate them");
	} else {
		set(finding, VERDICT_OK, text, "");
	}
}

static bool find_in_path(const char *name, char *ret_path, size_t size)
{
	if (strchr(name, '/')) {
		snprintf(ret_path, size, "%s", name);
		return access(name, X_OK) == 0;
	}
	const char *path = getenv("PATH");
	CLEANUP_FREE char *copy = strdup(path ? path : "/usr/sbin:/usr/bin:/sbin:/bin");
	char *rest = copy;
	for (char *folder = strsep(&rest, ":"); folder; folder = strsep(&rest, ":")) {
		snprintf(ret_path, size, "%s/%s", folder, name);
		if (access(ret_path, X_OK) == 0) {
			return true;
		}
	}
	return false;
}

/* The first line that `program --version` prints. */
static bool read_version(const char *program, char *ret_line, size_t size)
{
	int pipe_fds[2];
	if (pipe2(pipe_fds, O_CLOEXEC) < 0) {
		return false;
	}
	CLEANUP_CLOSE int output_read = pipe_fds[0];
	CLEANUP_CLOSE int output_write = pipe_fds[1];
	const char *const argv[] = {program, "--version", NULL};
	struct spawn_fd map[] = {{output_write, 1}};
	struct spawn_options options = {.path = program, .argv = argv, .fds = map, .fd_count = 1};
	if (spawn_and_wait(&options, 5000, NULL) != 0) {
		return false;
	}
	ssize_t got = read(output_read, ret_line, size - 1);
	if (got <= 0) {
		return false;
	}
	ret_line[got] = '\0';
	ret_line[strcspn(ret_line, "\n")] = '\0';
	return true;
}

static void check_runtime(const struct cli *cli, struct finding *finding)
{
	const char *name = settings_text(&cli->settings, SETTING_RUNTIME);
	char path[CLI_PATH_BYTES];
	char version[120];
	char text[300];
	if (!find_in_path(name, path, sizeof(path)) ||
			!read_version(path, version, sizeof(version))) {
		snprintf(text, sizeof(text), "the container runtime %.100s is not there", name);
		set(finding, VERDICT_MISSING, text,
				"apt-get install crun, or name another OCI runtime with "
				"SAFEWEB_RUNTIME");
		return;
	}
	set(finding, VERDICT_OK, version, "");
}

static void check_run_folder(const struct cli *cli, struct finding *finding)
{
	const char *run = settings_text(&cli->settings, SETTING_RUN);
	struct error err = {0};
	struct statfs status;
	char text[300];
	if (fds_make_directories(run, 0755, &err) < 0 || statfs(run, &status) < 0) {
		snprintf(text, sizeof(text), "%.200s cannot be made", run);
		set(finding, VERDICT_MISSING, text, "name another folder with SAFEWEB_RUN");
		return;
	}
	bool is_memory = status.f_type == TMPFS_MAGIC;
	snprintf(text, sizeof(text), "%.200s %s", run, is_memory ? "is in memory" : "is on a disk");
	set(finding, is_memory ? VERDICT_OK : VERDICT_WEAK, text,
			is_memory ? ""
				  : "it should be on a tmpfs: nothing of a session may reach a "
				    "disk");
}

static void check_image(const struct cli *cli, struct finding *finding)
{
	struct error err = {0};
	struct image_options options;
	char rootfs[IMAGE_PATH_BYTES];
	struct stat status;
	cli_image_options(cli, &options);
	if (image_current(&options, rootfs, sizeof(rootfs), &err) < 0 ||
			stat(rootfs, &status) < 0) {
		set(finding, VERDICT_WEAK, err.text,
				"`safeweb image build`; `safeweb up` does it too");
		return;
	}
	long days = (long)((time(NULL) - status.st_ctime) / 86400);
	char text[200];
	snprintf(text, sizeof(text), "browser image, %ld days old", days);
	set(finding, days > IMAGE_OLD_DAYS ? VERDICT_WEAK : VERDICT_OK, text,
			days > IMAGE_OLD_DAYS
					? "`safeweb image build` fetches Debian's newest Chromium"
					: "");
}

static void check_port(const struct cli *cli, struct finding *finding)
{
	char text[200];
	uint64_t port = settings_number(&cli->settings, SETTING_PORT);
	if (cli_supervisor_pid(cli)) {
		set(finding, VERDICT_OK, "Safeweb is up", "");
		return;
	}
	CLEANUP_CLOSE int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int on = 1;
	struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	bool is_free = fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
	snprintf(text, sizeof(text), "port %llu is %s", (unsigned long long)port,
			is_free ? "free" : "taken by another program");
	set(finding, is_free ? VERDICT_OK : VERDICT_MISSING, text,
			is_free ? "" : "end that program or choose another with SAFEWEB_PORT");
}

static void check_memory(const struct cli *cli, struct finding *finding)
{
	(void)cli;
	struct sysinfo info;
	sysinfo(&info);
	unsigned long long mib = (unsigned long long)info.totalram * info.mem_unit >> 20;
	char text[200];
	snprintf(text, sizeof(text), "%llu MiB of memory, %d processors", mib, get_nprocs());
	set(finding, mib >= MEMORY_WANTED_MIB ? VERDICT_OK : VERDICT_WEAK, text,
			mib >= MEMORY_WANTED_MIB ? "" : "a few sessions at most will fit");
}

static void check_programs(const struct cli *cli, struct finding *finding)
{
	static const char *const names[] = {"safeweb-node", "safeweb-gateway", "safeweb-compositor",
			"safeweb-encoder", "safeweb-egress"};
	for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
		char path[CLI_PATH_BYTES + 32];
		snprintf(path, sizeof(path), "%s/%s", cli->libexec, names[i]);
		if (access(path, X_OK) < 0) {
			char text[300];
			snprintf(text, sizeof(text), "%.250s is not there", path);
			set(finding, VERDICT_MISSING, text,
					"install Safeweb whole: `make install`");
			return;
		}
	}
	set(finding, VERDICT_OK, "all programs are installed", "");
}

static const struct check checks[] = {
		{"root", check_root},
		{"programs", check_programs},
		{"kernel", check_kernel},
		{"user namespaces", check_user_namespaces},
		{"seccomp", check_seccomp},
		{"cgroup", check_cgroup},
		{"runtime", check_runtime},
		{"run folder", check_run_folder},
		{"image", check_image},
		{"port", check_port},
		{"memory", check_memory},
};

int cli_preflight(const struct cli *cli, struct error *err)
{
	for (size_t i = 0; i < ARRAY_LENGTH(checks); i++) {
		struct finding finding = {0};
		checks[i].run(cli, &finding);
		if (finding.verdict == VERDICT_MISSING) {
			return error_set(err, -ENOTSUP, "%s: %s", finding.text, finding.advice);
		}
	}
	return 0;
}

enum cli_exit cli_doctor(struct cli *cli)
{
	static const char *const words[] = {"ok", "weak", "missing"};
	bool is_fit = true;
	json_t *list = json_array();
	for (size_t i = 0; i < ARRAY_LENGTH(checks); i++) {
		struct finding finding = {0};
		checks[i].run(cli, &finding);
		is_fit &= finding.verdict != VERDICT_MISSING;
		if (cli->json) {
			json_array_append_new(list,
					json_pack("{s:s, s:s, s:s, s:s}", "check", checks[i].name,
							"verdict", words[finding.verdict], "found",
							finding.text, "advice", finding.advice));
			continue;
		}
		printf("%-8s %-16s %s\n", words[finding.verdict], checks[i].name, finding.text);
		if (*finding.advice) {
			printf("%-8s %-16s → %s\n", "", "", finding.advice);
		}
	}
	if (cli->json) {
		cli_print_json(json_pack("{s:b, s:O}", "fit", is_fit, "checks", list));
	}
	json_decref(list);
	return is_fit ? CLI_OK : CLI_FAILED;
}
