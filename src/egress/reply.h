/* What the client is told when it does not get what it asked for. */
#ifndef SAFEWEB_EGRESS_REPLY_H
#define SAFEWEB_EGRESS_REPLY_H

#include <stdbool.h>

#include "base/buffer.h"
#include "egress/target.h"
#include "wire/wire.h"

enum refusal {
	REFUSAL_SYNTAX,
	REFUSAL_TOO_LARGE,
	REFUSAL_SCHEME,
	REFUSAL_SPELLING,
	REFUSAL_INTERNAL,
	REFUSAL_PORT,
	REFUSAL_NAME,
	REFUSAL_DNS,
	REFUSAL_UNREACHABLE,
	REFUSAL_TIMEOUT,
	REFUSAL_PROXY,
	REFUSAL_ANSWER,
	REFUSAL_SLOW,
};

struct refusal_info {
	const char *status; /* of the answer: number and phrase */
	enum wire_notice_code notice;
	const char *verdict; /* the word in the audit line */
	const char *sentence; /* what, why, what to do; %s is the host */
};

const struct refusal_info *refusal_info(enum refusal refusal);

/* Appends a whole answer that ends the connection: a small page, or for CONNECT (of which browsers
 * show no page) a short text. target may be unknown: an empty host. */
int reply_write(enum refusal refusal, const struct target *target, bool is_connect,
		struct buffer *to);

#endif
