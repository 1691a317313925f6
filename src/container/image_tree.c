#include "container/image_tree.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <glob.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fds.h"
#include "container/image.h"
#include "container/image_run.h"

#define TREE_PATH_BYTES 1024
#define UNPACK_TIMEOUT_MS (5 * 60 * 1000)
#define LOADER_TIMEOUT_MS (60 * 1000)
#define LINK_DEPTH_MAX 8
#define WALK_FDS 32
#define LOADER "lib64/ld-linux-x86-64.so.2"
#define FONT_CACHE_PROGRAM "usr/bin/fc-cache"

/* Files of ours. The machine id is the same in every session: it identifies nobody. */
static const struct {
	const char *path;
	const char *text;
} own_files[] = {
		{"etc/passwd", "root:x:0:0::/:/\nuser:x:1000:1000::/home/user:/\n"},
		{"etc/group", "root:x:0:\nuser:x:1000:\n"},
		{"etc/hosts", "127.0.0.1 localhost\n::1 localhost\n"},
		{"etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files\n"},
		{"etc/machine-id", "5afe0000000000000000000000000000\n"},
		{&IMAGE_CA_POLICY[1], "{}\n"},
};

static const char *const own_folders[] = {"dev", "etc/chromium/policies/managed", "home/user",
		"proc", "run", "sys", "tmp", "usr/bin", "usr/lib", "usr/lib64", "usr/sbin",
		"var/cache/fontconfig"};

static const char *const merged_folders[] = {"bin", "sbin", "lib", "lib64"};

static bool is_skipped(const struct recipe *recipe, const char *package)
{
	for (size_t i = 0; i < recipe->count; i++) {
		if (recipe->lines[i].kind == RECIPE_SKIP &&
				strcmp(recipe->lines[i].word, package) == 0) {
			return true;
		}
	}
	return false;
}

int tree_unpack(const char *tree, const char *apt_folder, const struct apt_plan *plan,
		const struct recipe *recipe, struct error *err)
{
	for (size_t i = 0; i < plan->count; i++) {
		const struct apt_package *package = &plan->packages[i];
		char path[TREE_PATH_BYTES];
		if (is_skipped(recipe, package->name)) {
			continue;
		}
		if (apt_package_path(path, sizeof(path), apt_folder, package) < 0) {
			return error_set(err, -ENAMETOOLONG, "the path of package %s is too long",
					package->name);
		}
		const char *const argv[] = {"/usr/bin/dpkg-deb", "--extract", path, tree, NULL};
		int code = image_run(argv, UNPACK_TIMEOUT_MS, NULL, err);
		if (code < 0) {
			return code;
		}
	}
	return 0;
}

static int join(char path[TREE_PATH_BYTES], const char *folder, const char *name, struct error *err)
{
	int len = snprintf(path, TREE_PATH_BYTES, "%s/%s", folder, name);
	if (len < 0 || len >= TREE_PATH_BYTES) {
		return error_set(err, -ENAMETOOLONG, "a path in the image is too long: %s", name);
	}
	return 0;
}

/* Where a file goes: /lib and its like are links into /usr. */
static int destination(
		char path[TREE_PATH_BYTES], const char *rootfs, const char *name, struct error *err)
{
	for (size_t i = 0; i < ARRAY_LENGTH(merged_folders); i++) {
		size_t len = strlen(merged_folders[i]);
		if (strncmp(name, merged_folders[i], len) == 0 && name[len] == '/') {
			char merged[TREE_PATH_BYTES];
			int code = join(merged, "usr", name, err);
			return code < 0 ? code : join(path, rootfs, merged, err);
		}
	}
	return join(path, rootfs, name, err);
}

static int make_parents(const char *path, struct error *err)
{
	char parent[TREE_PATH_BYTES];
	snprintf(parent, sizeof(parent), "%s", path);
	char *slash = strrchr(parent, '/');
	if (slash) {
		*slash = '\0';
	}
	return fds_make_directories(parent, 0755, err);
}

struct move {
	const char *tree;
	const char *rootfs;
};

/* Turns a link's target, seen from name, into a name below the tree; only "a", "../a" and "/a"
 * occur. */
static int resolve_link(
		char target[TREE_PATH_BYTES], const char *name, const char *link, struct error *err)
{
	if (link[0] == '/') {
		snprintf(target, TREE_PATH_BYTES, "%s", link + 1);
		return 0;
	}
	char folder[TREE_PATH_BYTES];
	snprintf(folder, sizeof(folder), "%s", name);
	char *slash = strrchr(folder, '/');
	if (slash) {
		*slash = '\0';
	}
	while (slash && strncmp(link, "../", 3) == 0) {
		link += 3;
		slash = strrchr(folder, '/');
		if (slash) {
			*slash = '\0';
		}
	}
	if (!slash) {
		return error_set(err, -ELOOP, "the link %s in a package points outside", name);
	}
	return join(target, folder, link, err);
}

/* A name below the tree may be under /lib or /usr/lib, as packages differ. */
static int find_in_tree(
		char path[TREE_PATH_BYTES], const char *tree, const char *name, struct error *err)
{
	struct stat status;
	int code = join(path, tree, name, err);
	if (code == 0 && lstat(path, &status) < 0 && strncmp(name, "usr/", 4) == 0) {
		code = join(path, tree, name + 4, err);
	} else if (code == 0 && lstat(path, &status) < 0) {
		char merged[TREE_PATH_BYTES];
		code = join(merged, "usr", name, err);
		code = code < 0 ? code : join(path, tree, merged, err);
	}
	return code;
}

static int move_file(const struct move *move, const char *name, int depth, struct error *err)
{
	char from[TREE_PATH_BYTES];
	char to[TREE_PATH_BYTES];
	struct stat status;
	int code = find_in_tree(from, move->tree, name, err);
	if (code == 0) {
		code = destination(to, move->rootfs, name, err);
	}
	if (code < 0 || lstat(to, &status) == 0) {
		return code;
	}
	char link[TREE_PATH_BYTES];
	ssize_t len = readlink(from, link, sizeof(link) - 1);
	code = make_parents(to, err);
	if (code == 0 && rename(from, to) < 0) {
		code = error_set_errno(err, "cannot keep %s from the packages", name);
	}
	if (code < 0 || len < 0) {
		return code;
	}
	link[len] = '\0';
	char target[TREE_PATH_BYTES];
	code = depth == 0 ? error_set(err, -ELOOP, "links at %s go round in the packages", name)
			  : resolve_link(target, name, link, err);
	return code < 0 ? code : move_file(move, target, depth - 1, err);
}

/* Names, without leading slash; a growing list. */
struct names {
	char **list;
	size_t count;
	size_t size;
};

static void names_finish(struct names *names)
{
	for (size_t i = 0; i < names->count; i++) {
		free(names->list[i]);
	}
	free(names->list);
}

static int names_add(struct names *names, const char *name, size_t len, struct error *err)
{
	if (names->count == names->size) {
		size_t size = names->size ? 2 * names->size : 64;
		char **list = reallocarray(names->list, size, sizeof(*list));
		if (!list) {
			return error_set(err, -ENOMEM, "out of memory for the image's files");
		}
		names->list = list;
		names->size = size;
	}
	char *copy = strndup(name, len);
	if (!copy) {
		return error_set(err, -ENOMEM, "out of memory for the image's files");
	}
	names->list[names->count++] = copy;
	return 0;
}

/* "name => /path (0x…)" lines of the loader. */
static int add_libraries(struct names *names, const char *program, char *output, struct error *err)
{
	char *save;
	int code = 0;
	for (char *line = strtok_r(output, "\n", &save); code == 0 && line;
			line = strtok_r(NULL, "\n", &save)) {
		const char *arrow = strstr(line, " => ");
		if (arrow && strncmp(arrow + 4, "not found", 9) == 0) {
			return error_set(err, -ENOENT,
					"%s needs a library that no package holds: %s", program,
					line);
		}
		if (arrow && arrow[4] == '/') {
			code = names_add(names, arrow + 5, strcspn(arrow + 5, " "), err);
		}
	}
	return code;
}

static int add_program(struct names *names, const char *tree, const char *name, struct error *err)
{
	char path[TREE_PATH_BYTES];
	CLEANUP_FREE char *output = NULL;
	snprintf(path, sizeof(path), "/%s", name);
	/* The packages' own loader, run on the packages' own files: what it finds is what it
	 * will find. */
	const char *const argv[] = {"/usr/sbin/chroot", tree, "/" LOADER, "--list", path, NULL};
	int code = image_run(argv, LOADER_TIMEOUT_MS, &output, err);
	if (code == 0) {
		code = names_add(names, name, strlen(name), err);
	}
	return code < 0 ? code : add_libraries(names, name, output, err);
}

/* Adds what a pattern matches below the tree; at least one thing has to. */
static int add_matches(struct names *names, const char *tree, const struct recipe_line *line,
		struct error *err)
{
	char pattern[TREE_PATH_BYTES];
	int code = join(pattern, tree, line->word, err);
	glob_t found = {0};
	if (code == 0 && glob(pattern, GLOB_ERR, NULL, &found) != 0) {
		code = error_set(
				err, -ENOENT, "the image recipe's %s is in no package", line->word);
	}
	for (size_t i = 0; code == 0 && i < found.gl_pathc; i++) {
		const char *name = found.gl_pathv[i] + strlen(tree) + 1;
		code = line->kind == RECIPE_PROGRAM ? add_program(names, tree, name, err)
						    : names_add(names, name, strlen(name), err);
	}
	globfree(&found);
	return code;
}

static int collect(struct names *names, const char *tree, const struct recipe *recipe,
		struct error *err)
{
	int code = names_add(names, LOADER, strlen(LOADER), err);
	if (code == 0) {
		code = add_program(names, tree, FONT_CACHE_PROGRAM, err);
	}
	for (size_t i = 0; code == 0 && i < recipe->count; i++) {
		if (recipe->lines[i].kind == RECIPE_PROGRAM ||
				recipe->lines[i].kind == RECIPE_KEEP) {
			code = add_matches(names, tree, &recipe->lines[i], err);
		}
	}
	return code;
}

static int drop_unwanted(const char *rootfs, const struct recipe *recipe, struct error *err)
{
	int code = 0;
	for (size_t i = 0; code == 0 && i < recipe->count; i++) {
		char pattern[TREE_PATH_BYTES];
		glob_t found = {0};
		if (recipe->lines[i].kind != RECIPE_DROP) {
			continue;
		}
		code = join(pattern, rootfs, recipe->lines[i].word, err);
		if (code == 0 && glob(pattern, 0, NULL, &found) == 0) {
			for (size_t j = 0; code == 0 && j < found.gl_pathc; j++) {
				code = fds_remove_tree(found.gl_pathv[j], err);
			}
		}
		globfree(&found);
	}
	return code;
}

static int write_text(const char *rootfs, const char *name, const char *text, struct error *err)
{
	char path[TREE_PATH_BYTES];
	int code = join(path, rootfs, name, err);
	return code < 0 ? code : fds_write_file(AT_FDCWD, path, text, strlen(text), 0444, err);
}

static int add_own_files(const char *rootfs, const struct recipe *recipe, struct error *err)
{
	char path[TREE_PATH_BYTES];
	int code = 0;
	for (size_t i = 0; code == 0 && i < ARRAY_LENGTH(own_folders); i++) {
		code = join(path, rootfs, own_folders[i], err);
		code = code < 0 ? code : fds_make_directories(path, 0755, err);
	}
	for (size_t i = 0; code == 0 && i < ARRAY_LENGTH(merged_folders); i++) {
		char target[32];
		snprintf(target, sizeof(target), "usr/%s", merged_folders[i]);
		code = join(path, rootfs, merged_folders[i], err);
		if (code == 0 && symlink(target, path) < 0) {
			code = error_set_errno(err, "cannot make the link %s", path);
		}
	}
	for (size_t i = 0; code == 0 && i < ARRAY_LENGTH(own_files); i++) {
		code = write_text(rootfs, own_files[i].path, own_files[i].text, err);
	}
	return code < 0 ? code
			: write_text(rootfs, "etc/chromium/policies/managed/safeweb.json",
					  recipe->policies, err);
}

/* In place, as a cache is only good for folders with the times it has seen. */
static int make_font_cache(const char *rootfs, struct error *err)
{
	const char *const argv[] = {"/usr/sbin/chroot", rootfs, "/" FONT_CACHE_PROGRAM, "-s", NULL};
	char path[TREE_PATH_BYTES];
	int code = image_run(argv, LOADER_TIMEOUT_MS, NULL, err);
	if (code == 0) {
		code = join(path, rootfs, FONT_CACHE_PROGRAM, err);
	}
	if (code == 0 && unlink(path) < 0) {
		code = error_set_errno(err, "cannot remove %s", path);
	}
	return code;
}

static struct tree_size walked; /* nftw(3) takes no argument for its callback */

static int tidy_entry(const char *path, const struct stat *status, int kind, struct FTW *where)
{
	(void)where;
	if (kind == FTW_SL) {
		return 0;
	}
	mode_t mode = S_ISDIR(status->st_mode) ? 0755 : (status->st_mode & 0755) | 0444;
	if (!S_ISDIR(status->st_mode) && !S_ISREG(status->st_mode)) {
		return unlink(path); /* no devices, sockets, pipes */
	}
	walked.bytes += S_ISREG(status->st_mode) ? (uint64_t)status->st_size : 0;
	walked.files += S_ISREG(status->st_mode);
	if (lchown(path, 0, 0) < 0) {
		return -1;
	}
	return chmod(path, mode);
}

int tree_reduce(const char *tree, const char *rootfs, const struct recipe *recipe,
		struct tree_size *ret_size, struct error *err)
{
	struct names names = {0};
	const struct move move = {.tree = tree, .rootfs = rootfs};
	int code = collect(&names, tree, recipe, err);
	for (size_t i = 0; code == 0 && i < names.count; i++) {
		code = move_file(&move, names.list[i], LINK_DEPTH_MAX, err);
	}
	names_finish(&names);
	if (code == 0) {
		code = drop_unwanted(rootfs, recipe, err);
	}
	if (code == 0) {
		code = add_own_files(rootfs, recipe, err);
	}
	if (code == 0) {
		code = make_font_cache(rootfs, err);
	}
	walked = (struct tree_size){0};
	if (code == 0 && nftw(rootfs, tidy_entry, WALK_FDS, FTW_PHYS) != 0) {
		code = error_set_errno(err, "cannot set the modes of the image's files");
	}
	if (code == 0) {
		*ret_size = walked;
	}
	return code;
}
