/* A real Chromium on a real compositor, with this process as the encoder and as the web. */
#ifndef SAFEWEB_TESTS_COMPOSITOR_RIG_H
#define SAFEWEB_TESTS_COMPOSITOR_RIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "frame/ring.h"
#include "wire/messages.h"

#define RIG_SURFACES 64
#define RIG_TABS 40

struct rig_surface {
	uint32_t id; /* 0: free */
	struct ring_surface place;
	uint8_t *pixels; /* BGRX, place.width * place.height */
	uint32_t width, height;
	uint32_t frames;
	uint32_t input_serial;
};

struct rig_tab {
	uint32_t id, flags;
	char title[513], address[2049];
};

/* What the test's web server answers on a path. */
struct rig_page {
	const char *path, *headers, *body;
};

struct rig {
	int doorbell, pacing, listener;
	uint16_t port;
	pid_t compositor, browser;
	int compositor_pidfd, browser_pidfd;
	char profile[64];
	struct ring_reader ring;
	const struct rig_page *pages;
	bool holds_frames; /* says no frame_done */
	uint32_t serial;

	/* What the ring said so far. */
	struct rig_surface surfaces[RIG_SURFACES];
	struct rig_tab tabs[RIG_TABS];
	struct ring_cursor cursor;
	uint32_t frames;
	uint32_t notice_code, notice_tab;
	char notice_detail[513];
	uint32_t dialog, dialog_kind;
	char dialog_text[1025];
	char clipboard[70000];
	bool clipboard_is_whole;
	uint32_t text_focus;
	bool is_broken; /* the ring's rules were */
};

/* Starts both and waits for the first picture and tab. Skips the test where there is no Chromium.
 */
void rig_start(struct rig *rig, const struct rig_page *pages);
void rig_stop(struct rig *rig);

/* Takes what comes for a while. */
void rig_pump(struct rig *rig, int timeout_ms);
/* Until the condition holds; fails the test, naming what, when it does not in time. */
#define RIG_WAIT(rig, condition)                                                                   \
	do {                                                                                       \
		uint64_t rig_until_ms = rig_now_ms() + 15000;                                      \
		while (!(condition)) {                                                             \
			if (rig_now_ms() > rig_until_ms || (rig)->is_broken) {                     \
				rig_describe(rig);                                                 \
				test_fail(__FILE__, __LINE__, "never came true: %s", #condition);  \
			}                                                                          \
			rig_pump(rig, 50);                                                         \
		}                                                                                  \
	} while (0)
uint64_t rig_now_ms(void);
void rig_describe(struct rig *rig);

void rig_send(struct rig *rig, const uint8_t *bytes, long len);
#define RIG_SEND(rig, type, ...)                                                                   \
	do {                                                                                       \
		uint8_t rig_bytes[WIRE_SHORT_MAX_BYTES];                                           \
		struct wire_##type rig_message = {__VA_ARGS__};                                    \
		rig_send(rig, rig_bytes,                                                           \
				wire_##type##_encode(&rig_message, rig_bytes, sizeof(rig_bytes))); \
	} while (0)

/* The visible surface of a role (enum wire_role), or NULL. */
struct rig_surface *rig_surface(struct rig *rig, uint32_t role);
struct rig_tab *rig_active_tab(struct rig *rig);
/* Of the active tab; 0 when there is none. */
uint32_t rig_tab_flags(struct rig *rig);
uint32_t rig_tab_id(struct rig *rig);
bool rig_title_is(struct rig *rig, const char *title);

/* Opens one of the pages in the active tab and waits for its title. */
void rig_open(struct rig *rig, const char *path, const char *title);
void rig_point(struct rig *rig, uint32_t surface, int32_t x, int32_t y);
void rig_click(struct rig *rig, uint32_t surface, int32_t x, int32_t y);
void rig_key(struct rig *rig, uint16_t code, uint8_t modifiers, uint32_t codepoint);

#endif
