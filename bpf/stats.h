/* SPDX-License-Identifier: GPL-2.0-only */
/* The end of a packet's way: verdicts and counters, and nobody else knows either. */
#ifndef LEAT_BPF_STATS_H
#define LEAT_BPF_STATS_H

#include "config.h"
#include "maps.h"
#include "packet.h"

ALWAYS_INLINE void stats_count_reason(enum lb_reason reason)
{
	struct lb_reason_counts *counts;
	__u32 zero = 0;

	if (cfg_dry_run)
		return;
	counts = bpf_map_lookup_elem(&lb_reasons, &zero);
	if (counts && reason < LB_REASON_COUNT)
		counts->by_reason[reason]++;
}

ALWAYS_INLINE void stats_count_backend(const struct packet *p)
{
	__u64 length = (__u64)p->ctx->data_end - (__u64)p->ctx->data;
	__u32 backend = p->backend;
	struct lb_be_stats *stats;

	if (cfg_dry_run)
		return;
	stats = bpf_map_lookup_elem(&lb_be_stats, &backend);
	if (!stats)
		return;
	if (p->is_reply) {
		stats->replies++;
		stats->reply_bytes += length;
		return;
	}
	stats->packets++;
	stats->bytes += length;
	if (unlikely(p->is_new))
		stats->connections++;
}

/* A reason's verdict by X(...): the X-macro keeps each kind together, in this order. */
#define LB_LAST_PASS LB_REPLY_ROUTED

ALWAYS_INLINE int stats_verdict(enum lb_reason reason)
{
	if (reason <= LB_LAST_PASS)
		return XDP_PASS;
	return reason == LB_PING ? XDP_TX : XDP_DROP;
}

/**
 * finish - count, and the XDP verdict
 * @egress: where an LB_OK packet leaves
 */
ALWAYS_INLINE int finish(const struct packet *p, enum lb_reason reason, __u32 egress)
{
	if (cfg_dry_run) {
		lb_explain.reason = reason;
		lb_explain.backend = p->backend;
		lb_explain.is_reply = p->is_reply;
		return XDP_DROP;
	}
	if (unlikely(reason != LB_OK)) {
		stats_count_reason(reason);
		return stats_verdict(reason);
	}
	if (unlikely(egress != p->ctx->ingress_ifindex) &&
	    bpf_redirect_map(&lb_ports, egress, XDP_DROP) != XDP_REDIRECT) {
		stats_count_reason(LB_NO_EGRESS);
		return XDP_DROP;
	}
	stats_count_backend(p);
	return egress == p->ctx->ingress_ifindex ? XDP_TX : XDP_REDIRECT;
}

#endif
