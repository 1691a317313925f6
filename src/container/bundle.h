/* The OCI bundle of a session: a directory on a tmpfs, with the configuration and what is
 * mounted from it.
 *
 *   <state_dir>/<id>/config.json      the configuration
 *                    ca-policy.json   Chromium policy with extra certificates, when there are any
 *                    pid, log         written by the runtime
 *                    runtime/         the runtime's own state
 */
#ifndef SAFEWEB_CONTAINER_BUNDLE_H
#define SAFEWEB_CONTAINER_BUNDLE_H

#include <jansson.h>

#include "base/error.h"
#include "container/container.h"

#define BUNDLE_PATH_BYTES 512

/* Puts "<state_dir>/<id>[/<file>]" together. -ENAMETOOLONG. */
int bundle_path(char path[BUNDLE_PATH_BYTES], const char *state_dir, const char *id,
		const char *file, struct error *err);

/* The configuration as JSON; NULL when out of memory. ca_policy: absolute path of a policy file,
 * or NULL. */
json_t *bundle_config(const struct container_spec *spec, const char *ca_policy);

/* Chromium's CACertificates policy from the certificates in a PEM text. -EINVAL when there are
 * none. */
int bundle_ca_policy(const char *pem, json_t **ret_policy, struct error *err);

/* Makes the directory and writes the files. On failure nothing is left. */
int bundle_create(const struct container_spec *spec, struct error *err);

void bundle_remove(const char *state_dir, const char *id);

#endif
