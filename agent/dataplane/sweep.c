/* SPDX-License-Identifier: GPL-2.0-only */
#include "dataplane/sweep.h"

#include <string.h>

/* The backend's generation is read after the record. */
static inline __attribute__((always_inline)) bool is_alive(const struct sweep *sweep, __u64 value)
{
	const struct lb_backend *backend = &sweep->backends[LB_RECORD_BACKEND(value)];
	uint32_t generation = __atomic_load_n(&backend->generation, __ATOMIC_ACQUIRE);

	return !(generation & 1) && (generation & 0x3ff) == LB_RECORD_GENERATION(value);
}

/* Rule 12, but for the key. */
static inline __attribute__((always_inline)) bool is_valid(const struct sweep *sweep, __u64 value,
							   uint32_t service, uint32_t now)
{
	uint32_t class = LB_RECORD_CLASS(value), age;

	if (service >= LB_SERVICE_IDS || class == LB_CLASS_FREE || class == LB_CLASS_BUSY)
		return false;
	if (!is_alive(sweep, value))
		return false;
	age = lb_age(now, LB_RECORD_CLOCK(value), LB_RECORD_CLOCK_BITS, sweep->slack);
	return age <= __atomic_load_n(&sweep->timers[service].record, __ATOMIC_RELAXED);
}

/* 1 where a record of this class is in lb_loads[].live, while its generation lasts. */
static inline uint32_t is_live_class(__u64 value)
{
	const uint32_t live =
		1 << LB_CLASS_HALF_OPEN | 1 << LB_CLASS_ESTABLISHED | 1 << LB_CLASS_UDP;

	return live >> LB_RECORD_CLASS(value) & 1;
}

static inline void count(struct dataplane_flows *out, bool *hop_seen, __u64 value)
{
	out->per_backend[LB_RECORD_BACKEND(value)]++;
	out->live[LB_RECORD_BACKEND(value)] += is_live_class(value);
	hop_seen[LB_RECORD_HOP(value)] = true;
}

/* The freed value decides, as it would for a packet that takes the entry: it was counted once. */
static void uncount(const struct sweep *sweep, __u64 value)
{
	uint32_t id = LB_RECORD_BACKEND(value);

	if (!sweep->loads || !is_live_class(value) || !is_alive(sweep, value))
		return;
	__atomic_fetch_sub(&sweep->loads[id].live, 1, __ATOMIC_SEQ_CST);
	sweep->counts[id].freed++;
}

/*
 * What looks expired or dead. The clock may have been read long ago (the agent was
 * stopped in mid-sweep): it is read again, after the record, before anything is freed.
 * Returns whether the entry stays in use.
 */
static __attribute__((noinline)) bool judge_again(const struct sweep *sweep, __u64 *entry,
						  __u64 value, uint32_t service,
						  struct dataplane_flows *out, bool *hop_seen)
{
	if (LB_RECORD_CLASS(value) == LB_CLASS_BUSY)
		return true;
	if (is_valid(sweep, value, service, sweep->clock(sweep->arg))) {
		count(out, hop_seen, value);
		return true;
	}
	if (__atomic_compare_exchange_n(entry, &value, 0, false, __ATOMIC_SEQ_CST,
					__ATOMIC_RELAXED)) {
		uncount(sweep, value);
		out->freed++;
		return false;
	}
	hop_seen[LB_RECORD_HOP(value)] = true; /* taken or refreshed in this instant */
	return true;
}

static uint32_t sweep_sets4(const struct sweep *sweep, struct dataplane_flows *out, bool *hop_seen)
{
	struct lb_flow4 *flow = sweep->flows4[0].flows;
	struct lb_flow4 *end = flow + (size_t)sweep->sets4 * LB_FLOW_WAYS;
	uint32_t now = sweep->clock(sweep->arg), used = 0;

	for (; flow < end; flow++) {
		__u64 value = __atomic_load_n(&flow->record.value, __ATOMIC_ACQUIRE);

		if (!value)
			continue;
		used++;
		if (is_valid(sweep, value, flow->service, now))
			count(out, hop_seen, value);
		else
			used -= !judge_again(sweep, &flow->record.value, value, flow->service, out,
					     hop_seen);
	}
	return used;
}

static uint32_t sweep_sets6(const struct sweep *sweep, struct dataplane_flows *out, bool *hop_seen)
{
	struct lb_flow6 *flow = sweep->flows6[0].flows;
	struct lb_flow6 *end = flow + (size_t)sweep->sets6 * LB_FLOW_WAYS;
	uint32_t now = sweep->clock(sweep->arg), used = 0;

	for (; flow < end; flow++) {
		__u64 value = __atomic_load_n(&flow->record.value, __ATOMIC_ACQUIRE);

		if (!value)
			continue;
		used++;
		if (is_valid(sweep, value, flow->service, now))
			count(out, hop_seen, value);
		else
			used -= !judge_again(sweep, &flow->record.value, value, flow->service, out,
					     hop_seen);
	}
	return used;
}

/* ---- counts ---------------------------------------------------------------- */

static uint32_t live_of(const struct sweep *sweep, uint32_t id)
{
	return __atomic_load_n(&sweep->loads[id].live, __ATOMIC_SEQ_CST);
}

static void begin_counts(const struct sweep *sweep)
{
	for (uint32_t id = 0; id < sweep->ids; id++) {
		struct sweep_count *memory = &sweep->counts[id];
		uint16_t generation = sweep->backends[id].generation;

		if (memory->generation != generation) /* a count of its own */
			*memory = (struct sweep_count) { .generation = generation };
		memory->before = live_of(sweep, id);
		memory->freed = 0;
	}
}

/*
 * Connections that come and go while the sweep runs make what it saw differ from the count, and
 * mean nothing. A drift is believed where the count stood still and was wrong by as much the
 * time before; the CAS lets it stand still until now. Returns whether it was set right.
 */
static bool correct(const struct sweep *sweep, uint32_t id, uint32_t seen)
{
	struct sweep_count *memory = &sweep->counts[id];
	uint32_t now = live_of(sweep, id), drift = now - seen;
	bool is_still = now == memory->before - memory->freed;
	bool is_believed = is_still && drift == memory->drift;

	memory->drift = is_still ? drift : 0;
	if (!drift || !is_believed ||
	    !__atomic_compare_exchange_n(&sweep->loads[id].live, &now, seen, false,
					 __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
		return false;
	memory->drift = 0;
	return true;
}

/* What was recorded before counting began, all at once; a busy backend's noise goes with it. */
static void adopt(const struct sweep *sweep, uint32_t id, uint32_t seen)
{
	__atomic_fetch_sub(&sweep->loads[id].live, live_of(sweep, id) - seen, __ATOMIC_SEQ_CST);
	sweep->counts[id].drift = 0;
}

static void correct_counts(const struct sweep *sweep, struct dataplane_flows *out)
{
	for (uint32_t id = 1; id < sweep->ids; id++) {
		if (!sweep->backends[id].service || (sweep->backends[id].generation & 1))
			continue;
		if (sweep->is_first)
			adopt(sweep, id, out->live[id]);
		else
			out->corrected += correct(sweep, id, out->live[id]);
	}
}

void sweep_flows(const struct sweep *sweep, struct dataplane_flows *out, bool *hop_seen)
{
	memset(out, 0, sizeof(*out));
	if (sweep->loads)
		begin_counts(sweep);
	out->used4 = sweep_sets4(sweep, out, hop_seen);
	out->used6 = sweep_sets6(sweep, out, hop_seen);
	if (sweep->loads)
		correct_counts(sweep, out);
}

/* ---- hops ------------------------------------------------------------------- */

static void set_state(struct lb_hop *hop, uint16_t state)
{
	__atomic_store_n(&hop->state, state, __ATOMIC_RELEASE);
}

static void step_unnamed(struct lb_hop *hop, struct sweep_hop *memory, uint16_t state,
			 const struct sweep_span *span)
{
	if (state == LB_HOP_READY)
		set_state(hop, LB_HOP_RETIRED);
	if (state == LB_HOP_READY || !memory->is_retired) {
		*memory = (struct sweep_hop) { .retired_at = span->ended, .is_retired = true };
		return;
	}
	if ((int32_t)(span->began - memory->retired_at) > (int32_t)span->slack) {
		/* the data path takes a row for free when this whole word is 0 */
		__atomic_store_n(&hop->id_if, 0, __ATOMIC_RELEASE);
		*memory = (struct sweep_hop) {};
	}
}

void sweep_hops(struct lb_hop *hops, struct sweep_hop *memory, const bool *hop_seen,
		const struct sweep_span *span)
{
	for (uint32_t i = 1; i < LB_MAX_HOPS; i++) {
		uint16_t state = __atomic_load_n(&hops[i].state, __ATOMIC_ACQUIRE);
		bool is_used = state == LB_HOP_READY || state == LB_HOP_RETIRED;

		if (is_used && !hop_seen[i]) {
			step_unnamed(&hops[i], &memory[i], state, span);
			continue;
		}
		memory[i] = (struct sweep_hop) {};
		if (state == LB_HOP_RETIRED)
			set_state(&hops[i], LB_HOP_READY);
	}
}
