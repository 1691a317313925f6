/* The certificate: STATE/tls/cert.pem and key.pem, the administrator's or one made here. */
#ifndef SAFEWEB_GATEWAY_TLS_H
#define SAFEWEB_GATEWAY_TLS_H

#include "base/error.h"

#define TLS_PATH_BYTES 4096

struct tls_files {
	char certificate[TLS_PATH_BYTES];
	char key[TLS_PATH_BYTES];
};

/* Finds both files, and makes them when both are missing: EC P-256, for localhost, the host's name
 * and the loopback addresses, 825 days. One alone, a key that others may read, or a pair that does
 * not match is an error that says so. */
int tls_prepare(const char *state, struct tls_files *ret_files, struct error *err);

#endif
