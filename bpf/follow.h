/* SPDX-License-Identifier: GPL-2.0-only */
/* Following records, and making them: docs/slots.md, rules 13 to 18. */
#ifndef LEAT_BPF_FOLLOW_H
#define LEAT_BPF_FOLLOW_H

#include "flow.h"
#include "schedule.h"

#define FOLLOW_AGAIN (-LB_REASON_COUNT)

/* A record of @class at @backend. A dead backend gets none: no reader would believe it. */
ALWAYS_INLINE enum flow_insert flow_record(struct flow_query *q, __u32 backend, __u32 class,
					   _Bool is_v6)
{
	__u32 generation = READ_ONCE(flow_backend(backend)->generation);
	__u64 value = LB_RECORD(backend, generation, class, q->hop, flow_clock());
	enum flow_insert outcome;

	if (cfg_dry_run) {
		lb_explain.would_insert = 1;
		return INSERT_DONE;
	}
	outcome = is_v6 ? flow_insert6(q, value) : flow_insert4(q, value);
	if (cfg_has_counts && outcome == INSERT_DONE)
		flow_count(q->replaced, value);
	return outcome;
}

ALWAYS_INLINE _Bool flow_backend_is_dead(__u32 backend)
{
	return READ_ONCE(flow_backend(backend)->generation) & 1;
}

/* Rules 13, 15, 16 with a record; 17 and 18. */
ALWAYS_INLINE int flow_follow_record(const struct flow_query *q, const struct flow_hit *hit,
				     __u32 current, __u32 now)
{
	__u32 target = LB_RECORD_BACKEND(hit->value);

	if (cfg_dry_run)
		lb_explain.record = hit->value;
	if (!(q->flags & FLOW_IS_TRACKED) && target != current) {
		int stamped = flow_stamp(q->slot, now);

		if (stamped == STAMP_CLOSED)
			return q->kind == KIND_UDP ? -LB_SETTLING
			       : current	   ? (int)current
						   : -LB_NO_BACKEND;
		if (stamped == STAMP_LOST)
			return -LB_CONTENDED;
	}
	if (!flow_refresh(hit, flow_next_class(hit->value, q->kind, now), q->hop, now))
		return FOLLOW_AGAIN;
	return target;
}

/* Tracked services: a first packet is recorded or refused, any other is dropped. */
ALWAYS_INLINE int flow_first_tracked(struct flow_query *q, __u32 current, _Bool is_v6)
{
	enum flow_insert outcome;

	if (q->kind != KIND_SYN && q->kind != KIND_UDP)
		return -LB_NO_FLOW;
	if (!current)
		return -LB_NO_BACKEND;
	if (flow_backend_is_dead(current)) /* its slot changes in this instant */
		return FOLLOW_AGAIN;
	outcome = flow_record(q, current, q->kind == KIND_UDP ? LB_CLASS_UDP : LB_CLASS_HALF_OPEN,
			      is_v6);
	if (outcome == INSERT_FULL)
		return -LB_FLOWS_FULL;
	if (outcome == INSERT_AGAIN)
		return FOLLOW_AGAIN;
	if (cfg_has_affinity && q->flags & FLOW_IS_PICKED && !cfg_dry_run)
		schedule_remember(q, current);
	return current | FLOW_NEW;
}

/* To the origin: rules 14 (no room) and 15. */
ALWAYS_INLINE int flow_to_origin(struct flow_query *q, __u32 word, _Bool inserts, __u32 now,
				 _Bool is_v6)
{
	__u32 current = LB_SLOT_CURRENT(word), origin = LB_SLOT_ORIGIN(word);

	if (!origin)
		return -LB_NO_BACKEND;
	if (origin != current) {
		int stamped = flow_stamp(q->slot, now);

		if (stamped == STAMP_CLOSED)
			return current ? (int)current : -LB_NO_BACKEND;
		if (stamped == STAMP_LOST)
			return -LB_CONTENDED;
	}
	if (inserts && !flow_backend_is_dead(origin) &&
	    flow_record(q, origin, LB_CLASS_UNVERIFIED, is_v6) == INSERT_AGAIN)
		return FOLLOW_AGAIN;
	return origin;
}

/* UDP without room: rule 16. */
ALWAYS_INLINE int flow_udp_without_room(const struct flow_query *q, __u32 word, __u32 now)
{
	int stamped = flow_stamp(q->slot, now);

	if (stamped == STAMP_CLOSED)
		return -LB_SETTLING;
	if (stamped == STAMP_LOST)
		return -LB_CONTENDED;
	return flow_slot_word(q->slot) == word ? (int)LB_SLOT_CURRENT(word) : FOLLOW_AGAIN;
}

/* A moving slot and no record: rules 14, 15 and 16. */
ALWAYS_INLINE int flow_first_moving(struct flow_query *q, __u32 word, __u32 now, _Bool is_v6)
{
	__u32 current = LB_SLOT_CURRENT(word);
	enum flow_insert outcome;

	if (q->kind != KIND_SYN && q->kind != KIND_UDP)
		return flow_to_origin(q, word, 1, now, is_v6);
	if (!current)
		return -LB_NO_BACKEND;
	if (flow_backend_is_dead(current)) /* its slot changes in this instant */
		return current;
	outcome = flow_record(q, current, q->kind == KIND_UDP ? LB_CLASS_UDP : LB_CLASS_HALF_OPEN,
			      is_v6);
	if (outcome == INSERT_AGAIN)
		return FOLLOW_AGAIN;
	if (outcome == INSERT_DONE)
		return current | FLOW_NEW;
	return q->kind == KIND_UDP ? flow_udp_without_room(q, word, now)
				   : flow_to_origin(q, word, 0, now, is_v6);
}

/* @is_first: a tracked SYN is taken for a new one; its insert looks for a record anyhow (rule 14).
 */
ALWAYS_INLINE int flow_follow_once(struct flow_query *q, _Bool is_first, _Bool is_v6)
{
	__u32 now = flow_clock();
	__u32 word = flow_slot_word(q->slot);
	__u32 current = LB_SLOT_CURRENT(word);
	_Bool is_tracked = q->flags & FLOW_IS_TRACKED;
	_Bool is_picked = cfg_has_picks && q->flags & FLOW_IS_PICKED;
	struct flow_hit hit;

	if (!LB_SLOT_MOVING(word) && !is_tracked) /* settled meanwhile */
		return current ? (int)current : -LB_NO_BACKEND;
	if (is_first && is_tracked && !is_picked && q->kind == KIND_SYN && current && !cfg_dry_run)
		return flow_first_tracked(q, current, is_v6);
	if (flow_find_cold(q, &hit, is_v6) && flow_is_valid(hit.value, q->service, now) &&
	    !flow_is_reusable(hit.value, q->kind, q->service, now))
		return flow_follow_record(q, &hit, current, now);
	if (is_picked)
		current = schedule_pick(q);
	if (is_tracked)
		return flow_first_tracked(q, current, is_v6);
	return flow_first_moving(q, word, now, is_v6);
}

__noinline int flow_follow_once4(struct flow_query *q, __u32 is_first)
{
	return q ? flow_follow_once(q, is_first, 0) : -LB_CONTENDED;
}

__noinline int flow_follow_once6(struct flow_query *q, __u32 is_first)
{
	return q ? flow_follow_once(q, is_first, 1) : -LB_CONTENDED;
}

/**
 * flow_follow - whatever a packet of a moving slot or tracked service may meet
 * Returns a backend id, with FLOW_NEW or without, or -reason.
 */
ALWAYS_INLINE int flow_follow(struct flow_query *q, _Bool is_v6)
{
#pragma clang loop unroll(disable)
	for (int i = 0; i < FLOW_TRIES; i++) {
		int outcome = is_v6 ? flow_follow_once6(q, !i) : flow_follow_once4(q, !i);

		if (likely(outcome != FOLLOW_AGAIN))
			return outcome;
	}
	return -LB_CONTENDED;
}

/* ---- replies of nat backends -------------------------------------------- */

ALWAYS_INLINE int flow_reply_once(const struct flow_query *q, _Bool is_v6)
{
	__u32 now = flow_clock(), class;
	struct flow_hit hit;

	if (!flow_find_cold(q, &hit, is_v6) || !flow_is_valid(hit.value, q->service, now) ||
	    LB_RECORD_BACKEND(hit.value) != q->backend)
		return -LB_NO_REPLY_FLOW;
	class = LB_RECORD_CLASS(hit.value);
	/* A client's own packets alone complete a handshake. */
	if (q->kind == KIND_CLOSE || class == LB_CLASS_CLOSED)
		class = flow_next_class(hit.value, q->kind, now);
	if (!flow_refresh(&hit, class, LB_RECORD_HOP(hit.value), now))
		return FOLLOW_AGAIN;
	return LB_RECORD_HOP(hit.value);
}

__noinline int flow_reply_once4(const struct flow_query *q)
{
	return q ? flow_reply_once(q, 0) : -LB_CONTENDED;
}

__noinline int flow_reply_once6(const struct flow_query *q)
{
	return q ? flow_reply_once(q, 1) : -LB_CONTENDED;
}

/** flow_reply - a reply whose record wants writing, or has none: a hop, or -reason */
ALWAYS_INLINE int flow_reply(const struct flow_query *q, _Bool is_v6)
{
#pragma clang loop unroll(disable)
	for (int i = 0; i < FLOW_TRIES; i++) {
		int outcome = is_v6 ? flow_reply_once6(q) : flow_reply_once4(q);

		if (likely(outcome != FOLLOW_AGAIN))
			return outcome;
	}
	return -LB_CONTENDED;
}

#endif
