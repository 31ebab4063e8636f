/* SPDX-License-Identifier: GPL-2.0-only */
/* How fast the slots of a service follow the table that its effective weights want. */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "control/state.h"
#include "plan/churn.h"

void moves_foresee(const struct control_service *s, const uint32_t *live, const bool *may_stay,
		   uint32_t *words)
{
	for (uint32_t i = 0; i < s->row.table_size; i++) {
		uint32_t word = __atomic_load_n(&live[i], __ATOMIC_RELAXED);
		uint16_t granted = s->target[i];

		words[i] = word;
		if (granted && s->wanted[i] != LB_SLOT_CURRENT(word) && may_stay[granted])
			words[i] = LB_SLOT(granted, granted, 0);
	}
}

/* An agent check that says 0 % wants newcomers elsewhere now, as one that says drain. */
static bool may_go_on(const struct control_service *s, const struct control_backend *b)
{
	if (!b->takes_newcomers || s->panic == WEIGH_PANIC_CLOSED)
		return false;
	return s->panic == WEIGH_PANIC_OPEN || weights_of(s, b).agent_percent;
}

static void mark_who_may_stay(struct control *ctl, const struct control_service *s, bool is_on)
{
	for (size_t i = 0; i < s->backend_count; i++) {
		const struct control_backend *b = s->backends[i];

		ctl->may_stay[b->id] = is_on && may_go_on(s, b);
	}
}

static int step(struct control *ctl, struct control_service *s, uint32_t allowed)
{
	uint32_t *words = calloc(s->row.table_size, sizeof(*words));
	struct churn_view view = {
		.words = words,
		.stamps = dataplane_stamps(ctl->dp) + s->row.table_base,
		.wanted = s->wanted,
		.size = s->row.table_size,
		.may_stay = ctl->may_stay,
	};

	if (!words)
		return -ENOMEM;
	mark_who_may_stay(ctl, s, true);
	moves_foresee(s, dataplane_words(ctl->dp) + s->row.table_base, ctl->may_stay, words);
	s->churn.waiting = churn_step(&view, allowed, s->row.seed, s->target);
	mark_who_may_stay(ctl, s, false);
	free(words);
	return 0;
}

/*
 * Picked services have nothing to lose by a move, and an empty table nobody to disturb; the slots
 * of UDP move when they have been quiet, one by one.
 */
static bool is_bounded(const struct control_service *s)
{
	return s->is_filled && model_scheduler_is_hash(s->model->scheduler) &&
	       s->model->proto != IPPROTO_UDP && s->model->churn.max_moves_permille < 1000;
}

int moves_plan(struct control *ctl, struct control_service *s, bool is_new, uint64_t now_ms)
{
	const struct model_churn *churn = &s->model->churn;
	bool is_due = !s->churn.stepped_ms || now_ms - s->churn.stepped_ms >= churn->interval_ms;
	int err;

	if (!is_new && (!s->churn.waiting || !is_due))
		return 0;
	s->is_unfinished = true;
	if (!is_bounded(s)) {
		memcpy(s->target, s->wanted, s->row.table_size * sizeof(*s->target));
		s->churn.waiting = 0;
		s->is_filled |= s->cycle != 0;
		return 0;
	}
	err = step(ctl, s,
		   is_due ? churn_allowed(s->row.table_size, churn->max_moves_permille) : 0);
	if (is_due && !err)
		s->churn.stepped_ms = now_ms;
	return err;
}

/* Operations on one slot come one by one, so the word before it tells who had the slot. */
void moves_count(struct control *ctl, struct control_service *s, uint32_t was, uint32_t now)
{
	uint32_t from = LB_SLOT_CURRENT(was) % LB_MAX_BACKENDS;

	if (!from || from == LB_SLOT_CURRENT(now) || !model_scheduler_is_hash(s->model->scheduler))
		return;
	s->churn.slots_moved++;
	s->churn.slots_forced += ctl->generations[from] & 1;
}
