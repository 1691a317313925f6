#include "container/image_run.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/spawn.h"

#define OUTPUT_BYTES_MAX (16U << 20)
#define COMPLAINT_BYTES_MAX 300

static char *read_back(int fd, size_t max_bytes)
{
	struct stat status;
	if (fstat(fd, &status) < 0) {
		return NULL;
	}
	size_t size = (size_t)status.st_size;
	off_t start = size > max_bytes ? (off_t)(size - max_bytes) : 0;
	size = size > max_bytes ? max_bytes : size;
	char *text = calloc(1, size + 1);
	if (text && pread(fd, text, size, start) != (ssize_t)size) {
		free(text);
		return NULL;
	}
	return text;
}

static int complain(const char *program, int status, int errors_fd, struct error *err)
{
	CLEANUP_FREE char *text = read_back(errors_fd, COMPLAINT_BYTES_MAX);
	size_t len = text ? strlen(text) : 0;
	while (len > 0 && text[len - 1] == '\n') {
		text[--len] = '\0';
	}
	const char *newline = text ? strrchr(text, '\n') : NULL;
	return error_set(err, -EIO, "%s failed with status %d: %s", program, status,
			newline			  ? newline + 1
					: len > 0 ? text
						  : "it gave no reason");
}

int image_run(const char *const *argv, int timeout_ms, char **ret_output, struct error *err)
{
	static const char *const environment[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin",
			"LC_ALL=C.UTF-8", "DEBIAN_FRONTEND=noninteractive", "HOME=/nonexistent",
			NULL};
	CLEANUP_CLOSE int output = memfd_create("output", MFD_CLOEXEC);
	CLEANUP_CLOSE int errors = memfd_create("errors", MFD_CLOEXEC);
	if (output < 0 || errors < 0) {
		return error_set_errno(err, "cannot make room for the output of %s", argv[0]);
	}
	const struct spawn_fd fds[] = {{output, 1}, {errors, 2}};
	const struct spawn_options options = {
			.path = argv[0],
			.argv = argv,
			.envp = environment,
			.fds = fds,
			.fd_count = ARRAY_LENGTH(fds),
	};
	int status = spawn_and_wait(&options, timeout_ms, err);
	if (status != 0) {
		return status < 0 ? status : complain(argv[0], status, errors, err);
	}
	if (ret_output) {
		*ret_output = read_back(output, OUTPUT_BYTES_MAX);
		return *ret_output ? 0
				   : error_set(err, -ENOMEM, "out of memory for output of %s",
						     argv[0]);
	}
	return 0;
}
