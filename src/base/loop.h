/* An event loop over epoll: descriptors, timers, signals. One thread, no polling: with nothing to
 * do it sleeps. Sources are embedded in their owner and must be removed before the owner is freed;
 * removing a source inside any callback is safe: it gets no further event. */
#ifndef SAFEWEB_BASE_LOOP_H
#define SAFEWEB_BASE_LOOP_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>

#include "base/error.h"

struct loop;
struct loop_source;
struct loop_timer;

/* events: EPOLLIN, EPOLLOUT, EPOLLHUP, EPOLLERR as epoll(7) reports them. */
typedef void (*loop_source_handler)(struct loop_source *source, uint32_t events);
typedef void (*loop_timer_handler)(struct loop_timer *timer);
typedef void (*loop_signal_handler)(void *data, const struct signalfd_siginfo *info);

struct loop_source {
	loop_source_handler handle;
	void *data;
	int fd; /* not owned; -1 when not in a loop */
	uint32_t events;
	struct loop *loop;
};

struct loop_timer {
	loop_timer_handler handle;
	void *data;
	uint64_t due_ms; /* monotonic; 0 when not armed */
	struct loop *loop;
	struct loop_timer *previous;
	struct loop_timer *next;
};

int loop_create(struct loop **ret_loop, struct error *err);
void loop_destroy(struct loop *loop);

/* Fills and adds a source; it has to stay where it is until loop_source_remove. */
int loop_source_add(struct loop *loop, struct loop_source *source, int fd, uint32_t events,
		loop_source_handler handle, void *data);
int loop_source_update(struct loop_source *source, uint32_t events);
void loop_source_remove(struct loop_source *source);

/* One-shot timer. Arming an armed timer moves it. */
void loop_timer_init(
		struct loop *loop, struct loop_timer *timer, loop_timer_handler handle, void *data);
void loop_timer_arm(struct loop_timer *timer, uint64_t delay_ms);
void loop_timer_disarm(struct loop_timer *timer);

/* Blocks these signals for the process and delivers them to handle. Once a loop. */
int loop_catch_signals(struct loop *loop, const int *signals, size_t count,
		loop_signal_handler handle, void *data, struct error *err);

/* Runs until loop_stop. Returns 0, or a negative errno when epoll itself fails. */
int loop_run(struct loop *loop);
/* Handles what is ready, waiting at most timeout_ms (-1: for ever) for it. */
int loop_run_once(struct loop *loop, int timeout_ms);
void loop_stop(struct loop *loop);

/* For a loop inside another one: a descriptor that is readable when loop_run_once has something to
 * do, and the milliseconds to the next timer (-1: none), after which it has to be called as well.
 */
int loop_descriptor(const struct loop *loop);
int loop_timeout_ms(const struct loop *loop);

/* Monotonic clocks. */
uint64_t clock_now_ms(void);
uint64_t clock_now_us(void);

#endif
