/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Schedulers that are no function of the packet: who gets a new connection. What they
 * choose from is the service's slots, what they go by is in lb_schedules and lb_loads.
 */
#ifndef LEAT_BPF_SCHEDULE_H
#define LEAT_BPF_SCHEDULE_H

#include "flow.h"

ALWAYS_INLINE struct lb_schedule *schedule_of(const struct flow_query *q)
{
	return &lb_schedules[q->service & (LB_SERVICE_IDS - 1)];
}

#define SCHEDULE_NOBODY	   (1ULL << 63)
#define SCHEDULE_LOAD_MAX  ((1ULL << 43) - 1)
#define SCHEDULE_PLACE_BIT 15 /* of a rank: order among equals; below it: the backend's id */
#define SCHEDULE_LOAD_BIT  20

/* 1 where a - b is below 0, without a branch; both below 2^63. */
ALWAYS_INLINE __u64 schedule_is_less(__u64 a, __u64 b)
{
	__u64 difference = a - b;

	OPAQUE(difference);
	difference >>= 63;
	OPAQUE(difference);
	return difference;
}

/*
 * One number to compare candidates by: (live + 1) x cost, then @place, then the id. Nobody and
 * the dead come last. Without a branch, as all of this stands in a loop.
 */
ALWAYS_INLINE __u64 schedule_rank(__u64 backend, __u64 place)
{
	const struct lb_load *load = flow_load(backend);
	__u64 is_unfit =
		(READ_ONCE(flow_backend(backend)->generation) & 1) | (flow_is_set(backend) ^ 1);
	__s64 live = (__s32)READ_ONCE(load->live);
	__u64 cost = READ_ONCE(load->cost), rank;

	/* a count that has drifted below 0 is 0, until the next sweep */
	live -= live * schedule_is_less(live, 0);
	cost += flow_is_set(cost) ^ 1;
	rank = (live + 1) * cost;
	rank += (SCHEDULE_LOAD_MAX - rank) * schedule_is_less(SCHEDULE_LOAD_MAX, rank);
	return rank << SCHEDULE_LOAD_BIT | place << SCHEDULE_PLACE_BIT | backend |
	       is_unfit * SCHEDULE_NOBODY;
}

/*
 * The least of all candidates, from another one each time, so that equal ones take turns; or
 * of some, drawn by weight: two do nearly as well as all (Mitzenmacher, 2001).
 */
ALWAYS_INLINE __u32 schedule_least(const struct flow_query *q, const struct lb_schedule *schedule,
				   __u32 cycle, __u64 turn, __u32 is_drawn)
{
	__u64 random = q->hash ^ turn, start = turn % cycle, best = ~0ULL;
	__u32 count = cycle + (schedule->draws - cycle) * is_drawn;

#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < LB_LEAST_EXACT && i < count; i++) {
		__u64 at = start + i, rank;
		struct lb_slot_row *row;
		__u32 slot, row_index;

		at -= cycle * (schedule_is_less(at, cycle) ^ 1);
		random = lb_mix(random + 0x9e3779b97f4a7c15ULL);
		slot = q->slot + at + (lb_slot_index(random, cycle) - at) * is_drawn;
		row_index = slot / LB_SLOTS_PER_ROW;
		row = bpf_map_lookup_elem(&lb_slots, &row_index);
		if (!row)
			break;
		slot = READ_ONCE(row->slots[slot % LB_SLOTS_PER_ROW].word);
		rank = schedule_rank(LB_SLOT_CURRENT(slot), i);
		best += (rank - best) * schedule_is_less(rank >> 1, best >> 1);
	}
	return best >> 63 ? 0 : best & (LB_MAX_BACKENDS - 1);
}

/* ---- affinity: where a client was last ------------------------------------ */

ALWAYS_INLINE struct lb_affinity_key schedule_affinity_key(const struct flow_query *q,
							   const struct lb_schedule *schedule)
{
	struct lb_affinity_key key = { .service = q->service };
	_Bool is_v6 = q->client_hi || (__u32)q->client_lo != 0xffff0000;

	key.client.halves[0] = is_v6 ? q->client_hi & schedule->mask_hi : 0;
	key.client.halves[1] = is_v6 ? q->client_lo & schedule->mask_lo : q->client_lo;
	return key;
}

/** schedule_recall - the backend that the client had, where it still takes newcomers; 0: none */
__noinline int schedule_recall(const struct flow_query *q)
{
	const struct lb_schedule *schedule;
	const struct lb_backend *backend;
	struct lb_affinity_key key;
	struct lb_affinity *was;

	if (!q)
		return 0;
	schedule = schedule_of(q);
	key = schedule_affinity_key(q, schedule);
	was = bpf_map_lookup_elem(&lb_affinities, &key);
	if (!was || lb_age(flow_clock(), was->last_use, LB_STAMP_CLOCK_BITS, cfg_slack) >
			    schedule->affinity)
		return 0;
	backend = flow_backend(was->backend);
	if (READ_ONCE(backend->generation) != was->generation || was->generation & 1 ||
	    READ_ONCE(backend->service) != q->service || READ_ONCE(backend->flags))
		return 0;
	return was->backend;
}

/** schedule_remember - the client's next connections come to @backend as well */
__noinline int schedule_remember(const struct flow_query *q, __u32 backend)
{
	struct lb_affinity is = { .backend = backend, .last_use = flow_clock() };
	const struct lb_schedule *schedule;
	struct lb_affinity_key key;

	if (!q)
		return 0;
	schedule = schedule_of(q);
	if (!READ_ONCE(schedule->affinity))
		return 0;
	is.generation = READ_ONCE(flow_backend(backend)->generation);
	key = schedule_affinity_key(q, schedule);
	bpf_map_update_elem(&lb_affinities, &key, &is, BPF_ANY);
	return 0;
}

/* ---- the pick ------------------------------------------------------------- */

/** schedule_pick - the backend of a new connection; 0: none, or this packet begins none */
__noinline int schedule_pick(const struct flow_query *q)
{
	struct lb_schedule *schedule;
	__u32 cycle, pick;
	__u64 turn;
	int backend;

	if (!q || (q->kind != KIND_SYN && q->kind != KIND_UDP))
		return 0;
	schedule = schedule_of(q);
	if (cfg_has_affinity && READ_ONCE(schedule->affinity)) {
		backend = schedule_recall(q);
		if (backend)
			return backend;
	}
	cycle = READ_ONCE(schedule->cycle);
	if (!cycle)
		return 0;
	if (cfg_dry_run)
		turn = READ_ONCE(schedule->next);
	else
		turn = __sync_fetch_and_add(&schedule->next, 1);
	pick = READ_ONCE(schedule->pick);
	if (pick == LB_PICK_TURN)
		return LB_SLOT_CURRENT(flow_slot_word(q->slot + (__u32)(turn % cycle)));
	return schedule_least(q, schedule, cycle, turn, pick >> 1); /* 1: LB_PICK_DRAW */
}

#endif
