/* From Debian packages to the tree that sessions run on. */
#ifndef SAFEWEB_CONTAINER_IMAGE_TREE_H
#define SAFEWEB_CONTAINER_IMAGE_TREE_H

#include <stdint.h>

#include "base/error.h"
#include "container/image_apt.h"
#include "container/image_recipe.h"

struct tree_size {
	uint64_t bytes;
	uint32_t files;
};

/* Unpacks the plan's packages, all but the recipe's skipped ones, from apt_folder into tree. */
int tree_unpack(const char *tree, const char *apt_folder, const struct apt_plan *plan,
		const struct recipe *recipe, struct error *err);

/* Moves what the recipe keeps from tree to rootfs, adds the few files of our own, makes the font
 * cache, and takes away every special mode and write permission. Both on one file system. */
int tree_reduce(const char *tree, const char *rootfs, const struct recipe *recipe,
		struct tree_size *ret_size, struct error *err);

#endif
