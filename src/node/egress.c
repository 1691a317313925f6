#include "node/egress.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fds.h"
#include "base/log.h"
#include "base/spawn.h"

#define BACKOFF_FIRST_MS 100u
#define BACKOFF_MAX_MS 10000u
/* One that ran this long is started again at once. */
#define BACKOFF_FORGIVE_MS 30000u

static void start_program(struct egress *egress);

static void close_source(struct loop_source *source, int *fd)
{
	if (*fd >= 0) {
		loop_source_remove(source);
		cleanup_close(fd);
	}
}

/* The program is gone or going: nobody has the sockets any more. */
static void forget_program(struct egress *egress)
{
	close_source(&egress->control_source, &egress->control_fd);
	for (struct egress_entry *entry = egress->entries; entry; entry = entry->next) {
		entry->is_sent = false;
	}
}

static void start_later(struct egress *egress)
{
	bool is_old = clock_now_ms() - egress->started_ms >= BACKOFF_FORGIVE_MS;
	uint32_t wait = is_old ? 0 : egress->backoff_ms;
	egress->backoff_ms = is_old || wait == 0 ? BACKOFF_FIRST_MS : wait * 2;
	if (egress->backoff_ms > BACKOFF_MAX_MS) {
		egress->backoff_ms = BACKOFF_MAX_MS;
	}
	loop_timer_arm(&egress->restart, wait);
}

static void handle_exit(struct loop_source *source, uint32_t events)
{
	(void)events;
	struct egress *egress = source->data;
	int status = 0;
	while (waitpid(egress->pid, &status, 0) < 0 && errno == EINTR) {
	}
	log_error("safeweb-egress ended (%s %d); starting it again",
			WIFSIGNALED(status) ? "signal" : "status",
			WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	egress->pid = 0;
	close_source(&egress->exit_source, &egress->pidfd);
	forget_program(egress);
	start_later(egress);
}

/* A proxy that does not take or send what the protocol has is replaced: its exit does the rest. */
static void give_up_program(struct egress *egress, const char *why)
{
	log_error("safeweb-egress %s: replacing it", why);
	forget_program(egress);
	if (egress->pid > 0) {
		kill(egress->pid, SIGKILL);
	}
}

static int send_entry(struct egress *egress, const struct egress_entry *entry)
{
	struct wire_egress_add add = {.session = wire_string_from(entry->session)};
	uint8_t bytes[WIRE_EGRESS_ADD_MAX_BYTES];
	long len = wire_egress_add_encode(&add, bytes, sizeof(bytes));
	return len < 0 ? (int)len
		       : fds_send(egress->control_fd, bytes, (size_t)len, &entry->listen_fd, 1);
}

/* Sends what the proxy does not have yet, as far as its socket takes it. */
static void send_entries(struct egress *egress)
{
	bool is_full = false;
	for (struct egress_entry *entry = egress->entries; entry && egress->control_fd >= 0;
			entry = entry->next) {
		if (entry->is_sent) {
			continue;
		}
		int code = send_entry(egress, entry);
		if (code == -EAGAIN) {
			is_full = true;
			break;
		}
		if (code < 0) {
			give_up_program(egress, "does not take a session");
			return;
		}
		entry->is_sent = true;
	}
	if (egress->control_fd >= 0) {
		loop_source_update(&egress->control_source, is_full ? EPOLLIN | EPOLLOUT : EPOLLIN);
	}
}

static void take_usage(const struct wire_egress_usage *usage)
{
	char session[WIRE_EGRESS_USAGE_SESSION_MAX_BYTES + 1];
	wire_string_copy(usage->session, session, sizeof(session));
	log_info("audit: session %s sent %llu and received %llu bytes over %u connections; %u "
		 "refused",
			session, (unsigned long long)usage->bytes_up,
			(unsigned long long)usage->bytes_down, usage->connections, usage->refusals);
}

static int take_report(struct egress *egress, const uint8_t *bytes, size_t len)
{
	struct wire_egress_notice notice;
	struct wire_egress_usage usage;
	if (wire_egress_notice_decode(bytes, len, &notice) == 0) {
		egress->handler.notice(egress->handler.data, &notice);
		return 0;
	}
	if (wire_egress_usage_decode(bytes, len, &usage) == 0) {
		take_usage(&usage);
		return 0;
	}
	return -EBADMSG;
}

static void handle_control(struct loop_source *source, uint32_t events)
{
	struct egress *egress = source->data;
	if (events & EPOLLIN) {
		uint8_t bytes[WIRE_SHORT_MAX_BYTES];
		ssize_t len = recv(egress->control_fd, bytes, sizeof(bytes), MSG_TRUNC);
		if (len < 0 && (errno == EAGAIN || errno == EINTR)) {
			return;
		}
		if (len <= 0) {
			give_up_program(egress, "closed its control socket");
			return;
		}
		if ((size_t)len > sizeof(bytes) || take_report(egress, bytes, (size_t)len) < 0) {
			give_up_program(egress, "sent what the protocol does not have");
			return;
		}
	} else if (events & (EPOLLHUP | EPOLLERR)) {
		give_up_program(egress, "closed its control socket");
		return;
	}
	if (events & EPOLLOUT) {
		send_entries(egress);
	}
}

static int spawn_program(struct egress *egress, struct error *err)
{
	int pair[2];
	int code = fds_socketpair(SOCK_SEQPACKET, pair, err);
	if (code < 0) {
		return code;
	}
	CLEANUP_CLOSE int ours = pair[0];
	CLEANUP_CLOSE int theirs = pair[1];
	const char *const argv[] = {"safeweb-egress", "--uid", EGRESS_UID_TEXT, "--gid",
			EGRESS_UID_TEXT, "--root", egress->empty, NULL};
	/* 1 is not ours to give: `ready` is read there. */
	const struct spawn_fd fds[] = {{theirs, EGRESS_FD_CONTROL}, {STDERR_FILENO, STDOUT_FILENO}};
	const struct spawn_options options = {
			.path = egress->path,
			.argv = argv,
			.envp = (const char *const *)egress->environment,
			.fds = fds,
			.fd_count = ARRAY_LENGTH(fds),
	};
	code = spawn_process(&options, &egress->pid, &egress->pidfd, err);
	if (code < 0) {
		egress->pid = 0;
		return code;
	}
	egress->started_ms = clock_now_ms();
	loop_source_add(egress->loop, &egress->exit_source, egress->pidfd, EPOLLIN, handle_exit,
			egress);
	egress->control_fd = steal_fd(&ours);
	loop_source_add(egress->loop, &egress->control_source, egress->control_fd, EPOLLIN,
			handle_control, egress);
	return 0;
}

static void start_program(struct egress *egress)
{
	struct error err = {0};
	if (spawn_program(egress, &err) < 0) {
		log_error("%s", err.text);
		start_later(egress);
		return;
	}
	send_entries(egress);
}

static void handle_restart(struct loop_timer *timer)
{
	start_program(timer->data);
}

/* The proxy must not look for the configuration: what is in it has been read already. */
static int make_environment(
		struct egress *egress, const struct settings *settings, const char *empty_folder)
{
	egress->environment = settings_environment(settings, false);
	for (char **entry = egress->environment; entry && *entry; entry++) {
		if (strncmp(*entry, "SAFEWEB_STATE=", strlen("SAFEWEB_STATE=")) == 0) {
			free(*entry);
			if (asprintf(entry, "SAFEWEB_STATE=%s", empty_folder) < 0) {
				*entry = NULL;
				return -ENOMEM;
			}
		}
	}
	return egress->environment ? 0 : -ENOMEM;
}

int egress_start(struct egress *egress, struct loop *loop, const char *libexec,
		const struct settings *settings, const char *empty_folder,
		const struct egress_handler *handler, struct error *err)
{
	*egress = (struct egress){
			.loop = loop,
			.handler = *handler,
			.empty = empty_folder,
			.pidfd = -1,
			.control_fd = -1,
			.backoff_ms = BACKOFF_FIRST_MS,
	};
	loop_timer_init(loop, &egress->restart, handle_restart, egress);
	if (asprintf(&egress->path, "%s/safeweb-egress", libexec) < 0) {
		egress->path = NULL;
		return error_set(err, -ENOMEM, "no memory for the egress proxy");
	}
	if (make_environment(egress, settings, empty_folder) < 0) {
		return error_set(err, -ENOMEM, "no memory for the egress proxy");
	}
	return spawn_program(egress, err);
}

void egress_add(struct egress *egress, struct egress_entry *entry)
{
	entry->is_added = true;
	entry->is_sent = false;
	entry->previous = NULL;
	entry->next = egress->entries;
	if (entry->next) {
		entry->next->previous = entry;
	}
	egress->entries = entry;
	send_entries(egress);
}

void egress_remove(struct egress *egress, struct egress_entry *entry)
{
	if (!entry->is_added) {
		return;
	}
	entry->is_added = false;
	if (entry->previous) {
		entry->previous->next = entry->next;
	} else {
		egress->entries = entry->next;
	}
	if (entry->next) {
		entry->next->previous = entry->previous;
	}
	if (!entry->is_sent || egress->control_fd < 0) {
		return;
	}
	struct wire_egress_remove message = {.session = wire_string_from(entry->session)};
	uint8_t bytes[WIRE_EGRESS_REMOVE_MAX_BYTES];
	long len = wire_egress_remove_encode(&message, bytes, sizeof(bytes));
	/* One that lets its socket run full hangs; a fresh one knows nothing of the session either.
	 */
	if (len < 0 || fds_send(egress->control_fd, bytes, (size_t)len, NULL, 0) < 0) {
		give_up_program(egress, "does not let go of a session");
	}
}

void egress_finish(struct egress *egress)
{
	if (!egress->loop) {
		return;
	}
	loop_timer_disarm(&egress->restart);
	close_source(&egress->control_source, &egress->control_fd);
	close_source(&egress->exit_source, &egress->pidfd);
	if (egress->pid > 0) {
		kill(egress->pid, SIGKILL);
		while (waitpid(egress->pid, NULL, 0) < 0 && errno == EINTR) {
		}
		egress->pid = 0;
	}
	settings_free_environment(egress->environment);
	egress->environment = NULL;
	free(egress->path);
	egress->path = NULL;
}
