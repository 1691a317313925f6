/* An encoder between sockets that nobody reads closely, for fuzzing what its neighbours say. */
#ifndef SAFEWEB_FUZZ_ENCODER_STAND_H
#define SAFEWEB_FUZZ_ENCODER_STAND_H

#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fds.h"
#include "encoder/encoder.h"

struct stand {
	struct loop *loop;
	struct encoder *encoder;
	struct ring_writer ring;
	int fds[4];
	int pacing, seat, client;
};

static void stand_demand(int is_true)
{
	if (!is_true) {
		abort();
	}
}

static void stand_open(struct stand *stand)
{
	struct error err;
	int ring;
	int pair[2];
	*stand = (struct stand){0};
	stand_demand(fds_sealed_memory("ring", ring_size_bytes(), &ring, &err) == 0);
	stand_demand(ring_writer_init(&stand->ring, ring, &err) == 0);
	stand_demand(fds_reopen_readonly(ring, &stand->fds[0], &err) == 0);
	close(ring);
	stand->fds[1] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	stand_demand(fds_socketpair(SOCK_SEQPACKET, pair, &err) == 0);
	stand->pacing = pair[0];
	stand->fds[2] = pair[1];
	stand_demand(fds_socketpair(SOCK_SEQPACKET, pair, &err) == 0);
	stand->seat = pair[0];
	stand->fds[3] = pair[1];
	stand_demand(loop_create(&stand->loop, &err) == 0);
	const struct encoder_options options = {
			stand->fds[0], stand->fds[1], stand->fds[2], stand->fds[3]};
	stand_demand(encoder_create(&stand->encoder, stand->loop, &options, &err) == 0);
	stand_demand(fds_socketpair(SOCK_STREAM, pair, &err) == 0);
	uint8_t bytes[16];
	struct wire_seat_client client = {0};
	long len = wire_seat_client_encode(&client, bytes, sizeof(bytes));
	stand_demand(fds_send(stand->seat, bytes, (size_t)len, &pair[1], 1) == 0);
	close(pair[1]);
	stand->client = pair[0];
}

static void stand_say(struct stand *stand, const uint8_t *bytes, size_t len)
{
	uint8_t head[WIRE_LENGTH_BYTES];
	wire_put_length(head, len);
	send(stand->client, head, sizeof(head), MSG_NOSIGNAL | MSG_DONTWAIT);
	send(stand->client, bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* Lets everything that is ready happen, and acknowledges what the client has got. */
static void stand_run(struct stand *stand, bool acknowledges)
{
	static uint8_t drain[65536];
	for (int i = 0; i < 4 && !stand->encoder->has_ended; i++) {
		stand_demand(loop_run_once(stand->loop, 0) == 0);
		while (recv(stand->client, drain, sizeof(drain), MSG_DONTWAIT) > 0) {
		}
		while (recv(stand->pacing, drain, sizeof(drain), MSG_DONTWAIT) > 0) {
		}
		while (recv(stand->seat, drain, sizeof(drain), MSG_DONTWAIT) > 0) {
		}
		if (acknowledges && stand->encoder->client.state == CLIENT_READY) {
			struct wire_ack ack = {.sequence = stand->encoder->client.sequence};
			long len = wire_ack_encode(&ack, drain, sizeof(drain));
			stand_say(stand, drain, (size_t)len);
		}
	}
}

static void stand_greet(struct stand *stand)
{
	uint8_t bytes[16];
	struct wire_hello hello = {WIRE_VERSION, 640, 480, 120};
	stand_say(stand, bytes, (size_t)wire_hello_encode(&hello, bytes, sizeof(bytes)));
}

static void stand_close(struct stand *stand)
{
	encoder_destroy(stand->encoder);
	loop_destroy(stand->loop);
	ring_writer_finish(&stand->ring);
	for (int i = 0; i < 4; i++) {
		close(stand->fds[i]);
	}
	close(stand->pacing);
	close(stand->seat);
	close(stand->client);
}

#endif
