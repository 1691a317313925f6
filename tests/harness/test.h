/* The project's test harness. Each TEST runs in a process of its own with a timeout and a check
 * that it leaves no descriptor open; results are TAP on standard output.
 *
 *   TEST(buffer_keeps_its_cap) { CHECK_INT(buffer_append(...), -ENOBUFS); }
 *
 * Link with tests/harness/test.c, which has main(). `PROGRAM name…` runs only those tests. */
#ifndef SAFEWEB_TESTS_HARNESS_TEST_H
#define SAFEWEB_TESTS_HARNESS_TEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct test {
	const char *name;
	void (*run)(void);
	int timeout_s;
	struct test *next;
};

#define TEST_TIMEOUT_S 10

void test_register(struct test *test);

#define TEST_WITH_TIMEOUT(test_name, seconds)                                                      \
	static void test_run_##test_name(void);                                                    \
	static struct test test_entry_##test_name = {                                              \
			#test_name, test_run_##test_name, seconds, NULL};                          \
	__attribute__((constructor)) static void test_add_##test_name(void)                        \
	{                                                                                          \
		test_register(&test_entry_##test_name);                                            \
	}                                                                                          \
	static void test_run_##test_name(void)
#define TEST(test_name) TEST_WITH_TIMEOUT(test_name, TEST_TIMEOUT_S)

/* Ends the test as failed with a message. */
void test_fail(const char *file, int line, const char *format, ...)
		__attribute__((format(printf, 3, 4), noreturn));
/* Ends the test as skipped; a failure when SAFEWEB_MUST_WORK=1. */
void test_skip(const char *reason) __attribute__((noreturn));

void test_check_int(const char *file, int line, const char *what, long long got, long long wanted);
void test_check_text(
		const char *file, int line, const char *what, const char *got, const char *wanted);
void test_check_bytes(const char *file, int line, const char *what, const void *got, size_t got_len,
		const void *wanted, size_t wanted_len);

#define CHECK(condition)                                                                           \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			test_fail(__FILE__, __LINE__, "%s is false", #condition);                  \
		}                                                                                  \
	} while (0)
#define CHECK_INT(got, wanted)                                                                     \
	test_check_int(__FILE__, __LINE__, #got, (long long)(got), (long long)(wanted))
#define CHECK_TEXT(got, wanted) test_check_text(__FILE__, __LINE__, #got, got, wanted)
#define CHECK_BYTES(got, got_len, wanted, wanted_len)                                              \
	test_check_bytes(__FILE__, __LINE__, #got, got, got_len, wanted, wanted_len)

#endif
