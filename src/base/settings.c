#include "base/settings.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fds.h"

static const struct setting_info infos[SETTING_COUNT] = {
		[SETTING_PORT] = {"port", SETTING_NUMBER, "8443", 1, 65535,
				"TCP port of the gateway (HTTPS)", false},
		[SETTING_LISTEN] = {"listen", SETTING_TEXT, "", 0, 0,
				"address the gateway listens on; empty: every address", false},
		[SETTING_STATE] = {"state", SETTING_TEXT, "/var/lib/safeweb", 0, 0,
				"folder of everything kept: store, certificate, browser image",
				false},
		[SETTING_RUN] = {"run", SETTING_TEXT, "/run/safeweb", 0, 0,
				"folder on a tmpfs for sockets and what lives as long as a session",
				false},
		[SETTING_ADMIN_PASSWORD] = {"admin_password", SETTING_TEXT, "", 0, 0,
				"password of the first account, admin; empty: a random one, "
				"printed once",
				true},
		[SETTING_EGRESS_ALLOW] = {"egress_allow", SETTING_TEXT, "", 0, 0,
				"internal ranges opened for a lab: CIDR[:port],…; empty: none",
				false},
		[SETTING_EGRESS_DNS] = {"egress_dns", SETTING_TEXT, "", 0, 0,
				"DNS servers of the egress proxy: address[:port],…; empty: the "
				"machine's",
				false},
		[SETTING_EGRESS_PROXY] = {"egress_proxy", SETTING_TEXT, "", 0, 0,
				"upstream HTTP proxy, host:port; empty: none", false},
		[SETTING_BROWSER_CA] = {"browser_ca", SETTING_TEXT, "", 0, 0,
				"PEM file of further certificate authorities for the browsers; "
				"empty: "
				"none",
				false},
		[SETTING_RUNTIME] = {"runtime", SETTING_TEXT, "crun", 0, 0,
				"OCI runtime: a name on the path or an absolute path", false},
		[SETTING_SESSIONS] = {"sessions", SETTING_NUMBER, "64", 1, 8192,
				"sessions this node holds at most, warm ones included", false},
		[SETTING_POOL] = {"pool", SETTING_NUMBER, "1", 0, 1024, "warm sessions kept ready",
				false},
		[SETTING_SESSION_MEMORY] = {"session_memory", SETTING_NUMBER, "2048", 256, 1048576,
				"memory of one session's browser at most, MiB", false},
		[SETTING_SESSION_PIDS] = {"session_pids", SETTING_NUMBER, "512", 64, 32768,
				"processes and threads of one session's browser at most", false},
		[SETTING_SESSION_CPU] = {"session_cpu", SETTING_NUMBER, "200", 10, 25600,
				"processor of one session's browser at most, percent of one core",
				false},
		[SETTING_DISCONNECTED_TIMEOUT] = {"disconnected_timeout", SETTING_NUMBER, "300", 1,
				604800, "seconds a session waits for its user to come back", false},
		[SETTING_IDLE_TIMEOUT] = {"idle_timeout", SETTING_NUMBER, "7200", 10, 604800,
				"seconds without input after which a session ends", false},
		[SETTING_SESSION_TIMEOUT] = {"session_timeout", SETTING_NUMBER, "43200", 60,
				2592000, "seconds after which a session ends in any case", false},
};

const struct setting_info *setting_info(enum setting setting)
{
	assert(setting < SETTING_COUNT);
	return &infos[setting];
}

/* Index of a name with '-' or '_' between words, any case; SETTING_COUNT when there is none. */
static enum setting find_setting(const char *name)
{
	for (int i = 0; i < SETTING_COUNT; i++) {
		const char *a = infos[i].name;
		const char *b = name;
		while (*a && (tolower((unsigned char)*b) == *a || (*a == '_' && *b == '-'))) {
			a++;
			b++;
		}
		if (*a == '\0' && *b == '\0') {
			return (enum setting)i;
		}
	}
	return SETTING_COUNT;
}

static int parse_number(const char *text, uint64_t *ret_number)
{
	char *end;
	errno = 0;
	unsigned long long number = strtoull(text, &end, 10);
	if (errno || end == text || *end || !isdigit((unsigned char)text[0])) {
		return -EINVAL;
	}
	*ret_number = number;
	return 0;
}

int settings_set(struct settings *settings, const char *name, const char *value, const char *where,
		struct error *err)
{
	enum setting setting = find_setting(name);
	if (setting == SETTING_COUNT) {
		return error_set(err, -EINVAL,
				"%s: there is no setting \"%.64s\"; `safeweb --help` lists them "
				"all",
				where, name);
	}
	const struct setting_info *info = &infos[setting];
	uint64_t number;
	if (info->kind == SETTING_NUMBER &&
			(parse_number(value, &number) < 0 || number < info->min ||
					number > info->max)) {
		return error_set(err, -ERANGE,
				"%s: %s is \"%.64s\", but has to be a number from "
				"%llu to %llu (%s)",
				where, info->name, value, (unsigned long long)info->min,
				(unsigned long long)info->max, info->help);
	}
	if (strlen(value) >= SETTINGS_VALUE_BYTES) {
		return error_set(err, -ENAMETOOLONG, "%s: %s is longer than %d bytes", where,
				info->name, SETTINGS_VALUE_BYTES - 1);
	}
	char *copy = strdup(value);
	if (!copy) {
		return error_set(err, -ENOMEM, "no memory for the setting %s", info->name);
	}
	free(settings->values[setting]);
	settings->values[setting] = copy;
	return 0;
}

static char *trim(char *text)
{
	while (isspace((unsigned char)*text)) {
		text++;
	}
	char *end = text + strlen(text);
	while (end > text && isspace((unsigned char)end[-1])) {
		end--;
	}
	*end = '\0';
	return text;
}

static int load_line(struct settings *settings, char *line, const char *path, int number,
		struct error *err)
{
	char where[600];
	snprintf(where, sizeof(where), "%.500s line %d", path, number);
	line = trim(line);
	if (*line == '\0' || *line == '#') {
		return 0;
	}
	char *equals = strchr(line, '=');
	if (!equals) {
		return error_set(err, -EINVAL, "%s: \"%.64s\" is not of the form key = value",
				where, line);
	}
	*equals = '\0';
	return settings_set(settings, trim(line), trim(equals + 1), where, err);
}

static int load_file(struct settings *settings, struct error *err)
{
	CLEANUP_FREE char *path = NULL;
	if (asprintf(&path, "%s/safeweb.conf", settings_text(settings, SETTING_STATE)) < 0) {
		path = NULL;
		return error_set(err, -ENOMEM, "no memory to read the configuration");
	}
	CLEANUP_FREE char *text = NULL;
	int code = fds_read_file(AT_FDCWD, path, SETTINGS_FILE_BYTES, &text, NULL, err);
	if (code < 0) {
		return code == -ENOENT ? 0 : code;
	}
	int number = 0;
	char *rest = text;
	for (char *line = strsep(&rest, "\n"); line; line = strsep(&rest, "\n")) {
		code = load_line(settings, line, path, ++number, err);
		if (code < 0) {
			return code;
		}
	}
	return 0;
}

static void variable_name(const char *name, char *to, size_t size)
{
	snprintf(to, size, "SAFEWEB_%s", name);
	for (char *c = to; *c; c++) {
		*c = (char)toupper((unsigned char)*c);
	}
}

static int load_secret_file(
		struct settings *settings, int i, const char *variable, struct error *err)
{
	char file_variable[80];
	snprintf(file_variable, sizeof(file_variable), "%.70s_FILE", variable);
	const char *path = getenv(file_variable);
	if (!infos[i].is_secret || !path) {
		return 0;
	}
	CLEANUP_FREE char *text = NULL;
	int code = fds_read_file(AT_FDCWD, path, SETTINGS_VALUE_BYTES, &text, NULL, err);
	if (code < 0) {
		return error_prefix(err, "%s", file_variable);
	}
	return settings_set(settings, infos[i].name, trim(text), file_variable, err);
}

static int load_environment(struct settings *settings, struct error *err)
{
	for (int i = 0; i < SETTING_COUNT; i++) {
		char variable[64];
		variable_name(infos[i].name, variable, sizeof(variable));
		int code = load_secret_file(settings, i, variable, err);
		const char *value = getenv(variable);
		if (code == 0 && value) {
			code = settings_set(settings, infos[i].name, value, variable, err);
		}
		if (code < 0) {
			return code;
		}
	}
	return 0;
}

int settings_load(struct settings *settings, const char *state_flag, struct error *err)
{
	*settings = (struct settings){0};
	for (int i = 0; i < SETTING_COUNT; i++) {
		settings->values[i] = strdup(infos[i].standard);
		if (!settings->values[i]) {
			return error_set(err, -ENOMEM, "no memory for the settings");
		}
	}
	const char *state = state_flag ? state_flag : getenv("SAFEWEB_STATE");
	int code = state ? settings_set(settings, "state", state, "SAFEWEB_STATE", err) : 0;
	if (code == 0) {
		code = load_file(settings, err);
	}
	if (code == 0) {
		code = load_environment(settings, err);
	}
	if (code == 0 && state_flag) {
		code = settings_set(settings, "state", state_flag, "--state", err);
	}
	return code;
}

void settings_finish(struct settings *settings)
{
	for (int i = 0; i < SETTING_COUNT; i++) {
		free(settings->values[i]);
		settings->values[i] = NULL;
	}
}

const char *settings_text(const struct settings *settings, enum setting setting)
{
	return settings->values[setting];
}

uint64_t settings_number(const struct settings *settings, enum setting setting)
{
	uint64_t number = 0;
	int code = parse_number(settings->values[setting], &number);
	assert(code == 0 && infos[setting].kind == SETTING_NUMBER);
	return number;
}

static bool append_variable(char **environment, int *count, const char *name, const char *value)
{
	if (asprintf(&environment[*count], "%s=%s", name, value) < 0) {
		environment[*count] = NULL;
		return false;
	}
	(*count)++;
	return true;
}

char **settings_environment(const struct settings *settings, bool with_secrets)
{
	static const char *const kept[] = {"PATH", "SAFEWEB_LOG"};
	char **environment = calloc(SETTING_COUNT + ARRAY_LENGTH(kept) + 1, sizeof(*environment));
	bool is_whole = environment != NULL;
	int count = 0;
	for (int i = 0; is_whole && i < SETTING_COUNT; i++) {
		char variable[64];
		variable_name(infos[i].name, variable, sizeof(variable));
		if (with_secrets || !infos[i].is_secret) {
			is_whole = append_variable(
					environment, &count, variable, settings->values[i]);
		}
	}
	for (size_t i = 0; is_whole && i < ARRAY_LENGTH(kept); i++) {
		const char *value = getenv(kept[i]);
		is_whole = !value || append_variable(environment, &count, kept[i], value);
	}
	if (!is_whole) {
		settings_free_environment(environment);
		return NULL;
	}
	return environment;
}

void settings_free_environment(char **environment)
{
	for (char **entry = environment; entry && *entry; entry++) {
		free(*entry);
	}
	free(environment);
}
