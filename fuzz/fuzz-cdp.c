/* Whatever Chromium writes into its CDP pipe. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fds.h"
#include "compositor/publisher.h"
#include "compositor/tabs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void handle(void *cdp, const char *text, size_t len)
{
	cdp_handle_message(cdp, text, len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct error err = {0};
	struct publisher publisher = {0};
	struct cdp *cdp = NULL;
	struct tabs *tabs = NULL;
	int ring;
	if (fds_sealed_memory("ring", ring_size_bytes(), &ring, &err) < 0 ||
			publisher_init(&publisher, ring, -1, &err) < 0 ||
			cdp_create(NULL, -1, -1, NULL, NULL, &cdp) < 0 ||
			tabs_create(NULL, &publisher, cdp, &tabs) < 0) {
		abort();
	}
	tabs_start(tabs);
	/* In two pieces, so that messages are cut. */
	cdp_stream_feed(&cdp->stream, data, size / 2, handle, cdp);
	cdp_stream_feed(&cdp->stream, data + size / 2, size - size / 2, handle, cdp);
	tabs_publish(tabs);
	struct ring_reader reader;
	struct ring_record record;
	if (ring_reader_init(&reader, ring, &err) < 0) {
		abort();
	}
	int code;
	while ((code = ring_reader_next(&reader, &record)) > 0) {
	}
	if (code < 0) {
		abort(); /* we broke the ring's own rules */
	}
	ring_reader_finish(&reader);
	tabs_destroy(tabs);
	cdp_destroy(cdp);
	publisher_finish(&publisher);
	close(ring);
	return 0;
}
