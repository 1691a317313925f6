#include "compositor/cdp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fds.h"
#include "base/log.h"
#include "base/loop.h"
#include "compositor/tabs.h"

#define READ_BYTES (64u * 1024)

static void end(struct cdp *cdp)
{
	if (cdp->in_source) {
		wl_event_source_remove(cdp->in_source);
		cdp->in_source = NULL;
		cdp->handle_end(cdp->end_data);
	}
}

static void handle_text(void *data, const char *text, size_t len)
{
	cdp_handle_message(data, text, len);
}

static int handle_readable(int fd, uint32_t mask, void *data)
{
	static uint8_t chunk[READ_BYTES];
	struct cdp *cdp = data;
	(void)mask;
	ssize_t len = read(fd, chunk, sizeof(chunk));
	if (len > 0) {
		cdp_stream_feed(&cdp->stream, chunk, (size_t)len, handle_text, cdp);
	} else if (len == 0 || (errno != EAGAIN && errno != EINTR)) {
		end(cdp);
	}
	return 0;
}

static int handle_writable(int fd, uint32_t mask, void *data)
{
	struct cdp *cdp = data;
	(void)mask;
	while (buffer_length(&cdp->queue) > 0) {
		ssize_t written = write(fd, buffer_head(&cdp->queue), buffer_length(&cdp->queue));
		if (written < 0) {
			if (errno != EAGAIN && errno != EINTR) {
				end(cdp);
			}
			break;
		}
		buffer_consume(&cdp->queue, (size_t)written);
	}
	if (cdp->out_source) {
		wl_event_source_fd_update(cdp->out_source,
				buffer_length(&cdp->queue) > 0 ? WL_EVENT_WRITABLE : 0);
	}
	return 0;
}

static void arm_timer(struct cdp *cdp)
{
	if (!cdp->timer) {
		return;
	}
	int delay_ms = 0;
	if (cdp->pending_count > 0) {
		uint64_t now_ms = clock_now_ms();
		uint64_t due_ms = cdp->pending[0].due_ms;
		delay_ms = due_ms > now_ms ? (int)(due_ms - now_ms) : 1;
	}
	wl_event_source_timer_update(cdp->timer, delay_ms);
}

static struct cdp_pending remove_pending(struct cdp *cdp, size_t index)
{
	struct cdp_pending pending = cdp->pending[index];
	cdp->pending_count--;
	memmove(&cdp->pending[index], &cdp->pending[index + 1],
			(cdp->pending_count - index) * sizeof(cdp->pending[0]));
	return pending;
}

static void answer(struct cdp *cdp, const struct cdp_pending *pending, json_t *result)
{
	if (pending->handle) {
		pending->handle(cdp->tabs, pending->tab, pending->value, result);
	}
}

static int handle_timeout(void *data)
{
	struct cdp *cdp = data;
	while (cdp->pending_count > 0 && cdp->pending[0].due_ms <= clock_now_ms()) {
		struct cdp_pending late = remove_pending(cdp, 0);
		answer(cdp, &late, NULL);
	}
	arm_timer(cdp);
	return 0;
}

static int start(struct cdp *cdp)
{
	if (fds_set_nonblocking(cdp->in_fd) < 0 || fds_set_nonblocking(cdp->out_fd) < 0) {
		return -errno;
	}
	cdp->in_source = wl_event_loop_add_fd(
			cdp->loop, cdp->in_fd, WL_EVENT_READABLE, handle_readable, cdp);
	cdp->out_source = wl_event_loop_add_fd(cdp->loop, cdp->out_fd, 0, handle_writable, cdp);
	cdp->timer = wl_event_loop_add_timer(cdp->loop, handle_timeout, cdp);
	return cdp->in_source && cdp->out_source && cdp->timer ? 0 : -ENOMEM;
}

int cdp_create(struct wl_event_loop *loop, int in_fd, int out_fd, void (*handle_end)(void *data),
		void *end_data, struct cdp **ret_cdp)
{
	struct cdp *cdp = calloc(1, sizeof(*cdp));
	if (!cdp) {
		cleanup_close(&in_fd);
		cleanup_close(&out_fd);
		return -ENOMEM;
	}
	cdp->loop = loop;
	cdp->in_fd = in_fd;
	cdp->out_fd = out_fd;
	cdp->handle_end = handle_end;
	cdp->end_data = end_data;
	cdp_stream_init(&cdp->stream);
	buffer_init(&cdp->queue, CDP_QUEUE_MAX_BYTES);
	int code = loop ? start(cdp) : 0;
	if (code < 0) {
		cdp_destroy(cdp);
		return code;
	}
	*ret_cdp = cdp;
	return 0;
}

void cdp_destroy(struct cdp *cdp)
{
	if (!cdp) {
		return;
	}
	if (cdp->in_source) {
		wl_event_source_remove(cdp->in_source);
	}
	if (cdp->out_source) {
		wl_event_source_remove(cdp->out_source);
	}
	if (cdp->timer) {
		wl_event_source_remove(cdp->timer);
	}
	cleanup_close(&cdp->in_fd);
	cleanup_close(&cdp->out_fd);
	cdp_stream_finish(&cdp->stream);
	buffer_finish(&cdp->queue);
	free(cdp);
}

static int queue_command(struct cdp *cdp, uint32_t id, const char *session, const char *method,
		json_t *params)
{
	json_t *command = json_pack("{s:I, s:s}", "id", (json_int_t)id, "method", method);
	if (command && params) {
		json_object_set(command, "params", params);
	}
	if (command && session && *session) {
		json_object_set_new(command, "sessionId", json_string(session));
	}
	char *text = command ? json_dumps(command, JSON_COMPACT) : NULL;
	json_decref(command);
	int code = text ? buffer_append(&cdp->queue, text, strlen(text) + 1) : -ENOMEM;
	free(text);
	return code;
}

void cdp_send(struct cdp *cdp, const char *session, const char *method, json_t *params,
		cdp_reply_handler handle, uint32_t tab, int32_t value)
{
	struct cdp_pending pending = {.id = ++cdp->next_id,
			.tab = tab,
			.value = value,
			.due_ms = clock_now_ms() + CDP_REPLY_TIMEOUT_MS,
			.handle = handle};
	int code = cdp->pending_count < CDP_PENDING_MAX
			? queue_command(cdp, pending.id, session, method, params)
			: -ENOBUFS;
	json_decref(params);
	if (code < 0) {
		log_warning("dropped the command %s: the browser is behind", method);
		answer(cdp, &pending, NULL);
		return;
	}
	/* Only what somebody waits for is watched. */
	if (handle) {
		cdp->pending[cdp->pending_count++] = pending;
		if (cdp->pending_count == 1) {
			arm_timer(cdp);
		}
	}
	if (cdp->out_source) {
		handle_writable(cdp->out_fd, 0, cdp);
	}
}

static void handle_reply(struct cdp *cdp, json_int_t id, json_t *message)
{
	for (size_t i = 0; i < cdp->pending_count; i++) {
		if ((json_int_t)cdp->pending[i].id == id) {
			struct cdp_pending pending = remove_pending(cdp, i);
			json_t *result = json_object_get(message, "result");
			answer(cdp, &pending, json_is_object(result) ? result : NULL);
			arm_timer(cdp);
			return;
		}
	}
}

void cdp_handle_message(struct cdp *cdp, const char *text, size_t len)
{
	json_t *message = json_loadb(text, len, 0, NULL);
	if (!json_is_object(message)) {
		log_debug("the browser sent a CDP message that is no JSON object");
		json_decref(message);
		return;
	}
	json_t *id = json_object_get(message, "id");
	const char *method = json_string_value(json_object_get(message, "method"));
	const char *session = json_string_value(json_object_get(message, "sessionId"));
	if (json_is_integer(id)) {
		handle_reply(cdp, json_integer_value(id), message);
	} else if (method) {
		tabs_handle_event(cdp->tabs, session ? session : "", method,
				json_object_get(message, "params"));
	}
	json_decref(message);
}
