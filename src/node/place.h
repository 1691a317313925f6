/* The node's folder for what lives as long as it does, and the lock that makes it the only one
 * there.
 *
 *   RUN/              0755
 *     node.lock       held as long as the node runs
 *     node.sock       0660, group of the gateway
 *     empty/          0555, the root of compositor and encoder
 *     sessions/       0700, bundles */
#ifndef SAFEWEB_NODE_PLACE_H
#define SAFEWEB_NODE_PLACE_H

#include <sys/types.h>

#include "base/error.h"

#define PLACE_PATH_BYTES 512
/* Sessions' ids begin with eight hexadecimal digits made from the path of RUN. */
#define PLACE_PREFIX_CHARS 8

struct place {
	char run[PLACE_PATH_BYTES]; /* absolute, without links */
	char socket[PLACE_PATH_BYTES];
	char empty[PLACE_PATH_BYTES];
	char sessions[PLACE_PATH_BYTES];
	char prefix[PLACE_PREFIX_CHARS + 1];
	int lock_fd; /* owned */
};

/* Makes the folders and takes the lock. -EBUSY when another node holds it. */
int place_open(struct place *place, const char *run, struct error *err);

/* Removes what is in it but the lock, and lets the lock go. */
void place_close(struct place *place);

/* Ends and removes everything a dead node of this folder left: processes, control groups, bundles.
 */
int place_reap(const struct place *place, struct error *err);

#endif
