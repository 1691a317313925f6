/*
 * Debian packages from the machine's own mirrors, without touching the machine's apt state: the
 * folder holds lists and downloads of its own. Signatures are checked by apt against Debian's
 * archive keys.
 */
#ifndef SAFEWEB_CONTAINER_IMAGE_APT_H
#define SAFEWEB_CONTAINER_IMAGE_APT_H

#include <stddef.h>

#include "base/error.h"
#include "container/image_recipe.h"

#define APT_PACKAGES_MAX 1024

struct apt_package {
	char *name;
	char *version;
	char *architecture;
};

struct apt_plan {
	struct apt_package packages[APT_PACKAGES_MAX];
	size_t count;
};

/* Turns apt's source lists (one-line or deb822 text) into one-line entries for the Debian
 * archives of the release, main component only; third-party lists are left out. Appends to
 * *entries, which is the caller's to free. */
int apt_sources_from_lines(
		const char *text, const char *codename, char **entries, struct error *err);
int apt_sources_from_deb822(
		const char *text, const char *codename, char **entries, struct error *err);

/* Finds what the recipe's packages and their dependencies are now: about ten seconds and 10 MB. */
int apt_plan(struct apt_plan *ret_plan, const char *folder, const struct recipe *recipe,
		struct error *err);

/* Downloads what is not in the folder yet. */
int apt_download(const char *folder, const struct recipe *recipe, struct error *err);

/* The path of a downloaded package. */
int apt_package_path(
		char *path, size_t size, const char *folder, const struct apt_package *package);

/* Removes downloaded packages that the plan does not name: of older versions. */
void apt_prune(const char *folder, const struct apt_plan *plan);

void apt_plan_finish(struct apt_plan *plan);

/* Reads the lines "Inst name (version … [architecture])" of a simulated installation. */
int apt_plan_parse(struct apt_plan *plan, char *text, struct error *err);

#endif
