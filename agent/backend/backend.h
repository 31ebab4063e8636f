/* SPDX-License-Identifier: GPL-2.0-only */
/* `leat backend`: what runs on a backend, for balancers to ask. */
#ifndef LEAT_BACKEND_BACKEND_H
#define LEAT_BACKEND_BACKEND_H

#include <stddef.h>

struct backend;
struct event_base;

/** struct backend_settings - strings are the caller's, and must outlive the backend */
struct backend_settings {
	const char *bind_address; /* NULL: all of this machine */
	unsigned port;		  /* 0: any, for tests */
	const char *state_path;	  /* NULL: none */
	const char *cgroup;	  /* NULL: see source_find() */
};

/**
 * backend_new - listen in @base, and watch the CPU
 * @error: gets a sentence where this fails
 * Returns 0, -EADDRINUSE, -EACCES (a port below 1024), -EINVAL or another -errno.
 */
int backend_new(struct event_base *base, const struct backend_settings *settings,
		struct backend **out, char *error, size_t error_size);

/** backend_port - where it listens, host order */
unsigned backend_port(const struct backend *b);

/** backend_free - NULL is allowed */
void backend_free(struct backend *b);

/** backend_run - serve until SIGTERM or SIGINT; logs what happens. 0 or -errno */
int backend_run(const struct backend_settings *settings);

#endif
