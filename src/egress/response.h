/* Heads of answers, from an origin server or an upstream proxy. Pure. */
#ifndef SAFEWEB_EGRESS_RESPONSE_H
#define SAFEWEB_EGRESS_RESPONSE_H

#include <stddef.h>

#include "base/buffer.h"
#include "egress/head.h"

/* The status of a whole head (as head_find_end measures it), -EBADMSG when it is none of HTTP/1. */
int response_status(const char *head, size_t len);

/* Appends the head as the client gets it: hop-by-hop fields left out, Connection: close put in; an
 * answer 101 keeps its Upgrade, other 1xx stay as they are. -EBADMSG, or as buffer_append. */
int response_write(const char *head, size_t len, struct buffer *to);

#endif
