/* The node's socket: clients come in, reports go out. */
#include <errno.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fds.h"
#include "encoder/encoder.h"

static void report(struct encoder *encoder, const uint8_t *bytes, size_t len)
{
	if (encoder->has_ended) {
		return;
	}
	int code = packets_send(&encoder->seat, bytes, len);
	if (code < 0) {
		encoder_end(encoder, WIRE_REASON_SHUTDOWN, 0, "the node is gone");
	}
}

void encoder_report_attached(struct encoder *encoder, bool attached)
{
	if (encoder->is_attached == attached) {
		return;
	}
	encoder->is_attached = attached;
	uint8_t bytes[16];
	struct wire_attached pacing = {.attached = attached};
	encoder_send_pacing(encoder, bytes,
			(size_t)wire_attached_encode(&pacing, bytes, sizeof(bytes)));
	struct wire_seat_attached seat = {.attached = attached};
	report(encoder, bytes, (size_t)wire_seat_attached_encode(&seat, bytes, sizeof(bytes)));
}

void encoder_report_ready(struct encoder *encoder)
{
	if (encoder->is_ready) {
		return;
	}
	encoder->is_ready = true;
	uint8_t bytes[16];
	struct wire_seat_ready ready = {0};
	report(encoder, bytes, (size_t)wire_seat_ready_encode(&ready, bytes, sizeof(bytes)));
}

void encoder_report_input(struct encoder *encoder)
{
	uint64_t now_ms = clock_now_ms();
	if (encoder->seat_input_ms && now_ms - encoder->seat_input_ms < ENCODER_SEAT_INPUT_MS) {
		return;
	}
	encoder->seat_input_ms = now_ms;
	uint8_t bytes[16];
	struct wire_seat_input input = {0};
	report(encoder, bytes, (size_t)wire_seat_input_encode(&input, bytes, sizeof(bytes)));
}

void encoder_detach(struct encoder *encoder)
{
	client_close(&encoder->client);
	loop_timer_disarm(&encoder->settle_timer);
	encoder->current = NULL;
	encoder_report_attached(encoder, false);
}

static void handle_client(struct loop_source *source, uint32_t events)
{
	struct encoder *encoder = source->data;
	if (events & EPOLLOUT) {
		client_flush(&encoder->client);
	}
	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
		encoder_read_client(encoder);
	} else {
		encoder_pump(encoder);
	}
}

static void handle_hello_timeout(struct loop_timer *timer)
{
	struct encoder *encoder = timer->data;
	client_say_bye(&encoder->client, WIRE_REASON_PROTOCOL, 0);
}

static void take_client(struct encoder *encoder, int fd)
{
	if (fds_set_nonblocking(fd) < 0) {
		close(fd);
		return;
	}
	if (encoder->client.state != CLIENT_NONE) {
		client_say_bye(&encoder->client, WIRE_REASON_REPLACED, 0);
		encoder_detach(encoder);
	}
	if (!encoder->has_ended) {
		client_open(&encoder->client, fd, handle_client, handle_hello_timeout, encoder);
	} else {
		close(fd);
	}
}

static void handle_seat_message(struct encoder *encoder, const uint8_t *bytes, size_t len, int *fd)
{
	struct wire_seat_client client;
	struct wire_seat_end end;
	if (wire_seat_end_decode(bytes, len, &end) == 0) {
		encoder_end(encoder, end.reason, 0, "the node ended the session");
	} else if (wire_seat_client_decode(bytes, len, &client) == 0 && *fd >= 0) {
		take_client(encoder, steal_fd(fd));
	} else {
		encoder_end(encoder, WIRE_REASON_FAILED, -EBADMSG,
				"the node sent an unknown message");
	}
}

void encoder_handle_seat(struct loop_source *source, uint32_t events)
{
	struct encoder *encoder = source->data;
	if (events & EPOLLOUT && packets_flush(&encoder->seat) < 0) {
		encoder_end(encoder, WIRE_REASON_SHUTDOWN, 0, "the node is gone");
		return;
	}
	if (!(events & (EPOLLIN | EPOLLHUP | EPOLLERR))) {
		return;
	}
	uint8_t bytes[64];
	CLEANUP_CLOSE int fd = -1;
	size_t fd_count = 1;
	ssize_t len = fds_receive(source->fd, bytes, sizeof(bytes), &fd, &fd_count);
	if (len == -EAGAIN || len == -EINTR) {
		return;
	}
	if (len <= 0) {
		encoder_end(encoder, WIRE_REASON_SHUTDOWN, 0, "the node is gone");
		return;
	}
	handle_seat_message(encoder, bytes, (size_t)len, &fd);
}
