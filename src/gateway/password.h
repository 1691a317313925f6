/* Checks passwords in threads of its own, so that their cost never holds up a stream. */
#ifndef SAFEWEB_GATEWAY_PASSWORD_H
#define SAFEWEB_GATEWAY_PASSWORD_H

#include <stdbool.h>

#include "base/loop.h"
#include "store/account.h"

/* Each check takes 32 MiB, and one core for some 100 to 300 ms. */
#define PASSWORD_THREADS 2
/* Checks waiting; 16 are some 2 s of work for two threads. */
#define PASSWORD_QUEUE 16

struct password_check {
	char password[ACCOUNT_PASSWORD_MAX_BYTES + 1]; /* wiped when done */
	char hash[STORE_PASSWORD_BYTES]; /* empty: no such account */
	bool matches;
	/* Called in the loop's thread, once; the check is freed afterwards. */
	void (*done)(struct password_check *check);
	void *data;
	struct password_check *next;
};

struct password_pool;

/* Starts the threads: call it after the sandbox is entered. */
int password_pool_create(struct loop *loop, struct password_pool **ret_pool, struct error *err);
/* Waits for the checks under way; no done is called any more. */
void password_pool_destroy(struct password_pool *pool);

/* Takes the check over; -EBUSY when the queue is full, and then the check stays the caller's. */
int password_pool_add(struct password_pool *pool, struct password_check *check);
/* Wipes and frees one that was not taken over. */
void password_check_free(struct password_check *check);

#endif
