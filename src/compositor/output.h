/* The one output: the viewer's page area, as wl_output and xdg_output.
 *
 * Zoom of the page is scale of the output: at 200 % the client is given half the logical size and
 * twice the scale, so a page is laid out as by a browser's own zoom. Everything that crosses
 * between the client's logical pixels and the viewer's goes through output_to_viewer /
 * output_to_client. */
#ifndef SAFEWEB_COMPOSITOR_OUTPUT_H
#define SAFEWEB_COMPOSITOR_OUTPUT_H

#include <stdbool.h>
#include <stdint.h>
#include <wayland-server-core.h>

#define OUTPUT_MIN_SIDE 64u
#define OUTPUT_MAX_SIDE 7680u
#define OUTPUT_MIN_SCALE_120 120u
#define OUTPUT_MAX_SCALE_120 360u
/* Chromium makes no window narrower than this, its own logical pixels: on a narrower page area (or
 * at a larger zoom) the picture is scaled down instead. */
#define OUTPUT_MIN_CLIENT_WIDTH 500u
#define OUTPUT_MIN_ZOOM 25u
#define OUTPUT_MAX_ZOOM 500u

struct compositor;

struct output {
	struct compositor *compositor;
	struct wl_list resources; /* wl_output */
	struct wl_list xdg_resources; /* zxdg_output_v1 */
	uint32_t width; /* viewer's logical pixels */
	uint32_t height;
	uint32_t scale_120; /* device pixels a viewer's logical pixel, times 120 */
	uint32_t zoom_percent; /* as applied */
	uint32_t wanted_percent; /* as asked for */
};

int output_init(struct output *output, struct compositor *compositor);
/* Values out of range are brought into it, and the picture's device pixels kept under the ring's
 * limit. Tells the client when something changed. */
void output_resize(struct output *output, uint32_t width, uint32_t height, uint32_t scale_120);
void output_zoom(struct output *output, uint32_t percent);

/* What the client is told. */
int32_t output_client_width(const struct output *output);
int32_t output_client_height(const struct output *output);
uint32_t output_client_scale_120(const struct output *output);

int32_t output_to_viewer(const struct output *output, int32_t client_length);
/* For wl_fixed as for whole pixels. */
int32_t output_to_client(const struct output *output, int32_t viewer_length);

/* wl_surface.enter for the client's outputs. */
void output_send_enter(struct output *output, struct wl_resource *surface);

#endif
