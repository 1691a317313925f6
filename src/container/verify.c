#include "container/verify.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fds.h"
#include "container/chromium.h"

#define STATUS_BYTES_MAX (64U << 10)
#define COMMAND_BYTES_MAX (64U << 10)
#define TYPE_BYTES 64
#define ATTEMPTS 25
#define ATTEMPT_PAUSE_NS 20000000L
#define RENDERER_FILTERS_MIN 2 /* the container's and Chromium's own */

struct sandbox_status {
	unsigned long uid;
	unsigned long long effective;
	unsigned long no_new_privileges;
	unsigned long seccomp_mode;
	unsigned long filters;
};

/* The number after "key:" at a line's start; fails closed with -1. */
static unsigned long long status_number(const char *text, const char *key, int base)
{
	char pattern[48];
	snprintf(pattern, sizeof(pattern), "\n%s:", key);
	const char *found = strstr(text, pattern);
	return found ? strtoull(found + strlen(pattern), NULL, base) : (unsigned long long)-1;
}

static int read_status(pid_t pid, struct sandbox_status *ret)
{
	char path[48];
	CLEANUP_FREE char *text = NULL;
	size_t len;
	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	int code = fds_read_file(AT_FDCWD, path, STATUS_BYTES_MAX, &text, &len, NULL);
	if (code < 0) {
		return code;
	}
	if (strstr(text, "\nState:\tZ") || strstr(text, "\nState:\tX")) {
		return -ESRCH;
	}
	ret->uid = status_number(text, "Uid", 10);
	ret->effective = status_number(text, "CapEff", 16);
	ret->no_new_privileges = status_number(text, "NoNewPrivs", 10);
	ret->seccomp_mode = status_number(text, "Seccomp", 10);
	ret->filters = status_number(text, "Seccomp_filters", 10);
	return 0;
}

static bool shares_namespace(pid_t a, pid_t b, const char *kind)
{
	char path[64];
	char link_a[64];
	char link_b[64];
	snprintf(path, sizeof(path), "/proc/%d/ns/%s", a, kind);
	ssize_t len_a = readlink(path, link_a, sizeof(link_a));
	snprintf(path, sizeof(path), "/proc/%d/ns/%s", b, kind);
	ssize_t len_b = readlink(path, link_b, sizeof(link_b));
	return len_a < 0 || len_b < 0 ||
			(len_a == len_b && memcmp(link_a, link_b, (size_t)len_a) == 0);
}

/* Walks the arguments. Chromium's children have theirs in one string, joined by spaces. */
static int check_arguments(char *command, size_t len, char type[TYPE_BYTES], struct error *err)
{
	for (size_t i = 0; i < len; i++) {
		command[i] = command[i] == '\0' ? ' ' : command[i];
	}
	const char *found = strstr(command, " --type=");
	snprintf(type, TYPE_BYTES, "%s", found ? found + strlen(" --type=") : "");
	type[strcspn(type, " ")] = '\0';
	char *save;
	for (char *word = strtok_r(command, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		if (chromium_argument_is_forbidden(word, type)) {
			return error_set(err, -EPERM, "a browser process runs with %s", word);
		}
	}
	return 0;
}

static int check_renderer(
		pid_t pid, pid_t init, const struct sandbox_status *status, struct error *err)
{
	static const char *const kinds[] = {"user", "pid", "net"};
	if (status->filters < RENDERER_FILTERS_MIN) {
		return error_set(err, -EPERM,
				"renderer %d has %lu system call filters instead of %d", pid,
				status->filters, RENDERER_FILTERS_MIN);
	}
	for (size_t i = 0; i < ARRAY_LENGTH(kinds); i++) {
		if (shares_namespace(pid, init, kinds[i])) {
			return error_set(err, -EPERM, "renderer %d has no %s namespace of its own",
					pid, kinds[i]);
		}
	}
	return 0;
}

static int check_process(const struct verify_subject *subject, pid_t pid,
		const struct sandbox_status *status, struct error *err)
{
	if (status->uid < subject->uid_base ||
			status->uid - subject->uid_base >= subject->uid_count) {
		return error_set(err, -EPERM, "process %d runs as host user %lu, outside its range",
				pid, status->uid);
	}
	/* In a user namespace of its own a starting sandbox holds some, over nothing but itself. */
	if (status->effective != 0 && shares_namespace(pid, subject->init, "user")) {
		return error_set(err, -EPERM, "process %d holds capabilities %llx", pid,
				status->effective);
	}
	if (status->no_new_privileges != 1 || status->seccomp_mode != 2 || status->filters < 1) {
		return error_set(err, -EPERM,
				"process %d lacks no-new-privileges or a system call filter", pid);
	}
	return 0;
}

/* Returns 1 for a sound renderer, 0 for another sound process or one that is gone. */
static int verify_process(const struct verify_subject *subject, pid_t pid, struct error *err)
{
	struct sandbox_status status;
	char path[48];
	CLEANUP_FREE char *command = NULL;
	size_t len;
	snprintf(path, sizeof(path), "/proc/%d/cmdline", pid);
	if (fds_read_file(AT_FDCWD, path, COMMAND_BYTES_MAX, &command, &len, NULL) < 0 ||
			read_status(pid, &status) < 0) {
		return 0;
	}
	char type[TYPE_BYTES];
	int code = check_process(subject, pid, &status, err);
	if (code == 0) {
		code = check_arguments(command, len, type, err);
	}
	if (code == 0 && strcmp(type, "renderer") == 0) {
		code = check_renderer(pid, subject->init, &status, err);
		struct sandbox_status again;
		if (code < 0 && read_status(pid, &again) < 0) {
			return 0; /* it ended while we looked */
		}
		return code < 0 ? code : 1;
	}
	return code;
}

static int verify_once(const struct verify_subject *subject, struct error *err)
{
	CLEANUP_FREE pid_t *pids = NULL;
	size_t count;
	size_t renderers = 0;
	int code = cgroup_pids(subject->cgroup, CGROUP_BROWSER, &pids, &count, err);
	for (size_t i = 0; code >= 0 && i < count; i++) {
		code = verify_process(subject, pids[i], err);
		renderers += code == 1;
	}
	if (code >= 0 && renderers == 0) {
		code = error_set(err, -EPERM, "the browser has no sandboxed renderer");
	}
	return code < 0 ? code : 0;
}

int verify_sandbox(const struct verify_subject *subject, struct error *err)
{
	int code = verify_once(subject, err);
	for (int i = 1; code == -EPERM && i < ATTEMPTS; i++) {
		nanosleep(&(struct timespec){.tv_nsec = ATTEMPT_PAUSE_NS}, NULL);
		code = verify_once(subject, err);
	}
	return code;
}
