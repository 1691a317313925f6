/* What the protocols share: versions, enumerations, framing. The messages themselves are generated
 * from protocol/messages.txt into wire/messages.h. No allocation, no system call: also WebAssembly.
 */
#ifndef SAFEWEB_WIRE_WIRE_H
#define SAFEWEB_WIRE_WIRE_H

#include <stddef.h>
#include <stdint.h>

#define WIRE_VERSION 1

/* Longest message on a stream, type byte included: a rect with its largest blob, with room. */
#define WIRE_MESSAGE_MAX_BYTES (4 * 1024 * 1024 + 64)
/* Longest message of every group but display. */
#define WIRE_SHORT_MAX_BYTES (8 * 1024)
#define WIRE_LENGTH_BYTES 4

enum wire_codec {
	WIRE_CODEC_RAW = 0, /* BGRX rows, for tests */
	WIRE_CODEC_SOLID = 1, /* one BGRX pixel */
	WIRE_CODEC_ZSTD = 2, /* lossless: see protocol/README.md */
	WIRE_CODEC_JPEG = 3, /* lossy, for photographs */
	WIRE_CODEC_ZSTD_BGRA = 4, /* lossless with premultiplied alpha: pop-ups, cursors */
};

enum wire_role {
	WIRE_ROLE_MAIN = 0,
	WIRE_ROLE_POPUP = 1,
	WIRE_ROLE_SUBSURFACE = 2,
	WIRE_ROLE_CURSOR = 3,
	WIRE_ROLE_DRAG_ICON = 4,
};

enum wire_tab_flag {
	WIRE_TAB_ACTIVE = 1,
	WIRE_TAB_LOADING = 2,
	WIRE_TAB_CAN_GO_BACK = 4,
	WIRE_TAB_CAN_GO_FORWARD = 8,
	WIRE_TAB_SECURE = 16,
	WIRE_TAB_CRASHED = 32,
};

enum wire_context_flag {
	WIRE_CONTEXT_EDITABLE = 1,
	WIRE_CONTEXT_SELECTION = 2,
	WIRE_CONTEXT_LINK = 4,
	WIRE_CONTEXT_IMAGE = 8,
};

enum wire_modifier {
	WIRE_MODIFIER_SHIFT = 1,
	WIRE_MODIFIER_CONTROL = 2,
	WIRE_MODIFIER_ALT = 4,
	WIRE_MODIFIER_META = 8,
	WIRE_MODIFIER_ALTGR = 16,
	WIRE_MODIFIER_CAPS_LOCK = 32,
	WIRE_MODIFIER_NUM_LOCK = 64,
};

/* Codes of notice, session_notice and egress_notice. */
enum wire_notice_code {
	WIRE_NOTICE_NAME_NOT_FOUND = 1, /* detail: host */
	WIRE_NOTICE_UNREACHABLE = 2,
	WIRE_NOTICE_INTERNAL_ADDRESS = 3, /* refused: an internal or special-purpose address */
	WIRE_NOTICE_PORT_REFUSED = 4,
	WIRE_NOTICE_TIMEOUT = 5,
	WIRE_NOTICE_TOO_MANY_CONNECTIONS = 6,
	WIRE_NOTICE_UPSTREAM_PROXY = 7,
	WIRE_NOTICE_BAD_CERTIFICATE = 8,
	WIRE_NOTICE_PAGE_FAILED = 9, /* detail: Chromium's error name */
	WIRE_NOTICE_ADDRESS_REFUSED = 10, /* a scheme or form that is not opened; detail: why */
	WIRE_NOTICE_PAGE_CRASHED = 11,
	WIRE_NOTICE_TOO_MANY_TABS = 12,
	WIRE_NOTICE_DOWNLOAD_REFUSED = 13, /* detail: file name */
	WIRE_NOTICE_UPLOAD_REFUSED = 14,
};

/* Why a session ended or could not be had: bye, ended, refused. */
enum wire_reason {
	WIRE_REASON_CLOSED = 1, /* its user ended it */
	WIRE_REASON_KILLED = 2, /* the administrator ended it */
	WIRE_REASON_IDLE = 3,
	WIRE_REASON_DISCONNECTED = 4, /* nobody came back in time */
	WIRE_REASON_TIME_LIMIT = 5,
	WIRE_REASON_BROWSER_EXITED = 6,
	WIRE_REASON_FAILED = 7, /* a program of the session died; detail or log says which */
	WIRE_REASON_FULL = 8, /* the node holds as many sessions as it may */
	WIRE_REASON_SHUTDOWN = 9, /* the node is going down */
	WIRE_REASON_REPLACED = 10, /* the same session was opened in another window */
	WIRE_REASON_UNKNOWN_SESSION = 11,
	WIRE_REASON_PROTOCOL = 12, /* the peer sent what the protocol does not have */
	WIRE_REASON_LOGGED_OUT = 13,
};

enum wire_session_state {
	WIRE_SESSION_STARTING = 0,
	WIRE_SESSION_WARM = 1,
	WIRE_SESSION_ATTACHED = 2,
	WIRE_SESSION_DISCONNECTED = 3,
	WIRE_SESSION_ENDING = 4,
};

enum wire_program {
	WIRE_PROGRAM_COMPOSITOR = 0,
	WIRE_PROGRAM_ENCODER = 1,
	WIRE_PROGRAM_BROWSER = 2,
	WIRE_PROGRAM_RUNTIME = 3,
};

/* A text inside a message: not terminated, valid UTF-8 without NUL, points into the message. */
struct wire_string {
	const char *bytes;
	size_t len;
};

struct wire_blob {
	const uint8_t *bytes;
	size_t len;
};

/* A terminated string as a text. */
struct wire_string wire_string_from(const char *string);

/* Copies a text into a buffer of size bytes, cut if it must be (never: for sized fields), NUL
 * added. */
void wire_string_copy(struct wire_string text, char *to, size_t size);

/* Looks at the head of a stream: returns the whole message's length without its length bytes and
 * its start in *ret_message; 0 when more bytes are needed; -EMSGSIZE when it is empty or over
 * max_bytes. */
long wire_stream_next(
		const uint8_t *bytes, size_t len, size_t max_bytes, const uint8_t **ret_message);

/* Puts a message's length in front of it: writes WIRE_LENGTH_BYTES. */
void wire_put_length(uint8_t *to, size_t message_len);

#endif
