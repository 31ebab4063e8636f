/* SPDX-License-Identifier: GPL-2.0-only */
#include "loop_thread.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <event2/event.h>
#include <sys/eventfd.h>
#include <unistd.h>

static void loop_thread_quit(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	event_base_loopbreak(arg);
}

static void *loop_thread_main(void *arg)
{
	event_base_dispatch(arg);
	return NULL;
}

void loop_thread_open(struct loop_thread *loop)
{
	loop->base = event_base_new();
	loop->quit_fd = eventfd(0, 0);
	loop->quit = event_new(loop->base, loop->quit_fd, EV_READ, loop_thread_quit, loop->base);
	assert_int_equal(event_add(loop->quit, NULL), 0);
}

void loop_thread_run(struct loop_thread *loop)
{
	assert_int_equal(pthread_create(&loop->thread, NULL, loop_thread_main, loop->base), 0);
}

void loop_thread_halt(struct loop_thread *loop)
{
	assert_int_equal(eventfd_write(loop->quit_fd, 1), 0);
	assert_int_equal(pthread_join(loop->thread, NULL), 0);
}

void loop_thread_close(struct loop_thread *loop)
{
	event_free(loop->quit);
	event_base_free(loop->base);
	close(loop->quit_fd);
}
