/* SPDX-License-Identifier: GPL-2.0-only */
/* What one agent leaves to the next about each backend: lb_memos. */
#include <stdlib.h>
#include <string.h>

#include "control/state.h"
#include "health/health.h"
#include "plan/ramp.h"

#define NO_PERCENT 0xffff

/* ---- written ------------------------------------------------------------------ */

static void note_health(const struct control *ctl, const struct control_backend *b,
			struct lb_memo *memo)
{
	struct health_state state;

	memo->flags = (b->is_decided ? LB_MEMO_DECIDED : 0) | (b->is_healthy ? LB_MEMO_UP : 0);
	if (!b->is_probed || health_get(ctl->health, b->id, &state))
		return;
	memo->since_ms = state.since_ms;
	memo->streak = state.streak;
	memo->failures = state.failures;
	memo->flaps = (uint8_t)(state.flaps < UINT8_MAX ? state.flaps : UINT8_MAX);
	memo->held_until_ms = state.held_until_ms;
}

struct lb_memo memory_of(const struct control *ctl, const struct control_backend *b)
{
	struct lb_memo memo = {
		.ramp_from_ms = b->ramp_from_ms,
		.ejected_until_ms = b->ejected_until_ms,
		.latency_us = b->response.average_us,
		.factor = b->pid.factor_permille,
		.integral = b->pid.integral,
		.agent_percent = (uint16_t)(b->agent.has_percent ? b->agent.percent : NO_PERCENT),
		.agent_state = (uint8_t)b->agent.state,
		.state = (uint8_t)b->state,
		.state_since_s = (uint32_t)(b->since_ms / 1000),
	};
	unsigned ejections = b->outlier.ejections;

	memo.ejections = (uint16_t)(ejections < UINT16_MAX ? ejections : UINT16_MAX);
	note_health(ctl, b, &memo);
	return memo;
}

void memory_write(struct control *ctl, struct control_backend *b)
{
	struct lb_memo memo = memory_of(ctl, b);

	b->held_until_ms = memo.held_until_ms;
	if (!memcmp(&memo, &b->memo, sizeof(memo)))
		return;
	dataplane_put_memo(ctl->dp, b->id, &memo);
	b->memo = memo;
}

/* ---- read ---------------------------------------------------------------------- */

static bool is_blank(const struct lb_memo *memo)
{
	static const struct lb_memo blank;

	return !memcmp(memo, &blank, sizeof(blank));
}

/* For no longer than the settings say, whatever became of the clock meanwhile. */
static void recall_outlier(struct control_backend *b, const struct model_passive *settings,
			   uint64_t realtime_ms, uint64_t monotonic_ms)
{
	uint64_t longest_ms = (uint64_t)settings->eject_ms * b->memo.ejections;
	uint64_t left_ms;

	b->outlier.ejections = b->memo.ejections;
	if (b->memo.ejected_until_ms <= realtime_ms)
		return;
	left_ms = b->memo.ejected_until_ms - realtime_ms;
	if (left_ms > longest_ms)
		left_ms = longest_ms;
	b->is_ejected = true;
	b->ejected_until_ms = realtime_ms + left_ms;
	b->outlier.ejected_until_ms = monotonic_ms + left_ms;
	strcpy(b->eject_reason, "by the agent before this one");
}

static void recall_agent(struct control_backend *b)
{
	if (b->memo.agent_state <= AGENT_DOWN)
		b->agent.state = (enum model_agent_state)b->memo.agent_state;
	b->agent.has_percent = b->memo.agent_percent != NO_PERCENT;
	b->agent.percent = b->agent.has_percent ? b->memo.agent_percent : 0;
}

/* Alive = parity of the generation; whether it should be is the probes' last word. */
static void recall_health(struct control_backend *b, bool is_alive)
{
	b->is_decided = is_alive || (b->memo.flags & LB_MEMO_DECIDED);
	b->is_healthy = b->memo.flags & LB_MEMO_DECIDED ? b->memo.flags & LB_MEMO_UP : is_alive;
	b->held_until_ms = b->memo.held_until_ms;
}

/* A state that goes on is no news, and goes on since the same second. */
static void recall_state(struct control_backend *b)
{
	if (!b->memo.state_since_s || b->memo.state > BACKEND_EJECTED)
		return;
	b->state = (enum lifecycle_state)b->memo.state;
	b->since_ms = b->memo.state_since_s * 1000ULL;
}

void memory_recall(struct control *ctl, struct control_backend *b, bool is_alive)
{
	uint64_t monotonic_ms = control_monotonic_ms();

	b->memo = dataplane_memos(ctl->dp)[b->id];
	if (is_blank(&b->memo)) { /* of an agent that died within its first second */
		b->is_decided = is_alive;
		b->is_healthy = is_alive;
		return;
	}
	recall_health(b, is_alive);
	recall_agent(b);
	recall_state(b);
	recall_outlier(b, &ctl->service_of[b->id]->model->passive, control_realtime_ms(),
		       monotonic_ms);
	b->ramp_from_ms = b->memo.ramp_from_ms;
	b->pid.factor_permille = b->memo.factor;
	b->pid.integral = b->memo.integral;
	b->factor_permille = b->memo.factor ? b->memo.factor : 1000;
	b->response.average_us = b->memo.latency_us;
	b->response.samples = b->memo.latency_us != 0;
	b->response.last_ms = monotonic_ms;
}

struct health_memory memory_for_probe(const struct control_backend *b, bool init_up)
{
	return (struct health_memory) {
		.initial = b->is_decided ? (b->is_healthy ? 1 : -1)
			   : init_up	 ? 1
					 : 0,
		.since_ms = b->memo.since_ms,
		.streak = b->memo.streak,
		.failures = b->memo.failures,
		.flaps = b->memo.flaps,
		.held_until_ms = b->memo.held_until_ms,
	};
}
