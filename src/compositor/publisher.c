#include "compositor/publisher.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/utf8.h"
#include "wire/messages.h"

struct publisher_item {
	struct publisher_item *next;
	struct ring_record record;
};

int publisher_init(struct publisher *publisher, int ring_fd, int doorbell_fd, struct error *err)
{
	*publisher = (struct publisher){.doorbell_fd = doorbell_fd};
	return ring_writer_init(&publisher->ring, ring_fd, err);
}

void publisher_finish(struct publisher *publisher)
{
	while (publisher->first) {
		struct publisher_item *item = publisher->first;
		publisher->first = item->next;
		free(item);
	}
	publisher->last = NULL;
	publisher->queued = 0;
	ring_writer_finish(&publisher->ring);
}

bool publisher_drain(struct publisher *publisher)
{
	while (publisher->first) {
		struct ring_record *record = ring_writer_begin(&publisher->ring);
		if (!record) {
			return false;
		}
		struct publisher_item *item = publisher->first;
		memcpy(record, &item->record, sizeof(*record));
		publisher_publish(publisher);
		publisher->first = item->next;
		publisher->last = item->next ? publisher->last : NULL;
		publisher->queued--;
		free(item);
	}
	return true;
}

struct ring_record *publisher_begin(struct publisher *publisher)
{
	return publisher_drain(publisher) ? ring_writer_begin(&publisher->ring) : NULL;
}

void publisher_publish(struct publisher *publisher)
{
	ring_writer_publish(&publisher->ring);
	publisher->must_ring = true;
}

void publisher_ring(struct publisher *publisher)
{
	static const uint64_t one = 1;
	if (!publisher->must_ring) {
		return;
	}
	publisher->must_ring = false;
	/* A full counter means that the encoder has been told often enough. */
	if (write(publisher->doorbell_fd, &one, sizeof(one)) < 0 && errno != EAGAIN) {
		log_warning("cannot ring the encoder's doorbell: %s", strerror(errno));
	}
}

bool publisher_has_room(const struct publisher *publisher, uint32_t records)
{
	return publisher->queued == 0 &&
			publisher->ring.head - publisher->ring.tail + records <= RING_RECORDS;
}

static int send_or_queue(struct publisher *publisher, const struct ring_record *filled, size_t max)
{
	struct ring_record *record = publisher_begin(publisher);
	if (record) {
		memcpy(record, filled, sizeof(*record));
		publisher_publish(publisher);
		return 0;
	}
	struct publisher_item *item = publisher->queued < max ? malloc(sizeof(*item)) : NULL;
	if (!item) {
		return -ENOBUFS;
	}
	item->next = NULL;
	memcpy(&item->record, filled, sizeof(item->record));
	if (publisher->last) {
		publisher->last->next = item;
	} else {
		publisher->first = item;
	}
	publisher->last = item;
	publisher->queued++;
	return 0;
}

int publisher_send_surface_gone(struct publisher *publisher, uint32_t surface)
{
	struct ring_record record = {.kind = RING_SURFACE_GONE, .surface = surface};
	return send_or_queue(publisher, &record, PUBLISHER_QUEUE_MAX);
}

int publisher_send_tab_gone(struct publisher *publisher, uint32_t tab)
{
	struct ring_record record = {.kind = RING_TAB_GONE, .text = {.id = tab}};
	return send_or_queue(publisher, &record, PUBLISHER_QUEUE_MAX);
}

int publisher_send_dialog_gone(struct publisher *publisher, uint32_t dialog)
{
	struct ring_record record = {.kind = RING_DIALOG_GONE, .text = {.id = dialog}};
	return send_or_queue(publisher, &record, PUBLISHER_QUEUE_MAX);
}

/* The next of a record's two texts, cut to max bytes. */
static void add_text(struct ring_text *text, size_t which, const char *string, size_t max)
{
	size_t at = which ? text->text_len[0] : 0;
	assert(at + max + 1 <= RING_TEXT_BYTES);
	text->text_len[which] =
			(uint32_t)utf8_copy(text->text + at, max + 1, string, strlen(string));
}

void publisher_send_notice(
		struct publisher *publisher, uint32_t code, uint32_t tab, const char *detail)
{
	struct ring_record record = {.kind = RING_NOTICE, .text = {.flags = code, .tab = tab}};
	add_text(&record.text, 0, detail, WIRE_NOTICE_DETAIL_MAX_BYTES);
	if (send_or_queue(publisher, &record, PUBLISHER_QUEUE_PAGE_MAX) < 0) {
		log_debug("dropped a notice: the encoder is behind");
	}
}

void publisher_send_dialog(struct publisher *publisher, uint32_t tab, uint32_t dialog,
		uint32_t kind, const char *message, const char *standard)
{
	struct ring_record record = {
			.kind = RING_DIALOG, .text = {.id = dialog, .tab = tab, .flags = kind}};
	add_text(&record.text, 0, message, WIRE_DIALOG_MESSAGE_MAX_BYTES);
	add_text(&record.text, 1, standard, WIRE_DIALOG_STANDARD_MAX_BYTES);
	if (send_or_queue(publisher, &record, PUBLISHER_QUEUE_MAX) < 0) {
		log_warning("dropped a page's dialog: the encoder is behind");
	}
}

void publisher_send_context_menu(
		struct publisher *publisher, uint32_t tab, uint32_t flags, const char *link)
{
	struct ring_record record = {
			.kind = RING_CONTEXT_MENU, .text = {.id = tab, .flags = flags}};
	add_text(&record.text, 0, link, WIRE_CONTEXT_MENU_LINK_MAX_BYTES);
	if (send_or_queue(publisher, &record, 0) < 0) {
		log_debug("dropped a context menu: the encoder is behind");
	}
}

static void drop_queued(struct publisher *publisher, enum ring_kind kind)
{
	struct publisher_item **at = &publisher->first;
	publisher->last = NULL;
	while (*at) {
		struct publisher_item *item = *at;
		if (item->record.kind == kind) {
			*at = item->next;
			publisher->queued--;
			free(item);
			continue;
		}
		publisher->last = item;
		at = &item->next;
	}
}

/* At most max bytes, ending between characters. */
static size_t clipboard_part(const char *text, size_t len, size_t max)
{
	if (len <= max) {
		return len;
	}
	while (max > 0 && ((unsigned char)text[max] & 0xc0) == 0x80) {
		max--;
	}
	return max;
}

void publisher_send_clipboard(struct publisher *publisher, const char *text, size_t len)
{
	drop_queued(publisher, RING_CLIPBOARD);
	do {
		struct ring_record record = {.kind = RING_CLIPBOARD};
		size_t part = clipboard_part(text, len, WIRE_CLIPBOARD_PART_MAX_BYTES);
		memcpy(record.text.text, text, part);
		record.text.text_len[0] = (uint32_t)part;
		record.text.flags = part < len ? 1 : 0;
		text += part;
		len -= part;
		if (send_or_queue(publisher, &record, PUBLISHER_QUEUE_MAX) < 0) {
			log_warning("dropped a clipboard text: the encoder is behind");
			drop_queued(publisher, RING_CLIPBOARD);
			return;
		}
	} while (len > 0);
}

bool publisher_send_tab(struct publisher *publisher, uint32_t tab, uint32_t flags,
		const char *title, const char *address)
{
	struct ring_record *record = publisher_begin(publisher);
	if (!record) {
		return false;
	}
	record->kind = RING_TAB;
	record->text.id = tab;
	record->text.flags = flags;
	add_text(&record->text, 0, title, WIRE_TAB_TITLE_MAX_BYTES);
	add_text(&record->text, 1, address, WIRE_TAB_ADDRESS_MAX_BYTES);
	publisher_publish(publisher);
	return true;
}
