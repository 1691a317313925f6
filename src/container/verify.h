/* Looking at a session's processes from outside, to see that both sandboxes are really on. */
#ifndef SAFEWEB_CONTAINER_VERIFY_H
#define SAFEWEB_CONTAINER_VERIFY_H

#include <sys/types.h>

#include "base/error.h"
#include "container/cgroup.h"

struct verify_subject {
	const struct cgroup *cgroup;
	pid_t init; /* the browser process */
	uid_t uid_base;
	uid_t uid_count;
};

/* See container_verify_sandbox(). A renderer that is just starting gets a moment to put its
 * filters on. */
int verify_sandbox(const struct verify_subject *subject, struct error *err);

#endif
