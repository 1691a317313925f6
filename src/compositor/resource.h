/* Making protocol objects: what every protocol file needs. */
#ifndef SAFEWEB_COMPOSITOR_RESOURCE_H
#define SAFEWEB_COMPOSITOR_RESOURCE_H

#include <stdint.h>
#include <wayland-server-core.h>

/* NULL when memory is out: the client is then told and disconnected. */
static inline struct wl_resource *resource_make(struct wl_client *client,
		const struct wl_interface *interface, uint32_t version, uint32_t id,
		const void *implementation, void *data, wl_resource_destroy_func_t destroy)
{
	struct wl_resource *resource = wl_resource_create(client, interface, (int)version, id);
	if (!resource) {
		wl_client_post_no_memory(client);
		return NULL;
	}
	wl_resource_set_implementation(resource, implementation, data, destroy);
	return resource;
}

static inline uint32_t resource_version(struct wl_resource *resource)
{
	return (uint32_t)wl_resource_get_version(resource);
}

/* For requests that do no more than destroy their object. */
static inline void resource_handle_destroy(struct wl_client *client, struct wl_resource *resource)
{
	(void)client;
	wl_resource_destroy(resource);
}

/* For objects that are linked through wl_resource_get_link. */
static inline void resource_unlink(struct wl_resource *resource)
{
	wl_list_remove(wl_resource_get_link(resource));
}

#endif
