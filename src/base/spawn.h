/* Starting a program with exactly the descriptors it is given. */
#ifndef SAFEWEB_BASE_SPAWN_H
#define SAFEWEB_BASE_SPAWN_H

#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"

#define SPAWN_MAX_FDS 16

struct spawn_fd {
	int from; /* the caller's descriptor, stays the caller's */
	int to; /* its number in the child; not above 2 + SPAWN_MAX_FDS */
};

struct spawn_options {
	const char *path; /* the program, absolute */
	const char *const *argv; /* NULL-terminated; argv[0] too */
	const char *const *envp; /* NULL-terminated; NULL: an empty environment */
	const struct spawn_fd *fds;
	size_t fd_count; /* every other descriptor above 2 is closed */
	int unshare_flags; /* CLONE_NEW… to leave before exec; 0 for none */
	uid_t uid; /* with gid: become this user; 0: stay */
	gid_t gid;
	/* NULL-terminated cgroup.procs files to enter before exec, one a hierarchy; NULL: stay. */
	const char *const *cgroup_procs;
	int death_signal; /* what it gets when the caller's thread dies; 0: SIGKILL */
};

/* Starts a child with standard input from /dev/null, a fresh signal mask, its life tied to the
 * caller's thread (PR_SET_PDEATHSIG), and returns its pid and a pidfd. When the program cannot be
 * executed the call itself fails with the reason. */
int spawn_process(const struct spawn_options *options, pid_t *ret_pid, int *ret_pidfd,
		struct error *err);

/* Runs a program to its end and returns its exit status (128 + signal when killed), or a negative
 * errno; kills it after timeout_ms. */
int spawn_and_wait(const struct spawn_options *options, int timeout_ms, struct error *err);

#endif
