/* How far a request's body goes, so that nothing behind it is taken for a second request. Pure. */
#ifndef SAFEWEB_EGRESS_BODY_H
#define SAFEWEB_EGRESS_BODY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "egress/request.h"

enum body_state {
	BODY_COUNTED, /* `left` bytes follow */
	BODY_SIZE, /* hexadecimal size of a chunk */
	BODY_SIZE_LF, /* LF behind it */
	BODY_CHUNK, /* `left` bytes of the chunk follow */
	BODY_CHUNK_CR, /* CRLF behind it */
	BODY_CHUNK_LF,
	BODY_END_CR, /* CRLF behind the last chunk: no trailer is taken */
	BODY_END_LF,
	BODY_DONE,
};

struct body {
	enum body_state state;
	uint64_t left;
	unsigned digits; /* of the size read so far */
};

void body_init(struct body *body, const struct request *request);

/* How many of these bytes belong to the body; fewer than len only once it is done. -EBADMSG for bad
 * chunks (extensions and trailers, which browsers never send, included). */
long body_take(struct body *body, const uint8_t *bytes, size_t len);

#endif
