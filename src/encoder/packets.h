/* Messages out on a SOCK_SEQPACKET socket, one a packet, never blocking: what does not fit in the
 * socket waits in order. */
#ifndef SAFEWEB_ENCODER_PACKETS_H
#define SAFEWEB_ENCODER_PACKETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/loop.h"

/* A peer that reads nothing while this much waits has failed. */
#define PACKETS_MAX_BYTES (256u * 1024)
/* Above this the encoder stops reading what would add more. */
#define PACKETS_HIGH_BYTES (32u * 1024)

struct packets {
	struct loop_source *source; /* not owned: the socket's, also used for reading */
	struct buffer waiting; /* each with its length (u32) before it */
};

void packets_init(struct packets *packets, struct loop_source *source);
void packets_finish(struct packets *packets);

/* Sends or keeps one message. 0 or a negative errno: the peer is gone or too slow. */
int packets_send(struct packets *packets, const uint8_t *bytes, size_t len);
/* Sends what waits; call it on EPOLLOUT. */
int packets_flush(struct packets *packets);

static inline size_t packets_waiting(const struct packets *packets)
{
	return buffer_length(&packets->waiting);
}

#endif
