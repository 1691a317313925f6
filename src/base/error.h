/* An error is a negative errno for the program and one sentence for the person: what failed, which
 * limit, what to do. Functions that can fail return the code and fill the last argument. */
#ifndef SAFEWEB_BASE_ERROR_H
#define SAFEWEB_BASE_ERROR_H

#define ERROR_TEXT_BYTES 512

struct error {
	int code; /* negative errno, 0 when unset */
	char text[ERROR_TEXT_BYTES]; /* one sentence, NUL-terminated, cut when longer */
};

/* Fills err (which may be NULL) and returns code, a negative errno. */
int error_set(struct error *err, int code, const char *format, ...)
		__attribute__((format(printf, 3, 4)));

/* Like error_set with the current errno, whose description is appended after a colon. */
int error_set_errno(struct error *err, const char *format, ...)
		__attribute__((format(printf, 2, 3)));

/* Puts "prefix: " before a sentence that is already there. Returns err's code. */
int error_prefix(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
