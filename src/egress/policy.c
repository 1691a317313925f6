#include "egress/policy.h"

#include <errno.h>
#include <ifaddrs.h>
#include <string.h>

#include "base/cleanup.h"
#include "egress/target.h"

/* https://fetch.spec.whatwg.org/#port-blocking */
static const uint16_t bad_ports[] = {0, 1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43,
		53, 69, 77, 79, 87, 95, 101, 102, 103, 104, 109, 110, 111, 113, 115, 117, 119, 123,
		135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514, 515, 526, 530, 531, 532,
		540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993, 995, 1719, 1720, 1723, 2049,
		3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697,
		10080};
/* Beyond what browsers refuse themselves: native code in a session is no browser. */
static const uint16_t more_ports[] = {136, 138, 445, 543, 544, 593, 631, 873, 902, 1080, 1433, 1434,
		1521, 1900, 2375, 2376, 2379, 2380, 3128, 3268, 3269, 3306, 3389, 5353, 5355, 5432,
		5672, 5900, 5985, 5986, 6379, 8125, 9042, 9100, 9200, 9300, 10250, 11211, 27017,
		27018};

static bool is_listed(const uint16_t *ports, size_t count, uint16_t port)
{
	for (size_t i = 0; i < count; i++) {
		if (ports[i] == port) {
			return true;
		}
	}
	return false;
}

bool policy_port_is_restricted(uint16_t port)
{
	return is_listed(bad_ports, ARRAY_LENGTH(bad_ports), port) ||
			is_listed(more_ports, ARRAY_LENGTH(more_ports), port);
}

bool policy_port_can_pass(const struct policy *policy, uint16_t port)
{
	if (!policy_port_is_restricted(port)) {
		return true;
	}
	for (size_t i = 0; i < policy->opening_count; i++) {
		if (port != 0 && policy->openings[i].port == port) {
			return true;
		}
	}
	return false;
}

/* Cuts the port off an entry; prefix_len becomes the length of the CIDR part, *prefix its start. */
static int split_entry(const char *entry, size_t len, const char **ret_prefix,
		size_t *ret_prefix_len, uint16_t *ret_port)
{
	const char *port = NULL;
	*ret_port = 0;
	*ret_prefix = entry;
	*ret_prefix_len = len;
	if (len && entry[0] == '[') {
		const char *close = memchr(entry, ']', len);
		if (!close) {
			return -EINVAL;
		}
		*ret_prefix = entry + 1;
		*ret_prefix_len = (size_t)(close - entry) - 1;
		port = close + 1 < entry + len ? close + 1 : NULL;
		if (port && *port != ':') {
			return -EINVAL;
		}
	} else {
		const char *first = memchr(entry, ':', len);
		bool is_ipv6 = first && memchr(first + 1, ':', len - (size_t)(first - entry) - 1);
		port = is_ipv6 ? NULL : first;
		if (port) {
			*ret_prefix_len = (size_t)(port - entry);
		}
	}
	if (!port) {
		return 0;
	}
	return target_parse_port(port + 1, len - (size_t)(port - entry) - 1, ret_port);
}

static int parse_opening(const char *entry, size_t len, struct policy_opening *ret_opening,
		struct error *err)
{
	const char *prefix;
	size_t prefix_len;
	struct policy_opening opening;
	if (split_entry(entry, len, &prefix, &prefix_len, &opening.port) < 0 ||
			address_prefix_parse(prefix, prefix_len, &opening.prefix) < 0) {
		return error_set(err, -EINVAL,
				"egress_allow: \"%.*s\" is not of the form CIDR[:port], such as "
				"198.18.0.0/15, 10.1.2.3:443 or [fd00:1::/32]:443",
				(int)(len > 64 ? 64 : len), entry);
	}
	unsigned min_bits = opening.prefix.address.family == 4 ? POLICY_MIN_IPV4_BITS
							       : POLICY_MIN_IPV6_BITS;
	if (opening.prefix.bits < min_bits) {
		return error_set(err, -EINVAL,
				"egress_allow: \"%.*s\" opens too much; a prefix has at least %u "
				"bits",
				(int)(len > 64 ? 64 : len), entry, min_bits);
	}
	*ret_opening = opening;
	return 0;
}

int policy_parse_openings(struct policy *policy, const char *text, struct error *err)
{
	while (*text) {
		size_t len = strcspn(text, ",");
		const char *entry = text;
		size_t entry_len = len;
		while (entry_len && entry[0] == ' ') {
			entry++;
			entry_len--;
		}
		while (entry_len && entry[entry_len - 1] == ' ') {
			entry_len--;
		}
		if (policy->opening_count == POLICY_MAX_OPENINGS) {
			return error_set(err, -EINVAL, "egress_allow has more than %d entries",
					POLICY_MAX_OPENINGS);
		}
		int code = parse_opening(
				entry, entry_len, &policy->openings[policy->opening_count], err);
		if (code < 0) {
			return code;
		}
		policy->opening_count++;
		text += len + (text[len] == ',');
	}
	return 0;
}

int policy_read_own_addresses(struct policy *policy, struct error *err)
{
	struct ifaddrs *all;
	if (getifaddrs(&all) < 0) {
		return error_set_errno(err, "cannot list this machine's addresses");
	}
	int code = 0;
	for (struct ifaddrs *entry = all; entry; entry = entry->ifa_next) {
		struct address address;
		if (!entry->ifa_addr || address_from_sockaddr(entry->ifa_addr, &address) < 0) {
			continue;
		}
		if (policy->own_count == POLICY_MAX_OWN_ADDRESSES) {
			code = error_set(err, -E2BIG, "this machine has more than %d addresses",
					POLICY_MAX_OWN_ADDRESSES);
			break;
		}
		policy->own[policy->own_count++] = address;
		policy->has_public_ipv6 |= address.family == 6 && !address_special_range(&address);
	}
	freeifaddrs(all);
	return code;
}

static bool is_own(const struct policy *policy, const struct address *address)
{
	for (size_t i = 0; i < policy->own_count; i++) {
		if (address_equal(&policy->own[i], address)) {
			return true;
		}
	}
	return false;
}

static bool is_opened(const struct policy *policy, const struct address *address, uint16_t port,
		bool needs_exact, bool needs_port)
{
	for (size_t i = 0; i < policy->opening_count; i++) {
		const struct policy_opening *opening = &policy->openings[i];
		bool port_fits = opening->port == port || (opening->port == 0 && !needs_port);
		bool is_exact = opening->prefix.bits == address_bits(address);
		if (port_fits && (is_exact || !needs_exact) &&
				address_is_in(address, &opening->prefix)) {
			return true;
		}
	}
	return false;
}

bool policy_opens_own(const struct policy *policy, const struct address *address, uint16_t port)
{
	return is_opened(policy, address, port, true, false);
}

enum policy_verdict policy_check(
		const struct policy *policy, const struct address *address, uint16_t port)
{
	bool is_special = address_special_range(address) != NULL;
	bool needs_exact = is_own(policy, address) || address_is_metadata(address);
	if ((is_special || needs_exact) && !is_opened(policy, address, port, needs_exact, false)) {
		return POLICY_INTERNAL;
	}
	struct address inner;
	if (address_embedded(address, &inner) &&
			policy_check(policy, &inner, port) == POLICY_INTERNAL) {
		return POLICY_INTERNAL;
	}
	if (policy_port_is_restricted(port) && !is_opened(policy, address, port, false, true)) {
		return POLICY_PORT;
	}
	return POLICY_ALLOWED;
}
