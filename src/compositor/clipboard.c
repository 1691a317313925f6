#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wayland-server-protocol.h>

#include "base/cleanup.h"
#include "base/fds.h"
#include "base/log.h"
#include "base/utf8.h"
#include "compositor/compositor.h"
#include "compositor/data_device.h"

#define READ_BYTES 4096u

/* The viewer's clipboard on its way to a client that may be slow, or never read. */
struct clipboard_writer {
	struct clipboard *clipboard;
	struct clipboard_writer *next;
	int fd;
	char *text;
	size_t len, at;
	struct wl_event_source *source, *timer;
};

/* What the page's text may be called, best first. */
static const char *const text_types[] = {"text/plain;charset=utf-8", "UTF8_STRING", "text/plain"};

static struct compositor *owner(struct clipboard *clipboard)
{
	struct data_devices *devices = wl_container_of(clipboard, devices, clipboard);
	return devices->seat->compositor;
}

static void stop_reading(struct clipboard *clipboard)
{
	if (clipboard->read_source) {
		wl_event_source_remove(clipboard->read_source);
		clipboard->read_source = NULL;
	}
	wl_event_source_timer_update(clipboard->read_timer, 0);
	cleanup_close(&clipboard->read_fd);
	buffer_finish(&clipboard->read_buffer);
	buffer_init(&clipboard->read_buffer, CLIPBOARD_MAX_BYTES);
}

static int handle_read_timeout(void *data)
{
	log_debug("the page did not hand over its clipboard in time");
	stop_reading(data);
	return 0;
}

int clipboard_init(struct clipboard *clipboard, struct compositor *compositor)
{
	clipboard->read_fd = -1;
	buffer_init(&clipboard->incoming, CLIPBOARD_MAX_BYTES);
	buffer_init(&clipboard->read_buffer, CLIPBOARD_MAX_BYTES);
	clipboard->read_timer =
			wl_event_loop_add_timer(compositor->loop, handle_read_timeout, clipboard);
	return clipboard->read_timer ? 0 : -ENOMEM;
}

/* Windows' line ends become plain ones, bad bytes question marks. */
static size_t clean_text(char *text, size_t len)
{
	size_t kept = 0;
	for (size_t i = 0; i < len; i++) {
		if (text[i] != '\r') {
			text[kept++] = text[i];
		}
	}
	return kept;
}

static void publish_text(struct clipboard *clipboard)
{
	struct buffer *buffer = &clipboard->read_buffer;
	if (buffer_length(buffer) == 0) {
		return;
	}
	size_t len = clean_text((char *)buffer_head(buffer), buffer_length(buffer));
	CLEANUP_FREE char *text = malloc(len + 1);
	if (text && len > 0) {
		len = utf8_copy(text, len + 1, (const char *)buffer_head(buffer), len);
		publisher_send_clipboard(&owner(clipboard)->publisher, text, len);
		compositor_schedule_flush(owner(clipboard));
	}
}

static int handle_readable(int fd, uint32_t mask, void *data)
{
	(void)mask;
	struct clipboard *clipboard = data;
	uint8_t chunk[READ_BYTES];
	ssize_t len = read(fd, chunk, sizeof(chunk));
	if (len < 0) {
		if (errno != EAGAIN && errno != EINTR) {
			stop_reading(clipboard);
		}
		return 0;
	}
	size_t room = CLIPBOARD_MAX_BYTES - buffer_length(&clipboard->read_buffer);
	size_t kept = (size_t)len < room ? (size_t)len : room;
	bool is_over = buffer_append(&clipboard->read_buffer, chunk, kept) < 0 || kept == room;
	if (len == 0 || is_over) {
		publish_text(clipboard);
		stop_reading(clipboard);
	}
	return 0;
}

static const char *find_text_type(const struct data_source *source)
{
	for (size_t wanted = 0; wanted < ARRAY_LENGTH(text_types); wanted++) {
		for (size_t i = 0; i < source->mime_count; i++) {
			if (strcmp(source->mime_types[i], text_types[wanted]) == 0) {
				return text_types[wanted];
			}
		}
	}
	return NULL;
}

void clipboard_read(struct data_devices *devices, struct data_source *source)
{
	struct clipboard *clipboard = &devices->clipboard;
	const char *type = find_text_type(source);
	int ends[2];
	stop_reading(clipboard);
	if (!type || pipe2(ends, O_CLOEXEC) < 0) {
		return;
	}
	clipboard->read_fd = ends[0];
	clipboard->read_source = fds_set_nonblocking(ends[0]) < 0
			? NULL
			: wl_event_loop_add_fd(owner(clipboard)->loop, ends[0], WL_EVENT_READABLE,
					  handle_readable, clipboard);
	if (clipboard->read_source) {
		wl_data_source_send_send(source->resource, type, ends[1]);
		wl_event_source_timer_update(clipboard->read_timer, CLIPBOARD_TIMEOUT_MS);
	}
	close(ends[1]);
	if (!clipboard->read_source) {
		stop_reading(clipboard);
	}
}

bool clipboard_take_part(struct data_devices *devices, const char *bytes, size_t len, bool has_more)
{
	struct clipboard *clipboard = &devices->clipboard;
	struct buffer *incoming = &clipboard->incoming;
	if (buffer_append(incoming, bytes, len) < 0) {
		log_debug("cut a pasted text to %u bytes", CLIPBOARD_MAX_BYTES);
	}
	if (has_more) {
		return false;
	}
	size_t whole = buffer_length(incoming);
	char *text = whole ? strndup((const char *)buffer_head(incoming), whole) : NULL;
	buffer_finish(incoming);
	buffer_init(incoming, CLIPBOARD_MAX_BYTES);
	if (!text) {
		return false;
	}
	free(clipboard->text);
	clipboard->text = text;
	clipboard->text_len = whole;
	if (devices->selection) {
		struct data_source *before = devices->selection;
		devices->selection = NULL;
		wl_data_source_send_cancelled(before->resource);
	}
	stop_reading(clipboard);
	data_devices_send_selection(devices);
	return true;
}

static void writer_destroy(struct clipboard_writer *writer)
{
	struct clipboard *clipboard = writer->clipboard;
	struct clipboard_writer **at = &clipboard->writers;
	while (*at && *at != writer) {
		at = &(*at)->next;
	}
	if (*at) {
		*at = writer->next;
		clipboard->writer_count--;
	}
	if (writer->source) {
		wl_event_source_remove(writer->source);
	}
	if (writer->timer) {
		wl_event_source_remove(writer->timer);
	}
	cleanup_close(&writer->fd);
	free(writer->text);
	free(writer);
}

static int handle_writable(int fd, uint32_t mask, void *data)
{
	struct clipboard_writer *writer = data;
	ssize_t written = 0;
	if (!(mask & (WL_EVENT_HANGUP | WL_EVENT_ERROR))) {
		written = write(fd, writer->text + writer->at, writer->len - writer->at);
		if (written < 0 && (errno == EAGAIN || errno == EINTR)) {
			return 0;
		}
	}
	if (written > 0) {
		writer->at += (size_t)written;
	}
	if (written <= 0 || writer->at == writer->len) {
		writer_destroy(writer);
	}
	return 0;
}

static int handle_write_timeout(void *data)
{
	writer_destroy(data);
	return 0;
}

void clipboard_write(struct data_devices *devices, int fd)
{
	struct clipboard *clipboard = &devices->clipboard;
	struct wl_event_loop *loop = owner(clipboard)->loop;
	struct clipboard_writer *writer = NULL;
	if (clipboard->text && clipboard->writer_count < CLIPBOARD_WRITERS_MAX &&
			fds_set_nonblocking(fd) == 0) {
		writer = calloc(1, sizeof(*writer));
	}
	if (!writer) {
		close(fd);
		return;
	}
	writer->clipboard = clipboard;
	writer->fd = fd;
	writer->len = clipboard->text_len;
	writer->text = strdup(clipboard->text);
	writer->next = clipboard->writers;
	clipboard->writers = writer;
	clipboard->writer_count++;
	writer->timer = wl_event_loop_add_timer(loop, handle_write_timeout, writer);
	writer->source = wl_event_loop_add_fd(loop, fd, WL_EVENT_WRITABLE, handle_writable, writer);
	if (!writer->text || !writer->timer || !writer->source) {
		writer_destroy(writer);
		return;
	}
	wl_event_source_timer_update(writer->timer, CLIPBOARD_TIMEOUT_MS);
}

void clipboard_finish(struct clipboard *clipboard)
{
	if (!clipboard->read_timer) {
		return;
	}
	stop_reading(clipboard);
	while (clipboard->writers) {
		writer_destroy(clipboard->writers);
	}
	wl_event_source_remove(clipboard->read_timer);
	buffer_finish(&clipboard->incoming);
	buffer_finish(&clipboard->read_buffer);
	free(clipboard->text);
}
