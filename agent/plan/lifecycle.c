/* SPDX-License-Identifier: GPL-2.0-only */
#include "plan/lifecycle.h"

#include "leat_abi.h"

#define BUMPS_A_WINDOW 510 /* and one more, when it dies */

const char *lifecycle_name(enum lifecycle_state state)
{
	static const char *const names[] = {
		[BACKEND_STARTING] = "starting", [BACKEND_UP] = "up",
		[BACKEND_DOWN] = "down",	 [BACKEND_DRAINING] = "draining",
		[BACKEND_DRAINED] = "drained",	 [BACKEND_LEAVING] = "leaving",
		[BACKEND_EJECTED] = "ejected",
	};

	return names[state];
}

/* A time that the clock has not reached yet is no age at all. */
static uint32_t age_of(uint32_t now, uint32_t since)
{
	int32_t age = (int32_t)(now - since);

	return age > 0 ? (uint32_t)age : 0;
}

static bool is_unnamed_for(const struct lifecycle_input *in, uint32_t now, uint32_t d)
{
	return !in->is_named && age_of(now, in->unnamed_since) > d;
}

/* Nobody is left who could lose a connection. */
static bool is_drained(const struct lifecycle_input *in, uint32_t now, uint32_t d, uint32_t settle)
{
	return is_unnamed_for(in, now, d) && in->is_quiet && age_of(now, in->quiet_since) >= settle;
}

static bool is_past_deadline(const struct lifecycle_input *in, uint32_t now)
{
	return in->has_deadline && (int32_t)(now - in->deadline) >= 0;
}

/* Rule 5, and the last step of one that leaves: its id may be used again only once it is dead. */
static bool must_die(const struct lifecycle_input *in, uint32_t now, bool wants_drain, bool is_done)
{
	if (in->is_decided && !in->is_healthy)
		return true;
	if (is_done)
		return in->is_leaving;
	return wants_drain && is_past_deadline(in, now);
}

/* Rule 6. */
static bool may_revive(const struct lifecycle_input *in, uint32_t now, uint32_t d, bool wants_drain)
{
	return !wants_drain && in->is_decided && in->is_healthy && is_unnamed_for(in, now, d);
}

static enum lifecycle_state state_of(const struct lifecycle_input *in, bool is_alive, bool is_done)
{
	if (in->is_leaving)
		return BACKEND_LEAVING;
	if (in->wants_drain)
		return is_done ? BACKEND_DRAINED : BACKEND_DRAINING;
	if (is_alive)
		return in->is_ejected ? BACKEND_EJECTED : BACKEND_UP;
	return in->is_decided ? BACKEND_DOWN : BACKEND_STARTING;
}

void lifecycle_step(const struct lifecycle_input *in, uint32_t now, uint32_t d, uint32_t settle,
		    struct lifecycle_output *out)
{
	bool was_alive = !(in->generation & 1);
	bool wants_drain = in->wants_drain || in->is_leaving;
	bool is_done = wants_drain && is_drained(in, now, d, settle);
	bool is_alive = was_alive ? !must_die(in, now, wants_drain, is_done)
				  : may_revive(in, now, d, wants_drain);

	*out = (struct lifecycle_output) {
		.bump_generation = is_alive != was_alive,
		.takes_newcomers = is_alive && !wants_drain && !in->is_ejected,
		.remove =
			in->is_leaving && !was_alive && in->is_quiet && is_unnamed_for(in, now, d),
		.state = state_of(in, is_alive, is_done || !is_alive),
	};
}

bool lifecycle_may_bump(struct lifecycle_bumps *bumps, uint32_t now, uint32_t record)
{
	if (age_of(now, bumps->since) > record)
		*bumps = (struct lifecycle_bumps) { .since = now };
	return bumps->count < BUMPS_A_WINDOW;
}
