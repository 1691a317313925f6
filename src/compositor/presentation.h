/* wp_presentation: when a picture reached the viewer. */
#ifndef SAFEWEB_COMPOSITOR_PRESENTATION_H
#define SAFEWEB_COMPOSITOR_PRESENTATION_H

#include <wayland-server-core.h>

struct compositor;
struct output;

int presentation_globals_init(struct compositor *compositor);
/* Answers and empties a list of feedback objects: presented now, or never. */
void presentation_send(struct wl_list *feedbacks, struct output *output);
void presentation_discard(struct wl_list *feedbacks);

#endif
