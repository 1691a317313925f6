#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/log.h"
#include "compositor/compositor.h"
#include "frame/ring.h"
#include "sandbox/sandbox.h"

struct arguments {
	unsigned long uid, gid, width, height, scale_120;
	const char *root;
	bool is_confined; /* --uid was given */
};

enum option_id {
	OPTION_UID = 1,
	OPTION_GID,
	OPTION_ROOT,
	OPTION_WIDTH,
	OPTION_HEIGHT,
	OPTION_SCALE
};

static const struct option option_table[] = {
		{"uid", required_argument, NULL, OPTION_UID},
		{"gid", required_argument, NULL, OPTION_GID},
		{"root", required_argument, NULL, OPTION_ROOT},
		{"width", required_argument, NULL, OPTION_WIDTH},
		{"height", required_argument, NULL, OPTION_HEIGHT},
		{"scale-120", required_argument, NULL, OPTION_SCALE},
		{NULL, 0, NULL, 0},
};

/* Beyond the basic ones: keymaps are sealed memory. */
static const char *const calls[] = {"memfd_create", "ftruncate", NULL};

static bool take_number(const char *text, unsigned long *number)
{
	char *end;
	errno = 0;
	unsigned long value = strtoul(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || errno || value >= UINT32_MAX) {
		return false;
	}
	*number = value;
	return true;
}

static bool take_option(struct arguments *arguments, enum option_id option, const char *text)
{
	switch (option) {
	case OPTION_UID:
		arguments->is_confined = true;
		return take_number(text, &arguments->uid) && arguments->uid != 0;
	case OPTION_GID:
		return take_number(text, &arguments->gid) && arguments->gid != 0;
	case OPTION_ROOT:
		arguments->root = text;
		return true;
	case OPTION_WIDTH:
		return take_number(text, &arguments->width);
	case OPTION_HEIGHT:
		return take_number(text, &arguments->height);
	case OPTION_SCALE:
		return take_number(text, &arguments->scale_120);
	}
	return false;
}

static bool parse(int argc, char **argv, struct arguments *arguments)
{
	int option;
	while ((option = getopt_long(argc, argv, "", option_table, NULL)) != -1) {
		if (option == '?' || !take_option(arguments, (enum option_id)option, optarg)) {
			return false;
		}
	}
	/* All of the sandbox or none of it. */
	return optind == argc &&
			arguments->is_confined == (arguments->gid != 0 && arguments->root != NULL);
}

static int init(const struct arguments *arguments, struct compositor **ret_compositor,
		struct error *err)
{
	struct rlimit space = {QUOTA_ADDRESS_SPACE_BYTES, QUOTA_ADDRESS_SPACE_BYTES};
#if !defined(__SANITIZE_ADDRESS__)
	if (setrlimit(RLIMIT_AS, &space) < 0) {
		return error_set_errno(err, "cannot limit the address space");
	}
#else
	(void)space;
#endif
	signal(SIGPIPE, SIG_IGN);
	struct sandbox_profile profile = {
			.uid = (uid_t)arguments->uid,
			.gid = (gid_t)arguments->gid,
			.root = arguments->root,
			.calls = calls,
	};
	if (arguments->is_confined) {
		int code = sandbox_enter(&profile, err);
		if (code < 0) {
			return code;
		}
	}
	struct compositor_options options = {
			.ring_fd = COMPOSITOR_FD_RING,
			.doorbell_fd = COMPOSITOR_FD_DOORBELL,
			.pacing_fd = COMPOSITOR_FD_PACING,
			.wayland_fd = COMPOSITOR_FD_WAYLAND,
			.cdp_out_fd = COMPOSITOR_FD_CDP_OUT,
			.cdp_in_fd = COMPOSITOR_FD_CDP_IN,
			.width = (uint32_t)arguments->width,
			.height = (uint32_t)arguments->height,
			.scale_120 = (uint32_t)arguments->scale_120,
	};
	return compositor_create(&options, ret_compositor, err);
}

int main(int argc, char **argv)
{
	struct arguments arguments = {.width = 1280, .height = 720, .scale_120 = 120};
	struct compositor *compositor = NULL;
	struct error err = {0};
	log_open("safeweb-compositor");
	if (!parse(argc, argv, &arguments)) {
		fputs("usage: safeweb-compositor [--uid N --gid N --root DIR] [--width N --height "
		      "N]"
		      " [--scale-120 N]\n",
				stderr);
		return 2;
	}
	int code = init(&arguments, &compositor, &err);
	if (code < 0) {
		log_error("%s", err.text);
		return 1;
	}
	code = compositor_run(compositor);
	compositor_destroy(compositor);
	return code < 0 ? 1 : 0;
}
