#include "encoder/surface.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/cleanup.h"
#include "base/loop.h"
#include "encoder/classify.h"
#include "encoder/scroll.h"

#define OPAQUE 0xff000000u
#define HUGE_PAGE_BYTES (2u * 1024 * 1024)
/* Fewer photo tiles than this are sent without loss: JPEG's tables would cost more than they save.
 */
#define LOSSY_MIN_TILES 8
/* A photo tile of which less than this changed is sent without loss. */
#define LOSSY_MIN_PIXELS (TILE_WIDTH * TILE_HEIGHT / 2)

struct surface *surface_create(uint32_t id)
{
	struct surface *surface = calloc(1, sizeof(*surface));
	if (surface) {
		surface->id = id;
	}
	return surface;
}

void surface_destroy(struct surface *surface)
{
	if (!surface) {
		return;
	}
	free(surface->pixels);
	free(surface->tiles);
	free(surface);
}

size_t surface_bytes(uint32_t width, uint32_t height)
{
	return (size_t)width * height * sizeof(uint32_t);
}

/* Zeroed memory for a picture. Large ones are asked for in huge pages: filling one 4 KiB page by
 * page takes ten times as long as the copy itself, and the first picture of a session waits for it.
 */
static uint32_t *new_pixels(size_t len)
{
	if (len < HUGE_PAGE_BYTES / 2) {
		return calloc(1, len + 1);
	}
	size_t size = (len + HUGE_PAGE_BYTES - 1) / HUGE_PAGE_BYTES * HUGE_PAGE_BYTES;
	uint32_t *pixels = aligned_alloc(HUGE_PAGE_BYTES, size);
	if (pixels) {
		madvise(pixels, size, MADV_HUGEPAGE);
		memset(pixels, 0, len);
	}
	return pixels;
}

int surface_resize(struct surface *surface, uint32_t width, uint32_t height)
{
	uint32_t columns = (width + TILE_WIDTH - 1) / TILE_WIDTH;
	uint32_t rows = (height + TILE_HEIGHT - 1) / TILE_HEIGHT;
	uint32_t *pixels = new_pixels(surface_bytes(width, height));
	struct tile *tiles = calloc((size_t)columns * rows + 1, sizeof(*tiles));
	if (!pixels || !tiles) {
		free(pixels);
		free(tiles);
		return -ENOMEM;
	}
	free(surface->pixels);
	free(surface->tiles);
	surface->pixels = pixels;
	surface->tiles = tiles;
	surface->width = width;
	surface->height = height;
	surface->columns = columns;
	surface->rows = rows;
	surface->dirty_tiles = 0;
	surface->lossy_tiles = 0;
	surface->scan_row = 0;
	surface->copy_count = 0;
	return 0;
}

static struct tile *tile_at(struct surface *surface, uint32_t column, uint32_t row)
{
	return &surface->tiles[(size_t)row * surface->columns + column];
}

static bool tile_is_dirty(const struct tile *tile)
{
	return tile->x_end != 0;
}

/* Grows a tile's dirty box by a box given in pixels inside the tile. */
static void grow(struct surface *surface, struct tile *tile, const struct rect *box)
{
	uint8_t x = (uint8_t)box->x;
	uint8_t y = (uint8_t)box->y;
	uint8_t x_end = (uint8_t)(box->x + box->width);
	uint8_t y_end = (uint8_t)(box->y + box->height);
	if (!tile_is_dirty(tile)) {
		tile->x = x;
		tile->y = y;
		tile->x_end = x_end;
		tile->y_end = y_end;
		surface->dirty_tiles++;
		return;
	}
	tile->x = x < tile->x ? x : tile->x;
	tile->y = y < tile->y ? y : tile->y;
	tile->x_end = x_end > tile->x_end ? x_end : tile->x_end;
	tile->y_end = y_end > tile->y_end ? y_end : tile->y_end;
}

static void clean(struct surface *surface, struct tile *tile)
{
	if (tile_is_dirty(tile)) {
		tile->x_end = 0;
		surface->dirty_tiles--;
	}
	tile->is_settling = false;
}

static void set_lossy(struct surface *surface, struct tile *tile, bool is_lossy)
{
	if (tile->is_lossy != is_lossy) {
		tile->is_lossy = is_lossy;
		surface->lossy_tiles += is_lossy ? 1 : (uint32_t)-1;
	}
}

/* The whole tile's rectangle, cut at the surface's edge. */
static struct rect tile_bounds(const struct surface *surface, uint32_t column, uint32_t row)
{
	struct rect tile = {(int32_t)(column * TILE_WIDTH), (int32_t)(row * TILE_HEIGHT),
			TILE_WIDTH, TILE_HEIGHT};
	struct rect all = {0, 0, (int32_t)surface->width, (int32_t)surface->height};
	struct rect common;
	rect_intersect(&tile, &all, &common);
	return common;
}

typedef void (*tile_visitor)(
		struct surface *surface, struct tile *tile, const struct rect *box, void *data);

/* Calls visit for each tile that rect meets, with the common part inside the tile. */
static void each_tile(
		struct surface *surface, const struct rect *rect, tile_visitor visit, void *data)
{
	uint32_t column_end = (uint32_t)(rect->x + rect->width + TILE_WIDTH - 1) / TILE_WIDTH;
	uint32_t row_end = (uint32_t)(rect->y + rect->height + TILE_HEIGHT - 1) / TILE_HEIGHT;
	for (uint32_t row = (uint32_t)rect->y / TILE_HEIGHT; row < row_end; row++) {
		for (uint32_t column = (uint32_t)rect->x / TILE_WIDTH; column < column_end;
				column++) {
			struct rect bounds = tile_bounds(surface, column, row);
			struct rect box;
			rect_intersect(&bounds, rect, &box);
			box.x -= bounds.x;
			box.y -= bounds.y;
			visit(surface, tile_at(surface, column, row), &box, data);
		}
	}
}

static void mark_tile(
		struct surface *surface, struct tile *tile, const struct rect *box, void *data)
{
	(void)data;
	grow(surface, tile, box);
}

void surface_mark(struct surface *surface, const struct rect *rect)
{
	each_tile(surface, rect, mark_tile, NULL);
}

static void forget_tile(
		struct surface *surface, struct tile *tile, const struct rect *box, void *data)
{
	(void)data;
	set_lossy(surface, tile, false);
	tile->is_settling = false;
	grow(surface, tile, box);
}

void surface_forget_client(struct surface *surface)
{
	struct rect all = {0, 0, (int32_t)surface->width, (int32_t)surface->height};
	surface->copy_count = 0;
	surface->scan_row = 0;
	each_tile(surface, &all, forget_tile, NULL);
}

/* What a tile has after a copy to it: the marks of where its pixels came from. old: the tiles
 * before. */
static void move_marks_to_tile(struct surface *surface, const struct tile *old, struct tile *tile,
		const struct rect *part, const struct surface_copy *copy)
{
	int32_t dx = copy->to_x - copy->from.x;
	int32_t dy = copy->to_y - copy->from.y;
	struct rect source = {part->x - dx, part->y - dy, part->width, part->height};
	int32_t column_end = (source.x + source.width + TILE_WIDTH - 1) / TILE_WIDTH;
	int32_t row_end = (source.y + source.height + TILE_HEIGHT - 1) / TILE_HEIGHT;
	for (int32_t row = source.y / TILE_HEIGHT; row < row_end; row++) {
		for (int32_t column = source.x / TILE_WIDTH; column < column_end; column++) {
			const struct tile *from =
					&old[(size_t)row * surface->columns + (size_t)column];
			if (from->is_lossy) {
				set_lossy(surface, tile, true);
			}
			struct rect box = {column * TILE_WIDTH + from->x,
					row * TILE_HEIGHT + from->y, from->x_end - from->x,
					from->y_end - from->y};
			struct rect moved;
			if (tile_is_dirty(from) && rect_intersect(&box, &source, &moved)) {
				moved.x = (moved.x + dx) % TILE_WIDTH;
				moved.y = (moved.y + dy) % TILE_HEIGHT;
				grow(surface, tile, &moved);
			}
		}
	}
}

static void move_marks(
		struct surface *surface, const struct tile *old, const struct surface_copy *copy)
{
	struct rect to = {copy->to_x, copy->to_y, copy->from.width, copy->from.height};
	uint32_t column_end = (uint32_t)(to.x + to.width + TILE_WIDTH - 1) / TILE_WIDTH;
	uint32_t row_end = (uint32_t)(to.y + to.height + TILE_HEIGHT - 1) / TILE_HEIGHT;
	uint32_t now_ms = (uint32_t)clock_now_ms();
	for (uint32_t row = (uint32_t)to.y / TILE_HEIGHT; row < row_end; row++) {
		for (uint32_t column = (uint32_t)to.x / TILE_WIDTH; column < column_end; column++) {
			struct tile *tile = tile_at(surface, column, row);
			struct rect bounds = tile_bounds(surface, column, row);
			struct rect part;
			rect_intersect(&bounds, &to, &part);
			if (rect_contains(&part, &bounds)) {
				clean(surface, tile);
				set_lossy(surface, tile, false);
			}
			tile->is_settling = false;
			tile->class = TILE_UNKNOWN;
			tile->changes = 0;
			tile->changed_ms = now_ms;
			move_marks_to_tile(surface, old, tile, &part, copy);
		}
	}
}

static void move_pixels(struct surface *surface, const struct surface_copy *copy)
{
	const struct rect *from = &copy->from;
	size_t len = (size_t)from->width * sizeof(uint32_t);
	bool downwards = copy->to_y > from->y;
	for (int32_t i = 0; i < from->height; i++) {
		int32_t y = downwards ? from->height - 1 - i : i;
		memmove(surface->pixels + (size_t)(copy->to_y + y) * surface->width + copy->to_x,
				surface->pixels + (size_t)(from->y + y) * surface->width + from->x,
				len);
	}
}

bool surface_scroll(struct surface *surface, const struct surface_copy *copy)
{
	size_t tiles_bytes = (size_t)surface->columns * surface->rows * sizeof(struct tile);
	if (surface->copy_count == SURFACE_COPIES_MAX) {
		return false;
	}
	CLEANUP_FREE struct tile *old = malloc(tiles_bytes);
	if (!old) {
		return false;
	}
	memcpy(old, surface->tiles, tiles_bytes);
	move_marks(surface, old, copy);
	move_pixels(surface, copy);
	surface->copies[surface->copy_count++] = *copy;
	return true;
}

/* Compares a row's segment with the new pixels and takes them over. Returns false when nothing
 * differs, else the first differing pixel and the one past the last. */
static bool take_segment(uint32_t *own, const uint32_t *new, uint32_t mask, uint32_t count,
		struct rect *ret_span)
{
	uint32_t differing = 0;
	for (uint32_t i = 0; i < count; i++) {
		differing |= own[i] ^ (new[i] | mask);
	}
	if (!differing) {
		return false;
	}
	/* The writer may change its pixels while they are read: own is the truth from here on, and
	 * every pixel is read once to be compared and kept. */
	uint32_t first = count;
	uint32_t last = 0;
	for (uint32_t i = 0; i < count; i++) {
		uint32_t pixel = new[i] | mask;
		if (own[i] != pixel) {
			own[i] = pixel;
			first = i < first ? i : first;
			last = i;
		}
	}
	ret_span->x = (int32_t)first;
	ret_span->width = (int32_t)(last + 1 - first);
	return first < count;
}

struct taking {
	struct scroll_pixels new;
	uint32_t now_ms;
	uint32_t column, row; /* of the tile in hand */
};

/* Takes over the part of a damage rectangle that lies in one tile. */
static void take_tile(struct surface *surface, const struct taking *taking)
{
	struct rect bounds = tile_bounds(surface, taking->column, taking->row);
	struct rect part;
	rect_intersect(&bounds, &taking->new.damage, &part);
	struct rect changed = {0};
	for (int32_t y = part.y; y < part.y + part.height; y++) {
		uint32_t *own = surface->pixels + (size_t)y * surface->width + part.x;
		const uint32_t *new = taking->new.pixels +
				(size_t)(y - taking->new.damage.y) *
						(size_t)taking->new.damage.width +
				(part.x - taking->new.damage.x);
		struct rect span = {.y = y - bounds.y, .height = 1};
		if (take_segment(own, new, taking->new.mask, (uint32_t)part.width, &span)) {
			span.x += part.x - bounds.x;
			changed = rect_union(&changed, &span);
		}
	}
	if (rect_is_empty(&changed)) {
		return;
	}
	struct tile *tile = tile_at(surface, taking->column, taking->row);
	grow(surface, tile, &changed);
	tile->was_photo = tile->class == TILE_PHOTO;
	tile->class = TILE_UNKNOWN;
	tile->is_settling = false;
	bool goes_on = taking->now_ms - tile->changed_ms <= TILE_REST_MS;
	tile->changes = goes_on ? (uint8_t)(tile->changes + (tile->changes < UINT8_MAX)) : 0;
	tile->changed_ms = taking->now_ms;
}

static void take_damage(struct surface *surface, struct taking *taking)
{
	const struct rect *damage = &taking->new.damage;
	uint32_t column_end = (uint32_t)(damage->x + damage->width + TILE_WIDTH - 1) / TILE_WIDTH;
	uint32_t row_end = (uint32_t)(damage->y + damage->height + TILE_HEIGHT - 1) / TILE_HEIGHT;
	for (taking->row = (uint32_t)damage->y / TILE_HEIGHT; taking->row < row_end;
			taking->row++) {
		for (taking->column = (uint32_t)damage->x / TILE_WIDTH; taking->column < column_end;
				taking->column++) {
			take_tile(surface, taking);
		}
	}
}

void surface_apply(struct surface *surface, const struct ring_frame *frame, const uint8_t *pixels,
		struct scroll_search *search)
{
	assert(frame->width == surface->width && frame->height == surface->height);
	struct taking taking = {
			.new.mask = frame->format == RING_BGRX ? OPAQUE : 0,
			.now_ms = (uint32_t)clock_now_ms(),
	};
	struct surface_copy copy;
	for (uint32_t i = 0; i < frame->damage_count; i++) {
		taking.new.damage = frame->damage[i];
		taking.new.pixels = (const uint32_t *)(const void *)pixels;
		if (surface->has_picture && scroll_find(search, surface, &taking.new, &copy)) {
			surface_scroll(surface, &copy);
		}
		take_damage(surface, &taking);
		pixels += (size_t)frame->damage[i].width * (size_t)frame->damage[i].height * 4;
	}
	surface->has_picture = true;
	surface->input_serial = frame->input_serial;
	surface->committed_us = frame->committed_us;
}

/* A class worth the name needs most of the tile; the class stays until the pixels change. */
static enum tile_class class_of(struct surface *surface, uint32_t column, uint32_t row)
{
	struct tile *tile = tile_at(surface, column, row);
	if (tile->class == TILE_UNKNOWN) {
		struct rect bounds = tile_bounds(surface, column, row);
		const uint32_t *pixels =
				surface->pixels + (size_t)bounds.y * surface->width + bounds.x;
		struct classify_past past = {
				.was_photo = tile->was_photo,
				.is_moving = tile->changes >= TILE_MOVING_CHANGES,
		};
		bool is_photo = classify_is_photo(pixels, surface->width, (uint32_t)bounds.width,
				(uint32_t)bounds.height, past);
		tile->class = is_photo ? TILE_PHOTO : TILE_FLAT;
	}
	return tile->class;
}

/* Whether a dirty tile may be sent as an approximation. */
static bool may_be_lossy(struct surface *surface, uint32_t column, uint32_t row)
{
	const struct tile *tile = tile_at(surface, column, row);
	int changed = (tile->x_end - tile->x) * (tile->y_end - tile->y);
	return !tile->is_settling && changed >= LOSSY_MIN_PIXELS &&
			class_of(surface, column, row) == TILE_PHOTO;
}

/* A block of tiles: half-open. */
struct block {
	uint32_t column, column_end, row, row_end;
	bool is_lossy;
};

static bool tile_fits(
		struct surface *surface, const struct block *block, uint32_t column, uint32_t row)
{
	return tile_is_dirty(tile_at(surface, column, row)) &&
			may_be_lossy(surface, column, row) == block->is_lossy;
}

/* Whether row continues the block exactly: the same run of tiles, ending at the same places. */
static bool row_continues(struct surface *surface, const struct block *block, uint32_t row)
{
	for (uint32_t column = block->column; column < block->column_end; column++) {
		if (!tile_fits(surface, block, column, row)) {
			return false;
		}
	}
	bool goes_on_left = block->column > 0 && tile_fits(surface, block, block->column - 1, row);
	bool goes_on_right = block->column_end < surface->columns &&
			tile_fits(surface, block, block->column_end, row);
	return !goes_on_left && !goes_on_right;
}

static bool find_first(struct surface *surface, struct block *block)
{
	for (uint32_t i = 0; i < surface->rows; i++) {
		uint32_t row = (surface->scan_row + i) % surface->rows;
		for (uint32_t column = 0; column < surface->columns; column++) {
			if (tile_is_dirty(tile_at(surface, column, row))) {
				block->column = column;
				block->row = row;
				surface->scan_row = row;
				return true;
			}
		}
	}
	return false;
}

static bool find_block(struct surface *surface, struct block *block)
{
	if (surface->dirty_tiles == 0 || !find_first(surface, block)) {
		return false;
	}
	block->is_lossy = may_be_lossy(surface, block->column, block->row);
	block->column_end = block->column + 1;
	while (block->column_end < surface->columns &&
			tile_fits(surface, block, block->column_end, block->row)) {
		block->column_end++;
	}
	uint32_t row_pixels = (block->column_end - block->column) * TILE_WIDTH * TILE_HEIGHT;
	uint32_t max_rows = SURFACE_RECT_MAX_PIXELS / row_pixels;
	block->row_end = block->row + 1;
	while (block->row_end < surface->rows && block->row_end - block->row < max_rows &&
			row_continues(surface, block, block->row_end)) {
		block->row_end++;
	}
	return true;
}

static void take_block_tile(struct surface *surface, const struct block *block, struct tile *tile)
{
	clean(surface, tile);
	if (block->is_lossy) {
		set_lossy(surface, tile, true);
	}
}

/* The smallest rectangle around the dirty boxes of a block, or all of it when it is lossy. */
static struct rect block_rect(struct surface *surface, const struct block *block)
{
	struct rect rect = {0};
	for (uint32_t row = block->row; row < block->row_end; row++) {
		for (uint32_t column = block->column; column < block->column_end; column++) {
			struct tile *tile = tile_at(surface, column, row);
			struct rect bounds = tile_bounds(surface, column, row);
			struct rect box = {bounds.x + tile->x, bounds.y + tile->y,
					tile->x_end - tile->x, tile->y_end - tile->y};
			rect = rect_union(&rect, block->is_lossy ? &bounds : &box);
			take_block_tile(surface, block, tile);
		}
	}
	return rect;
}

/* Tiles that the rectangle covers whole are exact again. */
static void end_loss(struct surface *surface, const struct block *block, const struct rect *rect)
{
	for (uint32_t row = block->row; row < block->row_end; row++) {
		for (uint32_t column = block->column; column < block->column_end; column++) {
			struct rect bounds = tile_bounds(surface, column, row);
			if (rect_contains(rect, &bounds)) {
				set_lossy(surface, tile_at(surface, column, row), false);
			}
		}
	}
}

bool surface_next_rect(struct surface *surface, struct rect *ret_rect, bool *ret_is_lossy)
{
	struct block block;
	if (!find_block(surface, &block)) {
		return false;
	}
	uint32_t tiles = (block.column_end - block.column) * (block.row_end - block.row);
	if (tiles < LOSSY_MIN_TILES) {
		block.is_lossy = false;
	}
	*ret_rect = block_rect(surface, &block);
	*ret_is_lossy = block.is_lossy;
	if (!block.is_lossy) {
		end_loss(surface, &block, ret_rect);
	}
	return true;
}

uint32_t surface_settle(struct surface *surface, uint32_t now_ms, uint32_t still_ms,
		uint32_t max_tiles, uint32_t *ret_wait_ms)
{
	uint32_t settled = 0;
	uint32_t wait_ms = 0;
	for (uint32_t i = 0; surface->lossy_tiles && i < surface->columns * surface->rows; i++) {
		struct tile *tile = &surface->tiles[i];
		uint32_t age_ms = now_ms - tile->changed_ms;
		if (!tile->is_lossy || tile_is_dirty(tile)) {
			continue;
		}
		if (age_ms < still_ms) {
			uint32_t left = still_ms - age_ms;
			wait_ms = wait_ms == 0 || left < wait_ms ? left : wait_ms;
		} else if (settled < max_tiles) {
			struct rect bounds = tile_bounds(
					surface, i % surface->columns, i / surface->columns);
			struct rect box = {0, 0, bounds.width, bounds.height};
			grow(surface, tile, &box);
			tile->is_settling = true;
			settled++;
		}
	}
	*ret_wait_ms = wait_ms;
	return settled;
}
