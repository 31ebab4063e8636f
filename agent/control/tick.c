/* SPDX-License-Identifier: GPL-2.0-only */
/* Observations -> plan -> data path: what happens ten times a second, and after news at once. */
#include <event2/event.h>
#include <netinet/in.h>
#include <string.h>

#include "control/state.h"
#include "log.h"

#define HOLD_MS	       500 /* a new service waits this long after its first backend is up */
#define STATS_FRESH_MS 100

/* ---- what the slots say --------------------------------------------------- */

void service_count_slots(struct control *ctl, struct control_service *s)
{
	const uint32_t *words = dataplane_words(ctl->dp) + s->row.table_base;
	uint32_t now = dataplane_clock(ctl->dp);

	for (size_t i = 0; i < s->backend_count; i++) {
		struct control_backend *b = s->backends[i];

		if (b->named)
			b->unnamed_since = now;
		b->named = b->slots = b->moving = 0;
	}
	for (uint32_t i = 0; i < s->row.table_size; i++) {
		uint32_t word = __atomic_load_n(&words[i], __ATOMIC_RELAXED);
		struct control_backend *b = ctl->by_id[LB_SLOT_CURRENT(word) % LB_MAX_BACKENDS];
		struct control_backend *origin = ctl->by_id[LB_SLOT_ORIGIN(word)];

		if (b) {
			b->named++;
			b->slots++;
			b->moving += LB_SLOT_MOVING(word);
		}
		if (origin && origin != b)
			origin->named++;
	}
}

void execute_slots_op(void *arg, const struct slots_op *op)
{
	struct slots_emission *e = arg;
	const uint32_t *word = &dataplane_words(e->ctl->dp)[e->s->row.table_base + op->slot];
	uint32_t was = *word; /* nobody else writes it */

	dataplane_apply(e->ctl->dp, e->s->row.table_base, op);
	moves_count(e->ctl, e->s, was, *word);
	e->count++;
	e->ctl->slot_writes++;
}

struct slots_view service_view(const struct control *ctl, const struct control_service *s)
{
	return (struct slots_view) {
		.words = dataplane_words(ctl->dp) + s->row.table_base,
		.stamps = dataplane_stamps(ctl->dp) + s->row.table_base,
		.size = s->row.table_size,
		.target = s->target,
		.generations = ctl->generations,
		.is_udp = s->model->proto == IPPROTO_UDP,
		.is_tracked = s->row.flags & LB_SVC_TRACKED,
		.times = s->times,
	};
}

/* ---- the tick ------------------------------------------------------------- */

/* A new service waits until its first probes have decided, or a little after the first success. */
static bool is_still_held(struct control_service *s)
{
	bool is_undecided = false, is_up = false;
	uint64_t now_ms = control_monotonic_ms();

	for (size_t i = 0; i < s->backend_count; i++) {
		is_undecided |= !s->backends[i]->is_decided;
		is_up |= s->backends[i]->takes_newcomers;
	}
	if (is_up && !s->first_up_ms)
		s->first_up_ms = now_ms;
	s->is_held = is_undecided && (!is_up || now_ms - s->first_up_ms < HOLD_MS);
	return s->is_held;
}

static void step_slots(struct control *ctl, struct control_service *s, uint32_t now)
{
	struct slots_emission e = { .ctl = ctl, .s = s };
	struct slots_view view = service_view(ctl, s);
	uint32_t was_moving = s->counts.moving;

	schedule_before_slots(ctl, s);
	slots_step(&view, s->memory, now, execute_slots_op, &e, &s->counts);
	schedule_after_slots(ctl, s);
	s->is_unfinished = s->counts.unfinished != 0;
	if (e.count)
		service_count_slots(ctl, s);
	if (was_moving && !s->counts.moving)
		log_info("slots settled service=%s", s->model->name);
	if (e.count && !was_moving && s->counts.moving)
		log_info("slots moving service=%s slots=%u of=%u", s->model->name, s->counts.moving,
			 s->row.table_size);
}

/* Returns whether the table that is wanted is another; *err: why it could not be built. */
static bool weigh(struct control *ctl, struct control_service *s, int *err)
{
	*err = weights_propose(s);
	if (*err)
		return false;
	s->is_news = false;
	if (!s->is_dirty && !weights_differ(s))
		return false;
	weights_adopt(s);
	*err = service_build(s);
	s->is_dirty = *err != 0;
	for (size_t i = 0; i < s->backend_count; i++)
		backend_put_flags(ctl, s->backends[i]);
	feedback_set_costs(ctl, s);
	return !*err;
}

/* In an open panic a backend is up for another reason than its probes. */
static void say_reasons(const struct control *ctl, struct control_service *s)
{
	for (size_t i = 0; i < s->backend_count; i++)
		step_say_reason(ctl, s, s->backends[i]);
}

static void tick_service(struct control *ctl, struct control_service *s, uint32_t now,
			 uint64_t now_ms)
{
	bool is_new = false;
	int err = 0;

	if (s->is_shorter_pending)
		control_set_times(ctl, s);
	if (weights_judge_panic(s))
		say_reasons(ctl, s);
	step_backends(ctl, s, now);
	if (s->is_held && is_still_held(s))
		return;
	weights_step_controllers(s, now_ms);
	if (s->is_dirty || s->is_news)
		is_new = weigh(ctl, s, &err);
	if (!err)
		err = moves_plan(ctl, s, is_new, now_ms);
	if (err)
		log_error("table not built service=%s error=\"%s\"", s->model->name,
			  strerror(-err));
	else if (s->is_unfinished)
		step_slots(ctl, s, now);
}

void control_tick(struct control *ctl)
{
	uint32_t now = dataplane_clock(ctl->dp);
	uint64_t now_ms = control_monotonic_ms();

	for (size_t i = 0; i < ctl->service_count; i++)
		tick_service(ctl, ctl->services[i], now, now_ms);
	control_feedback(ctl, now_ms);
}

void control_soon(struct control *ctl)
{
	if (ctl->soon)
		event_active(ctl->soon, EV_TIMEOUT, 1);
}

/* ---- flows ---------------------------------------------------------------- */

void control_sweep(struct control *ctl)
{
	uint32_t now = dataplane_clock(ctl->dp);

	dataplane_sweep(ctl->dp, &ctl->flows);
	for (unsigned id = 1; id < LB_MAX_BACKENDS; id++) {
		struct control_backend *b = ctl->by_id[id];

		if (!b)
			continue;
		b->flows = ctl->flows.per_backend[id];
		if (!servers_is_quiet(ctl, b) || b->flows)
			b->is_quiet = false;
		else if (!b->is_quiet) {
			b->is_quiet = true;
			b->quiet_since = now;
		}
	}
}

const struct lb_be_stats *control_stats(struct control *ctl)
{
	uint64_t now_ms = control_monotonic_ms();

	if (!ctl->stats_ms || now_ms - ctl->stats_ms > STATS_FRESH_MS) {
		if (dataplane_read_stats(ctl->dp, ctl->stats))
			return NULL;
		ctl->stats_ms = now_ms;
	}
	return ctl->stats;
}
