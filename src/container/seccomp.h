/*
 * The system calls a session may use.
 *
 * An allow-list: what is not named fails with ENOSYS, so that programs take their fallback. It
 * has to hold inside nested user namespaces too, where Chromium's own sandbox (and an attacker)
 * holds every capability: see the head of seccomp.c.
 */
#ifndef SAFEWEB_CONTAINER_SECCOMP_H
#define SAFEWEB_CONTAINER_SECCOMP_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One condition on an argument: (argument & mask) == value. */
struct seccomp_condition {
	unsigned int index;
	uint64_t mask;
	uint64_t value;
};

#define SECCOMP_CONDITIONS_MAX 3

/* Returns the "linux.seccomp" object of an OCI configuration. The caller owns it; NULL when out
 * of memory. */
json_t *seccomp_profile(void);

/* Whether the profile would allow this call; args has six entries. For tests and for the attack
 * suite. */
bool seccomp_allows(const char *name, const uint64_t args[6]);

#endif
