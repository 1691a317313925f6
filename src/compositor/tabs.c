#include "compositor/tabs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "compositor/compositor.h"
#include "compositor/publisher.h"
#include "compositor/toplevel.h"

int tabs_create(struct compositor *compositor, struct publisher *publisher, struct cdp *cdp,
		struct tabs **ret_tabs)
{
	struct tabs *tabs = calloc(1, sizeof(*tabs));
	if (!tabs) {
		return -ENOMEM;
	}
	tabs->compositor = compositor;
	tabs->publisher = publisher;
	tabs->cdp = cdp;
	wl_list_init(&tabs->list);
	if (cdp) {
		cdp->tabs = tabs;
	}
	*ret_tabs = tabs;
	return 0;
}

void tabs_destroy(struct tabs *tabs)
{
	struct tab *tab, *next;
	if (!tabs) {
		return;
	}
	wl_list_for_each_safe(tab, next, &tabs->list, link)
	{
		free(tab);
	}
	free(tabs);
}

void tabs_start(struct tabs *tabs)
{
	struct cdp *cdp = tabs->cdp;
	cdp_send(cdp, NULL, "Target.setDiscoverTargets", json_pack("{s:b}", "discover", 1), NULL, 0,
			0);
	cdp_send(cdp, NULL, "Target.setAutoAttach",
			json_pack("{s:b, s:b, s:b}", "autoAttach", 1, "waitForDebuggerOnStart", 0,
					"flatten", 1),
			NULL, 0, 0);
	cdp_send(cdp, NULL, "Browser.setDownloadBehavior",
			json_pack("{s:s, s:b}", "behavior", "deny", "eventsEnabled", 1), NULL, 0,
			0);
}

static uint32_t tab_flags(const struct tabs *tabs, const struct tab *tab)
{
	return (tab->id == tabs->active ? WIRE_TAB_ACTIVE : 0u) |
			(tab->is_loading ? WIRE_TAB_LOADING : 0u) |
			(tab->can_go_back ? WIRE_TAB_CAN_GO_BACK : 0u) |
			(tab->can_go_forward ? WIRE_TAB_CAN_GO_FORWARD : 0u) |
			(tab->is_secure ? WIRE_TAB_SECURE : 0u) |
			(tab->is_crashed ? WIRE_TAB_CRASHED : 0u);
}

bool tabs_publish(struct tabs *tabs)
{
	struct tab *tab;
	wl_list_for_each(tab, &tabs->list, link)
	{
		if (!tab->is_dirty) {
			continue;
		}
		if (!publisher_send_tab(tabs->publisher, tab->id, tab_flags(tabs, tab), tab->title,
				    tab->address)) {
			return false;
		}
		tab->is_dirty = false;
		tab->is_published = true;
	}
	return true;
}

static void schedule(struct tabs *tabs)
{
	if (tabs->compositor) {
		compositor_schedule_flush(tabs->compositor);
	}
}

void tabs_touch(struct tabs *tabs, struct tab *tab)
{
	tab->is_dirty = true;
	schedule(tabs);
}

void tabs_notice(struct tabs *tabs, enum wire_notice_code code, uint32_t tab, const char *detail)
{
	publisher_send_notice(tabs->publisher, (uint32_t)code, tab, detail);
	schedule(tabs);
}

void tabs_context_menu(struct tabs *tabs, uint32_t tab, uint32_t flags, const char *link)
{
	publisher_send_context_menu(tabs->publisher, tab, flags, link);
	schedule(tabs);
}

struct tab *tabs_by_id(struct tabs *tabs, uint32_t id)
{
	struct tab *tab;
	wl_list_for_each(tab, &tabs->list, link)
	{
		if (tab->id == id) {
			return tab;
		}
	}
	return NULL;
}

struct tab *tabs_by_target(struct tabs *tabs, const char *target)
{
	struct tab *tab;
	wl_list_for_each(tab, &tabs->list, link)
	{
		if (strcmp(tab->target, target) == 0) {
			return tab;
		}
	}
	return NULL;
}

struct tab *tabs_by_session(struct tabs *tabs, const char *session)
{
	struct tab *tab;
	wl_list_for_each(tab, &tabs->list, link)
	{
		if (*session && strcmp(tab->session, session) == 0) {
			return tab;
		}
	}
	return NULL;
}

struct tab *tabs_add(struct tabs *tabs, const char *target)
{
	struct tab *tab = tabs->count < TABS_MAX && strlen(target) < CDP_NAME_BYTES
			? calloc(1, sizeof(*tab))
			: NULL;
	if (!tab) {
		return NULL;
	}
	tab->id = ++tabs->next_id;
	tab->zoom_percent = 100;
	memcpy(tab->target, target, strlen(target));
	wl_list_insert(tabs->list.prev, &tab->link);
	tabs->count++;
	tabs_touch(tabs, tab);
	return tab;
}

void tabs_remove(struct tabs *tabs, struct tab *tab)
{
	int code = tab->dialog ? publisher_send_dialog_gone(tabs->publisher, tab->dialog) : 0;
	if (tab->is_published && code == 0) {
		code = publisher_send_tab_gone(tabs->publisher, tab->id);
	}
	if (code < 0 && tabs->compositor) {
		compositor_fail(tabs->compositor, "the encoder does not take records");
	}
	bool was_active = tabs->active == tab->id;
	wl_list_remove(&tab->link);
	tabs->count--;
	free(tab);
	schedule(tabs);
	if (tabs->count == 0) {
		tabs->active = 0;
		tabs_open_blank(tabs);
	} else if (was_active) {
		/* The newest; if Chromium brings another to the front it says so. */
		tab = wl_container_of(tabs->list.prev, tab, link);
		tabs_select(tabs, tab->id);
	}
}

void tabs_open_blank(struct tabs *tabs)
{
	cdp_send(tabs->cdp, NULL, "Target.createTarget", json_pack("{s:s}", "url", "about:blank"),
			NULL, 0, 0);
}

static struct tab_window *find_window(struct tabs *tabs, int64_t window)
{
	for (uint32_t i = 0; i < tabs->window_count; i++) {
		if (tabs->windows[i].window == window) {
			return &tabs->windows[i];
		}
	}
	return NULL;
}

static void show_active_window(struct tabs *tabs)
{
	struct tab *tab = tabs_by_id(tabs, tabs->active);
	struct tab_window *pair = tab && tab->window ? find_window(tabs, tab->window) : NULL;
	struct toplevel *toplevel = pair && pair->toplevel && tabs->compositor
			? toplevel_by_number(tabs->compositor, pair->toplevel)
			: NULL;
	if (toplevel) {
		toplevel_activate(tabs->compositor, toplevel);
	}
	if (tab && tabs->compositor) {
		output_zoom(&tabs->compositor->output, tab->zoom_percent);
	}
}

void tabs_set_active(struct tabs *tabs, struct tab *tab)
{
	struct tab *before = tabs_by_id(tabs, tabs->active);
	if (before == tab) {
		return;
	}
	tabs->active = tab->id;
	tabs_touch(tabs, tab);
	if (before) {
		tabs_touch(tabs, before);
	}
	tabs_ask_history(tabs, tab);
	show_active_window(tabs);
}

/* The oldest pair that lacks one side takes it; Chromium numbers windows and makes their toplevels
 * in the same order. */
static struct tab_window *pair_for(struct tabs *tabs, bool lacks_window)
{
	for (uint32_t i = 0; i < tabs->window_count; i++) {
		struct tab_window *pair = &tabs->windows[i];
		if (lacks_window ? pair->window == 0 : pair->toplevel == 0) {
			return pair;
		}
	}
	if (tabs->window_count == TABS_WINDOWS_MAX) {
		return NULL;
	}
	struct tab_window *pair = &tabs->windows[tabs->window_count++];
	*pair = (struct tab_window){0};
	return pair;
}

void tabs_learn_window(struct tabs *tabs, struct tab *tab, int64_t window)
{
	tab->window = window;
	if (!find_window(tabs, window)) {
		struct tab_window *pair = pair_for(tabs, true);
		if (pair) {
			pair->window = window;
		}
	}
	if (tab->id == tabs->active) {
		show_active_window(tabs);
	}
}

void tabs_handle_window_shown(struct tabs *tabs, uint32_t toplevel)
{
	struct tab_window *pair = tabs ? pair_for(tabs, false) : NULL;
	if (pair) {
		pair->toplevel = toplevel;
	}
}

void tabs_handle_window_title(struct tabs *tabs, uint32_t toplevel)
{
	struct tab *tab = tabs ? tabs_by_id(tabs, tabs->active) : NULL;
	struct tab_window *pair = tab ? find_window(tabs, tab->window) : NULL;
	if (tab && (!pair || pair->toplevel == toplevel)) {
		tabs_ask_history(tabs, tab);
	}
}

void tabs_handle_window_gone(struct tabs *tabs, uint32_t toplevel)
{
	for (uint32_t i = 0; tabs && i < tabs->window_count; i++) {
		if (tabs->windows[i].toplevel == toplevel) {
			tabs->window_count--;
			memmove(&tabs->windows[i], &tabs->windows[i + 1],
					(tabs->window_count - i) * sizeof(tabs->windows[0]));
			return;
		}
	}
}
