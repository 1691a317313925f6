#include "compositor/data_device.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wayland-server-protocol.h>

#include "base/cleanup.h"
#include "compositor/compositor.h"
#include "compositor/resource.h"
#include "compositor/surface.h"

#define DATA_DEVICE_VERSION 3
#define ACTIONS_ALL                                                                                \
	(WL_DATA_DEVICE_MANAGER_DND_ACTION_COPY | WL_DATA_DEVICE_MANAGER_DND_ACTION_MOVE |         \
			WL_DATA_DEVICE_MANAGER_DND_ACTION_ASK)

/* Names under which the viewer's clipboard is offered. */
static const char *const viewers_types[] = {
		"text/plain;charset=utf-8", "UTF8_STRING", "text/plain", "STRING", "TEXT"};

static void handle_source_offer(
		struct wl_client *client, struct wl_resource *resource, const char *mime_type)
{
	struct data_source *source = wl_resource_get_user_data(resource);
	if (source->mime_count == QUOTA_MIME_TYPES || strlen(mime_type) > QUOTA_MIME_BYTES) {
		return;
	}
	char **larger = realloc(source->mime_types, (source->mime_count + 1) * sizeof(*larger));
	char *copy = strdup(mime_type);
	if (larger) {
		source->mime_types = larger;
	}
	if (!larger || !copy) {
		free(copy);
		wl_client_post_no_memory(client);
		return;
	}
	source->mime_types[source->mime_count++] = copy;
}

static void handle_source_set_actions(
		struct wl_client *client, struct wl_resource *resource, uint32_t actions)
{
	(void)client;
	struct data_source *source = wl_resource_get_user_data(resource);
	if (actions & ~(uint32_t)ACTIONS_ALL) {
		wl_resource_post_error(resource, WL_DATA_SOURCE_ERROR_INVALID_ACTION_MASK,
				"no such drag actions");
		return;
	}
	source->actions = actions;
}

static const struct wl_data_source_interface source_impl = {
		.offer = handle_source_offer,
		.destroy = resource_handle_destroy,
		.set_actions = handle_source_set_actions,
};

static void handle_source_destroyed(struct wl_resource *resource)
{
	struct data_source *source = wl_resource_get_user_data(resource);
	struct data_devices *devices = source->devices;
	struct data_offer *offer;
	wl_list_for_each(offer, &devices->offers, link)
	{
		if (offer->source == source) {
			offer->source = NULL;
		}
	}
	drag_handle_source_gone(devices, source);
	if (devices->selection == source) {
		devices->selection = NULL;
		data_devices_send_selection(devices);
	}
	for (size_t i = 0; i < source->mime_count; i++) {
		free(source->mime_types[i]);
	}
	free(source->mime_types);
	free(source);
}

static void handle_create_source(
		struct wl_client *client, struct wl_resource *resource, uint32_t id)
{
	struct data_source *source = calloc(1, sizeof(*source));
	if (!source) {
		wl_client_post_no_memory(client);
		return;
	}
	source->devices = wl_resource_get_user_data(resource);
	source->resource =
			resource_make(client, &wl_data_source_interface, resource_version(resource),
					id, &source_impl, source, handle_source_destroyed);
	if (!source->resource) {
		free(source);
	}
}

static void handle_offer_accept(struct wl_client *client, struct wl_resource *resource,
		uint32_t serial, const char *mime_type)
{
	(void)client;
	(void)serial;
	struct data_offer *offer = wl_resource_get_user_data(resource);
	if (offer->source && offer->is_drag && !offer->source->is_dropped) {
		offer->source->is_accepted = mime_type != NULL;
		wl_data_source_send_target(offer->source->resource, mime_type);
	}
}

static void handle_offer_receive(struct wl_client *client, struct wl_resource *resource,
		const char *mime_type, int32_t fd)
{
	(void)client;
	struct data_offer *offer = wl_resource_get_user_data(resource);
	if (offer->is_viewers) {
		clipboard_write(offer->devices, fd);
		return;
	}
	if (offer->source) {
		wl_data_source_send_send(offer->source->resource, mime_type, fd);
	}
	close(fd);
}

static void handle_offer_finish(struct wl_client *client, struct wl_resource *resource)
{
	(void)client;
	struct data_offer *offer = wl_resource_get_user_data(resource);
	if (offer->is_drag && offer->source && offer->source->is_dropped &&
			resource_version(offer->source->resource) >=
					WL_DATA_SOURCE_DND_FINISHED_SINCE_VERSION) {
		wl_data_source_send_dnd_finished(offer->source->resource);
		offer->source = NULL;
	}
}

static void handle_offer_set_actions(struct wl_client *client, struct wl_resource *resource,
		uint32_t actions, uint32_t preferred)
{
	(void)client;
	struct data_offer *offer = wl_resource_get_user_data(resource);
	offer->actions = actions & ACTIONS_ALL;
	offer->preferred = preferred & ACTIONS_ALL;
	if (offer->is_drag && offer->source) {
		drag_choose_action(offer);
	}
}

static const struct wl_data_offer_interface offer_impl = {
		.accept = handle_offer_accept,
		.receive = handle_offer_receive,
		.destroy = resource_handle_destroy,
		.finish = handle_offer_finish,
		.set_actions = handle_offer_set_actions,
};

static void handle_offer_destroyed(struct wl_resource *resource)
{
	struct data_offer *offer = wl_resource_get_user_data(resource);
	if (offer->devices->drag.offer == offer) {
		offer->devices->drag.offer = NULL;
	}
	wl_list_remove(&offer->link);
	free(offer);
}

struct data_offer *data_offer_create(struct data_devices *devices, struct wl_resource *device,
		struct data_source *source, bool is_drag)
{
	struct wl_client *client = wl_resource_get_client(device);
	/* A client that is on its way out takes no new objects. */
	struct data_offer *offer =
			devices->seat->compositor->client ? calloc(1, sizeof(*offer)) : NULL;
	if (!offer) {
		return NULL;
	}
	offer->devices = devices;
	offer->source = source;
	offer->is_viewers = !source;
	offer->is_drag = is_drag;
	offer->resource = resource_make(client, &wl_data_offer_interface, resource_version(device),
			0, &offer_impl, offer, handle_offer_destroyed);
	if (!offer->resource) {
		free(offer);
		return NULL;
	}
	wl_list_insert(&devices->offers, &offer->link);
	wl_data_device_send_data_offer(device, offer->resource);
	for (size_t i = 0; source && i < source->mime_count; i++) {
		wl_data_offer_send_offer(offer->resource, source->mime_types[i]);
	}
	for (size_t i = 0; !source && i < ARRAY_LENGTH(viewers_types); i++) {
		wl_data_offer_send_offer(offer->resource, viewers_types[i]);
	}
	return offer;
}

void data_devices_send_selection(struct data_devices *devices)
{
	struct wl_resource *device;
	if (!devices->focus) {
		return;
	}
	wl_resource_for_each(device, &devices->resources)
	{
		struct data_offer *offer = NULL;
		if (devices->selection || devices->clipboard.text) {
			offer = data_offer_create(devices, device, devices->selection, false);
		}
		wl_data_device_send_selection(device, offer ? offer->resource : NULL);
	}
}

void data_devices_set_focus(struct data_devices *devices, struct surface *focus)
{
	bool is_new = focus && !devices->focus;
	devices->focus = focus;
	if (is_new) {
		data_devices_send_selection(devices);
	}
}

static void handle_start_drag(struct wl_client *client, struct wl_resource *resource,
		struct wl_resource *source, struct wl_resource *origin, struct wl_resource *icon,
		uint32_t serial)
{
	(void)client;
	(void)origin;
	(void)serial;
	drag_start(wl_resource_get_user_data(resource),
			source ? wl_resource_get_user_data(source) : NULL,
			icon ? surface_from_resource(icon) : NULL, resource);
}

static void handle_set_selection(struct wl_client *client, struct wl_resource *resource,
		struct wl_resource *source_resource, uint32_t serial)
{
	(void)client;
	(void)serial;
	struct data_devices *devices = wl_resource_get_user_data(resource);
	struct data_source *source =
			source_resource ? wl_resource_get_user_data(source_resource) : NULL;
	if (source == devices->selection && !devices->clipboard.text) {
		return;
	}
	struct data_source *before = devices->selection;
	devices->selection = source;
	free(devices->clipboard.text);
	devices->clipboard.text = NULL;
	if (before && before != source) {
		wl_data_source_send_cancelled(before->resource);
	}
	data_devices_send_selection(devices);
	if (source) {
		clipboard_read(devices, source);
	}
}

static const struct wl_data_device_interface device_impl = {
		.start_drag = handle_start_drag,
		.set_selection = handle_set_selection,
		.release = resource_handle_destroy,
};

static void handle_get_device(struct wl_client *client, struct wl_resource *resource, uint32_t id,
		struct wl_resource *seat)
{
	(void)seat;
	struct data_devices *devices = wl_resource_get_user_data(resource);
	struct wl_resource *device = resource_make(client, &wl_data_device_interface,
			resource_version(resource), id, &device_impl, devices, resource_unlink);
	if (device) {
		wl_list_insert(&devices->resources, wl_resource_get_link(device));
	}
}

static const struct wl_data_device_manager_interface manager_impl = {
		.create_data_source = handle_create_source,
		.get_data_device = handle_get_device,
};

static void handle_bind(struct wl_client *client, void *data, uint32_t version, uint32_t id)
{
	resource_make(client, &wl_data_device_manager_interface, version, id, &manager_impl, data,
			NULL);
}

int data_devices_init(struct data_devices *devices, struct seat *seat)
{
	devices->seat = seat;
	wl_list_init(&devices->resources);
	wl_list_init(&devices->offers);
	int code = clipboard_init(&devices->clipboard, seat->compositor);
	if (code < 0) {
		return code;
	}
	return wl_global_create(seat->compositor->display, &wl_data_device_manager_interface,
			       DATA_DEVICE_VERSION, devices, handle_bind)
			? 0
			: -ENOMEM;
}

void data_devices_finish(struct data_devices *devices)
{
	if (devices->seat) {
		clipboard_finish(&devices->clipboard);
	}
}
