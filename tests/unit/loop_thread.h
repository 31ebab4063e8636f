/* SPDX-License-Identifier: GPL-2.0-only */
/* An event loop in a thread, for tests whose own thread is the client. */
#ifndef LEAT_TESTS_LOOP_THREAD_H
#define LEAT_TESTS_LOOP_THREAD_H

#include <pthread.h>

struct event_base;
struct event;

struct loop_thread {
	struct event_base *base; /* between halt and run: the caller's thread owns it */
	struct event *quit;
	int quit_fd;
	pthread_t thread;
};

/** loop_thread_open - a loop that does not run yet */
void loop_thread_open(struct loop_thread *loop);

void loop_thread_run(struct loop_thread *loop);

/** loop_thread_halt - end the thread; what the loop held stays in it */
void loop_thread_halt(struct loop_thread *loop);

void loop_thread_close(struct loop_thread *loop);

#endif
