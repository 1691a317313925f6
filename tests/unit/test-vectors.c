/* protocol/vectors/messages.txt, which the client's tests read too. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/test.h"
#include "wire/messages.h"

#define LINE_MAX_BYTES (64 * 1024)

static char line[LINE_MAX_BYTES];

static FILE *open_vectors(const char *name)
{
	char path[512];
	snprintf(path, sizeof(path), VECTORS_FOLDER "/%s", name);
	FILE *file = fopen(path, "re");
	CHECK(file != NULL);
	return file;
}

/* Cuts the line into words; returns how many. */
static int next_words(FILE *file, char **words, int max)
{
	while (fgets(line, sizeof(line), file)) {
		if (line[0] == '#') {
			continue;
		}
		int count = 0;
		for (char *at = strtok(line, " \n"); at && count < max; at = strtok(NULL, " \n")) {
			words[count++] = at;
		}
		return count;
	}
	return 0;
}

static size_t from_hex(const char *hex, uint8_t *bytes, size_t size)
{
	size_t len = strlen(hex) / 2;
	CHECK(len <= size);
	for (size_t i = 0; i < len; i++) {
		char digits[3] = {hex[2 * i], hex[2 * i + 1], '\0'};
		bytes[i] = (uint8_t)strtoul(digits, NULL, 16);
	}
	return len;
}

TEST(messages_are_taken_and_refused)
{
	FILE *file = open_vectors("messages.txt");
	static uint8_t bytes[LINE_MAX_BYTES];
	char *words[3];
	int good = 0;
	int bad = 0;
	while (next_words(file, words, 3) == 3) {
		/* On the heap and just as long, so that a sanitizer sees any byte read too far. */
		size_t len = from_hex(words[2], bytes, sizeof(bytes));
		uint8_t *copy = malloc(len);
		memcpy(copy, bytes, len);
		int code = strcmp(words[1], "display") == 0 ? wire_display_check(copy, len)
							    : wire_input_check(copy, len);
		bool expected = strcmp(words[0], "good") == 0;
		CHECK_INT(code, expected ? 0 : -EBADMSG);
		good += expected;
		bad += !expected;
		free(copy);
	}
	fclose(file);
	CHECK(good >= 41 && bad >= 14);
}

TEST(fields_are_where_the_vectors_have_them)
{
	FILE *file = open_vectors("messages.txt");
	static uint8_t bytes[LINE_MAX_BYTES];
	char *words[4];
	int seen = 0;
	while (next_words(file, words, 4) >= 3) {
		size_t len = from_hex(words[2], bytes, sizeof(bytes));
		struct wire_key key;
		struct wire_frame frame;
		if (wire_key_decode(bytes, len, &key) == 0) {
			CHECK_INT(key.serial, 5);
			CHECK_INT(key.code, 30);
			CHECK_INT(key.modifiers, 17);
			CHECK_INT(key.codepoint, 119070);
			seen++;
		} else if (wire_frame_decode(bytes, len, &frame) == 0) {
			CHECK_INT(frame.input_serial, 34);
			CHECK_INT((long long)frame.committed_us, 1234567890123);
			seen++;
		}
	}
	fclose(file);
	CHECK_INT(seen, 2);
}
