/*
 * How Chromium is started: a fixed template. Nothing of a user, a policy or a page ever becomes
 * an argument; addresses go to the running browser over CDP. What each argument gives up:
 * docs/decisions/0003-chromium.md.
 */
#ifndef SAFEWEB_CONTAINER_CHROMIUM_H
#define SAFEWEB_CONTAINER_CHROMIUM_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define CHROMIUM_PATH "/usr/lib/chromium/chromium"
#define CHROMIUM_HOME "/home/user"

/* The descriptors it finds itself with. */
#define CHROMIUM_CDP_IN_FD 3 /* 3 and 4 are what --remote-debugging-pipe means */
#define CHROMIUM_CDP_OUT_FD 4
#define CHROMIUM_WAYLAND_FD 5

/* The argument vector as a JSON array; NULL when out of memory. */
json_t *chromium_arguments(uint16_t proxy_port, uint32_t width, uint32_t height);

/* The whole environment as a JSON array. */
json_t *chromium_environment(void);

/* Whether an argument weakens Chromium's sandbox or opens a door. type: the process's --type, ""
 * for the browser process. */
bool chromium_argument_is_forbidden(const char *argument, const char *type);

#endif
