/* A real node for a test: started with settings of the test's own in a folder of its own, spoken to
 * over node.sock, and looked at from outside to see that nothing of it is left. */
#ifndef SAFEWEB_TESTS_ISOLATION_NODE_LAB_H
#define SAFEWEB_TESTS_ISOLATION_NODE_LAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "wire/messages.h"

#define LAB_PATH_BYTES 256
#define LAB_PROCESSES_MAX 256
#define LAB_STREAM_BYTES WIRE_MESSAGE_MAX_BYTES

struct lab_process {
	uint8_t program; /* enum wire_program */
	pid_t pid;
	int pidfd;
};

/* Every process that a status ever showed; each pidfd says later whether it is gone. */
struct lab_processes {
	struct lab_process list[LAB_PROCESSES_MAX];
	size_t count;
};

struct lab {
	char folder[LAB_PATH_BYTES];
	char run[LAB_PATH_BYTES];
	char libexec[LAB_PATH_BYTES];
	char rootfs[4096];
	char prefix[16]; /* of its sessions' ids, once there was one */
	const char *image; /* NULL: rootfs */
	pid_t pid;
	int pidfd;
	int output_fd;
};

struct lab_session {
	char id[WIRE_CLAIMED_SESSION_MAX_BYTES + 1];
	char token[WIRE_CLAIMED_TOKEN_MAX_BYTES + 1];
};

/* Builds the browser image in the state folder SAFEWEB_TEST_STATE, unless it is there. Takes
 * minutes. */
void lab_build_image(void);

/* Makes the folder and finds the browser image. */
void lab_open(struct lab *lab);
/* Starts the node with "name=value" settings (NULL-terminated), and waits for its `ready`. */
void lab_start(struct lab *lab, const char *const *settings);
/* SIGTERM; it has to be gone within five seconds. */
void lab_stop(struct lab *lab);
/* SIGKILL. */
void lab_kill(struct lab *lab);
/* Runs `safeweb-node --reap`. */
void lab_reap(struct lab *lab);
/* Removes the folder and checks that nothing is left anywhere. */
void lab_close(struct lab *lab);

/* A connection that has said hello. */
int lab_connect(const struct lab *lab);
void lab_send(int fd, const uint8_t *message, long len);
/* The next message, into bytes of size; its length, or 0 when the connection has ended. */
size_t lab_receive(int fd, uint8_t *bytes, size_t size);

/* true with a session, false with the refusal in ret_reason. */
bool lab_claim(struct lab *lab, int control, struct lab_session *ret_session, uint16_t *ret_reason);
/* Asks for its end and waits until the node says that it is gone. */
void lab_release(int control, const char *session);
/* Waits for `ended` of this session and returns its reason. */
uint16_t lab_wait_ended(int control, const char *session);

/* Adds all processes of a session (NULL: of every one); returns its state, -1 when there is none.
 */
int lab_status(int control, const char *session, struct lab_processes *processes);
unsigned lab_session_count(int control);
/* The first process of a kind; of a browser's the one whose command line has the words, or, NULL,
 * has no --type. 0 when there is none. */
pid_t lab_find(const struct lab_processes *processes, enum wire_program program, const char *words);
/* Adds one that no status shows. */
void lab_add(struct lab_processes *processes, pid_t pid);
/* Waits up to five seconds until all of them are gone, and closes their descriptors. */
void lab_check_gone(struct lab_processes *processes);
/* Nothing of any session is on the machine: control groups, folders, mounts, the node's
 * descriptors. */
void lab_check_clean(const struct lab *lab);

pid_t lab_egress_pid(const struct lab *lab);
int lab_count_fds(const struct lab *lab);

/* What a client sees of the main surface. */
struct lab_view {
	int fd;
	uint32_t main;
	uint32_t width;
	uint32_t height;
	uint32_t *pixels;
	unsigned frames;
	uint16_t bye; /* reason, 0 before */
	char address[WIRE_TAB_ADDRESS_MAX_BYTES + 1];
	uint32_t tab;
	struct lab_decoder *decoder;
};

void lab_attach(struct lab_view *view, const struct lab *lab, const struct lab_session *session);
/* Takes the next message in; false at the connection's end. Pictures are acknowledged. */
bool lab_view_next(struct lab_view *view);
void lab_detach(struct lab_view *view);

#endif
