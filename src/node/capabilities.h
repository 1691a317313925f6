/* What of root's powers the node keeps. */
#ifndef SAFEWEB_NODE_CAPABILITIES_H
#define SAFEWEB_NODE_CAPABILITIES_H

#include "base/error.h"

/* Gives up every capability that the table in capabilities.c has no reason for, in the bounding set
 * too, so that no program started from here ever gets one back. */
int capabilities_reduce(struct error *err);

#endif
