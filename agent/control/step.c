/* SPDX-License-Identifier: GPL-2.0-only */
/* Backends, alive, dead and draining: what plan/lifecycle.h says is done and told here. */
#include <stdio.h>

#include "control/state.h"
#include "health/health.h"
#include "log.h"

/* ---- said ------------------------------------------------------------------ */

static void say_probe(const struct control *ctl, const struct control_service *s,
		      struct control_backend *b)
{
	const char *panic = s->panic == WEIGH_PANIC_OPEN && !b->is_healthy ? "panic: " : "";
	struct health_state probe;

	if (b->is_probed && !health_get(ctl->health, b->id, &probe) && probe.probes)
		snprintf(b->reason, sizeof(b->reason), "%s%s", panic, probe.reason);
	else if (!b->is_probed && b->is_decided)
		snprintf(b->reason, sizeof(b->reason), "no health check");
}

void step_say_reason(const struct control *ctl, const struct control_service *s,
		     struct control_backend *b)
{
	const struct control_agent *agent = &b->agent;

	if (b->is_leaving)
		snprintf(b->reason, sizeof(b->reason), "no longer in the configuration");
	else if (b->is_draining)
		snprintf(b->reason, sizeof(b->reason), b->weight ? "drain: true" : "weight 0");
	else if (b->wants_drain || (agent->state == AGENT_DOWN && b->is_healthy))
		agent_say(agent, b->reason, sizeof(b->reason));
	else if (b->state == BACKEND_EJECTED)
		snprintf(b->reason, sizeof(b->reason), "%s", b->eject_reason);
	else
		say_probe(ctl, s, b);
}

static void say_state(const struct control *ctl, const struct control_service *s,
		      struct control_backend *b, enum lifecycle_state state)
{
	const char *was = lifecycle_name(b->state);

	b->state = state;
	b->since_ms = control_realtime_ms();
	step_say_reason(ctl, s, b);
	if (state == BACKEND_EJECTED)
		return; /* passive.c has said it, and for how long */
	log_info("backend %s service=%s backend=%s was=%s reason=\"%s\"", lifecycle_name(state),
		 s->model->name, b->name, was, log_escape(b->reason));
}

/* ---- done ------------------------------------------------------------------- */

static void bump_generation(struct control *ctl, struct control_service *s,
			    struct control_backend *b, uint32_t now)
{
	uint16_t *generation = &ctl->generations[b->id];

	dataplane_bump_generation(ctl->dp, b->id);
	*generation = dataplane_backends(ctl->dp)[b->id].generation;
	b->bumps.count++;
	if (!(*generation & 1))
		return;
	b->unnamed_since = now; /* d counts from here, at least */
	s->churn.at_risk += b->flows;
}

/* In an open panic everyone is used, whatever probes, agent checks and samples say. */
static struct lifecycle_input input_of(const struct control *ctl, const struct control_service *s,
				       const struct control_backend *b)
{
	bool is_panic = s->panic == WEIGH_PANIC_OPEN;

	return (struct lifecycle_input) {
		.is_healthy = backend_is_healthy(b) || is_panic,
		.is_ejected = b->is_ejected && !is_panic,
		.is_decided = b->is_decided,
		.wants_drain = b->wants_drain,
		.is_leaving = b->is_leaving,
		.has_deadline = b->has_deadline,
		.deadline = b->deadline,
		.generation = ctl->generations[b->id],
		.is_named = b->named != 0,
		.unnamed_since = b->unnamed_since,
		.is_quiet = b->is_quiet,
		.quiet_since = b->quiet_since,
	};
}

/* Returns whether the table must be built anew; *removes: the row may go. */
static bool step_backend(struct control *ctl, struct control_service *s, struct control_backend *b,
			 uint32_t now, bool *removes)
{
	struct lifecycle_input in = input_of(ctl, s, b);
	bool is_tracked = s->row.flags & LB_SVC_TRACKED;
	bool may_bump = lifecycle_may_bump(&b->bumps, now, s->timers.record);
	uint32_t bound = may_bump ? control_bound(ctl) : UINT32_MAX; /* else: not yet */
	struct lifecycle_output out;
	bool changed, begins;

	lifecycle_step(&in, now, bound, is_tracked ? 0 : s->times.settle, &out);
	if (out.bump_generation)
		bump_generation(ctl, s, b, now);
	begins = out.takes_newcomers && !b->takes_newcomers;
	changed = out.bump_generation || out.takes_newcomers != b->takes_newcomers;
	b->takes_newcomers = out.takes_newcomers;
	if (out.state != b->state)
		say_state(ctl, s, b, out.state);
	if (begins && s->is_filled && !s->is_held && s->panic != WEIGH_PANIC_OPEN)
		weights_begin_ramp(s, b);
	if (out.bump_generation || begins || b->agent.state != b->memo.agent_state ||
	    b->state != b->memo.state)
		memory_write(ctl, b);
	*removes = out.remove;
	return changed;
}

void step_backends(struct control *ctl, struct control_service *s, uint32_t now)
{
	bool has_removed = false;

	for (size_t i = 0; i < s->backend_count;) {
		struct control_backend *b = s->backends[i];
		bool removes;

		s->is_dirty |= step_backend(ctl, s, b, now, &removes);
		if (!removes) {
			i++;
			continue;
		}
		log_info("backend removed service=%s backend=%s", s->model->name, b->name);
		backend_remove(ctl, s, b);
		has_removed = true;
	}
	if (has_removed && (s->row.flags & LB_SVC_QUIC))
		servers_keep(ctl, s);
}
