/* The viewer's files: read once at start into a table, so that no request names a path. */
#ifndef SAFEWEB_GATEWAY_ASSETS_H
#define SAFEWEB_GATEWAY_ASSETS_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define ASSET_NAME_BYTES 96
#define ASSET_ETAG_BYTES 35 /* quotes around 32 hexadecimal digits, NUL */
#define ASSETS_MAX 256
#define ASSET_MAX_BYTES (16 * 1024 * 1024)

struct asset {
	char name[ASSET_NAME_BYTES]; /* path below the folder, with / */
	const char *type;
	char etag[ASSET_ETAG_BYTES];
	uint8_t *bytes; /* owned */
	size_t len;
};

struct assets {
	struct asset *assets; /* owned */
	size_t count;
	const struct asset *index; /* index.html */
};

/* Reads a folder: regular files with known endings; links and hidden files are left out. */
int assets_load(struct assets *assets, const char *folder, struct error *err);
void assets_finish(struct assets *assets);

/* NULL when there is none. */
const struct asset *assets_find(const struct assets *assets, const char *name);

#endif
