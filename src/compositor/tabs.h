/* Tabs: what the viewer's tab bar shows, kept from CDP's events, and the commands that drive them.
 * See docs/decisions/0005. */
#ifndef SAFEWEB_COMPOSITOR_TABS_H
#define SAFEWEB_COMPOSITOR_TABS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <wayland-server-core.h>

#include "compositor/cdp.h"
#include "compositor/chords.h"
#include "compositor/quota.h"
#include "wire/messages.h"

#define TABS_MAX 32u
#define TABS_WINDOWS_MAX QUOTA_TOPLEVELS

struct compositor;
struct publisher;

struct tab {
	struct wl_list link; /* tabs.list */
	uint32_t id;
	char target[CDP_NAME_BYTES];
	char session[CDP_NAME_BYTES]; /* "" until attached */
	int64_t window; /* Chromium's number, 0 until known */
	char title[WIRE_TAB_TITLE_MAX_BYTES + 1];
	char address[WIRE_TAB_ADDRESS_MAX_BYTES + 1];
	bool is_loading, can_go_back, can_go_forward, is_secure, is_crashed;
	bool is_failure_due; /* an error page is loading, to be reported when it is whole */
	bool is_history_asked, is_history_stale; /* a question is under way; another is due */
	uint32_t zoom_percent;
	uint32_t dialog; /* the open one, 0 for none */
	char find_text[WIRE_FIND_TEXT_MAX_BYTES + 1];
	bool is_dirty; /* the ring does not have its present state */
	bool is_published;
};

/* A browser window on both sides: Chromium's number and our toplevel's. 0: not known yet. */
struct tab_window {
	int64_t window;
	uint32_t toplevel;
};

struct tabs {
	struct compositor *compositor; /* NULL in tests */
	struct publisher *publisher;
	struct cdp *cdp;
	struct wl_list list;
	uint32_t count;
	uint32_t next_id, next_dialog;
	uint32_t active; /* tab, 0 for none */
	struct tab_window windows[TABS_WINDOWS_MAX];
	uint32_t window_count;
};

int tabs_create(struct compositor *compositor, struct publisher *publisher, struct cdp *cdp,
		struct tabs **ret_tabs);
void tabs_destroy(struct tabs *tabs);
/* Asks Chromium for everything that is needed. */
void tabs_start(struct tabs *tabs);
/* Writes changed tabs into the ring; false when there is no room for all. */
bool tabs_publish(struct tabs *tabs);

struct tab *tabs_by_id(struct tabs *tabs, uint32_t id);
struct tab *tabs_by_target(struct tabs *tabs, const char *target);
struct tab *tabs_by_session(struct tabs *tabs, const char *session);
/* NULL when there are as many as there may be. */
struct tab *tabs_add(struct tabs *tabs, const char *target);
void tabs_remove(struct tabs *tabs, struct tab *tab);
void tabs_touch(struct tabs *tabs, struct tab *tab);
/* The tab is the one shown: moves window, keyboard and zoom to it. */
void tabs_set_active(struct tabs *tabs, struct tab *tab);
void tabs_open_blank(struct tabs *tabs);
void tabs_learn_window(struct tabs *tabs, struct tab *tab, int64_t window);
void tabs_handle_window_shown(struct tabs *tabs, uint32_t toplevel);
/* The window's title, which is its shown tab's, changed. */
void tabs_handle_window_title(struct tabs *tabs, uint32_t toplevel);
void tabs_handle_window_gone(struct tabs *tabs, uint32_t toplevel);
void tabs_notice(struct tabs *tabs, enum wire_notice_code code, uint32_t tab, const char *detail);
/* flags: enum wire_context_flag */
void tabs_context_menu(struct tabs *tabs, uint32_t tab, uint32_t flags, const char *link);

/* tab_events.c */
void tabs_handle_event(
		struct tabs *tabs, const char *session, const char *method, const json_t *params);
void tabs_ask_history(struct tabs *tabs, struct tab *tab);

/* tab_commands.c: the viewer's wishes */
void tabs_navigate(struct tabs *tabs, uint32_t id, struct wire_string address);
void tabs_history(struct tabs *tabs, uint32_t id, int32_t steps);
void tabs_reload(struct tabs *tabs, uint32_t id, bool bypass_cache);
void tabs_stop(struct tabs *tabs, uint32_t id);
void tabs_open(struct tabs *tabs, struct wire_string address);
void tabs_select(struct tabs *tabs, uint32_t id);
void tabs_close(struct tabs *tabs, uint32_t id);
void tabs_reply_dialog(struct tabs *tabs, const struct wire_dialog_reply *reply);
void tabs_zoom(struct tabs *tabs, uint32_t id, uint32_t percent);
void tabs_find(struct tabs *tabs, const struct wire_find *find);
void tabs_insert_text(struct tabs *tabs, struct wire_string text);
/* Presses and releases a chord in the page alone. */
void tabs_press_chord(struct tabs *tabs, const struct chord *chord);
/* Only web addresses and the blank page are opened. */
bool tabs_address_is_allowed(const char *address);

#endif
