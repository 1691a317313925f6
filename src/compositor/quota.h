/* How much of each kind of object the client may hold. Counted as objects are made and go; over its
 * limit the client is disconnected with no_memory, which ends the session. */
#ifndef SAFEWEB_COMPOSITOR_QUOTA_H
#define SAFEWEB_COMPOSITOR_QUOTA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <wayland-server-core.h>

#define QUOTA_SURFACES 256u
#define QUOTA_BUFFERS 256u
#define QUOTA_POOLS 256u
#define QUOTA_REGIONS 256u
#define QUOTA_POPUPS 32u
#define QUOTA_TOPLEVELS 48u
#define QUOTA_SUBSURFACES 192u
#define QUOTA_DATA_SOURCES 32u
#define QUOTA_CALLBACKS 1024u
#define QUOTA_SMALL 64u /* globals bound, seats' devices, positioners and the like */
#define QUOTA_OBJECTS 4096u /* all kinds together */
/* Names that one data source may offer, and their length. */
#define QUOTA_MIME_TYPES 64u
#define QUOTA_MIME_BYTES 256u
/* Frame callbacks one surface may have waiting. */
#define QUOTA_FRAME_CALLBACKS 64u
/* Rectangles of one wl_region. */
#define QUOTA_REGION_RECTS 256u
/* Address space of the whole compositor: what all pools' mappings, the ring and ourselves may take.
 */
#define QUOTA_ADDRESS_SPACE_BYTES (4096ull * 1024 * 1024)

#define QUOTA_KINDS 10u

struct quota {
	uint32_t counts[QUOTA_KINDS];
	uint32_t total;
	struct wl_listener created;
	struct wl_client *client;
};

/* Counts every object of the client from now on. */
void quota_watch(struct quota *quota, struct wl_client *client);

#endif
