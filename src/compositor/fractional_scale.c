#include "compositor/fractional_scale.h"

#include <errno.h>
#include <fractional-scale-v1-server-protocol.h>

#include "compositor/compositor.h"
#include "compositor/resource.h"
#include "compositor/surface.h"

static const struct wp_fractional_scale_v1_interface scale_impl = {
		.destroy = resource_handle_destroy,
};

static void handle_destroyed(struct wl_resource *resource)
{
	struct surface *surface = wl_resource_get_user_data(resource);
	if (surface) {
		surface->fractional = NULL;
	}
}

static void handle_get_scale(struct wl_client *client, struct wl_resource *resource, uint32_t id,
		struct wl_resource *surface_resource)
{
	struct surface *surface = surface_from_resource(surface_resource);
	if (surface->fractional) {
		wl_resource_post_error(resource,
				WP_FRACTIONAL_SCALE_MANAGER_V1_ERROR_FRACTIONAL_SCALE_EXISTS,
				"the surface has a scale object already");
		return;
	}
	surface->fractional = resource_make(client, &wp_fractional_scale_v1_interface,
			resource_version(resource), id, &scale_impl, surface, handle_destroyed);
	if (surface->fractional) {
		wp_fractional_scale_v1_send_preferred_scale(surface->fractional,
				output_client_scale_120(&surface->compositor->output));
	}
}

static const struct wp_fractional_scale_manager_v1_interface manager_impl = {
		.destroy = resource_handle_destroy,
		.get_fractional_scale = handle_get_scale,
};

static void handle_bind(struct wl_client *client, void *data, uint32_t version, uint32_t id)
{
	resource_make(client, &wp_fractional_scale_manager_v1_interface, version, id, &manager_impl,
			data, NULL);
}

int fractional_scale_globals_init(struct compositor *compositor)
{
	return wl_global_create(compositor->display, &wp_fractional_scale_manager_v1_interface, 1,
			       compositor, handle_bind)
			? 0
			: -ENOMEM;
}

void fractional_scale_send_all(struct compositor *compositor)
{
	struct surface *surface;
	wl_list_for_each(surface, &compositor->surfaces, link)
	{
		if (surface->fractional) {
			wp_fractional_scale_v1_send_preferred_scale(surface->fractional,
					output_client_scale_120(&compositor->output));
		}
	}
}
