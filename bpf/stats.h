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
	__u64 index = reason;
	__u32 zero = 0;

	if (cfg_dry_run)
		return;
	counts = bpf_map_lookup_elem(&lb_reasons, &zero);
	OPAQUE(index); /* clang knows what classify4 may return, the verifier does not */
	if (counts && index < LB_REASON_COUNT)
		counts->by_reason[index]++;
}

ALWAYS_INLINE void stats_count_backend(const struct packet *p)
{
	__u32 backend = p->backend;
	struct lb_be_stats *stats = bpf_map_lookup_elem(&lb_be_stats, &backend);
	__u64 length = (__u64)p->ctx->data_end - (__u64)p->ctx->data;

	if (unlikely(!stats))
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

/* The X-macro keeps each verdict's reasons together, in this order. */
#define LB_LAST_PASS LB_REPLY_ROUTED

/** finish - a packet that was not forwarded: count why; the XDP verdict */
ALWAYS_INLINE int finish(enum lb_reason reason)
{
	if (cfg_dry_run) {
		lb_explain.reason = reason;
		return XDP_DROP;
	}
	stats_count_reason(reason);
	if (reason <= LB_LAST_PASS)
		return XDP_PASS;
	return reason == LB_PING ? XDP_TX : XDP_DROP;
}

/** finish_forwarded - a packet that is ready to leave by @egress: count it; the XDP verdict */
ALWAYS_INLINE int finish_forwarded(const struct packet *p, __u32 egress)
{
	if (cfg_dry_run) {
		lb_explain.reason = LB_OK;
		lb_explain.backend = p->backend;
		lb_explain.is_reply = p->is_reply;
		return XDP_DROP;
	}
	if (likely(egress == p->ctx->ingress_ifindex)) {
		stats_count_backend(p);
		return XDP_TX;
	}
	if (bpf_redirect_map(&lb_ports, egress, XDP_DROP) != XDP_REDIRECT)
		return finish(LB_NO_EGRESS);
	stats_count_backend(p);
	return XDP_REDIRECT;
}

#endif
