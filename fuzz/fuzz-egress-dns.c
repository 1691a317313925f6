/* Answers of name servers: through the resolver library's parsers, then our own check of every
 * address. Whatever they say, no special-purpose address passes. */
#include <ares.h>
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "egress/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(uint8_t family, const void *bytes, size_t len)
{
	static const struct policy policy;
	struct address address = {.family = family};
	memcpy(address.bytes, bytes, len);
	char text[ADDRESS_TEXT_BYTES];
	struct address again;
	address_format(&address, text);
	assert(address_parse(text, strlen(text), &again) == 0);
	assert(address_equal(&address, &again));
	bool is_allowed = policy_check(&policy, &address, 443) == POLICY_ALLOWED;
	assert(is_allowed == (!address_special_range(&address) && !address_is_metadata(&address)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ares_addrttl ipv4[32];
	struct ares_addr6ttl ipv6[32];
	int count = 32;
	if (size > 65535) {
		return 0;
	}
	if (ares_parse_a_reply(data, (int)size, NULL, ipv4, &count) == ARES_SUCCESS) {
		for (int i = 0; i < count; i++) {
			check(4, &ipv4[i].ipaddr, 4);
		}
	}
	count = 32;
	if (ares_parse_aaaa_reply(data, (int)size, NULL, ipv6, &count) == ARES_SUCCESS) {
		for (int i = 0; i < count; i++) {
			check(6, &ipv6[i].ip6addr, 16);
		}
	}
	return 0;
}
