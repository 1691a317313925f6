/* safeweb-encoder --uid N --gid N --root FOLDER: one session's encoder. The node hands it the
 * descriptors of enum encoder_fd (frame/ring.h). */
#include <errno.h>
#include <getopt.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fds.h"
#include "base/log.h"
#include "encoder/encoder.h"
#include "sandbox/sandbox.h"

static const char *const no_more_calls[] = {NULL};

/* Memory that one frame gives back and the next one takes stays: fresh pages cost more than the
 * work on them. Consequence: up to so much more is held while idle, as far as it was ever touched.
 */
#define KEEP_HEAP_BYTES (4 * 1024 * 1024)

static void loop_cleanup(struct loop **loop)
{
	loop_destroy(*loop);
}

static int parse_number(const char *text, unsigned *ret_number, struct error *err)
{
	char *end;
	errno = 0;
	unsigned long number = strtoul(text, &end, 10);
	if (errno || end == text || *end || number > INT32_MAX) {
		return error_set(err, -EINVAL, "\"%s\" is not a user or group number", text);
	}
	*ret_number = (unsigned)number;
	return 0;
}

static int parse(int argc, char **argv, struct sandbox_profile *profile, struct error *err)
{
	static const struct option options[] = {
			{"uid", required_argument, NULL, 'u'},
			{"gid", required_argument, NULL, 'g'},
			{"root", required_argument, NULL, 'r'},
			{NULL, 0, NULL, 0},
	};
	int option;
	int code = 0;
	while (code == 0 && (option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'u':
			code = parse_number(optarg, &profile->uid, err);
			break;
		case 'g':
			code = parse_number(optarg, &profile->gid, err);
			break;
		case 'r':
			profile->root = optarg;
			break;
		default:
			code = error_set(err, -EINVAL,
					"usage: safeweb-encoder [--uid N --gid N] [--root FOLDER]");
		}
	}
	return code;
}

static int run(const struct sandbox_profile *profile, struct error *err)
{
	CLEANUP(loop_cleanup) struct loop *loop = NULL;
	struct encoder *encoder;
	const struct encoder_options options = {
			.ring_fd = ENCODER_FD_RING,
			.doorbell_fd = ENCODER_FD_DOORBELL,
			.pacing_fd = ENCODER_FD_PACING,
			.seat_fd = ENCODER_FD_SEAT,
	};
	/* Whatever the node made them: a peer that sleeps must not stop this program. */
	for (int fd = ENCODER_FD_DOORBELL; fd <= ENCODER_FD_SEAT; fd++) {
		if (fds_set_nonblocking(fd) < 0) {
			return error_set(err, -EBADF, "descriptor %d is not open", fd);
		}
	}
	int code = loop_create(&loop, err);
	if (code == 0) {
		code = encoder_create(&encoder, loop, &options, err);
	}
	if (code < 0) {
		return code;
	}
	code = sandbox_enter(profile, err);
	if (code == 0) {
		code = loop_run(loop);
		error_set(err, encoder->end_code, "%s", encoder->end_error.text);
		code = code < 0 ? code : encoder->end_code;
	}
	encoder_destroy(encoder);
	return code;
}

int main(int argc, char **argv)
{
	log_open("safeweb-encoder");
	mallopt(M_MMAP_THRESHOLD, KEEP_HEAP_BYTES);
	mallopt(M_TRIM_THRESHOLD, KEEP_HEAP_BYTES);
	struct error err = {0};
	struct sandbox_profile profile = {.calls = no_more_calls};
	int code = parse(argc, argv, &profile, &err);
	if (code == 0) {
		code = run(&profile, &err);
	}
	if (code < 0) {
		log_error("%s", err.text);
		return EXIT_FAILURE;
	}
	log_debug("%s", err.text);
	return EXIT_SUCCESS;
}
