#include "encoder/packets.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "wire/wire.h"

void packets_init(struct packets *packets, struct loop_source *source)
{
	packets->source = source;
	buffer_init(&packets->waiting, PACKETS_MAX_BYTES);
}

void packets_finish(struct packets *packets)
{
	buffer_finish(&packets->waiting);
}

static int send_now(struct packets *packets, const uint8_t *bytes, size_t len)
{
	ssize_t sent = send(packets->source->fd, bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT);
	return sent < 0 ? -errno : 0;
}

static int keep(struct packets *packets, const uint8_t *bytes, size_t len)
{
	uint8_t *to = buffer_reserve(&packets->waiting, WIRE_LENGTH_BYTES + len);
	if (!to) {
		return -ENOBUFS;
	}
	wire_put_length(to, len);
	memcpy(to + WIRE_LENGTH_BYTES, bytes, len);
	buffer_commit(&packets->waiting, WIRE_LENGTH_BYTES + len);
	return loop_source_update(packets->source, EPOLLIN | EPOLLOUT);
}

int packets_send(struct packets *packets, const uint8_t *bytes, size_t len)
{
	if (packets_waiting(packets) == 0) {
		int code = send_now(packets, bytes, len);
		if (code != -EAGAIN) {
			return code;
		}
	}
	return keep(packets, bytes, len);
}

int packets_flush(struct packets *packets)
{
	const uint8_t *message;
	long len;
	while ((len = wire_stream_next(buffer_head(&packets->waiting), packets_waiting(packets),
				PACKETS_MAX_BYTES, &message)) > 0) {
		int code = send_now(packets, message, (size_t)len);
		if (code == -EAGAIN) {
			return 0;
		}
		if (code < 0) {
			return code;
		}
		buffer_consume(&packets->waiting, WIRE_LENGTH_BYTES + (size_t)len);
	}
	return loop_source_update(packets->source, EPOLLIN);
}
