/* Chromium on the compositor: what a user does, seen from the encoder's side. */
#include <linux/input-event-codes.h>
#include <stdio.h>
#include <string.h>

#include "compositor-rig.h"
#include "harness/test.h"

#define BROWSER_TEST(name) TEST_WITH_TIMEOUT(name, 120)
#define CURSOR_DEFAULT 1
#define CURSOR_POINTER 4
#define CURSOR_TEXT 9

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
		{"/keys", NULL,
				"<title>keys</title><body><script>let downs=0,repeats=0,ups=0;"
				"const tell=()=>document.title=[downs,repeats,ups].join();"
				"onkeydown=e=>{if(e.code!=='KeyX')return;downs++;if(e.repeat)"
				"repeats++;tell()};"
				"onkeyup=e=>{if(e.code!=='KeyX')return;ups++;tell()};</script>"},
		{"/select", NULL,
				"<title>none</title><body style='margin:0'><select "
				"style='width:200px;"
				"height:40px' "
				"onchange='document.title=this.value'><option>one<option>two"
				"<option>three</select>"},
		{"/animate", NULL,
				"<title>animate</title><body><div id=d>0</div><script>let n=0;"
				"const "
				"step=()=>{d.textContent=n++;requestAnimationFrame(step)};step()"
				"</script>"},
		{"/wheel", NULL,
				"<title>0</title><body style='margin:0;height:20000px'><script>"
				"onscroll=()=>document.title=scrollY</script>"},
		{"/size", NULL,
				"<title>size</title><body><script>const tell=()=>document.title="
				"[innerWidth,innerHeight,devicePixelRatio.toFixed(2)].join();"
				"onresize=tell;"
				"tell()"
				"</script>"},
		{"/copy", NULL,
				"<title>copy</title><body style='margin:0'><textarea id=t "
				"style='width:300px;"
				"height:100px' "
				"oninput='document.title=this.value'>gr\xc3\xbc\xc3\x9f</textarea>"
				"<script>t.select()</script>"},
		{"/drag", NULL,
				"<title>drag</title><body style='margin:0'><div draggable=true "
				"style='width:100px;height:100px;background:red' ondragstart='"
				"event.dataTransfer.setData(\"text/plain\",\"cargo\")'></div>"
				"<div "
				"style='width:100px;height:100px;background:blue;margin-top:100px' "
				"ondragover='event.preventDefault()' ondrop='document.title="
				"event.dataTransfer.getData(\"text/plain\")'></div>"},
		{"/dialog", NULL,
				"<title>dialog</title><body onclick='document.title="
				"prompt(\"Your name?\",\"nobody\")'>"},
		{"/windows", NULL,
				"<title>windows</title><body style='margin:0'><div "
				"style='height:100px' "
				"onclick='open(\"/there\",\"w\",\"width=300,height=300\")'>window</"
				"div>"
				"<a style='display:block;height:100px' href='/click' "
				"target=_blank>tab</a>"},
		{"/file",
				"Content-Type: application/x-thing\r\n"
				"Content-Disposition: attachment; filename=\"thing.bin\"\r\n",
				"data"},
		{"/files", NULL,
				"<title>files</title><body style='margin:0'><a href='/file' "
				"style='display:"
				"block;height:100px'>down</a><input type=file "
				"style='display:block;width:"
				"300px;height:100px'>"},
		{"/find", NULL,
				"<title>find</title><body><div "
				"style='height:5000px'>top</div>needle<script>"
				"onscroll=()=>document.title='found'</script>"},
		{"/touch", NULL,
				"<title>touch</title><body style='margin:0;height:500px' "
				"ontouchstart="
				"'document.title=\"touched \"+event.touches[0].clientX'>"},
		{NULL, NULL, NULL},
};

static bool pixel_is(const struct rig_surface *surface, uint32_t x, uint32_t y, uint32_t rgb)
{
	if (!surface || !surface->pixels || x >= surface->width || y >= surface->height) {
		return false;
	}
	const uint8_t *pixel = surface->pixels + ((size_t)y * surface->width + x) * 4;
	return pixel[0] == (rgb & 0xff) && pixel[1] == (rgb >> 8 & 0xff) &&
			pixel[2] == (rgb >> 16 & 0xff);
}

static uint32_t main_id(struct rig *rig)
{
	const struct rig_surface *surface = rig_surface(rig, WIRE_ROLE_MAIN);
	return surface ? surface->id : 0;
}

static uint32_t main_serial(struct rig *rig)
{
	const struct rig_surface *surface = rig_surface(rig, WIRE_ROLE_MAIN);
	return surface ? surface->input_serial : 0;
}

BROWSER_TEST(a_click_follows_a_link)
{
	struct rig rig;
	rig_start(&rig, pages);
	rig_open(&rig, "/click", "click me");
	RIG_WAIT(&rig, pixel_is(rig_surface(&rig, WIRE_ROLE_MAIN), 150, 60, 0x00ff00));
	CHECK_INT(rig_surface(&rig, WIRE_ROLE_MAIN)->place.view_width, 800);
	CHECK_INT(rig_surface(&rig, WIRE_ROLE_MAIN)->place.view_height, 600);
	rig_point(&rig, main_id(&rig), 400, 400);
	rig_pump(&rig, 100);
	CHECK_INT(rig.cursor.shape, CURSOR_DEFAULT);
	for (int32_t x = 0; x < 10 && rig.cursor.shape != CURSOR_POINTER; x++) {
		rig_point(&rig, main_id(&rig), 50 + x, 50);
		rig_pump(&rig, 200);
	}
	CHECK_INT(rig.cursor.shape, CURSOR_POINTER);
	rig_click(&rig, main_id(&rig), 50, 50);
	RIG_WAIT(&rig, rig_title_is(&rig, "arrived"));
	RIG_WAIT(&rig, rig_tab_flags(&rig) & WIRE_TAB_CAN_GO_BACK);
	RIG_WAIT(&rig, main_serial(&rig) == rig.serial);
	RIG_SEND(&rig, history, .tab = rig_tab_id(&rig), .steps = -1);
	RIG_WAIT(&rig, rig_title_is(&rig, "click me"));
	RIG_WAIT(&rig, rig_tab_flags(&rig) & WIRE_TAB_CAN_GO_FORWARD);
	rig_stop(&rig);
}

BROWSER_TEST(keys_type_any_character)
{
	struct rig rig;
	rig_start(&rig, pages);
	rig_open(&rig, "/type", "empty");
	rig_click(&rig, main_id(&rig), 100, 20);
	RIG_WAIT(&rig, rig.cursor.shape == CURSOR_TEXT);
	RIG_WAIT(&rig, rig.text_focus == 1);
	rig_key(&rig, KEY_A, 0, 'a');
	RIG_WAIT(&rig, rig_title_is(&rig, "a"));
	/* A German keyboard: the key right of P, AltGr+Q, and Y where the US has Z. */
	rig_key(&rig, KEY_LEFTBRACE, 0, 0xfc);
	rig_key(&rig, KEY_Q, WIRE_MODIFIER_ALTGR, '@');
	rig_key(&rig, KEY_Z, WIRE_MODIFIER_SHIFT, 'Y');
	RIG_WAIT(&rig, rig_title_is(&rig, "a\xc3\xbc@Y"));
	/* Greek, then what has no key at all. */
	rig_key(&rig, KEY_L, 0, 0x3bb);
	RIG_WAIT(&rig, rig_title_is(&rig, "a\xc3\xbc@Y\xce\xbb"));
	RIG_SEND(&rig, insert_text, .serial = ++rig.serial,
			.text = wire_string_from("\xe6\xbc\xa2"));
	RIG_WAIT(&rig, rig_title_is(&rig, "a\xc3\xbc@Y\xce\xbb\xe6\xbc\xa2"));
	rig_key(&rig, KEY_BACKSPACE, 0, 0);
	RIG_WAIT(&rig, rig_title_is(&rig, "a\xc3\xbc@Y\xce\xbb"));
	rig_stop(&rig);
}

/* The page's counts: key downs, repeats among them, key ups. */
static int key_counts(struct rig *rig, int which)
{
	int counts[3] = {0};
	const struct rig_tab *tab = rig_active_tab(rig);
	if (tab) {
		sscanf(tab->title, "%d,%d,%d", &counts[0], &counts[1], &counts[2]);
	}
	return counts[which];
}

BROWSER_TEST(keys_repeat_and_are_let_go_on_detach)
{
	struct rig rig;
	rig_start(&rig, pages);
	rig_open(&rig, "/keys", "keys");
	rig_click(&rig, main_id(&rig), 100, 100);
	rig_pump(&rig, 500);
	for (int i = 0; i < 30; i++) {
		RIG_SEND(&rig, key, .serial = ++rig.serial, .code = KEY_X, .pressed = 1,
				.codepoint = 'x');
		rig_pump(&rig, 40);
	}
	/* One press and its repeats, known as such. */
	RIG_WAIT(&rig, key_counts(&rig, 0) >= 4);
	CHECK_INT(key_counts(&rig, 2), 0);
	RIG_SEND(&rig, attached, .attached = 0);
	RIG_SEND(&rig, attached, .attached = 1);
	RIG_WAIT(&rig, key_counts(&rig, 2) == 1);
	RIG_WAIT(&rig, key_counts(&rig, 1) == key_counts(&rig, 0) - 1);
	rig_stop(&rig);
}

BROWSER_TEST(a_select_box_is_a_popup)
{
	struct rig rig;
	rig_start(&rig, pages);
	rig_open(&rig, "/select", "none");
	rig_click(&rig, main_id(&rig), 50, 20);
	RIG_WAIT(&rig, rig_surface(&rig, WIRE_ROLE_POPUP));
	struct rig_surface *popup = rig_surface(&rig, WIRE_ROLE_POPUP);
	CHECK_INT(popup->place.parent, main_id(&rig));
	CHECK(popup->place.y >= 30 && popup->place.y < 60);
	rig_pump(&rig, 500);
	rig_click(&rig, popup->id, 30, (int32_t)popup->place.view_height / 2);
	RIG_WAIT(&rig, rig_title_is(&rig, "two"));
	RIG_WAIT(&rig, !rig_surface(&rig, WIRE_ROLE_POPUP));
	/* And by keyboard, which a grabbing popup is given. */
	rig_click(&rig, main_id(&rig), 50, 20);
	RIG_WAIT(&rig, rig_surface(&rig, WIRE_ROLE_POPUP));
	rig_pump(&rig, 500);
	rig_key(&rig, KEY_DOWN, 0, 0);
	rig_key(&rig, KEY_ENTER, 0, 0);
	RIG_WAIT(&rig, rig_title_is(&rig, "three"));
	rig_stop(&rig);
}

BROWSER_TEST(an_unseen_page_draws_nothing)
{
	struct rig rig;
	rig_start(&rig, pages);
	rig_open(&rig, "/animate", "animate");
	uint32_t before = rig.frames;
	rig_pump(&rig, 1000);
	CHECK(rig.frames > before + 5);
	RIG_SEND(&rig, visible, .visible = 0);
	rig_pump(&rig, 500);
	before = rig.frames;
	rig_pump(&rig, 1500);
	CHECK_INT(rig.frames, before);
	RIG_SEND(&rig, visible, .visible = 1);
	rig_pump(&rig, 1000);
	CHECK(rig.frames > before + 5);
	/* A client that takes no frames stops it too. */
	rig.holds_frames = true;
	rig_pump(&rig, 500);
	before = rig.frames;
	rig_pump(&rig, 1000);
	CHECK_INT(rig.frames, before);
	rig_stop(&rig);
}

BROWSER_TEST(the_wheel_scrolls_and_the_view_resizes)
{
	struct rig rig;
	rig_start(&rig, pages);
	rig_open(&rig, "/wheel", "0");
	for (int32_t i = 0; i < 10 && rig_title_is(&rig, "0"); i++) {
		rig_point(&rig, main_id(&rig), 100 + i, 100);
		RIG_SEND(&rig, wheel, .serial = ++rig.serial, .dy = 100 * 256, .notches_y = 120);
		rig_pump(&rig, 500);
	}
	CHECK(!rig_title_is(&rig, "0"));
	rig_open(&rig, "/size", "800,600,1.00");
	RIG_SEND(&rig, resize, .width = 1000, .height = 700, .scale_120 = 180);
	RIG_WAIT(&rig, rig_title_is(&rig, "1000,700,1.50"));
	RIG_WAIT(&rig, rig_surface(&rig, WIRE_ROLE_MAIN)->width == 1500);
	CHECK_INT(rig_surface(&rig, WIRE_ROLE_MAIN)->height, 1050);
	CHECK_INT(rig_surface(&rig, WIRE_ROLE_MAIN)->place.view_width, 1000);
	RIG_SEND(&rig, resize, .width = 800, .height = 600, .scale_120 = 120);
	RIG_WAIT(&rig, rig_title_is(&rig, "800,600,1.00"));
	RIG_SEND(&rig, zoom, .tab = rig_tab_id(&rig), .percent = 125);
	RIG_WAIT(&rig, rig_title_is(&rig, "640,480,1.25"));
	RIG_WAIT(&rig, rig_surface(&rig, WIRE_ROLE_MAIN)->place.view_width == 800);
	CHECK_INT(rig_surface(&rig, WIRE_ROLE_MAIN)->width, 800);
	RIG_SEND(&rig, zoom, .tab = rig_tab_id(&rig), .percent = 50);
	RIG_WAIT(&rig, rig_title_is(&rig, "1600,1200,0.50"));
	RIG_SEND(&rig, zoom, .tab = rig_tab_id(&rig), .percent = 100);
	/* Chromium's windows are not narrower than 500: a phone sees them scaled down. */
	RIG_SEND(&rig, resize, .width = 400, .height = 800, .scale_120 = 240);
	RIG_WAIT(&rig, rig_title_is(&rig, "500,1000,1.60"));
	RIG_WAIT(&rig, rig_surface(&rig, WIRE_ROLE_MAIN)->place.view_width == 400);
	rig_stop(&rig);
}

BROWSER_TEST(the_clipboard_goes_both_ways)
{
	struct rig rig;
	rig_start(&rig, pages);
	rig_open(&rig, "/copy", "copy");
	rig_click(&rig, main_id(&rig), 100, 50);
	RIG_SEND(&rig, key, .serial = ++rig.serial, .code = KEY_LEFTCTRL, .pressed = 1,
			.modifiers = WIRE_MODIFIER_CONTROL);
	rig_key(&rig, KEY_A, WIRE_MODIFIER_CONTROL, 'a');
	rig_key(&rig, KEY_C, WIRE_MODIFIER_CONTROL, 'c');
	RIG_SEND(&rig, key, .serial = ++rig.serial, .code = KEY_LEFTCTRL, .pressed = 0);
	RIG_WAIT(&rig, rig.clipboard_is_whole);
	CHECK_TEXT(rig.clipboard, "gr\xc3\xbc\xc3\x9f");
	RIG_SEND(&rig, paste, .more = 1, .part = wire_string_from("from "));
	RIG_SEND(&rig, paste, .more = 0, .part = wire_string_from("outside"));
	RIG_WAIT(&rig, rig_title_is(&rig, "from outside"));
	rig_stop(&rig);
}

BROWSER_TEST(a_drag_drops_inside_the_page)
{
	struct rig rig;
	rig_start(&rig, pages);
	rig_open(&rig, "/drag", "drag");
	uint32_t surface = main_id(&rig);
	rig_point(&rig, surface, 50, 50);
	RIG_SEND(&rig, pointer_button, .serial = ++rig.serial, .button = 0x110, .pressed = 1);
	for (int32_t y = 55; y < 120; y += 5) {
		rig_point(&rig, surface, 50, y);
		rig_pump(&rig, 30);
	}
	RIG_WAIT(&rig, rig_surface(&rig, WIRE_ROLE_DRAG_ICON));
	for (int32_t y = 120; y <= 250; y += 10) {
		rig_point(&rig, surface, 50, y);
		rig_pump(&rig, 30);
	}
	rig_pump(&rig, 300);
	RIG_SEND(&rig, pointer_button, .serial = ++rig.serial, .button = 0x110, .pressed = 0);
	RIG_WAIT(&rig, rig_title_is(&rig, "cargo"));
	RIG_WAIT(&rig, !rig_surface(&rig, WIRE_ROLE_DRAG_ICON));
	rig_stop(&rig);
}

BROWSER_TEST(dialogs_ask_the_viewer)
{
	struct rig rig;
	rig_start(&rig, pages);
	rig_open(&rig, "/dialog", "dialog");
	rig_click(&rig, main_id(&rig), 100, 100);
	RIG_WAIT(&rig, rig.dialog != 0);
	CHECK_INT(rig.dialog_kind, 2);
	CHECK_TEXT(rig.dialog_text, "Your name?");
	rig_pump(&rig, 500);
	rig_describe(&rig);
	RIG_SEND(&rig, dialog_reply, .dialog = rig.dialog, .accept = 1,
			.text = wire_string_from("Ada"));
	RIG_WAIT(&rig, rig_title_is(&rig, "Ada"));
	RIG_WAIT(&rig, rig.dialog == 0);
	rig_stop(&rig);
}

static uint32_t count_tabs(const struct rig *rig)
{
	uint32_t count = 0;
	for (size_t i = 0; i < RIG_TABS; i++) {
		count += rig->tabs[i].id != 0;
	}
	return count;
}

BROWSER_TEST(tabs_and_windows_open_and_close)
{
	struct rig rig;
	rig_start(&rig, pages);
	rig_open(&rig, "/windows", "windows");
	uint32_t first = rig_tab_id(&rig), first_surface = main_id(&rig);
	/* target=_blank: a tab in the same window, in front. */
	rig_click(&rig, first_surface, 50, 150);
	RIG_WAIT(&rig, rig_title_is(&rig, "click me"));
	CHECK(rig_tab_id(&rig) != first);
	CHECK_INT(main_id(&rig), first_surface);
	RIG_SEND(&rig, tab_select, .tab = first);
	RIG_WAIT(&rig, rig_title_is(&rig, "windows"));
	/* A window of its own: another main surface. */
	rig_pump(&rig, 500);
	rig_click(&rig, first_surface, 50, 50);
	RIG_WAIT(&rig, rig_title_is(&rig, "arrived"));
	RIG_WAIT(&rig, main_id(&rig) != first_surface);
	RIG_WAIT(&rig, rig_surface(&rig, WIRE_ROLE_MAIN)->place.view_width == 800);
	RIG_SEND(&rig, tab_select, .tab = first);
	RIG_WAIT(&rig, main_id(&rig) == first_surface && rig_tab_id(&rig) == first);
	RIG_SEND(&rig, tab_new, .address = wire_string_from(""));
	RIG_WAIT(&rig, count_tabs(&rig) == 4 && rig_tab_id(&rig) != first);
	while (count_tabs(&rig) > 1) {
		uint32_t before = count_tabs(&rig);
		RIG_SEND(&rig, tab_close, .tab = rig_tab_id(&rig));
		RIG_WAIT(&rig, count_tabs(&rig) < before && rig_tab_id(&rig));
		rig_pump(&rig, 300);
	}
	/* The last one leaves a blank one behind. */
	uint32_t last = rig_tab_id(&rig);
	RIG_SEND(&rig, tab_close, .tab = last);
	RIG_WAIT(&rig, count_tabs(&rig) == 1 && rig_tab_id(&rig) && rig_tab_id(&rig) != last);
	RIG_WAIT(&rig, rig_surface(&rig, WIRE_ROLE_MAIN));
	rig_open(&rig, "/click", "click me");
	rig_stop(&rig);
}

BROWSER_TEST(what_is_refused_is_said)
{
	struct rig rig;
	rig_start(&rig, pages);
	rig_open(&rig, "/files", "files");
	rig_click(&rig, main_id(&rig), 10, 10);
	RIG_WAIT(&rig, rig.notice_code == WIRE_NOTICE_DOWNLOAD_REFUSED);
	CHECK_TEXT(rig.notice_detail, "thing.bin");
	rig_click(&rig, main_id(&rig), 50, 150);
	RIG_WAIT(&rig, rig.notice_code == WIRE_NOTICE_UPLOAD_REFUSED);
	RIG_SEND(&rig, navigate, .tab = rig_tab_id(&rig),
			.address = wire_string_from("file:///etc/passwd"));
	RIG_WAIT(&rig, rig.notice_code == WIRE_NOTICE_ADDRESS_REFUSED);
	/* Nobody listens on port 1. */
	RIG_SEND(&rig, navigate, .tab = rig_tab_id(&rig),
			.address = wire_string_from("http://127.0.0.1:2/"));
	RIG_WAIT(&rig, rig.notice_code == WIRE_NOTICE_PAGE_FAILED);
	CHECK_TEXT(rig.notice_detail, "ERR_CONNECTION_REFUSED");
	CHECK_INT(rig.notice_tab, rig_tab_id(&rig));
	rig_stop(&rig);
}

BROWSER_TEST(find_and_touch_reach_the_page)
{
	struct rig rig;
	rig_start(&rig, pages);
	rig_open(&rig, "/find", "find");
	RIG_SEND(&rig, find, .tab = rig_tab_id(&rig), .text = wire_string_from("needle"));
	RIG_WAIT(&rig, rig_title_is(&rig, "found"));
	rig_open(&rig, "/touch", "touch");
	RIG_SEND(&rig, touch, .serial = ++rig.serial, .phase = 0, .point = 3,
			.surface = main_id(&rig), .x = 77 * 256, .y = 50 * 256);
	RIG_WAIT(&rig, rig_title_is(&rig, "touched 77"));
	RIG_SEND(&rig, touch, .serial = ++rig.serial, .phase = 2, .point = 3,
			.surface = main_id(&rig));
	rig_stop(&rig);
}
