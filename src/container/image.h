/*
 * The read-only browser image: Debian packages unpacked, cut down to what Chromium opens, and
 * put under its content's name. Recipe and reasons: image/ and docs/decisions/0002-image.md.
 *
 *   <state>/cache/                        downloaded packages, reused
 *   <state>/image/<id>/rootfs             the tree sessions run on
 *   <state>/image/<id>/image.json         manifest: recipe hash, package versions, files
 *   <state>/image/current                 symbolic link to <id>, replaced by rename
 */
#ifndef SAFEWEB_CONTAINER_IMAGE_H
#define SAFEWEB_CONTAINER_IMAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

#define IMAGE_PATH_BYTES 4096
/* An empty policy in the image, over which a session with extra certificates mounts its own. */
#define IMAGE_CA_POLICY "/etc/chromium/policies/managed/safeweb-ca.json"

struct image_options {
	const char *state_dir; /* say /var/lib/safeweb */
	const char *recipe_dir; /* the installed image/ folder; NULL: the built-in path */
	bool force; /* build even when nothing changed */
	/* One line of progress, without newline; NULL: silence. */
	void (*progress)(const char *line, void *data);
	void *progress_data;
};

/* Builds the image when the recipe or a package's version changed since the current one. Needs
 * root, apt, and the network. Interrupted builds leave nothing.
 * *ret_built, when not NULL, says whether there is a new image. */
int image_build(const struct image_options *options, bool *ret_built, struct error *err);

/* The current image's rootfs, checked to be whole and made by this recipe; quick, no network.
 * -ENOENT when there is none, -ESTALE when the recipe has changed since: build it. */
int image_current(const struct image_options *options, char *ret_rootfs, size_t size,
		struct error *err);

#endif
