#include "compositor/quota.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"

struct quota_limit {
	const char *interface;
	uint32_t max;
};

/* The last is for every kind that is not named. */
static const struct quota_limit limits[QUOTA_KINDS] = {
		{"wl_surface", QUOTA_SURFACES},
		{"wl_buffer", QUOTA_BUFFERS},
		{"wl_shm_pool", QUOTA_POOLS},
		{"wl_region", QUOTA_REGIONS},
		{"xdg_popup", QUOTA_POPUPS},
		{"xdg_toplevel", QUOTA_TOPLEVELS},
		{"wl_subsurface", QUOTA_SUBSURFACES},
		{"wl_data_source", QUOTA_DATA_SOURCES},
		{"wl_callback", QUOTA_CALLBACKS},
		{"", QUOTA_OBJECTS},
};

/* One counted object. */
struct quota_object {
	struct wl_listener destroyed;
	struct quota *quota;
	size_t kind;
};

static size_t kind_of(const char *interface)
{
	for (size_t i = 0; i + 1 < QUOTA_KINDS; i++) {
		if (strcmp(limits[i].interface, interface) == 0) {
			return i;
		}
	}
	return QUOTA_KINDS - 1;
}

static void handle_destroyed(struct wl_listener *listener, void *data)
{
	(void)data;
	struct quota_object *object = wl_container_of(listener, object, destroyed);
	assert(object->quota->counts[object->kind] > 0);
	object->quota->counts[object->kind]--;
	object->quota->total--;
	free(object);
}

static void handle_created(struct wl_listener *listener, void *data)
{
	struct quota *quota = wl_container_of(listener, quota, created);
	struct wl_resource *resource = data;
	struct quota_object *object = calloc(1, sizeof(*object));
	if (!object) {
		wl_client_post_no_memory(quota->client);
		return;
	}
	object->quota = quota;
	object->kind = kind_of(wl_resource_get_class(resource));
	object->destroyed.notify = handle_destroyed;
	wl_resource_add_destroy_listener(resource, &object->destroyed);
	quota->counts[object->kind]++;
	quota->total++;
	if (quota->counts[object->kind] > limits[object->kind].max ||
			quota->total > QUOTA_OBJECTS) {
		log_warning("the browser made more %s objects than it may",
				wl_resource_get_class(resource));
		wl_client_post_no_memory(quota->client);
	}
}

void quota_watch(struct quota *quota, struct wl_client *client)
{
	quota->client = client;
	quota->created.notify = handle_created;
	wl_client_add_resource_created_listener(client, &quota->created);
}
