/* Which of the node's sessions-to-be are taken, and the host user ids that belong to each.
 *
 *   slot n:  base = SLOTS_UID_FIRST + n * SLOTS_UID_STEP
 *            base … base + 65535   the container's ids
 *            base + 65536          the compositor
 *            base + 65537          the encoder
 *
 * A slot is given back only when no process of its range lives. The next one taken is the one that
 * has been free for longest of all above the last, so that ids are not used again at once. */
#ifndef SAFEWEB_NODE_SLOTS_H
#define SAFEWEB_NODE_SLOTS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* A multiple of 65536, above every id that useradd or a distribution's subuid ranges hand out
 * first. */
#define SLOTS_UID_FIRST 1048576u
#define SLOTS_UID_STEP 131072u
/* Keeps every id below 2^31. */
#define SLOTS_MAX 8192u

struct slots {
	bool *is_taken; /* owned; count of them */
	unsigned count;
	unsigned taken;
	unsigned next; /* where the search for a free one starts */
};

/* count: 1 to SLOTS_MAX. 0 or -ENOMEM. */
int slots_init(struct slots *slots, unsigned count);
void slots_finish(struct slots *slots);

/* A free slot's number, now taken, or -ENOSPC. */
int slots_take(struct slots *slots);
void slots_give(struct slots *slots, unsigned slot);

uid_t slot_container_uid(unsigned slot);
uid_t slot_compositor_uid(unsigned slot);
uid_t slot_encoder_uid(unsigned slot);

#endif
