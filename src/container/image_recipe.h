/* The image's recipe: image/recipe and the files beside it. */
#ifndef SAFEWEB_CONTAINER_IMAGE_RECIPE_H
#define SAFEWEB_CONTAINER_IMAGE_RECIPE_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define RECIPE_LINES_MAX 256

enum recipe_kind {
	RECIPE_PACKAGE,
	RECIPE_SKIP,
	RECIPE_PROGRAM,
	RECIPE_KEEP,
	RECIPE_DROP,
};

struct recipe_line {
	enum recipe_kind kind;
	const char *word; /* into text */
};

struct recipe {
	char *text; /* owned; cut into words */
	char *policies; /* owned; Chromium's managed policies, JSON */
	uint64_t hash; /* of all that decides what is built; not a cryptographic one */
	struct recipe_line lines[RECIPE_LINES_MAX];
	size_t count;
};

/* Cuts text, which is changed and has to outlive the recipe, into lines. -EINVAL with the line's
 * number. */
int recipe_parse(struct recipe *recipe, char *text, struct error *err);

/* Reads a recipe folder. Call recipe_finish() also after failure. */
int recipe_load(struct recipe *recipe, const char *folder, struct error *err);
void recipe_finish(struct recipe *recipe);

#endif
