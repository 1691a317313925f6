#include "node/image_watch.h"

#include <errno.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/cleanup.h"

#define PATH_BYTES 4096

static void handle_event(struct loop_source *source, uint32_t events)
{
	(void)events;
	struct image_watch *watch = source->data;
	char buffer[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
	while (read(watch->fd, buffer, sizeof(buffer)) > 0) {
	}
	/* STATE/image may be new and unwatched: the owner starts a new watch when it still needs
	 * one. */
	watch->changed(watch->data);
}

int image_watch_start(struct image_watch *watch, struct loop *loop, const char *state,
		void (*changed)(void *data), void *data, struct error *err)
{
	*watch = (struct image_watch){.fd = -1, .changed = changed, .data = data};
	CLEANUP_CLOSE int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (fd < 0) {
		return error_set_errno(err, "cannot watch for the browser image");
	}
	char image[PATH_BYTES];
	int len = snprintf(image, sizeof(image), "%s/image", state);
	int in_state = inotify_add_watch(fd, state, IN_CREATE | IN_MOVED_TO | IN_ONLYDIR);
	int in_image = len < PATH_BYTES
			? inotify_add_watch(fd, image, IN_CREATE | IN_MOVED_TO | IN_ONLYDIR)
			: -1;
	if (in_state < 0 && in_image < 0) {
		return error_set_errno(err, "cannot watch %s for the browser image", state);
	}
	int code = loop_source_add(loop, &watch->source, fd, EPOLLIN, handle_event, watch);
	if (code < 0) {
		return error_set(err, code, "cannot watch %s for the browser image", state);
	}
	watch->fd = steal_fd(&fd);
	return 0;
}

void image_watch_finish(struct image_watch *watch)
{
	if (watch->fd >= 0) {
		loop_source_remove(&watch->source);
		cleanup_close(&watch->fd);
	}
}
