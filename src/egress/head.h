/* What requests and answers share: finding the end of a head, walking its lines, header names.
 * Pure. */
#ifndef SAFEWEB_EGRESS_HEAD_H
#define SAFEWEB_EGRESS_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HEAD_MAX_BYTES (32 * 1024)

/* A part of a head; points into it. */
struct head_span {
	const char *bytes;
	size_t len;
};

/* Looks for the empty line that ends a head. *scanned remembers how far it looked, so that a head
 * which arrives byte by byte is looked at once. Lines end in CRLF, or in LF alone when is_lenient.
 * Returns the head's length with its empty line, 0 when more is needed, -EMSGSIZE over the cap. */
long head_find_end(const char *bytes, size_t len, bool is_lenient, size_t *scanned);

/* Takes the next line off *rest; without its CRLF or LF. False when there is none. */
bool head_next_line(struct head_span *rest, struct head_span *ret_line);

/* Splits NAME:VALUE, white space around the value cut. -EINVAL when name or value holds what RFC
 * 9112 does not allow there (a folded line begins with white space: no name). */
int head_split_field(
		struct head_span line, struct head_span *ret_name, struct head_span *ret_value);

bool head_is_token(struct head_span span);
/* Compares without regard to case. */
bool head_equals(struct head_span span, const char *text);
bool head_starts_with(struct head_span span, const char *text);
/* True when a comma-separated list names the token. */
bool head_list_has(struct head_span list, struct head_span token);

/* True for fields that concern one connection and are never passed on. */
bool head_is_hop_by_hop(struct head_span name);

#endif
