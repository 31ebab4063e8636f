/* SPDX-License-Identifier: GPL-2.0-only */
/* The state machine of one target: what a probe's outcome makes of its state. Pure. */
#ifndef LEAT_HEALTH_STATE_H
#define LEAT_HEALTH_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "health/health.h"

/** enum probe_outcome - how a probe ended */
enum probe_outcome {
	OUTCOME_PASSED,
	OUTCOME_FAILED,
	OUTCOME_NOT_SENT, /* for want of something of our own; says nothing of the backend */
};

/** struct state_input - one outcome and what to judge it by */
struct state_input {
	enum probe_outcome outcome;
	unsigned rise;
	unsigned fall;
	bool is_adopted; /* is_up was known before any probe: it takes rise or fall to change */
	uint64_t realtime_ms; /* CLOCK_REALTIME */
	uint32_t latency_us;
};

/** state_apply - take @in into @s; returns whether is_up changed or was decided first */
bool state_apply(struct health_state *s, const struct state_input *in);

#endif
