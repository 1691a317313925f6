/* safeweb-node: makes, pools, limits and reaps the sessions of one machine. */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/settings.h"
#include "container/container.h"
#include "node/capabilities.h"
#include "node/node.h"

#define USAGE                                                                                      \
	"usage: safeweb-node [--libexec DIR] [--image DIR] [--recipe DIR] [--reap]\n"              \
	"  --libexec DIR  where safeweb-compositor, -encoder and -egress are\n"                    \
	"  --image DIR    the browser image's root; without it the current one of the state "      \
	"folder\n"                                                                                 \
	"  --recipe DIR   the installed image recipe that the current image has to be made by\n"   \
	"  --reap         end and remove what a dead node left, then exit\n"                       \
	"Settings come from the environment and the state folder's safeweb.conf.\n"

struct arguments {
	struct node_options options;
	bool is_reaping;
};

static int parse(int argc, char **argv, struct arguments *arguments)
{
	*arguments = (struct arguments){.options = {.libexec = LIBEXEC_DIR}};
	for (int i = 1; i < argc; i++) {
		bool has_value = i + 1 < argc;
		if (strcmp(argv[i], "--libexec") == 0 && has_value) {
			arguments->options.libexec = argv[++i];
		} else if (strcmp(argv[i], "--image") == 0 && has_value) {
			arguments->options.image = argv[++i];
		} else if (strcmp(argv[i], "--recipe") == 0 && has_value) {
			arguments->options.recipe = argv[++i];
		} else if (strcmp(argv[i], "--reap") == 0) {
			arguments->is_reaping = true;
		} else {
			return -EINVAL;
		}
	}
	if (arguments->options.libexec[0] != '/' ||
			(arguments->options.image && arguments->options.image[0] != '/')) {
		fprintf(stderr, "safeweb-node: --libexec and --image take absolute paths\n");
		return -EINVAL;
	}
	return 0;
}

static int reap(const struct settings *settings, struct error *err)
{
	struct place place;
	int code = place_open(&place, settings_text(settings, SETTING_RUN), err);
	if (code == 0) {
		code = place_reap(&place, err);
		place_close(&place);
	}
	return code;
}

static void handle_signal(void *data, const struct signalfd_siginfo *info)
{
	(void)info;
	node_stop(data);
}

static int serve(const struct settings *settings, const struct node_options *options,
		struct error *err)
{
	static const int signals[] = {SIGTERM, SIGINT, SIGHUP};
	struct loop *loop = NULL;
	struct node node;
	int code = loop_create(&loop, err);
	if (code < 0) {
		return code;
	}
	code = node_init(&node, loop, settings, options, err);
	if (code == 0) {
		code = loop_catch_signals(
				loop, signals, ARRAY_LENGTH(signals), handle_signal, &node, err);
	}
	if (code == 0) {
		node_start(&node);
		code = loop_run(loop);
	}
	node_finish(&node);
	loop_destroy(loop);
	return code;
}

int main(int argc, char **argv)
{
	struct arguments arguments;
	struct settings settings;
	struct error err = {0};
	log_open("safeweb-node");
	signal(SIGPIPE, SIG_IGN);
	if (parse(argc, argv, &arguments) < 0) {
		fputs(USAGE, stderr);
		return 2;
	}
	if (geteuid() != 0) {
		log_error("safeweb-node makes namespaces and has to be started as root");
		return 1;
	}
	int code = settings_load(&settings, NULL, &err);
	if (code == 0) {
		code = container_prepare(&err);
	}
	if (code == 0) {
		code = capabilities_reduce(&err);
	}
	if (code == 0) {
		code = arguments.is_reaping ? reap(&settings, &err)
					    : serve(&settings, &arguments.options, &err);
	}
	if (code < 0) {
		log_error("%s", err.code ? err.text : strerror(-code));
	}
	settings_finish(&settings);
	return code < 0 ? 1 : 0;
}
