/* SPDX-License-Identifier: GPL-2.0-only */
/* Once a second: what the data path and the probes have measured becomes costs of backends. */
#include <stdlib.h>

#include "control/state.h"
#include "health/health.h"

#define FEEDBACK_MS 1000

static bool is_least(const struct control_service *s)
{
	return s->model->scheduler == SCHEDULER_LEAST_CONN ||
	       s->model->scheduler == SCHEDULER_LEAST_RESPONSE;
}

/* ---- response times --------------------------------------------------------- */

static struct lb_load read_load(const struct control *ctl, uint16_t id)
{
	const struct lb_load *row = &dataplane_loads(ctl->dp)[id];

	return (struct lb_load) {
		.live = __atomic_load_n(&row->live, __ATOMIC_RELAXED),
		.connect_count = __atomic_load_n(&row->connect_count, __ATOMIC_RELAXED),
		.connect_us = __atomic_load_n(&row->connect_us, __ATOMIC_RELAXED),
		.answer_us = __atomic_load_n(&row->answer_us, __ATOMIC_RELAXED),
		.answer_count = __atomic_load_n(&row->answer_count, __ATOMIC_RELAXED),
	};
}

void feedback_begin(const struct control *ctl, struct control_backend *b)
{
	b->seen = read_load(ctl, b->id);
}

/*
 * Answers where there are any: they hold the work itself. Connects, much shorter, only where no
 * backend has answered within the window; the two are never mixed in one average.
 */
static enum control_timing timing_of(struct control_service *s, const struct lb_load *now,
				     uint64_t now_ms)
{
	bool is_answered = false;

	if (s->model->forward != LB_FORWARD_NAT)
		return TIMING_PROBE;
	for (size_t i = 0; i < s->backend_count; i++)
		is_answered |= now[i].answer_count != s->backends[i]->seen.answer_count;
	if (is_answered)
		s->answered_ms = now_ms;
	if (!s->answered_ms || now_ms - s->answered_ms > s->model->response.window_ms)
		return TIMING_CONNECT;
	return TIMING_ANSWER;
}

static void set_timing(struct control_service *s, enum control_timing timing)
{
	bool is_other = s->timing != TIMING_NONE && s->timing != timing;

	s->timing = timing;
	for (size_t i = 0; i < s->backend_count && is_other; i++)
		s->backends[i]->response = (struct response) {};
}

/* A probe that has succeeded since the last look. */
static uint32_t probe_latency(struct control *ctl, struct control_backend *b)
{
	struct health_state state;

	if (!b->is_probed || health_get(ctl->health, b->id, &state) ||
	    state.probes == b->probes_timed)
		return 0;
	b->probes_timed = state.probes;
	return state.is_up == !state.streak ? state.latency_us : 0;
}

static void observe_times(struct control *ctl, struct control_service *s, struct control_backend *b,
			  const struct lb_load *now, uint64_t now_ms)
{
	uint64_t sum_us = 0;
	uint32_t count = 0;

	if (s->timing == TIMING_ANSWER) {
		count = now->answer_count - b->seen.answer_count;
		sum_us = now->answer_us - b->seen.answer_us;
	} else if (s->timing == TIMING_CONNECT) {
		count = now->connect_count - b->seen.connect_count;
		sum_us = now->connect_us - b->seen.connect_us;
	} else {
		sum_us = probe_latency(ctl, b);
		count = sum_us != 0;
	}
	response_observe(&b->response, &s->model->response, sum_us, count, now_ms);
	b->timing = b->response.average_us ? s->timing : TIMING_NONE;
}

/* ---- costs ------------------------------------------------------------------- */

void feedback_set_costs(struct control *ctl, struct control_service *s)
{
	struct response_backend *be;

	if (!is_least(s))
		return;
	be = calloc(s->backend_count + 1, sizeof(*be));
	if (!be)
		return;
	for (size_t i = 0; i < s->backend_count; i++) {
		be[i].effective = s->backends[i]->effective;
		be[i].response = s->backends[i]->response;
	}
	if (s->model->scheduler == SCHEDULER_LEAST_RESPONSE)
		response_costs(be, s->backend_count, &s->model->response);
	else
		response_costs_least_conn(be, s->backend_count);
	for (size_t i = 0; i < s->backend_count; i++) {
		struct control_backend *b = s->backends[i];

		if (b->cost != be[i].cost)
			dataplane_set_cost(ctl->dp, b->id, be[i].cost);
		b->cost = be[i].cost;
	}
	free(be);
}

/* ---- each second --------------------------------------------------------------- */

static void look_at_service(struct control *ctl, struct control_service *s, uint64_t now_ms)
{
	struct lb_load *now = calloc(s->backend_count + 1, sizeof(*now));

	if (!now)
		return;
	for (size_t i = 0; i < s->backend_count; i++)
		now[i] = read_load(ctl, s->backends[i]->id);
	if (s->model->scheduler == SCHEDULER_LEAST_RESPONSE)
		set_timing(s, timing_of(s, now, now_ms));
	for (size_t i = 0; i < s->backend_count; i++) {
		struct control_backend *b = s->backends[i];

		if (s->model->scheduler == SCHEDULER_LEAST_RESPONSE)
			observe_times(ctl, s, b, &now[i], now_ms);
		b->live = now[i].live;
		b->seen = now[i];
	}
	free(now);
	feedback_set_costs(ctl, s);
}

void control_feedback(struct control *ctl, uint64_t now_ms)
{
	if (now_ms - ctl->feedback_ms < FEEDBACK_MS)
		return;
	ctl->feedback_ms = now_ms;
	for (size_t i = 0; i < ctl->service_count; i++) {
		struct control_service *s = ctl->services[i];

		if (is_least(s))
			look_at_service(ctl, s, now_ms);
		for (size_t k = 0; k < s->backend_count; k++)
			memory_write(ctl, s->backends[k]);
	}
}
