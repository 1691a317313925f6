#include "egress/resolver.h"

#include <ares.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"

/* One UDP and one TCP socket for each server is the most c-ares opens at a time. */
#define RESOLVER_MAX_SOCKETS 32
#define RESOLVER_TRY_TIMEOUT_MS 2000
#define RESOLVER_TRIES 2
/* Each lookup is two questions, and c-ares would search for ever for a free one of 65,536 numbers.
 */
#define RESOLVER_MAX_LOOKUPS 8192

struct resolver {
	struct loop *loop;
	ares_channel channel;
	struct loop_timer timer;
	size_t lookup_count; /* cancelled ones included: c-ares still waits for their answers */
	struct loop_source sources[RESOLVER_MAX_SOCKETS]; /* loop NULL: free */
};

struct lookup {
	struct resolver *resolver;
	lookup_handler handle; /* NULL: cancelled */
	void *data;
};

static void arm_timer(struct resolver *resolver)
{
	struct timeval wait;
	if (ares_timeout(resolver->channel, NULL, &wait)) {
		uint64_t wait_ms = (uint64_t)wait.tv_sec * 1000 + (uint64_t)wait.tv_usec / 1000;
		loop_timer_arm(&resolver->timer, wait_ms);
	} else {
		loop_timer_disarm(&resolver->timer);
	}
}

static void handle_timer(struct loop_timer *timer)
{
	struct resolver *resolver = timer->data;
	ares_process_fd(resolver->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	arm_timer(resolver);
}

static void handle_socket(struct loop_source *source, uint32_t events)
{
	struct resolver *resolver = source->data;
	int fd = source->fd;
	bool can_write = events & EPOLLOUT;
	bool can_read = events & (EPOLLIN | EPOLLHUP | EPOLLERR);
	ares_process_fd(resolver->channel, can_read ? fd : ARES_SOCKET_BAD,
			can_write ? fd : ARES_SOCKET_BAD);
	arm_timer(resolver);
}

static struct loop_source *find_source(struct resolver *resolver, int fd)
{
	struct loop_source *unused = NULL;
	for (size_t i = 0; i < RESOLVER_MAX_SOCKETS; i++) {
		struct loop_source *source = &resolver->sources[i];
		if (source->loop && source->fd == fd) {
			return source;
		}
		if (!source->loop && !unused) {
			unused = source;
		}
	}
	return unused;
}

/* c-ares says which of its sockets it waits on, and for what. */
static void handle_socket_state(void *data, ares_socket_t fd, int readable, int writable)
{
	struct resolver *resolver = data;
	uint32_t events = (readable ? EPOLLIN : 0U) | (writable ? EPOLLOUT : 0U);
	struct loop_source *source = find_source(resolver, fd);
	int code = 0;
	if (!source) {
		code = -EMFILE;
	} else if (events == 0) {
		loop_source_remove(source);
	} else if (source->loop) {
		code = loop_source_update(source, events);
	} else {
		code = loop_source_add(resolver->loop, source, fd, events, handle_socket, resolver);
	}
	if (code < 0) {
		log_error("cannot watch a DNS socket: %s", strerror(-code));
	}
}

static int init_channel(struct resolver *resolver, const char *servers, struct error *err)
{
	static char only_dns[] = "b";
	struct ares_options options = {
			.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES,
			.timeout = RESOLVER_TRY_TIMEOUT_MS,
			.tries = RESOLVER_TRIES,
			.lookups = only_dns,
			.sock_state_cb = handle_socket_state,
			.sock_state_cb_data = resolver,
	};
	int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS |
			ARES_OPT_SOCK_STATE_CB | ARES_OPT_DOMAINS;
	int status = ares_library_init(ARES_LIB_INIT_ALL);
	if (status == ARES_SUCCESS) {
		status = ares_init_options(&resolver->channel, &options, mask);
	}
	if (status != ARES_SUCCESS) {
		resolver->channel = NULL;
		return error_set(err, -EIO, "cannot start the DNS resolver: %s",
				ares_strerror(status));
	}
	if (*servers && ares_set_servers_ports_csv(resolver->channel, servers) != ARES_SUCCESS) {
		return error_set(err, -EINVAL,
				"egress_dns: \"%.200s\" is not a list of address[:port],…",
				servers);
	}
	return 0;
}

int resolver_create(struct loop *loop, const char *servers, struct resolver **ret_resolver,
		struct error *err)
{
	struct resolver *resolver = calloc(1, sizeof(*resolver));
	if (!resolver) {
		return error_set(err, -ENOMEM, "no memory for the DNS resolver");
	}
	resolver->loop = loop;
	loop_timer_init(loop, &resolver->timer, handle_timer, resolver);
	int code = init_channel(resolver, servers, err);
	if (code < 0) {
		resolver_destroy(resolver);
		return code;
	}
	*ret_resolver = resolver;
	return 0;
}

void resolver_destroy(struct resolver *resolver)
{
	if (!resolver) {
		return;
	}
	if (resolver->channel) {
		ares_destroy(resolver->channel);
		ares_library_cleanup();
	}
	loop_timer_disarm(&resolver->timer);
	for (size_t i = 0; i < RESOLVER_MAX_SOCKETS; i++) {
		loop_source_remove(&resolver->sources[i]);
	}
	free(resolver);
}

/* Returns how many addresses it wrote. */
static size_t collect(const struct ares_addrinfo *info, struct address *addresses)
{
	size_t count = 0;
	size_t aliases = 0;
	for (struct ares_addrinfo_cname *alias = info->cnames; alias; alias = alias->next) {
		if (++aliases > RESOLVER_MAX_ALIASES) {
			return 0;
		}
	}
	for (struct ares_addrinfo_node *node = info->nodes; node; node = node->ai_next) {
		if (count < RESOLVER_MAX_ADDRESSES && node->ai_addr &&
				address_from_sockaddr(node->ai_addr, &addresses[count]) == 0) {
			count++;
		}
	}
	return count;
}

static int code_of(int status)
{
	switch (status) {
	case ARES_SUCCESS:
		return 0;
	case ARES_ENODATA:
	case ARES_ENOTFOUND:
	case ARES_EBADNAME:
		return -ENOENT;
	case ARES_ETIMEOUT:
		return -ETIMEDOUT;
	default:
		return -EIO;
	}
}

static void handle_answer(void *data, int status, int timeouts, struct ares_addrinfo *info)
{
	(void)timeouts;
	CLEANUP_FREE struct lookup *lookup = data;
	struct address addresses[RESOLVER_MAX_ADDRESSES];
	size_t count = status == ARES_SUCCESS && info ? collect(info, addresses) : 0;
	int code = code_of(status);
	ares_freeaddrinfo(info);
	lookup->resolver->lookup_count--;
	if (lookup->handle) {
		lookup->handle(lookup->data, code == 0 && count == 0 ? -ENOENT : code, addresses,
				count);
	}
}

int resolver_start(struct resolver *resolver, const char *name, lookup_handler handle, void *data,
		struct lookup **ret_lookup)
{
	if (resolver->lookup_count >= RESOLVER_MAX_LOOKUPS) {
		return -EBUSY;
	}
	struct lookup *lookup = malloc(sizeof(*lookup));
	if (!lookup) {
		return -ENOMEM;
	}
	*lookup = (struct lookup){.resolver = resolver, .handle = handle, .data = data};
	resolver->lookup_count++;
	*ret_lookup = lookup;
	/* No sorting: it would connect sockets to what was not checked yet. */
	struct ares_addrinfo_hints hints = {.ai_family = AF_UNSPEC,
			.ai_flags = ARES_AI_NOSORT,
			.ai_socktype = SOCK_STREAM};
	ares_getaddrinfo(resolver->channel, name, NULL, &hints, handle_answer, lookup);
	arm_timer(resolver);
	return 0;
}

void lookup_cancel(struct lookup *lookup)
{
	if (lookup) {
		lookup->handle = NULL;
	}
}
