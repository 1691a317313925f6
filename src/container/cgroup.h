/*
 * One session's control group, on cgroup v2, v1, and v1 with a v2 mount beside it ("hybrid").
 *
 *   safeweb/<id>            cpu share and ceiling, freezer
 *   safeweb/<id>/browser    memory and pids limits: the kernel kills here and not in the display
 *   safeweb/<id>/display    compositor and encoder
 *
 * On v2 that is one tree; on v1 the same in each of the hierarchies pids, memory, cpu, freezer.
 */
#ifndef SAFEWEB_CONTAINER_CGROUP_H
#define SAFEWEB_CONTAINER_CGROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

/* Below the mount, or below our own group when that is delegated. */
#define CGROUP_PREFIX "safeweb"
#define CGROUP_PROCS_MAX 8 /* hierarchies a process enters, at most, and a closing NULL */

enum cgroup_layout {
	CGROUP_LAYOUT_NONE, /* no controller can be used: limits are not enforced */
	CGROUP_LAYOUT_V1,
	CGROUP_LAYOUT_HYBRID,
	CGROUP_LAYOUT_V2,
};

enum cgroup_part { CGROUP_BROWSER, CGROUP_DISPLAY };

struct cgroup_limits {
	uint64_t memory_bytes; /* 0: none */
	uint32_t pids; /* 0: none */
	uint32_t cpu_percent; /* of one core; 0: none */
	uint32_t cpu_weight; /* 1–10000; 0: leave at 100 */
};

struct cgroup_usage {
	uint64_t memory_bytes;
	uint64_t cpu_usec;
	uint32_t pids;
	uint64_t oom_kills;
};

struct cgroup;

enum cgroup_layout cgroup_layout(void);

/* "v2", "hybrid (v1 controllers)", …; for doctor. */
const char *cgroup_layout_name(enum cgroup_layout layout);

/* Names the controllers among pids, memory, cpu, freezer that cannot be used, for doctor: ""
 * when all can. */
int cgroup_missing_controllers(char *ret_names, size_t size, struct error *err);

/* On a hybrid layout OCI runtimes mistake the v2 mount for the real one: enters a private mount
 * namespace without it. Nothing to do elsewhere. */
int cgroup_prepare_mount_namespace(struct error *err);

/* Makes the session's groups. -EEXIST when the id is taken; nothing is left on failure. */
int cgroup_create(const char *id, const struct cgroup_limits *limits, struct cgroup **ret_cgroup,
		struct error *err);

/* The cgroup.procs files a process has to be written to, NULL-terminated; they live as long as
 * the group. For spawn_options.cgroup_procs, so that a child is inside before it runs. */
const char *const *cgroup_procs_paths(const struct cgroup *cgroup, enum cgroup_part part);

int cgroup_add(struct cgroup *cgroup, enum cgroup_part part, pid_t pid, struct error *err);
int cgroup_set_limits(struct cgroup *cgroup, const struct cgroup_limits *limits, struct error *err);
int cgroup_read_usage(
		const struct cgroup *cgroup, struct cgroup_usage *ret_usage, struct error *err);
int cgroup_pids(const struct cgroup *cgroup, enum cgroup_part part, pid_t **ret_pids,
		size_t *ret_count, struct error *err);

/* Stops and continues every process of the browser part. Freezing returns when asked for, not
 * when done. */
int cgroup_freeze(struct cgroup *cgroup, struct error *err);
int cgroup_thaw(struct cgroup *cgroup, struct error *err);
bool cgroup_is_frozen(const struct cgroup *cgroup);

/* Asks the kernel to take back up to so many bytes (v2 memory.reclaim). -EOPNOTSUPP on v1. */
int cgroup_reclaim(struct cgroup *cgroup, uint64_t bytes, struct error *err);

/* Kills everything, thawing where that is needed. Does not wait. */
int cgroup_kill(struct cgroup *cgroup, struct error *err);

bool cgroup_is_empty(const struct cgroup *cgroup);

/* Kills, waits up to timeout_ms until all are gone, removes the groups and frees, whatever
 * happened. -ETIMEDOUT when something would not die: the groups then stay behind. */
int cgroup_destroy(struct cgroup *cgroup, int timeout_ms, struct error *err);

/* Destroys every session's group whose id begins so: several nodes share a machine, and each
 * removes its own. *ret_count, when not NULL, is how many there were. */
int cgroup_reap(const char *id_prefix, size_t *ret_count, struct error *err);

/* Destroys every group under our prefix. *ret_count, when not NULL, is how many there were. */
int cgroup_reap_all(size_t *ret_count, struct error *err);

#endif
