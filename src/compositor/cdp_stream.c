#include "compositor/cdp_stream.h"

#include <string.h>

void cdp_stream_init(struct cdp_stream *stream)
{
	*stream = (struct cdp_stream){0};
	buffer_init(&stream->message, CDP_MESSAGE_MAX_BYTES);
}

void cdp_stream_finish(struct cdp_stream *stream)
{
	buffer_finish(&stream->message);
}

/* Lets go of the memory too: between messages nothing is kept. */
static void drop_message(struct cdp_stream *stream)
{
	buffer_finish(&stream->message);
	buffer_init(&stream->message, CDP_MESSAGE_MAX_BYTES);
}

static void keep_part(struct cdp_stream *stream, const uint8_t *bytes, size_t len)
{
	if (!stream->is_skipping && buffer_append(&stream->message, bytes, len) < 0) {
		drop_message(stream);
		stream->is_skipping = true;
		stream->skipped++;
	}
}

void cdp_stream_feed(struct cdp_stream *stream, const uint8_t *bytes, size_t len,
		cdp_message_handler handle, void *data)
{
	while (len > 0) {
		const uint8_t *end = memchr(bytes, 0, len);
		size_t part = end ? (size_t)(end - bytes) : len;
		bool is_alone = end && buffer_length(&stream->message) == 0 &&
				!stream->is_skipping && part <= CDP_MESSAGE_MAX_BYTES;
		if (is_alone) {
			handle(data, (const char *)bytes, part);
		} else {
			keep_part(stream, bytes, part);
			if (end && !stream->is_skipping) {
				handle(data, (const char *)buffer_head(&stream->message),
						buffer_length(&stream->message));
			}
			if (end) {
				drop_message(stream);
				stream->is_skipping = false;
			}
		}
		part += end ? 1 : 0;
		bytes += part;
		len -= part;
	}
}
