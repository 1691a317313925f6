#include "base/log.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* A longer message is cut; one write(2) keeps lines of several processes apart. */
#define LOG_LINE_BYTES 1024

static const char *log_program = "safeweb";
static enum log_level log_limit = LOG_LEVEL_INFO;
static bool log_with_time = true;
static const char *const level_names[] = {"error", "warning", "info", "debug"};

void log_open(const char *program)
{
	log_program = program;
	log_with_time = !isatty(STDERR_FILENO);
	const char *wanted = getenv("SAFEWEB_LOG");
	for (int i = 0; wanted && i < 4; i++) {
		if (strcmp(wanted, level_names[i]) == 0) {
			log_limit = (enum log_level)i;
		}
	}
}

static size_t append_time(char *line, size_t size)
{
	struct timespec now;
	struct tm parts;
	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &parts);
	size_t len = strftime(line, size, "%Y-%m-%dT%H:%M:%S", &parts);
	int more = snprintf(line + len, size - len, ".%03ldZ ", now.tv_nsec / 1000000);
	return len + (size_t)more;
}

void log_write(enum log_level level, const char *format, ...)
{
	if (level > log_limit) {
		return;
	}
	char text[LOG_LINE_BYTES - 128];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	for (char *c = text; *c; c++) {
		if ((unsigned char)*c < 0x20 || *c == 0x7f) {
			*c = '?';
		}
	}
	char line[LOG_LINE_BYTES];
	size_t len = log_with_time ? append_time(line, sizeof(line)) : 0;
	int more = snprintf(line + len, sizeof(line) - len, "%s %s: %s\n", level_names[level],
			log_program, text);
	if (more > 0) {
		len += (size_t)more < sizeof(line) - len ? (size_t)more : sizeof(line) - len - 1;
		/* A log that cannot be written has nowhere to complain. */
		ssize_t written = write(STDERR_FILENO, line, len);
		(void)written;
	}
}
