/*
 * A session's browser in its container: an OCI bundle made in memory, started by an OCI runtime
 * with exactly the declared descriptors, limited and killed through its cgroup.
 *
 * Life: container_start() forks the runtime and returns at once; when container_runtime_pidfd()
 * turns readable, container_finish_start() says whether the browser runs. container_pidfd()
 * turns readable when the browser and everything in its pid namespace are gone.
 * container_destroy() is right in every state.
 *
 *   node ── container_start ──▶ crun run --detach ──▶ chromium (pid 1, uid_base + 1000)
 *        fds: 3 ◀ CDP commands, 4 ▶ CDP answers, 5 ◀▶ Wayland; 0–2 /dev/null or log_fd
 */
#ifndef SAFEWEB_CONTAINER_CONTAINER_H
#define SAFEWEB_CONTAINER_CONTAINER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "container/cgroup.h"

#define CONTAINER_UID_COUNT 65536 /* host ids from uid_base on that belong to one session */
#define CONTAINER_UID 1000 /* inside; on the host uid_base + 1000 */
#define CONTAINER_ID_BYTES_MAX 64 /* [a-z0-9-], as it becomes a cgroup and a directory */

struct container_limits {
	uint64_t memory_bytes; /* browser and its tmpfs files; over it the kernel kills there */
	uint32_t pids; /* processes and threads; a quiet Chromium has about 75 */
	uint32_t cpu_percent; /* of one core, 200 = two cores; 0 = no ceiling */
	uint32_t cpu_weight; /* 1–10000, 100 is everybody's share */
	uint64_t home_bytes; /* tmpfs for the profile */
	uint64_t tmp_bytes; /* tmpfs for /tmp */
	uint64_t shm_bytes; /* tmpfs for /dev/shm: renderer bitmaps go through it */
};

/* Values that suit one ordinary reader; change what you like. */
void container_limits_default(struct container_limits *limits);

struct container_spec {
	const char *id; /* unique on this machine */
	const char *rootfs; /* the image's directory, from image_current() */
	const char *runtime; /* OCI runtime: a path or a name in PATH; NULL: "crun" */
	const char *state_dir; /* on a tmpfs; <state_dir>/<id> is made */
	uid_t uid_base; /* first host id of its range, a multiple of 65536, not 0 */
	int netns_fd; /* stays the caller's, open until container_finish_start() */
	int wayland_fd; /* browser's end of the compositor's socket; stays the caller's */
	int cdp_in_fd; /* read end: CDP commands; stays the caller's */
	int cdp_out_fd; /* write end: CDP answers; stays the caller's */
	int log_fd; /* standard output and error of the browser; -1: /dev/null */
	uint32_t window_width; /* logical pixels at first; the compositor configures later sizes */
	uint32_t window_height;
	uint16_t proxy_port; /* the egress proxy's port on the namespace's 127.0.0.1 */
	const char *extra_ca_pem; /* file with further trusted certificates; NULL: none */
	struct container_limits limits;
};

struct container;

/* Checks the machine once for containers and prepares this process: on a "hybrid" cgroup layout
 * leaves the mount namespace for one of its own without the v2 mount. Call at program start,
 * before threads. See cgroup_prepare_mount_namespace(). */
int container_prepare(struct error *err);

/* Makes cgroup and bundle and forks the runtime. Returns before the browser runs. On failure
 * nothing is left. -EEXIST when the id is taken, -EINVAL with the field's name. */
int container_start(const struct container_spec *spec, struct container **ret_container,
		struct error *err);

/* Readable once the runtime has done its work (about 30 ms); then call container_finish_start(). */
int container_runtime_pidfd(const struct container *container);

/* 0 when the browser runs; otherwise the runtime's own sentence is in err. Waits up to
 * timeout_ms when called early; -ETIMEDOUT. On failure call container_destroy(). */
int container_finish_start(struct container *container, int timeout_ms, struct error *err);

/* The session's cgroup, for adding the compositor and encoder (CGROUP_DISPLAY), freezing, usage. */
struct cgroup *container_cgroup(struct container *container);

/* Browser process as the host sees it, 0 before it runs. */
pid_t container_pid(const struct container *container);

/* Readable when the browser and all it started are gone. -1 before it runs. */
int container_pidfd(const struct container *container);

/* All processes of the browser now; *ret_pids is the caller's to free(). */
int container_pids(const struct container *container, pid_t **ret_pids, size_t *ret_count,
		struct error *err);

/* Memory the browser's cgroup is charged for. */
int container_memory_bytes(
		const struct container *container, uint64_t *ret_bytes, struct error *err);

/* Looks from outside at every process: own uid range, no capabilities, no-new-privileges,
 * filters; each renderer in user, pid and net namespaces of its own under at least two filters;
 * no forbidden argument. At least one renderer has to be there. -EPERM with what is wrong. */
int container_verify_sandbox(const struct container *container, struct error *err);

/* Kills everything in the session's cgroup, display processes too. Does not wait; works when
 * frozen. */
int container_kill(struct container *container, struct error *err);

/* Kills, waits (at most 5 s; milliseconds once container_pidfd() is readable), removes cgroup
 * and bundle and frees. Takes NULL and half-started containers. Display processes in the cgroup
 * die too. */
void container_destroy(struct container *container);

/* Ends and removes every session under the prefix and state directory, as a node does when it
 * starts: whatever a dead one left. container_reap keeps to the sessions whose id begins with
 * id_prefix, for several nodes on one machine. */
int container_reap(const char *state_dir, const char *id_prefix, struct error *err);
int container_reap_all(const char *state_dir, struct error *err);

#endif
