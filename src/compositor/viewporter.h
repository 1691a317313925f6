/* wp_viewporter: a surface's picture cut and stretched. */
#ifndef SAFEWEB_COMPOSITOR_VIEWPORTER_H
#define SAFEWEB_COMPOSITOR_VIEWPORTER_H

struct compositor;

int viewporter_globals_init(struct compositor *compositor);

#endif
