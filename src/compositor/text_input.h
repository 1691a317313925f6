/* zwp_text_input_manager_v3: only to know whether the page's focus takes text, and where; composing
 * happens on the viewer's machine. */
#ifndef SAFEWEB_COMPOSITOR_TEXT_INPUT_H
#define SAFEWEB_COMPOSITOR_TEXT_INPUT_H

#include <stdbool.h>
#include <wayland-server-core.h>

#include "frame/region.h"

struct seat;
struct surface;

struct text_focus {
	bool is_active;
	struct rect area; /* viewer's logical pixels, in the main surface */
};

struct text_inputs {
	struct seat *seat;
	struct wl_list inputs; /* text_input.link */
	struct surface *focus;
	struct text_focus wanted, published;
};

int text_inputs_init(struct text_inputs *inputs, struct seat *seat);
void text_inputs_set_focus(struct text_inputs *inputs, struct surface *surface);
bool text_inputs_publish(struct text_inputs *inputs);

#endif
