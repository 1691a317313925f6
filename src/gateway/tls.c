#include "gateway/tls.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/fds.h"
#include "base/log.h"

#define LIFE_DAYS 825
#define PEM_MAX_BYTES (256 * 1024)

static void free_key(EVP_PKEY **key)
{
	EVP_PKEY_free(*key);
}

static void free_certificate(X509 **certificate)
{
	X509_free(*certificate);
}

static void free_bio(BIO **bio)
{
	BIO_free_all(*bio);
}

#define CLEANUP_KEY CLEANUP(free_key)
#define CLEANUP_CERTIFICATE CLEANUP(free_certificate)
#define CLEANUP_BIO CLEANUP(free_bio)

static int fail(struct error *err, const char *doing)
{
	char text[256];
	ERR_error_string_n(ERR_get_error(), text, sizeof(text));
	return error_set(err, -EIO, "cannot %s: %s", doing, text);
}

static bool add_extension(X509 *certificate, int kind, const char *value)
{
	X509V3_CTX context;
	X509V3_set_ctx_nodb(&context);
	X509V3_set_ctx(&context, certificate, certificate, NULL, NULL, 0);
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, kind, value);
	bool is_added = extension && X509_add_ext(certificate, extension, -1);
	X509_EXTENSION_free(extension);
	return is_added;
}

/* Only what a host's name may hold goes into the extension's text. */
static void alternative_names(char *text, size_t size)
{
	char host[256] = "";
	gethostname(host, sizeof(host) - 1);
	bool is_good = host[0] &&
			host[strspn(host,
					"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrs"
					"tuvwxyz0123456789.-")] == '\0';
	snprintf(text, size, "DNS:localhost%s%s,IP:127.0.0.1,IP:::1", is_good ? ",DNS:" : "",
			is_good ? host : "");
}

static bool fill_certificate(X509 *certificate, EVP_PKEY *key)
{
	char names[512];
	unsigned char serial_bytes[16];
	alternative_names(names, sizeof(names));
	if (RAND_bytes(serial_bytes, sizeof(serial_bytes)) != 1) {
		return false;
	}
	serial_bytes[0] &= 0x7f;
	BIGNUM *serial = BN_bin2bn(serial_bytes, sizeof(serial_bytes), NULL);
	bool is_set = serial && BN_to_ASN1_INTEGER(serial, X509_get_serialNumber(certificate));
	BN_free(serial);
	X509_NAME *name = X509_get_subject_name(certificate);
	return is_set && X509_set_version(certificate, 2) &&
			X509_gmtime_adj(X509_getm_notBefore(certificate), -3600) &&
			X509_gmtime_adj(X509_getm_notAfter(certificate), LIFE_DAYS * 86400L) &&
			X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
					(const unsigned char *)"Safeweb (self-signed)", -1, -1,
					0) &&
			X509_set_issuer_name(certificate, name) &&
			X509_set_pubkey(certificate, key) &&
			add_extension(certificate, NID_subject_alt_name, names) &&
			add_extension(certificate, NID_basic_constraints, "critical,CA:FALSE") &&
			add_extension(certificate, NID_key_usage, "critical,digitalSignature") &&
			add_extension(certificate, NID_ext_key_usage, "serverAuth") &&
			X509_sign(certificate, key, EVP_sha256()) > 0;
}

static int write_bio(BIO *bio, const char *path, mode_t mode, struct error *err)
{
	char *bytes = NULL;
	long len = BIO_get_mem_data(bio, &bytes);
	return fds_write_file(AT_FDCWD, path, bytes, (size_t)len, mode, err);
}

static int make_pair(const struct tls_files *files, struct error *err)
{
	CLEANUP_KEY EVP_PKEY *key = EVP_EC_gen("P-256");
	CLEANUP_CERTIFICATE X509 *certificate = X509_new();
	if (!key || !certificate || !fill_certificate(certificate, key)) {
		return fail(err, "make a certificate");
	}
	CLEANUP_BIO BIO *key_pem = BIO_new(BIO_s_secmem());
	CLEANUP_BIO BIO *certificate_pem = BIO_new(BIO_s_mem());
	if (!key_pem || !certificate_pem ||
			!PEM_write_bio_PrivateKey(key_pem, key, NULL, NULL, 0, NULL, NULL) ||
			!PEM_write_bio_X509(certificate_pem, certificate)) {
		return fail(err, "write a certificate");
	}
	/* The certificate last: a start between the two finds a key alone and makes both anew. */
	int code = write_bio(key_pem, files->key, 0600, err);
	if (code == 0) {
		code = write_bio(certificate_pem, files->certificate, 0644, err);
	}
	if (code == 0) {
		log_info("made a self-signed certificate, %s", files->certificate);
	}
	return code;
}

static int check_key_mode(const struct tls_files *files, struct error *err)
{
	struct stat info;
	if (stat(files->key, &info) < 0) {
		return error_set_errno(err, "cannot read %s", files->key);
	}
	if (info.st_mode & (S_IRWXG | S_IRWXO)) {
		return error_set(err, -EPERM, "others may read %s: chmod 600 it", files->key);
	}
	return 0;
}

static int check_pair(const struct tls_files *files, struct error *err)
{
	CLEANUP_BIO BIO *key_file = BIO_new_file(files->key, "r");
	CLEANUP_BIO BIO *certificate_file = BIO_new_file(files->certificate, "r");
	if (!key_file || !certificate_file) {
		return fail(err, "open the certificate and key");
	}
	CLEANUP_KEY EVP_PKEY *key = PEM_read_bio_PrivateKey(key_file, NULL, NULL, NULL);
	CLEANUP_CERTIFICATE X509 *certificate =
			PEM_read_bio_X509(certificate_file, NULL, NULL, NULL);
	if (!key || !certificate) {
		return fail(err, key ? "read the certificate" : "read the key");
	}
	if (X509_check_private_key(certificate, key) != 1) {
		return error_set(err, -EINVAL, "%s is not the key of %s", files->key,
				files->certificate);
	}
	if (X509_cmp_current_time(X509_get0_notAfter(certificate)) < 0) {
		log_warning("the certificate %s has expired: replace it, or remove it and its key "
			    "to "
			    "have a new one made",
				files->certificate);
	}
	return 0;
}

int tls_prepare(const char *state, struct tls_files *ret_files, struct error *err)
{
	char folder[TLS_PATH_BYTES];
	struct tls_files files;
	if (snprintf(folder, sizeof(folder), "%.3900s/tls", state) < 0 ||
			snprintf(files.certificate, TLS_PATH_BYTES, "%.3900s/tls/cert.pem", state) <
					0 ||
			snprintf(files.key, TLS_PATH_BYTES, "%.3900s/tls/key.pem", state) < 0) {
		return error_set(err, -EINVAL, "cannot name the certificate");
	}
	int code = fds_make_directories(folder, 0711, err);
	if (code < 0) {
		return code;
	}
	bool has_certificate = access(files.certificate, F_OK) == 0;
	bool has_key = access(files.key, F_OK) == 0;
	if (has_certificate && !has_key) {
		return error_set(err, -ENOENT, "there is %s but not its key, %s", files.certificate,
				files.key);
	}
	if (!has_certificate) {
		code = make_pair(&files, err);
	}
	if (code == 0) {
		code = check_key_mode(&files, err);
	}
	if (code == 0) {
		code = check_pair(&files, err);
	}
	if (code == 0) {
		*ret_files = files;
	}
	return code;
}
