/* SPDX-License-Identifier: GPL-2.0-only */
#include "health/state.h"

static bool turn(struct health_state *s, const struct state_input *in)
{
	s->is_up = in->outcome == OUTCOME_PASSED;
	s->since_ms = in->realtime_ms;
	s->streak = 0;
	return true;
}

bool state_apply(struct health_state *s, const struct state_input *in)
{
	bool is_first = !s->is_decided;
	bool has_passed = in->outcome == OUTCOME_PASSED;

	if (in->outcome == OUTCOME_NOT_SENT)
		return false;
	s->probes++;
	s->is_decided = true;
	if (has_passed)
		s->latency_us = in->latency_us;
	if (is_first && !in->is_adopted)
		return turn(s, in);
	if (has_passed == s->is_up) {
		s->streak = 0;
		return false;
	}
	s->streak++;
	return s->streak >= (s->is_up ? in->fall : in->rise) ? turn(s, in) : false;
}
