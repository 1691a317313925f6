/* The list of opened ranges. It opens no wide range, and never a metadata address by a range. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "egress/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool names_exactly(const struct policy *policy, const struct address *address)
{
	for (size_t i = 0; i < policy->opening_count; i++) {
		const struct policy_opening *opening = &policy->openings[i];
		if (opening->prefix.bits == address_bits(address) &&
				address_equal(&opening->prefix.address, address)) {
			return true;
		}
	}
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const guarded[] = {"169.254.169.254", "fd00:ec2::254", "127.0.0.1"};
	char text[4096];
	if (size >= sizeof(text)) {
		return 0;
	}
	memcpy(text, data, size);
	text[size] = '\0';
	struct policy policy = {.own_count = 1};
	struct error err = {0};
	int parsed = address_parse("127.0.0.1", 9, &policy.own[0]);
	assert(parsed == 0);
	int code = policy_parse_openings(&policy, text, &err);
	assert(code == 0 || (code == -22 && err.text[0]));
	for (size_t i = 0; i < policy.opening_count; i++) {
		const struct address_prefix *prefix = &policy.openings[i].prefix;
		assert(prefix->bits >= (prefix->address.family == 4 ? POLICY_MIN_IPV4_BITS
								    : POLICY_MIN_IPV6_BITS));
		assert(address_is_in(&prefix->address, prefix));
	}
	for (size_t i = 0; i < sizeof(guarded) / sizeof(guarded[0]); i++) {
		struct address address;
		parsed = address_parse(guarded[i], strlen(guarded[i]), &address);
		assert(parsed == 0);
		assert(names_exactly(&policy, &address) ||
				policy_check(&policy, &address, 443) == POLICY_INTERNAL);
	}
	return 0;
}
