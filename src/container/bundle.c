#include "container/bundle.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fds.h"
#include "container/chromium.h"
#include "container/image.h"
#include "container/seccomp.h"

#define PEM_BYTES_MAX (1U << 20)
#define FILES_PER_TMPFS 16384 /* inodes: kernel memory that the size limit does not count */
#define OPEN_FILES_MAX 8192 /* what Chromium raises itself to */
#define OOM_SCORE_ADJUST 300 /* sessions go before the machine's services */

static const char *const masked_paths[] = {
		"/proc/acpi",
		"/proc/asound",
		"/proc/bootconfig",
		"/proc/buddyinfo",
		"/proc/cgroups",
		"/proc/cmdline",
		"/proc/config.gz",
		"/proc/consoles",
		"/proc/crypto",
		"/proc/devices",
		"/proc/diskstats",
		"/proc/dma",
		"/proc/driver",
		"/proc/execdomains",
		"/proc/fb",
		"/proc/interrupts",
		"/proc/iomem",
		"/proc/ioports",
		"/proc/kallsyms",
		"/proc/kcore",
		"/proc/key-users",
		"/proc/keys",
		"/proc/kmsg",
		"/proc/kpagecgroup",
		"/proc/kpagecount",
		"/proc/kpageflags",
		"/proc/latency_stats",
		"/proc/locks",
		"/proc/mdstat",
		"/proc/misc",
		"/proc/modules",
		"/proc/mtrr",
		"/proc/pagetypeinfo",
		"/proc/partitions",
		"/proc/pressure",
		"/proc/sched_debug",
		"/proc/schedstat",
		"/proc/scsi",
		"/proc/slabinfo",
		"/proc/softirqs",
		"/proc/swaps",
		"/proc/sysvipc",
		"/proc/timer_list",
		"/proc/timer_stats",
		"/proc/tty",
		"/proc/vmallocinfo",
		"/proc/vmstat",
		"/proc/zoneinfo",
};

static const char *const read_only_paths[] = {
		"/proc/bus",
		"/proc/fs",
		"/proc/irq",
		"/proc/sys",
		"/proc/sysrq-trigger",
};

int bundle_path(char path[BUNDLE_PATH_BYTES], const char *state_dir, const char *id,
		const char *file, struct error *err)
{
	int len = snprintf(path, BUNDLE_PATH_BYTES, "%s/%s%s%s", state_dir, id, file ? "/" : "",
			file ? file : "");
	if (len < 0 || len >= BUNDLE_PATH_BYTES) {
		return error_set(err, -ENAMETOOLONG, "the state directory's path %s is too long",
				state_dir);
	}
	return 0;
}

static json_t *strings(const char *const *list, size_t count)
{
	json_t *array = json_array();
	for (size_t i = 0; i < count; i++) {
		json_array_append_new(array, json_string(list[i]));
	}
	return array;
}

/* A file system in memory. mode also says whose: 0700 is the user's, 01777 everybody's. */
static json_t *memory_mount(const char *where, uint64_t bytes, const char *mode)
{
	json_t *options = json_pack("[s, s, s, o, o, o]", "nosuid", "nodev", "noexec",
			json_sprintf("size=%llu", (unsigned long long)bytes),
			json_sprintf("nr_inodes=%d", FILES_PER_TMPFS),
			json_sprintf("mode=%s", mode));
	json_array_append_new(options, json_sprintf("uid=%d", CONTAINER_UID));
	json_array_append_new(options, json_sprintf("gid=%d", CONTAINER_UID));
	return json_pack("{s:s, s:s, s:s, s:o}", "destination", where, "type", "tmpfs", "source",
			"tmpfs", "options", options);
}

static json_t *mounts(const struct container_spec *spec, const char *ca_policy)
{
	const struct container_limits *limits = &spec->limits;
	json_t *array = json_array();
	json_array_append_new(array,
			json_pack("{s:s, s:s, s:s, s:[s, s, s]}", "destination", "/proc", "type",
					"proc", "source", "proc", "options", "nosuid", "nodev",
					"noexec"));
	json_array_append_new(array,
			json_pack("{s:s, s:s, s:s, s:[s, s, s, s]}", "destination", "/dev", "type",
					"tmpfs", "source", "tmpfs", "options", "nosuid", "noexec",
					"mode=0755", "size=65536"));
	json_array_append_new(array, memory_mount("/dev/shm", limits->shm_bytes, "1777"));
	json_array_append_new(array, memory_mount("/tmp", limits->tmp_bytes, "1777"));
	json_array_append_new(array, memory_mount(CHROMIUM_HOME, limits->home_bytes, "0700"));
	if (ca_policy) {
		json_array_append_new(array,
				json_pack("{s:s, s:s, s:s, s:[s, s, s, s, s]}", "destination",
						IMAGE_CA_POLICY, "type", "bind", "source",
						ca_policy, "options", "bind", "ro", "nosuid",
						"nodev", "noexec"));
	}
	return array;
}

static json_t *process(const struct container_spec *spec)
{
	json_t *limits = json_pack("[{s:s, s:i, s:i}, {s:s, s:i, s:i}]", "type", "RLIMIT_NOFILE",
			"soft", OPEN_FILES_MAX, "hard", OPEN_FILES_MAX, "type", "RLIMIT_CORE",
			"soft", 0, "hard", 0);
	json_t *none = json_pack("{s:[], s:[], s:[], s:[], s:[]}", "bounding", "effective",
			"inheritable", "permitted", "ambient");
	return json_pack("{s:b, s:{s:i, s:i}, s:s, s:o, s:o, s:o, s:b, s:o, s:i}", "terminal", 0,
			"user", "uid", CONTAINER_UID, "gid", CONTAINER_UID, "cwd", CHROMIUM_HOME,
			"args",
			chromium_arguments(
					spec->proxy_port, spec->window_width, spec->window_height),
			"env", chromium_environment(), "capabilities", none, "noNewPrivileges", 1,
			"rlimits", limits, "oomScoreAdj", OOM_SCORE_ADJUST);
}

static json_t *namespaces(const struct container_spec *spec)
{
	/* Through our own descriptor, as the runtime gets none of it. */
	json_t *network = json_sprintf("/proc/%d/fd/%d", (int)getpid(), spec->netns_fd);
	return json_pack("[{s:s}, {s:s}, {s:s}, {s:s}, {s:s}, {s:s}, {s:s, s:o}]", "type", "user",
			"type", "pid", "type", "mount", "type", "ipc", "type", "uts", "type",
			"cgroup", "type", "network", "path", network);
}

static json_t *id_mapping(const struct container_spec *spec)
{
	return json_pack("[{s:i, s:I, s:i}]", "containerID", 0, "hostID",
			(json_int_t)spec->uid_base, "size", CONTAINER_UID_COUNT);
}

json_t *bundle_config(const struct container_spec *spec, const char *ca_policy)
{
	json_t *linux_part = json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "namespaces",
			namespaces(spec), "uidMappings", id_mapping(spec), "gidMappings",
			id_mapping(spec), "seccomp", seccomp_profile(), "maskedPaths",
			strings(masked_paths, ARRAY_LENGTH(masked_paths)), "readonlyPaths",
			strings(read_only_paths, ARRAY_LENGTH(read_only_paths)), "cgroupsPath",
			json_sprintf("/" CGROUP_PREFIX "/%s/browser", spec->id));
	return json_pack("{s:s, s:s, s:{s:s, s:b}, s:o, s:o, s:o}", "ociVersion", "1.0.2",
			"hostname", "safeweb", "root", "path", spec->rootfs, "readonly", 1,
			"process", process(spec), "mounts", mounts(spec, ca_policy), "linux",
			linux_part);
}

int bundle_ca_policy(const char *pem, json_t **ret_policy, struct error *err)
{
	static const char begin[] = "-----BEGIN CERTIFICATE-----";
	static const char end[] = "-----END CERTIFICATE-----";
	json_t *certificates = json_array();
	for (const char *at = pem; (at = strstr(at, begin));) {
		at += strlen(begin);
		const char *stop = strstr(at, end);
		if (!stop) {
			break;
		}
		CLEANUP_FREE char *base64 = calloc(1, (size_t)(stop - at) + 1);
		for (size_t used = 0; base64 && at < stop; at++) {
			if (!strchr(" \r\n\t", *at)) {
				base64[used++] = *at;
			}
		}
		json_array_append_new(certificates, json_string(base64 ? base64 : ""));
	}
	if (json_array_size(certificates) == 0) {
		json_decref(certificates);
		return error_set(err, -EINVAL,
				"the file with extra certificates holds none in PEM form");
	}
	*ret_policy = json_pack("{s:o}", "CACertificates", certificates);
	return *ret_policy ? 0 : error_set(err, -ENOMEM, "out of memory for certificates");
}

static int write_json(const char *path, json_t *json, struct error *err)
{
	CLEANUP_FREE char *text = json ? json_dumps(json, JSON_INDENT(1)) : NULL;
	if (!text) {
		return error_set(err, -ENOMEM, "out of memory for %s", path);
	}
	CLEANUP_CLOSE int fd =
			open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
	size_t len = strlen(text);
	if (fd < 0 || write(fd, text, len) != (ssize_t)len) {
		return error_set_errno(err, "cannot write %s", path);
	}
	return 0;
}

static int write_ca_policy(const struct container_spec *spec, const char *path, struct error *err)
{
	CLEANUP_FREE char *pem = NULL;
	size_t len;
	json_t *policy = NULL;
	int code = fds_read_file(AT_FDCWD, spec->extra_ca_pem, PEM_BYTES_MAX, &pem, &len, err);
	if (code == 0) {
		code = bundle_ca_policy(pem, &policy, err);
	}
	if (code == 0) {
		code = write_json(path, policy, err);
	}
	json_decref(policy);
	return code;
}

static int write_files(const struct container_spec *spec, struct error *err)
{
	char ca_path[BUNDLE_PATH_BYTES];
	char config_path[BUNDLE_PATH_BYTES];
	int code = bundle_path(ca_path, spec->state_dir, spec->id, "ca-policy.json", err);
	if (code == 0) {
		code = bundle_path(config_path, spec->state_dir, spec->id, "config.json", err);
	}
	if (code == 0 && spec->extra_ca_pem) {
		code = write_ca_policy(spec, ca_path, err);
	}
	if (code < 0) {
		return code;
	}
	json_t *config = bundle_config(spec, spec->extra_ca_pem ? ca_path : NULL);
	code = write_json(config_path, config, err);
	json_decref(config);
	return code;
}

int bundle_create(const struct container_spec *spec, struct error *err)
{
	char path[BUNDLE_PATH_BYTES];
	int code = bundle_path(path, spec->state_dir, spec->id, NULL, err);
	if (code == 0) {
		code = fds_make_directories(spec->state_dir, 0711, err);
	}
	if (code < 0) {
		return code;
	}
	/* 0711: the runtime looks up what is mounted from here as the session's own root user. */
	if (mkdir(path, 0711) < 0) {
		return error_set_errno(err, "cannot make the session's directory %s", path);
	}
	chmod(path, 0711);
	code = write_files(spec, err);
	if (code < 0) {
		bundle_remove(spec->state_dir, spec->id);
	}
	return code;
}

void bundle_remove(const char *state_dir, const char *id)
{
	char path[BUNDLE_PATH_BYTES];
	if (bundle_path(path, state_dir, id, NULL, NULL) == 0) {
		fds_remove_tree(path, NULL);
	}
}
