/* Where a request comes from: Host and Origin headers, client addresses. Pure. */
#ifndef SAFEWEB_GATEWAY_ORIGIN_H
#define SAFEWEB_GATEWAY_ORIGIN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#define ORIGIN_HOST_BYTES 256
#define ORIGIN_ADDRESS_BYTES 64

/* Whether a Host header is a name, IPv4 or [IPv6] with an optional port, and nothing else. */
bool origin_host_is_valid(const char *host, size_t len);

/* Whether an Origin header is exactly https:// and that host (case of letters aside). */
bool origin_is_same(const char *origin, size_t origin_len, const char *host, size_t host_len);

/* Writes a socket's address as text; an IPv4 address mapped into IPv6 as IPv4. */
void origin_address_text(const struct sockaddr *address, char ret_text[ORIGIN_ADDRESS_BYTES]);
/* Whether such a text is of this machine's loopback. */
bool origin_address_is_loopback(const char *text);
/* What to count attempts by: the address, or the /64 of an IPv6 one. */
void origin_address_group(const char *text, char ret_group[ORIGIN_ADDRESS_BYTES]);

#endif
