/* SPDX-License-Identifier: GPL-2.0-only */
/* Observations -> plan -> data path: what happens ten times a second, and after news at once. */
#include <errno.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/state.h"
#include "log.h"
#include "plan/maglev.h"

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

	dataplane_apply(e->ctl->dp, e->s->row.table_base, op);
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

/* ---- the target ----------------------------------------------------------- */

int service_target(const struct control_service *s, uint16_t *out, uint64_t *digest)
{
	struct maglev_backend *be = calloc(s->backend_count + 1, sizeof(*be));
	int err;

	if (!be)
		return -ENOMEM;
	for (size_t i = 0; i < s->backend_count; i++) {
		const struct control_backend *b = s->backends[i];

		be[i] = (struct maglev_backend) {
			.address = b->address,
			.port = (uint16_t)b->port,
			.id = b->id,
			.weight = b->takes_newcomers ? b->weight : 0,
		};
	}
	err = maglev_build(be, s->backend_count, out, s->row.table_size);
	if (err == -ENOENT) {
		memset(out, 0, s->row.table_size * sizeof(*out));
		err = 0;
	}
	if (!err)
		*digest = maglev_digest(be, s->backend_count, out, s->row.table_size);
	free(be);
	return err;
}

/* ---- backends: alive, dead, draining -------------------------------------- */

static void say_state(const struct control_service *s, struct control_backend *b,
		      enum lifecycle_state state)
{
	const char *was = lifecycle_name(b->state);

	b->state = state;
	b->since_ms = control_realtime_ms();
	if (state == BACKEND_LEAVING)
		snprintf(b->reason, sizeof(b->reason), "no longer in the configuration");
	else if (state == BACKEND_DRAINING)
		snprintf(b->reason, sizeof(b->reason), b->weight ? "drain: true" : "weight 0");
	log_info("backend %s service=%s backend=%s was=%s reason=\"%s\"", lifecycle_name(state),
		 s->model->name, b->name, was, log_escape(b->reason));
}

static void bump_generation(struct control *ctl, struct control_backend *b, uint32_t now)
{
	uint16_t *generation = &ctl->generations[b->id];

	dataplane_bump_generation(ctl->dp, b->id);
	*generation = dataplane_backends(ctl->dp)[b->id].generation;
	b->bumps.count++;
	if (*generation & 1)
		b->unnamed_since = now; /* d counts from here, at least */
}

static struct lifecycle_input input_of(const struct control *ctl, const struct control_backend *b)
{
	return (struct lifecycle_input) {
		.is_healthy = b->is_healthy,
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
	struct lifecycle_input in = input_of(ctl, b);
	bool is_tracked = s->row.flags & LB_SVC_TRACKED;
	bool may_bump = lifecycle_may_bump(&b->bumps, now, s->timers.record);
	uint32_t bound = may_bump ? control_bound(ctl) : UINT32_MAX; /* else: not yet */
	struct lifecycle_output out;
	bool changed;

	lifecycle_step(&in, now, bound, is_tracked ? 0 : s->times.settle, &out);
	if (out.bump_generation)
		bump_generation(ctl, b, now);
	changed = out.bump_generation || out.takes_newcomers != b->takes_newcomers;
	b->takes_newcomers = out.takes_newcomers;
	if (out.state != b->state)
		say_state(s, b, out.state);
	*removes = out.remove;
	return changed;
}

static void step_backends(struct control *ctl, struct control_service *s, uint32_t now)
{
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
	}
}

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

/* ---- the tick ------------------------------------------------------------- */

static void step_slots(struct control *ctl, struct control_service *s, uint32_t now)
{
	struct slots_emission e = { .ctl = ctl, .s = s };
	struct slots_view view = service_view(ctl, s);
	uint32_t was_moving = s->counts.moving;

	slots_step(&view, s->memory, now, execute_slots_op, &e, &s->counts);
	s->is_unfinished = s->counts.unfinished != 0;
	if (e.count)
		service_count_slots(ctl, s);
	if (was_moving && !s->counts.moving)
		log_info("slots settled service=%s", s->model->name);
	if (e.count && !was_moving && s->counts.moving)
		log_info("slots moving service=%s slots=%u of=%u", s->model->name, s->counts.moving,
			 s->row.table_size);
}

static void tick_service(struct control *ctl, struct control_service *s, uint32_t now)
{
	int err;

	if (s->is_shorter_pending)
		control_set_times(ctl, s);
	step_backends(ctl, s, now);
	if (s->is_held && is_still_held(s))
		return;
	if (s->is_dirty) {
		err = service_target(s, s->target, &s->digest_target);
		if (err) {
			log_error("table not built service=%s error=\"%s\"", s->model->name,
				  strerror(-err));
			return;
		}
		s->is_dirty = false;
		s->is_unfinished = true;
	}
	if (s->is_unfinished)
		step_slots(ctl, s, now);
}

void control_tick(struct control *ctl)
{
	uint32_t now = dataplane_clock(ctl->dp);

	for (size_t i = 0; i < ctl->service_count; i++)
		tick_service(ctl, ctl->services[i], now);
}

void control_soon(struct control *ctl)
{
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
		if (b->flows)
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
