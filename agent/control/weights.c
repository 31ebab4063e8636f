/* SPDX-License-Identifier: GPL-2.0-only */
/* What each backend of a service weighs: configuration and observations, told to plan/weigh.h. */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

#include "control/state.h"
#include "log.h"
#include "plan/ramp.h"

#define RAMP_STEPS	 32   /* looks at a ramp while it lasts, at most every ... */
#define RAMP_SLOWEST_MS	 1000 /* and at least so often */
#define RAMP_FASTEST_MS	 100
#define NOTICED_PERCENT	 20  /* a backend's share changed by so much: worth a line of log */
#define WEIGHTS_TEXT_LEN 400 /* of that line */

struct weigh_policy weights_policy(const struct model_service *model)
{
	return (struct weigh_policy) {
		.groups = model->groups,
		.group_count = model->group_count,
		.panic = model->panic,
		.spill_percent = model->spill_percent,
	};
}

/* With `weights: adaptive` its percentage is a load, which the controller has made a factor of. */
static unsigned agent_percent(const struct control_service *s, const struct control_backend *b)
{
	return s->model->is_adaptive || !b->agent.has_percent ? 100 : b->agent.percent;
}

struct weigh_backend weights_of(const struct control_service *s, const struct control_backend *b)
{
	return (struct weigh_backend) {
		.weight = b->weight,
		/* one that leaves may be of a group that is gone */
		.group = b->group < s->model->group_count ? b->group : 0,
		.counts = b->is_decided && !b->wants_drain,
		.is_healthy = backend_is_healthy(b) && !b->is_ejected,
		.agent_percent = agent_percent(s, b),
		.ramp_permille = b->ramp_from_ms ? b->ramp_permille : 1000,
		.factor_permille = s->model->is_adaptive ? b->factor_permille : 1000,
	};
}

static struct weigh_backend *weights_of_all(const struct control_service *s)
{
	struct weigh_backend *be = calloc(s->backend_count + 1, sizeof(*be));

	for (size_t i = 0; be && i < s->backend_count; i++)
		be[i] = weights_of(s, s->backends[i]);
	return be;
}

/* ---- panic ------------------------------------------------------------------ */

static void begin_panic(struct control_service *s, enum weigh_panic panic)
{
	s->panic = panic;
	s->panic_since_ms = control_realtime_ms();
	s->is_dirty = true;
	if (panic == WEIGH_CALM)
		log_info("panic ends service=%s", s->model->name);
	else
		log_warn("panic begins service=%s reason=\"less than %u %% of the weight is "
			 "healthy\"; %s",
			 s->model->name, s->model->panic.threshold_percent,
			 panic == WEIGH_PANIC_OPEN ? "all backends are used"
						   : "no backend takes newcomers");
}

bool weights_judge_panic(struct control_service *s)
{
	const struct weigh_policy policy = weights_policy(s->model);
	enum weigh_panic panic = WEIGH_CALM;
	struct weigh_backend *be;

	if (policy.panic.threshold_percent && !s->is_held) {
		be = weights_of_all(s);
		if (!be)
			return false;
		panic = weigh_panic(&policy, be, s->backend_count);
		free(be);
	}
	if (panic == s->panic)
		return false;
	begin_panic(s, panic);
	return true;
}

/* ---- slow start and controllers ---------------------------------------------- */

void weights_begin_ramp(struct control_service *s, struct control_backend *b)
{
	if (!s->model->slow_start.duration_ms || s->model->proto == IPPROTO_UDP)
		return;
	b->ramp_from_ms = control_realtime_ms();
	b->ramp_permille = ramp_permille(&s->model->slow_start, 0);
	s->is_dirty = true;
	log_info("slow start begins service=%s backend=%s duration_ms=%u", s->model->name, b->name,
		 s->model->slow_start.duration_ms);
}

static void end_ramp(struct control_service *s, struct control_backend *b, const char *why)
{
	b->ramp_from_ms = 0;
	b->ramp_permille = 1000;
	s->is_dirty = true; /* the whole weight, whatever the hysteresis */
	log_info("slow start ends service=%s backend=%s reason=\"%s\"", s->model->name, b->name,
		 why);
}

static void step_ramp(struct control_service *s, struct control_backend *b, uint64_t now_ms)
{
	const struct model_ramp *ramp = &s->model->slow_start;
	uint64_t elapsed_ms;

	if (b->ramp_from_ms > now_ms) /* the clock was set back: from now on */
		b->ramp_from_ms = now_ms;
	elapsed_ms = now_ms - b->ramp_from_ms;
	if (!ramp->duration_ms)
		end_ramp(s, b, "no longer configured");
	else if (!b->takes_newcomers)
		end_ramp(s, b, "takes no newcomers");
	else if (elapsed_ms >= ramp->duration_ms)
		end_ramp(s, b, "over");
	else
		b->ramp_permille = ramp_permille(ramp, elapsed_ms);
}

static uint64_t ramp_period(const struct model_ramp *ramp)
{
	uint64_t period_ms = ramp->duration_ms / RAMP_STEPS;

	if (period_ms < RAMP_FASTEST_MS)
		return RAMP_FASTEST_MS;
	return period_ms < RAMP_SLOWEST_MS ? period_ms : RAMP_SLOWEST_MS;
}

static void step_ramps(struct control_service *s, uint64_t now_ms)
{
	if (now_ms - s->ramped_ms < ramp_period(&s->model->slow_start))
		return;
	s->ramped_ms = now_ms;
	for (size_t i = 0; i < s->backend_count; i++) {
		struct control_backend *b = s->backends[i];

		if (!b->ramp_from_ms)
			continue;
		step_ramp(s, b, control_realtime_ms());
		s->is_news = true;
	}
}

/* What does not answer, or serves nobody, keeps the factor it has. */
static void step_controllers(struct control_service *s, uint64_t now_ms)
{
	const struct model_adaptive *settings = &s->model->adaptive;

	if (!s->model->is_adaptive || now_ms - s->adaptive_ms < settings->interval_ms)
		return;
	s->adaptive_ms = now_ms;
	for (size_t i = 0; i < s->backend_count; i++) {
		struct control_backend *b = s->backends[i];
		unsigned idle = b->agent.percent < 100 ? b->agent.percent : 100;

		if (!b->agent.has_percent || *b->agent.error || !b->takes_newcomers)
			continue;
		b->factor_permille =
			pid_step(&b->pid, settings, 1000 - idle * 10, settings->interval_ms);
		s->is_news = true;
	}
}

void weights_step_controllers(struct control_service *s, uint64_t now_ms)
{
	step_ramps(s, now_ms);
	step_controllers(s, now_ms);
}

/* ---- effective weights ---------------------------------------------------------- */

static void note_groups(struct control_service *s)
{
	bool is_spilling = false, is_on_backup = false;
	unsigned first = UINT32_MAX;

	for (size_t i = 0; i < s->group_count; i++) {
		const struct model_group *group = &s->model->groups[i];

		if (!group->is_backup && s->groups[i].total && group->priority < first)
			first = group->priority;
	}
	for (size_t i = 0; i < s->group_count; i++) {
		const struct model_group *group = &s->model->groups[i];

		if (group->is_backup)
			is_on_backup |= s->groups[i].share_ppm != 0;
		else
			is_spilling |= group->priority > first && s->groups[i].share_ppm;
	}
	if (is_on_backup != s->is_on_backup)
		log_warn("%s service=%s",
			 is_on_backup ? "backup group in use" : "backup group rests",
			 s->model->name);
	else if (is_spilling != s->is_spilling)
		log_info("%s service=%s",
			 is_spilling ? "traffic spills to the next priority"
				     : "traffic spills no more",
			 s->model->name);
	s->is_on_backup = is_on_backup;
	s->is_spilling = is_spilling;
}

int weights_propose(struct control_service *s)
{
	const struct weigh_policy policy = weights_policy(s->model);
	struct weigh_backend *be = weights_of_all(s);
	int err;

	if (!be)
		return -ENOMEM;
	for (size_t i = 0; i < s->backend_count && s->panic == WEIGH_CALM; i++)
		be[i].is_healthy = s->backends[i]->takes_newcomers;
	err = weigh_backends(&policy, s->panic, be, s->backend_count, s->groups);
	for (size_t i = 0; i < s->backend_count && !err; i++) {
		struct control_backend *b = s->backends[i];

		b->proposed = b->takes_newcomers ? be[i].effective : 0;
	}
	free(be);
	return err;
}

/* Whether @of (of a backend: what the table has, or what was logged) and what is proposed differ */
static bool differ(const struct control_service *s, size_t offset, unsigned percent)
{
	uint32_t *was = calloc(2 * s->backend_count + 1, sizeof(*was));
	uint32_t *now;
	bool result;

	if (!was)
		return true;
	now = was + s->backend_count;
	for (size_t i = 0; i < s->backend_count; i++) {
		const struct control_backend *b = s->backends[i];

		was[i] = *(const uint32_t *)((const char *)b + offset);
		now[i] = b->proposed;
	}
	result = weigh_differ(was, now, s->backend_count, percent);
	free(was);
	return result;
}

bool weights_differ(const struct control_service *s)
{
	bool is_hash = model_scheduler_is_hash(s->model->scheduler);

	return differ(s, offsetof(struct control_backend, effective),
		      is_hash ? s->model->churn.hysteresis_percent : 0);
}

/* Controllers change weights all the time; a line says so where somebody may notice. */
static void say_weights(struct control_service *s)
{
	char text[WEIGHTS_TEXT_LEN];
	size_t used = 0;

	text[0] = '\0';
	for (size_t i = 0; i < s->backend_count; i++) {
		struct control_backend *b = s->backends[i];

		b->told = b->effective;
		if (used < sizeof(text))
			used += (size_t)snprintf(text + used, sizeof(text) - used, " %s=%u",
						 b->name, b->effective);
	}
	log_info("weights changed service=%s%s", s->model->name, text);
}

void weights_adopt(struct control_service *s)
{
	bool is_noticed =
		!s->is_dirty && differ(s, offsetof(struct control_backend, told), NOTICED_PERCENT);

	for (size_t i = 0; i < s->backend_count; i++)
		s->backends[i]->effective = s->backends[i]->proposed;
	if (is_noticed)
		say_weights(s);
	for (size_t i = 0; i < s->backend_count && s->is_dirty; i++)
		s->backends[i]->told = s->backends[i]->effective;
	if (s->group_count)
		note_groups(s);
}
