/* Where a request wants to go: host and port, from an authority or a URL. Pure. */
#ifndef SAFEWEB_EGRESS_TARGET_H
#define SAFEWEB_EGRESS_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "egress/address.h"

/* The longest name DNS has. */
#define TARGET_HOST_MAX_BYTES 253
#define TARGET_LABEL_MAX_BYTES 63

struct target {
	char host[TARGET_HOST_MAX_BYTES + 1]; /* lower case, without brackets or last dot */
	uint16_t port;
	bool is_literal; /* then address is set */
	struct address address;
};

/* 1…65535 in at most five digits without leading zeros, else -EINVAL. */
int target_parse_port(const char *text, size_t len, uint16_t *ret_port);

/* Reads HOST[:PORT] or [IPv6][:PORT]. standard_port 0: the port must be there. Returns 0, -EINVAL
 * for bad syntax, -EPERM for an address that is not spelled canonically (0x7f.1, 2130706433,
 * 010.0.0.1). */
int target_parse_authority(
		const char *text, size_t len, uint16_t standard_port, struct target *ret_target);

/* Reads http://AUTHORITY[/PATH][?QUERY]; *ret_path_at is where path or query begin (len when there
 * is none). Besides what target_parse_authority returns: -EPROTONOSUPPORT for another scheme. */
int target_parse_url(const char *text, size_t len, struct target *ret_target, size_t *ret_path_at);

/* True for localhost and names below it: they mean this machine whatever DNS says. */
bool target_is_local_name(const struct target *target);

#define TARGET_TEXT_BYTES (TARGET_HOST_MAX_BYTES + sizeof("[]:65535"))
/* Writes HOST:PORT with brackets where they belong; without the port when it is omit_port. */
void target_format(const struct target *target, uint16_t omit_port, char text[TARGET_TEXT_BYTES]);

#endif
