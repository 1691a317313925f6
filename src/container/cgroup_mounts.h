/* Where the control group controllers are on this machine. */
#ifndef SAFEWEB_CONTAINER_CGROUP_MOUNTS_H
#define SAFEWEB_CONTAINER_CGROUP_MOUNTS_H

#include "base/error.h"
#include "container/cgroup.h"

#define CGROUP_BASE_BYTES 256

enum cgroup_controller {
	CGROUP_PIDS,
	CGROUP_MEMORY,
	CGROUP_CPU,
	CGROUP_FREEZER,
	CGROUP_CPUACCT,
};
#define CGROUP_CONTROLLERS 5
#define CGROUP_OTHERS_MAX 12 /* v1 hierarchies that we do not use */

struct cgroup_hierarchy {
	char base[CGROUP_BASE_BYTES]; /* the group that ours are made in */
};

struct cgroup_mounts {
	enum cgroup_layout layout; /* which controllers are used: HYBRID never appears here */
	struct cgroup_hierarchy hierarchies[CGROUP_CONTROLLERS];
	size_t count;
	int of_controller[CGROUP_CONTROLLERS]; /* index into hierarchies, -1 when missing */
	/* Some runtimes make groups of the same name in these as well, and leave them. */
	struct cgroup_hierarchy others[CGROUP_OTHERS_MAX];
	size_t other_count;
};

/* Reads the mount table anew each time: it is short, and a daemon may have changed its
 * namespace. */
int cgroup_mounts_find(struct cgroup_mounts *ret_mounts, struct error *err);

/* v2 allows no processes beside child groups (except in the real root): moves those in base, us
 * among them, into base/supervisor. Only for a group that is ours: the root of a container, or a
 * delegated unit. */
void cgroup_mounts_make_room(const char *base);

/* For tests: use the cgroup2 mount at path, whatever else there is; NULL: look for oneself
 * again. */
void cgroup_mounts_force_v2(const char *path);

#endif
