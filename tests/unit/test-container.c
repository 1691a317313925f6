/* What a container is told to be, without starting one. */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "container/bundle.h"
#include "container/chromium.h"
#include "container/container.h"
#include "container/image_apt.h"
#include "container/image_recipe.h"
#include "container/seccomp.h"
#include "harness/test.h"

static struct error err;

#define ALLOWED(name, ...) seccomp_allows(name, (const uint64_t[6]){__VA_ARGS__})

TEST(seccomp_allows_what_chromium_needs)
{
	CHECK(ALLOWED("read"));
	CHECK(ALLOWED("chroot"));
	CHECK(ALLOWED("clone", CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET | 17));
	CHECK(ALLOWED("clone", 0x3d0f00)); /* a thread */
	CHECK(ALLOWED("unshare", CLONE_NEWUSER));
	CHECK(ALLOWED("socket", 1, 1 | 02000000, 0));
	CHECK(ALLOWED("socket", 2, 1 | 02000000 | 04000, 6));
	CHECK(ALLOWED("setsockopt", 5, 6, 1));
}

TEST(seccomp_refuses_the_rest)
{
	CHECK(!ALLOWED("mount"));
	CHECK(!ALLOWED("bpf"));
	CHECK(!ALLOWED("io_uring_setup"));
	CHECK(!ALLOWED("clone3"));
	CHECK(!ALLOWED("ptrace"));
	CHECK(!ALLOWED("no such call"));
	CHECK(!ALLOWED("clone", CLONE_NEWNS));
	CHECK(!ALLOWED("clone", CLONE_NEWUSER | CLONE_NEWUTS));
	CHECK(!ALLOWED("unshare", CLONE_NEWUSER | CLONE_NEWNS));
	CHECK(!ALLOWED("unshare", 0x80)); /* CLONE_NEWTIME */
	CHECK(!ALLOWED("socket", 16, 3, 0)); /* netlink */
	CHECK(!ALLOWED("socket", 17, 3, 0)); /* packet */
	CHECK(!ALLOWED("socket", 2, 3, 0)); /* raw */
	CHECK(!ALLOWED("socket", 2, 2, 1)); /* ping */
	CHECK(!ALLOWED("socket", 2, 1, 262)); /* MPTCP */
	CHECK(!ALLOWED("socket", 0x100000002, 1, 0));
	CHECK(!ALLOWED("setsockopt", 5, 0, 64)); /* netfilter's tables */
	CHECK(!ALLOWED("setsockopt", 5, 41, 64));
	CHECK(!ALLOWED("setsockopt", 5, 6, 31)); /* TCP_ULP */
	CHECK(!ALLOWED("setsockopt", 5, 1, 26)); /* SO_ATTACH_FILTER */
	CHECK(!ALLOWED("prctl", 59)); /* PR_SET_SYSCALL_USER_DISPATCH */
	CHECK(!ALLOWED("ioctl", 0, 0x5412)); /* TIOCSTI */
}

TEST(seccomp_profile_is_readable_by_runtimes)
{
	json_t *profile = seccomp_profile();
	json_t *rules = json_object_get(profile, "syscalls");
	CHECK_TEXT(json_string_value(json_object_get(profile, "defaultAction")), "SCMP_ACT_ERRNO");
	CHECK_INT(json_integer_value(json_object_get(profile, "defaultErrnoRet")), ENOSYS);
	CHECK_INT(json_array_size(json_object_get(profile, "architectures")), 1);
	for (size_t i = 0; i < json_array_size(rules); i++) {
		json_t *rule = json_array_get(rules, i);
		json_t *args = json_object_get(rule, "args");
		CHECK_TEXT(json_string_value(json_object_get(rule, "action")), "SCMP_ACT_ALLOW");
		for (size_t j = 0; j < json_array_size(args); j++) {
			json_t *value = json_object_get(json_array_get(args, j), "value");
			CHECK(json_integer_value(value) >=
					0); /* readers of unsigned numbers refuse a sign */
		}
	}
	json_decref(profile);
}

static struct container_spec example_spec(void)
{
	struct container_spec spec = {
			.id = "s1",
			.rootfs = "/image/rootfs",
			.state_dir = "/run/x",
			.uid_base = 65536 * 5,
			.netns_fd = 9,
			.window_width = 1280,
			.window_height = 720,
			.proxy_port = 3128,
	};
	container_limits_default(&spec.limits);
	return spec;
}

static json_t *at(json_t *json, const char *path)
{
	char copy[128];
	snprintf(copy, sizeof(copy), "%s", path);
	for (char *save, *key = strtok_r(copy, ".", &save); key; key = strtok_r(NULL, ".", &save)) {
		json = json_is_array(json) ? json_array_get(json, (size_t)atoi(key))
					   : json_object_get(json, key);
	}
	return json;
}

TEST(config_takes_everything_away)
{
	static const char *const sets[] = {
			"bounding", "effective", "inheritable", "permitted", "ambient"};
	struct container_spec spec = example_spec();
	json_t *config = bundle_config(&spec, NULL);
	CHECK(config != NULL);
	for (size_t i = 0; i < 5; i++) {
		json_t *set = json_object_get(at(config, "process.capabilities"), sets[i]);
		CHECK(json_is_array(set) && json_array_size(set) == 0);
	}
	CHECK(json_is_true(at(config, "process.noNewPrivileges")));
	CHECK(json_is_false(at(config, "process.terminal")));
	CHECK(json_is_true(at(config, "root.readonly")));
	CHECK_INT(json_integer_value(at(config, "process.user.uid")), CONTAINER_UID);
	CHECK_INT(json_integer_value(at(config, "linux.uidMappings.0.hostID")), 65536 * 5);
	CHECK_INT(json_integer_value(at(config, "linux.uidMappings.0.size")), 65536);
	CHECK_INT(json_array_size(at(config, "linux.namespaces")), 7);
	CHECK_TEXT(json_string_value(at(config, "hostname")), "safeweb");
	CHECK(json_is_object(at(config, "linux.seccomp")));
	json_t *mounts = at(config, "mounts");
	for (size_t i = 0; i < json_array_size(mounts); i++) {
		const char *type = json_string_value(at(json_array_get(mounts, i), "type"));
		CHECK(strcmp(type, "proc") == 0 || strcmp(type, "tmpfs") == 0);
	}
	json_decref(config);
}

TEST(extra_certificates_become_a_policy)
{
	json_t *policy;
	static const char pem[] =
			"-----BEGIN CERTIFICATE-----\nAAAA\nBBBB\n-----END CERTIFICATE-----\n"
			"x\n-----BEGIN CERTIFICATE-----\r\nCCCC\r\n-----END CERTIFICATE-----\n";
	CHECK_INT(bundle_ca_policy(pem, &policy, &err), 0);
	CHECK_TEXT(json_string_value(at(policy, "CACertificates.0")), "AAAABBBB");
	CHECK_TEXT(json_string_value(at(policy, "CACertificates.1")), "CCCC");
	json_decref(policy);
	CHECK_INT(bundle_ca_policy("nothing", &policy, &err), -EINVAL);
	CHECK_INT(bundle_ca_policy("-----BEGIN CERTIFICATE-----\nAAAA", &policy, &err), -EINVAL);
}

TEST(template_has_nothing_forbidden)
{
	json_t *arguments = chromium_arguments(3128, 1280, 720);
	bool has_proxy = false;
	for (size_t i = 0; i < json_array_size(arguments); i++) {
		const char *argument = json_string_value(json_array_get(arguments, i));
		CHECK(!chromium_argument_is_forbidden(argument, ""));
		has_proxy |= strcmp(argument, "--proxy-server=http://127.0.0.1:3128") == 0;
	}
	CHECK(has_proxy);
	json_decref(arguments);
}

TEST(sandbox_weakening_is_forbidden)
{
	CHECK(chromium_argument_is_forbidden("--no-sandbox", ""));
	CHECK(chromium_argument_is_forbidden("--no-sandbox=1", ""));
	CHECK(chromium_argument_is_forbidden("--remote-debugging-port=9222", ""));
	CHECK(chromium_argument_is_forbidden("--service-sandbox-type=none", "utility"));
	CHECK(chromium_argument_is_forbidden("--no-zygote-sandbox", "renderer"));
	CHECK(!chromium_argument_is_forbidden("--no-zygote-sandbox", "zygote"));
	CHECK(!chromium_argument_is_forbidden("--service-sandbox-type=network", "utility"));
}

TEST(only_debian_archives_are_used)
{
	char *entries = NULL;
	CHECK_INT(apt_sources_from_deb822(
				  "Types: deb deb-src\nURIs: http://m.example/debian\n"
				  "Suites: bookworm bookworm-updates bookworm-backports\n"
				  "Components: main contrib\n\n# x\nTypes: deb\n"
				  "URIs: https://deb.nodesource.com/node_20.x\nSuites: nodistro\n"
				  "Components: main\n\nTypes: deb\nEnabled: no\n"
				  "URIs: http://n.example/debian\nSuites: bookworm\n"
				  "Components: main\n",
				  "bookworm", &entries, &err),
			0);
	CHECK_INT(apt_sources_from_lines("deb http://security.debian.org/debian-security "
					 "bookworm-security main # y\n#deb http://o.example/debian "
					 "bookworm main\n"
					 "deb [arch=amd64] https://p.example/debian/ bookworm main "
					 "contrib\n"
					 "deb-src http://q.example/debian bookworm main\n"
					 "deb http://r.example/debian trixie main\n",
				  "bookworm", &entries, &err),
			0);
#define KEY "[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] "
	CHECK_TEXT(entries,
			"deb " KEY "http://m.example/debian bookworm main\n"
			"deb " KEY "http://m.example/debian bookworm-updates main\n"
			"deb " KEY
			"http://security.debian.org/debian-security bookworm-security main\n"
			"deb " KEY "https://p.example/debian/ bookworm main\n");
	free(entries);
}

TEST(plan_is_read_from_a_simulation)
{
	static struct apt_plan plan;
	char text[] = "Reading package lists...\nInst libc6 (2.36-9 Debian:12/oldstable [amd64]) "
		      "[]\n"
		      "Inst fonts (1:2-1 Debian:12/oldstable [all])\nConf libc6 (2.36-9)\n";
	char path[128];
	CHECK_INT(apt_plan_parse(&plan, text, &err), 0);
	CHECK_INT(plan.count, 2);
	CHECK_TEXT(plan.packages[0].version, "2.36-9");
	CHECK_TEXT(plan.packages[0].architecture, "amd64");
	CHECK_INT(apt_package_path(path, sizeof(path), "/c", &plan.packages[0]), 0);
	CHECK_TEXT(path, "/c/archives/libc6_2.36-9_amd64.deb");
	CHECK_INT(apt_package_path(path, sizeof(path), "/c", &plan.packages[1]), 0);
	CHECK_TEXT(path, "/c/archives/fonts_1%3a2-1_all.deb");
	CHECK_INT(apt_package_path(path, 10, "/c", &plan.packages[1]), -ENAMETOOLONG);
	apt_plan_finish(&plan);
}

TEST(recipe_is_checked)
{
	struct recipe recipe = {0};
	char good[] = "# comment\npackage chromium\n\n  keep usr/share/fonts  \n";
	CHECK_INT(recipe_parse(&recipe, good, &err), 0);
	CHECK_INT(recipe.count, 2);
	CHECK_INT(recipe.lines[1].kind, RECIPE_KEEP);
	CHECK_TEXT(recipe.lines[1].word, "usr/share/fonts");
	char bad[] = "package chromium\ninstall x\n";
	recipe = (struct recipe){0};
	CHECK_INT(recipe_parse(&recipe, bad, &err), -EINVAL);
	CHECK(strstr(err.text, "line 2") != NULL);
	char empty[] = "package\n";
	CHECK_INT(recipe_parse(&recipe, empty, &err), -EINVAL);
}
