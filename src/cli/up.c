/* safeweb up: starts safeweb-node and safeweb-gateway, restarts what dies, ends both.
 *
 *   node starts ── ready ──▶ gateway starts ── ready ──▶ serving ── signal, or a start that fails
 * ──▶ stopping ──▶ gone
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/fds.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/spawn.h"
#include "cli/cli.h"
#include "cli/image.h"
#include "cli/json.h"
#include "store/store.h"

/* From its start until a program says that it serves. A cold first session takes seconds. */
#define START_TIMEOUT_MS 60000
/* After SIGTERM, until SIGKILL. */
#define STOP_TIMEOUT_MS 10000
#define RESTART_FIRST_MS 200
#define RESTART_LONGEST_MS 10000
/* A program that ran this long starts over with the first delay. */
#define RESTART_FORGIVE_MS 60000
#define OUTPUT_LINE_BYTES 1024

enum program { PROGRAM_NODE, PROGRAM_GATEWAY, PROGRAM_COUNT };

enum child_state { CHILD_GONE, CHILD_STARTING, CHILD_SERVING, CHILD_STOPPING };

struct supervisor;

struct child {
	struct supervisor *supervisor;
	const char *name; /* safeweb-node */
	const char *ready_word; /* first word of the line it prints when it serves */
	enum child_state state;
	pid_t pid;
	struct loop_source exit_source; /* its pidfd */
	struct loop_source output_source;
	struct buffer output;
	struct loop_timer timer; /* start and stop limits, restart delay */
	uint64_t started_ms;
	uint64_t restart_delay_ms;
};

struct supervisor {
	struct cli *cli;
	struct loop *loop;
	struct child children[PROGRAM_COUNT];
	bool is_announced;
	bool is_stopping;
	bool has_failed;
	int lock_fd;
	char login[OUTPUT_LINE_BYTES]; /* "NAME PASSWORD" of a new first account, else empty */
};

static void start_child(struct child *child);

static int take_lock(struct supervisor *up, struct error *err)
{
	const char *run = settings_text(&up->cli->settings, SETTING_RUN);
	int code = fds_make_directories(run, 0755, err);
	if (code < 0) {
		return code;
	}
	/* The unprivileged programs reach their sockets through it. */
	if (chmod(run, 0755) < 0) {
		return error_set_errno(err, "cannot open %s to the programs", run);
	}
	char path[CLI_PATH_BYTES];
	cli_run_path(up->cli, "up.lock", path);
	up->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (up->lock_fd < 0) {
		return error_set_errno(err, "cannot open %s", path);
	}
	if (flock(up->lock_fd, LOCK_EX | LOCK_NB) < 0) {
		return error_set(err, -EBUSY,
				"Safeweb is already running (process %d) at "
				"https://localhost:%s/; `safeweb down` ends it",
				(int)cli_supervisor_pid(up->cli),
				settings_text(&up->cli->settings, SETTING_PORT));
	}
	if (ftruncate(up->lock_fd, 0) < 0 || dprintf(up->lock_fd, "%d\n", (int)getpid()) < 0) {
		return error_set_errno(err, "cannot write %s", path);
	}
	return 0;
}

static int ensure_image(struct supervisor *up, struct error *err)
{
	struct image_options options;
	cli_image_options(up->cli, &options);
	char rootfs[IMAGE_PATH_BYTES];
	if (image_current(&options, rootfs, sizeof(rootfs), err) == 0) {
		return 0;
	}
	fprintf(stderr, "safeweb: %s; building it, which takes a few minutes the first time\n",
			err->text);
	return image_build(&options, NULL, err);
}

static void announce(struct supervisor *up)
{
	const struct settings *settings = &up->cli->settings;
	const char *port = settings_text(settings, SETTING_PORT);
	up->is_announced = true;
	printf("ready https://localhost:%s/\n", port);
	if (up->login[0]) {
		char *space = strchr(up->login, ' ');
		bool is_given = *settings_text(settings, SETTING_ADMIN_PASSWORD) != '\0';
		if (space && !is_given) {
			printf("  log in as %.*s with the password %s (shown only this once)\n",
					(int)(space - up->login), up->login, space + 1);
		} else {
			printf("  log in as admin with the password of SAFEWEB_ADMIN_PASSWORD\n");
		}
		explicit_bzero(up->login, sizeof(up->login));
	} else {
		printf("  log in with your account; `safeweb user` adds accounts and sets "
		       "passwords\n");
	}
	printf("  the certificate is self-signed: your browser asks once. Ctrl+C ends Safeweb.\n");
	fflush(stdout);
}

static void child_serves(struct child *child)
{
	struct supervisor *up = child->supervisor;
	loop_timer_disarm(&child->timer);
	child->state = CHILD_SERVING;
	if (up->is_announced) {
		log_info("%s serves again", child->name);
		return;
	}
	if (child == &up->children[PROGRAM_NODE]) {
		/* Only now, so that whoever can log in can be given a session. */
		start_child(&up->children[PROGRAM_GATEWAY]);
	} else {
		announce(up);
	}
}

static void handle_line(struct child *child, const char *line)
{
	size_t word_len = strlen(child->ready_word);
	if (strncmp(line, child->ready_word, word_len) == 0 && child->state == CHILD_STARTING) {
		child_serves(child);
	} else if (strncmp(line, "login ", 6) == 0) {
		snprintf(child->supervisor->login, sizeof(child->supervisor->login), "%s",
				line + 6);
	}
}

static void handle_output(struct loop_source *source, uint32_t events)
{
	(void)events;
	struct child *child = source->data;
	uint8_t *room = buffer_reserve(&child->output, OUTPUT_LINE_BYTES);
	ssize_t got = room ? read(source->fd, room, OUTPUT_LINE_BYTES) : 0;
	if (got <= 0) {
		int fd = source->fd;
		loop_source_remove(source);
		close(fd);
		return;
	}
	buffer_commit(&child->output, (size_t)got);
	for (;;) {
		char *head = (char *)buffer_head(&child->output);
		char *end = memchr(head, '\n', buffer_length(&child->output));
		if (!end) {
			break;
		}
		*end = '\0';
		handle_line(child, head);
		explicit_bzero(head, (size_t)(end - head));
		buffer_consume(&child->output, (size_t)(end - head) + 1);
	}
}

static void close_source(struct loop_source *source)
{
	int fd = source->fd;
	loop_source_remove(source);
	if (fd >= 0) {
		close(fd);
	}
}

static void stop_child(struct child *child)
{
	loop_timer_disarm(&child->timer);
	if (child->state == CHILD_GONE) {
		return;
	}
	kill(child->pid, SIGTERM);
	child->state = CHILD_STOPPING;
	loop_timer_arm(&child->timer, STOP_TIMEOUT_MS);
}

/* The gateway first, so that users are told; the node when it is gone. */
static void continue_stopping(struct supervisor *up)
{
	struct child *gateway = &up->children[PROGRAM_GATEWAY];
	struct child *node = &up->children[PROGRAM_NODE];
	if (gateway->state != CHILD_GONE) {
		if (gateway->state != CHILD_STOPPING) {
			stop_child(gateway);
		}
		return;
	}
	loop_timer_disarm(&gateway->timer);
	if (node->state == CHILD_GONE) {
		loop_timer_disarm(&node->timer);
		loop_stop(up->loop);
	} else if (node->state != CHILD_STOPPING) {
		stop_child(node);
	}
}

static void begin_stopping(struct supervisor *up, bool has_failed)
{
	up->is_stopping = true;
	up->has_failed |= has_failed;
	continue_stopping(up);
}

static void handle_exit(struct loop_source *source, uint32_t events)
{
	(void)events;
	struct child *child = source->data;
	struct supervisor *up = child->supervisor;
	int status = 0;
	waitpid(child->pid, &status, 0);
	close_source(source);
	handle_output(&child->output_source, 0);
	if (child->output_source.fd >= 0) {
		close_source(&child->output_source);
	}
	loop_timer_disarm(&child->timer);
	enum child_state was = child->state;
	child->state = CHILD_GONE;
	if (up->is_stopping) {
		continue_stopping(up);
		return;
	}
	if (was == CHILD_STARTING && !up->is_announced) {
		/* It has said why on standard error. */
		begin_stopping(up, true);
		return;
	}
	if (clock_now_ms() - child->started_ms > RESTART_FORGIVE_MS) {
		child->restart_delay_ms = RESTART_FIRST_MS;
	}
	log_warning("%s ended (%s %d); starting it again in %llu ms", child->name,
			WIFSIGNALED(status) ? "signal" : "status",
			WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status),
			(unsigned long long)child->restart_delay_ms);
	loop_timer_arm(&child->timer, child->restart_delay_ms);
	child->restart_delay_ms *= 2;
	if (child->restart_delay_ms > RESTART_LONGEST_MS) {
		child->restart_delay_ms = RESTART_LONGEST_MS;
	}
}

static void handle_timer(struct loop_timer *timer)
{
	struct child *child = timer->data;
	switch (child->state) {
	case CHILD_GONE:
		start_child(child);
		break;
	case CHILD_STARTING:
		log_error("%s did not serve within %d s: ended", child->name,
				START_TIMEOUT_MS / 1000);
		kill(child->pid, SIGKILL);
		break;
	case CHILD_STOPPING:
		log_error("%s did not end within %d s: killed", child->name,
				STOP_TIMEOUT_MS / 1000);
		kill(child->pid, SIGKILL);
		break;
	case CHILD_SERVING:
		break;
	}
}

/* argv of a program: name, its own words, NULL. */
static void fill_arguments(const struct supervisor *up, const struct child *child,
		const char *argv[8], char assets[CLI_PATH_BYTES + 8], char uid[16])
{
	int count = 0;
	argv[count++] = child->name;
	if (child == &up->children[PROGRAM_NODE]) {
		argv[count++] = "--libexec";
		argv[count++] = up->cli->libexec;
		argv[count++] = "--recipe";
		argv[count++] = up->cli->image_recipe;
	} else {
		snprintf(assets, CLI_PATH_BYTES + 8, "%s/viewer", up->cli->share);
		snprintf(uid, 16, "%d", STORE_GATEWAY_UID);
		argv[count++] = "--assets";
		argv[count++] = assets;
		argv[count++] = "--uid";
		argv[count++] = uid;
		argv[count++] = "--gid";
		argv[count++] = uid;
	}
	argv[count] = NULL;
}

static int spawn_child(struct child *child, int output_fd, int *ret_pidfd, struct error *err)
{
	struct supervisor *up = child->supervisor;
	char path[CLI_PATH_BYTES + 32];
	char assets[CLI_PATH_BYTES + 8];
	char uid[16];
	const char *argv[8];
	snprintf(path, sizeof(path), "%s/%s", up->cli->libexec, child->name);
	fill_arguments(up, child, argv, assets, uid);
	/* A node holds no secret. */
	bool is_gateway = child == &up->children[PROGRAM_GATEWAY];
	char **environment = settings_environment(&up->cli->settings, is_gateway);
	if (!environment) {
		return error_set(err, -ENOMEM, "no memory to start %s", child->name);
	}
	struct spawn_fd map[] = {{output_fd, 1}};
	struct spawn_options options = {
			.path = path,
			.argv = argv,
			.envp = (const char *const *)environment,
			.fds = map,
			.fd_count = 1,
			.death_signal = SIGTERM,
	};
	int code = spawn_process(&options, &child->pid, ret_pidfd, err);
	settings_free_environment(environment);
	return code;
}

static int try_start(struct child *child, struct error *err)
{
	struct supervisor *up = child->supervisor;
	int pipe_fds[2];
	if (pipe2(pipe_fds, O_CLOEXEC) < 0) {
		return error_set_errno(err, "cannot make a pipe for %s", child->name);
	}
	CLEANUP_CLOSE int output_read = pipe_fds[0];
	CLEANUP_CLOSE int output_write = pipe_fds[1];
	fds_set_nonblocking(output_read);
	int pidfd;
	int code = spawn_child(child, output_write, &pidfd, err);
	if (code < 0) {
		return code;
	}
	child->state = CHILD_STARTING;
	child->started_ms = clock_now_ms();
	buffer_finish(&child->output);
	buffer_init(&child->output, OUTPUT_LINE_BYTES * 4);
	loop_source_add(up->loop, &child->exit_source, pidfd, EPOLLIN, handle_exit, child);
	loop_source_add(up->loop, &child->output_source, steal_fd(&output_read), EPOLLIN,
			handle_output, child);
	loop_timer_arm(&child->timer, START_TIMEOUT_MS);
	return 0;
}

static void start_child(struct child *child)
{
	struct error err = {0};
	if (try_start(child, &err) < 0) {
		log_error("%s", err.text);
		begin_stopping(child->supervisor, true);
	}
}

static void handle_signal(void *data, const struct signalfd_siginfo *info)
{
	(void)info;
	struct supervisor *up = data;
	if (!up->is_stopping) {
		begin_stopping(up, false);
	}
}

static int serve(struct supervisor *up, struct error *err)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
	int code = loop_create(&up->loop, err);
	if (code == 0) {
		code = loop_catch_signals(
				up->loop, signals, ARRAY_LENGTH(signals), handle_signal, up, err);
	}
	if (code < 0) {
		return code;
	}
	up->children[PROGRAM_NODE] = (struct child){.name = "safeweb-node", .ready_word = "ready"};
	up->children[PROGRAM_GATEWAY] =
			(struct child){.name = "safeweb-gateway", .ready_word = "serving"};
	for (int i = 0; i < PROGRAM_COUNT; i++) {
		struct child *child = &up->children[i];
		child->supervisor = up;
		child->restart_delay_ms = RESTART_FIRST_MS;
		child->exit_source.fd = -1;
		child->output_source.fd = -1;
		loop_timer_init(up->loop, &child->timer, handle_timer, child);
	}
	start_child(&up->children[PROGRAM_NODE]);
	return loop_run(up->loop);
}

/* Whatever a killed node left. */
static void reap(struct supervisor *up)
{
	struct error err = {0};
	char path[CLI_PATH_BYTES + 32];
	snprintf(path, sizeof(path), "%s/safeweb-node", up->cli->libexec);
	const char *const argv[] = {"safeweb-node", "--reap", NULL};
	char **environment = settings_environment(&up->cli->settings, false);
	struct spawn_options options = {
			.path = path, .argv = argv, .envp = (const char *const *)environment};
	if (environment && spawn_and_wait(&options, STOP_TIMEOUT_MS, &err) != 0) {
		log_warning("could not clear up after the node%s%s", err.code ? ": " : "",
				err.text);
	}
	settings_free_environment(environment);
}

static void finish(struct supervisor *up)
{
	for (int i = 0; i < PROGRAM_COUNT; i++) {
		buffer_finish(&up->children[i].output);
	}
	loop_destroy(up->loop);
	if (up->lock_fd >= 0) {
		/* The node's first: while ours is held no other node can be starting. */
		static const char *const locks[] = {"node.lock", "up.lock"};
		for (size_t i = 0; i < ARRAY_LENGTH(locks); i++) {
			char path[CLI_PATH_BYTES];
			cli_run_path(up->cli, locks[i], path);
			unlink(path);
		}
		close(up->lock_fd);
	}
}

enum cli_exit cli_up(struct cli *cli)
{
	struct error err = {0};
	struct supervisor up = {.cli = cli, .lock_fd = -1};
	if (cli_preflight(cli, &err) < 0) {
		return cli_fail(cli, CLI_FAILED, &err);
	}
	const char *state = settings_text(&cli->settings, SETTING_STATE);
	if (fds_make_directories(state, 0755, &err) < 0) {
		return cli_fail(cli, CLI_FAILED, &err);
	}
	if (take_lock(&up, &err) < 0) {
		if (up.lock_fd >= 0) {
			close(up.lock_fd);
		}
		return cli_fail(cli, err.code == -EBUSY ? CLI_ALREADY : CLI_FAILED, &err);
	}
	int code = ensure_image(&up, &err);
	if (code == 0) {
		code = serve(&up, &err);
		reap(&up);
	}
	finish(&up);
	if (code < 0) {
		return cli_fail(cli, CLI_FAILED, &err);
	}
	return up.has_failed ? CLI_FAILED : CLI_OK;
}
