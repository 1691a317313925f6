/* wp_fractional_scale_manager_v1: tells each surface the viewer's exact scale. */
#ifndef SAFEWEB_COMPOSITOR_FRACTIONAL_SCALE_H
#define SAFEWEB_COMPOSITOR_FRACTIONAL_SCALE_H

struct compositor;

int fractional_scale_globals_init(struct compositor *compositor);
void fractional_scale_send_all(struct compositor *compositor);

#endif
