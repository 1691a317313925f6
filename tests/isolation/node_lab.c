#include "isolation/node_lab.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fds.h"
#include "base/loop.h"
#include "base/spawn.h"
#include "container/container.h"
#include "container/image.h"
#include "harness/test.h"

#define READY_TIMEOUT_MS 60000
#define STOP_TIMEOUT_MS 5000
#define ANSWER_TIMEOUT_S 30
#define SETTINGS_MAX 24

static struct error err;

static void must(int code)
{
	if (code < 0) {
		test_fail(__FILE__, __LINE__, "%s", err.text);
	}
}

static void put_path(char *to, const char *folder, const char *name)
{
	CHECK(snprintf(to, LAB_PATH_BYTES, "%s/%s", folder, name) < LAB_PATH_BYTES);
}

static void sleep_ms(long ms)
{
	nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

static void image_options(struct image_options *options)
{
	const char *state = getenv("SAFEWEB_TEST_STATE");
	*options = (struct image_options){
			.state_dir = state ? state : "/var/tmp/safeweb-test",
			.recipe_dir = getenv("SAFEWEB_TEST_RECIPE"),
	};
}

void lab_build_image(void)
{
	struct image_options options;
	char rootfs[IMAGE_PATH_BYTES];
	image_options(&options);
	if (geteuid() != 0) {
		test_skip("needs root");
	}
	must(fds_make_directories(options.state_dir, 0755, &err));
	if (image_current(&options, rootfs, sizeof(rootfs), &err) < 0 &&
			image_build(&options, NULL, &err) < 0) {
		test_skip(err.text);
	}
}

static void find_image(struct lab *lab)
{
	struct image_options options;
	image_options(&options);
	if (image_current(&options, lab->rootfs, sizeof(lab->rootfs), &err) < 0) {
		test_skip(err.text);
	}
}

static void link_program(const struct lab *lab, const char *variable, const char *name)
{
	char path[LAB_PATH_BYTES];
	const char *program = getenv(variable);
	CHECK(program != NULL);
	put_path(path, lab->libexec, name);
	CHECK_INT(symlink(program, path), 0);
}

void lab_open(struct lab *lab)
{
	*lab = (struct lab){.pidfd = -1, .output_fd = -1};
	if (geteuid() != 0) {
		test_skip("needs root");
	}
	find_image(lab);
	snprintf(lab->folder, sizeof(lab->folder), "/run/safeweb-test-XXXXXX");
	CHECK(mkdtemp(lab->folder) != NULL);
	CHECK_INT(chmod(lab->folder, 0755), 0);
	put_path(lab->run, lab->folder, "run");
	put_path(lab->libexec, lab->folder, "libexec");
	CHECK_INT(mkdir(lab->libexec, 0755), 0);
	link_program(lab, "SAFEWEB_TEST_COMPOSITOR", "safeweb-compositor");
	link_program(lab, "SAFEWEB_TEST_ENCODER", "safeweb-encoder");
	link_program(lab, "SAFEWEB_TEST_EGRESS", "safeweb-egress");
}

/* Settings as SAFEWEB_NAME=value; the strings live until the next call. */
static void make_environment(const struct lab *lab, const char *const *settings,
		const char *environment[SETTINGS_MAX])
{
	static char texts[SETTINGS_MAX][LAB_PATH_BYTES];
	size_t count = 0;
	snprintf(texts[count], LAB_PATH_BYTES, "SAFEWEB_RUN=%.200s", lab->run);
	environment[count] = texts[count];
	count++;
	snprintf(texts[count], LAB_PATH_BYTES, "SAFEWEB_STATE=%.200s/state", lab->folder);
	environment[count] = texts[count];
	count++;
	for (; settings && *settings; settings++) {
		CHECK(count + 1 < SETTINGS_MAX);
		snprintf(texts[count], LAB_PATH_BYTES, "SAFEWEB_%.200s", *settings);
		for (char *c = texts[count]; *c && *c != '='; c++) {
			*c = (char)(*c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c);
		}
		environment[count] = texts[count];
		count++;
	}
	environment[count] = NULL;
}

static void wait_for_ready(struct lab *lab)
{
	char line[64] = "";
	size_t len = 0;
	struct pollfd output = {.fd = lab->output_fd, .events = POLLIN};
	while (!strchr(line, '\n') && len + 1 < sizeof(line)) {
		CHECK_INT(poll(&output, 1, READY_TIMEOUT_MS), 1);
		ssize_t got = read(lab->output_fd, line + len, sizeof(line) - 1 - len);
		CHECK(got > 0);
		len += (size_t)got;
		line[len] = '\0';
	}
	CHECK_TEXT(line, "ready\n");
}

void lab_start(struct lab *lab, const char *const *settings)
{
	const char *environment[SETTINGS_MAX];
	make_environment(lab, settings, environment);
	const char *const argv[] = {"safeweb-node", "--libexec", lab->libexec, "--image",
			lab->image ? lab->image : lab->rootfs, NULL};
	int output[2];
	CHECK_INT(pipe2(output, O_CLOEXEC), 0);
	const struct spawn_fd fds[] = {{output[1], STDOUT_FILENO}, {STDERR_FILENO, STDERR_FILENO}};
	const struct spawn_options options = {
			.path = getenv("SAFEWEB_TEST_NODE"),
			.argv = argv,
			.envp = environment,
			.fds = fds,
			.fd_count = ARRAY_LENGTH(fds),
			.death_signal = SIGTERM,
	};
	must(spawn_process(&options, &lab->pid, &lab->pidfd, &err));
	close(output[1]);
	lab->output_fd = output[0];
	wait_for_ready(lab);
}

static void wait_for_node(struct lab *lab, int timeout_ms)
{
	struct pollfd end = {.fd = lab->pidfd, .events = POLLIN};
	CHECK_INT(poll(&end, 1, timeout_ms), 1);
	waitpid(lab->pid, NULL, 0);
	lab->pid = 0;
	cleanup_close(&lab->pidfd);
	cleanup_close(&lab->output_fd);
}

void lab_stop(struct lab *lab)
{
	CHECK_INT(kill(lab->pid, SIGTERM), 0);
	wait_for_node(lab, STOP_TIMEOUT_MS);
}

void lab_kill(struct lab *lab)
{
	CHECK_INT(kill(lab->pid, SIGKILL), 0);
	wait_for_node(lab, STOP_TIMEOUT_MS);
}

void lab_reap(struct lab *lab)
{
	const char *environment[SETTINGS_MAX];
	make_environment(lab, NULL, environment);
	const char *const argv[] = {"safeweb-node", "--reap", NULL};
	const struct spawn_fd fds[] = {{STDERR_FILENO, STDERR_FILENO}};
	const struct spawn_options options = {
			.path = getenv("SAFEWEB_TEST_NODE"),
			.argv = argv,
			.envp = environment,
			.fds = fds,
			.fd_count = ARRAY_LENGTH(fds),
	};
	CHECK_INT(spawn_and_wait(&options, 10000, &err), 0);
}

void lab_close(struct lab *lab)
{
	lab_check_clean(lab);
	must(fds_remove_tree(lab->folder, &err));
}

int lab_connect(const struct lab *lab)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	snprintf(address.sun_path, sizeof(address.sun_path), "%.90s/node.sock", lab->run);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CHECK(fd >= 0);
	const struct timeval timeout = {.tv_sec = ANSWER_TIMEOUT_S};
	CHECK_INT(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)), 0);
	CHECK_INT(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	uint8_t bytes[WIRE_SHORT_MAX_BYTES];
	const struct wire_node_hello hello = {.version = WIRE_VERSION};
	lab_send(fd, bytes, wire_node_hello_encode(&hello, bytes, sizeof(bytes)));
	struct wire_node_welcome welcome;
	size_t len = lab_receive(fd, bytes, sizeof(bytes));
	CHECK_INT(wire_node_welcome_decode(bytes, len, &welcome), 0);
	CHECK_INT(welcome.version, WIRE_VERSION);
	return fd;
}

void lab_send(int fd, const uint8_t *message, long len)
{
	uint8_t bytes[WIRE_LENGTH_BYTES + WIRE_SHORT_MAX_BYTES];
	CHECK(len > 0 && len <= WIRE_SHORT_MAX_BYTES);
	wire_put_length(bytes, (size_t)len);
	memcpy(bytes + WIRE_LENGTH_BYTES, message, (size_t)len);
	CHECK_INT(send(fd, bytes, WIRE_LENGTH_BYTES + (size_t)len, MSG_NOSIGNAL),
			WIRE_LENGTH_BYTES + len);
}

/* false at the end of the connection. */
static bool receive_exactly(int fd, uint8_t *bytes, size_t len)
{
	while (len) {
		ssize_t got = recv(fd, bytes, len, 0);
		if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
			test_fail(__FILE__, __LINE__, "no answer within %d s", ANSWER_TIMEOUT_S);
		}
		if (got <= 0) {
			return false;
		}
		bytes += got;
		len -= (size_t)got;
	}
	return true;
}

size_t lab_receive(int fd, uint8_t *bytes, size_t size)
{
	uint8_t head[WIRE_LENGTH_BYTES];
	if (!receive_exactly(fd, head, sizeof(head))) {
		return 0;
	}
	size_t len = (size_t)head[0] | (size_t)head[1] << 8 | (size_t)head[2] << 16 |
			(size_t)head[3] << 24;
	CHECK(len > 0 && len <= size);
	return receive_exactly(fd, bytes, len) ? len : 0;
}

bool lab_claim(struct lab *lab, int control, struct lab_session *ret_session, uint16_t *ret_reason)
{
	static uint32_t number = 1000;
	uint8_t bytes[WIRE_SHORT_MAX_BYTES];
	const struct wire_claim claim = {.request = ++number};
	lab_send(control, bytes, wire_claim_encode(&claim, bytes, sizeof(bytes)));
	for (;;) {
		struct wire_claimed claimed;
		struct wire_refused refused;
		size_t len = lab_receive(control, bytes, sizeof(bytes));
		CHECK(len > 0);
		if (wire_claimed_decode(bytes, len, &claimed) == 0 && claimed.request == number) {
			wire_string_copy(claimed.session, ret_session->id, sizeof(ret_session->id));
			wire_string_copy(claimed.token, ret_session->token,
					sizeof(ret_session->token));
			CHECK_INT(strlen(ret_session->token), 64);
			snprintf(lab->prefix, sizeof(lab->prefix), "%.8s", ret_session->id);
			return true;
		}
		if (wire_refused_decode(bytes, len, &refused) == 0 && refused.request == number) {
			CHECK(refused.detail.len > 0);
			*ret_reason = refused.reason;
			return false;
		}
	}
}

void lab_release(int control, const char *session)
{
	static uint32_t number = 2000;
	uint8_t bytes[WIRE_SHORT_MAX_BYTES];
	const struct wire_release release = {
			.request = ++number, .session = wire_string_from(session)};
	lab_send(control, bytes, wire_release_encode(&release, bytes, sizeof(bytes)));
	for (;;) {
		struct wire_done done;
		size_t len = lab_receive(control, bytes, sizeof(bytes));
		CHECK(len > 0);
		if (wire_done_decode(bytes, len, &done) == 0 && done.request == number) {
			return;
		}
		CHECK(bytes[0] != WIRE_REFUSED);
	}
}

uint16_t lab_wait_ended(int control, const char *session)
{
	uint8_t bytes[WIRE_SHORT_MAX_BYTES];
	for (;;) {
		struct wire_ended ended;
		char id[WIRE_ENDED_SESSION_MAX_BYTES + 1];
		size_t len = lab_receive(control, bytes, sizeof(bytes));
		CHECK(len > 0);
		if (wire_ended_decode(bytes, len, &ended) == 0) {
			wire_string_copy(ended.session, id, sizeof(id));
			if (strcmp(id, session) == 0) {
				return ended.reason;
			}
		}
	}
}

static void add_process(struct lab_processes *processes, uint8_t program, pid_t pid)
{
	for (size_t i = 0; i < processes->count; i++) {
		if (processes->list[i].pid == pid) {
			return;
		}
	}
	CHECK(processes->count < LAB_PROCESSES_MAX);
	struct lab_process entry = {.program = program, .pid = pid};
	entry.pidfd = (int)syscall(SYS_pidfd_open, entry.pid, 0);
	if (entry.pidfd >= 0) { /* else it has gone in the meantime */
		processes->list[processes->count++] = entry;
	}
}

void lab_add(struct lab_processes *processes, pid_t pid)
{
	CHECK(pid > 0);
	add_process(processes, UINT8_MAX, pid);
}

static bool is_wanted(const char *session, struct wire_string id)
{
	return !session || (strlen(session) == id.len && memcmp(session, id.bytes, id.len) == 0);
}

/* How many sessions there are; the state of the one wanted in *ret_state. */
static unsigned ask_status(
		int control, const char *session, struct lab_processes *processes, int *ret_state)
{
	static uint32_t number = 3000;
	uint8_t bytes[WIRE_SHORT_MAX_BYTES];
	unsigned count = 0;
	const struct wire_status request = {.request = ++number};
	lab_send(control, bytes, wire_status_encode(&request, bytes, sizeof(bytes)));
	for (;;) {
		struct wire_session_status status;
		struct wire_session_process process;
		struct wire_done done;
		size_t len = lab_receive(control, bytes, sizeof(bytes));
		CHECK(len > 0);
		if (wire_done_decode(bytes, len, &done) == 0 && done.request == number) {
			return count;
		}
		if (wire_session_status_decode(bytes, len, &status) == 0) {
			count++;
			if (is_wanted(session, status.session)) {
				*ret_state = status.state;
			}
		}
		if (processes && wire_session_process_decode(bytes, len, &process) == 0 &&
				is_wanted(session, process.session)) {
			add_process(processes, process.program, (pid_t)process.pid);
		}
	}
}

int lab_status(int control, const char *session, struct lab_processes *processes)
{
	int state = -1;
	ask_status(control, session, processes, &state);
	return state;
}

unsigned lab_session_count(int control)
{
	int state;
	return ask_status(control, NULL, NULL, &state);
}

/* Whether one of the process's arguments begins with words. */
static bool has_argument(pid_t pid, const char *words)
{
	char path[64];
	CLEANUP_FREE char *text = NULL;
	size_t len = 0;
	snprintf(path, sizeof(path), "/proc/%d/cmdline", pid);
	if (fds_read_file(AT_FDCWD, path, 65536, &text, &len, NULL) < 0) {
		return false;
	}
	/* A process that sets its title joins its arguments with spaces. */
	for (size_t i = 0; i < len; i++) {
		if (strncmp(text + i, words, strlen(words)) == 0) {
			return true;
		}
	}
	return false;
}

pid_t lab_find(const struct lab_processes *processes, enum wire_program program, const char *words)
{
	for (size_t i = 0; i < processes->count; i++) {
		const struct lab_process *process = &processes->list[i];
		bool fits = program != WIRE_PROGRAM_BROWSER ||
				(words ? has_argument(process->pid, words)
				       : !has_argument(process->pid, "--type="));
		if (process->program == program && fits) {
			return process->pid;
		}
	}
	return 0;
}

void lab_check_gone(struct lab_processes *processes)
{
	uint64_t deadline = clock_now_ms() + 5000;
	CHECK(processes->count > 0);
	for (size_t i = 0; i < processes->count; i++) {
		struct pollfd end = {.fd = processes->list[i].pidfd, .events = POLLIN};
		uint64_t now = clock_now_ms();
		if (poll(&end, 1, now < deadline ? (int)(deadline - now) : 0) != 1) {
			test_fail(__FILE__, __LINE__, "process %d (program %d) still lives",
					processes->list[i].pid, processes->list[i].program);
		}
		close(processes->list[i].pidfd);
	}
	processes->count = 0;
}

/* Fails when the folder holds a name that begins so. */
static void check_no_entry(const char *folder, const char *prefix)
{
	CLEANUP_DIR DIR *dir = opendir(folder);
	for (struct dirent *entry; dir && (entry = readdir(dir));) {
		if (entry->d_name[0] != '.' &&
				strncmp(entry->d_name, prefix, strlen(prefix)) == 0) {
			test_fail(__FILE__, __LINE__, "%s/%s is left", folder, entry->d_name);
		}
	}
}

static void check_no_cgroup(const struct lab *lab)
{
	static const char *const mounts[] = {"/sys/fs/cgroup", "/sys/fs/cgroup/unified",
			"/sys/fs/cgroup/pids", "/sys/fs/cgroup/memory", "/sys/fs/cgroup/cpu",
			"/sys/fs/cgroup/cpuacct", "/sys/fs/cgroup/freezer"};
	if (!lab->prefix[0]) {
		return;
	}
	/* Also when our own group, in which a node may make its own, is not the root. */
	CLEANUP_FREE char *own = NULL;
	must(fds_read_file(AT_FDCWD, "/proc/self/cgroup", 65536, &own, NULL, &err));
	for (size_t i = 0; i < ARRAY_LENGTH(mounts); i++) {
		char path[LAB_PATH_BYTES];
		put_path(path, mounts[i], CGROUP_PREFIX);
		check_no_entry(path, lab->prefix);
		char *rest = own;
		CLEANUP_FREE char *copy = strdup(own);
		rest = copy;
		for (char *line = strsep(&rest, "\n"); line; line = strsep(&rest, "\n")) {
			const char *group = strrchr(line, ':');
			char inner[2 * LAB_PATH_BYTES];
			snprintf(inner, sizeof(inner), "%.200s%.200s/%s", mounts[i],
					group ? group + 1 : "", CGROUP_PREFIX);
			check_no_entry(inner, lab->prefix);
		}
	}
}

static void check_no_mount(const struct lab *lab, pid_t pid)
{
	char path[64];
	CLEANUP_FREE char *text = NULL;
	snprintf(path, sizeof(path), "/proc/%d/mountinfo", pid);
	must(fds_read_file(AT_FDCWD, path, 4 * 1024 * 1024, &text, NULL, &err));
	if (strstr(text, lab->folder)) {
		test_fail(__FILE__, __LINE__, "a mount below %s is left", lab->folder);
	}
}

void lab_check_clean(const struct lab *lab)
{
	char sessions[LAB_PATH_BYTES];
	put_path(sessions, lab->run, "sessions");
	check_no_entry(sessions, "");
	check_no_cgroup(lab);
	check_no_mount(lab, getpid());
	if (lab->pid) {
		check_no_mount(lab, lab->pid);
	}
}

pid_t lab_egress_pid(const struct lab *lab)
{
	char path[64];
	CLEANUP_FREE char *text = NULL;
	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", lab->pid, lab->pid);
	must(fds_read_file(AT_FDCWD, path, 65536, &text, NULL, &err));
	char *rest = text;
	for (char *word = strsep(&rest, " "); word; word = strsep(&rest, " ")) {
		pid_t pid = (pid_t)strtol(word, NULL, 10);
		if (pid > 0 && has_argument(pid, "safeweb-egress")) {
			return pid;
		}
	}
	return 0;
}

int lab_count_fds(const struct lab *lab)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/fd", lab->pid);
	/* What has just been closed on our side is still open on its. */
	sleep_ms(100);
	CLEANUP_DIR DIR *dir = opendir(path);
	int count = 0;
	CHECK(dir != NULL);
	while (readdir(dir)) {
		count++;
	}
	return count - 2;
}
