/* SPDX-License-Identifier: GPL-2.0-only */
/* Probes of all backends in one event loop: one state machine, one file per kind of probe. */
#ifndef LEAT_HEALTH_HEALTH_H
#define LEAT_HEALTH_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

#include "model/config.h"

struct event_base;
struct health;

/** struct health_state - what is known of one target; two services may share one */
struct health_state {
	bool is_decided;	/* a first probe has ended */
	bool is_up;		/* before that: what health_set() was told */
	uint64_t since_ms;	/* CLOCK_REALTIME, of the last change of is_up, or of the first
				 * decision; before: of health_set() */
	unsigned streak;	/* probes in a row that contradict is_up */
	unsigned failures;	/* in a row: what back-off counts */
	unsigned flaps;		/* changes of is_up within flap_window_ms */
	uint64_t held_until_ms; /* CLOCK_REALTIME: kept down for flapping, whatever probes say; 0 */
	uint64_t next_ms;	/* CLOCK_REALTIME, of the next probe */
	uint64_t probes;	/* ended, ever */
	uint32_t latency_us;	/* of the last probe that succeeded */
	uint32_t late_ms;	/* that the last probe started after its time */
	char reason[96];	/* of the last probe: "connected", "status 503, expected 200-299",
				 * "timeout after 1000 ms connecting". A probe that could not be sent
				 * ("too many open files: raise LimitNOFILE") shows here, counts nowhere
				 * else and is tried again soon */
};

/**
 * health_change_fn - @is_up changed, the first probe of an unknown target decided it, or the
 * target is held down for flapping from now on
 * Called from the loop. It may call health_set(), health_remove() and health_get() for any token,
 * its own too, but not health_free(). @state is a copy, valid for the call.
 */
typedef void (*health_change_fn)(void *arg, uint32_t token, const struct health_state *state);

/** health_new - NULL and errno on failure; @base must outlive it */
struct health *health_new(struct event_base *base, health_change_fn on_change, void *arg);

/** struct health_memory - what an earlier agent, or the same before a reload, knew of a target */
struct health_memory {
	int initial; /* 0 unknown (the first probe, sent at once, decides), 1 up, -1 down (rise and
		      * fall apply, and a first probe that confirms it is not reported) */
	uint64_t since_ms; /* CLOCK_REALTIME; 0: now */
	unsigned streak;
	unsigned failures;
	unsigned flaps;
	uint64_t held_until_ms;
};

/** struct health_target - what is probed */
struct health_target {
	struct lb_addr address;
	unsigned port; /* host order; the settings' port, where it is not 0, is probed instead */
	struct lb_addr vip; /* for `via: vip` */
	unsigned vip_port;  /* host order */
	enum lb_forward forward;
};

/**
 * health_set - probe a target, or go on probing it
 * @token:    the caller's name of it (backend id); one target a token
 * @settings: copied. Where target and settings are those already set, nothing is disturbed; where
 *            only settings differ the state is kept (@memory is not looked at), a probe in flight
 *            is dropped and the next one uses the new settings, within the new interval
 * @memory:   NULL: nothing is known
 *
 * Tokens with the same address, port, path and settings share one probe; a token that joins has the
 * state of those that were there (which may be reported before health_set() returns, for this
 * token alone).
 *
 * A backend that fails is found within fall x (interval + jitter) + timeout, and a few ticks of
 * 25 ms; with a fast interval within interval + jitter + (fall - 1) x (fast + jitter) + timeout.
 * A target has one probe in flight: a timeout longer than the interval stretches it. What stays
 * down is probed at intervals that double with each failure after the first `fall` in a row, up to
 * backoff_ms, and at the fast interval again after a success. Returns 0, -EINVAL (settings->type is
 * PROBE_NONE: use health_remove()), -ENAMETOOLONG (host), -ENOENT, -EACCES (a file of `tls:`, a
 * program of `exec`), -ENOMEM; on failure nothing has changed.
 */
int health_set(struct health *h, uint32_t token, const struct health_target *target,
	       const struct model_health *settings, const struct health_memory *memory);

/** health_set_hop - the next hop of @token, for `via: vip`; @ifindex 0: unknown, probes fail saying
 * so */
void health_set_hop(struct health *h, uint32_t token, uint32_t ifindex, const uint8_t dst_mac[6],
		    const uint8_t src_mac[6]);

/** health_probe_now - the next probe of @token at once, and fast ones after it until it is decided:
 * something else has seen trouble; does nothing for an unknown token or a probe in flight */
void health_probe_now(struct health *h, uint32_t token);

/** health_kind_has_via_vip - whether checks of @type can go `via: vip` */
bool health_kind_has_via_vip(enum model_probe type);

/** health_remove - forget @token; a probe in flight is dropped without a report */
void health_remove(struct health *h, uint32_t token);

/** health_get - state of @token into @out; 0 or -ENOENT */
int health_get(const struct health *h, uint32_t token, struct health_state *out);

/** health_free - stop all probes without a report; NULL is allowed */
void health_free(struct health *h);

#endif
