/* A client of the display stream: enough of one to have the page's pixels. */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "codec/rect_decode.h"
#include "harness/test.h"
#include "isolation/node_lab.h"

#define VIEW_WIDTH 640
#define VIEW_HEIGHT 480

struct lab_decoder {
	struct rect_decoder decoder;
	void *memory;
	uint8_t *content;
	uint8_t *message;
};

static struct lab_decoder *make_decoder(void)
{
	struct lab_decoder *decoder = calloc(1, sizeof(*decoder));
	CHECK(decoder != NULL);
	decoder->memory = malloc(rect_decoder_memory_bytes());
	decoder->content = malloc(RECT_CONTENT_MAX_BYTES);
	decoder->message = malloc(LAB_STREAM_BYTES);
	CHECK(decoder->memory && decoder->content && decoder->message);
	CHECK_INT(rect_decoder_init(
				  &decoder->decoder, decoder->memory, rect_decoder_memory_bytes()),
			0);
	decoder->decoder.content = decoder->content;
	return decoder;
}

void lab_attach(struct lab_view *view, const struct lab *lab, const struct lab_session *session)
{
	uint8_t bytes[WIRE_ATTACH_MAX_BYTES];
	*view = (struct lab_view){.fd = lab_connect(lab), .decoder = make_decoder()};
	const struct wire_attach attach = {.session = wire_string_from(session->id),
			.token = wire_string_from(session->token)};
	lab_send(view->fd, bytes, wire_attach_encode(&attach, bytes, sizeof(bytes)));
	/* Without waiting for the answer: what follows attach is the encoder's. */
	const struct wire_hello hello = {.version = WIRE_VERSION,
			.width = VIEW_WIDTH,
			.height = VIEW_HEIGHT,
			.scale_120 = 120};
	lab_send(view->fd, bytes, wire_hello_encode(&hello, bytes, sizeof(bytes)));
	size_t len = lab_receive(view->fd, bytes, sizeof(bytes));
	CHECK_INT(len, 1);
	CHECK_INT(bytes[0], WIRE_ATTACHED_STREAM);
}

void lab_detach(struct lab_view *view)
{
	close(view->fd);
	free(view->decoder->memory);
	free(view->decoder->content);
	free(view->decoder->message);
	free(view->decoder);
	free(view->pixels);
}

static void take_surface(struct lab_view *view, const struct wire_surface *surface)
{
	if (surface->role != WIRE_ROLE_MAIN) {
		return;
	}
	if (surface->width != view->width || surface->height != view->height ||
			surface->surface != view->main) {
		view->main = surface->surface;
		view->width = surface->width;
		view->height = surface->height;
		free(view->pixels);
		view->pixels = calloc((size_t)view->width * view->height + 1, 4);
		CHECK(view->pixels != NULL);
	}
}

static void take_rect(struct lab_view *view, const struct wire_rect *rect)
{
	if (rect->surface != view->main || !view->pixels) {
		return;
	}
	CHECK(rect->x + rect->width <= view->width && rect->y + rect->height <= view->height);
	int code = rect_decode(&view->decoder->decoder, rect->codec, rect->data.bytes,
			rect->data.len, rect->width, rect->height,
			view->pixels + (size_t)rect->y * view->width + rect->x, view->width);
	CHECK(code == 0 || rect->codec == WIRE_CODEC_JPEG);
}

static void take_copy(struct lab_view *view, const struct wire_copy *copy)
{
	if (copy->surface != view->main || !view->pixels) {
		return;
	}
	CHECK(copy->x + copy->width <= view->width && copy->y + copy->height <= view->height);
	CHECK(copy->to_x + copy->width <= view->width && copy->to_y + copy->height <= view->height);
	uint32_t *moved = malloc((size_t)copy->width * copy->height * 4 + 1);
	CHECK(moved != NULL);
	for (size_t row = 0; row < copy->height; row++) {
		memcpy(moved + row * copy->width,
				view->pixels + (copy->y + row) * view->width + copy->x,
				(size_t)copy->width * 4);
	}
	for (size_t row = 0; row < copy->height; row++) {
		memcpy(view->pixels + (copy->to_y + row) * view->width + copy->to_x,
				moved + row * copy->width, (size_t)copy->width * 4);
	}
	free(moved);
}

static void take_frame(struct lab_view *view, const struct wire_frame *frame)
{
	uint8_t bytes[WIRE_LENGTH_BYTES + WIRE_ACK_MAX_BYTES];
	const struct wire_ack ack = {.sequence = frame->sequence};
	long len = wire_ack_encode(&ack, bytes + WIRE_LENGTH_BYTES, WIRE_ACK_MAX_BYTES);
	wire_put_length(bytes, (size_t)len);
	/* The other side may have ended meanwhile: what it sent before is still to be read. */
	send(view->fd, bytes, WIRE_LENGTH_BYTES + (size_t)len, MSG_NOSIGNAL);
	view->frames += frame->surface == view->main;
}

bool lab_view_next(struct lab_view *view)
{
	uint8_t *bytes = view->decoder->message;
	size_t len = lab_receive(view->fd, bytes, LAB_STREAM_BYTES);
	if (len == 0) {
		return false;
	}
	CHECK_INT(wire_display_check(bytes, len), 0);
	union {
		struct wire_surface surface;
		struct wire_rect rect;
		struct wire_copy copy;
		struct wire_frame frame;
		struct wire_tab tab;
		struct wire_bye bye;
	} message;
	if (wire_surface_decode(bytes, len, &message.surface) == 0) {
		take_surface(view, &message.surface);
	} else if (wire_rect_decode(bytes, len, &message.rect) == 0) {
		take_rect(view, &message.rect);
	} else if (wire_copy_decode(bytes, len, &message.copy) == 0) {
		take_copy(view, &message.copy);
	} else if (wire_frame_decode(bytes, len, &message.frame) == 0) {
		take_frame(view, &message.frame);
	} else if (wire_tab_decode(bytes, len, &message.tab) == 0) {
		view->tab = message.tab.tab;
		wire_string_copy(message.tab.address, view->address, sizeof(view->address));
	} else if (wire_bye_decode(bytes, len, &message.bye) == 0) {
		view->bye = message.bye.reason;
	}
	return true;
}
