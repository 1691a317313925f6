/* Chromium on the compositor: what a user does, seen from the encoder's side. */
#include <linux/input-event-codes.h>
#include <string.h>

#include "compositor-rig.h"
#include "harness/test.h"

#define BROWSER_TEST(name) TEST_WITH_TIMEOUT(name, 60)

static const struct rig_page pages[] = {
		{"/click", NULL,
				"<title>click me</title><body style='margin:0'>"
				"<a href='/there' style='display:block;width:200px;height:100px;"
				"background:#0f0'>go</a>"},
		{"/there", NULL, "<title>arrived</title>"},
		{"/type", NULL,
				"<title>empty</title><body style='margin:0'><input autofocus id=i "
				"style='width:300px;height:50px' "
				"oninput='document.title=this.value'>"},
		{NULL, NULL, NULL},
};

static bool pixel_is(const struct rig_surface *surface, uint32_t x, uint32_t y, uint32_t rgb)
{
	const uint8_t *pixel = surface->pixels + ((size_t)y * surface->width + x) * 4;
	return surface->pixels && x < surface->width && y < surface->height &&
			pixel[0] == (rgb & 0xff) && pixel[1] == (rgb >> 8 & 0xff) &&
			pixel[2] == (rgb >> 16 & 0xff);
}

BROWSER_TEST(a_click_follows_a_link)
{
	struct rig rig;
	rig_start(&rig, pages);
	rig_open(&rig, "/click", "click me");
	struct rig_surface *main = rig_surface(&rig, WIRE_ROLE_MAIN);
	rig_describe(&rig);
	CHECK_INT(main->place.view_width, 800);
	CHECK_INT(main->place.view_height, 600);
	RIG_WAIT(&rig, pixel_is(rig_surface(&rig, WIRE_ROLE_MAIN), 150, 60, 0x00ff00));
	rig_click(&rig, main->id, 50, 50);
	RIG_WAIT(&rig, rig_title_is(&rig, "arrived"));
	RIG_WAIT(&rig, rig_tab_flags(&rig) & WIRE_TAB_CAN_GO_BACK);
	rig_stop(&rig);
}

BROWSER_TEST(keys_type_text)
{
	struct rig rig;
	rig_start(&rig, pages);
	rig_open(&rig, "/type", "empty");
	rig_click(&rig, rig_surface(&rig, WIRE_ROLE_MAIN)->id, 100, 20);
	rig_pump(&rig, 300);
	rig_key(&rig, KEY_A, 0, 'a');
	RIG_WAIT(&rig, rig_title_is(&rig, "a"));
	rig_stop(&rig);
}
