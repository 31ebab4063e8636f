/* SPDX-License-Identifier: GPL-2.0-only */
/* Two ways to count the turns of round_robin: one counter for all CPUs, or one for each. */
#include "packet.h"

#define TURNS_CYCLE 7 /* weights 5, 1, 1 */

const volatile __u32 turns_cpus = 1;

__u64 turns_shared_next __attribute__((aligned(64)));

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} turns_next SEC(".maps");

/* what was picked, by CPU: summed and judged by the bench */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, TURNS_CYCLE);
	__type(key, __u32);
	__type(value, __u64);
} turns_taken SEC(".maps");

ALWAYS_INLINE int take(__u64 turn)
{
	__u32 place = turn % TURNS_CYCLE;
	__u64 *taken = bpf_map_lookup_elem(&turns_taken, &place);

	if (taken)
		++*taken;
	return XDP_DROP;
}

SEC("xdp")
int turns_none(struct xdp_md *ctx)
{
	(void)ctx;
	return take(3);
}

SEC("xdp")
int turns_shared(struct xdp_md *ctx)
{
	(void)ctx;
	return take(__sync_fetch_and_add(&turns_shared_next, 1));
}

SEC("xdp")
int turns_per_cpu(struct xdp_md *ctx)
{
	__u32 zero = 0;
	__u64 *next = bpf_map_lookup_elem(&turns_next, &zero);
	__u64 start = (__u64)bpf_get_smp_processor_id() * TURNS_CYCLE / turns_cpus;

	(void)ctx;
	return next ? take(start + (*next)++) : XDP_ABORTED;
}

char turns_license[] SEC("license") = "GPL";
