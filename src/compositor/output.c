#include "compositor/output.h"

#include <errno.h>
#include <xdg-output-server-protocol.h>

#include "compositor/compositor.h"
#include "compositor/fractional_scale.h"
#include "compositor/toplevel.h"
#include "frame/ring.h"

#define OUTPUT_VERSION 4
#define XDG_OUTPUT_VERSION 3
#define OUTPUT_NAME "WEB-1"
#define SCALE_ONE 120
/* For the smallest page area that is taken, OUTPUT_MIN_SIDE. */
#define OUTPUT_LEAST_ZOOM (OUTPUT_MIN_SIDE * 100 / OUTPUT_MIN_CLIENT_WIDTH)
/* What a page may learn of the monitor: 96 dots an inch, as if. */
#define MM_FROM_PIXELS(pixels) ((int32_t)((uint64_t)(pixels)*254 / 960))

static uint32_t clamp(uint32_t value, uint32_t min, uint32_t max)
{
	return value < min ? min : value > max ? max : value;
}

int32_t output_client_width(const struct output *output)
{
	return (int32_t)((output->width * 100 + output->zoom_percent / 2) / output->zoom_percent);
}

int32_t output_client_height(const struct output *output)
{
	return (int32_t)((output->height * 100 + output->zoom_percent / 2) / output->zoom_percent);
}

uint32_t output_client_scale_120(const struct output *output)
{
	return output->scale_120 * output->zoom_percent / 100;
}

int32_t output_to_viewer(const struct output *output, int32_t client_length)
{
	int64_t length = (int64_t)client_length * output->zoom_percent / 100;
	return length > INT32_MAX ? INT32_MAX : length < INT32_MIN ? INT32_MIN : (int32_t)length;
}

int32_t output_to_client(const struct output *output, int32_t viewer_length)
{
	int64_t length = (int64_t)viewer_length * 100 / output->zoom_percent;
	return length > INT32_MAX ? INT32_MAX : length < INT32_MIN ? INT32_MIN : (int32_t)length;
}

static void send_geometry(struct output *output, struct wl_resource *resource)
{
	uint32_t version = (uint32_t)wl_resource_get_version(resource);
	int32_t width = (int32_t)(output->width * output->scale_120 / SCALE_ONE);
	int32_t height = (int32_t)(output->height * output->scale_120 / SCALE_ONE);
	wl_output_send_geometry(resource, 0, 0, MM_FROM_PIXELS(output->width),
			MM_FROM_PIXELS(output->height), WL_OUTPUT_SUBPIXEL_NONE, "Safeweb", "page",
			WL_OUTPUT_TRANSFORM_NORMAL);
	wl_output_send_mode(resource, WL_OUTPUT_MODE_CURRENT | WL_OUTPUT_MODE_PREFERRED, width,
			height, 60000);
	if (version >= WL_OUTPUT_SCALE_SINCE_VERSION) {
		uint32_t scale = output_client_scale_120(output);
		wl_output_send_scale(resource, (int32_t)((scale + SCALE_ONE - 1) / SCALE_ONE));
	}
	if (version >= WL_OUTPUT_NAME_SINCE_VERSION) {
		wl_output_send_name(resource, OUTPUT_NAME);
	}
}

static void send_done(struct wl_resource *resource)
{
	if (wl_resource_get_version(resource) >= WL_OUTPUT_DONE_SINCE_VERSION) {
		wl_output_send_done(resource);
	}
}

static void send_xdg(struct output *output, struct wl_resource *resource)
{
	zxdg_output_v1_send_logical_position(resource, 0, 0);
	zxdg_output_v1_send_logical_size(
			resource, output_client_width(output), output_client_height(output));
}

static void send_all(struct output *output)
{
	struct wl_resource *resource;
	wl_resource_for_each(resource, &output->xdg_resources)
	{
		send_xdg(output, resource);
	}
	wl_resource_for_each(resource, &output->resources)
	{
		send_geometry(output, resource);
		send_done(resource);
	}
	fractional_scale_send_all(output->compositor);
	toplevel_configure_all(output->compositor);
}

static void handle_release(struct wl_client *client, struct wl_resource *resource)
{
	(void)client;
	wl_resource_destroy(resource);
}

static const struct wl_output_interface output_impl = {.release = handle_release};

static void handle_unbind(struct wl_resource *resource)
{
	wl_list_remove(wl_resource_get_link(resource));
}

static void handle_bind(struct wl_client *client, void *data, uint32_t version, uint32_t id)
{
	struct output *output = data;
	struct wl_resource *resource =
			wl_resource_create(client, &wl_output_interface, (int)version, id);
	if (!resource) {
		wl_client_post_no_memory(client);
		return;
	}
	wl_resource_set_implementation(resource, &output_impl, output, handle_unbind);
	wl_list_insert(&output->resources, wl_resource_get_link(resource));
	send_geometry(output, resource);
	send_done(resource);
}

static void handle_xdg_destroy(struct wl_client *client, struct wl_resource *resource)
{
	(void)client;
	wl_resource_destroy(resource);
}

static const struct zxdg_output_v1_interface xdg_output_impl = {.destroy = handle_xdg_destroy};

static void handle_get_xdg_output(struct wl_client *client, struct wl_resource *manager,
		uint32_t id, struct wl_resource *output_resource)
{
	struct output *output = wl_resource_get_user_data(manager);
	struct wl_resource *resource = wl_resource_create(
			client, &zxdg_output_v1_interface, wl_resource_get_version(manager), id);
	if (!resource) {
		wl_client_post_no_memory(client);
		return;
	}
	wl_resource_set_implementation(resource, &xdg_output_impl, output, handle_unbind);
	wl_list_insert(&output->xdg_resources, wl_resource_get_link(resource));
	send_xdg(output, resource);
	if (wl_resource_get_version(resource) >= ZXDG_OUTPUT_V1_NAME_SINCE_VERSION) {
		zxdg_output_v1_send_name(resource, OUTPUT_NAME);
	}
	if (wl_resource_get_version(resource) < 3) {
		zxdg_output_v1_send_done(resource);
	} else {
		send_done(output_resource);
	}
}

static const struct zxdg_output_manager_v1_interface manager_impl = {
		.destroy = handle_xdg_destroy,
		.get_xdg_output = handle_get_xdg_output,
};

static void handle_bind_manager(struct wl_client *client, void *data, uint32_t version, uint32_t id)
{
	struct wl_resource *resource = wl_resource_create(
			client, &zxdg_output_manager_v1_interface, (int)version, id);
	if (!resource) {
		wl_client_post_no_memory(client);
		return;
	}
	wl_resource_set_implementation(resource, &manager_impl, data, NULL);
}

int output_init(struct output *output, struct compositor *compositor)
{
	output->compositor = compositor;
	output->zoom_percent = 100;
	output->wanted_percent = 100;
	wl_list_init(&output->resources);
	wl_list_init(&output->xdg_resources);
	bool is_made = wl_global_create(compositor->display, &wl_output_interface, OUTPUT_VERSION,
				       output, handle_bind) &&
			wl_global_create(compositor->display, &zxdg_output_manager_v1_interface,
					XDG_OUTPUT_VERSION, output, handle_bind_manager);
	return is_made ? 0 : -ENOMEM;
}

static uint32_t applied_zoom(const struct output *output)
{
	uint32_t most = output->width * 100 / OUTPUT_MIN_CLIENT_WIDTH;
	uint32_t percent = output->wanted_percent < most ? output->wanted_percent : most;
	return percent < OUTPUT_LEAST_ZOOM ? OUTPUT_LEAST_ZOOM : percent;
}

void output_resize(struct output *output, uint32_t width, uint32_t height, uint32_t scale_120)
{
	width = clamp(width, OUTPUT_MIN_SIDE, OUTPUT_MAX_SIDE);
	height = clamp(height, OUTPUT_MIN_SIDE, OUTPUT_MAX_SIDE);
	scale_120 = clamp(scale_120, OUTPUT_MIN_SCALE_120, OUTPUT_MAX_SCALE_120);
	/* First sharpness gives way, then size. */
	while (scale_120 > OUTPUT_MIN_SCALE_120 &&
			((uint64_t)width * scale_120 / SCALE_ONE +
					1) * ((uint64_t)height * scale_120 / SCALE_ONE + 1) >
					RING_SURFACE_MAX_PIXELS) {
		scale_120--;
	}
	while ((uint64_t)width * height > RING_SURFACE_MAX_PIXELS) {
		width -= width / 16;
		height -= height / 16;
	}
	if (width == output->width && height == output->height && scale_120 == output->scale_120) {
		return;
	}
	output->width = width;
	output->height = height;
	output->scale_120 = scale_120;
	output->zoom_percent = applied_zoom(output);
	output->compositor->is_layout_dirty = true;
	send_all(output);
}

void output_zoom(struct output *output, uint32_t percent)
{
	output->wanted_percent = clamp(percent, OUTPUT_MIN_ZOOM, OUTPUT_MAX_ZOOM);
	percent = applied_zoom(output);
	if (percent != output->zoom_percent) {
		output->zoom_percent = percent;
		output->compositor->is_layout_dirty = true;
		send_all(output);
	}
}

void output_send_enter(struct output *output, struct wl_resource *surface)
{
	struct wl_resource *resource;
	wl_resource_for_each(resource, &output->resources)
	{
		wl_surface_send_enter(surface, resource);
	}
}
