/* What a client that attaches later has to be told beside the pictures: tabs, dialogs, cursor,
 * focus. */
#ifndef SAFEWEB_ENCODER_PRESENT_H
#define SAFEWEB_ENCODER_PRESENT_H

#include <stdbool.h>
#include <stdint.h>

#include "encoder/client.h"
#include "frame/ring.h"

#define PRESENT_DIALOGS_MAX RING_TABS_MAX

/* A text record kept: cut to what its wire message holds. */
struct present_text {
	uint32_t id, flags, tab;
	size_t len[2];
	char text[]; /* the first, then the second */
};

struct present {
	struct present_text *tabs[RING_TABS_MAX]; /* owned; in order of appearance, no gaps */
	struct present_text *dialogs[PRESENT_DIALOGS_MAX];
	struct wire_cursor cursor;
	bool has_cursor;
	struct wire_text_focus focus;
};

void present_finish(struct present *present);

/* Takes in a record of these kinds and tells the client when it is ready. 0; -EBADMSG when there
 * are more tabs or dialogs than may be; -ENOMEM. */
int present_take_tab(
		struct present *present, const struct ring_text *record, struct client *client);
void present_take_tab_gone(struct present *present, uint32_t id, struct client *client);
int present_take_dialog(
		struct present *present, const struct ring_text *record, struct client *client);
void present_take_dialog_gone(struct present *present, uint32_t id, struct client *client);
void present_take_cursor(
		struct present *present, const struct ring_cursor *record, struct client *client);
void present_take_focus(
		struct present *present, const struct ring_text *record, struct client *client);

/* What only happens: nothing of it is kept. */
void present_pass_clipboard(const struct ring_text *record, struct client *client);
void present_pass_notice(const struct ring_text *record, struct client *client);
void present_pass_context_menu(const struct ring_text *record, struct client *client);

/* Tells a client all of it. */
void present_replay(const struct present *present, struct client *client);

#endif
