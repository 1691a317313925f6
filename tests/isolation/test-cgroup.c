/* Control groups of the kernel we run on: the layout it has, and v2's files wherever a v2 mount
 * can be had. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "container/cgroup.h"
#include "container/cgroup_mounts.h"
#include "harness/test.h"

static struct error err;

static void must(int code)
{
	if (code < 0) {
		test_fail(__FILE__, __LINE__, "%s", err.text);
	}
}

static void need_root(void)
{
	if (geteuid() != 0) {
		test_skip("control groups need root");
	}
}

static pid_t start_sleeper(struct cgroup *cgroup, enum cgroup_part part)
{
	pid_t pid = fork();
	if (pid == 0) {
		for (;;) {
			pause();
		}
	}
	must(cgroup_add(cgroup, part, pid, &err));
	return pid;
}

/* Created, filled, frozen, killed, gone. */
static void run_life(const char *id)
{
	const struct cgroup_limits limits = {
			.memory_bytes = 64 << 20, .pids = 20, .cpu_percent = 50, .cpu_weight = 200};
	struct cgroup *cgroup;
	struct cgroup *again;
	pid_t *pids;
	size_t count;
	must(cgroup_create(id, &limits, &cgroup, &err));
	CHECK_INT(cgroup_create(id, &limits, &again, &err), -EEXIST);
	CHECK(cgroup_is_empty(cgroup));
	pid_t browser = start_sleeper(cgroup, CGROUP_BROWSER);
	pid_t display = start_sleeper(cgroup, CGROUP_DISPLAY);
	must(cgroup_pids(cgroup, CGROUP_BROWSER, &pids, &count, &err));
	CHECK_INT(count, 1);
	CHECK_INT(pids[0], browser);
	free(pids);
	must(cgroup_freeze(cgroup, &err));
	CHECK(cgroup_is_frozen(cgroup));
	must(cgroup_thaw(cgroup, &err));
	CHECK(!cgroup_is_frozen(cgroup));
	must(cgroup_freeze(cgroup, &err));
	must(cgroup_kill(cgroup, &err));
	int status;
	CHECK_INT(waitpid(browser, &status, 0), browser);
	CHECK_INT(WTERMSIG(status), SIGKILL);
	CHECK_INT(waitpid(display, &status, 0), display);
	struct cgroup_usage usage;
	must(cgroup_read_usage(cgroup, &usage, &err));
	CHECK_INT(usage.pids, 0);
	must(cgroup_destroy(cgroup, 2000, &err));
}

TEST(own_layout_works)
{
	need_root();
	char missing[64];
	CHECK(cgroup_layout() != CGROUP_LAYOUT_NONE);
	must(cgroup_missing_controllers(missing, sizeof(missing), &err));
	CHECK_TEXT(missing, "");
	run_life("test-own");
}

TEST(v2_files_work)
{
	need_root();
	char folder[] = "/run/safeweb-test-cgroup-XXXXXX";
	CHECK(mkdtemp(folder) != NULL);
	CHECK_INT(mount("cgroup2", folder, "cgroup2", 0, NULL), 0);
	cgroup_mounts_force_v2(folder);
	run_life("test-v2");
	CHECK_INT(umount2(folder, MNT_DETACH), 0);
	CHECK_INT(rmdir(folder), 0);
}

TEST(reaping_keeps_to_its_ids)
{
	need_root();
	const struct cgroup_limits limits = {.pids = 10};
	struct cgroup *mine;
	struct cgroup *other;
	size_t count;
	must(cgroup_create("test-mine-1", &limits, &mine, &err));
	must(cgroup_create("test-other-1", &limits, &other, &err));
	pid_t sleeper = start_sleeper(mine, CGROUP_BROWSER);
	must(cgroup_reap("test-mine-", &count, &err));
	CHECK_INT(count, 1);
	CHECK_INT(waitpid(sleeper, NULL, 0), sleeper);
	CHECK_INT(cgroup_create("test-other-1", &limits, &mine, &err), -EEXIST);
	must(cgroup_destroy(other, 1000, &err));
}

TEST(bad_ids_are_refused)
{
	static const char *const ids[] = {"", "..", "a/b", "A", "-a", "a b"};
	const struct cgroup_limits limits = {0};
	struct cgroup *cgroup;
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		CHECK_INT(cgroup_create(ids[i], &limits, &cgroup, &err), -EINVAL);
	}
}
