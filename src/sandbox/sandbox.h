/* The wall around Safeweb's own programs: an own uid, an empty root, no new privileges and a list
 * of the system calls the program needs. Every other call answers ENOSYS. */
#ifndef SAFEWEB_SANDBOX_SANDBOX_H
#define SAFEWEB_SANDBOX_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"

struct sandbox_profile {
	uid_t uid; /* 0: keep the present user (for tests) */
	gid_t gid;
	const char *root; /* an empty folder to become the root; NULL: keep the present one */
	const char *const *
			calls; /* names of allowed system calls, NULL-terminated; NULL: no filter */
	bool is_dumpable;
};

/* Enters the sandbox for good. Call it with one thread, before any peer's byte is read; descriptors
 * that are open stay open. */
int sandbox_enter(const struct sandbox_profile *profile, struct error *err);

/* Calls that every program here needs: memory, descriptors it holds, clocks, exit. */
extern const char *const sandbox_basic_calls[];

#endif
