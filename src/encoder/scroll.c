#include "encoder/scroll.h"

#include <stdlib.h>
#include <string.h>

/* Rows are hashed in strips of so many pixels, so that a still sidebar or scroll bar beside the
 * moving part does not hide it:
 *
 *   strip 0   strip 1   strip 2 …      each row of each strip has a hash, before and now; rows that
 *   ──────────────────────────────     changed vote for the distance to where their hash was
 * before;
 *   ##        ~~~~~~~~~~~~~~~~~~~      the winner decides which strips and rows move together
 */
#define STRIP_WIDTH 64
#define MIN_WIDTH (2 * STRIP_WIDTH)
#define MIN_HEIGHT 48
/* A move has to make so many strip-rows right. */
#define MIN_GAIN 24
#define VOTING_STRIPS 8
#define ROW_TWICE UINT16_MAX

struct row_hash {
	uint32_t hash;
	bool is_flat; /* of one colour: matches anywhere, tells nothing */
};

struct scroll_search {
	uint32_t strips, rows;
	uint32_t table_bits;
	struct row_hash *old; /* strip by strip, rows each; the beginning of memory, which is owned
			       */
	struct row_hash *new;
	uint32_t *votes; /* for distances -rows + 1 … rows - 1 */
	uint32_t *table_hash; /* the table: hash → row + 1, 0 empty, ROW_TWICE */
	uint16_t *table;
	size_t size_bytes; /* of the memory */
};

struct scroll_search *scroll_search_create(void)
{
	return calloc(1, sizeof(struct scroll_search));
}

void scroll_search_destroy(struct scroll_search *search)
{
	if (search) {
		free(search->old);
		free(search);
	}
}

/* Divides the memory, growing it first when it is too small. */
static bool prepare(struct scroll_search *search, const struct rect *damage)
{
	search->strips = ((uint32_t)damage->width + STRIP_WIDTH - 1) / STRIP_WIDTH;
	search->rows = (uint32_t)damage->height;
	search->table_bits = 6;
	while (1u << search->table_bits < 2 * search->rows) {
		search->table_bits++;
	}
	size_t count = (size_t)search->strips * search->rows;
	size_t slots = (size_t)1 << search->table_bits;
	size_t size = 2 * count * sizeof(struct row_hash) + 2 * search->rows * sizeof(uint32_t) +
			slots * (sizeof(uint32_t) + sizeof(uint16_t));
	if (size > search->size_bytes) {
		free(search->old);
		search->old = malloc(size);
		search->size_bytes = search->old ? size : 0;
	}
	if (!search->old) {
		return false;
	}
	search->new = search->old + count;
	search->votes = (uint32_t *)(void *)(search->new + count);
	search->table_hash = search->votes + 2 * search->rows;
	search->table = (uint16_t *)(void *)(search->table_hash + slots);
	memset(search->votes, 0, 2 * search->rows * sizeof(*search->votes));
	return true;
}

/* A sum of products with odd constants from a linear congruence: position counts, and it
 * vectorises. */
static void make_weights(uint32_t weights[STRIP_WIDTH])
{
	uint32_t state = 0x9e3779b9u;
	for (int i = 0; i < STRIP_WIDTH; i++) {
		state = state * 1664525u + 1013904223u;
		weights[i] = (state ^ state >> 15) | 1;
	}
}

static struct row_hash hash_row(const uint32_t *row, uint32_t count, uint32_t mask,
		const uint32_t weights[STRIP_WIDTH])
{
	uint32_t sum = 0;
	uint32_t differing = 0;
	uint32_t first = row[0] | mask;
	for (uint32_t i = 0; i < count; i++) {
		uint32_t pixel = row[i] | mask;
		differing |= pixel ^ first;
		sum += (pixel ^ pixel >> 11) * weights[i];
	}
	return (struct row_hash){.hash = sum, .is_flat = differing == 0};
}

static void hash_strips(const struct scroll_search *search, const uint32_t *pixels, size_t stride,
		uint32_t width, uint32_t mask, struct row_hash *ret_hashes)
{
	uint32_t weights[STRIP_WIDTH];
	make_weights(weights);
	for (uint32_t y = 0; y < search->rows; y++) {
		for (uint32_t strip = 0; strip < search->strips; strip++) {
			uint32_t x = strip * STRIP_WIDTH;
			uint32_t count = width - x < STRIP_WIDTH ? width - x : STRIP_WIDTH;
			ret_hashes[(size_t)strip * search->rows + y] =
					hash_row(pixels + y * stride + x, count, mask, weights);
		}
	}
}

static uint32_t find_slot(const struct scroll_search *search, uint32_t hash)
{
	uint32_t slot = (hash * 0x9e3779b1u) >> (32 - search->table_bits);
	while (search->table[slot] && search->table_hash[slot] != hash) {
		slot = (slot + 1) % (1u << search->table_bits);
	}
	return slot;
}

static void vote_strip(struct scroll_search *search, uint32_t strip)
{
	const struct row_hash *old = search->old + (size_t)strip * search->rows;
	const struct row_hash *new = search->new + (size_t)strip * search->rows;
	memset(search->table, 0, sizeof(*search->table) << search->table_bits);
	for (uint32_t y = 0; y < search->rows; y++) {
		if (!old[y].is_flat) {
			uint32_t slot = find_slot(search, old[y].hash);
			search->table[slot] = search->table[slot] ? ROW_TWICE : (uint16_t)(y + 1);
			search->table_hash[slot] = old[y].hash;
		}
	}
	for (uint32_t y = 0; y < search->rows; y++) {
		if (new[y].is_flat || new[y].hash == old[y].hash) {
			continue;
		}
		uint16_t row = search->table[find_slot(search, new[y].hash)];
		if (row && row != ROW_TWICE) {
			search->votes[y + search->rows - (row - 1u)]++;
		}
	}
}

/* The distance (new row less old row) with most votes; 0 when there is no clear one. */
static int32_t best_distance(struct scroll_search *search)
{
	uint32_t step = (search->strips + VOTING_STRIPS - 1) / VOTING_STRIPS;
	for (uint32_t strip = step / 2; strip < search->strips; strip += step) {
		vote_strip(search, strip);
	}
	uint32_t best = search->rows;
	for (uint32_t i = 1; i < 2 * search->rows; i++) {
		if (search->votes[i] > search->votes[best]) {
			best = i;
		}
	}
	return search->votes[best] >= MIN_GAIN / 4 ? (int32_t)best - (int32_t)search->rows : 0;
}

/* What moving by distance does to a strip's row: 1 it becomes right, -1 it was right and is not any
 * more, 0 no difference. */
static int row_gain(
		const struct scroll_search *search, uint32_t strip, uint32_t y, int32_t distance)
{
	size_t at = (size_t)strip * search->rows + y;
	bool was_right = search->new[at].hash == search->old[at].hash;
	bool is_right = search->new[at].hash == search->old[at - (size_t)(ptrdiff_t)distance].hash;
	return (int)is_right - (int)was_right;
}

struct span {
	uint32_t from, to; /* half-open */
	int64_t gain;
};

/* One step of finding the run with the greatest sum (Kadane). */
static void extend(struct span *here, struct span *best, uint32_t at, int64_t gain)
{
	if (here->gain <= 0) {
		*here = (struct span){.from = at, .to = at};
	}
	here->gain += gain;
	here->to = at + 1;
	if (here->gain > best->gain) {
		*best = *here;
	}
}

static struct span best_strips(
		const struct scroll_search *search, uint32_t from, uint32_t to, int32_t distance)
{
	struct span here = {0};
	struct span best = {0};
	for (uint32_t strip = 0; strip < search->strips; strip++) {
		int64_t gain = 0;
		for (uint32_t y = from; y < to; y++) {
			gain += row_gain(search, strip, y, distance);
		}
		extend(&here, &best, strip, gain);
	}
	return best;
}

static struct span best_rows(const struct scroll_search *search, const struct span *strips,
		uint32_t from, uint32_t to, int32_t distance)
{
	struct span here = {0};
	struct span best = {0};
	for (uint32_t y = from; y < to; y++) {
		int64_t gain = 0;
		for (uint32_t strip = strips->from; strip < strips->to; strip++) {
			gain += row_gain(search, strip, y, distance);
		}
		extend(&here, &best, y, gain);
	}
	return best;
}

static bool find_in(struct scroll_search *search, const struct rect *damage,
		struct surface_copy *ret_copy)
{
	int32_t distance = best_distance(search);
	if (distance == 0) {
		return false;
	}
	uint32_t from = distance > 0 ? (uint32_t)distance : 0;
	uint32_t to = distance < 0 ? search->rows - (uint32_t)-distance : search->rows;
	struct span strips = best_strips(search, from, to, distance);
	struct span rows = best_rows(search, &strips, from, to, distance);
	if (rows.gain < MIN_GAIN) {
		return false;
	}
	int32_t x = damage->x + (int32_t)strips.from * STRIP_WIDTH;
	int32_t x_end = damage->x + (int32_t)strips.to * STRIP_WIDTH;
	int32_t right = damage->x + damage->width;
	x_end = x_end < right ? x_end : right;
	int32_t y = damage->y + (int32_t)rows.from;
	*ret_copy = (struct surface_copy){
			.from = {x, y - distance, x_end - x, (int32_t)(rows.to - rows.from)},
			.to_x = x,
			.to_y = y,
	};
	return true;
}

bool scroll_find(struct scroll_search *search, const struct surface *surface,
		const struct scroll_pixels *new, struct surface_copy *ret_copy)
{
	const struct rect *damage = &new->damage;
	if (damage->width < MIN_WIDTH || damage->height < MIN_HEIGHT || !prepare(search, damage)) {
		return false;
	}
	uint32_t width = (uint32_t)damage->width;
	const uint32_t *own = surface->pixels + (size_t)damage->y * surface->width + damage->x;
	hash_strips(search, own, surface->width, width, 0, search->old);
	hash_strips(search, new->pixels, width, width, new->mask, search->new);
	return find_in(search, damage, ret_copy);
}
