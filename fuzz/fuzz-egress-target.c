/* Hosts, ports and URLs. What is taken has one spelling, and that is taken again. */
#include <arpa/inet.h>
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "egress/policy.h"
#include "egress/target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct target *target)
{
	char text[TARGET_TEXT_BYTES];
	struct target again;
	target_format(target, 0, text);
	assert(target_parse_authority(text, strlen(text), 0, &again) == 0);
	assert(strcmp(target->host, again.host) == 0 && target->port == again.port);
	assert(target->is_literal == again.is_literal);
	/* Whatever the C library would take for a number is a literal, or was refused. */
	struct in_addr number;
	assert(target->is_literal || inet_aton(target->host, &number) == 0);
	struct policy policy = {0};
	if (target->is_literal && address_special_range(&target->address)) {
		assert(policy_check(&policy, &target->address, target->port) == POLICY_INTERNAL);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	struct target target;
	size_t path_at = 0;
	if (target_parse_authority(text, size, 0, &target) == 0) {
		check(&target);
	}
	if (target_parse_authority(text, size, 443, &target) == 0) {
		check(&target);
	}
	if (target_parse_url(text, size, &target, &path_at) == 0) {
		assert(path_at <= size);
		check(&target);
	}
	return 0;
}
