#include "gateway/ticket.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int tickets_init(struct tickets *tickets)
{
	tickets->tickets = calloc(TICKET_COUNT, sizeof(*tickets->tickets));
	return tickets->tickets ? 0 : -ENOMEM;
}

void tickets_finish(struct tickets *tickets)
{
	free(tickets->tickets);
	tickets->tickets = NULL;
}

void ticket_make(struct tickets *tickets, int64_t login, const char *session, uint64_t now_ms,
		char ret_ticket[TOKEN_BYTES])
{
	struct ticket *place = &tickets->tickets[0];
	for (size_t i = 0; i < TICKET_COUNT; i++) {
		if (tickets->tickets[i].due_ms < place->due_ms) {
			place = &tickets->tickets[i];
		}
	}
	token_make(ret_ticket);
	*place = (struct ticket){.login = login, .due_ms = now_ms + TICKET_LIFE_MS};
	token_hash(ret_ticket, place->hash);
	snprintf(place->session, sizeof(place->session), "%s", session);
}

int ticket_use(struct tickets *tickets, const char *ticket, int64_t login, uint64_t now_ms,
		char ret_session[STORE_SESSION_BYTES])
{
	uint8_t hash[TOKEN_HASH_BYTES];
	if (!token_is_valid(ticket, strlen(ticket))) {
		return -EACCES;
	}
	token_hash(ticket, hash);
	for (size_t i = 0; i < TICKET_COUNT; i++) {
		struct ticket *found = &tickets->tickets[i];
		if (found->due_ms == 0 || CRYPTO_memcmp(found->hash, hash, sizeof(hash)) != 0) {
			continue;
		}
		struct ticket taken = *found;
		*found = (struct ticket){0};
		if (taken.login != login || taken.due_ms < now_ms) {
			return -EACCES;
		}
		memcpy(ret_session, taken.session, STORE_SESSION_BYTES);
		return 0;
	}
	return -EACCES;
}
