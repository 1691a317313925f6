#include <stdlib.h>
#include <string.h>

#include "encoder/classify.h"
#include "encoder/scroll.h"
#include "encoder/surface.h"
#include "harness/test.h"

#define WIDTH 200
#define HEIGHT 90
#define PIXELS (WIDTH * HEIGHT)

static void apply(struct surface *surface, const uint32_t *picture)
{
	struct ring_frame frame = {
			.width = WIDTH,
			.height = HEIGHT,
			.format = RING_BGRA,
			.damage_count = 1,
			.damage = {{0, 0, WIDTH, HEIGHT}},
	};
	/* Each test is a process of its own. */
	static struct scroll_search *search;
	search = search ? search : scroll_search_create();
	surface_apply(surface, &frame, (const uint8_t *)picture, search);
}

static bool finds_scroll(const struct surface *surface, const uint32_t *picture,
		struct surface_copy *ret_copy)
{
	struct scroll_search *search = scroll_search_create();
	struct scroll_pixels new = {{0, 0, WIDTH, HEIGHT}, picture, 0};
	bool is_found = scroll_find(search, surface, &new, ret_copy);
	scroll_search_destroy(search);
	return is_found;
}

/* Counts how often each pixel is sent. */
static void collect(struct surface *surface, uint8_t *sent)
{
	struct rect rect;
	bool is_lossy;
	memset(sent, 0, PIXELS);
	while (surface_next_rect(surface, &rect, &is_lossy)) {
		CHECK(rect.width > 0 && rect.height > 0);
		CHECK(rect.width * rect.height <= (int)SURFACE_RECT_MAX_PIXELS);
		for (int32_t y = rect.y; y < rect.y + rect.height; y++) {
			for (int32_t x = rect.x; x < rect.x + rect.width; x++) {
				sent[y * WIDTH + x]++;
			}
		}
	}
	CHECK_INT(surface->dirty_tiles, 0);
}

TEST(dirty_rectangles_hold_what_differs_and_nothing_twice)
{
	uint32_t *old = calloc(PIXELS, 4);
	uint32_t *new = calloc(PIXELS, 4);
	uint8_t *sent = malloc(PIXELS);
	struct surface *surface = surface_create(1);
	unsigned seed = 5;
	CHECK_INT(surface_resize(surface, WIDTH, HEIGHT), 0);
	for (int round = 0; round < 300; round++) {
		memcpy(new, old, PIXELS * 4);
		for (int i = rand_r(&seed) % 20; i >= 0; i--) {
			new[rand_r(&seed) % PIXELS] = (uint32_t)rand_r(&seed);
		}
		apply(surface, new);
		CHECK_BYTES(surface->pixels, PIXELS * 4, new, PIXELS * 4);
		collect(surface, sent);
		for (size_t i = 0; i < PIXELS; i++) {
			CHECK(sent[i] <= 1);
			CHECK(sent[i] == 1 || old[i] == new[i]);
		}
		memcpy(old, new, PIXELS * 4);
	}
	surface_destroy(surface);
	free(old);
	free(new);
	free(sent);
}

TEST(a_single_pixel_is_a_single_pixel)
{
	uint32_t *picture = calloc(PIXELS, 4);
	struct surface *surface = surface_create(1);
	struct rect rect;
	bool is_lossy;
	CHECK_INT(surface_resize(surface, WIDTH, HEIGHT), 0);
	for (size_t at = 0; at < PIXELS; at += 37) {
		picture[at] ^= 0xff123456u;
		apply(surface, picture);
		CHECK(surface_next_rect(surface, &rect, &is_lossy));
		CHECK_INT(rect.x, at % WIDTH);
		CHECK_INT(rect.y, at / WIDTH);
		CHECK_INT(rect.width * rect.height, 1);
		CHECK(!surface_next_rect(surface, &rect, &is_lossy));
	}
	surface_destroy(surface);
	free(picture);
}

/* What the client has: carries out copies and rectangles from the own copy. */
static void follow(struct surface *surface, uint32_t *client)
{
	uint32_t *before = malloc(PIXELS * 4);
	for (size_t i = 0; i < surface->copy_count; i++) {
		const struct surface_copy *copy = &surface->copies[i];
		memcpy(before, client, PIXELS * 4);
		for (int32_t y = 0; y < copy->from.height; y++) {
			memcpy(client + (copy->to_y + y) * WIDTH + copy->to_x,
					before + (copy->from.y + y) * WIDTH + copy->from.x,
					(size_t)copy->from.width * 4);
		}
	}
	surface->copy_count = 0;
	free(before);
	struct rect rect;
	bool is_lossy;
	while (surface_next_rect(surface, &rect, &is_lossy)) {
		for (int32_t y = rect.y; y < rect.y + rect.height; y++) {
			size_t at = (size_t)y * WIDTH + (size_t)rect.x;
			memcpy(client + at, surface->pixels + at, (size_t)rect.width * 4);
		}
	}
}

TEST(copies_in_any_direction_keep_the_client_right)
{
	uint32_t *client = calloc(PIXELS, 4);
	uint32_t *picture = calloc(PIXELS, 4);
	struct surface *surface = surface_create(1);
	unsigned seed = 9;
	CHECK_INT(surface_resize(surface, WIDTH, HEIGHT), 0);
	for (int round = 0; round < 3000; round++) {
		struct surface_copy copy = {
				.from = {rand_r(&seed) % WIDTH, rand_r(&seed) % HEIGHT, 0, 0}};
		copy.to_x = rand_r(&seed) % WIDTH;
		copy.to_y = rand_r(&seed) % HEIGHT;
		int32_t right = copy.from.x > copy.to_x ? copy.from.x : copy.to_x;
		int32_t low = copy.from.y > copy.to_y ? copy.from.y : copy.to_y;
		copy.from.width = 1 + rand_r(&seed) % (WIDTH - right);
		copy.from.height = 1 + rand_r(&seed) % (HEIGHT - low);
		surface_scroll(surface, &copy);
		memcpy(picture, surface->pixels, PIXELS * 4);
		for (int i = rand_r(&seed) % 5; i >= 0; i--) {
			picture[rand_r(&seed) % PIXELS] = (uint32_t)rand_r(&seed);
		}
		apply(surface, picture);
		if (rand_r(&seed) % 4 == 0) {
			follow(surface, client);
			CHECK_BYTES(client, PIXELS * 4, picture, PIXELS * 4);
		}
	}
	surface_destroy(surface);
	free(client);
	free(picture);
}

static void draw_lines(uint32_t *picture, unsigned seed)
{
	for (size_t i = 0; i < PIXELS; i++) {
		picture[i] = rand_r(&seed) % 6 ? 0xffffffffu : 0xff000000u;
	}
}

TEST(scrolls_are_found_both_ways)
{
	uint32_t *picture = malloc(PIXELS * 4);
	struct surface_copy copy;
	for (int32_t distance = -40; distance <= 40; distance++) {
		struct surface *surface = surface_create(1);
		CHECK_INT(surface_resize(surface, WIDTH, HEIGHT), 0);
		draw_lines(surface->pixels, 1);
		draw_lines(picture, 2);
		for (int32_t y = 0; y < HEIGHT; y++) {
			if (y - distance >= 0 && y - distance < HEIGHT) {
				memcpy(picture + y * WIDTH,
						surface->pixels + (y - distance) * WIDTH,
						WIDTH * 4);
			}
		}
		bool is_found = finds_scroll(surface, picture, &copy);
		CHECK_INT(is_found, distance != 0);
		if (is_found) {
			CHECK_INT(copy.to_y - copy.from.y, distance);
			CHECK_INT(copy.from.width, WIDTH);
			CHECK_INT(copy.from.height, HEIGHT - abs(distance));
		}
		surface_destroy(surface);
	}
	free(picture);
}

TEST(what_did_not_scroll_is_not_copied)
{
	struct surface *surface = surface_create(1);
	uint32_t *picture = malloc(PIXELS * 4);
	struct surface_copy copy;
	CHECK_INT(surface_resize(surface, WIDTH, HEIGHT), 0);
	draw_lines(surface->pixels, 1);
	draw_lines(picture, 2);
	CHECK(!finds_scroll(surface, picture, &copy));
	memcpy(picture, surface->pixels, PIXELS * 4);
	CHECK(!finds_scroll(surface, picture, &copy));
	surface_destroy(surface);
	free(picture);
}

static bool is_photo(uint32_t (*pattern)(int x, int y, unsigned *seed), struct classify_past past)
{
	static uint32_t pixels[TILE_WIDTH * TILE_HEIGHT];
	unsigned seed = 3;
	for (int i = 0; i < TILE_WIDTH * TILE_HEIGHT; i++) {
		pixels[i] = pattern(i % TILE_WIDTH, i / TILE_WIDTH, &seed);
	}
	return classify_is_photo(pixels, TILE_WIDTH, TILE_WIDTH, TILE_HEIGHT, past);
}

static uint32_t white(int x, int y, unsigned *seed)
{
	(void)x;
	(void)y;
	(void)seed;
	return 0xffffffffu;
}

static uint32_t gradient_across(int x, int y, unsigned *seed)
{
	(void)y;
	(void)seed;
	return 0xff000000u | (uint32_t)x * 0x030201u;
}

static uint32_t gradient_down(int x, int y, unsigned *seed)
{
	(void)x;
	(void)seed;
	return 0xff000000u | (uint32_t)y * 0x030201u;
}

static uint32_t letters(int x, int y, unsigned *seed)
{
	uint32_t shade = (uint32_t)rand_r(seed) % 200;
	return (x / 3 + y / 4) % 3 ? 0xffffffffu : 0xff000000u | shade * 0x010101u;
}

static uint32_t sky(int x, int y, unsigned *seed)
{
	return 0xff000000u | (uint32_t)(100 + x + rand_r(seed) % 5) << 16 |
			(uint32_t)(120 + y + rand_r(seed) % 5) << 8 |
			(200u + (uint32_t)rand_r(seed) % 5);
}

static uint32_t letters_on_sky(int x, int y, unsigned *seed)
{
	return x % 8 < 2 && y % 8 < 6 ? 0xff000000u | (uint32_t)rand_r(seed) % 4 : sky(x, y, seed);
}

static uint32_t glass(int x, int y, unsigned *seed)
{
	return (sky(x, y, seed) & 0xffffffu) | 0xfe000000u;
}

TEST(photographs_are_told_from_text_and_drawings)
{
	const struct classify_past nothing = {0};
	const struct classify_past photo = {.was_photo = true};
	const struct classify_past video = {.is_moving = true};
	CHECK(!is_photo(white, photo) && !is_photo(white, video));
	CHECK(!is_photo(gradient_across, photo) && !is_photo(gradient_across, video));
	CHECK(!is_photo(gradient_down, photo) && !is_photo(gradient_down, video));
	CHECK(!is_photo(letters, photo) && !is_photo(letters, video));
	CHECK(!is_photo(glass, photo) && !is_photo(glass, video));
	CHECK(is_photo(sky, nothing));
	CHECK(!is_photo(letters_on_sky, photo));
	CHECK(is_photo(letters_on_sky, video));
}
