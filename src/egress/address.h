/* IP addresses as values: strict text forms, prefixes, and the special-purpose ranges. */
#ifndef SAFEWEB_EGRESS_ADDRESS_H
#define SAFEWEB_EGRESS_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define ADDRESS_TEXT_BYTES 48

struct address {
	uint8_t family; /* 4 or 6 */
	uint8_t bytes[16]; /* network order; the first 4 of an IPv4 address, the rest 0 */
};

struct address_prefix {
	struct address address;
	uint8_t bits; /* 0…32 or 0…128 */
};

static inline size_t address_bits(const struct address *address)
{
	return address->family == 4 ? 32 : 128;
}

/* Reads a canonical dotted quad (four decimals without leading zeros) or an IPv6 address without
 * brackets and zone. Every other spelling of an address is -EINVAL. */
int address_parse(const char *text, size_t len, struct address *ret_address);

/* Reads ADDRESS[/BITS]. -EINVAL when it is none, or when bits behind the prefix are set. */
int address_prefix_parse(const char *text, size_t len, struct address_prefix *ret_prefix);

void address_format(const struct address *address, char text[ADDRESS_TEXT_BYTES]);
bool address_equal(const struct address *a, const struct address *b);
bool address_is_in(const struct address *address, const struct address_prefix *prefix);

/* 0, or -EAFNOSUPPORT for what is no IP address. */
int address_from_sockaddr(const struct sockaddr *from, struct address *ret_address);
/* Returns the length of what was written. */
socklen_t address_to_sockaddr(
		const struct address *address, uint16_t port, struct sockaddr_storage *ret_to);

/* The name of the special-purpose range an address lies in, NULL when it is an ordinary address of
 * the public internet. Source: the IANA special-purpose registries for IPv4 and IPv6 (RFC 6890 and
 * later); of IPv6 only 2000::/3 is public at all. */
const char *address_special_range(const struct address *address);

/* True for the addresses at which clouds give credentials to whoever asks. */
bool address_is_metadata(const struct address *address);

/* When an IPv6 address carries an IPv4 one that a router or the kernel would unpack (mapped, NAT64,
 * 6to4), writes that and returns true. */
bool address_embedded(const struct address *address, struct address *ret_inner);

#endif
