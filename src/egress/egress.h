/* The egress proxy of a node: takes sessions over the control socket, serves them, reports. */
#ifndef SAFEWEB_EGRESS_EGRESS_H
#define SAFEWEB_EGRESS_EGRESS_H

#include "base/error.h"
#include "base/loop.h"
#include "egress/context.h"

struct egress;

struct egress_options {
	int control_fd; /* SOCK_SEQPACKET to the node; stays the caller's */
	const char *allow; /* opened internal ranges: policy_parse_openings */
	const char *dns; /* name servers: resolver_create */
	const char *proxy; /* upstream HTTP proxy host:port; empty: none */
	const struct egress_limits *limits;
};

/* Reads this machine's addresses and resolver configuration, so do it before the sandbox. The loop
 * stops when the control socket's other end is closed. */
int egress_create(struct loop *loop, const struct egress_options *options,
		struct egress **ret_egress, struct error *err);
void egress_destroy(struct egress *egress);

/* Names of the system calls it needs besides sandbox_basic_calls. */
extern const char *const egress_calls[];

#endif
