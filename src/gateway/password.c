#include "gateway/password.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#define THREAD_NICE 10

struct password_pool {
	pthread_mutex_t mutex;
	pthread_cond_t wakeup;
	struct password_check *waiting; /* first in, first out */
	struct password_check *done;
	int waiting_count;
	bool is_stopping;
	pthread_t threads[PASSWORD_THREADS];
	int thread_count;
	int event_fd; /* raised when something is done */
	struct loop_source source;
};

void password_check_free(struct password_check *check)
{
	if (check) {
		explicit_bzero(check, sizeof(*check));
		free(check);
	}
}

static void append(struct password_check **list, struct password_check *check)
{
	while (*list) {
		list = &(*list)->next;
	}
	check->next = NULL;
	*list = check;
}

/* Waits for a check; NULL when the pool ends. */
static struct password_check *take(struct password_pool *pool)
{
	pthread_mutex_lock(&pool->mutex);
	while (!pool->waiting && !pool->is_stopping) {
		pthread_cond_wait(&pool->wakeup, &pool->mutex);
	}
	struct password_check *check = pool->is_stopping ? NULL : pool->waiting;
	if (check) {
		pool->waiting = check->next;
		pool->waiting_count--;
	}
	pthread_mutex_unlock(&pool->mutex);
	return check;
}

static void *work(void *data)
{
	struct password_pool *pool = data;
	struct password_check *check;
	/* Streams come first. On Linux this is of the thread alone; a failure changes little. */
	setpriority(PRIO_PROCESS, 0, THREAD_NICE);
	while ((check = take(pool)) != NULL) {
		check->matches = account_password_matches(
				check->password, check->hash[0] ? check->hash : NULL);
		explicit_bzero(check->password, sizeof(check->password));
		pthread_mutex_lock(&pool->mutex);
		append(&pool->done, check);
		pthread_mutex_unlock(&pool->mutex);
		eventfd_write(pool->event_fd, 1);
	}
	return NULL;
}

static void handle_done(struct loop_source *source, uint32_t events)
{
	(void)events;
	struct password_pool *pool = source->data;
	eventfd_t count;
	eventfd_read(pool->event_fd, &count);
	pthread_mutex_lock(&pool->mutex);
	struct password_check *done = pool->done;
	pool->done = NULL;
	pthread_mutex_unlock(&pool->mutex);
	while (done) {
		struct password_check *next = done->next;
		done->done(done);
		password_check_free(done);
		done = next;
	}
}

int password_pool_add(struct password_pool *pool, struct password_check *check)
{
	int code = -EBUSY;
	pthread_mutex_lock(&pool->mutex);
	if (pool->waiting_count < PASSWORD_QUEUE) {
		append(&pool->waiting, check);
		pool->waiting_count++;
		pthread_cond_signal(&pool->wakeup);
		code = 0;
	}
	pthread_mutex_unlock(&pool->mutex);
	return code;
}

int password_pool_create(struct loop *loop, struct password_pool **ret_pool, struct error *err)
{
	struct password_pool *pool = calloc(1, sizeof(*pool));
	if (!pool) {
		return error_set(err, -ENOMEM, "no memory for the password threads");
	}
	pthread_mutex_init(&pool->mutex, NULL);
	pthread_cond_init(&pool->wakeup, NULL);
	pool->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	int code = pool->event_fd < 0 ? -errno
				      : loop_source_add(loop, &pool->source, pool->event_fd,
							EPOLLIN, handle_done, pool);
	for (int i = 0; code == 0 && i < PASSWORD_THREADS; i++) {
		code = -pthread_create(&pool->threads[i], NULL, work, pool);
		pool->thread_count += code == 0;
	}
	if (code < 0) {
		password_pool_destroy(pool);
		return error_set(err, code, "cannot start the password threads: %s",
				strerror(-code));
	}
	*ret_pool = pool;
	return 0;
}

static void free_list(struct password_check *list)
{
	while (list) {
		struct password_check *next = list->next;
		password_check_free(list);
		list = next;
	}
}

void password_pool_destroy(struct password_pool *pool)
{
	if (!pool) {
		return;
	}
	pthread_mutex_lock(&pool->mutex);
	pool->is_stopping = true;
	pthread_cond_broadcast(&pool->wakeup);
	pthread_mutex_unlock(&pool->mutex);
	for (int i = 0; i < pool->thread_count; i++) {
		pthread_join(pool->threads[i], NULL);
	}
	loop_source_remove(&pool->source);
	if (pool->event_fd >= 0) {
		close(pool->event_fd);
	}
	free_list(pool->waiting);
	free_list(pool->done);
	pthread_cond_destroy(&pool->wakeup);
	pthread_mutex_destroy(&pool->mutex);
	free(pool);
}
