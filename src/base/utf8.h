/* UTF-8 as RFC 3629 has it: no surrogates, no overlong forms, nothing over U+10FFFF. */
#ifndef SAFEWEB_BASE_UTF8_H
#define SAFEWEB_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* True when len bytes are whole, valid UTF-8 without NUL. */
bool utf8_is_valid(const char *text, size_t len);

/* Copies as much of text as is valid UTF-8 and fits in size - 1 bytes, replacing each bad byte and
 * each control character but tab and newline by '?', cutting between characters, and terminates it.
 * Returns the length without the NUL. size must not be 0. */
size_t utf8_copy(char *to, size_t size, const char *text, size_t len);

/* Decodes the character at text. Returns its length, 0 when it is bad or cut. */
size_t utf8_decode(const char *text, size_t len, uint32_t *ret_codepoint);

/* Writes up to 4 bytes, no NUL. Returns their number, 0 for what is no character. */
size_t utf8_encode(uint32_t codepoint, char to[4]);

#endif
