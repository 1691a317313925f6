/* A real node with the real browser image, compositor, encoder and egress proxy: a session from
 * claim to nothing left, whatever is killed and when. Needs root, the image and crun. */
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/loop.h"
#include "harness/test.h"
#include "isolation/node_lab.h"

#define TIMEOUT_S 120

static const char *const one_warm[] = {"POOL=1", "SESSIONS=4", NULL};
static const char *const no_pool[] = {"POOL=0", "SESSIONS=4", NULL};

static void sleep_ms(long ms)
{
	nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

static void claim(struct lab *lab, int control, struct lab_session *session)
{
	uint16_t reason = 0;
	if (!lab_claim(lab, control, session, &reason)) {
		test_fail(__FILE__, __LINE__, "the claim is refused with reason %u", reason);
	}
}

/* A web site of one page on loopback, in a process of its own. */
struct site {
	pid_t pid;
	uint16_t port;
};

static void serve(int listener)
{
	static const char page[] =
			"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n"
			"<title>Two halves</title><style>body{margin:0;display:flex;height:100vh}"
			"div{flex:1}</style><div style='background:#c81e28'></div>"
			"<div style='background:#1450a0'></div>";
	for (;;) {
		int fd = accept(listener, NULL, NULL);
		char request[4096];
		if (fd >= 0 && recv(fd, request, sizeof(request), 0) > 0) {
			send(fd, page, sizeof(page) - 1, MSG_NOSIGNAL);
			shutdown(fd, SHUT_WR);
		}
		close(fd);
	}
}

static void start_site(struct site *site)
{
	struct sockaddr_in address = {
			.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CHECK(listener >= 0);
	CHECK_INT(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
	CHECK_INT(listen(listener, 16), 0);
	CHECK_INT(getsockname(listener, (struct sockaddr *)&address, &len), 0);
	site->port = ntohs(address.sin_port);
	site->pid = fork();
	if (site->pid == 0) {
		serve(listener);
	}
	close(listener);
}

static void stop_site(const struct site *site)
{
	kill(site->pid, SIGKILL);
	waitpid(site->pid, NULL, 0);
}

static bool is_near(uint32_t pixel, uint32_t wanted)
{
	for (int shift = 0; shift < 24; shift += 8) {
		int difference = (int)(pixel >> shift & 0xff) - (int)(wanted >> shift & 0xff);
		if (difference < -2 || difference > 2) {
			return false;
		}
	}
	return true;
}

static bool shows_two_halves(const struct lab_view *view)
{
	if (!view->pixels || view->width < 64 || view->height < 64) {
		return false;
	}
	size_t row = (size_t)view->height / 2 * view->width;
	return is_near(view->pixels[row + view->width / 4], 0xc81e28) &&
			is_near(view->pixels[row + view->width * 3 / 4], 0x1450a0);
}

TEST_WITH_TIMEOUT(image_is_there_or_can_be_built, 900)
{
	lab_build_image();
}

TEST_WITH_TIMEOUT(session_shows_a_page_and_leaves_nothing, TIMEOUT_S)
{
	struct lab lab;
	struct site site;
	struct lab_session session;
	struct lab_processes processes = {0};
	lab_open(&lab);
	start_site(&site);
	char allow[64];
	snprintf(allow, sizeof(allow), "EGRESS_ALLOW=127.0.0.1/32:%u", site.port);
	const char *const settings[] = {"POOL=1", "SESSIONS=1", allow, NULL};
	lab_start(&lab, settings);
	int control = lab_connect(&lab);
	claim(&lab, control, &session);
	CHECK_INT(lab_status(control, session.id, &processes), WIRE_SESSION_DISCONNECTED);
	struct lab_view view;
	lab_attach(&view, &lab, &session);
	while (view.frames == 0 || view.tab == 0) {
		CHECK(lab_view_next(&view));
	}
	CHECK_INT(lab_status(control, session.id, &processes), WIRE_SESSION_ATTACHED);
	uint8_t bytes[WIRE_NAVIGATE_MAX_BYTES];
	char address[64];
	snprintf(address, sizeof(address), "http://127.0.0.1:%u/", site.port);
	const struct wire_navigate navigate = {
			.tab = view.tab, .address = wire_string_from(address)};
	lab_send(view.fd, bytes, wire_navigate_encode(&navigate, bytes, sizeof(bytes)));
	while (!shows_two_halves(&view)) {
		CHECK(lab_view_next(&view));
	}
	CHECK(lab_find(&processes, WIRE_PROGRAM_COMPOSITOR, NULL) > 0);
	CHECK(lab_find(&processes, WIRE_PROGRAM_ENCODER, NULL) > 0);
	CHECK(lab_find(&processes, WIRE_PROGRAM_BROWSER, NULL) > 0);
	lab_status(control, session.id, &processes);
	lab_release(control, session.id);
	/* The user is told why before the stream ends. */
	while (lab_view_next(&view)) {
	}
	CHECK_INT(view.bye, WIRE_REASON_CLOSED);
	lab_detach(&view);
	lab_check_gone(&processes);
	close(control);
	lab_stop(&lab);
	stop_site(&site);
	lab_close(&lab);
}

TEST_WITH_TIMEOUT(attach_needs_the_token, TIMEOUT_S)
{
	struct lab lab;
	struct lab_session session;
	lab_open(&lab);
	lab_start(&lab, no_pool);
	int control = lab_connect(&lab);
	claim(&lab, control, &session);
	static const char zeros[] =
			"0000000000000000000000000000000000000000000000000000000000000000";
	const char *const tokens[] = {"", "0", zeros};
	for (size_t i = 0; i < ARRAY_LENGTH(tokens); i++) {
		uint8_t bytes[WIRE_SHORT_MAX_BYTES];
		int stream = lab_connect(&lab);
		const struct wire_attach attach = {.session = wire_string_from(session.id),
				.token = wire_string_from(tokens[i])};
		lab_send(stream, bytes, wire_attach_encode(&attach, bytes, sizeof(bytes)));
		struct wire_refused refused;
		size_t len = lab_receive(stream, bytes, sizeof(bytes));
		CHECK_INT(wire_refused_decode(bytes, len, &refused), 0);
		CHECK_INT(refused.reason, WIRE_REASON_UNKNOWN_SESSION);
		CHECK_INT(lab_receive(stream, bytes, sizeof(bytes)), 0);
		close(stream);
	}
	close(control);
	lab_stop(&lab);
	lab_close(&lab);
}

TEST_WITH_TIMEOUT(nobody_but_root_and_the_gateway_may_connect, TIMEOUT_S)
{
	struct lab lab;
	lab_open(&lab);
	lab_start(&lab, no_pool);
	/* Also when the file's mode would let it. */
	char path[LAB_PATH_BYTES + 16];
	snprintf(path, sizeof(path), "%s/node.sock", lab.run);
	struct stat status;
	CHECK_INT(stat(path, &status), 0);
	CHECK_INT(status.st_mode & 0777, 0660);
	CHECK_INT(status.st_gid, 61001);
	CHECK_INT(chmod(path, 0666), 0);
	static const uid_t uids[] = {61001, 61002, 65534};
	for (size_t i = 0; i < ARRAY_LENGTH(uids); i++) {
		pid_t pid = fork();
		if (pid == 0) {
			struct sockaddr_un address = {.sun_family = AF_UNIX};
			snprintf(address.sun_path, sizeof(address.sun_path), "%.100s", path);
			int fd = socket(AF_UNIX, SOCK_STREAM, 0);
			uint8_t hello[] = {3, 0, 0, 0, WIRE_NODE_HELLO, WIRE_VERSION, 0};
			CHECK_INT(setresuid(uids[i], uids[i], uids[i]), 0);
			CHECK_INT(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
			send(fd, hello, sizeof(hello), MSG_NOSIGNAL);
			_exit(recv(fd, hello, 1, 0) == 1 ? 1 : 2);
		}
		int end;
		CHECK_INT(waitpid(pid, &end, 0), pid);
		CHECK_INT(WEXITSTATUS(end), uids[i] == 61001 ? 1 : 2);
	}
	lab_stop(&lab);
	lab_close(&lab);
}

TEST_WITH_TIMEOUT(full_node_says_so_and_has_room_again, TIMEOUT_S)
{
	struct lab lab;
	struct lab_session first;
	struct lab_session second;
	uint16_t reason = 0;
	const char *const settings[] = {"POOL=0", "SESSIONS=1", NULL};
	lab_open(&lab);
	lab_start(&lab, settings);
	int control = lab_connect(&lab);
	claim(&lab, control, &first);
	CHECK(!lab_claim(&lab, control, &second, &reason));
	CHECK_INT(reason, WIRE_REASON_FULL);
	lab_release(control, first.id);
	claim(&lab, control, &second);
	CHECK(strcmp(first.id, second.id) != 0);
	close(control);
	lab_stop(&lab);
	lab_close(&lab);
}

TEST_WITH_TIMEOUT(session_that_nobody_comes_back_to_ends, TIMEOUT_S)
{
	struct lab lab;
	struct lab_session session;
	struct lab_view view;
	struct lab_processes processes = {0};
	const char *const settings[] = {"POOL=0", "SESSIONS=1", "DISCONNECTED_TIMEOUT=2", NULL};
	lab_open(&lab);
	lab_start(&lab, settings);
	int control = lab_connect(&lab);
	claim(&lab, control, &session);
	lab_attach(&view, &lab, &session);
	while (view.frames == 0) {
		CHECK(lab_view_next(&view));
	}
	/* Attached, it outlives the timeout. */
	sleep_ms(3000);
	CHECK_INT(lab_status(control, session.id, &processes), WIRE_SESSION_ATTACHED);
	lab_detach(&view);
	uint64_t left = clock_now_ms();
	CHECK_INT(lab_wait_ended(control, session.id), WIRE_REASON_DISCONNECTED);
	uint64_t waited = clock_now_ms() - left;
	CHECK(waited >= 1900 && waited < 5000);
	lab_check_gone(&processes);
	close(control);
	lab_stop(&lab);
	lab_close(&lab);
}

/* Kills one process of a claimed session and looks at what the node makes of it. */
static void kill_one(
		enum wire_program program, const char *words, bool ends, uint16_t wanted_reason)
{
	struct lab lab;
	struct lab_session session;
	struct lab_session other;
	struct lab_processes processes = {0};
	struct lab_processes others = {0};
	lab_open(&lab);
	lab_start(&lab, no_pool);
	int control = lab_connect(&lab);
	int fds_before = lab_count_fds(&lab);
	claim(&lab, control, &other);
	claim(&lab, control, &session);
	lab_status(control, session.id, &processes);
	lab_status(control, other.id, &others);
	pid_t pid = lab_find(&processes, program, words);
	CHECK(pid > 0);
	CHECK_INT(kill(pid, SIGKILL), 0);
	if (ends) {
		CHECK_INT(lab_wait_ended(control, session.id), wanted_reason);
	} else {
		sleep_ms(1000);
		CHECK_INT(lab_status(control, session.id, &processes), WIRE_SESSION_DISCONNECTED);
		lab_release(control, session.id);
	}
	lab_check_gone(&processes);
	/* Its neighbour has seen nothing. */
	CHECK_INT(lab_status(control, other.id, &others), WIRE_SESSION_DISCONNECTED);
	lab_release(control, other.id);
	lab_check_gone(&others);
	CHECK_INT(lab_count_fds(&lab), fds_before);
	lab_check_clean(&lab);
	close(control);
	lab_stop(&lab);
	lab_close(&lab);
}

TEST_WITH_TIMEOUT(killed_compositor_ends_its_session_only, TIMEOUT_S)
{
	kill_one(WIRE_PROGRAM_COMPOSITOR, NULL, true, WIRE_REASON_FAILED);
}

TEST_WITH_TIMEOUT(killed_encoder_ends_its_session_only, TIMEOUT_S)
{
	kill_one(WIRE_PROGRAM_ENCODER, NULL, true, WIRE_REASON_FAILED);
}

TEST_WITH_TIMEOUT(killed_browser_ends_its_session_only, TIMEOUT_S)
{
	/* Whichever end is seen first: the browser's, or the compositor's that lost it. */
	kill_one(WIRE_PROGRAM_BROWSER, NULL, true, WIRE_REASON_BROWSER_EXITED);
}

TEST_WITH_TIMEOUT(killed_renderer_is_the_page_s_affair, TIMEOUT_S)
{
	kill_one(WIRE_PROGRAM_BROWSER, "--type=renderer", false, 0);
}

TEST_WITH_TIMEOUT(stopped_programs_cannot_keep_a_session, TIMEOUT_S)
{
	struct lab lab;
	struct lab_session session;
	struct lab_processes processes = {0};
	lab_open(&lab);
	lab_start(&lab, no_pool);
	int control = lab_connect(&lab);
	claim(&lab, control, &session);
	lab_status(control, session.id, &processes);
	kill(lab_find(&processes, WIRE_PROGRAM_COMPOSITOR, NULL), SIGSTOP);
	kill(lab_find(&processes, WIRE_PROGRAM_ENCODER, NULL), SIGSTOP);
	kill(lab_find(&processes, WIRE_PROGRAM_BROWSER, NULL), SIGSTOP);
	lab_release(control, session.id);
	lab_check_gone(&processes);
	lab_check_clean(&lab);
	close(control);
	lab_stop(&lab);
	lab_close(&lab);
}

/* One request to the proxy's port, from inside the network namespace of a process. */
static bool proxy_answers(pid_t pid)
{
	pid_t child = fork();
	if (child == 0) {
		char path[64];
		char answer[16] = "";
		struct sockaddr_in address = {.sin_family = AF_INET,
				.sin_port = htons(3128),
				.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
		static const char request[] =
				"GET http://192.0.2.1/ HTTP/1.1\r\nHost: 192.0.2.1\r\n\r\n";
		snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
		int netns = open(path, O_RDONLY | O_CLOEXEC);
		if (netns < 0 || setns(netns, CLONE_NEWNET) < 0) {
			_exit(3);
		}
		int fd = socket(AF_INET, SOCK_STREAM, 0);
		const struct timeval timeout = {.tv_sec = 5};
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
		bool answered = connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 &&
				send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL) > 0 &&
				recv(fd, answer, sizeof(answer) - 1, 0) > 0 &&
				strncmp(answer, "HTTP/1.", 7) == 0;
		_exit(answered ? 0 : 1);
	}
	int status;
	CHECK_INT(waitpid(child, &status, 0), child);
	CHECK(WEXITSTATUS(status) != 3);
	return WEXITSTATUS(status) == 0;
}

TEST_WITH_TIMEOUT(killed_egress_proxy_comes_back_with_every_session, TIMEOUT_S)
{
	struct lab lab;
	struct lab_session session;
	struct lab_processes processes = {0};
	lab_open(&lab);
	lab_start(&lab, no_pool);
	int control = lab_connect(&lab);
	claim(&lab, control, &session);
	lab_status(control, session.id, &processes);
	pid_t browser = lab_find(&processes, WIRE_PROGRAM_BROWSER, NULL);
	CHECK(proxy_answers(browser));
	for (int round = 0; round < 3; round++) {
		pid_t before = lab_egress_pid(&lab);
		CHECK(before > 0);
		CHECK_INT(kill(before, SIGKILL), 0);
		pid_t after = before;
		for (int i = 0; i < 100 && (after == before || after == 0); i++) {
			sleep_ms(50);
			after = lab_egress_pid(&lab);
		}
		CHECK(after > 0 && after != before);
		CHECK(proxy_answers(browser));
	}
	CHECK_INT(lab_status(control, session.id, &processes), WIRE_SESSION_DISCONNECTED);
	lab_release(control, session.id);
	lab_check_gone(&processes);
	close(control);
	lab_stop(&lab);
	lab_close(&lab);
}

static void write_script(const struct lab *lab, const char *text, char path[LAB_PATH_BYTES + 16])
{
	/* By this name the node takes it for the real one, which it becomes. */
	snprintf(path, LAB_PATH_BYTES + 16, "%s/crun", lab->folder);
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
	CHECK(fd >= 0);
	CHECK_INT(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

TEST_WITH_TIMEOUT(killed_runtime_fails_the_claim_and_leaves_nothing, TIMEOUT_S)
{
	/* Before it has done anything, in the middle of its 30 ms, and about when it is done. */
	static const int delays_ms[] = {0, 1010, 1020, 1030, 1050};
	struct lab lab;
	char path[LAB_PATH_BYTES + 16];
	lab_open(&lab);
	write_script(&lab, "#!/bin/sh\nsleep 1\nexec /usr/bin/crun \"$@\"\n", path);
	char runtime[LAB_PATH_BYTES + 32];
	snprintf(runtime, sizeof(runtime), "RUNTIME=%.200s", path);
	const char *const settings[] = {"POOL=0", "SESSIONS=4", runtime, NULL};
	lab_start(&lab, settings);
	int control = lab_connect(&lab);
	int watcher = lab_connect(&lab);
	int fds_before = lab_count_fds(&lab);
	for (size_t i = 0; i < ARRAY_LENGTH(delays_ms); i++) {
		struct lab_processes processes = {0};
		uint8_t bytes[WIRE_SHORT_MAX_BYTES];
		const struct wire_claim request = {.request = (uint32_t)i};
		lab_send(control, bytes, wire_claim_encode(&request, bytes, sizeof(bytes)));
		uint64_t asked = clock_now_ms();
		pid_t pid = 0;
		while (pid == 0) {
			lab_status(watcher, NULL, &processes);
			pid = lab_find(&processes, WIRE_PROGRAM_RUNTIME, NULL);
		}
		int64_t left = delays_ms[i] - (int64_t)(clock_now_ms() - asked);
		sleep_ms(left > 0 ? (long)left : 0);
		kill(pid, SIGKILL); /* the first of the group: the script, later crun itself */
		lab_status(watcher, NULL, &processes);
		struct wire_refused refused;
		struct wire_claimed claimed;
		size_t len = lab_receive(control, bytes, sizeof(bytes));
		if (wire_claimed_decode(bytes, len, &claimed) == 0) {
			/* Too late: it had ended. */
			CHECK(delays_ms[i] > 0);
			char id[WIRE_CLAIMED_SESSION_MAX_BYTES + 1];
			wire_string_copy(claimed.session, id, sizeof(id));
			lab_status(watcher, id, &processes);
			lab_release(control, id);
		} else {
			CHECK_INT(wire_refused_decode(bytes, len, &refused), 0);
			CHECK_INT(refused.reason, WIRE_REASON_FAILED);
		}
		lab_check_gone(&processes);
		CHECK_INT(lab_session_count(watcher), 0);
		CHECK_INT(lab_count_fds(&lab), fds_before);
	}
	close(control);
	close(watcher);
	lab_stop(&lab);
	lab_close(&lab);
}

TEST_WITH_TIMEOUT(killed_node_leaves_nothing_after_reap_or_next_start, TIMEOUT_S)
{
	struct lab lab;
	struct lab_session session;
	lab_open(&lab);
	for (int round = 0; round < 2; round++) {
		struct lab_processes processes = {0};
		lab_start(&lab, one_warm);
		int control = lab_connect(&lab);
		claim(&lab, control, &session);
		lab_status(control, NULL, &processes);
		lab_add(&processes, lab_egress_pid(&lab));
		lab_kill(&lab);
		close(control);
		if (round == 0) {
			lab_reap(&lab);
			lab_check_gone(&processes);
			lab_check_clean(&lab);
		} else {
			lab_start(&lab, no_pool);
			lab_check_gone(&processes);
			lab_check_clean(&lab);
			lab_stop(&lab);
		}
	}
	lab_close(&lab);
}

TEST_WITH_TIMEOUT(node_ends_every_session_at_sigterm, TIMEOUT_S)
{
	struct lab lab;
	struct lab_session session;
	struct lab_view view;
	struct lab_processes processes = {0};
	lab_open(&lab);
	lab_start(&lab, one_warm);
	int control = lab_connect(&lab);
	claim(&lab, control, &session);
	lab_attach(&view, &lab, &session);
	while (view.frames == 0) {
		CHECK(lab_view_next(&view));
	}
	lab_status(control, NULL, &processes);
	lab_stop(&lab);
	while (lab_view_next(&view)) {
	}
	CHECK_INT(view.bye, WIRE_REASON_SHUTDOWN);
	lab_detach(&view);
	lab_check_gone(&processes);
	close(control);
	lab_close(&lab);
}

TEST_WITH_TIMEOUT(twenty_sessions_one_after_another_leak_nothing, 600)
{
	struct lab lab;
	struct lab_session session;
	struct lab_processes processes = {0};
	uint64_t total_ms = 0;
	lab_open(&lab);
	const char *const settings[] = {"POOL=0", "SESSIONS=2", NULL};
	lab_start(&lab, settings);
	int control = lab_connect(&lab);
	int fds_before = lab_count_fds(&lab);
	for (int i = 0; i < 20; i++) {
		uint64_t start = clock_now_ms();
		claim(&lab, control, &session);
		total_ms += clock_now_ms() - start;
		lab_status(control, session.id, &processes);
		lab_release(control, session.id);
		lab_check_gone(&processes);
	}
	printf("# a cold start takes %llu ms\n", (unsigned long long)total_ms / 20);
	CHECK_INT(lab_session_count(control), 0);
	CHECK_INT(lab_count_fds(&lab), fds_before);
	lab_check_clean(&lab);
	close(control);
	lab_stop(&lab);
	lab_close(&lab);
}

TEST_WITH_TIMEOUT(missing_image_is_said_and_found_when_it_comes, TIMEOUT_S)
{
	struct lab lab;
	struct lab_session session;
	uint16_t reason = 0;
	char image[LAB_PATH_BYTES + 16];
	lab_open(&lab);
	snprintf(image, sizeof(image), "%s/image", lab.folder);
	lab.image = image;
	const char *const settings[] = {"POOL=1", "SESSIONS=2", NULL};
	lab_start(&lab, settings);
	int control = lab_connect(&lab);
	CHECK(!lab_claim(&lab, control, &session, &reason));
	CHECK_INT(reason, WIRE_REASON_FAILED);
	CHECK_INT(symlink(lab.rootfs, image), 0);
	claim(&lab, control, &session);
	close(control);
	lab_stop(&lab);
	lab_close(&lab);
}
