#include "harness/test.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define EXIT_SKIPPED 77

static struct test *tests;
static struct test **tests_end = &tests;

void test_register(struct test *test)
{
	*tests_end = test;
	tests_end = &test->next;
}

void test_fail(const char *file, int line, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	printf("# %s:%d: ", file, line);
	vprintf(format, args);
	printf("\n");
	va_end(args);
	fflush(stdout);
	_exit(1);
}

void test_skip(const char *reason)
{
	const char *must_work = getenv("SAFEWEB_MUST_WORK");
	printf("# skipped: %s\n", reason);
	fflush(stdout);
	_exit(must_work && strcmp(must_work, "1") == 0 ? 1 : EXIT_SKIPPED);
}

void test_check_int(const char *file, int line, const char *what, long long got, long long wanted)
{
	if (got != wanted) {
		test_fail(file, line, "%s is %lld, wanted %lld", what, got, wanted);
	}
}

void test_check_text(
		const char *file, int line, const char *what, const char *got, const char *wanted)
{
	if (!got || !wanted || strcmp(got, wanted) != 0) {
		test_fail(file, line, "%s is \"%s\", wanted \"%s\"", what, got ? got : "(null)",
				wanted ? wanted : "(null)");
	}
}

void test_check_bytes(const char *file, int line, const char *what, const void *got, size_t got_len,
		const void *wanted, size_t wanted_len)
{
	const unsigned char *a = got;
	const unsigned char *b = wanted;
	if (got_len != wanted_len) {
		test_fail(file, line, "%s has %zu bytes, wanted %zu", what, got_len, wanted_len);
	}
	for (size_t i = 0; i < got_len; i++) {
		if (a[i] != b[i]) {
			test_fail(file, line, "%s differs at byte %zu: 0x%02x, wanted 0x%02x", what,
					i, a[i], b[i]);
		}
	}
}

static int count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int count = 0;
	while (dir && readdir(dir)) {
		count++;
	}
	if (dir) {
		closedir(dir);
	}
	return count;
}

static void run_in_child(const struct test *test)
{
	setpgid(0, 0);
	int before = count_fds();
	test->run();
	int after = count_fds();
	if (after != before) {
		test_fail(test->name, 0, "the test leaves %d descriptors open", after - before);
	}
	fflush(stdout);
	exit(0);
}

/* Returns the wait status, or -1 after a timeout. */
static int wait_for(pid_t pid, int timeout_s)
{
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct pollfd end = {.fd = pidfd, .events = POLLIN};
	int ready;
	do {
		ready = poll(&end, 1, timeout_s * 1000);
	} while (ready < 0 && errno == EINTR);
	close(pidfd);
	kill(-pid, SIGKILL);
	kill(pid, SIGKILL);
	int status;
	waitpid(pid, &status, 0);
	return ready > 0 ? status : -1;
}

static bool is_wanted(const struct test *test, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], test->name) == 0) {
			return true;
		}
	}
	return argc < 2;
}

/* Prints the TAP line and returns true unless the test failed. */
static bool run_test(const struct test *test, int number)
{
	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0) {
		run_in_child(test);
	}
	int status = wait_for(pid, test->timeout_s);
	if (status == -1) {
		printf("not ok %d - %s # no end within %d s\n", number, test->name,
				test->timeout_s);
		return false;
	}
	if (WIFSIGNALED(status)) {
		printf("not ok %d - %s # died of signal %d\n", number, test->name,
				WTERMSIG(status));
		return false;
	}
	if (WEXITSTATUS(status) == EXIT_SKIPPED) {
		printf("ok %d - %s # SKIP\n", number, test->name);
		return true;
	}
	bool passed = WEXITSTATUS(status) == 0;
	printf("%s %d - %s\n", passed ? "ok" : "not ok", number, test->name);
	return passed;
}

int main(int argc, char **argv)
{
	int count = 0;
	for (const struct test *test = tests; test; test = test->next) {
		count += is_wanted(test, argc, argv);
	}
	printf("TAP version 13\n1..%d\n", count);
	int number = 0;
	bool all_passed = true;
	for (const struct test *test = tests; test; test = test->next) {
		if (is_wanted(test, argc, argv)) {
			all_passed &= run_test(test, ++number);
		}
	}
	return all_passed ? 0 : 1;
}
