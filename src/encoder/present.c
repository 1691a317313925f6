#include "encoder/present.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

void present_finish(struct present *present)
{
	for (size_t i = 0; i < RING_TABS_MAX; i++) {
		free(present->tabs[i]);
	}
	for (size_t i = 0; i < PRESENT_DIALOGS_MAX; i++) {
		free(present->dialogs[i]);
	}
	*present = (struct present){0};
}

/* The longest beginning of at most max bytes that ends between characters. */
static size_t cut(const char *text, size_t len, size_t max)
{
	if (len <= max) {
		return len;
	}
	while (max > 0 && ((unsigned char)text[max] & 0xc0) == 0x80) {
		max--;
	}
	return max;
}

static struct wire_string first_text(const struct ring_text *record, size_t max)
{
	return (struct wire_string){
			.bytes = record->text, .len = cut(record->text, record->text_len[0], max)};
}

static struct wire_string second_text(const struct ring_text *record, size_t max)
{
	const char *text = record->text + record->text_len[0];
	return (struct wire_string){.bytes = text, .len = cut(text, record->text_len[1], max)};
}

static struct present_text *keep(
		const struct ring_text *record, struct wire_string first, struct wire_string second)
{
	struct present_text *kept = malloc(sizeof(*kept) + first.len + second.len);
	if (!kept) {
		return NULL;
	}
	*kept = (struct present_text){.id = record->id, .flags = record->flags, .tab = record->tab};
	kept->len[0] = first.len;
	kept->len[1] = second.len;
	memcpy(kept->text, first.bytes, first.len);
	memcpy(kept->text + first.len, second.bytes, second.len);
	return kept;
}

/* Puts kept into the list in the place of the same id, or at its end. */
static int put(struct present_text **list, size_t max, struct present_text *kept)
{
	if (!kept) {
		return -ENOMEM;
	}
	for (size_t i = 0; i < max; i++) {
		if (!list[i] || list[i]->id == kept->id) {
			free(list[i]);
			list[i] = kept;
			return 0;
		}
	}
	free(kept);
	return -EBADMSG;
}

static bool take_out(struct present_text **list, size_t max, uint32_t id)
{
	for (size_t i = 0; i < max && list[i]; i++) {
		if (list[i]->id == id) {
			free(list[i]);
			memmove(&list[i], &list[i + 1], (max - 1 - i) * sizeof(*list));
			list[max - 1] = NULL;
			return true;
		}
	}
	return false;
}

static struct wire_string kept_text(const struct present_text *kept, int which)
{
	return (struct wire_string){
			.bytes = kept->text + (which ? kept->len[0] : 0), .len = kept->len[which]};
}

static void send_tab(const struct present_text *kept, struct client *client)
{
	struct wire_tab tab = {
			.tab = kept->id,
			.flags = (uint8_t)kept->flags,
			.title = kept_text(kept, 0),
			.address = kept_text(kept, 1),
	};
	CLIENT_SEND(client, tab, TAB, &tab);
}

static void send_dialog(const struct present_text *kept, struct client *client)
{
	struct wire_dialog dialog = {
			.tab = kept->tab,
			.dialog = kept->id,
			.kind = (uint8_t)kept->flags,
			.message = kept_text(kept, 0),
			.standard = kept_text(kept, 1),
	};
	CLIENT_SEND(client, dialog, DIALOG, &dialog);
}

int present_take_tab(struct present *present, const struct ring_text *record, struct client *client)
{
	struct present_text *kept = keep(record, first_text(record, WIRE_TAB_TITLE_MAX_BYTES),
			second_text(record, WIRE_TAB_ADDRESS_MAX_BYTES));
	int code = put(present->tabs, RING_TABS_MAX, kept);
	if (code == 0 && client_is_ready(client)) {
		send_tab(kept, client);
	}
	return code;
}

void present_take_tab_gone(struct present *present, uint32_t id, struct client *client)
{
	if (take_out(present->tabs, RING_TABS_MAX, id) && client_is_ready(client)) {
		struct wire_tab_gone gone = {.tab = id};
		CLIENT_SEND(client, tab_gone, TAB_GONE, &gone);
	}
}

int present_take_dialog(
		struct present *present, const struct ring_text *record, struct client *client)
{
	struct present_text *kept = keep(record, first_text(record, WIRE_DIALOG_MESSAGE_MAX_BYTES),
			second_text(record, WIRE_DIALOG_STANDARD_MAX_BYTES));
	int code = put(present->dialogs, PRESENT_DIALOGS_MAX, kept);
	if (code == 0 && client_is_ready(client)) {
		send_dialog(kept, client);
	}
	return code;
}

void present_take_dialog_gone(struct present *present, uint32_t id, struct client *client)
{
	if (take_out(present->dialogs, PRESENT_DIALOGS_MAX, id) && client_is_ready(client)) {
		struct wire_dialog_gone gone = {.dialog = id};
		CLIENT_SEND(client, dialog_gone, DIALOG_GONE, &gone);
	}
}

void present_take_cursor(
		struct present *present, const struct ring_cursor *record, struct client *client)
{
	present->cursor = (struct wire_cursor){
			.shape = (uint8_t)record->shape,
			.surface = record->surface,
			.hot_x = record->hot_x,
			.hot_y = record->hot_y,
	};
	present->has_cursor = true;
	if (client_is_ready(client)) {
		CLIENT_SEND(client, cursor, CURSOR, &present->cursor);
	}
}

void present_take_focus(
		struct present *present, const struct ring_text *record, struct client *client)
{
	present->focus = (struct wire_text_focus){
			.active = record->flags != 0,
			.x = record->area.x,
			.y = record->area.y,
			.width = record->area.width,
			.height = record->area.height,
	};
	if (client_is_ready(client)) {
		CLIENT_SEND(client, text_focus, TEXT_FOCUS, &present->focus);
	}
}

void present_pass_clipboard(const struct ring_text *record, struct client *client)
{
	/* A record holds a little more than a message: it may take two. */
	size_t at = 0;
	do {
		size_t left = record->text_len[0] - at;
		size_t len = cut(record->text + at, left, WIRE_CLIPBOARD_PART_MAX_BYTES);
		struct wire_clipboard part = {
				.more = record->flags != 0 || len < left,
				.part = {.bytes = record->text + at, .len = len},
		};
		CLIENT_SEND(client, clipboard, CLIPBOARD, &part);
		at += len;
	} while (at < record->text_len[0]);
}

void present_pass_notice(const struct ring_text *record, struct client *client)
{
	struct wire_notice notice = {
			.code = (uint16_t)record->flags,
			.tab = record->tab,
			.detail = first_text(record, WIRE_NOTICE_DETAIL_MAX_BYTES),
	};
	CLIENT_SEND(client, notice, NOTICE, &notice);
}

void present_pass_context_menu(const struct ring_text *record, struct client *client)
{
	struct wire_context_menu menu = {
			.tab = record->id,
			.flags = (uint8_t)record->flags,
			.link = first_text(record, WIRE_CONTEXT_MENU_LINK_MAX_BYTES),
	};
	CLIENT_SEND(client, context_menu, CONTEXT_MENU, &menu);
}

void present_replay(const struct present *present, struct client *client)
{
	for (size_t i = 0; i < RING_TABS_MAX && present->tabs[i]; i++) {
		send_tab(present->tabs[i], client);
	}
	for (size_t i = 0; i < PRESENT_DIALOGS_MAX && present->dialogs[i]; i++) {
		send_dialog(present->dialogs[i], client);
	}
	if (present->has_cursor) {
		CLIENT_SEND(client, cursor, CURSOR, &present->cursor);
	}
	if (present->focus.active) {
		CLIENT_SEND(client, text_focus, TEXT_FOCUS, &present->focus);
	}
}
