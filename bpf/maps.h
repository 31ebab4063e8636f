/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * All maps. Tables of a fixed size are global data (no key on the stack, no null
 * check; 2 ns a look-up less); what is sized to need is an ARRAY map whose size the
 * agent sets. The tables share one map, lb.bss, pinned as lb_tables: Debian 12's
 * libbpf 1.1 knows no sections named .bss.NAME; they may part when it does.
 */
#ifndef LEAT_BPF_MAPS_H
#define LEAT_BPF_MAPS_H

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "leat_abi.h"

struct lb_service lb_services[LB_SERVICE_SETS * LB_SERVICE_WAYS];
struct lb_backend lb_backends[LB_MAX_BACKENDS];
struct lb_reply lb_replies[LB_REPLY_SETS * LB_REPLY_WAYS];
struct lb_hop lb_hops[LB_MAX_HOPS];
struct lb_timers lb_timers[LB_SERVICE_IDS];
struct lb_schedule lb_schedules[LB_SERVICE_IDS];
struct lb_load lb_loads[LB_MAX_BACKENDS];
struct lb_sample lb_samples[LB_MAX_SAMPLES];
struct lb_memo lb_memos[LB_MAX_BACKENDS]; /* the agent's; here so that it is pinned with the rest */
struct lb_explain lb_explain;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct lb_slot_row);
} lb_slots SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct lb_stamp_row);
} lb_stamps SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct lb_flow4_set);
} lb_flows4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct lb_flow6_set);
} lb_flows6 SEC(".maps");

/** struct lb_lock - taken by inserts of records alone; row index: low bits of the flow's hash */
struct lb_lock {
	struct bpf_spin_lock lock;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, LB_MAX_LOCKS);
	__type(key, __u32);
	__type(value, struct lb_lock);
} lb_locks SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, LB_MAX_BACKENDS);
	__type(key, __u32);
	__type(value, struct lb_be_stats);
} lb_be_stats SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct lb_reason_counts);
} lb_reasons SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1);
	__type(key, struct lb_affinity_key);
	__type(value, struct lb_affinity);
} lb_affinities SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, LB_MAX_BACKENDS);
	__type(key, struct lb_quic_key);
	__type(value, __u32); /* backend */
} lb_quic_servers SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP_HASH);
	__uint(max_entries, LB_MAX_PORTS);
	__type(key, __u32); /* ifindex */
	__type(value, __u32);
} lb_ports SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct lb_node);
} lb_node SEC(".maps");

#endif
