/*
 * Network namespaces that hold a loopback device and nothing more. They belong to the initial user
 * namespace, so nobody inside a session has any capability over them.
 */
#ifndef SAFEWEB_CONTAINER_NETNS_H
#define SAFEWEB_CONTAINER_NETNS_H

#include <stdint.h>

#include "base/error.h"

/* Makes a namespace with lo up. It lives as long as the descriptor or a process in it. */
int netns_create(int *ret_fd, struct error *err);

/* A TCP socket listening on 127.0.0.1:port inside the namespace, non-blocking, to be accepted on
 * from outside. port 0 is refused: the browser must know it. */
int netns_listen(int netns_fd, uint16_t port, int *ret_listen_fd, struct error *err);

#endif
