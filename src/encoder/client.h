/* The client's connection: a stream of messages each way, never blocking. */
#ifndef SAFEWEB_ENCODER_CLIENT_H
#define SAFEWEB_ENCODER_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/loop.h"
#include "wire/messages.h"

/* No new rectangle is coded while this much waits to be sent: a later picture may replace it. */
#define CLIENT_HIGH_BYTES (512u * 1024)
/* Inside a frame, so much is sent at a time. */
#define CLIENT_FLUSH_BYTES (32u * 1024)
/* A client that lets this much wait in short messages has failed. Room for the largest rect
 * besides. */
#define CLIENT_MAX_BYTES (WIRE_MESSAGE_MAX_BYTES + 4u * 1024 * 1024)
/* hello has to come within this time. */
#define CLIENT_HELLO_TIMEOUT_MS 10000
/* At most so many frames are on their way or not yet shown. */
#define CLIENT_FRAMES_MAX 2u

enum client_state {
	CLIENT_NONE, /* no connection */
	CLIENT_WAITS_HELLO, /* connected */
	CLIENT_READY,
};

struct client {
	enum client_state state;
	struct loop *loop;
	struct loop_source source; /* fd is owned */
	struct loop_timer hello_timer;
	struct buffer in;
	struct buffer out;
	bool is_visible;
	bool is_reading_paused;
	bool has_failed; /* to be closed at the next chance */
	uint32_t sequence; /* of the last frame sent */
	uint32_t acknowledged;
};

void client_init(struct client *client, struct loop *loop);
/* Takes over fd. on_event is called with the loop's events; on_timeout when hello does not come. */
int client_open(struct client *client, int fd, loop_source_handler on_event,
		loop_timer_handler on_timeout, void *data);
/* Closes without a word. What was queued and not sent is lost. */
void client_close(struct client *client);
/* Queues bye, gives it a moment (at most wait_ms) to leave, and closes. */
void client_say_bye(struct client *client, uint16_t reason, int wait_ms);

/* Room for a message of at most size bytes at the end of the queue, NULL when it is full; then
 * client_commit with its length, or a negative number for none. */
uint8_t *client_reserve(struct client *client, size_t size);
void client_commit(struct client *client, long len);

/* Sends what it can. Failure shows in has_failed. */
void client_flush(struct client *client);
/* Reads what is there into `in`: false at end of file or failure. */
bool client_read(struct client *client);
void client_pause_reading(struct client *client, bool is_paused);

static inline bool client_is_ready(const struct client *client)
{
	return client->state == CLIENT_READY && !client->has_failed;
}

static inline uint32_t client_frames_unacknowledged(const struct client *client)
{
	return client->sequence - client->acknowledged;
}

/* Whether a new frame may begin. */
static inline bool client_takes_frame(const struct client *client)
{
	return client_is_ready(client) && client_frames_unacknowledged(client) < CLIENT_FRAMES_MAX;
}

static inline bool client_takes_rect(const struct client *client)
{
	return client_is_ready(client) && buffer_length(&client->out) < CLIENT_HIGH_BYTES;
}

/* Queues a message of the group display: CLIENT_SEND(client, cursor, CURSOR, &message). */
#define CLIENT_SEND(client, name, NAME, message)                                                   \
	do {                                                                                       \
		uint8_t *client_to = client_reserve(client, WIRE_##NAME##_MAX_BYTES);              \
		if (client_to) {                                                                   \
			client_commit(client,                                                      \
					wire_##name##_encode(message, client_to,                   \
							WIRE_##NAME##_MAX_BYTES));                 \
		}                                                                                  \
	} while (0)

#endif
