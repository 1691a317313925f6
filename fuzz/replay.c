/* Runs a fuzzer's entry over every file of the folders given: its corpus, in every build. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fds.h"

#define FILE_MAX_BYTES (16 * 1024 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int run_file(int folder, const char *name)
{
	struct error err = {0};
	CLEANUP_FREE char *text = NULL;
	size_t len = 0;
	if (fds_read_file(folder, name, FILE_MAX_BYTES, &text, &len, &err) < 0) {
		fprintf(stderr, "replay: %s\n", err.text);
		return -1;
	}
	/* An allocation of exactly the input, so that a sanitizer sees a read past its end. */
	CLEANUP_FREE uint8_t *exact = malloc(len ? len : 1);
	if (!exact) {
		return -1;
	}
	memcpy(exact, text, len);
	LLVMFuzzerTestOneInput(exact, len);
	return 0;
}

static int run_folder(const char *path)
{
	CLEANUP_DIR DIR *dir = opendir(path);
	if (!dir) {
		fprintf(stderr, "replay: cannot open %s: %s\n", path, strerror(errno));
		return -1;
	}
	int count = 0;
	for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
		if (entry->d_name[0] == '.') {
			continue;
		}
		if (run_file(dirfd(dir), entry->d_name) < 0) {
			return -1;
		}
		count++;
	}
	return count;
}

int main(int argc, char **argv)
{
	int total = 0;
	for (int i = 1; i < argc; i++) {
		int count = run_folder(argv[i]);
		if (count < 0) {
			return EXIT_FAILURE;
		}
		total += count;
	}
	printf("%d inputs\n", total);
	/* An empty corpus would prove nothing. */
	return total > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
