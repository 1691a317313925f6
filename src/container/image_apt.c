#include "container/image_apt.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fds.h"
#include "container/image_run.h"

#define LIST_BYTES_MAX (1U << 20)
#define APT_PATH_BYTES 512
#define APT_TIMEOUT_MS (30 * 60 * 1000) /* a slow line and 250 MB */
#define DEBIAN_KEYRING "/usr/share/keyrings/debian-archive-keyring.gpg"

/* A Debian archive, by the last part of its address. */
static bool is_debian_address(const char *uri)
{
	CLEANUP_FREE char *copy = strdup(uri);
	size_t len = copy ? strlen(copy) : 0;
	while (len > 0 && copy[len - 1] == '/') {
		copy[--len] = '\0';
	}
	const char *last = copy ? strrchr(copy, '/') : NULL;
	return last && (strcmp(last, "/debian") == 0 || strcmp(last, "/debian-security") == 0);
}

static bool is_release_suite(const char *suite, const char *codename)
{
	size_t len = strlen(codename);
	if (strncmp(suite, codename, len) != 0) {
		return false;
	}
	const char *rest = suite + len;
	return *rest == '\0' || strcmp(rest, "-updates") == 0 || strcmp(rest, "-security") == 0 ||
			strcmp(rest, "/updates") == 0;
}

static int add_entry(char **entries, const char *uri, const char *suite, struct error *err)
{
	char *longer = NULL;
	if (asprintf(&longer, "%sdeb [signed-by=%s] %s %s main\n", *entries ? *entries : "",
			    DEBIAN_KEYRING, uri, suite) < 0) {
		return error_set(err, -ENOMEM, "out of memory for package sources");
	}
	free(*entries);
	*entries = longer;
	return 0;
}

static bool has_word(const char *text, const char *word)
{
	CLEANUP_FREE char *copy = strdup(text);
	char *save;
	for (char *at = copy ? strtok_r(copy, " \t", &save) : NULL; at;
			at = strtok_r(NULL, " \t", &save)) {
		if (strcmp(at, word) == 0) {
			return true;
		}
	}
	return false;
}

/* "deb [options] uri suite component…" */
static int take_line(char *line, const char *codename, char **entries, struct error *err)
{
	line[strcspn(line, "#")] = '\0';
	line += strspn(line, " \t");
	if (strncmp(line, "deb", 3) != 0 || !isblank((unsigned char)line[3])) {
		return 0;
	}
	line += 3 + strspn(line + 3, " \t");
	if (*line == '[') {
		char *close = strchr(line, ']');
		line = close ? close + 1 : line;
	}
	char *save;
	char *uri = strtok_r(line, " \t", &save);
	char *suite = strtok_r(NULL, " \t", &save);
	if (!uri || !suite || !is_debian_address(uri) || !is_release_suite(suite, codename) ||
			!has_word(save, "main")) {
		return 0;
	}
	return add_entry(entries, uri, suite, err);
}

int apt_sources_from_lines(
		const char *text, const char *codename, char **entries, struct error *err)
{
	CLEANUP_FREE char *copy = strdup(text);
	if (!copy) {
		return error_set(err, -ENOMEM, "out of memory for package sources");
	}
	char *save;
	int code = 0;
	for (char *line = strtok_r(copy, "\n", &save); code == 0 && line;
			line = strtok_r(NULL, "\n", &save)) {
		code = take_line(line, codename, entries, err);
	}
	return code;
}

struct stanza {
	char types[64];
	char uris[512];
	char suites[256];
	char components[128];
	char enabled[16];
};

static int take_stanza(
		struct stanza *stanza, const char *codename, char **entries, struct error *err)
{
	int code = 0;
	if (has_word(stanza->types, "deb") && has_word(stanza->components, "main") &&
			strcasecmp(stanza->enabled, "no") != 0) {
		char *save_uri;
		for (char *uri = strtok_r(stanza->uris, " \t", &save_uri); code == 0 && uri;
				uri = strtok_r(NULL, " \t", &save_uri)) {
			char suites[sizeof(stanza->suites)];
			memcpy(suites, stanza->suites, sizeof(suites));
			char *save;
			for (char *suite = strtok_r(suites, " \t", &save); code == 0 && suite;
					suite = strtok_r(NULL, " \t", &save)) {
				if (is_debian_address(uri) && is_release_suite(suite, codename)) {
					code = add_entry(entries, uri, suite, err);
				}
			}
		}
	}
	*stanza = (struct stanza){0};
	return code;
}

static void take_field(struct stanza *stanza, const char *line)
{
	const struct {
		const char *name;
		char *value;
		size_t size;
	} fields[] = {
			{"Types:", stanza->types, sizeof(stanza->types)},
			{"URIs:", stanza->uris, sizeof(stanza->uris)},
			{"Suites:", stanza->suites, sizeof(stanza->suites)},
			{"Components:", stanza->components, sizeof(stanza->components)},
			{"Enabled:", stanza->enabled, sizeof(stanza->enabled)},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(fields); i++) {
		size_t len = strlen(fields[i].name);
		if (strncasecmp(line, fields[i].name, len) == 0) {
			const char *value = line + len + strspn(line + len, " \t");
			snprintf(fields[i].value, fields[i].size, "%s", value);
		}
	}
}

int apt_sources_from_deb822(
		const char *text, const char *codename, char **entries, struct error *err)
{
	CLEANUP_FREE char *copy = strdup(text);
	if (!copy) {
		return error_set(err, -ENOMEM, "out of memory for package sources");
	}
	struct stanza stanza = {0};
	int code = 0;
	for (char *line = copy; code == 0 && line;) {
		char *next = strchr(line, '\n');
		if (next) {
			*next++ = '\0';
		}
		if (line[strspn(line, " \t\r")] == '\0') {
			code = take_stanza(&stanza, codename, entries, err);
		} else if (line[0] != '#') {
			take_field(&stanza, line);
		}
		line = next;
	}
	return code < 0 ? code : take_stanza(&stanza, codename, entries, err);
}

static bool ends_with(const char *text, const char *end)
{
	size_t text_len = strlen(text);
	size_t end_len = strlen(end);
	return text_len >= end_len && strcmp(text + text_len - end_len, end) == 0;
}

static int take_file(const char *path, const char *codename, char **entries, struct error *err)
{
	CLEANUP_FREE char *text = NULL;
	size_t len;
	if (fds_read_file(AT_FDCWD, path, LIST_BYTES_MAX, &text, &len, NULL) < 0) {
		return 0;
	}
	return ends_with(path, ".sources") ? apt_sources_from_deb822(text, codename, entries, err)
					   : apt_sources_from_lines(text, codename, entries, err);
}

static int read_codename(char *ret, size_t size, struct error *err)
{
	CLEANUP_FREE char *text = NULL;
	size_t len;
	int code = fds_read_file(AT_FDCWD, "/usr/lib/os-release", LIST_BYTES_MAX, &text, &len, err);
	const char *found = code == 0 ? strstr(text, "\nVERSION_CODENAME=") : NULL;
	if (!found) {
		return error_set(err, -EOPNOTSUPP, "the browser image can only be built on Debian");
	}
	found += strlen("\nVERSION_CODENAME=");
	snprintf(ret, size, "%.*s", (int)strcspn(found, "\n"), found);
	return 0;
}

/* The machine's Debian mirrors as one source list. */
static int collect_sources(char **ret_entries, struct error *err)
{
	char codename[64];
	CLEANUP_FREE char *entries = NULL;
	int code = read_codename(codename, sizeof(codename), err);
	if (code == 0) {
		code = take_file("/etc/apt/sources.list", codename, &entries, err);
	}
	CLEANUP_DIR DIR *dir = opendir("/etc/apt/sources.list.d");
	for (struct dirent *entry; code == 0 && dir && (entry = readdir(dir));) {
		char path[APT_PATH_BYTES];
		snprintf(path, sizeof(path), "/etc/apt/sources.list.d/%s", entry->d_name);
		if (ends_with(path, ".list") || ends_with(path, ".sources")) {
			code = take_file(path, codename, &entries, err);
		}
	}
	if (code == 0 && !entries) {
		code = error_set(err, -ENOENT,
				"no Debian archive for %s is in /etc/apt/sources.list*", codename);
	}
	if (code == 0) {
		*ret_entries = steal_ptr(entries);
	}
	return code;
}

static int prepare_folder(const char *folder, struct error *err)
{
	static const char *const folders[] = {"lists/partial", "archives/partial"};
	char path[APT_PATH_BYTES];
	CLEANUP_FREE char *entries = NULL;
	int code = collect_sources(&entries, err);
	for (size_t i = 0; code == 0 && i < ARRAY_LENGTH(folders); i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, folders[i]);
		code = fds_make_directories(path, 0755, err);
	}
	if (code == 0) {
		snprintf(path, sizeof(path), "%s/sources.list", folder);
		code = fds_write_file(AT_FDCWD, path, entries, strlen(entries), 0644, err);
	}
	if (code == 0) {
		snprintf(path, sizeof(path), "%s/status", folder); /* nothing is installed */
		code = fds_write_file(AT_FDCWD, path, "", 0, 0644, err);
	}
	return code;
}

#define APT_OPTIONS_MAX 16
#define APT_ARGUMENTS_MAX (2 * APT_OPTIONS_MAX + RECIPE_LINES_MAX + 8)

/* Runs apt-get on the folder's own state. words: subcommand and its options, NULL-terminated. */
static int run_apt(const char *folder, const char *const *words, const struct recipe *recipe,
		char **ret_output, struct error *err)
{
	static const struct {
		const char *name;
		const char *file; /* below the folder; NULL: the name is the whole option */
	} options[] = {
			{"Dir::State=", ""},
			{"Dir::State::lists=", "lists"},
			{"Dir::State::status=", "status"},
			{"Dir::Cache=", ""},
			{"Dir::Cache::archives=", "archives"},
			{"Dir::Etc::sourcelist=", "sources.list"},
			{"Dir::Etc::sourceparts=-", NULL},
			{"Dir::Etc::preferencesparts=-", NULL},
			{"APT::Sandbox::User=root", NULL}, /* the folder is not open to others */
			{"APT::Install-Recommends=false", NULL},
			{"APT::Get::Assume-Yes=true", NULL},
			{"Acquire::Languages=none", NULL},
			{"Acquire::Retries=3", NULL},
	};
	static char values[ARRAY_LENGTH(options)][APT_PATH_BYTES + 64];
	const char *argv[APT_ARGUMENTS_MAX] = {"/usr/bin/apt-get", "-q"};
	size_t count = 2;
	for (size_t i = 0; i < ARRAY_LENGTH(options); i++) {
		snprintf(values[i], sizeof(values[i]), "%s%s%s%s", options[i].name,
				options[i].file ? folder : "", options[i].file ? "/" : "",
				options[i].file ? options[i].file : "");
		argv[count++] = "-o";
		argv[count++] = values[i];
	}
	for (size_t i = 0; words[i]; i++) {
		argv[count++] = words[i];
	}
	for (size_t i = 0; recipe && i < recipe->count; i++) {
		if (recipe->lines[i].kind == RECIPE_PACKAGE) {
			argv[count++] = recipe->lines[i].word;
		}
	}
	argv[count] = NULL;
	return image_run(argv, APT_TIMEOUT_MS, ret_output, err);
}

static int add_package(struct apt_plan *plan, const char *name, const char *version,
		const char *architecture, struct error *err)
{
	if (plan->count == APT_PACKAGES_MAX) {
		return error_set(err, -E2BIG, "the image would need more than %d packages",
				APT_PACKAGES_MAX);
	}
	struct apt_package *package = &plan->packages[plan->count++];
	package->name = strdup(name);
	package->version = strdup(version);
	package->architecture = strdup(architecture);
	if (!package->name || !package->version || !package->architecture) {
		return error_set(err, -ENOMEM, "out of memory for the list of packages");
	}
	return 0;
}

int apt_plan_parse(struct apt_plan *plan, char *text, struct error *err)
{
	char *save;
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char name[128];
		char version[128];
		if (sscanf(line, "Inst %127s (%127s ", name, version) != 2) {
			continue;
		}
		const char *open = strchr(line, '['); /* the first is the architecture */
		if (!open) {
			continue;
		}
		char architecture[32];
		snprintf(architecture, sizeof(architecture), "%.*s", (int)strcspn(open + 1, "]"),
				open + 1);
		int code = add_package(plan, name, version, architecture, err);
		if (code < 0) {
			return code;
		}
	}
	return 0;
}

int apt_plan(struct apt_plan *ret_plan, const char *folder, const struct recipe *recipe,
		struct error *err)
{
	static const char *const update[] = {"update", NULL};
	static const char *const simulate[] = {"--simulate", "install", NULL};
	CLEANUP_FREE char *output = NULL;
	*ret_plan = (struct apt_plan){0};
	int code = prepare_folder(folder, err);
	if (code == 0) {
		code = run_apt(folder, update, NULL, NULL, err);
	}
	if (code == 0) {
		code = run_apt(folder, simulate, recipe, &output, err);
	}
	if (code == 0) {
		code = apt_plan_parse(ret_plan, output, err);
	}
	if (code == 0 && ret_plan->count == 0) {
		code = error_set(err, -EIO, "apt-get names no package to unpack");
	}
	if (code < 0) {
		apt_plan_finish(ret_plan);
	}
	return code;
}

int apt_download(const char *folder, const struct recipe *recipe, struct error *err)
{
	static const char *const download[] = {"--download-only", "install", NULL};
	return run_apt(folder, download, recipe, NULL, err);
}

int apt_package_path(char *path, size_t size, const char *folder, const struct apt_package *package)
{
	/* apt writes the colon of an epoch as %3a. */
	const char *colon = strchr(package->version, ':');
	int epoch_len = colon ? (int)(colon - package->version) : 0;
	int len = snprintf(path, size, "%s/archives/%s_%.*s%s%s_%s.deb", folder, package->name,
			epoch_len, package->version, colon ? "%3a" : "",
			colon ? colon + 1 : package->version, package->architecture);
	return len > 0 && (size_t)len < size ? 0 : -ENAMETOOLONG;
}

static bool plan_has_file(const struct apt_plan *plan, const char *folder, const char *path)
{
	for (size_t i = 0; i < plan->count; i++) {
		char wanted[APT_PATH_BYTES];
		if (apt_package_path(wanted, sizeof(wanted), folder, &plan->packages[i]) == 0 &&
				strcmp(wanted, path) == 0) {
			return true;
		}
	}
	return false;
}

void apt_prune(const char *folder, const struct apt_plan *plan)
{
	char path[APT_PATH_BYTES];
	snprintf(path, sizeof(path), "%s/archives", folder);
	CLEANUP_DIR DIR *dir = opendir(path);
	for (struct dirent *entry; dir && (entry = readdir(dir));) {
		int len = snprintf(path, sizeof(path), "%s/archives/%s", folder, entry->d_name);
		if (len < (int)sizeof(path) && ends_with(path, ".deb") &&
				!plan_has_file(plan, folder, path)) {
			unlink(path);
		}
	}
}

void apt_plan_finish(struct apt_plan *plan)
{
	for (size_t i = 0; i < plan->count; i++) {
		free(plan->packages[i].name);
		free(plan->packages[i].version);
		free(plan->packages[i].architecture);
	}
	plan->count = 0;
}
