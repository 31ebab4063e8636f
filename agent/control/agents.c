/* SPDX-License-Identifier: GPL-2.0-only */
/* What backends say of themselves: agent checks. */
#include <stdio.h>
#include <string.h>

#include "control/state.h"
#include "health/agent_check.h"
#include "log.h"

static const char *state_name(enum model_agent_state state)
{
	static const char *const names[] = {
		[AGENT_STATE_NONE] = "nothing", [AGENT_UP] = "up",     [AGENT_DRAIN] = "drain",
		[AGENT_MAINT] = "maint",	[AGENT_DOWN] = "down",
	};

	return names[state];
}

void agent_say(const struct control_agent *agent, char *buf, size_t size)
{
	snprintf(buf, size, "agent check: %s%s%s", state_name(agent->state),
		 *agent->reason ? ", " : "", agent->reason);
}

/* HAProxy keeps what it knew when nobody answers, and so do we. */
static void note_silence(const struct control_service *s, struct control_backend *b,
			 const char *error)
{
	if (!*b->agent.error)
		log_warn("agent check unanswered service=%s backend=%s reason=\"%s\"; its last "
			 "word stays",
			 s->model->name, b->name, log_escape(error));
	snprintf(b->agent.error, sizeof(b->agent.error), "%s", *error ? error : "no answer");
}

static void note_state(const struct control_service *s, struct control_backend *b,
		       const struct agent_report *report)
{
	enum model_agent_state was = b->agent.state;

	snprintf(b->agent.reason, sizeof(b->agent.reason), "%s", report->reason);
	if (!report->has_state || report->state == was)
		return;
	b->agent.state = report->state;
	b->agent.since_ms = b->agent.heard_ms;
	if (was != AGENT_STATE_NONE || report->state != AGENT_UP)
		log_info("agent check service=%s backend=%s was=%s now=%s reason=\"%s\"",
			 s->model->name, b->name, state_name(was), state_name(report->state),
			 log_escape(report->reason));
}

void agents_reported(void *arg, uint32_t token, const struct agent_report *report,
		     const char *error)
{
	struct control *ctl = arg;
	struct control_backend *b = ctl->by_id[token % LB_MAX_BACKENDS];
	struct control_service *s = ctl->service_of[token % LB_MAX_BACKENDS];

	if (!b || !s)
		return;
	if (!report) {
		note_silence(s, b, error);
		return;
	}
	if (*b->agent.error)
		log_info("agent check answered again service=%s backend=%s", s->model->name,
			 b->name);
	b->agent.error[0] = '\0';
	b->agent.heard_ms = control_realtime_ms();
	note_state(s, b, report);
	if (report->has_percent) {
		s->is_news |= !b->agent.has_percent || b->agent.percent != report->percent;
		b->agent.has_percent = true;
		b->agent.percent = report->percent;
	}
	backend_heed_agent(s, b);
	control_soon(ctl);
}

void agents_watch(struct control *ctl, struct control_service *s, struct control_backend *b)
{
	const struct model_agent_check *settings = &s->model->agent_check;
	int err;

	if (settings->port && !b->is_leaving) {
		err = agent_checks_set(ctl->agent_checks, b->id, &b->address, settings);
		if (err)
			log_error("no agent check service=%s backend=%s error=\"%s\"",
				  s->model->name, b->name, strerror(-err));
		b->has_agent = !err;
		return;
	}
	agents_forget(ctl, b);
	if (b->is_leaving)
		return;
	b->agent = (struct control_agent) {};
	backend_heed_agent(s, b);
}

void agents_forget(struct control *ctl, struct control_backend *b)
{
	if (b->has_agent)
		agent_checks_remove(ctl->agent_checks, b->id);
	b->has_agent = false;
}
