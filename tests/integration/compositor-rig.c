#include "compositor-rig.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fds.h"
#include "base/loop.h"
#include "base/spawn.h"
#include "harness/test.h"

#define BROWSER_PATH "/usr/lib/chromium/chromium"
#define BROWSER_USER 65534 /* not root: Chromium's sandbox wants that */
#define COMPOSITOR_USER "65533"
#define PIXEL_BYTES 4

uint64_t rig_now_ms(void)
{
	return clock_now_ms();
}

static void make_listener(struct rig *rig)
{
	struct sockaddr_in address = {
			.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(address);
	rig->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CHECK(rig->listener >= 0);
	CHECK_INT(bind(rig->listener, (struct sockaddr *)&address, len), 0);
	CHECK_INT(listen(rig->listener, 32), 0);
	CHECK_INT(getsockname(rig->listener, (struct sockaddr *)&address, &len), 0);
	rig->port = ntohs(address.sin_port);
}

static void start_compositor(struct rig *rig, int ring, int pacing, int wayland, int out, int in)
{
	const char *program = getenv("SAFEWEB_COMPOSITOR_PROGRAM");
	CHECK(program);
	/* In its sandbox, as in a session. */
	char root[96];
	snprintf(root, sizeof(root), "%s/empty", rig->profile);
	CHECK_INT(mkdir(root, 0755), 0);
	const char *const arguments[] = {program, "--width", "800", "--height", "600", "--uid",
			COMPOSITOR_USER, "--gid", COMPOSITOR_USER, "--root", root, NULL};
	const char *const environment[] = {"SAFEWEB_LOG=info", NULL};
	const struct spawn_fd fds[] = {
			{ring, COMPOSITOR_FD_RING},
			{rig->doorbell, COMPOSITOR_FD_DOORBELL},
			{pacing, COMPOSITOR_FD_PACING},
			{wayland, COMPOSITOR_FD_WAYLAND},
			{out, COMPOSITOR_FD_CDP_OUT},
			{in, COMPOSITOR_FD_CDP_IN},
	};
	struct spawn_options options = {.path = program,
			.argv = arguments,
			.envp = environment,
			.fds = fds,
			.fd_count = ARRAY_LENGTH(fds)};
	struct error err = {0};
	if (spawn_process(&options, &rig->compositor, &rig->compositor_pidfd, &err) < 0) {
		test_fail(__FILE__, __LINE__, "%s", err.text);
	}
}

static void start_browser(struct rig *rig, int wayland, int in, int out)
{
	char profile[96], home[96], keep[96];
	snprintf(profile, sizeof(profile), "--user-data-dir=%s/profile", rig->profile);
	snprintf(home, sizeof(home), "HOME=%s", rig->profile);
	snprintf(keep, sizeof(keep), "TMPDIR=%s", rig->profile);
	const char *const arguments[] = {BROWSER_PATH, "--ozone-platform=wayland", "--kiosk",
			"--disable-gpu", "--in-process-gpu", "--remote-debugging-pipe",
			"--disable-extensions", "--no-first-run", "--no-default-browser-check",
			"--password-store=basic", "--noerrdialogs", "--disable-breakpad",
			"--disable-background-networking", "--disable-component-update",
			"--disable-default-apps", "--disable-sync", "--enable-wayland-ime",
			"--wayland-text-input-version=3",
			"--disable-features=SpareRendererForSitePerProcess,WebUIOmniboxPopup,"
			"WebUIOmniboxAimPopup,Translate",
			profile, "about:blank", NULL};
	const char *const environment[] = {home, keep, "WAYLAND_SOCKET=5", "LANG=C.UTF-8",
			"DBUS_SESSION_BUS_ADDRESS=disabled:", "DBUS_SYSTEM_BUS_ADDRESS=disabled:",
			getenv("RIG_WAYLAND_DEBUG") ? "WAYLAND_DEBUG=1" : NULL, NULL};
	const struct spawn_fd fds[] = {{in, 3}, {out, 4}, {wayland, 5}};
	struct spawn_options options = {.path = BROWSER_PATH,
			.argv = arguments,
			.envp = environment,
			.fds = fds,
			.fd_count = ARRAY_LENGTH(fds),
			.uid = BROWSER_USER,
			.gid = BROWSER_USER};
	struct error err = {0};
	if (spawn_process(&options, &rig->browser, &rig->browser_pidfd, &err) < 0) {
		test_fail(__FILE__, __LINE__, "%s", err.text);
	}
}

static void start_programs(struct rig *rig)
{
	struct error err = {0};
	int pacing[2], wayland[2], commands[2], replies[2], ring;
	CHECK_INT(fds_sealed_memory("ring", ring_size_bytes(), &ring, &err), 0);
	CHECK_INT(fds_socketpair(SOCK_SEQPACKET, pacing, &err), 0);
	CHECK_INT(fds_socketpair(SOCK_STREAM, wayland, &err), 0);
	CHECK_INT(pipe2(commands, O_CLOEXEC), 0);
	CHECK_INT(pipe2(replies, O_CLOEXEC), 0);
	rig->doorbell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	rig->pacing = pacing[0];
	start_compositor(rig, ring, pacing[1], wayland[0], commands[1], replies[0]);
	/* Chromium expects a blocking connection. */
	fcntl(wayland[1], F_SETFL, 0);
	start_browser(rig, wayland[1], commands[0], replies[1]);
	int code;
	/* The compositor writes the header when it starts. */
	for (int tries = 0; (code = ring_reader_init(&rig->ring, ring, &err)) < 0 && tries < 500;
			tries++) {
		usleep(10000);
	}
	CHECK_INT(code, 0);
	int done[] = {pacing[1], wayland[0], wayland[1], commands[0], commands[1], replies[0],
			replies[1], ring};
	for (size_t i = 0; i < ARRAY_LENGTH(done); i++) {
		close(done[i]);
	}
}

void rig_start(struct rig *rig, const struct rig_page *pages)
{
	if (access(BROWSER_PATH, X_OK) < 0 || geteuid() != 0) {
		test_skip("needs Chromium, and root to give it a user of its own");
	}
	signal(SIGPIPE, SIG_IGN);
	*rig = (struct rig){.pages = pages};
	strcpy(rig->profile, "/tmp/safeweb-rig-XXXXXX");
	CHECK(mkdtemp(rig->profile));
	CHECK_INT(chown(rig->profile, BROWSER_USER, BROWSER_USER), 0);
	make_listener(rig);
	start_programs(rig);
	RIG_SEND(rig, attached, .attached = 1);
	RIG_SEND(rig, hello, .version = WIRE_VERSION, .width = 800, .height = 600,
			.scale_120 = 120);
	RIG_WAIT(rig, rig_surface(rig, WIRE_ROLE_MAIN) && rig->frames > 0);
	RIG_WAIT(rig, rig_active_tab(rig));
}

void rig_stop(struct rig *rig)
{
	struct error err = {0};
	close(rig->pacing);
	/* The compositor ends when its encoder does, and Chromium when its display does. */
	int status = -1;
	CHECK_INT(waitpid(rig->compositor, &status, 0), rig->compositor);
	CHECK(WIFEXITED(status));
	CHECK_INT(WEXITSTATUS(status), 0);
	struct pollfd end = {rig->browser_pidfd, POLLIN, 0};
	if (poll(&end, 1, 10000) == 0) {
		kill(rig->browser, SIGKILL);
	}
	waitpid(rig->browser, NULL, 0);
	ring_reader_finish(&rig->ring);
	for (size_t i = 0; i < RIG_SURFACES; i++) {
		free(rig->surfaces[i].pixels);
	}
	close(rig->compositor_pidfd);
	close(rig->browser_pidfd);
	close(rig->doorbell);
	close(rig->listener);
	/* Chromium's helpers may still be writing as they go. */
	for (int tries = 0; fds_remove_tree(rig->profile, &err) < 0 && tries < 50; tries++) {
		usleep(100000);
	}
}

static void serve(struct rig *rig)
{
	char request[4096], path[256] = "";
	int client = accept4(rig->listener, NULL, NULL, SOCK_CLOEXEC);
	struct pollfd readable = {client, POLLIN, 0};
	/* A connection opened ahead of need says nothing for now. */
	ssize_t len = client >= 0 && poll(&readable, 1, 1000) > 0
			? read(client, request, sizeof(request) - 1)
			: -1;
	if (len > 0) {
		request[len] = '\0';
		sscanf(request, "GET %255[^ ]", path);
		const struct rig_page *page = rig->pages;
		while (page && page->path && strcmp(page->path, path) != 0) {
			page++;
		}
		bool is_found = page && page->path;
		dprintf(client,
				"HTTP/1.1 %s\r\nConnection: close\r\n%s"
				"Content-Length: %zu\r\n\r\n%s",
				is_found ? "200 OK" : "404 Not Found",
				is_found && page->headers
						? page->headers
						: "Content-Type: text/html; charset=utf-8\r\n",
				is_found ? strlen(page->body) : 0, is_found ? page->body : "");
	}
	if (client >= 0) {
		close(client);
	}
}

static struct rig_surface *find(struct rig *rig, uint32_t id, bool may_add)
{
	struct rig_surface *free_one = NULL;
	for (size_t i = 0; i < RIG_SURFACES; i++) {
		if (rig->surfaces[i].id == id) {
			return &rig->surfaces[i];
		}
		if (rig->surfaces[i].id == 0 && !free_one) {
			free_one = &rig->surfaces[i];
		}
	}
	if (!may_add || !free_one) {
		return NULL;
	}
	*free_one = (struct rig_surface){.id = id};
	return free_one;
}

static void take_frame(struct rig *rig, const struct ring_record *record)
{
	struct rig_surface *surface = find(rig, record->surface, false);
	const struct ring_frame *frame = &record->frame;
	if (!surface || frame->width != surface->place.width ||
			frame->height != surface->place.height) {
		rig->is_broken = true;
		return;
	}
	if (!surface->pixels || surface->width != frame->width ||
			surface->height != frame->height) {
		free(surface->pixels);
		surface->pixels = calloc((size_t)frame->width * frame->height, PIXEL_BYTES);
		surface->width = frame->width;
		surface->height = frame->height;
	}
	const uint8_t *from = rig->ring.arena + frame->arena_offset;
	for (uint32_t i = 0; i < frame->damage_count; i++) {
		const struct rect *rect = &frame->damage[i];
		size_t row = (size_t)rect->width * PIXEL_BYTES;
		for (int32_t y = 0; y < rect->height; y++) {
			size_t at = ((size_t)(rect->y + y) * frame->width + (size_t)rect->x) *
					PIXEL_BYTES;
			memcpy(surface->pixels + at, from, row);
			from += row;
		}
	}
	surface->frames++;
	surface->input_serial = frame->input_serial;
	rig->frames++;
	if (!rig->holds_frames) {
		RIG_SEND(rig, frame_done, .surface = record->surface);
	}
}

static void copy_text(char *to, size_t size, const struct ring_text *text, int which)
{
	const char *from = text->text + (which ? text->text_len[0] : 0);
	size_t len = text->text_len[which] < size - 1 ? text->text_len[which] : size - 1;
	memcpy(to, from, len);
	to[len] = '\0';
}

static void take_tab(struct rig *rig, const struct ring_text *text, bool is_gone)
{
	struct rig_tab *tab = NULL;
	for (size_t i = 0; i < RIG_TABS && (!tab || tab->id != text->id); i++) {
		if (rig->tabs[i].id == text->id || (!tab && rig->tabs[i].id == 0)) {
			tab = &rig->tabs[i];
		}
	}
	if (!tab) {
		return;
	}
	*tab = (struct rig_tab){0};
	if (!is_gone) {
		tab->id = text->id;
		tab->flags = text->flags;
		copy_text(tab->title, sizeof(tab->title), text, 0);
		copy_text(tab->address, sizeof(tab->address), text, 1);
	}
}

static void take_clipboard(struct rig *rig, const struct ring_text *text)
{
	size_t at = rig->clipboard_is_whole ? 0 : strlen(rig->clipboard);
	copy_text(rig->clipboard + at, sizeof(rig->clipboard) - at, text, 0);
	rig->clipboard_is_whole = text->flags == 0;
}

static void take_record(struct rig *rig, const struct ring_record *record)
{
	struct rig_surface *surface;
	switch ((enum ring_kind)record->kind) {
	case RING_SURFACE:
		surface = find(rig, record->surface, true);
		if (surface) {
			surface->place = record->place;
		}
		break;
	case RING_SURFACE_GONE:
		surface = find(rig, record->surface, false);
		if (surface) {
			free(surface->pixels);
			*surface = (struct rig_surface){0};
		}
		break;
	case RING_FRAME:
		take_frame(rig, record);
		break;
	case RING_CURSOR:
		rig->cursor = record->cursor;
		break;
	case RING_TAB:
	case RING_TAB_GONE:
		take_tab(rig, &record->text, record->kind == RING_TAB_GONE);
		break;
	case RING_CLIPBOARD:
		take_clipboard(rig, &record->text);
		break;
	case RING_DIALOG:
		rig->dialog = record->text.id;
		rig->dialog_kind = record->text.flags;
		copy_text(rig->dialog_text, sizeof(rig->dialog_text), &record->text, 0);
		break;
	case RING_DIALOG_GONE:
		rig->dialog = rig->dialog == record->text.id ? 0 : rig->dialog;
		break;
	case RING_NOTICE:
		rig->notice_code = record->text.flags;
		rig->notice_tab = record->text.tab;
		copy_text(rig->notice_detail, sizeof(rig->notice_detail), &record->text, 0);
		break;
	case RING_TEXT_FOCUS:
		rig->text_focus = record->text.flags;
		break;
	case RING_CONTEXT_MENU:
		break;
	}
}

static void take_records(struct rig *rig)
{
	struct ring_record record;
	uint32_t before = rig->ring.tail;
	int code;
	while ((code = ring_reader_next(&rig->ring, &record)) > 0) {
		take_record(rig, &record);
	}
	rig->is_broken = rig->is_broken || code < 0;
	if (rig->ring.tail != before) {
		RIG_SEND(rig, taken, .sequence = rig->ring.tail);
	}
}

void rig_pump(struct rig *rig, int timeout_ms)
{
	uint64_t until_ms = rig_now_ms() + (uint64_t)timeout_ms;
	uint64_t now_ms;
	do {
		struct pollfd fds[] = {{rig->doorbell, POLLIN, 0}, {rig->listener, POLLIN, 0},
				{rig->compositor_pidfd, POLLIN, 0}};
		now_ms = rig_now_ms();
		poll(fds, 3, until_ms > now_ms ? (int)(until_ms - now_ms) : 0);
		uint64_t count;
		if (fds[0].revents && read(rig->doorbell, &count, sizeof(count)) > 0) {
			take_records(rig);
		}
		if (fds[1].revents) {
			serve(rig);
		}
		if (fds[2].revents) {
			test_fail(__FILE__, __LINE__, "the compositor ended");
		}
	} while (rig_now_ms() < until_ms);
}

void rig_describe(struct rig *rig)
{
	for (size_t i = 0; i < RIG_SURFACES; i++) {
		const struct rig_surface *surface = &rig->surfaces[i];
		if (surface->id) {
			printf("# surface %u role %u parent %u at %d,%d picture %ux%u view %ux%u "
			       "order %u "
			       "visible %u frames %u\n",
					surface->id, surface->place.role, surface->place.parent,
					surface->place.x, surface->place.y, surface->place.width,
					surface->place.height, surface->place.view_width,
					surface->place.view_height, surface->place.order,
					surface->place.visible, surface->frames);
		}
	}
	for (size_t i = 0; i < RIG_TABS; i++) {
		if (rig->tabs[i].id) {
			printf("# tab %u flags %u title \"%s\" address \"%s\"\n", rig->tabs[i].id,
					rig->tabs[i].flags, rig->tabs[i].title,
					rig->tabs[i].address);
		}
	}
	printf("# cursor %u, frames %u, notice %u \"%s\", dialog %u, text focus %u, clipboard "
	       "\"%.40s\"%s\n",
			rig->cursor.shape, rig->frames, rig->notice_code, rig->notice_detail,
			rig->dialog, rig->text_focus, rig->clipboard,
			rig->is_broken ? ", ring broken" : "");
	fflush(stdout);
}

void rig_send(struct rig *rig, const uint8_t *bytes, long len)
{
	CHECK(len > 0);
	for (int tries = 0; tries < 200; tries++) {
		int code = fds_send(rig->pacing, bytes, (size_t)len, NULL, 0);
		if (code == 0) {
			return;
		}
		CHECK_INT(code, -EAGAIN);
		usleep(10000);
	}
	test_fail(__FILE__, __LINE__, "the compositor does not read");
}

struct rig_surface *rig_surface(struct rig *rig, uint32_t role)
{
	struct rig_surface *found = NULL;
	for (size_t i = 0; i < RIG_SURFACES; i++) {
		struct rig_surface *surface = &rig->surfaces[i];
		if (surface->id && surface->place.role == role && surface->place.visible &&
				surface->pixels && (!found || surface->id > found->id)) {
			found = surface;
		}
	}
	return found;
}

struct rig_tab *rig_active_tab(struct rig *rig)
{
	for (size_t i = 0; i < RIG_TABS; i++) {
		if (rig->tabs[i].id && rig->tabs[i].flags & WIRE_TAB_ACTIVE) {
			return &rig->tabs[i];
		}
	}
	return NULL;
}

uint32_t rig_tab_flags(struct rig *rig)
{
	const struct rig_tab *tab = rig_active_tab(rig);
	return tab ? tab->flags : 0;
}

uint32_t rig_tab_id(struct rig *rig)
{
	const struct rig_tab *tab = rig_active_tab(rig);
	return tab ? tab->id : 0;
}

bool rig_title_is(struct rig *rig, const char *title)
{
	const struct rig_tab *tab = rig_active_tab(rig);
	return tab && strcmp(tab->title, title) == 0;
}

void rig_open(struct rig *rig, const char *path, const char *title)
{
	char address[256];
	snprintf(address, sizeof(address), "http://127.0.0.1:%u%s", rig->port, path);
	RIG_SEND(rig, navigate, .tab = rig_tab_id(rig), .address = wire_string_from(address));
	RIG_WAIT(rig, rig_title_is(rig, title));
	RIG_WAIT(rig, !(rig_tab_flags(rig) & WIRE_TAB_LOADING));
	rig_pump(rig, 300);
}

void rig_point(struct rig *rig, uint32_t surface, int32_t x, int32_t y)
{
	RIG_SEND(rig, pointer_motion, .serial = ++rig->serial, .surface = surface, .x = x * 256,
			.y = y * 256);
}

void rig_click(struct rig *rig, uint32_t surface, int32_t x, int32_t y)
{
	rig_point(rig, surface, x, y);
	RIG_SEND(rig, pointer_button, .serial = ++rig->serial, .button = 0x110, .pressed = 1);
	rig_pump(rig, 30);
	RIG_SEND(rig, pointer_button, .serial = ++rig->serial, .button = 0x110, .pressed = 0);
}

void rig_key(struct rig *rig, uint16_t code, uint8_t modifiers, uint32_t codepoint)
{
	RIG_SEND(rig, key, .serial = ++rig->serial, .code = code, .pressed = 1,
			.modifiers = modifiers, .codepoint = codepoint);
	RIG_SEND(rig, key, .serial = ++rig->serial, .code = code, .pressed = 0,
			.modifiers = modifiers, .codepoint = codepoint);
}
