/* Starting a session's processes and the channels between them; part of session.c. */
#ifndef SAFEWEB_NODE_SESSION_PARTS_H
#define SAFEWEB_NODE_SESSION_PARTS_H

#include "base/error.h"
#include "node/session.h"

/* Starts container, compositor and encoder and fills the session's descriptors. What was started
 * before a failure stays in the session for the caller to undo. */
int session_parts_start(struct session *session, const char *rootfs, struct error *err);

#endif
