/* The node's side of its one safeweb-egress: starts it, starts it again when it dies, and tells it
 * which listening socket belongs to which session. */
#ifndef SAFEWEB_NODE_EGRESS_H
#define SAFEWEB_NODE_EGRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/loop.h"
#include "base/settings.h"
#include "wire/messages.h"

/* User and group that it becomes once it has read what only root may. */
#define EGRESS_UID_TEXT "61002"
/* The proxy's end of the control socket. */
#define EGRESS_FD_CONTROL 3

/* One session's entry; embedded in it. listen_fd stays the session's, open until egress_remove. */
struct egress_entry {
	const char *session; /* its id */
	int listen_fd;
	bool is_added; /* in the list */
	bool is_sent; /* the proxy that runs now has it */
	struct egress_entry *previous;
	struct egress_entry *next;
};

struct egress_handler {
	void (*notice)(void *data, const struct wire_egress_notice *notice);
	void *data;
};

struct egress {
	struct loop *loop;
	struct egress_handler handler;
	const char *empty; /* the folder that becomes its root */
	char *path; /* of the program; owned */
	char **environment; /* owned */
	pid_t pid; /* 0 when none runs */
	int pidfd;
	int control_fd;
	struct loop_source exit_source;
	struct loop_source control_source;
	struct loop_timer restart;
	uint64_t started_ms;
	uint32_t backoff_ms;
	struct egress_entry *entries;
};

/* Starts the program from the folder libexec. empty_folder has to outlive it. On failure
 * egress_finish is still to be called. */
int egress_start(struct egress *egress, struct loop *loop, const char *libexec,
		const struct settings *settings, const char *empty_folder,
		const struct egress_handler *handler, struct error *err);

void egress_add(struct egress *egress, struct egress_entry *entry);
void egress_remove(struct egress *egress, struct egress_entry *entry);

/* Kills the program and waits for it (its end needs nobody's help). */
void egress_finish(struct egress *egress);

#endif
