/* SPDX-License-Identifier: GPL-2.0-only */
#include "plan/churn.h"

#include "leat_abi.h"

/* Whether the slot's move is one of those that are bounded. */
static bool is_bounded(const struct churn_view *view, uint32_t slot)
{
	uint32_t word = view->words[slot];
	uint32_t current = LB_SLOT_CURRENT(word);

	if (current == view->wanted[slot] || !current || !view->may_stay[current])
		return false;
	/* in warm-up: begun in an earlier interval, nothing has moved yet */
	return !LB_SLOT_MOVING(word) || LB_SLOT_ORIGIN(word) != current ||
	       (view->stamps && view->stamps[slot] != LB_STAMP_CLOSED);
}

static uint32_t random_below(uint64_t *state, uint32_t bound)
{
	*state += 0x9e3779b97f4a7c15ULL;
	return lb_slot_index(lb_mix(*state), bound);
}

uint32_t churn_step(const struct churn_view *view, uint32_t allowed, uint64_t seed,
		    uint16_t *target)
{
	uint32_t candidates = 0, waiting;

	for (uint32_t s = 0; s < view->size; s++)
		candidates += is_bounded(view, s);
	waiting = candidates > allowed ? candidates - allowed : 0;
	for (uint32_t s = 0, wait = waiting; s < view->size; s++) {
		target[s] = view->wanted[s];
		/* each candidate waits with equal chances, and exactly as many as must */
		if (wait && is_bounded(view, s) && random_below(&seed, candidates--) < wait) {
			target[s] = LB_SLOT_CURRENT(view->words[s]);
			wait--;
		}
	}
	return waiting;
}

uint32_t churn_allowed(uint32_t size, unsigned max_moves_permille)
{
	uint64_t moves = ((uint64_t)size * max_moves_permille + 999) / 1000;

	if (max_moves_permille >= 1000)
		return size;
	return moves ? moves : 1;
}
