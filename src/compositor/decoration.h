/* zxdg_decoration_manager_v1: windows' frames are the server's business, and it draws none. */
#ifndef SAFEWEB_COMPOSITOR_DECORATION_H
#define SAFEWEB_COMPOSITOR_DECORATION_H

struct compositor;

int decoration_globals_init(struct compositor *compositor);

#endif
