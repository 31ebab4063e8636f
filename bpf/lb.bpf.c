/* SPDX-License-Identifier: GPL-2.0-only */
#include "maps.h"

#include "config.h"

SEC("xdp")
int lb_xdp(struct xdp_md *ctx)
{
	void *end = (void *)(long)ctx->data_end;
	__u32 zero = 0;
	__u64 *count;

	if ((void *)(long)ctx->data + 14 > end || cfg_dry_run || cfg_has_nat)
		return XDP_DROP;
	count = bpf_map_lookup_elem(&lb_reasons, &zero);
	if (count)
		*count += lb_services[cfg_flow4_mask & 1].id + lb_backends[0].generation +
			  lb_replies[0].family + lb_hops[0].pad + lb_timers[0].record +
			  lb_explain.slot + cfg_hash_key + cfg_flow6_mask + cfg_clock_shift +
			  cfg_grain + cfg_slack;
	return XDP_PASS;
}

/* lb_clock - one reading of the data path's clock, into the packet; run by BPF_PROG_TEST_RUN */
SEC("xdp")
int lb_clock(struct xdp_md *ctx)
{
	struct lb_clock_reading *reading = (void *)(long)ctx->data;

	if ((void *)(reading + 1) > (void *)(long)ctx->data_end)
		return XDP_ABORTED;
	reading->jiffies = bpf_jiffies64();
	reading->ktime_ns = bpf_ktime_get_ns();
	return XDP_PASS;
}

char lb_license[] SEC("license") = "GPL";
