#include "egress/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"

#define IPV4_MIN_TEXT 7
#define IPV4_MAX_TEXT 15

/* Reads one decimal of a dotted quad; returns its length, 0 when it is none. */
static size_t read_octet(const char *text, size_t len, uint8_t *ret_octet)
{
	unsigned value = 0;
	size_t at = 0;
	while (at < len && at < 3 && text[at] >= '0' && text[at] <= '9') {
		value = value * 10 + (unsigned)(text[at] - '0');
		at++;
	}
	if (at == 0 || value > 255 || (at > 1 && text[0] == '0')) {
		return 0;
	}
	*ret_octet = (uint8_t)value;
	return at;
}

static int parse_ipv4(const char *text, size_t len, struct address *ret_address)
{
	struct address address = {.family = 4};
	size_t at = 0;
	for (int i = 0; i < 4; i++) {
		if (i > 0 && (at >= len || text[at++] != '.')) {
			return -EINVAL;
		}
		size_t octet_len = read_octet(text + at, len - at, &address.bytes[i]);
		if (octet_len == 0) {
			return -EINVAL;
		}
		at += octet_len;
	}
	if (at != len) {
		return -EINVAL;
	}
	*ret_address = address;
	return 0;
}

int address_parse(const char *text, size_t len, struct address *ret_address)
{
	if (!memchr(text, ':', len)) {
		return parse_ipv4(text, len, ret_address);
	}
	char terminated[INET6_ADDRSTRLEN];
	if (len >= sizeof(terminated) || memchr(text, '\0', len)) {
		return -EINVAL;
	}
	memcpy(terminated, text, len);
	terminated[len] = '\0';
	struct address address = {.family = 6};
	if (inet_pton(AF_INET6, terminated, address.bytes) != 1) {
		return -EINVAL;
	}
	*ret_address = address;
	return 0;
}

static bool bit_of(const struct address *address, size_t bit)
{
	return address->bytes[bit / 8] >> (7 - bit % 8) & 1;
}

int address_prefix_parse(const char *text, size_t len, struct address_prefix *ret_prefix)
{
	const char *slash = memchr(text, '/', len);
	size_t address_len = slash ? (size_t)(slash - text) : len;
	struct address_prefix prefix;
	if (address_parse(text, address_len, &prefix.address) < 0) {
		return -EINVAL;
	}
	size_t bits = address_bits(&prefix.address);
	if (slash) {
		size_t digits = len - address_len - 1;
		size_t value = 0;
		if (digits == 0 || digits > 3 || (digits > 1 && slash[1] == '0')) {
			return -EINVAL;
		}
		for (size_t i = 1; i <= digits; i++) {
			if (slash[i] < '0' || slash[i] > '9') {
				return -EINVAL;
			}
			value = value * 10 + (size_t)(slash[i] - '0');
		}
		if (value > bits) {
			return -EINVAL;
		}
		bits = value;
	}
	for (size_t bit = bits; bit < address_bits(&prefix.address); bit++) {
		if (bit_of(&prefix.address, bit)) {
			return -EINVAL;
		}
	}
	prefix.bits = (uint8_t)bits;
	*ret_prefix = prefix;
	return 0;
}

void address_format(const struct address *address, char text[ADDRESS_TEXT_BYTES])
{
	int family = address->family == 4 ? AF_INET : AF_INET6;
	if (!inet_ntop(family, address->bytes, text, ADDRESS_TEXT_BYTES)) {
		text[0] = '\0';
	}
}

bool address_equal(const struct address *a, const struct address *b)
{
	return a->family == b->family && memcmp(a->bytes, b->bytes, address_bits(a) / 8) == 0;
}

static bool bytes_share_prefix(const uint8_t *a, const uint8_t *b, size_t bits)
{
	size_t whole = bits / 8;
	if (memcmp(a, b, whole) != 0) {
		return false;
	}
	size_t rest = bits % 8;
	return rest == 0 || (a[whole] ^ b[whole]) >> (8 - rest) == 0;
}

bool address_is_in(const struct address *address, const struct address_prefix *prefix)
{
	return address->family == prefix->address.family &&
			bytes_share_prefix(address->bytes, prefix->address.bytes, prefix->bits);
}

int address_from_sockaddr(const struct sockaddr *from, struct address *ret_address)
{
	struct address address = {0};
	if (from->sa_family == AF_INET) {
		struct sockaddr_in in;
		memcpy(&in, from, sizeof(in));
		address.family = 4;
		memcpy(address.bytes, &in.sin_addr, 4);
	} else if (from->sa_family == AF_INET6) {
		struct sockaddr_in6 in6;
		memcpy(&in6, from, sizeof(in6));
		address.family = 6;
		memcpy(address.bytes, &in6.sin6_addr, 16);
	} else {
		return -EAFNOSUPPORT;
	}
	*ret_address = address;
	return 0;
}

socklen_t address_to_sockaddr(
		const struct address *address, uint16_t port, struct sockaddr_storage *ret_to)
{
	*ret_to = (struct sockaddr_storage){0};
	if (address->family == 4) {
		struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
		memcpy(&in.sin_addr, address->bytes, 4);
		memcpy(ret_to, &in, sizeof(in));
		return sizeof(in);
	}
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	memcpy(&in6.sin6_addr, address->bytes, 16);
	memcpy(ret_to, &in6, sizeof(in6));
	return sizeof(in6);
}

struct range {
	uint8_t bytes[16];
	uint8_t bits;
	const char *name;
};

/* https://www.iana.org/assignments/iana-ipv4-special-registry, and multicast. Some of these are
 * reachable from everywhere (AS112, AMT); none of them is a web site. */
static const struct range ipv4_ranges[] = {
		{{0}, 8, "this network"},
		{{10}, 8, "private"},
		{{100, 64}, 10, "carrier-grade NAT"},
		{{127}, 8, "loopback"},
		{{169, 254}, 16, "link-local"},
		{{172, 16}, 12, "private"},
		{{192, 0, 0}, 24, "protocol assignments"},
		{{192, 0, 2}, 24, "documentation"},
		{{192, 31, 196}, 24, "AS112"},
		{{192, 52, 193}, 24, "multicast tunnelling"},
		{{192, 88, 99}, 24, "6to4 relay"},
		{{192, 168}, 16, "private"},
		{{192, 175, 48}, 24, "AS112"},
		{{198, 18}, 15, "benchmarking"},
		{{198, 51, 100}, 24, "documentation"},
		{{203, 0, 113}, 24, "documentation"},
		{{224}, 4, "multicast"},
		{{240}, 4, "reserved"},
};

/* https://www.iana.org/assignments/iana-ipv6-special-registry. The more special come first. */
static const struct range ipv6_ranges[] = {
		{{0}, 128, "unspecified"},
		{{[15] = 1}, 128, "loopback"},
		{{[10] = 0xff, 0xff}, 96, "IPv4-mapped"},
		{{[8] = 0xff, 0xff}, 96, "IPv4-translated"},
		{{0}, 96, "IPv4-compatible"},
		{{0x00, 0x64, 0xff, 0x9b}, 96, "NAT64"},
		{{0x00, 0x64, 0xff, 0x9b, 0x00, 0x01}, 48, "NAT64"},
		{{0x01}, 64, "discard"},
		{{0x01, [7] = 1}, 64, "dummy"},
		{{0x20, 0x01}, 32, "Teredo"},
		{{0x20, 0x01, 0x00, 0x02}, 48, "benchmarking"},
		{{0x20, 0x01, 0x00, 0x10}, 28, "ORCHID"},
		{{0x20, 0x01, 0x00, 0x20}, 28, "ORCHID"},
		{{0x20, 0x01}, 23, "protocol assignments"},
		{{0x20, 0x01, 0x0d, 0xb8}, 32, "documentation"},
		{{0x20, 0x02}, 16, "6to4"},
		{{0x26, 0x20, 0x00, 0x4f, 0x80}, 48, "AS112"},
		{{0x3f, 0xfe}, 16, "6bone"},
		{{0x3f, 0xff}, 20, "documentation"},
		{{0x5f}, 16, "segment routing"},
		{{0xfc}, 7, "unique local"},
		{{0xfe, 0x80}, 10, "link-local"},
		{{0xfe, 0xc0}, 10, "site-local"},
		{{0xff}, 8, "multicast"},
};

static const char *find_range(const struct range *ranges, size_t count, const uint8_t *bytes)
{
	for (size_t i = 0; i < count; i++) {
		if (bytes_share_prefix(bytes, ranges[i].bytes, ranges[i].bits)) {
			return ranges[i].name;
		}
	}
	return NULL;
}

const char *address_special_range(const struct address *address)
{
	if (address->family == 4) {
		return find_range(ipv4_ranges, ARRAY_LENGTH(ipv4_ranges), address->bytes);
	}
	const char *name = find_range(ipv6_ranges, ARRAY_LENGTH(ipv6_ranges), address->bytes);
	bool is_global_unicast = address->bytes[0] >> 5 == 1; /* 2000::/3 */
	return name || is_global_unicast ? name : "unallocated";
}

bool address_is_metadata(const struct address *address)
{
	/* Amazon, Google, Microsoft and most others; Amazon's containers; Alibaba; Oracle. */
	static const uint8_t ipv4[][4] = {{169, 254, 169, 254}, {169, 254, 170, 2},
			{169, 254, 170, 23}, {100, 100, 100, 200}, {192, 0, 0, 192},
			{168, 63, 129, 16}};
	static const uint8_t ipv6[][16] = {
			{0xfd, 0x00, 0x0e, 0xc2, [14] = 0x02, 0x54},
			{0xfd, 0x00, 0x0e, 0xc2, [15] = 0x23},
			{0xfd, 0x20, 0x00, 0xce, [14] = 0x02, 0x54},
	};
	if (address->family == 4) {
		for (size_t i = 0; i < ARRAY_LENGTH(ipv4); i++) {
			if (memcmp(address->bytes, ipv4[i], 4) == 0) {
				return true;
			}
		}
		return false;
	}
	for (size_t i = 0; i < ARRAY_LENGTH(ipv6); i++) {
		if (memcmp(address->bytes, ipv6[i], 16) == 0) {
			return true;
		}
	}
	return false;
}

bool address_embedded(const struct address *address, struct address *ret_inner)
{
	static const uint8_t mapped[12] = {[10] = 0xff, 0xff};
	static const uint8_t translated[12] = {[8] = 0xff, 0xff};
	static const uint8_t compatible[12] = {0};
	static const uint8_t nat64[12] = {0x00, 0x64, 0xff, 0x9b};
	static const uint8_t local_nat64[6] = {0x00, 0x64, 0xff, 0x9b, 0x00, 0x01};
	const uint8_t *bytes = address->bytes;
	size_t at;
	if (address->family != 6 || (memcmp(bytes, compatible, 12) == 0 && bytes[12] == 0)) {
		return false; /* :: and ::1 carry nothing */
	}
	if (memcmp(bytes, mapped, 12) == 0 || memcmp(bytes, nat64, 12) == 0 ||
			memcmp(bytes, translated, 12) == 0 || memcmp(bytes, compatible, 12) == 0 ||
			memcmp(bytes, local_nat64, 6) == 0) {
		at = 12;
	} else if (bytes[0] == 0x20 && bytes[1] == 0x02) {
		at = 2;
	} else {
		return false;
	}
	*ret_inner = (struct address){.family = 4};
	memcpy(ret_inner->bytes, bytes + at, 4);
	return true;
}
