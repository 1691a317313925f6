#include "base/utf8.h"

#include <string.h>

size_t utf8_decode(const char *text, size_t len, uint32_t *ret_codepoint)
{
	static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
	if (len == 0) {
		return 0;
	}
	uint8_t first = (uint8_t)text[0];
	size_t count = first < 0x80 ? 1 : first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
	if ((first >= 0x80 && first < 0xc2) || first > 0xf4 || count > len) {
		return 0;
	}
	uint32_t codepoint = count == 1 ? first : first & (0x7fu >> count);
	for (size_t i = 1; i < count; i++) {
		uint8_t byte = (uint8_t)text[i];
		if ((byte & 0xc0) != 0x80) {
			return 0;
		}
		codepoint = codepoint << 6 | (byte & 0x3fu);
	}
	if (codepoint < smallest[count] || codepoint > 0x10ffff ||
			(codepoint >= 0xd800 && codepoint < 0xe000)) {
		return 0;
	}
	*ret_codepoint = codepoint;
	return count;
}

size_t utf8_encode(uint32_t codepoint, char to[4])
{
	if (codepoint < 0x80) {
		to[0] = (char)codepoint;
		return 1;
	}
	if (codepoint < 0x800) {
		to[0] = (char)(0xc0 | codepoint >> 6);
		to[1] = (char)(0x80 | (codepoint & 0x3f));
		return 2;
	}
	if (codepoint >= 0xd800 && codepoint < 0xe000) {
		return 0;
	}
	if (codepoint < 0x10000) {
		to[0] = (char)(0xe0 | codepoint >> 12);
		to[1] = (char)(0x80 | (codepoint >> 6 & 0x3f));
		to[2] = (char)(0x80 | (codepoint & 0x3f));
		return 3;
	}
	if (codepoint > 0x10ffff) {
		return 0;
	}
	to[0] = (char)(0xf0 | codepoint >> 18);
	to[1] = (char)(0x80 | (codepoint >> 12 & 0x3f));
	to[2] = (char)(0x80 | (codepoint >> 6 & 0x3f));
	to[3] = (char)(0x80 | (codepoint & 0x3f));
	return 4;
}

bool utf8_is_valid(const char *text, size_t len)
{
	for (size_t i = 0; i < len;) {
		uint32_t codepoint;
		size_t count = utf8_decode(text + i, len - i, &codepoint);
		if (count == 0 || codepoint == 0) {
			return false;
		}
		i += count;
	}
	return true;
}

size_t utf8_copy(char *to, size_t size, const char *text, size_t len)
{
	size_t out = 0;
	for (size_t i = 0; i < len;) {
		uint32_t codepoint;
		size_t count = utf8_decode(text + i, len - i, &codepoint);
		bool is_control = count == 1 && (codepoint < 0x20 || codepoint == 0x7f) &&
				codepoint != '\t' && codepoint != '\n';
		const char *from = text + i;
		if (count == 0 || is_control) {
			from = "?";
			count = 1;
		}
		if (count > size - 1 - out) {
			break;
		}
		memcpy(to + out, from, count);
		out += count;
		i += count;
	}
	to[out] = '\0';
	return out;
}
