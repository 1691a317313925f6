/* From the ring's records to surfaces and present state. */
#include <errno.h>
#include <stdio.h>
#include <sys/eventfd.h>

#include "encoder/encoder.h"

static struct surface *find_surface(struct encoder *encoder, uint32_t id)
{
	for (size_t i = 0; i < RING_SURFACES_MAX; i++) {
		if (encoder->surfaces[i] && encoder->surfaces[i]->id == id) {
			return encoder->surfaces[i];
		}
	}
	return NULL;
}

static int take_surface(struct encoder *encoder, const struct ring_record *record)
{
	struct surface *surface = find_surface(encoder, record->surface);
	for (size_t i = 0; !surface && i < RING_SURFACES_MAX; i++) {
		if (!encoder->surfaces[i]) {
			surface = encoder->surfaces[i] = surface_create(record->surface);
			if (!surface) {
				return -ENOMEM;
			}
		}
	}
	if (!surface || record->place.role > WIRE_ROLE_DRAG_ICON) {
		return -EBADMSG;
	}
	surface->place = record->place;
	encoder_tell_surface(encoder, surface);
	return 0;
}

static void take_surface_gone(struct encoder *encoder, uint32_t id)
{
	for (size_t i = 0; i < RING_SURFACES_MAX; i++) {
		struct surface *surface = encoder->surfaces[i];
		if (!surface || surface->id != id) {
			continue;
		}
		if (client_is_ready(&encoder->client)) {
			struct wire_surface_gone gone = {.surface = id};
			CLIENT_SEND(&encoder->client, surface_gone, SURFACE_GONE, &gone);
		}
		if (encoder->current == surface) {
			encoder->current = NULL;
		}
		encoder->pixels_bytes -= surface_bytes(surface->width, surface->height);
		encoder->surfaces[i] = NULL;
		surface_destroy(surface);
	}
}

static int resize(struct encoder *encoder, struct surface *surface, uint32_t width, uint32_t height)
{
	size_t others = encoder->pixels_bytes - surface_bytes(surface->width, surface->height);
	if (surface_bytes(width, height) > ENCODER_PIXELS_MAX_BYTES - others) {
		return -EBADMSG;
	}
	int code = surface_resize(surface, width, height);
	if (code == 0) {
		encoder->pixels_bytes = others + surface_bytes(width, height);
		encoder_tell_surface(encoder, surface);
	}
	return code;
}

static int take_frame(struct encoder *encoder, const struct ring_record *record)
{
	const struct ring_frame *frame = &record->frame;
	struct surface *surface = find_surface(encoder, record->surface);
	if (!surface) {
		/* It may just have gone. */
		return 0;
	}
	if (surface->width != frame->width || surface->height != frame->height) {
		int code = resize(encoder, surface, frame->width, frame->height);
		if (code < 0) {
			return code;
		}
	}
	surface_apply(surface, frame, encoder->ring.arena + frame->arena_offset,
			encoder->scroll_search);
	surface->owes_done = true;
	if (surface->place.role == WIRE_ROLE_MAIN && frame->damage_count) {
		encoder_report_ready(encoder);
	}
	return 0;
}

static int take_record(struct encoder *encoder, const struct ring_record *record)
{
	struct client *client = &encoder->client;
	struct present *present = &encoder->present;
	switch ((enum ring_kind)record->kind) {
	case RING_SURFACE:
		return take_surface(encoder, record);
	case RING_SURFACE_GONE:
		take_surface_gone(encoder, record->surface);
		return 0;
	case RING_FRAME:
		return take_frame(encoder, record);
	case RING_CURSOR:
		present_take_cursor(present, &record->cursor, client);
		return 0;
	case RING_TAB:
		return present_take_tab(present, &record->text, client);
	case RING_TAB_GONE:
		present_take_tab_gone(present, record->text.id, client);
		return 0;
	case RING_DIALOG:
		return present_take_dialog(present, &record->text, client);
	case RING_DIALOG_GONE:
		present_take_dialog_gone(present, record->text.id, client);
		return 0;
	case RING_TEXT_FOCUS:
		present_take_focus(present, &record->text, client);
		return 0;
	case RING_CLIPBOARD:
		if (client_is_ready(client)) {
			present_pass_clipboard(&record->text, client);
		}
		return 0;
	case RING_NOTICE:
		if (client_is_ready(client)) {
			present_pass_notice(&record->text, client);
		}
		return 0;
	case RING_CONTEXT_MENU:
		if (client_is_ready(client)) {
			present_pass_context_menu(&record->text, client);
		}
		return 0;
	}
	return -EBADMSG;
}

void encoder_drain_ring(struct encoder *encoder)
{
	uint32_t first = encoder->ring.tail;
	int code = 1;
	while (code > 0 && encoder->ring.tail - first < RING_RECORDS) {
		code = ring_reader_next(&encoder->ring, &encoder->record);
		if (code > 0) {
			int taken = take_record(encoder, &encoder->record);
			code = taken < 0 ? taken : code;
		}
	}
	if (code < 0) {
		encoder_end(encoder, WIRE_REASON_FAILED, code,
				code == -EBADMSG
						? "the compositor broke the rules of the frame ring"
						: "no memory for the browser's picture");
		return;
	}
	if (encoder->ring.tail != first) {
		encoder_send_taken(encoder);
	}
	if (code > 0 && !encoder->has_ended) {
		/* A writer that never pauses: come back after the other descriptors had their turn.
		 */
		eventfd_write(encoder->doorbell_source.fd, 1);
	}
}
