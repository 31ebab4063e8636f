/* SPDX-License-Identifier: GPL-2.0-only */
/* The state machine of one target: what a probe's outcome makes of its state. Pure. */
#ifndef LEAT_HEALTH_STATE_H
#define LEAT_HEALTH_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "health/health.h"

#define STATE_FLAPS_MAX 32 /* a larger flap_limit counts as this */

/** enum probe_outcome - how a probe ended */
enum probe_outcome {
	OUTCOME_PASSED,
	OUTCOME_FAILED,
	OUTCOME_NOT_SENT, /* for want of something of our own; says nothing of the backend */
};

/** struct state_past - what the state machine remembers beside the state that is shown */
struct state_past {
	bool is_adopted; /* is_up was known before any probe: it takes rise or fall to change */
	unsigned flap_count;
	uint64_t flap_ms[STATE_FLAPS_MAX]; /* CLOCK_REALTIME, of the last changes, oldest first */
};

/** struct state_input - one outcome and what to judge it by */
struct state_input {
	enum probe_outcome outcome;
	const struct model_health *settings;
	uint64_t realtime_ms; /* CLOCK_REALTIME */
	uint32_t latency_us;
};

/**
 * state_begin - @s and @past before the first probe
 * @memory: what was known before, or NULL. Of its flaps only their number is known: all count as of
 *          the last change
 */
void state_begin(struct health_state *s, struct state_past *past,
		 const struct health_memory *memory, uint64_t realtime_ms);

/**
 * state_apply - take @in into @s
 * Returns whether there is news: is_up changed, was decided first, or @s is now held down.
 */
bool state_apply(struct health_state *s, struct state_past *past, const struct state_input *in);

/**
 * state_interval_ms - from the start of the last probe to that of the next, jitter apart
 * The fast one while nothing is decided or the last probe contradicts; doubled with each failure
 * of what stays down, up to backoff_ms; else the interval.
 */
unsigned state_interval_ms(const struct health_state *s, const struct model_health *settings);

#endif
