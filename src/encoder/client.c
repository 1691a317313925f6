#include "encoder/client.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A queue that was long gives its memory back once it is empty. */
#define KEEP_BYTES (64u * 1024)
#define IN_MAX_BYTES (WIRE_SHORT_MAX_BYTES + WIRE_LENGTH_BYTES)

void client_init(struct client *client, struct loop *loop)
{
	*client = (struct client){.loop = loop};
	client->source.fd = -1;
	buffer_init(&client->in, IN_MAX_BYTES);
	buffer_init(&client->out, CLIENT_MAX_BYTES);
}

int client_open(struct client *client, int fd, loop_source_handler on_event,
		loop_timer_handler on_timeout, void *data)
{
	assert(client->state == CLIENT_NONE);
	int code = loop_source_add(client->loop, &client->source, fd, EPOLLIN, on_event, data);
	if (code < 0) {
		close(fd);
		return code;
	}
	client->state = CLIENT_WAITS_HELLO;
	client->is_visible = true;
	client->is_reading_paused = false;
	client->has_failed = false;
	client->sequence = 0;
	client->acknowledged = 0;
	loop_timer_init(client->loop, &client->hello_timer, on_timeout, data);
	loop_timer_arm(&client->hello_timer, CLIENT_HELLO_TIMEOUT_MS);
	return 0;
}

void client_close(struct client *client)
{
	if (client->state == CLIENT_NONE) {
		return;
	}
	int fd = client->source.fd;
	loop_timer_disarm(&client->hello_timer);
	loop_source_remove(&client->source);
	close(fd);
	buffer_finish(&client->in);
	buffer_finish(&client->out);
	client_init(client, client->loop);
}

uint8_t *client_reserve(struct client *client, size_t size)
{
	uint8_t *to = buffer_reserve(&client->out, WIRE_LENGTH_BYTES + size);
	if (!to) {
		client->has_failed = true;
		return NULL;
	}
	return to + WIRE_LENGTH_BYTES;
}

void client_commit(struct client *client, long len)
{
	/* Everything was cut to the protocol's limits before: a message that cannot be coded is
	 * ours. */
	assert(len > 0);
	wire_put_length(client->out.bytes + client->out.end, (size_t)len);
	buffer_commit(&client->out, WIRE_LENGTH_BYTES + (size_t)len);
}

static void watch(struct client *client)
{
	uint32_t events = client->is_reading_paused ? 0 : EPOLLIN;
	events |= buffer_length(&client->out) ? EPOLLOUT : 0;
	if (loop_source_update(&client->source, events) < 0) {
		client->has_failed = true;
	}
}

void client_flush(struct client *client)
{
	if (client->state == CLIENT_NONE) {
		return;
	}
	while (!client->has_failed && buffer_length(&client->out)) {
		ssize_t sent = send(client->source.fd, buffer_head(&client->out),
				buffer_length(&client->out), MSG_NOSIGNAL | MSG_DONTWAIT);
		if (sent < 0 && errno == EAGAIN) {
			break;
		}
		if (sent < 0) {
			client->has_failed = errno != EINTR;
			continue;
		}
		buffer_consume(&client->out, (size_t)sent);
	}
	if (buffer_length(&client->out) == 0 && client->out.size_bytes > KEEP_BYTES) {
		buffer_finish(&client->out);
		buffer_init(&client->out, CLIENT_MAX_BYTES);
	}
	watch(client);
}

bool client_read(struct client *client)
{
	size_t room = IN_MAX_BYTES - buffer_length(&client->in);
	uint8_t *to = buffer_reserve(&client->in, room);
	if (!to || room == 0) {
		return false;
	}
	ssize_t got = recv(client->source.fd, to, room, MSG_DONTWAIT);
	if (got < 0) {
		return errno == EAGAIN || errno == EINTR;
	}
	buffer_commit(&client->in, (size_t)got);
	return got > 0;
}

void client_pause_reading(struct client *client, bool is_paused)
{
	if (client->state != CLIENT_NONE && client->is_reading_paused != is_paused) {
		client->is_reading_paused = is_paused;
		watch(client);
	}
}

void client_say_bye(struct client *client, uint16_t reason, int wait_ms)
{
	if (client->state == CLIENT_NONE) {
		return;
	}
	struct wire_bye bye = {.reason = reason};
	CLIENT_SEND(client, bye, BYE, &bye);
	client_flush(client);
	uint64_t end_ms = clock_now_ms() + (uint64_t)wait_ms;
	while (!client->has_failed && buffer_length(&client->out)) {
		uint64_t now_ms = clock_now_ms();
		struct pollfd wait = {.fd = client->source.fd, .events = POLLOUT};
		if (now_ms >= end_ms || poll(&wait, 1, (int)(end_ms - now_ms)) <= 0) {
			break;
		}
		client_flush(client);
	}
	client_close(client);
}
