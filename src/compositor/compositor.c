#include "compositor/compositor.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <wayland-server-protocol.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/loop.h"
#include "compositor/cdp.h"
#include "compositor/decoration.h"
#include "compositor/fractional_scale.h"
#include "compositor/presentation.h"
#include "compositor/subsurface.h"
#include "compositor/surface.h"
#include "compositor/tabs.h"
#include "compositor/viewporter.h"
#include "compositor/xdg_shell.h"

uint32_t compositor_next_serial(struct compositor *compositor)
{
	return wl_display_next_serial(compositor->display);
}

uint32_t compositor_time_ms(void)
{
	return (uint32_t)clock_now_ms();
}

void compositor_stop(struct compositor *compositor)
{
	wl_display_terminate(compositor->display);
}

void compositor_fail(struct compositor *compositor, const char *why)
{
	log_error("the session ends: %s", why);
	compositor->has_failed = true;
	compositor_stop(compositor);
}

static void handle_flush(void *data)
{
	struct compositor *compositor = data;
	struct surface *surface;
	compositor->idle = NULL;
	if (compositor->is_layout_dirty) {
		layout_update(compositor);
	}
	wl_list_for_each(surface, &compositor->surfaces, link)
	{
		surface_publish(surface);
	}
	seat_publish(&compositor->seat);
	if (compositor->tabs) {
		tabs_publish(compositor->tabs);
	}
	publisher_drain(&compositor->publisher);
	publisher_ring(&compositor->publisher);
}

void compositor_schedule_flush(struct compositor *compositor)
{
	if (!compositor->idle && compositor->loop) {
		compositor->idle =
				wl_event_loop_add_idle(compositor->loop, handle_flush, compositor);
	}
}

static int handle_empty_timer(void *data)
{
	surface_answer_empty(data);
	return 0;
}

static int globals_init(struct compositor *compositor)
{
	static int (*const inits[])(struct compositor * compositor) = {
			surface_globals_init,
			subsurface_globals_init,
			xdg_shell_globals_init,
			cursor_shape_globals_init,
			viewporter_globals_init,
			fractional_scale_globals_init,
			presentation_globals_init,
			decoration_globals_init,
	};
	/* The output first: Chromium waits for it. */
	int code = output_init(&compositor->output, compositor);
	for (size_t i = 0; code == 0 && i < ARRAY_LENGTH(inits); i++) {
		code = inits[i](compositor);
	}
	if (code == 0) {
		code = wl_display_init_shm(compositor->display) < 0 ? -ENOMEM : 0;
	}
	return code == 0 ? seat_init(&compositor->seat, compositor) : code;
}

static void handle_client_gone(struct wl_listener *listener, void *data)
{
	(void)data;
	struct compositor *compositor = wl_container_of(listener, compositor, client_gone);
	wl_list_remove(&compositor->client_gone.link);
	compositor->client = NULL;
	compositor_stop(compositor);
}

static int client_init(struct compositor *compositor, int fd, struct error *err)
{
	compositor->client = wl_client_create(compositor->display, fd);
	if (!compositor->client) {
		close(fd);
		return error_set(err, -ENOMEM, "cannot serve the browser's Wayland connection");
	}
	compositor->client_gone.notify = handle_client_gone;
	wl_client_add_destroy_listener(compositor->client, &compositor->client_gone);
	quota_watch(&compositor->quota, compositor->client);
	return 0;
}

static void handle_cdp_end(void *data)
{
	compositor_stop(data);
}

static int cdp_init(struct compositor *compositor, struct compositor_options *options,
		struct error *err)
{
	if (options->cdp_in_fd < 0) {
		return tabs_create(compositor, &compositor->publisher, NULL, &compositor->tabs);
	}
	int code = cdp_create(compositor->loop, steal_fd(&options->cdp_in_fd),
			steal_fd(&options->cdp_out_fd), handle_cdp_end, compositor,
			&compositor->cdp);
	if (code == 0) {
		code = tabs_create(compositor, &compositor->publisher, compositor->cdp,
				&compositor->tabs);
	}
	if (code < 0) {
		return error_set(err, code, "cannot speak with the browser over CDP");
	}
	tabs_start(compositor->tabs);
	return 0;
}

static int compositor_init(struct compositor *compositor, struct compositor_options *options,
		struct error *err)
{
	int code = publisher_init(
			&compositor->publisher, options->ring_fd, options->doorbell_fd, err);
	if (code < 0) {
		return code;
	}
	cleanup_close(&options->ring_fd); /* the mapping stays */
	options->doorbell_fd = -1;
	compositor->pacing_fd = steal_fd(&options->pacing_fd);
	compositor->display = wl_display_create();
	if (!compositor->display) {
		return error_set(err, -ENOMEM, "cannot make a Wayland display");
	}
	compositor->loop = wl_display_get_event_loop(compositor->display);
	code = globals_init(compositor);
	compositor->empty_timer =
			wl_event_loop_add_timer(compositor->loop, handle_empty_timer, compositor);
	if (code < 0 || !compositor->empty_timer) {
		return error_set(err, -ENOMEM, "cannot offer the Wayland interfaces");
	}
	output_resize(&compositor->output, options->width, options->height, options->scale_120);
	code = pacing_start(compositor, err);
	if (code == 0) {
		code = cdp_init(compositor, options, err);
	}
	if (code == 0) {
		code = client_init(compositor, steal_fd(&options->wayland_fd), err);
	}
	return code;
}

static void close_all(struct compositor_options *options)
{
	cleanup_close(&options->ring_fd);
	cleanup_close(&options->doorbell_fd);
	cleanup_close(&options->pacing_fd);
	cleanup_close(&options->wayland_fd);
	cleanup_close(&options->cdp_in_fd);
	cleanup_close(&options->cdp_out_fd);
}

int compositor_create(const struct compositor_options *options, struct compositor **ret_compositor,
		struct error *err)
{
	struct compositor_options left = *options; /* descriptors not yet taken over */
	struct compositor *compositor = calloc(1, sizeof(*compositor));
	if (!compositor) {
		close_all(&left);
		return error_set(err, -ENOMEM, "no memory for a compositor");
	}
	compositor->publisher.doorbell_fd = -1;
	compositor->pacing_fd = -1;
	compositor->seat.keyboard.keymap_fd = -1;
	wl_list_init(&compositor->surfaces);
	wl_list_init(&compositor->toplevels);
	wl_list_init(&compositor->popups);
	int code = compositor_init(compositor, &left, err);
	close_all(&left);
	if (code < 0) {
		compositor_destroy(compositor);
		return code;
	}
	*ret_compositor = compositor;
	return 0;
}

void compositor_destroy(struct compositor *compositor)
{
	if (!compositor) {
		return;
	}
	if (compositor->client) {
		struct wl_client *client = compositor->client;
		wl_client_destroy(client);
	}
	tabs_destroy(compositor->tabs);
	cdp_destroy(compositor->cdp);
	if (compositor->display) {
		seat_finish(&compositor->seat);
		if (compositor->pacing_source) {
			wl_event_source_remove(compositor->pacing_source);
		}
		if (compositor->empty_timer) {
			wl_event_source_remove(compositor->empty_timer);
		}
		if (compositor->idle) {
			wl_event_source_remove(compositor->idle);
		}
		wl_display_destroy(compositor->display);
	}
	cleanup_close(&compositor->pacing_fd);
	cleanup_close(&compositor->publisher.doorbell_fd);
	publisher_finish(&compositor->publisher);
	free(compositor);
}

int compositor_run(struct compositor *compositor)
{
	wl_display_run(compositor->display);
	return compositor->has_failed ? -EPROTO : 0;
}
