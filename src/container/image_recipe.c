#include "container/image_recipe.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fds.h"

#define RECIPE_BYTES_MAX (256U << 10)
#define BUILDER_VERSION "1" /* raise when the builder makes something else of the same recipe */

static const char *const kind_words[] = {
		[RECIPE_PACKAGE] = "package",
		[RECIPE_SKIP] = "skip",
		[RECIPE_PROGRAM] = "program",
		[RECIPE_KEEP] = "keep",
		[RECIPE_DROP] = "drop",
};

static int parse_line(struct recipe *recipe, char *line, unsigned int number, struct error *err)
{
	char *save;
	char *kind = strtok_r(line, " \t", &save);
	char *word = kind ? strtok_r(NULL, " \t", &save) : NULL;
	if (!kind || kind[0] == '#') {
		return 0;
	}
	for (size_t i = 0; word && i < ARRAY_LENGTH(kind_words); i++) {
		if (strcmp(kind, kind_words[i]) != 0) {
			continue;
		}
		if (recipe->count == RECIPE_LINES_MAX) {
			return error_set(err, -E2BIG,
					"the image recipe has more than %d instructions",
					RECIPE_LINES_MAX);
		}
		recipe->lines[recipe->count++] = (struct recipe_line){(enum recipe_kind)i, word};
		return 0;
	}
	return error_set(err, -EINVAL, "line %u of the image recipe is no instruction", number);
}

int recipe_parse(struct recipe *recipe, char *text, struct error *err)
{
	unsigned int number = 0;
	for (char *line = text; line;) {
		char *next = strchr(line, '\n');
		if (next) {
			*next++ = '\0';
		}
		int code = parse_line(recipe, line, ++number, err);
		if (code < 0) {
			return code;
		}
		line = next;
	}
	return 0;
}

/* FNV-1a, 64 bits. */
static uint64_t hash_text(uint64_t hash, const char *text)
{
	do {
		hash = (hash ^ (unsigned char)*text) * 0x100000001b3ULL;
	} while (*text++);
	return hash;
}

int recipe_load(struct recipe *recipe, const char *folder, struct error *err)
{
	*recipe = (struct recipe){0};
	CLEANUP_CLOSE int dirfd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dirfd < 0) {
		return error_set_errno(
				err, "cannot open the folder %s with the image's recipe", folder);
	}
	size_t len;
	int code = fds_read_file(dirfd, "recipe", RECIPE_BYTES_MAX, &recipe->text, &len, err);
	if (code == 0) {
		code = fds_read_file(dirfd, "policies.json", RECIPE_BYTES_MAX, &recipe->policies,
				&len, err);
	}
	if (code < 0) {
		return code;
	}
	recipe->hash = hash_text(0xcbf29ce484222325ULL, BUILDER_VERSION);
	recipe->hash = hash_text(recipe->hash, recipe->text);
	recipe->hash = hash_text(recipe->hash, recipe->policies);
	return recipe_parse(recipe, recipe->text, err);
}

void recipe_finish(struct recipe *recipe)
{
	free(recipe->text);
	free(recipe->policies);
	*recipe = (struct recipe){0};
}
