#include "node/session_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fds.h"
#include "base/spawn.h"
#include "container/netns.h"
#include "frame/ring.h"
#include "node/slots.h"

/* First size of the page; the client's own follows when it attaches. */
#define WINDOW_WIDTH 1280
#define WINDOW_HEIGHT 800

/* Everything that has two ends, and the ring. All closed when the session's processes have theirs.
 */
struct channels {
	int ring;
	int ring_readonly;
	int doorbell;
	int pacing_compositor;
	int pacing_encoder;
	int seat_encoder;
	int wayland_compositor;
	int wayland_browser;
	int commands_compositor; /* CDP: the compositor writes */
	int commands_browser;
	int answers_compositor; /* CDP: the browser writes */
	int answers_browser;
};

static void close_channels(struct channels *channels)
{
	int *const all[] = {&channels->ring, &channels->ring_readonly, &channels->doorbell,
			&channels->pacing_compositor, &channels->pacing_encoder,
			&channels->seat_encoder, &channels->wayland_compositor,
			&channels->wayland_browser, &channels->commands_compositor,
			&channels->commands_browser, &channels->answers_compositor,
			&channels->answers_browser};
	for (size_t i = 0; i < ARRAY_LENGTH(all); i++) {
		cleanup_close(all[i]);
	}
}

static int open_ring(struct channels *channels, struct error *err)
{
	int code = fds_sealed_memory("safeweb-ring", ring_size_bytes(), &channels->ring, err);
	if (code == 0) {
		code = fds_reopen_readonly(channels->ring, &channels->ring_readonly, err);
	}
	if (code < 0) {
		return code;
	}
	channels->doorbell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return channels->doorbell < 0 ? error_set_errno(err, "cannot make a doorbell") : 0;
}

/* One way only: the encoder never reads from it, and takes anything to read for the compositor's
 * end. (Shut down in that direction it would be readable from the start.) */
static int open_pacing(struct channels *channels, struct error *err)
{
	int pair[2];
	int code = fds_socketpair(SOCK_SEQPACKET, pair, err);
	if (code == 0) {
		channels->pacing_compositor = pair[0];
		channels->pacing_encoder = pair[1];
	}
	return code;
}

static int open_seat(struct session *session, struct channels *channels, struct error *err)
{
	int pair[2];
	int code = fds_socketpair(SOCK_SEQPACKET, pair, err);
	if (code == 0) {
		session->seat_fd = pair[0];
		channels->seat_encoder = pair[1];
	}
	return code;
}

static int open_wayland(struct channels *channels, struct error *err)
{
	int pair[2];
	int code = fds_socketpair(SOCK_STREAM, pair, err);
	if (code == 0) {
		channels->wayland_compositor = pair[0];
		channels->wayland_browser = pair[1];
	}
	return code;
}

/* Chromium's own ends block, as it expects of its debugging pipe. */
static int open_cdp(struct channels *channels, struct error *err)
{
	int commands[2];
	int answers[2];
	if (pipe2(commands, O_CLOEXEC) < 0) {
		return error_set_errno(err, "cannot make the debugging pipe");
	}
	channels->commands_browser = commands[0];
	channels->commands_compositor = commands[1];
	if (pipe2(answers, O_CLOEXEC) < 0) {
		return error_set_errno(err, "cannot make the debugging pipe");
	}
	channels->answers_compositor = answers[0];
	channels->answers_browser = answers[1];
	int code = fds_set_nonblocking(channels->commands_compositor);
	code = code < 0 ? code : fds_set_nonblocking(channels->answers_compositor);
	return code < 0 ? error_set(err, code, "cannot make the debugging pipe") : 0;
}

static int open_channels(struct session *session, struct channels *channels, struct error *err)
{
	int code = netns_create(&session->netns_fd, err);
	if (code == 0) {
		code = netns_listen(
				session->netns_fd, SESSION_PROXY_PORT, &session->listen_fd, err);
	}
	if (code == 0) {
		code = open_ring(channels, err);
	}
	if (code == 0) {
		code = open_pacing(channels, err);
	}
	if (code == 0) {
		code = open_seat(session, channels, err);
	}
	if (code == 0) {
		code = open_wayland(channels, err);
	}
	return code == 0 ? open_cdp(channels, err) : code;
}

static int start_container(struct session *session, const struct channels *channels,
		const char *rootfs, struct error *err)
{
	const struct settings *settings = session->host->settings;
	const char *extra_ca = settings_text(settings, SETTING_BROWSER_CA);
	struct container_spec spec = {
			.id = session->id,
			.rootfs = rootfs,
			.runtime = settings_text(settings, SETTING_RUNTIME),
			.state_dir = session->host->place->sessions,
			.uid_base = slot_container_uid(session->slot),
			.netns_fd = session->netns_fd,
			.wayland_fd = channels->wayland_browser,
			.cdp_in_fd = channels->commands_browser,
			.cdp_out_fd = channels->answers_browser,
			.log_fd = -1,
			.window_width = WINDOW_WIDTH,
			.window_height = WINDOW_HEIGHT,
			.proxy_port = SESSION_PROXY_PORT,
			.extra_ca_pem = *extra_ca ? extra_ca : NULL,
	};
	container_limits_default(&spec.limits);
	spec.limits.memory_bytes = settings_number(settings, SETTING_SESSION_MEMORY) << 20;
	spec.limits.pids = (uint32_t)settings_number(settings, SETTING_SESSION_PIDS);
	spec.limits.cpu_percent = (uint32_t)settings_number(settings, SETTING_SESSION_CPU);
	return container_start(&spec, &session->container, err);
}

/* Compositor or encoder: root only until they have entered the sandbox of their own user. */
static int start_program(struct session_program *program, uid_t uid, const struct spawn_fd *fds,
		size_t fd_count, struct error *err)
{
	const struct session *session = program->session;
	CLEANUP_FREE char *path = NULL;
	if (asprintf(&path, "%s/%s", session->host->libexec, program->name) < 0) {
		path = NULL;
		return error_set(err, -ENOMEM, "no memory to start %s", program->name);
	}
	char uid_text[16];
	snprintf(uid_text, sizeof(uid_text), "%u", (unsigned)uid);
	const char *const argv[] = {program->name, "--uid", uid_text, "--gid", uid_text, "--root",
			session->host->place->empty, NULL};
	char level[32];
	snprintf(level, sizeof(level), "SAFEWEB_LOG=%.16s",
			getenv("SAFEWEB_LOG") ? getenv("SAFEWEB_LOG") : "info");
	const char *const environment[] = {level, NULL};
	const struct spawn_options options = {
			.path = path,
			.argv = argv,
			.envp = environment,
			.fds = fds,
			.fd_count = fd_count,
			.unshare_flags = CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWNS | CLONE_NEWUTS,
			.cgroup_procs = cgroup_procs_paths(
					container_cgroup(session->container), CGROUP_DISPLAY),
	};
	int code = spawn_process(&options, &program->pid, &program->pidfd, err);
	if (code < 0) {
		program->pid = 0;
		program->pidfd = -1;
	}
	return code;
}

static int start_compositor(
		struct session *session, const struct channels *channels, struct error *err)
{
	const struct spawn_fd fds[] = {
			{STDERR_FILENO, STDOUT_FILENO},
			{channels->ring, COMPOSITOR_FD_RING},
			{channels->doorbell, COMPOSITOR_FD_DOORBELL},
			{channels->pacing_compositor, COMPOSITOR_FD_PACING},
			{channels->wayland_compositor, COMPOSITOR_FD_WAYLAND},
			{channels->commands_compositor, COMPOSITOR_FD_CDP_OUT},
			{channels->answers_compositor, COMPOSITOR_FD_CDP_IN},
	};
	return start_program(&session->compositor, slot_compositor_uid(session->slot), fds,
			ARRAY_LENGTH(fds), err);
}

static int start_encoder(
		struct session *session, const struct channels *channels, struct error *err)
{
	const struct spawn_fd fds[] = {
			{STDERR_FILENO, STDOUT_FILENO},
			{channels->ring_readonly, ENCODER_FD_RING},
			{channels->doorbell, ENCODER_FD_DOORBELL},
			{channels->pacing_encoder, ENCODER_FD_PACING},
			{channels->seat_encoder, ENCODER_FD_SEAT},
	};
	return start_program(&session->encoder, slot_encoder_uid(session->slot), fds,
			ARRAY_LENGTH(fds), err);
}

int session_parts_start(struct session *session, const char *rootfs, struct error *err)
{
	struct channels channels = {-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1};
	int code = open_channels(session, &channels, err);
	/* The container first, because its cgroup takes the other two in. */
	if (code == 0) {
		code = start_container(session, &channels, rootfs, err);
	}
	if (code == 0) {
		code = start_compositor(session, &channels, err);
	}
	if (code == 0) {
		code = start_encoder(session, &channels, err);
	}
	close_channels(&channels);
	return code;
}
