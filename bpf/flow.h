/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Records of connections: docs/slots.md, rules 12 to 20; who follows them is in follow.h. An entry
 * is read here as 64-bit words: {key, value} for IPv4, {client, client, key, value} for IPv6, so
 * that both families share this code.
 */
#ifndef LEAT_BPF_FLOW_H
#define LEAT_BPF_FLOW_H

#include "config.h"
#include "maps.h"
#include "packet.h"

#define LB_FLOW_SPILL 6 /* a first set that holds so many sends newcomers to an emptier second */
#define FLOW_TRIES    4 /* a lost CAS starts over this often */

#define FLOW_IS_TRACKED 0x01
#define FLOW_IS_PICKED	0x02

/* flow_follow: a backend id with FLOW_NEW or without, or -reason */
#define FLOW_NEW	      0x10000
#define FLOW_BACKEND(outcome) ((outcome)&0x7fff)

/**
 * struct flow_query - one packet, as far as records care; no padding, the verifier wants every byte
 * set
 */
struct flow_query {
	__u64 client_hi, client_lo; /* IPv6 */
	__u64 key;		    /* of struct lb_flow4 or lb_flow6 */
	union {
		__u64 hash;
		__u64 replaced; /* from an insert on: the value whose place it took */
	};
	__u32 slot;    /* index into lb_slots; PICKED: of the service's first */
	__u32 backend; /* replies: who sent it */
	__u32 hop;     /* nat requests: index into lb_hops */
	__u16 service;
	__u8 kind; /* enum packet_kind */
	__u8 flags;
};

/** struct flow_hit - an entry that holds the key, and its value as read */
struct flow_hit {
	__u64 *value_at;
	__u64 value;
};

ALWAYS_INLINE __u32 flow_clock(void)
{
	return bpf_jiffies64() >> cfg_clock_shift;
}

ALWAYS_INLINE __u32 flow_age(__u32 now, __u64 value)
{
	return lb_age(now, LB_RECORD_CLOCK(value), LB_RECORD_CLOCK_BITS, cfg_slack);
}

ALWAYS_INLINE struct lb_timers *flow_timers(__u32 service)
{
	return &lb_timers[service & (LB_SERVICE_IDS - 1)];
}

ALWAYS_INLINE struct lb_backend *flow_backend(__u32 id)
{
	return &lb_backends[id & (LB_MAX_BACKENDS - 1)];
}

ALWAYS_INLINE struct lb_load *flow_load(__u32 id)
{
	return &lb_loads[id & (LB_MAX_BACKENDS - 1)];
}

ALWAYS_INLINE __u64 *flow_set(__u32 index, _Bool is_v6)
{
	return is_v6 ? bpf_map_lookup_elem(&lb_flows6, &index)
		     : bpf_map_lookup_elem(&lb_flows4, &index);
}

ALWAYS_INLINE __u32 flow_mask(_Bool is_v6)
{
	return is_v6 ? cfg_flow6_mask : cfg_flow4_mask;
}

ALWAYS_INLINE __u32 flow_words(_Bool is_v6)
{
	return is_v6 ? 4 : 2;
}

ALWAYS_INLINE _Bool flow_has_key(const __u64 *entry, const struct flow_query *q, _Bool is_v6)
{
	__u64 differs;

	if (!is_v6)
		return READ_ONCE(entry[0]) == q->key;
	differs = (READ_ONCE(entry[2]) ^ q->key) | (READ_ONCE(entry[1]) ^ q->client_lo) |
		  (READ_ONCE(entry[0]) ^ q->client_hi);
	OPAQUE(differs); /* one branch: three would triple the verifier's paths */
	return !differs;
}

/* Rule 20, the reader: value, key, value again. 0: not here, or not now. */
ALWAYS_INLINE __u64 flow_read(const __u64 *entry, const struct flow_query *q, _Bool is_v6)
{
	const __u64 *value_at = entry + flow_words(is_v6) - 1;
	__u64 value = READ_ONCE(*value_at);
	_Bool has_key;

	barrier();
	has_key = flow_has_key(entry, q, is_v6);
	barrier();
	return has_key && READ_ONCE(*value_at) == value && value != LB_RECORD_BUSY ? value : 0;
}

ALWAYS_INLINE __u64 flow_find_in(const __u64 *set, const struct flow_query *q, _Bool is_v6)
{
#pragma unroll
	for (int i = 0; i < LB_FLOW_WAYS; i++) {
		const __u64 *entry = set + i * flow_words(is_v6);
		__u64 value;

		if (likely(!flow_has_key(entry, q, is_v6)))
			continue;
		value = flow_read(entry, q, is_v6);
		if (likely(value))
			return value;
	}
	return 0;
}

/** flow_find - the value of the query's key, valid or not; 0: none */
ALWAYS_INLINE __u64 flow_find(const struct flow_query *q, _Bool is_v6)
{
	__u64 *set = flow_set(lb_set_first(q->hash, flow_mask(is_v6)), is_v6);
	__u64 value;

	if (!set)
		return 0;
	value = flow_find_in(set, q, is_v6);
	if (likely(value))
		return value;
	set = flow_set(lb_set_second(q->hash, flow_mask(is_v6)), is_v6);
	return set ? flow_find_in(set, q, is_v6) : 0;
}

/* 1 where @x is not 0, without a branch: BPF has no setcc. */
ALWAYS_INLINE __u32 flow_is_set(__s64 x)
{
	x |= -x;
	OPAQUE(x);
	x = (__u64)x >> 63;
	OPAQUE(x); /* or clang makes branches of what it knows to be 0 or 1 */
	return x;
}

/* 1 where @entry holds the query's key and a record, finished or not; @is_used: of its value. */
ALWAYS_INLINE __u32 flow_match(const __u64 *entry, const struct flow_query *q, __u32 is_used,
			       _Bool is_v6)
{
	__u64 differs = READ_ONCE(entry[flow_words(is_v6) - 2]) ^ q->key;

	if (is_v6)
		differs |=
			(READ_ONCE(entry[0]) ^ q->client_hi) | (READ_ONCE(entry[1]) ^ q->client_lo);
	return is_used & (flow_is_set(differs) ^ 1);
}

/** struct flow_scan - what one look at both sets of a key shows */
struct flow_scan {
	__u32 at;   /* the key: set (0, 1) * LB_FLOW_WAYS + way; 2 * LB_FLOW_WAYS: nowhere */
	__u32 free; /* a free way of the first set, where used is less than LB_FLOW_WAYS */
	__u32 used; /* entries of the first set that are not free */
};

ALWAYS_INLINE __u32 flow_value_is_set(const __u64 *entry, _Bool is_v6)
{
	return flow_is_set(READ_ONCE(entry[flow_words(is_v6) - 1]));
}

/* All 16 entries without a branch: one path for the verifier, and nothing to call under a lock. */
ALWAYS_INLINE struct flow_scan flow_search(const __u64 *first, const __u64 *second,
					   const struct flow_query *q, _Bool is_v6)
{
	struct flow_scan scan = { .at = 2 * LB_FLOW_WAYS };

#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < LB_FLOW_WAYS; i++) {
		const __u64 *one = first + i * flow_words(is_v6);
		const __u64 *two = second + i * flow_words(is_v6);
		__u32 is_used = flow_value_is_set(one, is_v6);
		__u32 match = flow_match(one, q, is_used, is_v6);
		__u32 match2 = flow_match(two, q, flow_value_is_set(two, is_v6), is_v6);

		scan.used += is_used;
		/* selects without a branch; by masks of 0 and -1 newer verifiers walk both */
		scan.free += (i - scan.free) * (is_used ^ 1);
		scan.at += (LB_FLOW_WAYS + i - scan.at) * match2;
		scan.at += (i - scan.at) * match;
	}
	return scan;
}

ALWAYS_INLINE int flow_locate(const struct flow_query *q, _Bool is_v6)
{
	__u64 *first = flow_set(lb_set_first(q->hash, flow_mask(is_v6)), is_v6);
	__u64 *second = flow_set(lb_set_second(q->hash, flow_mask(is_v6)), is_v6);

	if (!first || !second)
		return 2 * LB_FLOW_WAYS;
	return flow_search(first, second, q, is_v6).at;
}

/*
 * Global functions are verified once and return a number of which the verifier knows
 * nothing: what follows them is walked once too, not once for each of 16 entries.
 */
__noinline int flow_locate4(const struct flow_query *q)
{
	return q ? flow_locate(q, 0) : 2 * LB_FLOW_WAYS;
}

__noinline int flow_locate6(const struct flow_query *q)
{
	return q ? flow_locate(q, 1) : 2 * LB_FLOW_WAYS;
}

/** flow_find_cold - flow_find for paths that write: less code to verify, two calls more */
ALWAYS_INLINE _Bool flow_find_cold(const struct flow_query *q, struct flow_hit *hit, _Bool is_v6)
{
	__u32 at = is_v6 ? flow_locate6(q) : flow_locate4(q);
	__u64 *entry;

	if (at >= 2 * LB_FLOW_WAYS)
		return 0;
	entry = flow_set(at & LB_FLOW_WAYS ? lb_set_second(q->hash, flow_mask(is_v6))
					   : lb_set_first(q->hash, flow_mask(is_v6)),
			 is_v6);
	if (!entry)
		return 0;
	entry += (at & (LB_FLOW_WAYS - 1)) * flow_words(is_v6);
	hit->value_at = entry + flow_words(is_v6) - 1;
	hit->value = flow_read(entry, q, is_v6);
	return hit->value != 0;
}

/* Rule 12, generations. */
ALWAYS_INLINE _Bool flow_is_alive(__u64 value)
{
	__u32 generation = READ_ONCE(flow_backend(LB_RECORD_BACKEND(value))->generation);

	return !(generation & 1) && (generation & 0x3ff) == LB_RECORD_GENERATION(value);
}

/** flow_is_valid - rule 12 */
ALWAYS_INLINE _Bool flow_is_valid(__u64 value, __u32 service, __u32 now)
{
	return flow_is_alive(value) && flow_age(now, value) <= flow_timers(service)->record;
}

/** flow_is_fresh - valid, and used so lately that nothing is to be written: the path of most
 * packets */
ALWAYS_INLINE _Bool flow_is_fresh(__u64 value, __u32 now)
{
	return ((now - (__u32)value) & 0xffffff) <= cfg_grain && flow_is_alive(value);
}

/* ---- counting: docs/slots.md, "Counting" ---------------------------------- */

ALWAYS_INLINE _Bool flow_counts(__u64 value)
{
	const __u32 live = 1 << LB_CLASS_HALF_OPEN | 1 << LB_CLASS_ESTABLISHED | 1 << LB_CLASS_UDP;

	return live >> LB_RECORD_CLASS(value) & 1 && flow_is_alive(value);
}

/** flow_count - a record has become another: called when the CAS that did it has succeeded */
__noinline int flow_count(__u64 was, __u64 is)
{
	if (flow_counts(was))
		__sync_fetch_and_add(&flow_load(LB_RECORD_BACKEND(was))->live, -1);
	if (flow_counts(is))
		__sync_fetch_and_add(&flow_load(LB_RECORD_BACKEND(is))->live, 1);
	return 0;
}

/** flow_refresh - rule 18: write what changed; false: lost, start over */
ALWAYS_INLINE _Bool flow_refresh(const struct flow_hit *hit, __u32 class, __u32 hop, __u32 now)
{
	__u64 value = hit->value;
	__u64 wanted =
		LB_RECORD(LB_RECORD_BACKEND(value), LB_RECORD_GENERATION(value), class, hop, now);

	if (cfg_dry_run || (flow_age(now, value) <= cfg_grain && !((wanted ^ value) >> 24)))
		return 1;
	if (__sync_val_compare_and_swap(hit->value_at, value, wanted) != value)
		return 0;
	if (cfg_has_counts && LB_RECORD_CLASS(value) != class)
		flow_count(value, wanted);
	return 1;
}

/** flow_next_class - rules 13, 15 and 16: what @kind makes of a valid record */
ALWAYS_INLINE __u32 flow_next_class(__u64 value, __u32 kind, __u32 now)
{
	__u32 class = LB_RECORD_CLASS(value);

	if (kind == KIND_UDP)
		return class;
	if (kind == KIND_CLOSE)
		return LB_CLASS_CLOSED;
	if (kind == KIND_SYN)
		return class == LB_CLASS_ESTABLISHED ? class : LB_CLASS_HALF_OPEN;
	if (class == LB_CLASS_HALF_OPEN)
		return LB_CLASS_ESTABLISHED;
	if (class == LB_CLASS_CLOSED && kind == KIND_OTHER && flow_age(now, value) > cfg_grain)
		return LB_CLASS_ESTABLISHED;
	return class;
}

/** flow_is_reusable - rule 13's exception: a SYN that finds a record closed and older than H */
ALWAYS_INLINE _Bool flow_is_reusable(__u64 value, __u32 kind, __u32 service, __u32 now)
{
	return kind == KIND_SYN && LB_RECORD_CLASS(value) == LB_CLASS_CLOSED &&
	       flow_age(now, value) > flow_timers(service)->handshake;
}

/* ---- stamps: rule 17 ---------------------------------------------------- */

enum stamp_outcome { STAMP_DONE, STAMP_CLOSED, STAMP_LOST };

/** flow_stamp - an enum stamp_outcome */
__noinline int flow_stamp(__u32 slot, __u32 now)
{
	__u32 row_index = slot / LB_SLOTS_PER_ROW;
	struct lb_stamp_row *row = bpf_map_lookup_elem(&lb_stamps, &row_index);
	__u32 *stamp, seen;

	if (!row)
		return STAMP_LOST;
	stamp = &row->stamps[slot % LB_SLOTS_PER_ROW];
	for (int i = 0; i < FLOW_TRIES; i++) {
		seen = READ_ONCE(*stamp);
		if (cfg_dry_run)
			lb_explain.stamp = seen;
		if (seen == LB_STAMP_CLOSED)
			return STAMP_CLOSED;
		if (cfg_dry_run || lb_age(now, seen, LB_STAMP_CLOCK_BITS, cfg_slack) <= cfg_grain ||
		    __sync_val_compare_and_swap(stamp, seen, now | 1) == seen)
			return STAMP_DONE;
	}
	return STAMP_LOST;
}

ALWAYS_INLINE __u32 flow_slot_word(__u32 slot)
{
	__u32 row_index = slot / LB_SLOTS_PER_ROW;
	struct lb_slot_row *row = bpf_map_lookup_elem(&lb_slots, &row_index);

	return row ? READ_ONCE(row->slots[slot % LB_SLOTS_PER_ROW].word) : 0;
}

/* ---- inserts: rules 14, 19, 20 ------------------------------------------ */

enum flow_insert { INSERT_DONE, INSERT_AGAIN, INSERT_FULL };

/*
 * Rule 19 as one bit: 1 where an entry may go. Straight-line on purpose: BPF has no
 * setcc, and a branch for each test would multiply the paths that the verifier walks.
 */
ALWAYS_INLINE __u32 flow_may_go(__u64 value, __u32 service, __u32 now)
{
	const __u32 always = 1 << LB_CLASS_FREE | 1 << LB_CLASS_UNVERIFIED;
	const __u32 when_old = 1 << LB_CLASS_HALF_OPEN | 1 << LB_CLASS_CLOSED;
	const __u32 never = 1 << LB_CLASS_BUSY;
	__u32 generation = READ_ONCE(flow_backend(LB_RECORD_BACKEND(value))->generation);
	__s64 differs = ((generation ^ LB_RECORD_GENERATION(value)) & 0x3ff) | (generation & 1);
	__s64 age = (__s64)((__u64)(now - (__u32)value) << 40) >> 40;
	struct lb_timers *timers = flow_timers(service);
	__u32 class = LB_RECORD_CLASS(value), may_go;
	__s64 sign, until_old, until_expired, until_future;

	until_future = age + cfg_slack; /* below 0: too far in the future to be believed */
	sign = age >> 63;
	OPAQUE(sign);
	age &= ~sign; /* 0 in the future */
	until_old = (__s64)timers->handshake - age;
	until_expired = (__s64)timers->record - age;
	differs = -differs;
	OPAQUE(differs);
	OPAQUE(until_old);
	OPAQUE(until_expired);
	OPAQUE(until_future);
	may_go = (always >> class) | ((when_old >> class) & (until_old >> 63));
	may_go |= (until_expired | until_future | differs) >> 63;
	may_go &= ~(never >> class) & 1;
	OPAQUE(may_go);
	return may_go;
}

/** struct flow_room - of one set: where a record may be put, and how many entries stay */
struct flow_room {
	__u64 seen; /* what that entry was judged by: rule 20 claims it from no other value */
	__u32 way;
	__u32 kept; /* LB_FLOW_WAYS: no room */
};

ALWAYS_INLINE struct flow_room flow_find_room(const __u64 *set, __u32 now, _Bool is_v6)
{
	struct flow_room room = { .kept = LB_FLOW_WAYS };

#pragma clang loop unroll(disable)
	for (__u32 way = 0; way < LB_FLOW_WAYS; way++) {
		const __u64 *entry = set + way * flow_words(is_v6);
		__u64 value = READ_ONCE(entry[flow_words(is_v6) - 1]);
		__u64 key = READ_ONCE(entry[flow_words(is_v6) - 2]);
		__u32 may_go = flow_may_go(value, is_v6 ? (key >> 16) & 0xffff : key >> 48, now);

		room.kept -= may_go;
		room.way += (way - room.way) * may_go; /* a select without a branch */
		room.seen += (value - room.seen) * may_go;
	}
	return room;
}

/* Rule 20, the writer. */
ALWAYS_INLINE enum flow_insert flow_claim(__u64 *entry, __u64 seen, const struct flow_query *q,
					  __u64 value, _Bool is_v6)
{
	__u64 *value_at = entry + flow_words(is_v6) - 1;

	if (seen == LB_RECORD_BUSY ||
	    __sync_val_compare_and_swap(value_at, seen, LB_RECORD_BUSY) != seen)
		return INSERT_AGAIN;
	if (is_v6) {
		WRITE_ONCE(entry[0], q->client_hi);
		WRITE_ONCE(entry[1], q->client_lo);
	}
	WRITE_ONCE(entry[flow_words(is_v6) - 2], q->key);
	barrier();
	WRITE_ONCE(*value_at, value);
	return INSERT_DONE;
}

/*
 * Where a new record goes: the first set unless it holds six or more and the second fewer.
 * *@seen: the value by which that entry may go. NULL: no room.
 */
ALWAYS_INLINE __u64 *flow_choose(__u64 *first, __u64 *second, const struct flow_scan *scan,
				 __u32 now, __u64 *seen, _Bool is_v6)
{
	struct flow_room room, other;

	*seen = 0;
	if (likely(scan->used < LB_FLOW_SPILL)) /* holds fewer, whatever might go */
		return first + (scan->free & (LB_FLOW_WAYS - 1)) * flow_words(is_v6);
	room = flow_find_room(first, now, is_v6);
	other = flow_find_room(second, now, is_v6);
	if (room.kept >= LB_FLOW_SPILL && other.kept < room.kept) {
		room = other;
		first = second;
	}
	if (room.kept >= LB_FLOW_WAYS)
		return NULL;
	*seen = room.seen;
	return first + (room.way & (LB_FLOW_WAYS - 1)) * flow_words(is_v6);
}

/* Rule 14 under the lock: no call may stand in here. *@seen: what was in the entry taken. */
ALWAYS_INLINE enum flow_insert flow_insert_locked(__u64 *first, __u64 *second,
						  const struct flow_query *q, __u64 value,
						  __u32 now, __u64 *seen, _Bool is_v6)
{
	struct flow_scan scan = flow_search(first, second, q, is_v6);
	__u64 *entry;

	if (scan.at < 2 * LB_FLOW_WAYS) {
		entry = scan.at & LB_FLOW_WAYS ? second : first;
		entry += (scan.at & (LB_FLOW_WAYS - 1)) * flow_words(is_v6);
		*seen = READ_ONCE(entry[flow_words(is_v6) - 1]);
		if (flow_is_valid(*seen, q->service, now) &&
		    !flow_is_reusable(*seen, q->kind, q->service, now))
			return INSERT_AGAIN;
		return flow_claim(entry, *seen, q, value, is_v6);
	}
	entry = flow_choose(first, second, &scan, now, seen, is_v6);
	return entry ? flow_claim(entry, *seen, q, value, is_v6) : INSERT_FULL;
}

ALWAYS_INLINE enum flow_insert flow_insert(struct flow_query *q, __u64 value, _Bool is_v6)
{
	__u32 lock_index = q->hash & (LB_MAX_LOCKS - 1);
	struct lb_lock *lock = bpf_map_lookup_elem(&lb_locks, &lock_index);
	__u64 *first = flow_set(lb_set_first(q->hash, flow_mask(is_v6)), is_v6);
	__u64 *second = flow_set(lb_set_second(q->hash, flow_mask(is_v6)), is_v6);
	__u32 now = flow_clock();
	enum flow_insert outcome;
	__u64 replaced = 0;

	if (!lock || !first || !second)
		return INSERT_FULL;
	bpf_spin_lock(&lock->lock);
	outcome = flow_insert_locked(first, second, q, value, now, &replaced, is_v6);
	bpf_spin_unlock(&lock->lock);
	if (outcome == INSERT_DONE)
		q->replaced = replaced;
	return outcome;
}

/* Global, so that each is verified once: 28k instructions in all instead of 240k. */
__noinline int flow_insert4(struct flow_query *q, __u64 value)
{
	return q ? flow_insert(q, value, 0) : INSERT_FULL;
}

__noinline int flow_insert6(struct flow_query *q, __u64 value)
{
	return q ? flow_insert(q, value, 1) : INSERT_FULL;
}

/* ---- ICMP errors: look up, write nothing -------------------------------- */

/** flow_peek - the valid record of the query's key; 0: none */
ALWAYS_INLINE __u64 flow_peek(const struct flow_query *q, _Bool is_v6)
{
	struct flow_hit hit;

	if (!flow_find_cold(q, &hit, is_v6) || !flow_is_valid(hit.value, q->service, flow_clock()))
		return 0;
	return hit.value;
}

#endif
