/* SPDX-License-Identifier: GPL-2.0-only */
/* Probes of all backends in one event loop: one state machine, one file per kind of probe. */
#ifndef LEAT_HEALTH_HEALTH_H
#define LEAT_HEALTH_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

#include "model/config.h"

struct event_base;
struct health;

/** struct health_state - what is known of one target */
struct health_state {
	bool is_decided;     /* a first probe has ended */
	bool is_up;	     /* before that: what health_set() was told */
	uint64_t since_ms;   /* CLOCK_REALTIME, of the last change of is_up, or of the first
			      * decision; before: of health_set() */
	unsigned streak;     /* probes in a row that contradict is_up */
	uint64_t probes;     /* ended, ever */
	uint32_t latency_us; /* of the last probe that succeeded */
	char reason[96];     /* of the last probe: "connected", "status 503, expected 200-299",
			      * "timeout after 1000 ms connecting". A probe that could not be sent
			      * ("too many open files: raise LimitNOFILE") shows here, counts nowhere
			      * else and is tried again soon */
};

/**
 * health_change_fn - @is_up changed, or the first probe of an unknown target decided it
 * Called from the loop. It may call health_set(), health_remove() and health_get() for any token,
 * its own too, but not health_free(). @state is a copy, valid for the call.
 */
typedef void (*health_change_fn)(void *arg, uint32_t token, const struct health_state *state);

/** health_new - NULL and errno on failure; @base must outlive it */
struct health *health_new(struct event_base *base, health_change_fn on_change, void *arg);

/**
 * health_set - probe a target, or go on probing it
 * @token:    the caller's name of it (backend id); one target a token
 * @port:     host order; @settings->port, where it is not 0, is probed instead
 * @settings: copied. Where address, port and settings are those already set, nothing is disturbed;
 *            where only settings differ the state is kept (@initial is not looked at), a probe in
 *            flight is dropped and the next one uses the new settings, within the new interval
 * @initial:  0 unknown (the first probe, sent at once, decides), 1 up, -1 down (adopted; rise and
 *            fall apply, and a first probe that confirms it is not reported)
 *
 * A backend that fails is found within fall x (interval + jitter) + timeout, and a few ticks of
 * 10 ms. A target has one probe in flight: a timeout longer than the interval stretches it.
 * Returns 0, -EINVAL (settings->type is PROBE_NONE: use health_remove()), -ENAMETOOLONG (host),
 * -ENOMEM; on failure nothing has changed.
 */
int health_set(struct health *h, uint32_t token, const struct lb_addr *address, unsigned port,
	       const struct model_health *settings, int initial);

/** health_remove - forget @token; a probe in flight is dropped without a report */
void health_remove(struct health *h, uint32_t token);

/** health_get - state of @token into @out; 0 or -ENOENT */
int health_get(const struct health *h, uint32_t token, struct health_state *out);

/** health_free - stop all probes without a report; NULL is allowed */
void health_free(struct health *h);

#endif
