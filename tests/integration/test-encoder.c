/* safeweb-encoder as the node starts it: as another user, in an empty root, behind its system call
 * list. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/spawn.h"
#include "unit/encoder-rig.h"

#define WIDTH 1280
#define HEIGHT 720
#define USER 64001

struct running {
	struct rig rig;
	pid_t pid;
	int pidfd;
	char root[64];
};

static void start(struct running *running)
{
	struct error err = {0};
	rig_open_without_encoder(&running->rig);
	snprintf(running->root, sizeof(running->root), "/tmp/safeweb-test-encoder-XXXXXX");
	CHECK(mkdtemp(running->root));
	const char *program = getenv("SAFEWEB_ENCODER_PROGRAM");
	CHECK(program);
	char user[16];
	snprintf(user, sizeof(user), "%d", USER);
	bool is_root = geteuid() == 0;
	const char *as_user[] = {
			program, "--uid", user, "--gid", user, "--root", running->root, NULL};
	const char *as_is[] = {program, NULL};
	struct spawn_fd fds[4];
	for (int i = 0; i < 4; i++) {
		fds[i] = (struct spawn_fd){running->rig.encoder_fds[i], ENCODER_FD_RING + i};
	}
	const struct spawn_options options = {
			.path = program,
			.argv = is_root ? as_user : as_is,
			.fds = fds,
			.fd_count = ARRAY_LENGTH(fds),
	};
	CHECK_INT(spawn_process(&options, &running->pid, &running->pidfd, &err), 0);
	for (int i = 0; i < 4; i++) {
		cleanup_close(&running->rig.encoder_fds[i]);
	}
}

/* Waits for the program to end by itself. */
static int finish(struct running *running)
{
	int status = 0;
	CHECK_INT(waitpid(running->pid, &status, 0), running->pid);
	close(running->pidfd);
	rmdir(running->root);
	rig_close(&running->rig);
	return status;
}

static void draw(uint32_t *picture, unsigned seed)
{
	for (size_t i = 0; i < WIDTH * HEIGHT; i++) {
		uint32_t shade = rand_r(&seed) % 4 ? 0xf0 : 0x30;
		picture[i] = i % WIDTH < 900 ? 0xff000000u | shade * 0x010101u
					     : 0xff000000u | ((uint32_t)rand_r(&seed) & 0x1f1f1f);
	}
}

static void check_user(const struct running *running)
{
	if (geteuid() == 0) {
		char path[64];
		struct stat status;
		snprintf(path, sizeof(path), "/proc/%d/root/", (int)running->pid);
		struct stat root;
		CHECK_INT(stat(path, &root), 0);
		CHECK_INT(stat(running->root, &status), 0);
		CHECK_INT(root.st_ino, status.st_ino);
		snprintf(path, sizeof(path), "/proc/%d/status", (int)running->pid);
		CLEANUP_FILE FILE *file = fopen(path, "re");
		CHECK(file);
		char line[256];
		int found = 0;
		while (fgets(line, sizeof(line), file)) {
			found += strncmp(line, "Uid:\t64001\t64001\t64001", 22) == 0;
			found += strcmp(line, "Seccomp:\t2\n") == 0;
			found += strcmp(line, "NoNewPrivs:\t1\n") == 0;
			found += strcmp(line, "CapEff:\t0000000000000000\n") == 0;
		}
		CHECK_INT(found, 4);
	}
}

TEST_WITH_TIMEOUT(the_program_serves_a_client_from_its_sandbox, 60)
{
	struct running running;
	struct rig *rig = &running.rig;
	struct rect whole = {0, 0, WIDTH, HEIGHT};
	uint32_t *picture = malloc(WIDTH * HEIGHT * sizeof(*picture));
	start(&running);
	draw(picture, 1);
	rig_place(rig, 1, WIRE_ROLE_MAIN);
	rig_frame(rig, 1, picture, WIDTH, HEIGHT, &whole, 1);
	rig_step(rig);
	CHECK_INT(rig->seat_counts[WIRE_SEAT_READY], 1);
	check_user(&running);
	rig_attach(rig, true);
	rig_wait(rig, 1000);
	rig_check_shown(rig, 1, picture);
	CHECK(rig->jpegs > 0);
	for (unsigned i = 0; i < 5; i++) {
		draw(picture, i + 2);
		rig_frame(rig, 1, picture, WIDTH, HEIGHT, &whole, 1);
		rig_step(rig);
	}
	rig_wait(rig, 1000);
	rig_check_shown(rig, 1, picture);
	/* A second client, then the end. */
	rig_attach(rig, true);
	rig_wait(rig, 500);
	rig_check_shown(rig, 1, picture);
	uint8_t bytes[16];
	struct wire_seat_end end = {.reason = WIRE_REASON_IDLE};
	size_t len = (size_t)wire_seat_end_encode(&end, bytes, sizeof(bytes));
	CHECK_INT(write(rig->seat, bytes, len), (ssize_t)len);
	rig_step(rig);
	CHECK_INT(rig->bye_reason, WIRE_REASON_IDLE);
	CHECK(rig->client_ended);
	free(picture);
	CHECK_INT(finish(&running), 0);
}

static unsigned long cpu_ticks(pid_t pid)
{
	char path[64];
	char text[1024] = "";
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	CLEANUP_FILE FILE *file = fopen(path, "re");
	CHECK(file && fgets(text, sizeof(text), file));
	unsigned long user = 0;
	unsigned long system = 0;
	CHECK_INT(sscanf(strrchr(text, ')'),
				  ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user,
				  &system),
			2);
	return user + system;
}

static unsigned long switches(pid_t pid)
{
	char path[64];
	char line[256];
	unsigned long count = 0;
	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	CLEANUP_FILE FILE *file = fopen(path, "re");
	CHECK(file);
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "voluntary_ctxt_switches: %lu", &count) == 1) {
			return count;
		}
	}
	test_fail(__FILE__, __LINE__, "no count of switches");
}

TEST_WITH_TIMEOUT(the_program_sleeps_while_nothing_happens, 60)
{
	struct running running;
	struct rig *rig = &running.rig;
	struct rect whole = {0, 0, WIDTH, HEIGHT};
	uint32_t *picture = malloc(WIDTH * HEIGHT * sizeof(*picture));
	start(&running);
	draw(picture, 1);
	rig_place(rig, 1, WIRE_ROLE_MAIN);
	rig_attach(rig, true);
	rig_frame(rig, 1, picture, WIDTH, HEIGHT, &whole, 1);
	rig_wait(rig, 1500);
	rig_check_shown(rig, 1, picture);
	unsigned long ticks = cpu_ticks(running.pid);
	unsigned long before = switches(running.pid);
	sleep(2);
	CHECK_INT(cpu_ticks(running.pid) - ticks, 0);
	CHECK_INT(switches(running.pid) - before, 0);
	close(rig->seat);
	rig->seat = -1;
	free(picture);
	CHECK_INT(finish(&running), 0);
}

TEST_WITH_TIMEOUT(the_program_ends_when_the_ring_is_bad, 60)
{
	struct running running;
	start(&running);
	rig_attach(&running.rig, true);
	struct ring_record *record = ring_writer_begin(&running.rig.ring);
	record->kind = 1234;
	rig_publish(&running.rig);
	rig_step(&running.rig);
	CHECK_INT(running.rig.bye_reason, WIRE_REASON_FAILED);
	int status = finish(&running);
	CHECK(WIFEXITED(status));
	CHECK_INT(WEXITSTATUS(status), EXIT_FAILURE);
}
