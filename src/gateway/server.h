/* The gateway as a whole: made in stages, run, ended. */
#ifndef SAFEWEB_GATEWAY_SERVER_H
#define SAFEWEB_GATEWAY_SERVER_H

#include "gateway/gateway.h"

/* Before privileges are given up: certificate, viewer, listening socket. -EADDRINUSE when the port
 * is taken. */
int server_bind(struct gateway *gateway, const char *assets, struct error *err);
/* After that: store, first account (printed), threads, node. */
int server_start(struct gateway *gateway, struct error *err);
/* The port that is served. */
int server_port(const struct gateway *gateway);
/* Runs until SIGTERM or SIGINT. */
int server_run(struct gateway *gateway, struct error *err);
void server_finish(struct gateway *gateway);

/* System calls that the gateway needs beyond the basic ones. */
extern const char *const server_calls[];

#endif
