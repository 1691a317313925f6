#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "base/utf8.h"
#include "gateway/gateway.h"

/* Rows of refusals a window; more are counted in a metric. */
#define REFUSALS_MAX 50
#define WINDOW_MS 10000

static void copy(char *to, size_t size, const char *text)
{
	utf8_copy(to, size, text ? text : "", text ? strlen(text) : 0);
}

void audit_write(struct gateway *gateway, const char *event, const char *user, const char *address,
		const char *session, const char *detail)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	struct store_audit row = {.at_ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000};
	copy(row.event, sizeof(row.event), event);
	copy(row.user, sizeof(row.user), user);
	copy(row.address, sizeof(row.address), address);
	copy(row.session, sizeof(row.session), session);
	copy(row.detail, sizeof(row.detail), detail);
	struct error err;
	if (store_audit_add(gateway->store, &row, &err) < 0) {
		log_error("an audit row is lost: %s", err.text);
		gateway->metrics.audit_dropped++;
	}
}

void audit_refused(struct gateway *gateway, const char *user, const char *address,
		const char *session, const char *detail)
{
	uint64_t now = clock_now_ms();
	if (now - gateway->audit_window_ms > WINDOW_MS) {
		gateway->audit_window_ms = now;
		gateway->audit_refusals = 0;
	}
	if (gateway->audit_refusals++ >= REFUSALS_MAX) {
		gateway->metrics.audit_dropped++;
		return;
	}
	audit_write(gateway, "refused", user, address, session, detail);
}
