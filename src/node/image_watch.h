/* Tells when a browser image may have appeared, so that nobody has to look again and again. */
#ifndef SAFEWEB_NODE_IMAGE_WATCH_H
#define SAFEWEB_NODE_IMAGE_WATCH_H

#include "base/error.h"
#include "base/loop.h"

struct image_watch {
	int fd; /* inotify; owned; -1 without */
	struct loop_source source;
	void (*changed)(void *data);
	void *data;
};

/* Watches the folder state and its folder image. -ENOENT when neither is there. */
int image_watch_start(struct image_watch *watch, struct loop *loop, const char *state,
		void (*changed)(void *data), void *data, struct error *err);
void image_watch_finish(struct image_watch *watch);

#endif
