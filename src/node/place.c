#include "node/place.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fds.h"
#include "container/container.h"

/* Room for "/sessions/" and the file names in it. */
#define RUN_PATH_CHARS_MAX 200

static int join(char *to, const char *run, const char *name)
{
	return snprintf(to, PLACE_PATH_BYTES, "%s/%s", run, name) < PLACE_PATH_BYTES
			? 0
			: -ENAMETOOLONG;
}

/* FNV-1a: the same folder has the same prefix at every start. */
static void name_prefix(struct place *place)
{
	uint32_t hash = 2166136261u;
	for (const char *c = place->run; *c; c++) {
		hash = (hash ^ (uint8_t)*c) * 16777619u;
	}
	snprintf(place->prefix, sizeof(place->prefix), "%08x", hash);
}

static int name_paths(struct place *place, const char *run, struct error *err)
{
	CLEANUP_FREE char *real = realpath(run, NULL);
	if (!real) {
		return error_set_errno(err, "cannot find the folder %s", run);
	}
	if (strlen(real) > RUN_PATH_CHARS_MAX) {
		return error_set(err, -ENAMETOOLONG,
				"the run folder %s has more than %d characters: choose a shorter "
				"one",
				real, RUN_PATH_CHARS_MAX);
	}
	snprintf(place->run, sizeof(place->run), "%s", real);
	name_prefix(place);
	int code = join(place->socket, real, "node.sock");
	code = code < 0 ? code : join(place->empty, real, "empty");
	return code < 0 ? code : join(place->sessions, real, "sessions");
}

static int take_lock(struct place *place, struct error *err)
{
	char path[PLACE_PATH_BYTES];
	if (join(path, place->run, "node.lock") < 0) {
		return error_set(err, -ENAMETOOLONG, "the run folder's path is too long");
	}
	place->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (place->lock_fd < 0) {
		return error_set_errno(err, "cannot open %s", path);
	}
	if (flock(place->lock_fd, LOCK_EX | LOCK_NB) < 0) {
		cleanup_close(&place->lock_fd);
		return error_set(err, -EBUSY, "another safeweb-node runs in %s", place->run);
	}
	return 0;
}

static int make_folder(const char *path, mode_t mode, struct error *err)
{
	if (mkdir(path, mode) < 0 && errno != EEXIST) {
		return error_set_errno(err, "cannot make the folder %s", path);
	}
	CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fchown(fd, 0, 0) < 0 || fchmod(fd, mode) < 0) {
		return error_set_errno(err, "cannot own the folder %s", path);
	}
	return 0;
}

int place_open(struct place *place, const char *run, struct error *err)
{
	*place = (struct place){.lock_fd = -1};
	int code = fds_make_directories(run, 0755, err);
	if (code == 0) {
		code = name_paths(place, run, err);
	}
	if (code == 0) {
		code = take_lock(place, err);
	}
	if (code == 0) {
		code = make_folder(place->empty, 0555, err);
	}
	if (code == 0) {
		code = make_folder(place->sessions, 0700, err);
	}
	if (code < 0) {
		cleanup_close(&place->lock_fd);
	}
	return code;
}

void place_close(struct place *place)
{
	if (place->lock_fd < 0) {
		return;
	}
	unlink(place->socket);
	rmdir(place->sessions);
	rmdir(place->empty);
	cleanup_close(&place->lock_fd);
}

int place_reap(const struct place *place, struct error *err)
{
	return container_reap(place->sessions, place->prefix, err);
}
