#include "node/slots.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#define CONTAINER_IDS 65536u

int slots_init(struct slots *slots, unsigned count)
{
	assert(count > 0 && count <= SLOTS_MAX);
	*slots = (struct slots){.count = count};
	slots->is_taken = calloc(count, sizeof(*slots->is_taken));
	return slots->is_taken ? 0 : -ENOMEM;
}

void slots_finish(struct slots *slots)
{
	free(slots->is_taken);
	*slots = (struct slots){0};
}

int slots_take(struct slots *slots)
{
	for (unsigned i = 0; i < slots->count; i++) {
		unsigned slot = (slots->next + i) % slots->count;
		if (!slots->is_taken[slot]) {
			slots->is_taken[slot] = true;
			slots->taken++;
			slots->next = (slot + 1) % slots->count;
			return (int)slot;
		}
	}
	return -ENOSPC;
}

void slots_give(struct slots *slots, unsigned slot)
{
	assert(slot < slots->count && slots->is_taken[slot]);
	slots->is_taken[slot] = false;
	slots->taken--;
}

uid_t slot_container_uid(unsigned slot)
{
	assert(slot < SLOTS_MAX);
	return SLOTS_UID_FIRST + slot * SLOTS_UID_STEP;
}

uid_t slot_compositor_uid(unsigned slot)
{
	return slot_container_uid(slot) + CONTAINER_IDS;
}

uid_t slot_encoder_uid(unsigned slot)
{
	return slot_container_uid(slot) + CONTAINER_IDS + 1;
}
