/* Carrying out what gateways ask of the node. */
#ifndef SAFEWEB_NODE_REQUESTS_H
#define SAFEWEB_NODE_REQUESTS_H

#include "node/node.h"

/* The server_handler; data is the node. */
void requests_handle(void *data, struct connection *connection, const struct peer_event *event);

/* A session became warm: the claim that has waited longest gets it. */
void requests_session_ready(struct node *node, struct session *session);
/* One could not be started: the claim that has waited longest is refused. */
void requests_start_failed(struct node *node, const char *why);
/* Nothing of it is left: answers who asked for that, and tells everybody. */
void requests_session_gone(struct node *node, const struct session *session);

/* Forgets what connections that are gone had asked for. */
void requests_drop_orphans(struct node *node);

unsigned requests_waiting_claims(const struct node *node);

void requests_send_notice(struct node *node, const struct wire_egress_notice *notice);

void requests_finish(struct node *node);

#endif
