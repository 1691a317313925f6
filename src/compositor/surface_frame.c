#include <string.h>

#include "base/loop.h"
#include "compositor/compositor.h"
#include "compositor/presentation.h"
#include "compositor/surface.h"

#define PIXEL_BYTES 4u
/* How fast callbacks of commits that changed no pixel are answered. */
#define EMPTY_ANSWER_MS 16u

static void send_done(struct wl_list *callbacks)
{
	struct wl_resource *callback, *next;
	uint32_t now = compositor_time_ms();
	wl_resource_for_each_safe(callback, next, callbacks)
	{
		wl_callback_send_done(callback, now);
		wl_resource_destroy(callback);
	}
}

void surface_answer_callbacks(struct surface *surface)
{
	send_done(&surface->current.callbacks);
	surface->current.callback_count = 0;
	presentation_send(&surface->current.feedbacks, &surface->compositor->output);
}

static bool may_answer(struct surface *surface)
{
	return compositor_is_seen(surface->compositor) && layout_is_shown(surface);
}

void surface_handle_frame_done(struct surface *surface)
{
	surface->awaits_frame_done = false;
	/* A picture that still waits for room in the ring will bring a frame_done of its own. */
	if (!surface->is_frame_due && may_answer(surface)) {
		surface_answer_callbacks(surface);
	}
}

void surface_release_all(struct compositor *compositor)
{
	struct surface *surface;
	wl_list_for_each(surface, &compositor->surfaces, link)
	{
		if (may_answer(surface)) {
			surface->awaits_frame_done = false;
			surface_answer_callbacks(surface);
		}
	}
}

static bool is_empty_commit(struct surface *surface)
{
	return !surface->is_frame_due && !surface->awaits_frame_done &&
			(!wl_list_empty(&surface->current.callbacks) ||
					!wl_list_empty(&surface->current.feedbacks));
}

void surface_answer_empty(struct compositor *compositor)
{
	struct surface *surface;
	wl_list_for_each(surface, &compositor->surfaces, link)
	{
		if (is_empty_commit(surface) && may_answer(surface)) {
			surface_answer_callbacks(surface);
		}
	}
	compositor->empty_answered_ms = clock_now_ms();
}

/* Nothing new to show: the encoder will not speak of it, so it is answered here; not faster than a
 * screen would be, lest an empty animation takes a whole core. */
static void handle_empty_commit(struct surface *surface)
{
	struct compositor *compositor = surface->compositor;
	uint64_t since_ms = clock_now_ms() - compositor->empty_answered_ms;
	if (since_ms >= EMPTY_ANSWER_MS) {
		surface_answer_empty(compositor);
	} else {
		wl_event_source_timer_update(
				compositor->empty_timer, (int)(EMPTY_ANSWER_MS - since_ms));
	}
}

static void release_buffer(struct surface *surface)
{
	struct buffer_hold *hold = &surface->current.buffer;
	if (hold->resource) {
		wl_buffer_send_release(hold->resource);
		buffer_hold_set(hold, NULL);
	}
}

void surface_handle_committed(struct surface *surface)
{
	struct compositor *compositor = surface->compositor;
	if (surface->is_mapped && surface->current.buffer.resource) {
		if (region_is_empty(&surface->damage)) {
			release_buffer(surface);
		} else {
			surface->is_frame_due = true;
			surface->frame_input_serial = compositor->last_input_serial;
			surface->committed_us = clock_now_us();
		}
	}
	if (is_empty_commit(surface) && may_answer(surface)) {
		handle_empty_commit(surface);
	}
	compositor_schedule_flush(compositor);
}

static bool same_place(const struct ring_surface *a, const struct ring_surface *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

static bool publish_place(struct surface *surface)
{
	struct publisher *publisher = &surface->compositor->publisher;
	if (surface->is_published && same_place(&surface->place, &surface->published)) {
		return true;
	}
	struct ring_record *record = publisher_begin(publisher);
	if (!record) {
		return false;
	}
	record->kind = RING_SURFACE;
	record->surface = surface->id;
	record->place = surface->place;
	publisher_publish(publisher);
	surface->published = surface->place;
	surface->is_published = true;
	return true;
}

/* Copies the damaged rectangles, one after the other, tightly packed. */
static void copy_pixels(const struct surface *surface, struct wl_shm_buffer *shm, uint8_t *to)
{
	const struct rect *picture = &surface->geometry.picture;
	size_t stride = (size_t)wl_shm_buffer_get_stride(shm);
	wl_shm_buffer_begin_access(shm);
	const uint8_t *from = wl_shm_buffer_get_data(shm);
	for (size_t i = 0; from && i < surface->damage.count; i++) {
		const struct rect *rect = &surface->damage.rects[i];
		size_t row_bytes = (size_t)rect->width * PIXEL_BYTES;
		const uint8_t *row = from + (size_t)(picture->y + rect->y) * stride +
				(size_t)(picture->x + rect->x) * PIXEL_BYTES;
		for (int32_t y = 0; y < rect->height; y++) {
			memcpy(to, row, row_bytes);
			to += row_bytes;
			row += stride;
		}
	}
	wl_shm_buffer_end_access(shm);
}

static bool fill_frame(struct surface *surface, struct ring_record *record)
{
	struct ring_frame *frame = &record->frame;
	frame->width = (uint32_t)surface->geometry.picture.width;
	frame->height = (uint32_t)surface->geometry.picture.height;
	frame->format = surface->has_alpha ? RING_BGRA : RING_BGRX;
	frame->input_serial = surface->frame_input_serial;
	frame->committed_us = surface->committed_us;
	frame->damage_count = (uint32_t)surface->damage.count;
	memcpy(frame->damage, surface->damage.rects,
			surface->damage.count * sizeof(frame->damage[0]));
	record->kind = RING_FRAME;
	record->surface = surface->id;
	uint8_t *pixels = ring_writer_pixels(&surface->compositor->publisher.ring,
			ring_frame_bytes(frame), &frame->arena_offset);
	if (!pixels) {
		return false;
	}
	copy_pixels(surface, wl_shm_buffer_get(surface->current.buffer.resource), pixels);
	return true;
}

void surface_publish(struct surface *surface)
{
	struct publisher *publisher = &surface->compositor->publisher;
	bool is_wanted = surface->is_published || surface->is_mapped;
	if (!is_wanted || !publish_place(surface) || !surface->is_frame_due) {
		return;
	}
	if (!surface->current.buffer.resource) {
		/* The client destroyed it before there was room: the damage stays for the next,
		 * which the client may be waiting to be asked for. */
		surface->is_frame_due = false;
		if (is_empty_commit(surface) && may_answer(surface)) {
			handle_empty_commit(surface);
		}
		return;
	}
	struct ring_record *record = publisher_begin(publisher);
	if (!record || !fill_frame(surface, record)) {
		return;
	}
	publisher_publish(publisher);
	region_clear(&surface->damage);
	surface->is_frame_due = false;
	surface->awaits_frame_done = true;
	release_buffer(surface);
}
