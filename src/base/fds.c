#include "base/fds.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

/* Linux 6.3; older C libraries lack the name. */
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif

union control_space {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(sizeof(int) * FDS_MAX_PASSED)];
};

int fds_send(int socket, const void *bytes, size_t len, const int *fds, size_t fd_count)
{
	assert(fd_count <= FDS_MAX_PASSED);
	union control_space control = {0};
	struct iovec part = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = len};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
	if (fd_count) {
		message.msg_control = control.bytes;
		message.msg_controllen = CMSG_SPACE(sizeof(int) * fd_count);
		struct cmsghdr *header = CMSG_FIRSTHDR(&message);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(sizeof(int) * fd_count);
		memcpy(CMSG_DATA(header), fds, sizeof(int) * fd_count);
	}
	ssize_t sent = sendmsg(socket, &message, MSG_NOSIGNAL);
	if (sent < 0) {
		return -errno;
	}
	return (size_t)sent == len ? 0 : -EMSGSIZE;
}

static void collect_fds(struct msghdr *message, int *fds, size_t *fd_count)
{
	size_t room = *fd_count;
	*fd_count = 0;
	for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header;
			header = CMSG_NXTHDR(message, header)) {
		if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) {
			continue;
		}
		size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < count; i++) {
			int fd;
			memcpy(&fd, CMSG_DATA(header) + i * sizeof(int), sizeof(fd));
			if (*fd_count < room) {
				fds[(*fd_count)++] = fd;
			} else {
				close(fd);
			}
		}
	}
}

ssize_t fds_receive(int socket, void *bytes, size_t size, int *fds, size_t *fd_count)
{
	union control_space control;
	struct iovec part = {.iov_base = bytes, .iov_len = size};
	struct msghdr message = {
			.msg_iov = &part,
			.msg_iovlen = 1,
			.msg_control = control.bytes,
			.msg_controllen = sizeof(control.bytes),
	};
	ssize_t len = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
	if (len < 0) {
		*fd_count = 0;
		return -errno;
	}
	collect_fds(&message, fds, fd_count);
	if (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) {
		for (size_t i = 0; i < *fd_count; i++) {
			close(fds[i]);
		}
		*fd_count = 0;
		return -EMSGSIZE;
	}
	return len;
}

int fds_socketpair(int type, int ret_pair[2], struct error *err)
{
	if (socketpair(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ret_pair) < 0) {
		return error_set_errno(err, "cannot make a socket pair");
	}
	return 0;
}

int fds_sealed_memory(const char *name, size_t len, int *ret_fd, struct error *err)
{
	CLEANUP_CLOSE int fd =
			memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);
	if (fd < 0 && errno == EINVAL) {
		fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	}
	if (fd < 0) {
		return error_set_errno(err, "cannot make shared memory %s", name);
	}
	if (ftruncate(fd, (off_t)len) < 0 ||
			fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0) {
		return error_set_errno(err, "cannot size shared memory %s to %zu bytes", name, len);
	}
	*ret_fd = steal_fd(&fd);
	return 0;
}

int fds_reopen_readonly(int fd, int *ret_fd, struct error *err)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	int again = open(path, O_RDONLY | O_CLOEXEC);
	if (again < 0) {
		return error_set_errno(err, "cannot open shared memory read-only through %s", path);
	}
	*ret_fd = again;
	return 0;
}

int fds_set_nonblocking(int fd)
{
	int flags = fcntl(fd, F_GETFL);
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0) {
		return -errno;
	}
	return 0;
}

int fds_read_file(int dirfd, const char *path, size_t max_bytes, char **ret_text, size_t *ret_len,
		struct error *err)
{
	CLEANUP_CLOSE int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0) {
		return error_set_errno(err, "cannot open %s", path);
	}
	CLEANUP_FREE char *text = NULL;
	size_t len = 0;
	size_t size = 0;
	for (;;) {
		if (size - len < 2) {
			size = size ? size * 2 : 4096;
			char *grown = realloc(text, size);
			if (!grown) {
				return error_set(err, -ENOMEM, "no memory to read %s", path);
			}
			text = grown;
		}
		ssize_t got = read(fd, text + len, size - len - 1);
		if (got < 0 && errno == EINTR) {
			continue;
		}
		if (got < 0) {
			return error_set_errno(err, "cannot read %s", path);
		}
		if (got == 0) {
			break;
		}
		len += (size_t)got;
		if (len > max_bytes) {
			return error_set(err, -EFBIG, "%s is larger than the limit of %zu bytes",
					path, max_bytes);
		}
	}
	text[len] = '\0';
	*ret_text = steal_ptr(text);
	if (ret_len) {
		*ret_len = len;
	}
	return 0;
}

static int write_all(int fd, const uint8_t *bytes, size_t len)
{
	while (len) {
		ssize_t written = write(fd, bytes, len);
		if (written < 0 && errno == EINTR) {
			continue;
		}
		if (written < 0) {
			return -errno;
		}
		bytes += written;
		len -= (size_t)written;
	}
	return 0;
}

int fds_write_file(int dirfd, const char *path, const void *bytes, size_t len, mode_t mode,
		struct error *err)
{
	CLEANUP_FREE char *temporary = NULL;
	if (asprintf(&temporary, "%s.new.%d", path, (int)getpid()) < 0) {
		temporary = NULL;
		return error_set(err, -ENOMEM, "no memory to write %s", path);
	}
	unlinkat(dirfd, temporary, 0);
	CLEANUP_CLOSE int fd = openat(dirfd, temporary,
			O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
	if (fd < 0) {
		return error_set_errno(err, "cannot create %s", temporary);
	}
	int code = write_all(fd, bytes, len);
	if (code == 0 &&
			(fchmod(fd, mode) < 0 || fsync(fd) < 0 ||
					renameat(dirfd, temporary, dirfd, path) < 0)) {
		code = -errno;
	}
	if (code < 0) {
		unlinkat(dirfd, temporary, 0);
		errno = -code;
		return error_set_errno(err, "cannot write %s", path);
	}
	return 0;
}

int fds_write_kernel_file(int dirfd, const char *path, const char *text, struct error *err)
{
	CLEANUP_CLOSE int fd = openat(dirfd, path, O_WRONLY | O_CLOEXEC);
	if (fd < 0) {
		return error_set_errno(err, "cannot open %s", path);
	}
	if (write(fd, text, strlen(text)) < 0) {
		return error_set_errno(err, "cannot write \"%s\" to %s", text, path);
	}
	return 0;
}

int fds_make_directories(const char *path, mode_t mode, struct error *err)
{
	CLEANUP_FREE char *copy = strdup(path);
	if (!copy) {
		return error_set(err, -ENOMEM, "no memory to make %s", path);
	}
	for (char *slash = copy + 1;; slash++) {
		if (*slash != '/' && *slash != '\0') {
			continue;
		}
		char end = *slash;
		*slash = '\0';
		if (mkdir(copy, mode) < 0 && errno != EEXIST) {
			return error_set_errno(err, "cannot make the folder %s", copy);
		}
		*slash = end;
		if (end == '\0') {
			return 0;
		}
	}
}

static int remove_in(int parent, const char *name, dev_t device, struct error *err)
{
	if (unlinkat(parent, name, 0) == 0 || errno == ENOENT) {
		return 0;
	}
	if (errno != EISDIR && errno != EPERM) {
		return error_set_errno(err, "cannot remove %s", name);
	}
	CLEANUP_CLOSE int fd =
			openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat status;
	if (fd < 0 || fstat(fd, &status) < 0) {
		return error_set_errno(err, "cannot open the folder %s", name);
	}
	if (status.st_dev != device) {
		return error_set(err, -EBUSY, "%s is a mount point: not removed", name);
	}
	int listing = dup(fd);
	CLEANUP_DIR DIR *dir = listing >= 0 ? fdopendir(listing) : NULL;
	if (!dir) {
		return error_set_errno(err, "cannot list the folder %s", name);
	}
	for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) {
			continue;
		}
		int code = remove_in(fd, entry->d_name, device, err);
		if (code < 0) {
			return code;
		}
	}
	if (unlinkat(parent, name, AT_REMOVEDIR) < 0 && errno != ENOENT) {
		return error_set_errno(err, "cannot remove the folder %s", name);
	}
	return 0;
}

int fds_remove_tree(const char *path, struct error *err)
{
	struct stat status;
	if (lstat(path, &status) < 0) {
		return errno == ENOENT ? 0 : error_set_errno(err, "cannot look at %s", path);
	}
	return remove_in(AT_FDCWD, path, status.st_dev, err);
}
