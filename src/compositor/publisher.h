/* The compositor's end of the frame ring: short facts wait in a queue while the ring is full;
 * pictures wait in their surfaces. What is a state (tabs, cursor, focus) is kept by its owner and
 * sent when there is room, so nothing a page does can make the queue grow. */
#ifndef SAFEWEB_COMPOSITOR_PUBLISHER_H
#define SAFEWEB_COMPOSITOR_PUBLISHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "frame/ring.h"

#define PUBLISHER_QUEUE_MAX 128u
/* Of those, what a page can cause at will. */
#define PUBLISHER_QUEUE_PAGE_MAX 48u

struct publisher_item;

struct publisher {
	struct ring_writer ring;
	int doorbell_fd;
	bool must_ring; /* something was published since the last doorbell */
	struct publisher_item *first, *last;
	size_t queued;
};

int publisher_init(struct publisher *publisher, int ring_fd, int doorbell_fd, struct error *err);
void publisher_finish(struct publisher *publisher);

/* Moves the queue into the ring as far as there is room; true when it is empty after that. */
bool publisher_drain(struct publisher *publisher);
/* A record to fill and publish at once, or NULL when the ring is full or the queue goes first. */
struct ring_record *publisher_begin(struct publisher *publisher);
void publisher_publish(struct publisher *publisher);
/* Rings the doorbell if needed. */
void publisher_ring(struct publisher *publisher);

/* Room for this many more records now. */
bool publisher_has_room(const struct publisher *publisher, uint32_t records);

/* Sends or queues facts that must not get lost: -ENOBUFS when the queue is full (end the session).
 */
int publisher_send_surface_gone(struct publisher *publisher, uint32_t surface);
int publisher_send_tab_gone(struct publisher *publisher, uint32_t tab);
int publisher_send_dialog_gone(struct publisher *publisher, uint32_t dialog);
/* Facts that a page can cause at will: dropped when the queue is long. Texts are cut to valid UTF-8
 * of at most the wire's limit. */
void publisher_send_notice(
		struct publisher *publisher, uint32_t code, uint32_t tab, const char *detail);
void publisher_send_dialog(struct publisher *publisher, uint32_t tab, uint32_t dialog,
		uint32_t kind, const char *message, const char *standard);
/* Dropped unless there is room at once: a menu that comes late is none. */
void publisher_send_context_menu(
		struct publisher *publisher, uint32_t tab, uint32_t flags, const char *link);
/* Replaces any clipboard text that still waits. text is valid UTF-8. */
void publisher_send_clipboard(struct publisher *publisher, const char *text, size_t len);

/* Writes a tab's record; false when there is no room now. */
bool publisher_send_tab(struct publisher *publisher, uint32_t tab, uint32_t flags,
		const char *title, const char *address);

#endif
