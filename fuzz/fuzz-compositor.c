/* A whole compositor between a hostile Wayland client and a hostile encoder. The first byte of each
 * chunk says whose turn it is, the second how long the chunk is. */
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include <wayland-server-core.h>

#include "base/fds.h"
#include "compositor/compositor.h"
#include "frame/ring.h"

#define POOL_BYTES 65536

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct compositor *start(int ring, int *ret_client, int *ret_encoder)
{
	struct error err = {0};
	struct compositor *compositor = NULL;
	int client[2], encoder[2];
	if (fds_socketpair(SOCK_STREAM, client, &err) < 0 ||
			fds_socketpair(SOCK_SEQPACKET, encoder, &err) < 0) {
		abort();
	}
	struct compositor_options options = {.ring_fd = fcntl(ring, F_DUPFD_CLOEXEC, 3),
			.doorbell_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
			.pacing_fd = encoder[0],
			.wayland_fd = client[0],
			.cdp_in_fd = -1,
			.cdp_out_fd = -1,
			.width = 640,
			.height = 480,
			.scale_120 = 120};
	if (compositor_create(&options, &compositor, &err) < 0) {
		abort();
	}
	*ret_client = client[1];
	*ret_encoder = encoder[1];
	return compositor;
}

static void turn(struct compositor *compositor, int client)
{
	uint8_t events[65536];
	wl_event_loop_dispatch(compositor->loop, 0);
	wl_display_flush_clients(compositor->display);
	while (recv(client, events, sizeof(events), MSG_DONTWAIT) > 0) {
	}
}

static void check_ring(int ring)
{
	struct error err = {0};
	struct ring_reader reader;
	struct ring_record record;
	int code;
	if (ring_reader_init(&reader, ring, &err) < 0) {
		abort();
	}
	while ((code = ring_reader_next(&reader, &record)) > 0) {
	}
	if (code < 0) {
		abort();
	}
	ring_reader_finish(&reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct error err = {0};
	int ring, client, encoder;
	if (fds_sealed_memory("ring", ring_size_bytes(), &ring, &err) < 0) {
		abort();
	}
	struct compositor *compositor = start(ring, &client, &encoder);
	int pool = memfd_create("pool", MFD_CLOEXEC);
	if (ftruncate(pool, POOL_BYTES) < 0) {
		abort();
	}
	while (size >= 2) {
		uint8_t kind = data[0];
		size_t len = (size_t)data[1] * 4;
		data += 2;
		size -= 2;
		len = len < size ? len : size;
		if (kind & 1) {
			fds_send(encoder, data, len, NULL, 0);
		} else {
			fds_send(client, data, len, &pool, kind & 2 ? 1 : 0);
		}
		if (kind & 4 && ftruncate(pool, kind & 8 ? 0 : POOL_BYTES) < 0) {
			abort();
		}
		data += len;
		size -= len;
		turn(compositor, client);
		if (!compositor->client) {
			break;
		}
	}
	check_ring(ring);
	compositor_destroy(compositor);
	close(pool);
	close(client);
	close(encoder);
	close(ring);
	return 0;
}
