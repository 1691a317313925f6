/* The product's settings: one table, one name each for the flag (--egress-allow), the environment
 * variable (SAFEWEB_EGRESS_ALLOW) and the configuration key (egress_allow). Order of precedence:
 * flag, environment, file (STATE/safeweb.conf, `key = value` lines, # comments), default. */
#ifndef SAFEWEB_BASE_SETTINGS_H
#define SAFEWEB_BASE_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define SETTINGS_VALUE_BYTES 4096
#define SETTINGS_FILE_BYTES (256 * 1024)

enum setting {
	SETTING_PORT,
	SETTING_LISTEN,
	SETTING_STATE,
	SETTING_RUN,
	SETTING_ADMIN_PASSWORD,
	SETTING_EGRESS_ALLOW,
	SETTING_EGRESS_DNS,
	SETTING_EGRESS_PROXY,
	SETTING_BROWSER_CA,
	SETTING_RUNTIME,
	SETTING_SESSIONS,
	SETTING_POOL,
	SETTING_SESSION_MEMORY,
	SETTING_SESSION_PIDS,
	SETTING_SESSION_CPU,
	SETTING_DISCONNECTED_TIMEOUT,
	SETTING_IDLE_TIMEOUT,
	SETTING_SESSION_TIMEOUT,
	SETTING_COUNT,
};

enum setting_kind { SETTING_TEXT, SETTING_NUMBER };

struct setting_info {
	const char *name; /* configuration key: lower case, underscores */
	enum setting_kind kind;
	const char *standard; /* the default, as text */
	uint64_t min; /* of a number */
	uint64_t max;
	const char *help; /* one line; names the unit */
	bool is_secret; /* never printed; SAFEWEB_NAME_FILE names a file that holds it */
};

struct settings {
	char *values[SETTING_COUNT]; /* owned; never NULL once loaded */
};

const struct setting_info *setting_info(enum setting setting);

/* Fills settings with defaults, then the file, then the environment. The file is STATE/safeweb.conf
 * with STATE from the flag or environment; a missing file is no error; an unknown key or a value
 * out of range is one, and names file, line, value and what is allowed. */
int settings_load(struct settings *settings, const char *state_flag, struct error *err);
void settings_finish(struct settings *settings);

/* Sets one by configuration key or flag name ("egress-allow"); where describes the place. */
int settings_set(struct settings *settings, const char *name, const char *value, const char *where,
		struct error *err);

const char *settings_text(const struct settings *settings, enum setting setting);
uint64_t settings_number(const struct settings *settings, enum setting setting);

/* Writes settings as SAFEWEB_NAME=value strings for a child's environment: a NULL-terminated vector
 * of which every string and the vector are the caller's to free with settings_free_environment.
 * Secrets travel only when with_secrets. NULL when memory is out. */
char **settings_environment(const struct settings *settings, bool with_secrets);
void settings_free_environment(char **environment);

#endif
