/* SPDX-License-Identifier: GPL-2.0-only */
#include "health/state.h"

#include <string.h>

/* ---- flaps -------------------------------------------------------------- */

static void forget_flaps(struct state_past *past, unsigned count)
{
	past->flap_count -= count;
	memmove(past->flap_ms, past->flap_ms + count, past->flap_count * sizeof(past->flap_ms[0]));
}

static void add_flap(struct state_past *past, uint64_t at_ms)
{
	if (past->flap_count == STATE_FLAPS_MAX)
		forget_flaps(past, 1);
	past->flap_ms[past->flap_count++] = at_ms;
}

/* A clock that was set back leaves times in the future: they are as good as none. */
static void forget_old_flaps(struct state_past *past, const struct state_input *in)
{
	uint64_t now = in->realtime_ms;
	unsigned old = 0;

	while (old < past->flap_count && (past->flap_ms[old] > now ||
					  now - past->flap_ms[old] >= in->settings->flap_window_ms))
		old++;
	forget_flaps(past, old);
}

static bool has_flapped_enough(const struct state_past *past, unsigned limit)
{
	if (limit > STATE_FLAPS_MAX)
		limit = STATE_FLAPS_MAX;
	return limit && past->flap_count >= limit;
}

/* What it was held for is paid: the first change after it is the first of a new count. A hold never
 * lasts longer from now than the settings say, whatever became of clock and settings. */
static void review_hold(struct health_state *s, struct state_past *past,
			const struct state_input *in)
{
	uint64_t latest = in->realtime_ms + in->settings->flap_hold_ms;

	if (!s->held_until_ms)
		return;
	if (s->held_until_ms > latest)
		s->held_until_ms = latest;
	if (s->held_until_ms > in->realtime_ms && in->settings->flap_limit)
		return;
	s->held_until_ms = 0;
	forget_flaps(past, past->flap_count);
}

/* ---- up and down -------------------------------------------------------- */

static bool decide(struct health_state *s, const struct state_input *in)
{
	bool has_passed = in->outcome == OUTCOME_PASSED;

	s->is_up = has_passed && !s->held_until_ms;
	s->streak = has_passed && !s->is_up;
	s->since_ms = in->realtime_ms;
	return true;
}

/* The change that is one too many is made where it leads down, and else not. */
static bool turn(struct health_state *s, struct state_past *past, const struct state_input *in)
{
	add_flap(past, in->realtime_ms);
	if (has_flapped_enough(past, in->settings->flap_limit))
		s->held_until_ms = in->realtime_ms + in->settings->flap_hold_ms;
	if (s->held_until_ms && !s->is_up)
		return true;
	s->is_up = !s->is_up;
	s->since_ms = in->realtime_ms;
	s->streak = 0;
	return true;
}

static bool contradict(struct health_state *s, struct state_past *past,
		       const struct state_input *in)
{
	unsigned needed = s->is_up ? in->settings->fall : in->settings->rise;

	s->streak++;
	if (s->streak < needed || s->held_until_ms)
		return false;
	return turn(s, past, in);
}

void state_begin(struct health_state *s, struct state_past *past,
		 const struct health_memory *memory, uint64_t realtime_ms)
{
	static const struct health_memory nothing = {};
	const struct health_memory *m = memory ? memory : &nothing;

	*s = (struct health_state) {
		.is_up = m->initial > 0,
		.since_ms = m->since_ms ? m->since_ms : realtime_ms,
		.streak = m->streak,
		.failures = m->failures,
		.flaps = m->flaps,
		.held_until_ms = m->initial > 0 ? 0 : m->held_until_ms,
	};
	*past = (struct state_past) { .is_adopted = m->initial != 0 };
	for (unsigned i = 0; i < m->flaps && i < STATE_FLAPS_MAX; i++)
		add_flap(past, s->since_ms);
}

bool state_apply(struct health_state *s, struct state_past *past, const struct state_input *in)
{
	bool has_passed = in->outcome == OUTCOME_PASSED;
	bool is_unknown = !s->is_decided && !past->is_adopted;
	bool has_news = false;

	if (in->outcome == OUTCOME_NOT_SENT)
		return false;
	s->probes++;
	s->is_decided = true;
	s->failures = has_passed ? 0 : s->failures + 1;
	if (has_passed)
		s->latency_us = in->latency_us;
	forget_old_flaps(past, in);
	review_hold(s, past, in);
	if (is_unknown)
		has_news = decide(s, in);
	else if (has_passed == s->is_up)
		s->streak = 0;
	else
		has_news = contradict(s, past, in);
	s->flaps = past->flap_count;
	return has_news;
}

/* ---- pace --------------------------------------------------------------- */

static unsigned back_off_ms(const struct health_state *s, const struct model_health *settings)
{
	uint64_t interval = settings->interval_ms;

	for (unsigned n = settings->fall; n < s->failures && interval < settings->backoff_ms; n++)
		interval *= 2;
	if (interval > settings->backoff_ms)
		interval = settings->backoff_ms;
	return interval > settings->interval_ms ? (unsigned)interval : settings->interval_ms;
}

unsigned state_interval_ms(const struct health_state *s, const struct model_health *settings)
{
	unsigned fast = settings->fast_interval_ms;

	if (!fast)
		fast = settings->interval_ms;
	if (!s->is_decided)
		return fast;
	if (s->held_until_ms)
		return settings->interval_ms; /* whatever it says, it waits */
	if (s->streak)
		return fast;
	return s->is_up ? settings->interval_ms : back_off_ms(s, settings);
}
