#include "encoder-rig.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <jpeglib.h>

#include "base/fds.h"

#define IN_BYTES (16u * 1024 * 1024)
/* A program that has said nothing for three times so long has nothing to say. */
#define PROGRAM_WAIT_MS 100

void rig_open_without_encoder(struct rig *rig)
{
	struct error err = {0};
	int ring;
	int pair[2];
	*rig = (struct rig){.client = -1, .acknowledges = true};
	CHECK_INT(fds_sealed_memory("ring", ring_size_bytes(), &ring, &err), 0);
	CHECK_INT(ring_writer_init(&rig->ring, ring, &err), 0);
	CHECK_INT(fds_reopen_readonly(ring, &rig->encoder_fds[0], &err), 0);
	close(ring);
	rig->doorbell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	rig->encoder_fds[1] = dup(rig->doorbell);
	CHECK_INT(fds_socketpair(SOCK_SEQPACKET, pair, &err), 0);
	rig->pacing = pair[0];
	rig->encoder_fds[2] = pair[1];
	CHECK_INT(fds_socketpair(SOCK_SEQPACKET, pair, &err), 0);
	rig->seat = pair[0];
	rig->encoder_fds[3] = pair[1];
	rig->in = malloc(IN_BYTES);
	rig->decoder_memory = aligned_alloc(64, rect_decoder_memory_bytes() / 64 * 64 + 64);
	CHECK_INT(rect_decoder_init(
				  &rig->decoder, rig->decoder_memory, rect_decoder_memory_bytes()),
			0);
}

void rig_open(struct rig *rig)
{
	struct error err = {0};
	rig_open_without_encoder(rig);
	CHECK_INT(loop_create(&rig->loop, &err), 0);
	const struct encoder_options options = {
			.ring_fd = rig->encoder_fds[0],
			.doorbell_fd = rig->encoder_fds[1],
			.pacing_fd = rig->encoder_fds[2],
			.seat_fd = rig->encoder_fds[3],
	};
	CHECK_INT(encoder_create(&rig->encoder, rig->loop, &options, &err), 0);
}

static void forget_pictures(struct rig *rig)
{
	for (size_t i = 0; i < RIG_SURFACES; i++) {
		free(rig->pictures[i].pixels);
		free(rig->pictures[i].shown);
		rig->pictures[i] = (struct rig_picture){0};
	}
}

static void close_client(struct rig *rig)
{
	if (rig->client >= 0) {
		close(rig->client);
		rig->client = -1;
	}
	rig->in_len = 0;
	forget_pictures(rig);
}

void rig_close(struct rig *rig)
{
	close_client(rig);
	encoder_destroy(rig->encoder);
	loop_destroy(rig->loop);
	ring_writer_finish(&rig->ring);
	for (size_t i = 0; i < 4; i++) {
		if (rig->encoder_fds[i] >= 0) {
			close(rig->encoder_fds[i]);
		}
	}
	close(rig->doorbell);
	if (rig->pacing >= 0) {
		close(rig->pacing);
	}
	if (rig->seat >= 0) {
		close(rig->seat);
	}
	free(rig->in);
	free(rig->decoder_memory);
}

struct rig_picture *rig_picture(struct rig *rig, uint32_t surface)
{
	for (size_t i = 0; i < RIG_SURFACES; i++) {
		if (rig->pictures[i].surface == surface) {
			return &rig->pictures[i];
		}
	}
	return NULL;
}

static void apply_surface(struct rig *rig, const uint8_t *bytes, size_t len)
{
	struct wire_surface message;
	CHECK_INT(wire_surface_decode(bytes, len, &message), 0);
	struct rig_picture *picture = rig_picture(rig, message.surface);
	if (!picture) {
		picture = rig_picture(rig, 0);
		CHECK(picture);
		picture->surface = message.surface;
	}
	if (picture->width != message.width || picture->height != message.height ||
			!picture->pixels) {
		size_t count = (size_t)message.width * message.height;
		free(picture->pixels);
		free(picture->shown);
		picture->pixels = calloc(count + 1, 4);
		picture->shown = calloc(count + 1, 4);
		picture->width = message.width;
		picture->height = message.height;
	}
}

static void decode_jpeg(const struct wire_rect *rect, uint32_t *pixels, size_t stride)
{
	struct jpeg_decompress_struct jpeg;
	struct jpeg_error_mgr errors;
	jpeg.err = jpeg_std_error(&errors);
	jpeg_create_decompress(&jpeg);
	jpeg_mem_src(&jpeg, rect->data.bytes, rect->data.len);
	CHECK_INT(jpeg_read_header(&jpeg, TRUE), JPEG_HEADER_OK);
	CHECK_INT(jpeg.image_width, rect->width);
	CHECK_INT(jpeg.image_height, rect->height);
	jpeg.out_color_space = JCS_EXT_BGRA;
	jpeg_start_decompress(&jpeg);
	while (jpeg.output_scanline < jpeg.output_height) {
		JSAMPROW row = (JSAMPROW)(pixels + jpeg.output_scanline * stride);
		jpeg_read_scanlines(&jpeg, &row, 1);
	}
	jpeg_finish_decompress(&jpeg);
	jpeg_destroy_decompress(&jpeg);
}

static void apply_rect(struct rig *rig, const uint8_t *bytes, size_t len)
{
	struct wire_rect rect;
	CHECK_INT(wire_rect_decode(bytes, len, &rect), 0);
	struct rig_picture *picture = rig_picture(rig, rect.surface);
	CHECK(picture);
	CHECK(rect.x + rect.width <= (int)picture->width);
	CHECK(rect.y + rect.height <= (int)picture->height);
	uint32_t *to = picture->pixels + (size_t)rect.y * picture->width + rect.x;
	rig->rects++;
	if (rect.codec == WIRE_CODEC_JPEG) {
		rig->jpegs++;
		decode_jpeg(&rect, to, picture->width);
		return;
	}
	rig->solids += rect.codec == WIRE_CODEC_SOLID;
	CHECK_INT(rect_decode(&rig->decoder, rect.codec, rect.data.bytes, rect.data.len, rect.width,
				  rect.height, to, picture->width),
			0);
}

static void apply_copy(struct rig *rig, const uint8_t *bytes, size_t len)
{
	struct wire_copy copy;
	CHECK_INT(wire_copy_decode(bytes, len, &copy), 0);
	struct rig_picture *picture = rig_picture(rig, copy.surface);
	CHECK(picture);
	CHECK(copy.x + copy.width <= (int)picture->width &&
			copy.y + copy.height <= (int)picture->height);
	CHECK(copy.to_x + copy.width <= (int)picture->width);
	CHECK(copy.to_y + copy.height <= (int)picture->height);
	uint32_t *moved = malloc((size_t)copy.width * copy.height * 4);
	for (size_t y = 0; y < copy.height; y++) {
		memcpy(moved + y * copy.width,
				picture->pixels + (copy.y + y) * picture->width + copy.x,
				copy.width * 4u);
	}
	for (size_t y = 0; y < copy.height; y++) {
		memcpy(picture->pixels + (copy.to_y + y) * picture->width + copy.to_x,
				moved + y * copy.width, copy.width * 4u);
	}
	free(moved);
	rig->copies++;
}

static void apply_frame(struct rig *rig, const uint8_t *bytes, size_t len)
{
	struct wire_frame frame;
	CHECK_INT(wire_frame_decode(bytes, len, &frame), 0);
	struct rig_picture *picture = rig_picture(rig, frame.surface);
	CHECK(picture);
	memcpy(picture->shown, picture->pixels, (size_t)picture->width * picture->height * 4);
	rig->frames++;
	CHECK_INT(frame.sequence, rig->last_sequence + 1);
	rig->last_sequence = frame.sequence;
	rig->last_input_serial = frame.input_serial;
	if (rig->acknowledges) {
		rig_ack(rig, frame.sequence);
	}
}

static void forget_picture(struct rig *rig, uint32_t surface)
{
	struct rig_picture *picture = rig_picture(rig, surface);
	CHECK(picture);
	free(picture->pixels);
	free(picture->shown);
	*picture = (struct rig_picture){0};
}

static void apply_message(struct rig *rig, const uint8_t *bytes, size_t len)
{
	struct wire_bye bye;
	struct wire_context_menu menu;
	struct wire_tab tab;
	struct wire_surface_gone gone;
	CHECK_INT(wire_display_check(bytes, len), 0);
	rig->counts[bytes[0]]++;
	switch (bytes[0]) {
	case WIRE_SURFACE:
		apply_surface(rig, bytes, len);
		break;
	case WIRE_SURFACE_GONE:
		CHECK_INT(wire_surface_gone_decode(bytes, len, &gone), 0);
		forget_picture(rig, gone.surface);
		break;
	case WIRE_RECT:
		apply_rect(rig, bytes, len);
		break;
	case WIRE_COPY:
		apply_copy(rig, bytes, len);
		break;
	case WIRE_FRAME:
		apply_frame(rig, bytes, len);
		break;
	case WIRE_TAB:
		CHECK_INT(wire_tab_decode(bytes, len, &tab), 0);
		wire_string_copy(tab.title, rig->title, sizeof(rig->title));
		break;
	case WIRE_CONTEXT_MENU:
		CHECK_INT(wire_context_menu_decode(bytes, len, &menu), 0);
		wire_string_copy(menu.link, rig->menu_link, sizeof(rig->menu_link));
		break;
	case WIRE_BYE:
		CHECK_INT(wire_bye_decode(bytes, len, &bye), 0);
		rig->bye_reason = bye.reason;
		break;
	default:
		break;
	}
}

/* True when something came. */
static bool read_client(struct rig *rig)
{
	if (rig->client < 0 || rig->client_ended) {
		return false;
	}
	ssize_t got = recv(
			rig->client, rig->in + rig->in_len, IN_BYTES - rig->in_len, MSG_DONTWAIT);
	if (got <= 0) {
		rig->client_ended = got == 0 || errno != EAGAIN;
		return false;
	}
	rig->in_len += (size_t)got;
	rig->bytes += (size_t)got;
	const uint8_t *message;
	long len;
	size_t at = 0;
	while ((len = wire_stream_next(rig->in + at, rig->in_len - at, WIRE_MESSAGE_MAX_BYTES,
				&message)) > 0) {
		apply_message(rig, message, (size_t)len);
		at += (size_t)len + WIRE_LENGTH_BYTES;
	}
	CHECK_INT(len, 0);
	memmove(rig->in, rig->in + at, rig->in_len - at);
	rig->in_len -= at;
	return true;
}

static bool read_pacing(struct rig *rig)
{
	uint8_t bytes[WIRE_SHORT_MAX_BYTES];
	if (rig->pacing < 0) {
		return false;
	}
	ssize_t len = recv(rig->pacing, bytes, sizeof(bytes), MSG_DONTWAIT);
	if (len <= 0) {
		return false;
	}
	CHECK(wire_pacing_check(bytes, (size_t)len) == 0 ||
			wire_input_check(bytes, (size_t)len) == 0);
	rig->pacing_counts[bytes[0]]++;
	struct wire_taken taken;
	struct wire_frame_done done;
	if (wire_taken_decode(bytes, (size_t)len, &taken) == 0) {
		CHECK_INT(ring_writer_free(&rig->ring, taken.sequence), 0);
	} else if (wire_frame_done_decode(bytes, (size_t)len, &done) == 0) {
		rig->frame_done_surface = done.surface;
	}
	return true;
}

static bool read_seat(struct rig *rig)
{
	uint8_t bytes[64];
	if (rig->seat < 0) {
		return false;
	}
	ssize_t len = recv(rig->seat, bytes, sizeof(bytes), MSG_DONTWAIT);
	if (len <= 0) {
		return false;
	}
	CHECK_INT(wire_seat_report_check(bytes, (size_t)len), 0);
	rig->seat_counts[bytes[0]]++;
	return true;
}

static void let_encoder_work(struct rig *rig, int wait_ms)
{
	if (!rig->encoder) {
		struct pollfd ready[3] = {{rig->client_ended ? -1 : rig->client, POLLIN, 0},
				{rig->pacing, POLLIN, 0}, {rig->seat, POLLIN, 0}};
		poll(ready, 3, PROGRAM_WAIT_MS);
	} else if (!rig->encoder->has_ended) {
		loop_run_once(rig->loop, wait_ms);
	}
}

void rig_step(struct rig *rig)
{
	rig_wait(rig, 0);
}

void rig_wait(struct rig *rig, int ms)
{
	uint64_t end_ms = clock_now_ms() + (uint64_t)ms;
	for (int idle = 0; idle < 3 || clock_now_ms() < end_ms; idle++) {
		let_encoder_work(rig, idle > 2 ? 5 : 0);
		while (read_pacing(rig) || read_seat(rig)) {
			idle = 0;
		}
		while (read_client(rig)) {
			idle = 0;
		}
	}
}

void rig_client_send(struct rig *rig, const void *message, size_t len)
{
	uint8_t head[WIRE_LENGTH_BYTES];
	wire_put_length(head, len);
	CHECK_INT(send(rig->client, head, sizeof(head), MSG_NOSIGNAL), (ssize_t)sizeof(head));
	CHECK_INT(send(rig->client, message, len, MSG_NOSIGNAL), (ssize_t)len);
}

void rig_ack(struct rig *rig, uint32_t sequence)
{
	uint8_t bytes[16];
	struct wire_ack ack = {.sequence = sequence};
	rig_client_send(rig, bytes, (size_t)wire_ack_encode(&ack, bytes, sizeof(bytes)));
}

void rig_attach(struct rig *rig, bool greets)
{
	struct error err = {0};
	int pair[2];
	uint8_t bytes[16];
	close_client(rig);
	CHECK_INT(fds_socketpair(SOCK_STREAM, pair, &err), 0);
	struct wire_seat_client client = {0};
	long len = wire_seat_client_encode(&client, bytes, sizeof(bytes));
	CHECK_INT(fds_send(rig->seat, bytes, (size_t)len, &pair[1], 1), 0);
	close(pair[1]);
	rig->client = pair[0];
	rig->client_ended = false;
	rig->last_sequence = 0;
	if (greets) {
		struct wire_hello hello = {WIRE_VERSION, 1280, 720, 120};
		rig_client_send(rig, bytes,
				(size_t)wire_hello_encode(&hello, bytes, sizeof(bytes)));
	}
	rig_step(rig);
}

void rig_publish(struct rig *rig)
{
	ring_writer_publish(&rig->ring);
	CHECK_INT(eventfd_write(rig->doorbell, 1), 0);
}

void rig_place(struct rig *rig, uint32_t surface, uint32_t role)
{
	struct ring_record *record = ring_writer_begin(&rig->ring);
	CHECK(record);
	record->kind = RING_SURFACE;
	record->surface = surface;
	record->place = (struct ring_surface){.role = role, .visible = 1};
	rig_publish(rig);
}

void rig_frame(struct rig *rig, uint32_t surface, const uint32_t *picture, uint32_t width,
		uint32_t height, const struct rect *damage, size_t count)
{
	struct ring_record *record = ring_writer_begin(&rig->ring);
	CHECK(record);
	record->kind = RING_FRAME;
	record->surface = surface;
	record->frame.width = width;
	record->frame.height = height;
	record->frame.format = RING_BGRA;
	record->frame.damage_count = (uint32_t)count;
	memcpy(record->frame.damage, damage, count * sizeof(*damage));
	uint8_t *to = ring_writer_pixels(
			&rig->ring, ring_frame_bytes(&record->frame), &record->frame.arena_offset);
	CHECK(to);
	for (size_t i = 0; i < count; i++) {
		for (int32_t y = 0; y < damage[i].height; y++) {
			size_t len = (size_t)damage[i].width * 4;
			memcpy(to, picture + (size_t)(damage[i].y + y) * width + damage[i].x, len);
			to += len;
		}
	}
	rig_publish(rig);
}

void rig_text(struct rig *rig, uint32_t kind, uint32_t id, uint32_t flags, const char *first,
		const char *second)
{
	struct ring_record *record = ring_writer_begin(&rig->ring);
	CHECK(record);
	record->kind = kind;
	record->text.id = id;
	record->text.flags = flags;
	record->text.text_len[0] = (uint32_t)strlen(first);
	record->text.text_len[1] = (uint32_t)strlen(second);
	memcpy(record->text.text, first, strlen(first));
	memcpy(record->text.text + strlen(first), second, strlen(second));
	rig_publish(rig);
}

void rig_check_shown(struct rig *rig, uint32_t surface, const uint32_t *wanted)
{
	struct rig_picture *picture = rig_picture(rig, surface);
	CHECK(picture);
	for (uint32_t y = 0; y < picture->height; y++) {
		for (uint32_t x = 0; x < picture->width; x++) {
			size_t at = (size_t)y * picture->width + x;
			if (picture->shown[at] != wanted[at]) {
				test_fail(__FILE__, __LINE__,
						"surface %u shows %08x at %u,%u instead of %08x",
						surface, picture->shown[at], x, y, wanted[at]);
			}
		}
	}
}
