/* From a parsed request to a connected socket: policy, names, addresses. */
#include "egress/connection.h"

#include <errno.h>

static enum refusal refusal_of_verdict(enum policy_verdict verdict)
{
	return verdict == POLICY_PORT ? REFUSAL_PORT : REFUSAL_INTERNAL;
}

static void handle_dialled(struct dial *dial, int fd)
{
	struct connection *connection = dial->data;
	if (fd >= 0) {
		connection_start_relay(connection, fd);
	} else if (connection->session->context->has_proxy) {
		connection_refuse(connection, REFUSAL_PROXY);
	} else if (fd == -EACCES) {
		connection_refuse(connection, REFUSAL_INTERNAL);
	} else {
		connection_refuse(connection,
				fd == -ETIMEDOUT ? REFUSAL_TIMEOUT : REFUSAL_UNREACHABLE);
	}
	if (connection->state != CONNECTION_CLOSED) {
		connection_update(connection);
	}
}

void connection_init_dial(struct connection *connection)
{
	struct context *context = connection->session->context;
	dial_init(&connection->dial, context->loop, context->limits.address_timeout_ms,
			handle_dialled, connection);
}

static void start_dial(struct connection *connection)
{
	struct context *context = connection->session->context;
	connection->state = CONNECTION_CONNECTING;
	connection_set_timer(connection, context->limits.connect_timeout_ms);
	dial_start(&connection->dial, context->has_proxy ? NULL : &context->policy,
			context->has_proxy ? context->proxy.port : connection->target.port);
}

/* Puts the addresses a session may reach into the dial, both families in turn, the likelier first.
 * A mixed answer loses its bad addresses and keeps the good: only a checked address is ever
 * connected to, so the bad ones can do no harm, and names with an inner and an outer view go on
 * working. */
static enum policy_verdict choose_addresses(
		struct connection *connection, const struct address *addresses, size_t count)
{
	struct context *context = connection->session->context;
	struct dial *dial = &connection->dial;
	uint8_t family = context->policy.has_public_ipv6 ? 6 : 4;
	enum policy_verdict verdict = POLICY_ALLOWED;
	bool is_taken[RESOLVER_MAX_ADDRESSES] = {false};
	for (size_t i = 0; i < count; i++) {
		enum policy_verdict mine = context->has_proxy
				? POLICY_ALLOWED
				: policy_check(&context->policy, &addresses[i],
						  connection->target.port);
		is_taken[i] = mine != POLICY_ALLOWED;
		verdict = is_taken[i] ? mine : verdict;
	}
	size_t tried = 0;
	dial->count = 0;
	while (tried < 2) {
		size_t i = 0;
		while (i < count && (is_taken[i] || addresses[i].family != family)) {
			i++;
		}
		tried = i == count ? tried + 1 : 0;
		if (i < count) {
			dial->addresses[dial->count++] = addresses[i];
			is_taken[i] = true;
		}
		family = family == 4 ? 6 : 4;
	}
	return dial->count ? POLICY_ALLOWED : verdict;
}

static void handle_lookup(void *data, int code, const struct address *addresses, size_t count)
{
	struct connection *connection = data;
	connection->lookup = NULL;
	if (code < 0 && connection->session->context->has_proxy) {
		connection_refuse(connection, REFUSAL_PROXY);
	} else if (code < 0) {
		connection_refuse(connection, code == -ENOENT ? REFUSAL_NAME : REFUSAL_DNS);
	} else {
		enum policy_verdict verdict = choose_addresses(connection, addresses, count);
		if (verdict == POLICY_ALLOWED) {
			start_dial(connection);
		} else {
			connection_refuse(connection, refusal_of_verdict(verdict));
		}
	}
	if (connection->state != CONNECTION_CLOSED) {
		connection_update(connection);
	}
}

static void start_lookup(struct connection *connection, const char *name)
{
	struct context *context = connection->session->context;
	connection->state = CONNECTION_RESOLVING;
	connection_set_timer(connection, context->limits.lookup_timeout_ms);
	if (resolver_start(context->resolver, name, handle_lookup, connection,
			    &connection->lookup) < 0) {
		connection_refuse(connection, REFUSAL_DNS);
	}
}

static void dial_literal(struct connection *connection, const struct address *address)
{
	connection->dial.addresses[0] = *address;
	connection->dial.count = 1;
	start_dial(connection);
}

void connection_route(struct connection *connection)
{
	struct context *context = connection->session->context;
	const struct target *target = &connection->target;
	enum policy_verdict verdict = POLICY_ALLOWED;
	if (target_is_local_name(target)) {
		verdict = POLICY_INTERNAL;
	} else if (target->is_literal) {
		verdict = policy_check(&context->policy, &target->address, target->port);
	} else if (!policy_port_can_pass(&context->policy, target->port)) {
		verdict = POLICY_PORT;
	}
	if (verdict != POLICY_ALLOWED) {
		connection_refuse(connection, refusal_of_verdict(verdict));
		return;
	}
	const struct target *next = context->has_proxy ? &context->proxy : target;
	if (next->is_literal) {
		dial_literal(connection, &next->address);
	} else {
		start_lookup(connection, next->host);
	}
}
