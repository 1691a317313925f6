#include "container/cgroup.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fds.h"
#include "container/cgroup_mounts.h"

#define PATH_BYTES 512
#define PROCS_BYTES_MAX (4U << 20) /* a group at its pids limit fits many times */
#define RETRY_FIRST_NS 1000000L /* between looks at a dying group; doubles up to the last */
#define RETRY_LAST_NS 16000000L

static const char *const part_names[] = {
		[CGROUP_BROWSER] = "browser", [CGROUP_DISPLAY] = "display"};

struct cgroup {
	char *id;
	struct cgroup_mounts mounts;
	char *procs[ARRAY_LENGTH(part_names)][CGROUP_PROCS_MAX];
	bool is_frozen;
};

/* <hierarchy>/safeweb/<id>[/<part>[/<file>]] */
static void group_path(char *path, const struct cgroup *cgroup, size_t hierarchy, const char *part,
		const char *file)
{
	int len = snprintf(path, PATH_BYTES, "%s/%s/%s%s%s%s%s",
			cgroup->mounts.hierarchies[hierarchy].base, CGROUP_PREFIX, cgroup->id,
			part ? "/" : "", part ? part : "", file ? "/" : "", file ? file : "");
	assert(len > 0 && len < PATH_BYTES);
}

static bool id_is_valid(const char *id)
{
	size_t len = strspn(id, "abcdefghijklmnopqrstuvwxyz0123456789-");
	return len > 0 && len <= 64 && id[len] == '\0' && id[0] != '-';
}

static int cgroup_open(const char *id, struct cgroup **ret_cgroup, struct error *err)
{
	if (!id_is_valid(id)) {
		return error_set(err, -EINVAL, "a session id is 1 to 64 of a-z, 0-9 and -");
	}
	struct cgroup *cgroup = calloc(1, sizeof(*cgroup));
	if (!cgroup || !(cgroup->id = strdup(id))) {
		free(cgroup);
		return error_set(err, -ENOMEM, "out of memory for a control group");
	}
	int code = cgroup_mounts_find(&cgroup->mounts, err);
	if (code < 0) {
		free(cgroup->id);
		free(cgroup);
		return code;
	}
	*ret_cgroup = cgroup;
	return 0;
}

static void cgroup_free(struct cgroup *cgroup)
{
	for (size_t part = 0; part < ARRAY_LENGTH(part_names); part++) {
		for (size_t i = 0; i < CGROUP_PROCS_MAX; i++) {
			free(cgroup->procs[part][i]);
		}
	}
	free(cgroup->id);
	free(cgroup);
}

static int make_directory(const char *path, bool may_exist, struct error *err)
{
	if (mkdir(path, 0755) < 0 && !(may_exist && errno == EEXIST)) {
		return error_set_errno(err, "cannot make the control group %s", path);
	}
	return 0;
}

/* v2: hands the controllers down to the children of the group at path. Those that are missing
 * are left out: cgroup_missing_controllers() tells. */
static void enable_controllers(const char *path)
{
	char file[PATH_BYTES + 32];
	snprintf(file, sizeof(file), "%s/cgroup.subtree_control", path);
	static const char *const wanted[] = {"+memory", "+pids", "+cpu"};
	for (size_t i = 0; i < ARRAY_LENGTH(wanted); i++) {
		fds_write_kernel_file(AT_FDCWD, file, wanted[i], NULL);
	}
}

static int make_hierarchy(struct cgroup *cgroup, size_t hierarchy, struct error *err)
{
	const char *base = cgroup->mounts.hierarchies[hierarchy].base;
	bool is_v2 = cgroup->mounts.layout == CGROUP_LAYOUT_V2;
	char path[PATH_BYTES];
	snprintf(path, sizeof(path), "%s/%s", base, CGROUP_PREFIX);
	int code = make_directory(path, true, err);
	if (code < 0) {
		return code;
	}
	if (is_v2) {
		cgroup_mounts_make_room(base);
		enable_controllers(base);
		enable_controllers(path);
	}
	group_path(path, cgroup, hierarchy, NULL, NULL);
	code = make_directory(path, false, err);
	if (code == 0 && is_v2) {
		enable_controllers(path);
	}
	for (size_t part = 0; code == 0 && part < ARRAY_LENGTH(part_names); part++) {
		group_path(path, cgroup, hierarchy, part_names[part], NULL);
		code = make_directory(path, false, err);
		group_path(path, cgroup, hierarchy, part_names[part], "cgroup.procs");
		if (code == 0 && !(cgroup->procs[part][hierarchy] = strdup(path))) {
			code = error_set(err, -ENOMEM, "out of memory for a control group");
		}
	}
	return code;
}

int cgroup_create(const char *id, const struct cgroup_limits *limits, struct cgroup **ret_cgroup,
		struct error *err)
{
	struct cgroup *cgroup;
	int code = cgroup_open(id, &cgroup, err);
	if (code < 0) {
		return code;
	}
	char path[PATH_BYTES];
	for (size_t i = 0; i < cgroup->mounts.count; i++) {
		group_path(path, cgroup, i, NULL, NULL);
		if (access(path, F_OK) == 0) {
			code = error_set(err, -EEXIST,
					"there is a control group for session %s already", id);
			cgroup_free(cgroup);
			return code;
		}
	}
	for (size_t i = 0; code == 0 && i < cgroup->mounts.count; i++) {
		code = make_hierarchy(cgroup, i, err);
		if (code == -ENOENT) {
			code = make_hierarchy(
					cgroup, i, err); /* the empty parent was just removed */
		}
	}
	if (code == 0) {
		code = cgroup_set_limits(cgroup, limits, err);
	}
	if (code < 0) {
		cgroup_destroy(cgroup, 1000, NULL);
		return code;
	}
	*ret_cgroup = cgroup;
	return 0;
}

const char *const *cgroup_procs_paths(const struct cgroup *cgroup, enum cgroup_part part)
{
	return (const char *const *)cgroup->procs[part];
}

int cgroup_add(struct cgroup *cgroup, enum cgroup_part part, pid_t pid, struct error *err)
{
	char text[16];
	snprintf(text, sizeof(text), "%d", pid);
	for (size_t i = 0; i < cgroup->mounts.count; i++) {
		int code = fds_write_kernel_file(AT_FDCWD, cgroup->procs[part][i], text, err);
		if (code < 0) {
			return code;
		}
	}
	return 0;
}

/* Writes to a group's file in the hierarchy of a controller. No error when the machine lacks it. */
static int write_value(const struct cgroup *cgroup, enum cgroup_controller controller,
		const char *part, const char *file, const char *text, struct error *err)
{
	int hierarchy = cgroup->mounts.of_controller[controller];
	if (hierarchy < 0) {
		return 0;
	}
	char path[PATH_BYTES];
	group_path(path, cgroup, (size_t)hierarchy, part, file);
	return fds_write_kernel_file(AT_FDCWD, path, text, err);
}

static int read_text(const struct cgroup *cgroup, enum cgroup_controller controller,
		const char *part, const char *file, char **ret_text, struct error *err)
{
	int hierarchy = cgroup->mounts.of_controller[controller];
	if (hierarchy < 0) {
		return error_set(err, -EOPNOTSUPP,
				"the machine has no control group controller for %s", file);
	}
	char path[PATH_BYTES];
	size_t len;
	group_path(path, cgroup, (size_t)hierarchy, part, file);
	return fds_read_file(AT_FDCWD, path, PROCS_BYTES_MAX, ret_text, &len, err);
}

static bool is_v2(const struct cgroup *cgroup)
{
	return cgroup->mounts.layout == CGROUP_LAYOUT_V2;
}

static void format_limit(char *text, size_t size, uint64_t value, const char *none)
{
	if (value) {
		snprintf(text, size, "%llu", (unsigned long long)value);
	} else {
		snprintf(text, size, "%s", none);
	}
}

#define CPU_PERIOD_USEC 100000 /* the kernel's default; a ceiling is counted over this time */

static int set_cpu_limits(
		struct cgroup *cgroup, const struct cgroup_limits *limits, struct error *err)
{
	char text[64];
	uint32_t weight = limits->cpu_weight ? limits->cpu_weight : 100;
	uint64_t quota = (uint64_t)limits->cpu_percent * CPU_PERIOD_USEC / 100;
	int code;
	if (is_v2(cgroup)) {
		snprintf(text, sizeof(text), "%u", weight);
		code = write_value(cgroup, CGROUP_CPU, NULL, "cpu.weight", text, err);
		char ceiling[32];
		format_limit(ceiling, sizeof(ceiling), quota, "max");
		snprintf(text, sizeof(text), "%s %d", ceiling, CPU_PERIOD_USEC);
		return code < 0 ? code
				: write_value(cgroup, CGROUP_CPU, NULL, "cpu.max", text, err);
	}
	uint32_t shares = weight * 1024 / 100; /* v1 counts a plain share as 1024, at least 2 */
	snprintf(text, sizeof(text), "%u", shares < 2 ? 2 : shares);
	code = write_value(cgroup, CGROUP_CPU, NULL, "cpu.shares", text, err);
	format_limit(text, sizeof(text), quota, "-1");
	return code < 0 ? code
			: write_value(cgroup, CGROUP_CPU, NULL, "cpu.cfs_quota_us", text, err);
}

int cgroup_set_limits(struct cgroup *cgroup, const struct cgroup_limits *limits, struct error *err)
{
	const char *browser = part_names[CGROUP_BROWSER];
	char text[64];
	format_limit(text, sizeof(text), limits->pids, "max");
	int code = write_value(cgroup, CGROUP_PIDS, browser, "pids.max", text, err);
	if (code < 0) {
		return code;
	}
	format_limit(text, sizeof(text), limits->memory_bytes, is_v2(cgroup) ? "max" : "-1");
	code = write_value(cgroup, CGROUP_MEMORY, browser,
			is_v2(cgroup) ? "memory.max" : "memory.limit_in_bytes", text, err);
	return code < 0 ? code : set_cpu_limits(cgroup, limits, err);
}

/* The number after "key " at a line's start; 0 when there is none. */
static uint64_t keyed_number(const char *text, const char *key)
{
	size_t len = strlen(key);
	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, key, len) == 0 && line[len] == ' ') {
			return strtoull(line + len + 1, NULL, 10);
		}
	}
	return 0;
}

static uint64_t read_number(const struct cgroup *cgroup, enum cgroup_controller controller,
		const char *part, const char *file, const char *key)
{
	CLEANUP_FREE char *text = NULL;
	if (read_text(cgroup, controller, part, file, &text, NULL) < 0) {
		return 0;
	}
	return key ? keyed_number(text, key) : strtoull(text, NULL, 10);
}

int cgroup_read_usage(
		const struct cgroup *cgroup, struct cgroup_usage *ret_usage, struct error *err)
{
	const char *browser = part_names[CGROUP_BROWSER];
	char path[PATH_BYTES];
	group_path(path, cgroup, 0, browser, NULL);
	if (access(path, F_OK) < 0) {
		return error_set_errno(
				err, "cannot read the control group of session %s", cgroup->id);
	}
	struct cgroup_usage usage = {0};
	usage.pids = (uint32_t)read_number(cgroup, CGROUP_PIDS, browser, "pids.current", NULL);
	if (is_v2(cgroup)) {
		usage.memory_bytes =
				read_number(cgroup, CGROUP_MEMORY, browser, "memory.current", NULL);
		usage.oom_kills = read_number(
				cgroup, CGROUP_MEMORY, browser, "memory.events", "oom_kill");
		usage.cpu_usec = read_number(cgroup, CGROUP_CPU, NULL, "cpu.stat", "usage_usec");
	} else {
		usage.memory_bytes = read_number(
				cgroup, CGROUP_MEMORY, browser, "memory.usage_in_bytes", NULL);
		usage.oom_kills = read_number(
				cgroup, CGROUP_MEMORY, browser, "memory.oom_control", "oom_kill");
		usage.cpu_usec = read_number(cgroup, CGROUP_CPUACCT, NULL, "cpuacct.usage", NULL) /
				1000;
	}
	*ret_usage = usage;
	return 0;
}

static int pids_in(const struct cgroup *cgroup, size_t hierarchy, enum cgroup_part part,
		pid_t **ret_pids, size_t *ret_count, struct error *err)
{
	CLEANUP_FREE char *text = NULL;
	size_t len;
	char path[PATH_BYTES];
	group_path(path, cgroup, hierarchy, part_names[part], "cgroup.procs");
	int code = fds_read_file(AT_FDCWD, path, PROCS_BYTES_MAX, &text, &len, err);
	if (code < 0) {
		return code;
	}
	size_t count = 0;
	pid_t *pids = calloc(len / 2 + 1, sizeof(*pids)); /* a number and a newline each */
	if (!pids) {
		return error_set(err, -ENOMEM, "out of memory for a list of processes");
	}
	for (char *at = text, *end; *at; at = end + (*end == '\n')) {
		long pid = strtol(at, &end, 10);
		if (end == at) {
			break;
		}
		pids[count++] = (pid_t)pid;
	}
	*ret_pids = pids;
	*ret_count = count;
	return 0;
}

int cgroup_pids(const struct cgroup *cgroup, enum cgroup_part part, pid_t **ret_pids,
		size_t *ret_count, struct error *err)
{
	return pids_in(cgroup, 0, part, ret_pids, ret_count, err);
}

static int set_frozen(struct cgroup *cgroup, const char *part, bool frozen, struct error *err)
{
	if (is_v2(cgroup)) {
		return write_value(cgroup, CGROUP_FREEZER, part, "cgroup.freeze",
				frozen ? "1" : "0", err);
	}
	return write_value(cgroup, CGROUP_FREEZER, part, "freezer.state",
			frozen ? "FROZEN" : "THAWED", err);
}

int cgroup_freeze(struct cgroup *cgroup, struct error *err)
{
	if (cgroup->mounts.of_controller[CGROUP_FREEZER] < 0) {
		return error_set(err, -EOPNOTSUPP, "the machine has no freezer control group");
	}
	int code = set_frozen(cgroup, part_names[CGROUP_BROWSER], true, err);
	cgroup->is_frozen = code == 0;
	return code;
}

int cgroup_thaw(struct cgroup *cgroup, struct error *err)
{
	int code = set_frozen(cgroup, part_names[CGROUP_BROWSER], false, err);
	cgroup->is_frozen = cgroup->is_frozen && code < 0;
	return code;
}

bool cgroup_is_frozen(const struct cgroup *cgroup)
{
	return cgroup->is_frozen;
}

int cgroup_reclaim(struct cgroup *cgroup, uint64_t bytes, struct error *err)
{
	if (!is_v2(cgroup) || cgroup->mounts.of_controller[CGROUP_MEMORY] < 0) {
		return error_set(err, -EOPNOTSUPP, "only cgroup v2 takes memory back on request");
	}
	char text[32];
	snprintf(text, sizeof(text), "%llu", (unsigned long long)bytes);
	return write_value(cgroup, CGROUP_MEMORY, part_names[CGROUP_BROWSER], "memory.reclaim",
			text, err);
}

static void kill_all_in(const struct cgroup *cgroup, size_t hierarchy, enum cgroup_part part)
{
	CLEANUP_FREE pid_t *pids = NULL;
	size_t count = 0;
	if (pids_in(cgroup, hierarchy, part, &pids, &count, NULL) < 0) {
		return;
	}
	for (size_t i = 0; i < count; i++) {
		if (pids[i] > 1 && pids[i] != getpid()) {
			kill(pids[i], SIGKILL);
		}
	}
}

int cgroup_kill(struct cgroup *cgroup, struct error *err)
{
	cgroup->is_frozen = false;
	if (is_v2(cgroup)) {
		int code = write_value(cgroup, CGROUP_FREEZER, NULL, "cgroup.kill", "1", err);
		if (code >= 0 || code == -ENOENT) {
			return 0; /* reaches frozen processes too */
		}
	}
	/* Early, so that nothing forks out of the list while it is read. */
	for (size_t part = 0; part < ARRAY_LENGTH(part_names); part++) {
		write_value(cgroup, CGROUP_PIDS, part_names[part], "pids.max", "0", NULL);
	}
	/* Stopped, no process can end and lend its number to another; SIGKILL of v1 waits for
	 * the thaw. */
	set_frozen(cgroup, NULL, true, NULL);
	for (size_t i = 0; i < cgroup->mounts.count; i++) {
		for (size_t part = 0; part < ARRAY_LENGTH(part_names); part++) {
			kill_all_in(cgroup, i, (enum cgroup_part)part);
		}
	}
	set_frozen(cgroup, part_names[CGROUP_BROWSER], false, NULL);
	set_frozen(cgroup, part_names[CGROUP_DISPLAY], false, NULL);
	set_frozen(cgroup, NULL, false, NULL);
	return 0;
}

bool cgroup_is_empty(const struct cgroup *cgroup)
{
	for (size_t i = 0; i < cgroup->mounts.count; i++) {
		for (size_t part = 0; part < ARRAY_LENGTH(part_names); part++) {
			CLEANUP_FREE pid_t *pids = NULL;
			size_t count = 0;
			if (pids_in(cgroup, i, (enum cgroup_part)part, &pids, &count, NULL) == 0 &&
					count > 0) {
				return false;
			}
		}
	}
	return true;
}

/* Removes a group and what somebody made below it. True when it is gone. */
static bool remove_group(const char *path, int depth)
{
	if (rmdir(path) == 0 || errno == ENOENT) {
		return true;
	}
	CLEANUP_DIR DIR *dir = depth > 0 ? opendir(path) : NULL;
	if (!dir) {
		return false;
	}
	for (struct dirent *entry; (entry = readdir(dir));) {
		char child[PATH_BYTES];
		if (entry->d_type == DT_DIR && entry->d_name[0] != '.' &&
				snprintf(child, sizeof(child), "%s/%s", path, entry->d_name) <
						(int)sizeof(child)) {
			remove_group(child, depth - 1);
		}
	}
	return rmdir(path) == 0 || errno == ENOENT;
}

/* With the last session its parent goes too. */
static bool remove_below(const char *base, const char *id)
{
	char path[PATH_BYTES];
	snprintf(path, sizeof(path), "%s/%s/%s", base, CGROUP_PREFIX, id);
	bool is_gone = remove_group(path, 3);
	snprintf(path, sizeof(path), "%s/%s", base, CGROUP_PREFIX);
	rmdir(path);
	return is_gone;
}

static bool remove_everywhere(const struct cgroup *cgroup)
{
	bool is_gone = true;
	for (size_t i = 0; i < cgroup->mounts.count; i++) {
		is_gone &= remove_below(cgroup->mounts.hierarchies[i].base, cgroup->id);
	}
	for (size_t i = 0; i < cgroup->mounts.other_count; i++) {
		is_gone &= remove_below(cgroup->mounts.others[i].base, cgroup->id);
	}
	return is_gone;
}

static int64_t now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int cgroup_destroy(struct cgroup *cgroup, int timeout_ms, struct error *err)
{
	if (!cgroup) {
		return 0;
	}
	int64_t deadline = now_ns() + (int64_t)timeout_ms * 1000000;
	long pause = RETRY_FIRST_NS;
	bool is_gone = remove_everywhere(cgroup);
	while (!is_gone) {
		cgroup_kill(cgroup, NULL);
		is_gone = remove_everywhere(cgroup);
		if (is_gone || now_ns() > deadline) {
			break;
		}
		nanosleep(&(struct timespec){.tv_nsec = pause}, NULL);
		pause = pause * 2 > RETRY_LAST_NS ? RETRY_LAST_NS : pause * 2;
	}
	int code = 0;
	if (!is_gone) {
		code = error_set(err, -ETIMEDOUT,
				"processes of session %s did not die within %d ms", cgroup->id,
				timeout_ms);
	}
	cgroup_free(cgroup);
	return code;
}

static int reap_hierarchy(const char *base, const char *id_prefix, size_t *count, struct error *err)
{
	char path[PATH_BYTES];
	snprintf(path, sizeof(path), "%s/%s", base, CGROUP_PREFIX);
	CLEANUP_DIR DIR *dir = opendir(path);
	if (!dir) {
		return errno == ENOENT
				? 0
				: error_set_errno(err, "cannot list the control groups in %s",
						  path);
	}
	int result = 0;
	for (struct dirent *entry; (entry = readdir(dir));) {
		struct cgroup *cgroup;
		if (entry->d_type != DT_DIR || !id_is_valid(entry->d_name) ||
				strncmp(entry->d_name, id_prefix, strlen(id_prefix)) != 0 ||
				cgroup_open(entry->d_name, &cgroup, NULL) < 0) {
			continue;
		}
		int code = cgroup_destroy(cgroup, 5000, err);
		result = code < 0 ? code : result;
		(*count)++;
	}
	rmdir(path);
	return result;
}

int cgroup_reap(const char *id_prefix, size_t *ret_count, struct error *err)
{
	struct cgroup_mounts mounts;
	int result = cgroup_mounts_find(&mounts, err);
	size_t count = 0;
	for (size_t i = 0; result >= 0 && i < mounts.count; i++) {
		int code = reap_hierarchy(mounts.hierarchies[i].base, id_prefix, &count, err);
		result = code < 0 ? code : result;
	}
	if (ret_count) {
		*ret_count = count;
	}
	return result;
}

int cgroup_reap_all(size_t *ret_count, struct error *err)
{
	return cgroup_reap("", ret_count, err);
}
