#include "gateway/cookie.h"

#include <assert.h>
#include <errno.h>
#include <openssl/sha.h>
#include <string.h>
#include <sys/random.h>

void token_make(char ret_token[TOKEN_BYTES])
{
	static const char digits[] = "0123456789abcdef";
	uint8_t raw[TOKEN_HASH_BYTES];
	ssize_t got = getrandom(raw, sizeof(raw), 0);
	assert(got == (ssize_t)sizeof(raw));
	for (size_t i = 0; i < sizeof(raw); i++) {
		ret_token[2 * i] = digits[raw[i] >> 4];
		ret_token[2 * i + 1] = digits[raw[i] & 15];
	}
	ret_token[TOKEN_BYTES - 1] = '\0';
	explicit_bzero(raw, sizeof(raw));
}

void token_hash(const char *token, uint8_t ret_hash[TOKEN_HASH_BYTES])
{
	SHA256((const unsigned char *)token, strlen(token), ret_hash);
}

int token_is_valid(const char *text, size_t len)
{
	if (len != TOKEN_BYTES - 1) {
		return 0;
	}
	for (size_t i = 0; i < len; i++) {
		if (!((text[i] >= '0' && text[i] <= '9') || (text[i] >= 'a' && text[i] <= 'f'))) {
			return 0;
		}
	}
	return 1;
}

/* Takes one `name=value` of a header; 1 when it is ours and good. */
static int take_pair(const char *pair, size_t len, char ret_token[TOKEN_BYTES])
{
	const size_t name_len = strlen(COOKIE_NAME);
	if (len <= name_len || memcmp(pair, COOKIE_NAME, name_len) != 0 || pair[name_len] != '=') {
		return 0;
	}
	const char *value = pair + name_len + 1;
	size_t value_len = len - name_len - 1;
	if (!token_is_valid(value, value_len)) {
		return -EBADMSG;
	}
	memcpy(ret_token, value, value_len);
	ret_token[value_len] = '\0';
	return 1;
}

int cookie_find(const char *header, size_t len, char ret_token[TOKEN_BYTES])
{
	char token[TOKEN_BYTES];
	int found = 0;
	size_t at = 0;
	while (at < len) {
		while (at < len && (header[at] == ' ' || header[at] == '\t')) {
			at++;
		}
		const char *end = memchr(header + at, ';', len - at);
		size_t pair_len = end ? (size_t)(end - header) - at : len - at;
		size_t kept = pair_len;
		while (kept > 0 &&
				(header[at + kept - 1] == ' ' || header[at + kept - 1] == '\t')) {
			kept--;
		}
		int code = take_pair(header + at, kept, token);
		if (code < 0 || (code > 0 && found)) {
			return -EBADMSG;
		}
		found |= code;
		at += pair_len + 1;
	}
	if (!found) {
		return -ENOENT;
	}
	memcpy(ret_token, token, TOKEN_BYTES);
	return 0;
}
