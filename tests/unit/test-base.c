#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/fds.h"
#include "base/loop.h"
#include "base/settings.h"
#include "base/spawn.h"
#include "base/utf8.h"
#include "harness/test.h"

TEST(buffer_keeps_order_and_cap)
{
	struct buffer buffer;
	buffer_init(&buffer, 10000);
	for (int i = 0; i < 1000; i++) {
		CHECK_INT(buffer_append(&buffer, "0123456789", 10), 0);
	}
	CHECK_INT(buffer_append(&buffer, "x", 1), -ENOBUFS);
	buffer_consume(&buffer, 9995);
	CHECK_BYTES(buffer_head(&buffer), buffer_length(&buffer), "56789", 5);
	CHECK_INT(buffer_append(&buffer, "abc", 3), 0);
	CHECK_BYTES(buffer_head(&buffer), buffer_length(&buffer), "56789abc", 8);
	buffer_finish(&buffer);
}

TEST(utf8_refuses_what_rfc_3629_refuses)
{
	CHECK(utf8_is_valid("aé漢😀", strlen("aé漢😀")));
	CHECK(!utf8_is_valid("\xc0\x80", 2));
	CHECK(!utf8_is_valid("\xed\xa0\x80", 3));
	CHECK(!utf8_is_valid("\xf4\x90\x80\x80", 4));
	CHECK(!utf8_is_valid("\xe6\xbc", 2));
	CHECK(!utf8_is_valid("a\0b", 3));
	char to[8];
	CHECK_INT(utf8_copy(to, sizeof(to), "ab\x1b\xff漢漢", 10), 7);
	CHECK_TEXT(to, "ab??漢");
}

TEST(settings_name_place_and_limit)
{
	struct settings settings;
	struct error err = {0};
	char state[] = "/tmp/safeweb-test-XXXXXX";
	CHECK(mkdtemp(state));
	CHECK_INT(settings_load(&settings, state, &err), 0);
	CHECK_INT(settings_number(&settings, SETTING_PORT), 8443);
	settings_finish(&settings);

	char path[64];
	snprintf(path, sizeof(path), "%s/safeweb.conf", state);
	const char *text = "# a comment\nport = 9000\n\npool=x\n";
	CHECK_INT(fds_write_file(AT_FDCWD, path, text, strlen(text), 0600, &err), 0);
	CHECK(settings_load(&settings, state, &err) < 0);
	CHECK(strstr(err.text, "safeweb.conf line 4: pool is \"x\""));
	settings_finish(&settings);

	CHECK_INT(unlink(path), 0);
	setenv("SAFEWEB_PORT", "9001", 1);
	CHECK_INT(settings_load(&settings, state, &err), 0);
	CHECK_INT(settings_number(&settings, SETTING_PORT), 9001);
	CHECK_INT(settings_set(&settings, "egress-allow", "10.0.0.0/8", "--egress-allow", &err), 0);
	CHECK_TEXT(settings_text(&settings, SETTING_EGRESS_ALLOW), "10.0.0.0/8");
	settings_finish(&settings);
	CHECK_INT(fds_remove_tree(state, &err), 0);
}

TEST(fds_travel_and_surplus_is_closed)
{
	int pair[2];
	struct error err;
	CHECK_INT(fds_socketpair(SOCK_SEQPACKET, pair, &err), 0);
	int sent[3] = {0, 1, 2};
	CHECK_INT(fds_send(pair[0], "hi", 2, sent, 3), 0);
	int got[2];
	size_t count = 2;
	char bytes[8];
	CHECK_INT(fds_receive(pair[1], bytes, sizeof(bytes), got, &count), 2);
	CHECK_INT(count, 2);
	CHECK(fcntl(got[0], F_GETFD) & FD_CLOEXEC);
	close(got[0]);
	close(got[1]);
	close(pair[0]);
	close(pair[1]);
}

TEST(spawn_reports_what_cannot_start)
{
	struct error err;
	const char *const argv[] = {"nothing", NULL};
	struct spawn_options options = {.path = "/nonexistent/nothing", .argv = argv};
	pid_t pid;
	CHECK_INT(spawn_process(&options, &pid, NULL, &err), -ENOENT);
	CHECK(strstr(err.text, "cannot start /nonexistent/nothing"));
}

TEST(spawn_gives_only_the_declared_descriptors)
{
	struct error err;
	int pair[2];
	CHECK_INT(fds_socketpair(SOCK_STREAM, pair, &err), 0);
	const char *const argv[] = {"sh", "-c", "ls /proc/self/fd | wc -l >&5", NULL};
	struct spawn_fd map[] = {{pair[1], 5}};
	struct spawn_options options = {.path = "/bin/sh", .argv = argv, .fds = map, .fd_count = 1};
	CHECK_INT(spawn_and_wait(&options, 5000, &err), 0);
	char text[16] = {0};
	CHECK(read(pair[0], text, sizeof(text) - 1) > 0);
	/* 0, 1, 2, 5, and ls's own descriptor of the folder */
	CHECK_INT(atoll(text), 5);
	close(pair[0]);
	close(pair[1]);
}

struct loop_probe {
	struct loop *loop;
	int order[2];
	int count;
};

static void note_timer(struct loop_timer *timer)
{
	struct loop_probe *probe = timer->data;
	probe->order[probe->count++] = timer->due_ms == 0 ? 1 : 0;
	if (probe->count == 2) {
		loop_stop(probe->loop);
	}
}

TEST(loop_runs_timers_and_stops)
{
	struct error err;
	struct loop_probe probe = {0};
	CHECK_INT(loop_create(&probe.loop, &err), 0);
	struct loop_timer first;
	struct loop_timer second;
	loop_timer_init(probe.loop, &first, note_timer, &probe);
	loop_timer_init(probe.loop, &second, note_timer, &probe);
	loop_timer_arm(&second, 20);
	loop_timer_arm(&first, 5);
	CHECK_INT(loop_run(probe.loop), 0);
	CHECK_INT(probe.count, 2);
	loop_destroy(probe.loop);
}
