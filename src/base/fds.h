/* Descriptors: passing, sealing, reading and writing whole files. All are close-on-exec. */
#ifndef SAFEWEB_BASE_FDS_H
#define SAFEWEB_BASE_FDS_H

#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"

/* At most this many descriptors travel with one message. */
#define FDS_MAX_PASSED 8

/* Sends one message with descriptors over a UNIX socket; the descriptors stay the caller's.
 * Returns 0 or a negative errno (-EAGAIN when the socket is full). */
int fds_send(int socket, const void *bytes, size_t len, const int *fds, size_t fd_count);

/* Receives one message. fds has room for *fd_count descriptors, which become the caller's; more
 * than that are closed. Returns the message's length, 0 at end of file, or a negative errno;
 * -EMSGSIZE when it did not fit in size bytes. */
ssize_t fds_receive(int socket, void *bytes, size_t size, int *fds, size_t *fd_count);

/* A connected pair, non-blocking. type: SOCK_STREAM or SOCK_SEQPACKET. */
int fds_socketpair(int type, int ret_pair[2], struct error *err);

/* A memfd of exactly len bytes that can never shrink or grow, so that a mapping of it cannot fault.
 */
int fds_sealed_memory(const char *name, size_t len, int *ret_fd, struct error *err);

/* Opens fd's file again, read-only: what a mapping of it can never write. */
int fds_reopen_readonly(int fd, int *ret_fd, struct error *err);

int fds_set_nonblocking(int fd);

/* Reads a whole file of at most max_bytes, NUL-terminated; *ret_text is the caller's to free.
 * dirfd as in openat(2). Refuses a symbolic link as the last component. */
int fds_read_file(int dirfd, const char *path, size_t max_bytes, char **ret_text, size_t *ret_len,
		struct error *err);

/* Replaces a file's content whole: temporary file beside it, fsync, rename. */
int fds_write_file(int dirfd, const char *path, const void *bytes, size_t len, mode_t mode,
		struct error *err);

/* Writes a short string to an existing kernel file (cgroup, procfs) with one write(2). */
int fds_write_kernel_file(int dirfd, const char *path, const char *text, struct error *err);

/* Makes a directory and its missing parents, like mkdir -p. */
int fds_make_directories(const char *path, mode_t mode, struct error *err);

/* Removes a tree without following links or crossing mounts. What is absent is no error. */
int fds_remove_tree(const char *path, struct error *err);

#endif
