#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "compositor/compositor.h"
#include "compositor/tabs.h"

#define FIND_WORLD "safeweb-find"

bool tabs_address_is_allowed(const char *address)
{
	for (const char *at = address; *at; at++) {
		if ((unsigned char)*at <= ' ' || *at == 0x7f) {
			return false;
		}
	}
	return strncasecmp(address, "http://", 7) == 0 ||
			strncasecmp(address, "https://", 8) == 0 ||
			strcasecmp(address, "about:blank") == 0;
}

/* Copies an address that may be opened; else says so to the viewer. */
static bool take_address(struct tabs *tabs, uint32_t tab, struct wire_string from,
		char to[WIRE_NAVIGATE_ADDRESS_MAX_BYTES + 1])
{
	wire_string_copy(from, to, WIRE_NAVIGATE_ADDRESS_MAX_BYTES + 1);
	if (!tabs_address_is_allowed(to)) {
		tabs_notice(tabs, WIRE_NOTICE_ADDRESS_REFUSED, tab,
				"only http and https addresses are opened");
		return false;
	}
	return true;
}

/* Takes the keyboard from the address bar that nobody sees. */
static void focus_page(struct tabs *tabs, const struct tab *tab)
{
	if (tab->id == tabs->active) {
		cdp_send(tabs->cdp, tab->session, "Page.bringToFront", NULL, NULL, 0, 0);
	}
}

void tabs_navigate(struct tabs *tabs, uint32_t id, struct wire_string from)
{
	char address[WIRE_NAVIGATE_ADDRESS_MAX_BYTES + 1];
	struct tab *tab = tabs_by_id(tabs, id);
	if (tab && take_address(tabs, id, from, address)) {
		cdp_send(tabs->cdp, tab->session, "Page.navigate",
				json_pack("{s:s, s:s}", "url", address, "transitionType",
						"address_bar"),
				NULL, 0, 0);
		focus_page(tabs, tab);
	}
}

static void handle_history_reply(struct tabs *tabs, uint32_t id, int32_t steps, json_t *result)
{
	struct tab *tab = tabs_by_id(tabs, id);
	const json_t *entries = json_object_get(result, "entries");
	const json_t *current = json_object_get(result, "currentIndex");
	if (!tab || !json_is_array(entries) || !json_is_integer(current)) {
		return;
	}
	json_int_t count = (json_int_t)json_array_size(entries);
	json_int_t index = json_integer_value(current);
	if (index < 0 || index >= count || index + steps < 0 || index + steps >= count) {
		return;
	}
	const json_t *entry = json_array_get(entries, (size_t)(index + steps));
	const json_t *entry_id = json_object_get(entry, "id");
	if (json_is_integer(entry_id)) {
		cdp_send(tabs->cdp, tab->session, "Page.navigateToHistoryEntry",
				json_pack("{s:I}", "entryId", json_integer_value(entry_id)), NULL,
				0, 0);
	}
}

void tabs_history(struct tabs *tabs, uint32_t id, int32_t steps)
{
	struct tab *tab = tabs_by_id(tabs, id);
	if (tab && steps != 0) {
		cdp_send(tabs->cdp, tab->session, "Page.getNavigationHistory", NULL,
				handle_history_reply, id, steps);
	}
}

void tabs_reload(struct tabs *tabs, uint32_t id, bool bypass_cache)
{
	struct tab *tab = tabs_by_id(tabs, id);
	if (tab) {
		cdp_send(tabs->cdp, tab->session, "Page.reload",
				json_pack("{s:b}", "ignoreCache", bypass_cache ? 1 : 0), NULL, 0,
				0);
	}
}

void tabs_stop(struct tabs *tabs, uint32_t id)
{
	struct tab *tab = tabs_by_id(tabs, id);
	if (tab) {
		cdp_send(tabs->cdp, tab->session, "Page.stopLoading", NULL, NULL, 0, 0);
	}
}

void tabs_open(struct tabs *tabs, struct wire_string from)
{
	char address[WIRE_NAVIGATE_ADDRESS_MAX_BYTES + 1];
	if (tabs->count >= TABS_MAX) {
		tabs_notice(tabs, WIRE_NOTICE_TOO_MANY_TABS, 0, "");
		return;
	}
	if (from.len == 0) {
		tabs_open_blank(tabs);
	} else if (take_address(tabs, 0, from, address)) {
		cdp_send(tabs->cdp, NULL, "Target.createTarget", json_pack("{s:s}", "url", address),
				NULL, 0, 0);
	}
}

void tabs_select(struct tabs *tabs, uint32_t id)
{
	struct tab *tab = tabs_by_id(tabs, id);
	if (tab) {
		cdp_send(tabs->cdp, NULL, "Target.activateTarget",
				json_pack("{s:s}", "targetId", tab->target), NULL, 0, 0);
		tabs_set_active(tabs, tab);
	}
}

void tabs_close(struct tabs *tabs, uint32_t id)
{
	struct tab *tab = tabs_by_id(tabs, id);
	if (!tab) {
		return;
	}
	/* Before the last goes, so that Chromium does not go with it. */
	if (tabs->count == 1) {
		tabs_open_blank(tabs);
	}
	cdp_send(tabs->cdp, NULL, "Target.closeTarget", json_pack("{s:s}", "targetId", tab->target),
			NULL, 0, 0);
}

void tabs_reply_dialog(struct tabs *tabs, const struct wire_dialog_reply *reply)
{
	char text[WIRE_DIALOG_REPLY_TEXT_MAX_BYTES + 1];
	struct tab *tab;
	wl_list_for_each(tab, &tabs->list, link)
	{
		if (reply->dialog != 0 && tab->dialog == reply->dialog) {
			wire_string_copy(reply->text, text, sizeof(text));
			cdp_send(tabs->cdp, tab->session, "Page.handleJavaScriptDialog",
					json_pack("{s:b, s:s}", "accept", reply->accept ? 1 : 0,
							"promptText", text),
					NULL, 0, 0);
			return;
		}
	}
}

void tabs_zoom(struct tabs *tabs, uint32_t id, uint32_t percent)
{
	struct tab *tab = tabs_by_id(tabs, id);
	if (!tab || percent < OUTPUT_MIN_ZOOM || percent > OUTPUT_MAX_ZOOM) {
		return;
	}
	tab->zoom_percent = percent;
	if (tab->id == tabs->active && tabs->compositor) {
		output_zoom(&tabs->compositor->output, percent);
	}
}

static void handle_world_reply(struct tabs *tabs, uint32_t id, int32_t is_backward, json_t *result)
{
	struct tab *tab = tabs_by_id(tabs, id);
	const json_t *context = json_object_get(result, "executionContextId");
	if (!tab || !json_is_integer(context)) {
		return;
	}
	json_t *text = json_string(tab->find_text);
	char *quoted = text ? json_dumps(text, JSON_ENCODE_ANY | JSON_ENSURE_ASCII) : NULL;
	json_decref(text);
	if (quoted) {
		json_t *expression = json_sprintf("window.find(%s, false, %s, true)", quoted,
				is_backward ? "true" : "false");
		cdp_send(tabs->cdp, tab->session, "Runtime.evaluate",
				json_pack("{s:o, s:I}", "expression", expression, "contextId",
						json_integer_value(context)),
				NULL, 0, 0);
	}
	free(quoted);
}

/* Runs the page's own search from a world that its scripts do not reach. */
void tabs_find(struct tabs *tabs, const struct wire_find *find)
{
	struct tab *tab = tabs_by_id(tabs, find->tab);
	if (!tab || find->text.len == 0) {
		return;
	}
	wire_string_copy(find->text, tab->find_text, sizeof(tab->find_text));
	cdp_send(tabs->cdp, tab->session, "Page.createIsolatedWorld",
			json_pack("{s:s, s:s}", "frameId", tab->target, "worldName", FIND_WORLD),
			handle_world_reply, tab->id, find->backward ? 1 : 0);
}

void tabs_insert_text(struct tabs *tabs, struct wire_string from)
{
	char text[WIRE_INSERT_TEXT_TEXT_MAX_BYTES + 1];
	struct tab *tab = tabs_by_id(tabs, tabs->active);
	if (tab) {
		wire_string_copy(from, text, sizeof(text));
		cdp_send(tabs->cdp, tab->session, "Input.insertText",
				json_pack("{s:s}", "text", text), NULL, 0, 0);
	}
}

/* CDP's bits: 1 alt, 2 control, 8 shift. */
static int cdp_modifiers(uint8_t modifiers)
{
	return (modifiers & WIRE_MODIFIER_ALT ? 1 : 0) |
			(modifiers & WIRE_MODIFIER_CONTROL ? 2 : 0) |
			(modifiers & WIRE_MODIFIER_SHIFT ? 8 : 0);
}

void tabs_press_chord(struct tabs *tabs, const struct chord *chord)
{
	static const char *const types[] = {"rawKeyDown", "keyUp"};
	struct tab *tab = tabs_by_id(tabs, tabs->active);
	for (size_t i = 0; tab && i < ARRAY_LENGTH(types); i++) {
		cdp_send(tabs->cdp, tab->session, "Input.dispatchKeyEvent",
				json_pack("{s:s, s:i, s:s, s:s, s:i}", "type", types[i],
						"modifiers", cdp_modifiers(chord->modifiers),
						"code", chord->code, "key", chord->key,
						"windowsVirtualKeyCode", (int)chord->windows_key),
				NULL, 0, 0);
	}
}
