/* Chromium's --remote-debugging-pipe: JSON messages that each end with a NUL. Pure. */
#ifndef SAFEWEB_COMPOSITOR_CDP_STREAM_H
#define SAFEWEB_COMPOSITOR_CDP_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"

/* A longer message is skipped whole, without being kept. */
#define CDP_MESSAGE_MAX_BYTES (1024u * 1024)

struct cdp_stream {
	struct buffer message; /* the start of the one that is not whole yet */
	bool is_skipping;
	uint64_t skipped; /* messages so far */
};

typedef void (*cdp_message_handler)(void *data, const char *text, size_t len);

void cdp_stream_init(struct cdp_stream *stream);
void cdp_stream_finish(struct cdp_stream *stream);
/* Takes bytes as they come and hands over each whole message, without its NUL. */
void cdp_stream_feed(struct cdp_stream *stream, const uint8_t *bytes, size_t len,
		cdp_message_handler handle, void *data);

#endif
