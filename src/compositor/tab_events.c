#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/utf8.h"
#include "compositor/publisher.h"
#include "compositor/tabs.h"

#define ERROR_NAME_BYTES 64u
/* Runs in a world of its own in every page, where page scripts reach nothing: says when the page
 * comes to the front, so that we know which tab Chromium shows. */
#define WORLD_NAME "safeweb"
#define BINDING_NAME "safewebVisible"
#define VISIBILITY_SCRIPT                                                                          \
	"(() => { const tell = () => { if (document.visibilityState === 'visible' && "             \
	"window === window.top) " BINDING_NAME "('1'); }; "                                        \
	"document.addEventListener('visibilitychange', tell); tell(); })()"
/* In the same world: what the user asked a context menu for, once every listener of the page had
 * its say. The handler checks it all again. */
#define MENU_BINDING_NAME "safewebMenu"
#define MENU_PAYLOAD_MAX_BYTES 4096u
#define MENU_SCRIPT                                                                                \
	"addEventListener('contextmenu', (event) => { if (!event.isTrusted) return; "              \
	"const path = event.composedPath(); setTimeout(() => { "                                   \
	"if (event.defaultPrevented) return; const on = path[0], "                                 \
	"is = (node, ...names) => names.includes(node.localName), "                                \
	"href = path.find((node) => is(node, 'a', 'area') && node.href)?.href, "                   \
	"field = on instanceof HTMLInputElement || on instanceof "                                 \
	"HTMLTextAreaElement; " MENU_BINDING_NAME "(JSON.stringify({ "                             \
	"editable: on.isContentEditable === true || (field && on.matches(':read-write')), "        \
	"selection: !(field && on.type === 'password') && (getSelection()?.type === 'Range' || "   \
	"(field && on.selectionStart !== on.selectionEnd)), image: is(on, 'img'), "                \
	"link: typeof href === 'string' && /^https?:/.test(href) && href.length <= 2048 "          \
	"? href : '' })); }); }, true)"
/* Chromium's error pages carry the error's name in their own data. */
#define ERROR_SCRIPT                                                                               \
	"(() => { try { return String(loadTimeDataRaw.errorCode); } catch (e) { return ''; } })()"

/* Members of hostile objects: NULL, "" or 0 unless of the right type. */
static const char *get_text(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));
	return text ? text : "";
}

static const json_t *get_object(const json_t *object, const char *name)
{
	const json_t *member = json_object_get(object, name);
	return json_is_object(member) ? member : NULL;
}

static bool set_text(char *to, size_t size, const char *text)
{
	char cut[WIRE_TAB_ADDRESS_MAX_BYTES + 1];
	size_t room = size < sizeof(cut) ? size : sizeof(cut);
	utf8_copy(cut, room, text, strlen(text));
	if (strcmp(cut, to) == 0) {
		return false;
	}
	memcpy(to, cut, strlen(cut) + 1);
	return true;
}

static bool set_flag(bool *flag, bool value)
{
	bool is_new = *flag != value;
	*flag = value;
	return is_new;
}

static void handle_window_reply(struct tabs *tabs, uint32_t id, int32_t value, json_t *result)
{
	(void)value;
	struct tab *tab = tabs_by_id(tabs, id);
	json_int_t window = json_integer_value(json_object_get(result, "windowId"));
	if (tab && window > 0) {
		tabs_learn_window(tabs, tab, window);
	}
}

static void ask_window(struct tabs *tabs, struct tab *tab)
{
	cdp_send(tabs->cdp, NULL, "Browser.getWindowForTarget",
			json_pack("{s:s}", "targetId", tab->target), handle_window_reply, tab->id,
			0);
}

static void handle_history_reply(struct tabs *tabs, uint32_t id, int32_t value, json_t *result)
{
	(void)value;
	struct tab *tab = tabs_by_id(tabs, id);
	const json_t *current = json_object_get(result, "currentIndex");
	const json_t *entries = json_object_get(result, "entries");
	if (!tab) {
		return;
	}
	tab->is_history_asked = false;
	if (tab->is_history_stale) {
		tabs_ask_history(tabs, tab);
	}
	if (!json_is_integer(current) || !json_is_array(entries)) {
		return;
	}
	json_int_t index = json_integer_value(current);
	json_int_t count = (json_int_t)json_array_size(entries);
	bool is_new = set_flag(&tab->can_go_back, index > 0);
	is_new |= set_flag(&tab->can_go_forward, index < count - 1);
	if (index >= 0 && index < count) {
		const json_t *entry = json_array_get(entries, (size_t)index);
		is_new |= set_text(tab->title, sizeof(tab->title), get_text(entry, "title"));
	}
	if (is_new) {
		tabs_touch(tabs, tab);
	}
}

/* One question at a time, however fast a page changes its title. */
void tabs_ask_history(struct tabs *tabs, struct tab *tab)
{
	tab->is_history_stale = tab->is_history_asked;
	if (tab->is_history_asked || !*tab->session) {
		return;
	}
	tab->is_history_asked = true;
	cdp_send(tabs->cdp, tab->session, "Page.getNavigationHistory", NULL, handle_history_reply,
			tab->id, 0);
}

static void take_info(struct tabs *tabs, struct tab *tab, const json_t *info)
{
	/* Later titles come with the history; this event does not follow them all, but it may be
	 * the last sign of one. */
	const char *title = get_text(info, "title");
	bool is_new = !*tab->title && set_text(tab->title, sizeof(tab->title), title);
	if (strcmp(title, tab->title) != 0) {
		tabs_ask_history(tabs, tab);
	}
	is_new |= set_text(tab->address, sizeof(tab->address), get_text(info, "url"));
	if (is_new) {
		tabs_touch(tabs, tab);
	}
}

static bool is_page(const json_t *info)
{
	return strcmp(get_text(info, "type"), "page") == 0 && *get_text(info, "targetId");
}

static void handle_target_created(struct tabs *tabs, struct tab *tab, const json_t *params)
{
	const json_t *info = get_object(params, "targetInfo");
	const char *target = get_text(info, "targetId");
	if (tab || !is_page(info) || tabs_by_target(tabs, target)) {
		return;
	}
	struct tab *added = tabs_add(tabs, target);
	if (!added) {
		cdp_send(tabs->cdp, NULL, "Target.closeTarget",
				json_pack("{s:s}", "targetId", target), NULL, 0, 0);
		tabs_notice(tabs, WIRE_NOTICE_TOO_MANY_TABS, 0, "");
		return;
	}
	take_info(tabs, added, info);
	ask_window(tabs, added);
	if (tabs->count == 1) {
		tabs_set_active(tabs, added);
	}
}

static void handle_target_changed(struct tabs *tabs, struct tab *tab, const json_t *params)
{
	(void)tab;
	const json_t *info = get_object(params, "targetInfo");
	struct tab *changed = tabs_by_target(tabs, get_text(info, "targetId"));
	if (changed) {
		take_info(tabs, changed, info);
	}
}

static void handle_target_destroyed(struct tabs *tabs, struct tab *tab, const json_t *params)
{
	(void)tab;
	struct tab *gone = tabs_by_target(tabs, get_text(params, "targetId"));
	if (gone) {
		tabs_remove(tabs, gone);
	}
}

static void handle_target_crashed(struct tabs *tabs, struct tab *tab, const json_t *params)
{
	(void)tab;
	struct tab *crashed = tabs_by_target(tabs, get_text(params, "targetId"));
	if (crashed && set_flag(&crashed->is_crashed, true)) {
		crashed->is_loading = false;
		tabs_touch(tabs, crashed);
		tabs_notice(tabs, WIRE_NOTICE_PAGE_CRASHED, crashed->id, "");
	}
}

static void add_binding(struct cdp *cdp, const char *session, const char *name)
{
	cdp_send(cdp, session, "Runtime.addBinding",
			json_pack("{s:s, s:s}", "name", name, "executionContextName", WORLD_NAME),
			NULL, 0, 0);
}

static void enable_domains(struct tabs *tabs, struct tab *tab)
{
	struct cdp *cdp = tabs->cdp;
	const char *session = tab->session;
	cdp_send(cdp, session, "Page.enable", NULL, NULL, 0, 0);
	cdp_send(cdp, session, "Page.setInterceptFileChooserDialog",
			json_pack("{s:b}", "enabled", 1), NULL, 0, 0);
	cdp_send(cdp, session, "Security.enable", NULL, NULL, 0, 0);
	/* Without it the binding's calls are not told. */
	cdp_send(cdp, session, "Runtime.enable", NULL, NULL, 0, 0);
	add_binding(cdp, session, BINDING_NAME);
	add_binding(cdp, session, MENU_BINDING_NAME);
	cdp_send(cdp, session, "Page.addScriptToEvaluateOnNewDocument",
			json_pack("{s:s, s:s, s:b}", "source", VISIBILITY_SCRIPT "; " MENU_SCRIPT,
					"worldName", WORLD_NAME, "runImmediately", 1),
			NULL, 0, 0);
	/* A window that a script opens waits for this, though nobody asked it to wait. */
	cdp_send(cdp, session, "Runtime.runIfWaitingForDebugger", NULL, NULL, 0, 0);
}

static void handle_attached(struct tabs *tabs, struct tab *tab, const json_t *params)
{
	const json_t *info = get_object(params, "targetInfo");
	const char *session = get_text(params, "sessionId");
	if (tab || !is_page(info) || !*session || strlen(session) >= CDP_NAME_BYTES) {
		return;
	}
	/* Which of the two events comes first is Chromium's affair. */
	handle_target_created(tabs, NULL, params);
	struct tab *attached = tabs_by_target(tabs, get_text(info, "targetId"));
	if (attached && !*attached->session) {
		memcpy(attached->session, session, strlen(session) + 1);
		enable_domains(tabs, attached);
		tabs_ask_history(tabs, attached);
	}
}

static void handle_detached(struct tabs *tabs, struct tab *tab, const json_t *params)
{
	(void)tab;
	struct tab *detached = tabs_by_session(tabs, get_text(params, "sessionId"));
	if (detached) {
		detached->session[0] = '\0';
	}
}

/* An error's name as Chromium writes it, and nothing else. */
static bool take_error_name(char name[ERROR_NAME_BYTES], const char *text)
{
	if (strncmp(text, "net::", 5) == 0) {
		text += 5;
	}
	size_t len = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
	if (len == 0 || text[len] || len >= ERROR_NAME_BYTES || strncmp(text, "ERR_", 4) != 0) {
		return false;
	}
	memcpy(name, text, len + 1);
	return true;
}

static void report_failure(struct tabs *tabs, uint32_t id, const char *text)
{
	char name[ERROR_NAME_BYTES] = "ERR_FAILED";
	take_error_name(name, text);
	bool is_certificate = strncmp(name, "ERR_CERT_", 9) == 0;
	tabs_notice(tabs, is_certificate ? WIRE_NOTICE_BAD_CERTIFICATE : WIRE_NOTICE_PAGE_FAILED,
			id, name);
}

static void handle_error_reply(struct tabs *tabs, uint32_t id, int32_t value, json_t *result)
{
	(void)value;
	if (tabs_by_id(tabs, id)) {
		report_failure(tabs, id, get_text(get_object(result, "result"), "value"));
	}
}

static bool is_main_frame(const struct tab *tab, const json_t *params)
{
	return tab && strcmp(get_text(params, "frameId"), tab->target) == 0;
}

static void handle_frame_navigated(struct tabs *tabs, struct tab *tab, const json_t *params)
{
	const json_t *frame = get_object(params, "frame");
	if (!tab || !frame || json_is_string(json_object_get(frame, "parentId"))) {
		return;
	}
	if (set_flag(&tab->is_crashed, false)) {
		tabs_touch(tabs, tab);
	}
	tabs_ask_history(tabs, tab);
	tab->is_failure_due = *get_text(frame, "unreachableUrl") != '\0';
}

static void handle_navigated_within(struct tabs *tabs, struct tab *tab, const json_t *params)
{
	if (is_main_frame(tab, params)) {
		tabs_ask_history(tabs, tab);
	}
}

static void set_loading(struct tabs *tabs, struct tab *tab, const json_t *params, bool is_loading)
{
	if (is_main_frame(tab, params) && set_flag(&tab->is_loading, is_loading)) {
		tabs_touch(tabs, tab);
	}
}

static void handle_started_loading(struct tabs *tabs, struct tab *tab, const json_t *params)
{
	set_loading(tabs, tab, params, true);
}

static void handle_stopped_loading(struct tabs *tabs, struct tab *tab, const json_t *params)
{
	set_loading(tabs, tab, params, false);
	if (!is_main_frame(tab, params)) {
		return;
	}
	tabs_ask_history(tabs, tab);
	if (set_flag(&tab->is_failure_due, false)) {
		/* The error page is whole only now. */
		cdp_send(tabs->cdp, tab->session, "Runtime.evaluate",
				json_pack("{s:s}", "expression", ERROR_SCRIPT), handle_error_reply,
				tab->id, 0);
	}
}

static uint32_t dialog_kind(const char *type)
{
	static const char *const kinds[] = {"alert", "confirm", "prompt", "beforeunload"};
	for (uint32_t i = 0; i < ARRAY_LENGTH(kinds); i++) {
		if (strcmp(type, kinds[i]) == 0) {
			return i;
		}
	}
	return 0;
}

static void handle_dialog_opening(struct tabs *tabs, struct tab *tab, const json_t *params)
{
	if (!tab) {
		return;
	}
	if (tab->dialog) {
		publisher_send_dialog_gone(tabs->publisher, tab->dialog);
	}
	tab->dialog = ++tabs->next_dialog;
	publisher_send_dialog(tabs->publisher, tab->id, tab->dialog,
			dialog_kind(get_text(params, "type")), get_text(params, "message"),
			get_text(params, "defaultPrompt"));
	tabs_touch(tabs, tab);
}

static void handle_dialog_closed(struct tabs *tabs, struct tab *tab, const json_t *params)
{
	(void)params;
	if (tab && tab->dialog) {
		publisher_send_dialog_gone(tabs->publisher, tab->dialog);
		tab->dialog = 0;
		tabs_touch(tabs, tab);
	}
}

static void handle_file_chooser(struct tabs *tabs, struct tab *tab, const json_t *params)
{
	(void)params;
	if (tab) {
		tabs_notice(tabs, WIRE_NOTICE_UPLOAD_REFUSED, tab->id, "");
	}
}

static void handle_download(struct tabs *tabs, struct tab *tab, const json_t *params)
{
	(void)tab;
	struct tab *from = tabs_by_target(tabs, get_text(params, "frameId"));
	tabs_notice(tabs, WIRE_NOTICE_DOWNLOAD_REFUSED, from ? from->id : 0,
			get_text(params, "suggestedFilename"));
}

static void handle_security(struct tabs *tabs, struct tab *tab, const json_t *params)
{
	const json_t *state = get_object(params, "visibleSecurityState");
	bool is_secure = strcmp(get_text(state, "securityState"), "secure") == 0;
	if (tab && state && set_flag(&tab->is_secure, is_secure)) {
		tabs_touch(tabs, tab);
	}
}

static uint32_t menu_flag(const json_t *menu, const char *name, uint32_t flag)
{
	return json_is_true(json_object_get(menu, name)) ? flag : 0u;
}

/* A renderer that was taken over writes what it likes: a link it could not be led to is none. */
static void take_context_menu(struct tabs *tabs, const struct tab *tab, const char *payload)
{
	size_t len = strlen(payload);
	json_t *menu = len <= MENU_PAYLOAD_MAX_BYTES ? json_loadb(payload, len, 0, NULL) : NULL;
	if (json_is_object(menu)) {
		const char *link = get_text(menu, "link");
		bool is_web = strncasecmp(link, "http", 4) == 0 && tabs_address_is_allowed(link) &&
				strlen(link) <= WIRE_CONTEXT_MENU_LINK_MAX_BYTES;
		uint32_t flags = menu_flag(menu, "editable", WIRE_CONTEXT_EDITABLE) |
				menu_flag(menu, "selection", WIRE_CONTEXT_SELECTION) |
				menu_flag(menu, "image", WIRE_CONTEXT_IMAGE) |
				(is_web ? WIRE_CONTEXT_LINK : 0u);
		tabs_context_menu(tabs, tab->id, flags, is_web ? link : "");
	}
	json_decref(menu);
}

static void handle_binding(struct tabs *tabs, struct tab *tab, const json_t *params)
{
	const char *name = get_text(params, "name");
	if (tab && strcmp(name, BINDING_NAME) == 0) {
		tabs_set_active(tabs, tab);
	} else if (tab && tab->id == tabs->active && strcmp(name, MENU_BINDING_NAME) == 0) {
		take_context_menu(tabs, tab, get_text(params, "payload"));
	}
}

struct event {
	const char *method;
	/* tab: of the session the event came in on, NULL for the browser's own. */
	void (*handle)(struct tabs *tabs, struct tab *tab, const json_t *params);
};

static const struct event events[] = {
		{"Target.targetCreated", handle_target_created},
		{"Target.targetInfoChanged", handle_target_changed},
		{"Target.targetDestroyed", handle_target_destroyed},
		{"Target.targetCrashed", handle_target_crashed},
		{"Target.attachedToTarget", handle_attached},
		{"Target.detachedFromTarget", handle_detached},
		{"Page.frameNavigated", handle_frame_navigated},
		{"Page.navigatedWithinDocument", handle_navigated_within},
		{"Page.frameStartedLoading", handle_started_loading},
		{"Page.frameStoppedLoading", handle_stopped_loading},
		{"Page.javascriptDialogOpening", handle_dialog_opening},
		{"Page.javascriptDialogClosed", handle_dialog_closed},
		{"Page.fileChooserOpened", handle_file_chooser},
		{"Browser.downloadWillBegin", handle_download},
		{"Security.visibleSecurityStateChanged", handle_security},
		{"Runtime.bindingCalled", handle_binding},
};

void tabs_handle_event(
		struct tabs *tabs, const char *session, const char *method, const json_t *params)
{
	struct tab *tab = tabs_by_session(tabs, session);
	if (!json_is_object(params) || (*session && !tab)) {
		return;
	}
	for (size_t i = 0; i < ARRAY_LENGTH(events); i++) {
		if (strcmp(events[i].method, method) == 0) {
			events[i].handle(tabs, tab, params);
			return;
		}
	}
}
