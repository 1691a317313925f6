/* Heads of answers from anywhere on the internet. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "egress/response.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *bytes = (const char *)data;
	size_t scanned = 0;
	long len = head_find_end(bytes, size, true, &scanned);
	if (len <= 0) {
		return 0;
	}
	struct buffer out;
	buffer_init(&out, 2 * HEAD_MAX_BYTES);
	int status = response_status(bytes, (size_t)len);
	int code = response_write(bytes, (size_t)len, &out);
	assert((status < 0) == (code < 0));
	if (code == 0) {
		/* One head comes out, with the same status. */
		const char *head = (const char *)buffer_head(&out);
		size_t out_len = buffer_length(&out);
		scanned = 0;
		assert(head_find_end(head, out_len, true, &scanned) == (long)out_len);
		assert(response_status(head, out_len) == status);
	}
	buffer_finish(&out);
	return 0;
}
