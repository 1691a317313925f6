/* The command line's side of the node's socket: one request at a time, with a timeout. */
#ifndef SAFEWEB_CLI_NODE_CLIENT_H
#define SAFEWEB_CLI_NODE_CLIENT_H

#include <stddef.h>
#include <stdint.h>

#include "cli/cli.h"
#include "wire/messages.h"

#define NODE_SESSION_BYTES (WIRE_SESSION_STATUS_SESSION_MAX_BYTES + 1)
#define NODE_SESSIONS_MAX 8192

struct node_process {
	uint8_t program; /* enum wire_program */
	uint32_t pid;
};

struct node_session {
	char id[NODE_SESSION_BYTES];
	uint8_t state; /* enum wire_session_state */
	uint64_t started_at;
	uint64_t memory_bytes;
	struct node_process *processes; /* owned */
	size_t process_count;
};

struct node_status {
	uint32_t capacity;
	struct node_session *sessions; /* owned */
	size_t count;
};

/* -ENOENT or -ECONNREFUSED when no node listens. Finish what was filled with node_status_finish. */
int node_read_status(const struct cli *cli, struct node_status *ret_status, struct error *err);
void node_status_finish(struct node_status *status);

/* Ends a session by its whole id. -ENOENT when there is none. */
int node_kill_session(const struct cli *cli, const char *id, struct error *err);

const char *node_state_name(uint8_t state);
const char *node_program_name(uint8_t program);

#endif
