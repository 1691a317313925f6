/* safeweb-egress: the HTTP proxy of a node. Descriptor 3 is the control socket to the node. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "base/settings.h"
#include "egress/egress.h"
#include "sandbox/sandbox.h"

#define CONTROL_FD 3

static int parse_id(const char *text, unsigned *ret_id)
{
	char *end;
	errno = 0;
	unsigned long id = strtoul(text, &end, 10);
	if (errno || end == text || *end || id > 0x7fffffff) {
		return -EINVAL;
	}
	*ret_id = (unsigned)id;
	return 0;
}

static int parse_arguments(int argc, char **argv, struct sandbox_profile *profile)
{
	static const struct option options[] = {{"uid", required_argument, NULL, 'u'},
			{"gid", required_argument, NULL, 'g'},
			{"root", required_argument, NULL, 'r'}, {NULL, 0, NULL, 0}};
	int code = 0;
	int option;
	while (code == 0 && (option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'u':
			code = parse_id(optarg, &profile->uid);
			break;
		case 'g':
			code = parse_id(optarg, &profile->gid);
			break;
		case 'r':
			profile->root = optarg;
			break;
		default:
			code = -EINVAL;
		}
	}
	if (code < 0 || optind != argc) {
		fprintf(stderr, "usage: safeweb-egress [--uid N --gid N] [--root FOLDER]\n");
		return -EINVAL;
	}
	return 0;
}

static int start(struct loop *loop, const struct settings *settings,
		const struct sandbox_profile *profile, struct egress **ret_egress,
		struct error *err)
{
	struct egress_options options = {
			.control_fd = CONTROL_FD,
			.allow = settings_text(settings, SETTING_EGRESS_ALLOW),
			.dns = settings_text(settings, SETTING_EGRESS_DNS),
			.proxy = settings_text(settings, SETTING_EGRESS_PROXY),
			.limits = &egress_standard_limits,
	};
	int code = egress_create(loop, &options, ret_egress, err);
	if (code < 0) {
		return code;
	}
	tzset(); /* early, for there is no file to read it from inside */
	code = sandbox_enter(profile, err);
	if (code < 0) {
		egress_destroy(*ret_egress);
	}
	return code;
}

int main(int argc, char **argv)
{
	struct sandbox_profile profile = {.calls = egress_calls};
	struct settings settings = {0};
	struct loop *loop = NULL;
	struct egress *egress = NULL;
	struct error err = {0};
	log_open("safeweb-egress");
	if (parse_arguments(argc, argv, &profile) < 0) {
		return EXIT_FAILURE;
	}
	signal(SIGPIPE, SIG_IGN);
	int code = settings_load(&settings, NULL, &err);
	if (code == 0) {
		code = loop_create(&loop, &err);
	}
	if (code == 0) {
		code = start(loop, &settings, &profile, &egress, &err);
	}
	if (code == 0) {
		code = loop_run(loop);
		egress_destroy(egress);
	} else {
		log_error("%s", err.text);
	}
	loop_destroy(loop);
	settings_finish(&settings);
	return code < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
