#include "gateway/assets.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/sha.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/fds.h"

#define DEPTH_MAX 3

static const struct {
	const char *ending;
	const char *type;
} types[] = {
		{".html", "text/html; charset=utf-8"},
		{".css", "text/css; charset=utf-8"},
		{".js", "text/javascript; charset=utf-8"},
		{".json", "application/json"},
		{".wasm", "application/wasm"},
		{".svg", "image/svg+xml"},
		{".png", "image/png"},
		{".ico", "image/x-icon"},
		{".woff2", "font/woff2"},
		{".txt", "text/plain; charset=utf-8"},
};

static const char *type_of(const char *name)
{
	const char *ending = strrchr(name, '.');
	for (size_t i = 0; ending && i < ARRAY_LENGTH(types); i++) {
		if (strcmp(ending, types[i].ending) == 0) {
			return types[i].type;
		}
	}
	return NULL;
}

static bool is_plain(const char *name)
{
	return name[0] != '.' &&
			name[strspn(name,
					"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
					"0123456789._-")] == '\0';
}

static void make_etag(struct asset *asset)
{
	uint8_t hash[SHA256_DIGEST_LENGTH];
	SHA256(asset->bytes, asset->len, hash);
	char *at = asset->etag;
	*at++ = '"';
	for (int i = 0; i < 16; i++) {
		at += snprintf(at, 3, "%02x", hash[i]);
	}
	*at++ = '"';
	*at = '\0';
}

static int load_file(struct assets *assets, int dir, const char *file, const char *name,
		struct error *err)
{
	if (assets->count == ASSETS_MAX) {
		return error_set(err, -E2BIG, "the viewer has more than %d files", ASSETS_MAX);
	}
	struct asset *asset = &assets->assets[assets->count];
	char *bytes = NULL;
	int code = fds_read_file(dir, file, ASSET_MAX_BYTES, &bytes, &asset->len, err);
	if (code < 0) {
		return code;
	}
	asset->bytes = (uint8_t *)bytes;
	asset->type = type_of(name);
	memcpy(asset->name, name, strlen(name) + 1);
	make_etag(asset);
	assets->count++;
	return 0;
}

static int load_folder(
		struct assets *assets, int dir_fd, const char *prefix, int depth, struct error *err)
{
	CLEANUP_DIR DIR *dir = fdopendir(dir_fd);
	if (!dir) {
		close(dir_fd);
		return error_set_errno(err, "cannot read the viewer's folder");
	}
	const struct dirent *entry;
	while ((entry = readdir(dir)) != NULL) {
		char name[ASSET_NAME_BYTES];
		struct stat info;
		if (!is_plain(entry->d_name) ||
				fstatat(dirfd(dir), entry->d_name, &info, AT_SYMLINK_NOFOLLOW) <
						0) {
			continue;
		}
		if (snprintf(name, sizeof(name), "%s%s", prefix, entry->d_name) >=
				(int)sizeof(name) - 1) {
			return error_set(err, -ENAMETOOLONG,
					"the viewer's file %s has too long a name", entry->d_name);
		}
		int code = 0;
		if (S_ISREG(info.st_mode) && type_of(name)) {
			code = load_file(assets, dirfd(dir), entry->d_name, name, err);
		} else if (S_ISDIR(info.st_mode) && depth < DEPTH_MAX) {
			int below = openat(dirfd(dir), entry->d_name,
					O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
			strcat(name, "/");
			code = below < 0 ? error_set_errno(err, "cannot open %s", name)
					 : load_folder(assets, below, name, depth + 1, err);
		}
		if (code < 0) {
			return code;
		}
	}
	return 0;
}

int assets_load(struct assets *assets, const char *folder, struct error *err)
{
	*assets = (struct assets){.assets = calloc(ASSETS_MAX, sizeof(*assets->assets))};
	if (!assets->assets) {
		return error_set(err, -ENOMEM, "no memory for the viewer");
	}
	int dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0) {
		return error_set_errno(err, "cannot open the viewer's folder %s", folder);
	}
	int code = load_folder(assets, dir, "", 0, err);
	if (code < 0) {
		return code;
	}
	assets->index = assets_find(assets, "index.html");
	return assets->index ? 0 : error_set(err, -ENOENT, "there is no index.html in %s", folder);
}

void assets_finish(struct assets *assets)
{
	for (size_t i = 0; i < assets->count; i++) {
		free(assets->assets[i].bytes);
	}
	free(assets->assets);
	*assets = (struct assets){0};
}

const struct asset *assets_find(const struct assets *assets, const char *name)
{
	for (size_t i = 0; i < assets->count; i++) {
		if (strcmp(assets->assets[i].name, name) == 0) {
			return &assets->assets[i];
		}
	}
	return NULL;
}
