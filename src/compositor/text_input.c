#include "compositor/text_input.h"

#include <errno.h>
#include <stdlib.h>
#include <text-input-server-protocol.h>

#include "compositor/compositor.h"
#include "compositor/resource.h"
#include "compositor/surface.h"

struct text_input_state {
	bool is_enabled;
	struct rect area; /* of the caret, relative to the focused surface */
};

struct text_input {
	struct wl_resource *resource;
	struct text_inputs *inputs;
	struct wl_list link;
	struct text_input_state pending, current;
	uint32_t commits;
};

static bool same_focus(const struct text_focus *a, const struct text_focus *b)
{
	return a->is_active == b->is_active && a->area.x == b->area.x && a->area.y == b->area.y &&
			a->area.width == b->area.width && a->area.height == b->area.height;
}

static void update(struct text_inputs *inputs)
{
	struct compositor *compositor = inputs->seat->compositor;
	struct text_input *input;
	struct text_focus wanted = {0};
	wl_list_for_each(input, &inputs->inputs, link)
	{
		if (!input->current.is_enabled || !inputs->focus) {
			continue;
		}
		int32_t x, y;
		surface_position_in_root(inputs->focus, &x, &y);
		struct rect area = input->current.area;
		const struct output *output = &compositor->output;
		wanted.is_active = true;
		wanted.area.x = output_to_viewer(output, x) + output_to_viewer(output, area.x);
		wanted.area.y = output_to_viewer(output, y) + output_to_viewer(output, area.y);
		wanted.area.width = output_to_viewer(output, area.width);
		wanted.area.height = output_to_viewer(output, area.height);
	}
	inputs->wanted = wanted;
	if (!same_focus(&wanted, &inputs->published)) {
		compositor_schedule_flush(compositor);
	}
}

bool text_inputs_publish(struct text_inputs *inputs)
{
	struct publisher *publisher = &inputs->seat->compositor->publisher;
	if (same_focus(&inputs->wanted, &inputs->published)) {
		return true;
	}
	struct ring_record *record = publisher_begin(publisher);
	if (!record) {
		return false;
	}
	record->kind = RING_TEXT_FOCUS;
	record->text.flags = inputs->wanted.is_active;
	record->text.area = inputs->wanted.area;
	publisher_publish(publisher);
	inputs->published = inputs->wanted;
	return true;
}

void text_inputs_set_focus(struct text_inputs *inputs, struct surface *surface)
{
	struct text_input *input;
	if (inputs->focus == surface) {
		return;
	}
	wl_list_for_each(input, &inputs->inputs, link)
	{
		if (inputs->focus) {
			zwp_text_input_v3_send_leave(input->resource, inputs->focus->resource);
		}
		input->current = (struct text_input_state){0};
		input->pending = (struct text_input_state){0};
		if (surface) {
			zwp_text_input_v3_send_enter(input->resource, surface->resource);
		}
	}
	inputs->focus = surface;
	update(inputs);
}

static void handle_enable(struct wl_client *client, struct wl_resource *resource)
{
	(void)client;
	struct text_input *input = wl_resource_get_user_data(resource);
	input->pending = (struct text_input_state){.is_enabled = true};
}

static void handle_disable(struct wl_client *client, struct wl_resource *resource)
{
	(void)client;
	struct text_input *input = wl_resource_get_user_data(resource);
	input->pending.is_enabled = false;
}

/* The page's own text stays in the page. */
static void ignore_surrounding_text(struct wl_client *client, struct wl_resource *resource,
		const char *text, int32_t cursor, int32_t anchor)
{
	(void)client;
	(void)resource;
	(void)text;
	(void)cursor;
	(void)anchor;
}

static void ignore_cause(struct wl_client *client, struct wl_resource *resource, uint32_t cause)
{
	(void)client;
	(void)resource;
	(void)cause;
}

static void ignore_content_type(struct wl_client *client, struct wl_resource *resource,
		uint32_t hint, uint32_t purpose)
{
	(void)client;
	(void)resource;
	(void)hint;
	(void)purpose;
}

static int32_t clamp(int32_t value)
{
	return value > SURFACE_POSITION_MAX		? SURFACE_POSITION_MAX
			: value < -SURFACE_POSITION_MAX ? -SURFACE_POSITION_MAX
							: value;
}

static void handle_set_rectangle(struct wl_client *client, struct wl_resource *resource, int32_t x,
		int32_t y, int32_t width, int32_t height)
{
	(void)client;
	struct text_input *input = wl_resource_get_user_data(resource);
	input->pending.area = (struct rect){clamp(x), clamp(y), clamp(width), clamp(height)};
}

static void handle_commit(struct wl_client *client, struct wl_resource *resource)
{
	(void)client;
	struct text_input *input = wl_resource_get_user_data(resource);
	input->commits++;
	input->current = input->pending;
	update(input->inputs);
}

static const struct zwp_text_input_v3_interface input_impl = {
		.destroy = resource_handle_destroy,
		.enable = handle_enable,
		.disable = handle_disable,
		.set_surrounding_text = ignore_surrounding_text,
		.set_text_change_cause = ignore_cause,
		.set_content_type = ignore_content_type,
		.set_cursor_rectangle = handle_set_rectangle,
		.commit = handle_commit,
};

static void handle_destroyed(struct wl_resource *resource)
{
	struct text_input *input = wl_resource_get_user_data(resource);
	wl_list_remove(&input->link);
	update(input->inputs);
	free(input);
}

static void handle_get_text_input(struct wl_client *client, struct wl_resource *resource,
		uint32_t id, struct wl_resource *seat)
{
	(void)seat;
	struct text_inputs *inputs = wl_resource_get_user_data(resource);
	struct text_input *input = calloc(1, sizeof(*input));
	if (!input) {
		wl_client_post_no_memory(client);
		return;
	}
	input->inputs = inputs;
	input->resource = resource_make(client, &zwp_text_input_v3_interface,
			resource_version(resource), id, &input_impl, input, handle_destroyed);
	if (!input->resource) {
		free(input);
		return;
	}
	wl_list_insert(&inputs->inputs, &input->link);
	if (inputs->focus) {
		zwp_text_input_v3_send_enter(input->resource, inputs->focus->resource);
	}
}

static const struct zwp_text_input_manager_v3_interface manager_impl = {
		.destroy = resource_handle_destroy,
		.get_text_input = handle_get_text_input,
};

static void handle_bind(struct wl_client *client, void *data, uint32_t version, uint32_t id)
{
	resource_make(client, &zwp_text_input_manager_v3_interface, version, id, &manager_impl,
			data, NULL);
}

int text_inputs_init(struct text_inputs *inputs, struct seat *seat)
{
	inputs->seat = seat;
	wl_list_init(&inputs->inputs);
	return wl_global_create(seat->compositor->display, &zwp_text_input_manager_v3_interface, 1,
			       inputs, handle_bind)
			? 0
			: -ENOMEM;
}
