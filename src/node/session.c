#include "node/session.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fds.h"
#include "base/log.h"
#include "node/session_parts.h"

#define TOKEN_BYTES (SESSION_TOKEN_CHARS / 2)
#define ID_RANDOM_BYTES 12
/* A killed process that no descriptor tells of is looked for this often, until it is overdue. */
#define EMPTY_RETRY_MS 10
#define OVERDUE_RETRY_MS 1000

static void check_gone(struct session *session);
static void kill_everything(struct session *session);

static int random_hex(char *to, size_t byte_count, struct error *err)
{
	uint8_t bytes[TOKEN_BYTES];
	assert(byte_count <= sizeof(bytes));
	if (getrandom(bytes, byte_count, 0) != (ssize_t)byte_count) {
		return error_set_errno(err, "cannot get random bytes");
	}
	for (size_t i = 0; i < byte_count; i++) {
		snprintf(to + 2 * i, 3, "%02x", bytes[i]);
	}
	explicit_bzero(bytes, sizeof(bytes));
	return 0;
}

static void close_source(struct loop_source *source, int *fd)
{
	loop_source_remove(source);
	cleanup_close(fd);
}

/* The last two steps are the only ones at which something of the session may still be alive. */
static void finish(struct session *session)
{
	loop_timer_disarm(&session->timer);
	loop_source_remove(&session->runtime_source);
	loop_source_remove(&session->browser_source);
	container_destroy(steal_ptr(session->container));
	close_source(&session->seat_source, &session->seat_fd);
	egress_remove(session->host->egress, &session->egress);
	cleanup_close(&session->listen_fd);
	cleanup_close(&session->netns_fd);
	explicit_bzero(session->token, sizeof(session->token));
}

static void wait_for_program(struct session_program *program)
{
	loop_source_remove(&program->source);
	if (program->pid > 0) {
		kill(program->pid, SIGKILL);
		while (waitpid(program->pid, NULL, 0) < 0 && errno == EINTR) {
		}
	}
	program->pid = 0;
	cleanup_close(&program->pidfd);
}

void session_end(struct session *session, enum wire_reason reason, const char *why)
{
	if (session->stage == SESSION_ENDING) {
		return;
	}
	bool is_attached = session->stage == SESSION_CLAIMED && session->lease.is_attached;
	session->stage = SESSION_ENDING;
	session->reason = reason;
	snprintf(session->why, sizeof(session->why), "%s", why);
	log_info("session %s ends: %s", session->id, why);
	struct wire_seat_end end = {.reason = (uint16_t)reason};
	uint8_t bytes[WIRE_SEAT_END_MAX_BYTES];
	long len = wire_seat_end_encode(&end, bytes, sizeof(bytes));
	if (is_attached && session->encoder.pid > 0 &&
			fds_send(session->seat_fd, bytes, (size_t)len, NULL, 0) == 0) {
		loop_timer_arm(&session->timer, SESSION_BYE_MS);
		return;
	}
	kill_everything(session);
}

static void kill_program(const struct session_program *program)
{
	if (program->pidfd >= 0) {
		syscall(SYS_pidfd_send_signal, program->pidfd, SIGKILL, NULL, 0);
	}
}

static void kill_everything(struct session *session)
{
	struct error err = {0};
	if (!session->is_killed) {
		session->is_killed = true;
		session->killed_ms = clock_now_ms();
	}
	loop_timer_arm(&session->timer, SESSION_KILL_TIMEOUT_MS);
	kill_program(&session->compositor);
	kill_program(&session->encoder);
	if (session->container && container_kill(session->container, &err) < 0) {
		log_error("session %s: %s", session->id, err.text);
	}
	check_gone(session);
}

static void check_gone(struct session *session)
{
	if (!session->is_killed || session->compositor.pid || session->encoder.pid ||
			session->is_runtime_running || session->is_browser_running) {
		return;
	}
	if (session->container && !cgroup_is_empty(container_cgroup(session->container))) {
		/* A process that the browser's own end has not waited for yet, or forked past the
		 * kill. */
		bool is_overdue = clock_now_ms() - session->killed_ms > SESSION_KILL_TIMEOUT_MS;
		loop_timer_arm(&session->timer, is_overdue ? OVERDUE_RETRY_MS : EMPTY_RETRY_MS);
		return;
	}
	finish(session);
	session->host->gone(session);
}

static void handle_lease_end(struct session *session)
{
	enum wire_reason reason;
	uint64_t end = lease_end_ms(&session->lease, &reason);
	uint64_t now = clock_now_ms();
	if (now < end) {
		/* There was input since the timer was set. */
		loop_timer_arm(&session->timer, end - now);
		return;
	}
	const char *why = reason == WIRE_REASON_IDLE
			? "its user has done nothing for the idle timeout"
			: reason == WIRE_REASON_DISCONNECTED
			? "its user did not come back within the disconnected timeout"
			: "it has reached the session timeout";
	session_end(session, reason, why);
}

static void handle_timer(struct loop_timer *timer)
{
	struct session *session = timer->data;
	switch (session->stage) {
	case SESSION_STARTING:
		session_end(session, WIRE_REASON_FAILED,
				session->is_runtime_running
						? "the container runtime did not start the browser "
						  "within 20 s"
						: "safeweb-encoder did not report the browser's "
						  "first "
						  "picture within 20 s");
		break;
	case SESSION_WARM:
		break;
	case SESSION_CLAIMED:
		handle_lease_end(session);
		break;
	case SESSION_ENDING:
		if (session->is_killed &&
				clock_now_ms() - session->killed_ms > SESSION_KILL_TIMEOUT_MS) {
			log_error("session %s does not die: killing it again", session->id);
		}
		kill_everything(session);
		break;
	}
}

static void arm_lease(struct session *session)
{
	enum wire_reason reason;
	uint64_t end = lease_end_ms(&session->lease, &reason);
	uint64_t now = clock_now_ms();
	loop_timer_arm(&session->timer, end > now ? end - now : 0);
}

/* The picture may be there before the runtime has said that it is done. */
static void become_warm(struct session *session)
{
	struct error err = {0};
	if (session->stage != SESSION_STARTING || !session->has_picture ||
			!session->is_browser_running) {
		return;
	}
	if (container_verify_sandbox(session->container, &err) < 0) {
		char why[ERROR_TEXT_BYTES];
		snprintf(why, sizeof(why), "its sandbox is not on: %.400s", err.text);
		session_end(session, WIRE_REASON_FAILED, why);
		return;
	}
	session->stage = SESSION_WARM;
	session->was_warm = true;
	loop_timer_disarm(&session->timer);
	log_info("session %s is ready after %llu ms", session->id,
			(unsigned long long)(clock_now_ms() - session->created_ms));
	session->host->ready(session);
}

static int take_seat_message(struct session *session, const uint8_t *bytes, size_t len)
{
	struct wire_seat_attached attached;
	if (wire_seat_report_check(bytes, len) < 0) {
		return -EBADMSG;
	}
	if (session->stage == SESSION_ENDING) {
		return 0;
	}
	if (bytes[0] == WIRE_SEAT_READY) {
		session->has_picture = true;
		become_warm(session);
	} else if (session->stage == SESSION_CLAIMED) {
		if (wire_seat_attached_decode(bytes, len, &attached) == 0) {
			lease_note_attached(
					&session->lease, attached.attached != 0, clock_now_ms());
			arm_lease(session);
		} else if (bytes[0] == WIRE_SEAT_INPUT) {
			lease_note_input(&session->lease, clock_now_ms());
		}
	}
	return 0;
}

/* How a program has ended, when it has. It stays to be waited for. */
static bool has_ended(const struct session_program *program, siginfo_t *ret_info)
{
	*ret_info = (siginfo_t){0};
	return program->pid > 0 &&
			waitid(P_PID, (id_t)program->pid, ret_info, WEXITED | WNOHANG | WNOWAIT) ==
			0 &&
			ret_info->si_pid > 0;
}

static void fail_with(struct session *session, const struct session_program *program,
		const siginfo_t *info)
{
	char why[128];
	snprintf(why, sizeof(why), "%s ended (%s %d)", program->name,
			info->si_code == CLD_EXITED ? "status" : "signal", info->si_status);
	session_end(session, WIRE_REASON_FAILED, why);
}

/* A program of ours is gone or does not keep to the protocol. The events of one cause come in any
 * order, so the cause is looked for: the browser's end makes the compositor end with status 0, and
 * the compositor's end makes the encoder end. */
static void fail(struct session *session, const char *otherwise)
{
	siginfo_t info;
	if (has_ended(&session->compositor, &info)) {
		if (info.si_code == CLD_EXITED && info.si_status == 0 &&
				session->stage != SESSION_STARTING) {
			session_end(session, WIRE_REASON_BROWSER_EXITED, "its browser ended");
		} else {
			fail_with(session, &session->compositor, &info);
		}
	} else if (has_ended(&session->encoder, &info)) {
		fail_with(session, &session->encoder, &info);
	} else {
		session_end(session, WIRE_REASON_FAILED, otherwise);
	}
}

static void handle_seat(struct loop_source *source, uint32_t events)
{
	struct session *session = source->data;
	uint8_t bytes[WIRE_SHORT_MAX_BYTES];
	ssize_t len = recv(session->seat_fd, bytes, sizeof(bytes), 0);
	if (len < 0 && (errno == EAGAIN || errno == EINTR)) {
		if (events & (EPOLLHUP | EPOLLERR)) {
			loop_source_remove(&session->seat_source);
		}
		return;
	}
	if (len <= 0) {
		loop_source_remove(&session->seat_source);
		fail(session, "safeweb-encoder closed its seat");
		return;
	}
	if (take_seat_message(session, bytes, (size_t)len) < 0) {
		session_end(session, WIRE_REASON_FAILED,
				"safeweb-encoder sent what the protocol does not have");
	}
}

static void handle_program_exit(struct loop_source *source, uint32_t events)
{
	(void)events;
	struct session_program *program = source->data;
	struct session *session = program->session;
	/* Early, while what has ended can still be asked how. */
	if (session->stage != SESSION_ENDING) {
		fail(session, "a program of the session ended");
	}
	while (waitpid(program->pid, NULL, 0) < 0 && errno == EINTR) {
	}
	program->pid = 0;
	close_source(&program->source, &program->pidfd);
	if (!session->is_killed && program == &session->encoder) {
		kill_everything(session); /* bye has been said */
	} else {
		check_gone(session);
	}
}

static void handle_browser_exit(struct loop_source *source, uint32_t events)
{
	(void)events;
	struct session *session = source->data;
	loop_source_remove(&session->browser_source);
	session->is_browser_running = false;
	if (session->stage == SESSION_ENDING) {
		check_gone(session);
		return;
	}
	session_end(session, WIRE_REASON_BROWSER_EXITED, "its browser ended");
}

static void handle_runtime_exit(struct loop_source *source, uint32_t events)
{
	(void)events;
	struct session *session = source->data;
	struct error err = {0};
	loop_source_remove(&session->runtime_source);
	session->is_runtime_running = false;
	cleanup_close(&session->netns_fd);
	int code = container_finish_start(session->container, 0, &err);
	if (code == 0) {
		session->is_browser_running = true;
		code = loop_source_add(session->host->loop, &session->browser_source,
				container_pidfd(session->container), EPOLLIN, handle_browser_exit,
				session);
	}
	if (session->stage == SESSION_ENDING) {
		check_gone(session);
	} else if (code < 0) {
		session_end(session, WIRE_REASON_FAILED,
				err.code ? err.text : "its browser cannot be watched");
	} else {
		become_warm(session);
	}
}

static int watch(struct session *session, struct error *err)
{
	struct loop *loop = session->host->loop;
	int code = loop_source_add(loop, &session->runtime_source,
			container_runtime_pidfd(session->container), EPOLLIN, handle_runtime_exit,
			session);
	if (code == 0) {
		session->is_runtime_running = true;
		code = loop_source_add(loop, &session->seat_source, session->seat_fd, EPOLLIN,
				handle_seat, session);
	}
	struct session_program *const programs[] = {&session->compositor, &session->encoder};
	for (size_t i = 0; code == 0 && i < ARRAY_LENGTH(programs); i++) {
		code = loop_source_add(loop, &programs[i]->source, programs[i]->pidfd, EPOLLIN,
				handle_program_exit, programs[i]);
	}
	return code < 0 ? error_set(err, code, "cannot watch the session's processes") : 0;
}

static void undo(struct session *session)
{
	wait_for_program(&session->compositor);
	wait_for_program(&session->encoder);
	finish(session);
	session_destroy(session);
}

int session_create(const struct session_host *host, unsigned slot, const char *rootfs,
		struct session **ret_session, struct error *err)
{
	struct session *session = calloc(1, sizeof(*session));
	if (!session) {
		return error_set(err, -ENOMEM, "no memory for a session");
	}
	*session = (struct session){
			.host = host,
			.slot = slot,
			.compositor = {.name = "safeweb-compositor",
					.pidfd = -1,
					.session = session},
			.encoder = {.name = "safeweb-encoder", .pidfd = -1, .session = session},
			.seat_fd = -1,
			.listen_fd = -1,
			.netns_fd = -1,
			.created_ms = clock_now_ms(),
			.started_at = (uint64_t)time(NULL),
			.egress = {.session = session->id, .listen_fd = -1},
	};
	loop_timer_init(host->loop, &session->timer, handle_timer, session);
	memcpy(session->id, host->place->prefix, PLACE_PREFIX_CHARS);
	int code = random_hex(session->id + PLACE_PREFIX_CHARS, ID_RANDOM_BYTES, err);
	if (code == 0) {
		code = session_parts_start(session, rootfs, err);
	}
	if (code == 0) {
		code = watch(session, err);
	}
	if (code < 0) {
		undo(session);
		return code;
	}
	session->egress.listen_fd = session->listen_fd;
	egress_add(host->egress, &session->egress);
	loop_timer_arm(&session->timer, SESSION_START_TIMEOUT_MS);
	*ret_session = session;
	return 0;
}

void session_destroy(struct session *session)
{
	free(session);
}

int session_claim(struct session *session, struct error *err)
{
	assert(session->stage == SESSION_WARM);
	const struct settings *settings = session->host->settings;
	const struct lease_limits limits = {
			.disconnected_ms = settings_number(settings, SETTING_DISCONNECTED_TIMEOUT) *
					1000,
			.idle_ms = settings_number(settings, SETTING_IDLE_TIMEOUT) * 1000,
			.session_ms = settings_number(settings, SETTING_SESSION_TIMEOUT) * 1000,
	};
	int code = random_hex(session->token, TOKEN_BYTES, err);
	if (code < 0) {
		return code;
	}
	session->stage = SESSION_CLAIMED;
	session->was_claimed = true;
	session->started_at = (uint64_t)time(NULL);
	lease_begin(&session->lease, &limits, clock_now_ms());
	arm_lease(session);
	log_info("audit: session %s is given to a user", session->id);
	return 0;
}

/* In the same time whatever the difference is. */
bool session_token_is(const struct session *session, const char *token)
{
	unsigned char difference = 0;
	if (session->stage != SESSION_CLAIMED || strlen(token) != SESSION_TOKEN_CHARS) {
		return false;
	}
	for (size_t i = 0; i < SESSION_TOKEN_CHARS; i++) {
		difference |= (unsigned char)(session->token[i] ^ token[i]);
	}
	return difference == 0;
}

int session_attach(struct session *session, int client_fd)
{
	assert(session->stage == SESSION_CLAIMED);
	const struct wire_seat_client message = {0};
	uint8_t bytes[WIRE_SEAT_CLIENT_MAX_BYTES];
	long len = wire_seat_client_encode(&message, bytes, sizeof(bytes));
	int code = fds_send(session->seat_fd, bytes, (size_t)len, &client_fd, 1);
	if (code == 0) {
		lease_note_contact(&session->lease, clock_now_ms());
		arm_lease(session);
	}
	return code;
}

enum wire_session_state session_state(const struct session *session)
{
	switch (session->stage) {
	case SESSION_STARTING:
		return WIRE_SESSION_STARTING;
	case SESSION_WARM:
		return WIRE_SESSION_WARM;
	case SESSION_CLAIMED:
		return session->lease.is_attached ? WIRE_SESSION_ATTACHED
						  : WIRE_SESSION_DISCONNECTED;
	case SESSION_ENDING:
		break;
	}
	return WIRE_SESSION_ENDING;
}
