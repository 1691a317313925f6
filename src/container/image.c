#include "container/image.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fds.h"
#include "container/chromium.h"
#include "container/image_apt.h"
#include "container/image_recipe.h"
#include "container/image_tree.h"

#define MANIFEST_BYTES_MAX (1U << 20)
#define WORK_PREFIX ".build-"
#define ID_BYTES 128

struct builder {
	const struct image_options *options;
	struct recipe recipe;
	struct apt_plan plan;
	char images[IMAGE_PATH_BYTES]; /* <state>/image */
	char cache[IMAGE_PATH_BYTES]; /* <state>/cache */
	char work[IMAGE_PATH_BYTES]; /* "" or our temporary folder in images */
	char id[ID_BYTES];
	struct tree_size size;
};

static void say(const struct builder *builder, const char *format, ...)
		__attribute__((format(printf, 2, 3)));

static void say(const struct builder *builder, const char *format, ...)
{
	char line[256];
	va_list arguments;
	if (!builder->options->progress) {
		return;
	}
	va_start(arguments, format);
	vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	builder->options->progress(line, builder->options->progress_data);
}

static int path_join(char path[IMAGE_PATH_BYTES], const char *folder, const char *name,
		struct error *err)
{
	int len = snprintf(path, IMAGE_PATH_BYTES, "%s/%s", folder, name);
	if (len < 0 || len >= IMAGE_PATH_BYTES) {
		return error_set(
				err, -ENAMETOOLONG, "the path %.200s/%s is too long", folder, name);
	}
	return 0;
}

static void format_hash(char text[20], uint64_t hash)
{
	snprintf(text, 20, "%016llx", (unsigned long long)hash);
}

/* The current image's manifest, or an error when there is none that is whole. */
static int load_manifest(
		const char *images, json_t **ret_manifest, char ret_id[ID_BYTES], struct error *err)
{
	char path[IMAGE_PATH_BYTES];
	char name[ID_BYTES + 16];
	CLEANUP_FREE char *text = NULL;
	size_t len;
	int code = path_join(path, images, "current", err);
	if (code < 0) {
		return code;
	}
	ssize_t link_len = readlink(path, ret_id, ID_BYTES - 1);
	if (link_len <= 0) {
		return error_set(err, -ENOENT,
				"there is no browser image in %s: run `safeweb image build`",
				images);
	}
	ret_id[link_len] = '\0';
	snprintf(name, sizeof(name), "%s/image.json", ret_id);
	code = path_join(path, images, name, err);
	if (code == 0) {
		code = fds_read_file(AT_FDCWD, path, MANIFEST_BYTES_MAX, &text, &len, err);
	}
	if (code < 0) {
		return code;
	}
	*ret_manifest = json_loads(text, 0, NULL);
	return *ret_manifest
			? 0
			: error_set(err, -EBADMSG, "%s is damaged: build the image anew", path);
}

static bool manifest_has_recipe(const json_t *manifest, const struct recipe *recipe)
{
	char hash[20];
	format_hash(hash, recipe->hash);
	const char *recorded = json_string_value(json_object_get(manifest, "recipe"));
	return recorded && strcmp(recorded, hash) == 0;
}

static const char *recipe_folder(const struct image_options *options)
{
	return options->recipe_dir ? options->recipe_dir : SAFEWEB_IMAGE_RECIPE;
}

int image_current(const struct image_options *options, char *ret_rootfs, size_t size,
		struct error *err)
{
	char images[IMAGE_PATH_BYTES];
	char id[ID_BYTES];
	char path[IMAGE_PATH_BYTES];
	struct recipe recipe;
	json_t *manifest = NULL;
	int code = recipe_load(&recipe, recipe_folder(options), err);
	if (code == 0) {
		code = path_join(images, options->state_dir, "image", err);
	}
	if (code == 0) {
		code = load_manifest(images, &manifest, id, err);
	}
	if (code == 0 && !manifest_has_recipe(manifest, &recipe)) {
		code = error_set(err, -ESTALE,
				"the browser image is older than its recipe: "
				"run `safeweb image build`");
	}
	json_decref(manifest);
	recipe_finish(&recipe);
	if (code < 0) {
		return code;
	}
	int len = snprintf(ret_rootfs, size, "%s/%s/rootfs", images, id);
	if (len < 0 || (size_t)len >= size ||
			path_join(path, ret_rootfs, &CHROMIUM_PATH[1], err) < 0) {
		return error_set(err, -ENAMETOOLONG, "the path of the browser image is too long");
	}
	if (access(path, X_OK) < 0) {
		return error_set_errno(
				err, "the browser image is damaged, build it anew: %s", path);
	}
	return 0;
}

static json_t *plan_to_json(const struct apt_plan *plan)
{
	json_t *versions = json_object();
	for (size_t i = 0; i < plan->count; i++) {
		json_object_set_new(versions, plan->packages[i].name,
				json_string(plan->packages[i].version));
	}
	return versions;
}

/* Whether the current image was made by this recipe from these very versions. */
static bool is_up_to_date(const struct builder *builder)
{
	char id[ID_BYTES];
	json_t *manifest = NULL;
	if (load_manifest(builder->images, &manifest, id, NULL) < 0) {
		return false;
	}
	json_t *versions = plan_to_json(&builder->plan);
	bool same = manifest_has_recipe(manifest, &builder->recipe) &&
			json_equal(json_object_get(manifest, "packages"), versions) == 1;
	json_decref(versions);
	json_decref(manifest);
	return same;
}

static const char *chromium_version(const struct builder *builder)
{
	for (size_t i = 0; i < builder->plan.count; i++) {
		if (strcmp(builder->plan.packages[i].name, "chromium") == 0) {
			return builder->plan.packages[i].version;
		}
	}
	return "unknown";
}

/* Chromium's version, the recipe, and the time: unique, and a person sees what it is. */
static void name_image(struct builder *builder)
{
	snprintf(builder->id, sizeof(builder->id), "%.40s-%08x-%llx", chromium_version(builder),
			(unsigned int)(builder->recipe.hash & 0xffffffffU),
			(unsigned long long)time(NULL));
	for (char *at = builder->id; *at; at++) {
		*at = strchr("~+:/", *at) ? '-' : *at;
	}
}

static int write_manifest(const struct builder *builder, struct error *err)
{
	char path[IMAGE_PATH_BYTES];
	char hash[20];
	format_hash(hash, builder->recipe.hash);
	json_t *manifest = json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:o}", "id", builder->id,
			"recipe", hash, "chromium", chromium_version(builder), "built",
			(json_int_t)time(NULL), "bytes", (json_int_t)builder->size.bytes, "files",
			(json_int_t)builder->size.files, "packages", plan_to_json(&builder->plan));
	CLEANUP_FREE char *text =
			manifest ? json_dumps(manifest, JSON_INDENT(1) | JSON_SORT_KEYS) : NULL;
	json_decref(manifest);
	int code = path_join(path, builder->work, "image.json", err);
	if (code == 0 && !text) {
		code = error_set(err, -ENOMEM, "out of memory for the image's manifest");
	}
	return code < 0 ? code : fds_write_file(AT_FDCWD, path, text, strlen(text), 0644, err);
}

/* Puts the finished folder under its name and points "current" at it, each with one rename. */
static int publish(struct builder *builder, struct error *err)
{
	char final[IMAGE_PATH_BYTES];
	char link[IMAGE_PATH_BYTES];
	char current[IMAGE_PATH_BYTES];
	int code = path_join(final, builder->images, builder->id, err);
	if (code == 0) {
		code = path_join(link, builder->work, "current", err);
	}
	if (code == 0) {
		code = path_join(current, builder->images, "current", err);
	}
	if (code < 0) {
		return code;
	}
	/* Early, so that a crash cannot leave a name with half its files. */
	CLEANUP_CLOSE int dirfd = open(builder->images, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dirfd < 0 || syncfs(dirfd) < 0 || symlink(builder->id, link) < 0) {
		return error_set_errno(err, "cannot write the image to %s", builder->images);
	}
	if (rename(builder->work, final) < 0) {
		return error_set_errno(err, "cannot name the image %s", final);
	}
	builder->work[0] = '\0';
	code = path_join(link, final, "current", err);
	if (code == 0 && (rename(link, current) < 0 || fsync(dirfd) < 0)) {
		code = error_set_errno(err, "cannot make %s the current image", final);
	}
	return code;
}

/* Removes what interrupted builds left, and images older than the last two: running sessions may
 * use those. */
static void remove_leftovers(const struct builder *builder, const char *previous)
{
	CLEANUP_DIR DIR *dir = opendir(builder->images);
	for (struct dirent *entry; dir && (entry = readdir(dir));) {
		char path[IMAGE_PATH_BYTES];
		if (entry->d_type != DT_DIR || strcmp(entry->d_name, ".") == 0 ||
				strcmp(entry->d_name, "..") == 0 ||
				strcmp(entry->d_name, previous) == 0 ||
				strcmp(entry->d_name, builder->id) == 0) {
			continue;
		}
		bool is_work = strncmp(entry->d_name, WORK_PREFIX, strlen(WORK_PREFIX)) == 0;
		if ((is_work || builder->id[0] != '\0') &&
				path_join(path, builder->images, entry->d_name, NULL) == 0) {
			fds_remove_tree(path, NULL);
		}
	}
}

static int build(struct builder *builder, struct error *err)
{
	char tree[IMAGE_PATH_BYTES];
	char rootfs[IMAGE_PATH_BYTES];
	say(builder, "downloading what of %zu packages is missing", builder->plan.count);
	int code = apt_download(builder->cache, &builder->recipe, err);
	if (code == 0) {
		code = path_join(builder->work, builder->images, WORK_PREFIX "XXXXXX", err);
	}
	if (code == 0 && !mkdtemp(builder->work)) {
		code = error_set_errno(err, "cannot make a folder in %s", builder->images);
		builder->work[0] = '\0';
	}
	if (code == 0) {
		code = path_join(tree, builder->work, "tree", err);
	}
	if (code == 0) {
		code = path_join(rootfs, builder->work, "rootfs", err);
	}
	if (code == 0 &&
			(chmod(builder->work, 0755) < 0 || mkdir(tree, 0755) < 0 ||
					mkdir(rootfs, 0755) < 0)) {
		code = error_set_errno(err, "cannot make folders in %s", builder->work);
	}
	if (code == 0) {
		say(builder, "unpacking");
		code = tree_unpack(tree, builder->cache, &builder->plan, &builder->recipe, err);
	}
	if (code == 0) {
		say(builder, "leaving out what Chromium does not need");
		code = tree_reduce(tree, rootfs, &builder->recipe, &builder->size, err);
	}
	if (code == 0) {
		code = fds_remove_tree(tree, err);
	}
	if (code == 0) {
		name_image(builder);
		code = write_manifest(builder, err);
	}
	return code < 0 ? code : publish(builder, err);
}

static int build_if_needed(struct builder *builder, bool *ret_built, struct error *err)
{
	char previous[ID_BYTES] = "";
	json_t *manifest = NULL;
	remove_leftovers(builder, "");
	say(builder, "asking the Debian archives for the newest versions");
	int code = apt_plan(&builder->plan, builder->cache, &builder->recipe, err);
	if (code < 0) {
		return code;
	}
	if (!builder->options->force && is_up_to_date(builder)) {
		say(builder, "the image is up to date: Chromium %s", chromium_version(builder));
		*ret_built = false;
		return 0;
	}
	load_manifest(builder->images, &manifest, previous, NULL);
	json_decref(manifest);
	code = build(builder, err);
	if (builder->work[0] != '\0') {
		fds_remove_tree(builder->work, NULL);
	}
	if (code == 0) {
		say(builder, "done: Chromium %s, %u files, %llu MB", chromium_version(builder),
				builder->size.files,
				(unsigned long long)(builder->size.bytes >> 20));
		remove_leftovers(builder, previous);
		apt_prune(builder->cache, &builder->plan);
		*ret_built = true;
	}
	return code;
}

/* One builder at a time. */
static int lock_images(const char *images, int *ret_fd, struct error *err)
{
	char path[IMAGE_PATH_BYTES];
	int code = path_join(path, images, ".lock", err);
	if (code < 0) {
		return code;
	}
	CLEANUP_CLOSE int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0) {
		return error_set_errno(err, "cannot open %s", path);
	}
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		return error_set(err, -EBUSY, "another `safeweb image build` is running");
	}
	*ret_fd = steal_fd(&fd);
	return 0;
}

int image_build(const struct image_options *options, bool *ret_built, struct error *err)
{
	struct builder *builder = calloc(1, sizeof(*builder));
	CLEANUP_CLOSE int lock = -1;
	bool built = false;
	if (!builder) {
		return error_set(err, -ENOMEM, "out of memory for building the image");
	}
	builder->options = options;
	int code = recipe_load(&builder->recipe, recipe_folder(options), err);
	if (code == 0) {
		code = path_join(builder->images, options->state_dir, "image", err);
	}
	if (code == 0) {
		code = path_join(builder->cache, options->state_dir, "cache", err);
	}
	if (code == 0) {
		code = fds_make_directories(builder->images, 0755, err);
	}
	if (code == 0) {
		code = lock_images(builder->images, &lock, err);
	}
	if (code == 0) {
		code = build_if_needed(builder, &built, err);
	}
	if (code == 0 && ret_built) {
		*ret_built = built;
	}
	apt_plan_finish(&builder->plan);
	recipe_finish(&builder->recipe);
	free(builder);
	return code;
}
