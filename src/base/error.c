#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int error_set(struct error *err, int code, const char *format, ...)
{
	if (!err) {
		return code;
	}
	va_list args;
	va_start(args, format);
	vsnprintf(err->text, sizeof(err->text), format, args);
	va_end(args);
	err->code = code;
	return code;
}

int error_set_errno(struct error *err, const char *format, ...)
{
	int number = errno > 0 ? errno : EIO;
	if (!err) {
		return -number;
	}
	char text[ERROR_TEXT_BYTES];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return error_set(err, -number, "%.400s: %s", text, strerror(number));
}

int error_prefix(struct error *err, const char *format, ...)
{
	if (!err) {
		return -EIO;
	}
	char prefix[ERROR_TEXT_BYTES];
	char text[ERROR_TEXT_BYTES];
	va_list args;
	va_start(args, format);
	vsnprintf(prefix, sizeof(prefix), format, args);
	va_end(args);
	memcpy(text, err->text, sizeof(text));
	return error_set(err, err->code, "%.200s: %.300s", prefix, text);
}
