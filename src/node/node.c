#include "node/node.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "container/image.h"
#include "node/requests.h"

/* What the node holds open for each session: two programs, browser, seat, listening socket, and
 * while it starts the runtime and the ends of the channels; with some for a client on its way. */
#define FDS_A_SESSION 7u
#define FDS_STARTING 64u
#define FDS_BESIDE (SERVER_CONNECTIONS_MAX + FDS_STARTING + 32u)

static void announce(struct node *node)
{
	if (!node->is_announced) {
		node->is_announced = true;
		printf("ready\n");
		fflush(stdout);
	}
}

void node_count(const struct node *node, struct pool_counts *ret_counts)
{
	struct pool_counts counts = {
			.capacity = node->slots.count,
			.target = (unsigned)settings_number(node->settings, SETTING_POOL),
			.taken = node->slots.taken,
			.waiting = requests_waiting_claims(node),
	};
	for (unsigned slot = 0; slot < node->slots.count; slot++) {
		const struct session *session = node->sessions[slot];
		counts.warm += session && session->stage == SESSION_WARM;
		counts.starting += session && session->stage == SESSION_STARTING;
	}
	*ret_counts = counts;
}

/* The one that has waited longest: its pages have come to rest. */
struct session *node_warm_session(const struct node *node)
{
	struct session *oldest = NULL;
	for (unsigned slot = 0; slot < node->slots.count; slot++) {
		struct session *session = node->sessions[slot];
		if (session && session->stage == SESSION_WARM &&
				(!oldest || session->created_ms < oldest->created_ms)) {
			oldest = session;
		}
	}
	return oldest;
}

struct session *node_find_session(const struct node *node, const char *id)
{
	for (unsigned slot = 0; slot < node->slots.count; slot++) {
		if (node->sessions[slot] && strcmp(node->sessions[slot]->id, id) == 0) {
			return node->sessions[slot];
		}
	}
	return NULL;
}

static int find_image(const struct node *node, char rootfs[IMAGE_PATH_BYTES], struct error *err)
{
	struct stat status;
	if (!node->options.image) {
		const struct image_options options = {
				.state_dir = settings_text(node->settings, SETTING_STATE),
				.recipe_dir = node->options.recipe,
		};
		return image_current(&options, rootfs, IMAGE_PATH_BYTES, err);
	}
	if (stat(node->options.image, &status) < 0) {
		return error_set_errno(err, "cannot use the browser image %s", node->options.image);
	}
	snprintf(rootfs, IMAGE_PATH_BYTES, "%s", node->options.image);
	return 0;
}

static void handle_image_change(void *data)
{
	struct node *node = data;
	image_watch_finish(&node->image_watch);
	loop_timer_disarm(&node->refill);
	node_fill(node);
}

static void note_failure(struct node *node, const char *why)
{
	node->refill_failures++;
	/* The same sentence again and again helps nobody. */
	if (strcmp(node->last_failure, why) != 0) {
		snprintf(node->last_failure, sizeof(node->last_failure), "%s", why);
		log_error("cannot start a session: %s", why);
	}
	loop_timer_arm(&node->refill, pool_backoff_ms(node->refill_failures));
	requests_start_failed(node, why);
	announce(node);
}

/* Where the image may appear. */
static void watch_for_image(struct node *node)
{
	const char *slash = node->options.image ? strrchr(node->options.image, '/') : NULL;
	char folder[IMAGE_PATH_BYTES];
	snprintf(folder, sizeof(folder), "%.*s",
			slash ? (int)(slash - node->options.image) : IMAGE_PATH_BYTES - 1,
			slash ? node->options.image : settings_text(node->settings, SETTING_STATE));
	/* Without it the back-off's end is still a time to look. */
	image_watch_start(&node->image_watch, node->loop, folder, handle_image_change, node, NULL);
}

static void start_session(struct node *node)
{
	struct error err = {0};
	char rootfs[IMAGE_PATH_BYTES];
	int code = find_image(node, rootfs, &err);
	if (code < 0 && node->image_watch.fd < 0) {
		watch_for_image(node);
	}
	int slot = code < 0 ? code : slots_take(&node->slots);
	if (slot >= 0) {
		code = session_create(
				&node->host, (unsigned)slot, rootfs, &node->sessions[slot], &err);
	}
	if (slot >= 0 && code < 0) {
		slots_give(&node->slots, (unsigned)slot);
	}
	if (code < 0) {
		note_failure(node, err.text);
	}
}

void node_fill(struct node *node)
{
	struct pool_counts counts;
	if (node->is_stopping) {
		return;
	}
	requests_drop_orphans(node);
	/* Each turn starts a session, or refuses a claim, or begins a back-off. */
	for (;;) {
		node_count(node, &counts);
		if (!pool_wants_start(&counts, node->refill.due_ms != 0)) {
			break;
		}
		start_session(node);
	}
}

static void handle_refill(struct loop_timer *timer)
{
	node_fill(timer->data);
}

static void handle_ready(struct session *session)
{
	struct node *node = session->host->data;
	node->refill_failures = 0;
	node->last_failure[0] = '\0';
	loop_timer_disarm(&node->refill);
	image_watch_finish(&node->image_watch);
	requests_session_ready(node, session);
	announce(node);
	node_fill(node);
}

static bool has_sessions(const struct node *node)
{
	return node->slots.taken > 0;
}

static void handle_gone(struct session *session)
{
	struct node *node = session->host->data;
	node->sessions[session->slot] = NULL;
	slots_give(&node->slots, session->slot);
	session->next_gone = node->gone;
	node->gone = session;
	loop_timer_arm(&node->sweep, 0);
	requests_session_gone(node, session);
	if (!session->was_warm && !node->is_stopping) {
		note_failure(node, session->why);
	}
}

static void handle_sweep(struct loop_timer *timer)
{
	struct node *node = timer->data;
	while (node->gone) {
		struct session *session = node->gone;
		node->gone = session->next_gone;
		session_destroy(session);
	}
	if (node->is_stopping && !has_sessions(node)) {
		loop_stop(node->loop);
		return;
	}
	node_fill(node);
}

static void handle_notice(void *data, const struct wire_egress_notice *notice)
{
	struct node *node = data;
	char id[SESSION_ID_CHARS + 1];
	wire_string_copy(notice->session, id, sizeof(id));
	if (node_find_session(node, id)) {
		requests_send_notice(node, notice);
	}
}

/* As many descriptors as the sessions may need, or fewer sessions. */
static unsigned capacity_of(const struct settings *settings)
{
	unsigned wanted = (unsigned)settings_number(settings, SETTING_SESSIONS);
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0) {
		return wanted;
	}
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_max == RLIM_INFINITY) {
		return wanted;
	}
	uint64_t possible = limit.rlim_max > FDS_BESIDE
			? (limit.rlim_max - FDS_BESIDE) / FDS_A_SESSION
			: 1;
	if (possible < wanted) {
		log_warning("the limit of %llu open files allows %llu sessions, not %u; raise it "
			    "(LimitNOFILE=) or lower the setting sessions",
				(unsigned long long)limit.rlim_max, (unsigned long long)possible,
				wanted);
		return possible ? (unsigned)possible : 1;
	}
	return wanted;
}

static int make_tables(struct node *node, struct error *err)
{
	unsigned capacity = capacity_of(node->settings);
	node->sessions = calloc(capacity, sizeof(struct session *));
	if (!node->sessions || slots_init(&node->slots, capacity) < 0) {
		return error_set(err, -ENOMEM, "no memory for %u sessions", capacity);
	}
	return 0;
}

int node_init(struct node *node, struct loop *loop, const struct settings *settings,
		const struct node_options *options, struct error *err)
{
	*node = (struct node){
			.options = *options,
			.settings = settings,
			.loop = loop,
			.place = {.lock_fd = -1},
			.image_watch = {.fd = -1},
	};
	loop_timer_init(loop, &node->refill, handle_refill, node);
	loop_timer_init(loop, &node->sweep, handle_sweep, node);
	node->host = (struct session_host){
			.loop = loop,
			.settings = settings,
			.place = &node->place,
			.libexec = options->libexec,
			.egress = &node->egress,
			.ready = handle_ready,
			.gone = handle_gone,
			.data = node,
	};
	int code = make_tables(node, err);
	if (code == 0) {
		code = place_open(&node->place, settings_text(settings, SETTING_RUN), err);
	}
	if (code == 0) {
		code = place_reap(&node->place, err);
	}
	if (code == 0) {
		const struct egress_handler handler = {.notice = handle_notice, .data = node};
		code = egress_start(&node->egress, loop, options->libexec, settings,
				node->place.empty, &handler, err);
	}
	if (code == 0) {
		code = server_start(&node->server, loop, node->place.socket, requests_handle, node,
				err);
	}
	return code;
}

void node_start(struct node *node)
{
	if (settings_number(node->settings, SETTING_POOL) == 0) {
		announce(node);
	}
	node_fill(node);
}

static void handle_stop_limit(struct loop_timer *timer)
{
	struct node *node = timer->data;
	log_error("%u sessions did not end within %d ms; removing what is left by force",
			node->slots.taken, NODE_STOP_MS);
	loop_stop(node->loop);
}

void node_stop(struct node *node)
{
	if (node->is_stopping) {
		return;
	}
	node->is_stopping = true;
	loop_timer_disarm(&node->refill);
	loop_timer_init(node->loop, &node->stop, handle_stop_limit, node);
	loop_timer_arm(&node->stop, NODE_STOP_MS);
	for (unsigned slot = 0; slot < node->slots.count; slot++) {
		if (node->sessions[slot]) {
			session_end(node->sessions[slot], WIRE_REASON_SHUTDOWN,
					"the node is going down");
		}
	}
	loop_timer_arm(&node->sweep, 0);
}

void node_finish(struct node *node)
{
	image_watch_finish(&node->image_watch);
	server_finish(&node->server);
	egress_finish(&node->egress);
	requests_finish(node);
	while (node->gone) {
		struct session *session = node->gone;
		node->gone = session->next_gone;
		session_destroy(session);
	}
	struct error err = {0};
	if (node->place.lock_fd >= 0 && has_sessions(node) && place_reap(&node->place, &err) < 0) {
		log_error("%s", err.text);
	}
	place_close(&node->place);
	slots_finish(&node->slots);
	free(node->sessions);
	node->sessions = NULL;
}
