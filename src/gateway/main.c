/* safeweb-gateway: HTTPS, login and the relay between users and their sessions. Started by `safeweb
 * up`; settings come in the environment. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "gateway/server.h"
#include "sandbox/sandbox.h"

#define EXIT_USAGE 2
#define EXIT_PORT_TAKEN 3

struct arguments {
	const char *assets;
	uid_t uid;
	gid_t gid;
};

static void print_usage(FILE *out)
{
	fprintf(out,
			"usage: safeweb-gateway --assets FOLDER [--uid UID --gid GID]\n"
			"  --assets FOLDER  the viewer's files\n"
			"  --uid, --gid     the user and group to become (numbers)\n"
			"Settings are read from the environment (SAFEWEB_…) and "
			"STATE/safeweb.conf.\n");
}

static int parse_id(const char *text, unsigned *ret_id)
{
	char *end;
	errno = 0;
	unsigned long id = strtoul(text, &end, 10);
	if (errno || *end || end == text || id == 0 || id >= UINT32_MAX) {
		return -EINVAL;
	}
	*ret_id = (unsigned)id;
	return 0;
}

/* 0, 1 when help was asked for, -EINVAL. */
static int parse_arguments(int argc, char **argv, struct arguments *ret_arguments)
{
	static const struct option options[] = {
			{"assets", required_argument, NULL, 'a'},
			{"uid", required_argument, NULL, 'u'},
			{"gid", required_argument, NULL, 'g'},
			{"help", no_argument, NULL, 'h'},
			{NULL, 0, NULL, 0},
	};
	struct arguments arguments = {0};
	int option;
	while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		int code = 0;
		if (option == 'a') {
			arguments.assets = optarg;
		} else if (option == 'u') {
			code = parse_id(optarg, &arguments.uid);
		} else if (option == 'g') {
			code = parse_id(optarg, &arguments.gid);
		} else if (option == 'h') {
			return 1;
		} else {
			code = -EINVAL;
		}
		if (code < 0) {
			return code;
		}
	}
	if (optind != argc || !arguments.assets || !arguments.uid != !arguments.gid) {
		return -EINVAL;
	}
	*ret_arguments = arguments;
	return 0;
}

static int start(struct gateway *gateway, const struct arguments *arguments, struct error *err)
{
	int code = settings_load(&gateway->settings, NULL, err);
	if (code == 0 && geteuid() == 0 && arguments->uid == 0) {
		code = error_set(err, -EPERM, "it does not run as root: give --uid and --gid");
	}
	if (code == 0) {
		code = server_bind(gateway, arguments->assets, err);
	}
	if (code == 0 && arguments->uid) {
		/* As root it makes the store's folder the gateway's; then it is let go. */
		struct store *store;
		code = store_open_sqlite(settings_text(&gateway->settings, SETTING_STATE),
				arguments->uid, arguments->gid, &store, err);
		if (code == 0) {
			store_close(store);
		}
	}
	if (code == 0) {
		struct sandbox_profile profile = {.uid = arguments->uid,
				.gid = arguments->gid,
				.calls = server_calls};
		code = sandbox_enter(&profile, err);
	}
	return code < 0 ? code : server_start(gateway, err);
}

int main(int argc, char **argv)
{
	static struct gateway gateway;
	struct arguments arguments;
	struct error err = {0};
	int code = parse_arguments(argc, argv, &arguments);
	if (code != 0) {
		print_usage(code > 0 ? stdout : stderr);
		return code > 0 ? 0 : EXIT_USAGE;
	}
	log_open("safeweb-gateway");
	code = start(&gateway, &arguments, &err);
	if (code == 0) {
		printf("serving %d\n", server_port(&gateway));
		fflush(stdout);
		code = server_run(&gateway, &err);
	}
	if (code < 0) {
		log_error("%s", err.text);
	}
	server_finish(&gateway);
	return code == 0 ? 0 : code == -EADDRINUSE ? EXIT_PORT_TAKEN : EXIT_FAILURE;
}
