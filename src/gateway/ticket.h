/* One-time tickets for the WebSocket: a login trades its cookie for one and uses it at once. */
#ifndef SAFEWEB_GATEWAY_TICKET_H
#define SAFEWEB_GATEWAY_TICKET_H

#include <stdint.h>

#include "gateway/cookie.h"
#include "store/store.h"

#define TICKET_LIFE_MS 30000
/* Tickets out at once; the oldest makes room. */
#define TICKET_COUNT 1024

struct ticket {
	uint8_t hash[TOKEN_HASH_BYTES];
	int64_t login;
	char session[STORE_SESSION_BYTES];
	uint64_t due_ms; /* 0: free */
};

struct tickets {
	struct ticket *tickets; /* owned, TICKET_COUNT */
};

int tickets_init(struct tickets *tickets);
void tickets_finish(struct tickets *tickets);

void ticket_make(struct tickets *tickets, int64_t login, const char *session, uint64_t now_ms,
		char ret_ticket[TOKEN_BYTES]);
/* Uses a ticket up. 0 and its session, or -EACCES: unknown, used, too old, another login's. A
 * ticket shown with the wrong login is used up as well. */
int ticket_use(struct tickets *tickets, const char *ticket, int64_t login, uint64_t now_ms,
		char ret_session[STORE_SESSION_BYTES]);

#endif
