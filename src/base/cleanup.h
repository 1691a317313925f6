/* Scope-bound ownership: a variable marked with one of these frees what it holds when its scope
 * ends. Hand ownership on with steal_ptr() or steal_fd(). */
#ifndef SAFEWEB_BASE_CLEANUP_H
#define SAFEWEB_BASE_CLEANUP_H

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define CLEANUP(function) __attribute__((cleanup(function)))
#define CLEANUP_FREE CLEANUP(cleanup_free)
#define CLEANUP_CLOSE CLEANUP(cleanup_close)
#define CLEANUP_FILE CLEANUP(cleanup_file)
#define CLEANUP_DIR CLEANUP(cleanup_dir)

static inline void cleanup_free(void *pointer)
{
	free(*(void **)pointer);
}

/* Closes *fd unless it is negative, keeps errno and leaves -1 behind. */
static inline void cleanup_close(int *fd)
{
	if (*fd >= 0) {
		int saved = errno;
		close(*fd);
		errno = saved;
		*fd = -1;
	}
}

static inline void cleanup_file(FILE **file)
{
	if (*file) {
		fclose(*file);
	}
}

static inline void cleanup_dir(DIR **dir)
{
	if (*dir) {
		closedir(*dir);
	}
}

static inline int steal_fd(int *fd)
{
	int taken = *fd;
	*fd = -1;
	return taken;
}

#define steal_ptr(pointer)                                                                         \
	({                                                                                         \
		__typeof__(pointer) *cleanup_from = &(pointer);                                    \
		__typeof__(pointer) cleanup_taken = *cleanup_from;                                 \
		*cleanup_from = NULL;                                                              \
		cleanup_taken;                                                                     \
	})

#define ARRAY_LENGTH(array) (sizeof(array) / sizeof((array)[0]))

#endif
