#include "egress/body.h"

#include <errno.h>

/* Chunks under 2^60 bytes. */
#define CHUNK_MAX_DIGITS 15

void body_init(struct body *body, const struct request *request)
{
	*body = (struct body){.state = BODY_DONE};
	if (request->body == REQUEST_BODY_CHUNKED) {
		body->state = BODY_SIZE;
	} else if (request->body == REQUEST_BODY_LENGTH) {
		body->state = BODY_COUNTED;
		body->left = request->body_bytes;
	}
}

static int hex_value(uint8_t c)
{
	if (c >= '0' && c <= '9') {
		return c - '0';
	}
	uint8_t lower = c | 0x20;
	return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

static int take_size(struct body *body, uint8_t c)
{
	int value = hex_value(c);
	if (value >= 0 && body->digits < CHUNK_MAX_DIGITS) {
		body->left = body->left * 16 + (uint64_t)value;
		body->digits++;
		return 0;
	}
	if (c != '\r' || body->digits == 0) {
		return -EBADMSG;
	}
	body->state = BODY_SIZE_LF;
	return 0;
}

static int expect(struct body *body, uint8_t c, uint8_t wanted, enum body_state next)
{
	if (c != wanted) {
		return -EBADMSG;
	}
	body->state = next;
	if (next == BODY_SIZE) {
		body->left = 0;
		body->digits = 0;
	}
	return 0;
}

/* One byte of a chunked body's frame. */
static int take_frame_byte(struct body *body, uint8_t c)
{
	switch (body->state) {
	case BODY_SIZE:
		return take_size(body, c);
	case BODY_SIZE_LF:
		return expect(body, c, '\n', body->left ? BODY_CHUNK : BODY_END_CR);
	case BODY_CHUNK_CR:
		return expect(body, c, '\r', BODY_CHUNK_LF);
	case BODY_CHUNK_LF:
		return expect(body, c, '\n', BODY_SIZE);
	case BODY_END_CR:
		return expect(body, c, '\r', BODY_END_LF);
	case BODY_END_LF:
		return expect(body, c, '\n', BODY_DONE);
	case BODY_COUNTED:
	case BODY_CHUNK:
	case BODY_DONE:
		break;
	}
	return -EBADMSG;
}

long body_take(struct body *body, const uint8_t *bytes, size_t len)
{
	size_t at = 0;
	while (at < len && body->state != BODY_DONE) {
		if (body->state == BODY_COUNTED || body->state == BODY_CHUNK) {
			size_t step = len - at;
			if (step > body->left) {
				step = (size_t)body->left;
			}
			at += step;
			body->left -= step;
			if (body->left == 0) {
				body->state = body->state == BODY_CHUNK ? BODY_CHUNK_CR : BODY_DONE;
			}
		} else if (take_frame_byte(body, bytes[at++]) < 0) {
			return -EBADMSG;
		}
	}
	return (long)at;
}
