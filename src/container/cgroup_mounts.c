#include "container/cgroup_mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fds.h"

#define TABLE_BYTES_MAX (1U << 20)

static const char *const controller_names[] = {
		[CGROUP_PIDS] = "pids",
		[CGROUP_MEMORY] = "memory",
		[CGROUP_CPU] = "cpu",
		[CGROUP_FREEZER] = "freezer",
		[CGROUP_CPUACCT] = "cpuacct",
};

static const char *forced_v2;

void cgroup_mounts_force_v2(const char *path)
{
	forced_v2 = path;
}

/* Whether a comma-separated or space-separated list holds a word. */
static bool list_has(const char *list, const char *word)
{
	size_t len = strlen(word);
	for (const char *at = list; (at = strstr(at, word)); at += len) {
		bool starts = at == list || strchr(", \n", at[-1]);
		bool ends = at[len] == '\0' || strchr(", \n", at[len]);
		if (starts && ends) {
			return true;
		}
	}
	return false;
}

struct mount_line {
	char *point;
	char *type;
	char *options; /* the file system's own */
};

/* Takes one line of mountinfo apart, in place. */
static bool parse_mount_line(char *line, struct mount_line *ret)
{
	char *tail = strstr(line, " - ");
	if (!tail) {
		return false;
	}
	*tail = '\0';
	char *save;
	char *field = strtok_r(line, " ", &save);
	for (int i = 0; field && i < 4; i++) { /* id, parent, device, root, then the mount point */
		field = strtok_r(NULL, " ", &save);
	}
	ret->point = field;
	ret->type = strtok_r(tail + 3, " ", &save);
	char *source = strtok_r(NULL, " ", &save);
	ret->options = source ? strtok_r(NULL, " ", &save) : NULL;
	return ret->point && ret->type && ret->options && strlen(ret->point) < CGROUP_BASE_BYTES;
}

static size_t add_hierarchy(struct cgroup_mounts *mounts, const char *base)
{
	for (size_t i = 0; i < mounts->count; i++) {
		if (strcmp(mounts->hierarchies[i].base, base) == 0) {
			return i;
		}
	}
	snprintf(mounts->hierarchies[mounts->count].base, CGROUP_BASE_BYTES, "%s", base);
	return mounts->count++;
}

static void take_v1(struct cgroup_mounts *mounts, const struct mount_line *line)
{
	bool is_used = false;
	for (size_t i = 0; i < ARRAY_LENGTH(controller_names); i++) {
		if (list_has(line->options, controller_names[i])) {
			if (mounts->of_controller[i] < 0) {
				mounts->of_controller[i] = (int)add_hierarchy(mounts, line->point);
			}
			is_used = true;
		}
	}
	if (!is_used && mounts->other_count < CGROUP_OTHERS_MAX) {
		snprintf(mounts->others[mounts->other_count++].base, CGROUP_BASE_BYTES, "%s",
				line->point);
	}
}

/* Our own group below a v2 mount when systemd has delegated it to us, else the mount itself. */
static void v2_base(const char *mount, char *ret_base)
{
	CLEANUP_FREE char *text = NULL;
	size_t len;
	snprintf(ret_base, CGROUP_BASE_BYTES, "%s", mount);
	if (fds_read_file(AT_FDCWD, "/proc/self/cgroup", TABLE_BYTES_MAX, &text, &len, NULL) < 0) {
		return;
	}
	char *own = strstr(text, "0::/");
	if (!own || own[4] == '\n' || own[4] == '\0') {
		return;
	}
	own += 3;
	own[strcspn(own, "\n")] = '\0';
	char *leaf = strstr(own, "/supervisor"); /* where cgroup_mounts_make_room() has put us */
	if (leaf && leaf[strlen("/supervisor")] == '\0') {
		*leaf = '\0';
	}
	char path[2 * CGROUP_BASE_BYTES];
	char value[2] = "";
	if (snprintf(path, sizeof(path), "%s%s", mount, own) >= CGROUP_BASE_BYTES) {
		return;
	}
	if (getxattr(path, "trusted.delegate", value, 1) == 1 ||
			getxattr(path, "user.delegate", value, 1) == 1) {
		memcpy(ret_base, path, strlen(path) + 1);
	}
}

static void take_v2(struct cgroup_mounts *mounts, const char *mount)
{
	char base[CGROUP_BASE_BYTES];
	char path[CGROUP_BASE_BYTES + 32];
	CLEANUP_FREE char *available = NULL;
	size_t len;
	v2_base(mount, base);
	snprintf(path, sizeof(path), "%s/cgroup.controllers", base);
	if (fds_read_file(AT_FDCWD, path, TABLE_BYTES_MAX, &available, &len, NULL) < 0) {
		return;
	}
	int index = (int)add_hierarchy(mounts, base);
	mounts->of_controller[CGROUP_FREEZER] = index; /* the core's, as is cpu.stat */
	mounts->of_controller[CGROUP_CPUACCT] = index;
	for (size_t i = CGROUP_PIDS; i <= CGROUP_CPU; i++) {
		if (list_has(available, controller_names[i])) {
			mounts->of_controller[i] = index;
		}
	}
}

struct mount_table {
	struct cgroup_mounts v1;
	char v2[CGROUP_BASE_BYTES]; /* "" when there is none */
};

static void mounts_clear(struct cgroup_mounts *mounts, enum cgroup_layout layout)
{
	*mounts = (struct cgroup_mounts){.layout = layout};
	for (size_t i = 0; i < ARRAY_LENGTH(mounts->of_controller); i++) {
		mounts->of_controller[i] = -1;
	}
}

static int read_table(struct mount_table *table, struct error *err)
{
	CLEANUP_FREE char *text = NULL;
	size_t len;
	int code = fds_read_file(
			AT_FDCWD, "/proc/self/mountinfo", TABLE_BYTES_MAX, &text, &len, err);
	if (code < 0) {
		return code;
	}
	mounts_clear(&table->v1, CGROUP_LAYOUT_V1);
	table->v2[0] = '\0';
	char *save;
	for (char *row = strtok_r(text, "\n", &save); row; row = strtok_r(NULL, "\n", &save)) {
		struct mount_line line;
		if (!parse_mount_line(row, &line)) {
			continue;
		}
		if (strcmp(line.type, "cgroup") == 0) {
			take_v1(&table->v1, &line);
		} else if (strcmp(line.type, "cgroup2") == 0 && table->v2[0] == '\0') {
			memcpy(table->v2, line.point, strlen(line.point) + 1);
		}
	}
	return 0;
}

static enum cgroup_layout table_layout(const struct mount_table *table)
{
	if (table->v1.of_controller[CGROUP_MEMORY] >= 0 ||
			table->v1.of_controller[CGROUP_PIDS] >= 0) {
		return table->v2[0] ? CGROUP_LAYOUT_HYBRID : CGROUP_LAYOUT_V1;
	}
	return table->v2[0] ? CGROUP_LAYOUT_V2 : CGROUP_LAYOUT_NONE;
}

int cgroup_mounts_find(struct cgroup_mounts *ret_mounts, struct error *err)
{
	struct mount_table table;
	int code = read_table(&table, err);
	if (code < 0) {
		return code;
	}
	if (!forced_v2 && table_layout(&table) != CGROUP_LAYOUT_V2) {
		*ret_mounts = table.v1;
		if (table.v1.count == 0) {
			return error_set(err, -EOPNOTSUPP,
					"no control groups are mounted: mount cgroup2 "
					"on /sys/fs/cgroup, so that sessions can be limited and "
					"ended");
		}
		return 0;
	}
	mounts_clear(ret_mounts, CGROUP_LAYOUT_V2);
	take_v2(ret_mounts, forced_v2 ? forced_v2 : table.v2);
	if (ret_mounts->count == 0) {
		return error_set(err, -EOPNOTSUPP, "the control groups in %s cannot be read",
				forced_v2 ? forced_v2 : table.v2);
	}
	return 0;
}

void cgroup_mounts_make_room(const char *base)
{
	char path[CGROUP_BASE_BYTES + 32];
	snprintf(path, sizeof(path), "%s/cgroup.type", base);
	if (access(path, F_OK) < 0) {
		return; /* the real root has no type, and may hold both */
	}
	snprintf(path, sizeof(path), "%s/cgroup.procs", base);
	CLEANUP_FREE char *pids = NULL;
	size_t len;
	if (fds_read_file(AT_FDCWD, path, TABLE_BYTES_MAX, &pids, &len, NULL) < 0 || len == 0) {
		return;
	}
	snprintf(path, sizeof(path), "%s/supervisor", base);
	if (mkdir(path, 0755) < 0 && errno != EEXIST) {
		return;
	}
	snprintf(path, sizeof(path), "%s/supervisor/cgroup.procs", base);
	char *save;
	for (char *pid = strtok_r(pids, "\n", &save); pid; pid = strtok_r(NULL, "\n", &save)) {
		fds_write_kernel_file(AT_FDCWD, path, pid, NULL);
	}
}

enum cgroup_layout cgroup_layout(void)
{
	struct mount_table table;
	return read_table(&table, NULL) < 0 ? CGROUP_LAYOUT_NONE : table_layout(&table);
}

const char *cgroup_layout_name(enum cgroup_layout layout)
{
	switch (layout) {
	case CGROUP_LAYOUT_NONE:
		return "none";
	case CGROUP_LAYOUT_V1:
		return "v1";
	case CGROUP_LAYOUT_HYBRID:
		return "hybrid (v1 controllers)";
	case CGROUP_LAYOUT_V2:
		return "v2";
	}
	return "unknown";
}

int cgroup_missing_controllers(char *ret_names, size_t size, struct error *err)
{
	struct cgroup_mounts mounts;
	int code = cgroup_mounts_find(&mounts, err);
	if (code < 0) {
		return code;
	}
	size_t used = 0;
	ret_names[0] = '\0';
	for (size_t i = 0; i < ARRAY_LENGTH(controller_names); i++) {
		if (mounts.of_controller[i] < 0 && used < size) {
			used += (size_t)snprintf(ret_names + used, size - used, "%s%s",
					used ? " " : "", controller_names[i]);
		}
	}
	return 0;
}

int cgroup_prepare_mount_namespace(struct error *err)
{
	struct mount_table table;
	int code = read_table(&table, err);
	if (code < 0 || table_layout(&table) != CGROUP_LAYOUT_HYBRID) {
		return code;
	}
	if (unshare(CLONE_NEWNS) < 0) {
		return error_set_errno(err, "cannot make a mount namespace");
	}
	/* Ours receives the machine's later mounts and sends none back. */
	if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0) {
		return error_set_errno(err, "cannot make the mount namespace private");
	}
	if (umount2(table.v2, MNT_DETACH) < 0) {
		return error_set_errno(err, "cannot hide %s from the container runtime", table.v2);
	}
	return 0;
}
