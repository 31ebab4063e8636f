/* SPDX-License-Identifier: GPL-2.0-only */
/* What the tests of agent/health share: a loop with a health in it, and servers in the same loop.
 */
#ifndef LEAT_TESTS_HEALTH_FIXTURE_H
#define LEAT_TESTS_HEALTH_FIXTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "health/health.h"

#define FIXTURE_CHANGES 64

struct event_base;
struct server;

/** struct fixture - a loop, its health, and the news from it */
struct fixture {
	struct event_base *base;
	struct health *health;
	size_t open_files; /* before all this */
	unsigned change_count;
	struct {
		uint32_t token;
		struct health_state state;
	} changes[FIXTURE_CHANGES];			       /* the first ones */
	void (*on_change)(struct fixture *fx, uint32_t token); /* for a test to act in it */
};

/** fixture_setup, fixture_teardown - for cmocka; the latter fails when descriptors leaked */
int fixture_setup(void **state);
int fixture_teardown(void **state);

/** fixture_run_until - go round the loop until @is_done; the test fails if that takes too long */
void fixture_run_until(struct fixture *fx, bool (*is_done)(struct fixture *fx, unsigned n),
		       unsigned n);

/** fixture_run_for - go round the loop for @ms, for what must not happen */
void fixture_run_for(struct fixture *fx, unsigned ms);

/** has_changes, has_probes - at least @n changes; at least @n probes of token 1 */
bool has_changes(struct fixture *fx, unsigned n);
bool has_probes(struct fixture *fx, unsigned n);

/** fixture_state - of @token, which must be known */
struct health_state fixture_state(struct fixture *fx, uint32_t token);

/** fixture_set - health_set() of @token at loopback; @ip "127.0.0.1", "::1" */
int fixture_set(struct fixture *fx, uint32_t token, const char *ip, unsigned port,
		const struct model_health *settings, int initial);

/** tcp_settings, http_settings - quick ones: every 20 ms, timeout 2 s, rise 2, fall 3, no jitter;
 * http: GET /, 200-299 */
struct model_health tcp_settings(void);
struct model_health http_settings(void);

/**
 * open_port - a bound socket on @ip, listening where @backlog is not negative
 * @port: 0: any, stored here
 */
int open_port(const char *ip, int backlog, unsigned *port);

/** count_open_files - of this process */
size_t count_open_files(void);

/**
 * struct server - answers each request with the next of its replies, the last one for ever
 * An empty reply closes the connection.
 */
struct server {
	struct fixture *fx;
	struct evconnlistener *listener;
	unsigned port;
	const char *const *replies; /* ends with NULL; none: never answers */
	bool keeps_open;	    /* does not close after its reply */
	unsigned stall_ms;	    /* holds up the whole loop at the next accept */
	unsigned accepted;
	unsigned requests;
	char request[1024];	      /* the last one */
	struct bufferevent *open[64]; /* the last ones, for server_stop() */
};

/** server_start - on 127.0.0.1 */
void server_start(struct server *s, struct fixture *fx, const char *const *replies);

/** server_stop - and close what is open */
void server_stop(struct server *s);

#endif
