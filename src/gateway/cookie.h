/* Secrets that clients carry: random tokens, their hashes, and the cookie that holds one. */
#ifndef SAFEWEB_GATEWAY_COOKIE_H
#define SAFEWEB_GATEWAY_COOKIE_H

#include <stddef.h>
#include <stdint.h>

#define COOKIE_NAME "__Host-safeweb"
/* 256 random bits as hexadecimal, with the NUL. */
#define TOKEN_BYTES 65
#define TOKEN_HASH_BYTES 32

/* Aborts when the kernel gives no random bytes: nothing secret could be made then. */
void token_make(char ret_token[TOKEN_BYTES]);
/* SHA-256 of the token's text. */
void token_hash(const char *token, uint8_t ret_hash[TOKEN_HASH_BYTES]);
/* Whether len bytes are a token: 64 lower-case hexadecimal digits. */
int token_is_valid(const char *text, size_t len);

/* Finds our cookie in a Cookie header (RFC 6265, section 4.2.1). 0, -ENOENT when it is not there,
 * -EBADMSG when it is there twice or its value is no token. */
int cookie_find(const char *header, size_t len, char ret_token[TOKEN_BYTES]);

#endif
