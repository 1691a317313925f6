#include "base/loop.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#define LOOP_EVENTS 64

struct loop {
	int epoll_fd;
	bool is_stopping;
	struct loop_timer *timers; /* armed ones, earliest first */
	struct epoll_event batch[LOOP_EVENTS];
	int batch_len; /* events of the batch being handled; a removed source's entry is cleared */
	int signal_fd;
	struct loop_source signal_source;
	loop_signal_handler handle_signal;
	void *signal_data;
};

uint64_t clock_now_us(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

uint64_t clock_now_ms(void)
{
	return clock_now_us() / 1000;
}

int loop_create(struct loop **ret_loop, struct error *err)
{
	struct loop *loop = calloc(1, sizeof(*loop));
	if (!loop) {
		return error_set(err, -ENOMEM, "no memory for an event loop");
	}
	loop->signal_fd = -1;
	loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (loop->epoll_fd < 0) {
		free(loop);
		return error_set_errno(err, "cannot make an epoll descriptor");
	}
	*ret_loop = loop;
	return 0;
}

void loop_destroy(struct loop *loop)
{
	if (!loop) {
		return;
	}
	if (loop->signal_fd >= 0) {
		close(loop->signal_fd);
	}
	close(loop->epoll_fd);
	free(loop);
}

int loop_source_add(struct loop *loop, struct loop_source *source, int fd, uint32_t events,
		loop_source_handler handle, void *data)
{
	struct epoll_event event = {.events = events, .data.ptr = source};
	if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0) {
		source->fd = -1;
		source->loop = NULL;
		return -errno;
	}
	*source = (struct loop_source){
			.handle = handle, .data = data, .fd = fd, .events = events, .loop = loop};
	return 0;
}

int loop_source_update(struct loop_source *source, uint32_t events)
{
	if (events == source->events) {
		return 0;
	}
	struct epoll_event event = {.events = events, .data.ptr = source};
	if (epoll_ctl(source->loop->epoll_fd, EPOLL_CTL_MOD, source->fd, &event) < 0) {
		return -errno;
	}
	source->events = events;
	return 0;
}

void loop_source_remove(struct loop_source *source)
{
	struct loop *loop = source->loop;
	if (!loop) {
		return;
	}
	epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, source->fd, NULL);
	for (int i = 0; i < loop->batch_len; i++) {
		if (loop->batch[i].data.ptr == source) {
			loop->batch[i].data.ptr = NULL;
		}
	}
	source->loop = NULL;
	source->fd = -1;
}

void loop_timer_init(
		struct loop *loop, struct loop_timer *timer, loop_timer_handler handle, void *data)
{
	*timer = (struct loop_timer){.handle = handle, .data = data, .loop = loop};
}

void loop_timer_disarm(struct loop_timer *timer)
{
	if (timer->due_ms == 0) {
		return;
	}
	if (timer->previous) {
		timer->previous->next = timer->next;
	} else {
		timer->loop->timers = timer->next;
	}
	if (timer->next) {
		timer->next->previous = timer->previous;
	}
	timer->previous = NULL;
	timer->next = NULL;
	timer->due_ms = 0;
}

void loop_timer_arm(struct loop_timer *timer, uint64_t delay_ms)
{
	loop_timer_disarm(timer);
	timer->due_ms = clock_now_ms() + delay_ms + 1;
	struct loop_timer *before = NULL;
	struct loop_timer *after = timer->loop->timers;
	while (after && after->due_ms <= timer->due_ms) {
		before = after;
		after = after->next;
	}
	timer->previous = before;
	timer->next = after;
	if (before) {
		before->next = timer;
	} else {
		timer->loop->timers = timer;
	}
	if (after) {
		after->previous = timer;
	}
}

static void handle_signal_source(struct loop_source *source, uint32_t events)
{
	(void)events;
	struct loop *loop = source->data;
	struct signalfd_siginfo info;
	while (read(loop->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		loop->handle_signal(loop->signal_data, &info);
	}
}

int loop_catch_signals(struct loop *loop, const int *signals, size_t count,
		loop_signal_handler handle, void *data, struct error *err)
{
	assert(loop->signal_fd < 0);
	sigset_t set;
	sigemptyset(&set);
	for (size_t i = 0; i < count; i++) {
		sigaddset(&set, signals[i]);
	}
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0) {
		return error_set_errno(err, "cannot block signals");
	}
	loop->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (loop->signal_fd < 0) {
		return error_set_errno(err, "cannot make a signal descriptor");
	}
	loop->handle_signal = handle;
	loop->signal_data = data;
	int code = loop_source_add(loop, &loop->signal_source, loop->signal_fd, EPOLLIN,
			handle_signal_source, loop);
	return code < 0 ? error_set(err, code, "cannot watch the signal descriptor") : 0;
}

static void run_due_timers(struct loop *loop)
{
	uint64_t now = clock_now_ms();
	while (loop->timers && loop->timers->due_ms <= now) {
		struct loop_timer *timer = loop->timers;
		loop_timer_disarm(timer);
		timer->handle(timer);
	}
}

static int wait_ms(const struct loop *loop, int timeout_ms)
{
	if (!loop->timers) {
		return timeout_ms;
	}
	uint64_t now = clock_now_ms();
	uint64_t left = loop->timers->due_ms > now ? loop->timers->due_ms - now : 0;
	if (timeout_ms >= 0 && left > (uint64_t)timeout_ms) {
		return timeout_ms;
	}
	return left > INT_MAX ? INT_MAX : (int)left;
}

int loop_run_once(struct loop *loop, int timeout_ms)
{
	int count = epoll_wait(loop->epoll_fd, loop->batch, LOOP_EVENTS, wait_ms(loop, timeout_ms));
	if (count < 0 && errno != EINTR) {
		return -errno;
	}
	loop->batch_len = count > 0 ? count : 0;
	for (int i = 0; i < loop->batch_len; i++) {
		struct loop_source *source = loop->batch[i].data.ptr;
		if (source) {
			source->handle(source, loop->batch[i].events);
		}
	}
	loop->batch_len = 0;
	run_due_timers(loop);
	return 0;
}

int loop_run(struct loop *loop)
{
	while (!loop->is_stopping) {
		int code = loop_run_once(loop, -1);
		if (code < 0) {
			return code;
		}
	}
	return 0;
}

void loop_stop(struct loop *loop)
{
	loop->is_stopping = true;
}

int loop_descriptor(const struct loop *loop)
{
	return loop->epoll_fd;
}

int loop_timeout_ms(const struct loop *loop)
{
	return wait_ms(loop, -1);
}
