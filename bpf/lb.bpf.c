/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * lb.bpf.c - the story of one packet:
 *
 *   parse -> service -> select (slot, record) -> forward -> finish
 *
 * Every stage fills or reads one struct packet and returns LB_OK or a reason; finish
 * alone knows XDP verdicts and counters. Chapters in reading order: packet.h,
 * config.h, maps.h, parse.h, service.h, flow.h, schedule.h, follow.h, hop.h, sample.h,
 * quic.h, select.h, forward.h, csum.h, nat.h, stats.h, and for what is rare icmp.h and classify.h.
 */
#include "classify.h"
#include "config.h"
#include "flow.h"
#include "forward.h"
#include "hop.h"
#include "icmp.h"
#include "maps.h"
#include "nat.h"
#include "packet.h"
#include "parse.h"
#include "select.h"
#include "service.h"
#include "stats.h"

/* A request whose backend is in p->backend. */
ALWAYS_INLINE int forward_request(struct packet *p, const struct lb_service *service, _Bool is_v6)
{
	const struct lb_backend *backend = flow_backend(p->backend);
	enum lb_reason reason;

	if (service->forward == LB_FORWARD_NAT)
		reason = nat_request(p, backend, is_v6);
	else
		reason = forward_dsr(p, backend, is_v6);
	return likely(reason == LB_OK) ? finish_forwarded(p, backend->ifindex) : finish(reason);
}

/* Functions that take @is_cold are expanded twice: for the common case, and small for the rest. */
ALWAYS_INLINE int request(struct packet *p, const struct lb_service *service, _Bool is_v6,
			  _Bool is_cold)
{
	enum lb_reason reason;
	__u64 hash;
	int backend;

	if (likely(!service->flags)) {
		backend = select_settled(p, service, is_v6);
		if (likely(backend > 0)) {
			p->backend = backend;
			p->is_new = select_is_syn(p);
			reason = forward_dsr(p, flow_backend(backend), is_v6);
			if (unlikely(reason != LB_OK))
				return finish(reason);
			return finish_forwarded(p, flow_backend(backend)->ifindex);
		}
		if (!backend)
			return finish(LB_NO_BACKEND);
	}
	reason = select_recorded(p, service, &hash, is_v6, is_cold);
	if (unlikely(reason != LB_OK))
		return finish(reason);
	if (cfg_has_samples && !is_cold)
		select_sample(p, service->id, hash, is_v6);
	return forward_request(p, service, is_v6);
}

/* What a nat backend sends: to the client of a connection we know, or none of our business. */
ALWAYS_INLINE int reply(struct packet *p, _Bool is_v6, _Bool is_cold)
{
	struct half_addr source = packet_source(p->ip, is_v6);
	__u32 key_word = KEY_WORD(*(__be16 *)p->l4, p->proto, is_v6 ? FAMILY6 : FAMILY4);
	const struct lb_reply *from = is_cold ? reply_find_cold(source.hi, source.lo, key_word)
					      : reply_find(source.hi, source.lo, key_word, is_v6);
	const struct lb_hop *hop;
	enum lb_reason reason;
	__u64 hash;

	if (likely(!from))
		return finish(LB_NOT_SERVICE);
	reason = select_reply(p, from, &hash, is_v6, is_cold);
	if (unlikely(reason != LB_OK))
		return finish(reason);
	if (cfg_has_samples && !is_cold)
		select_sample(p, from->service, hash, is_v6);
	hop = hop_at(p->hop);
	reason = nat_reply(p, flow_backend(p->backend), hop, is_v6);
	return likely(reason == LB_OK) ? finish_forwarded(p, hop->ifindex) : finish(reason);
}

/* A whole packet of TCP or UDP. */
ALWAYS_INLINE int transport(struct packet *p, _Bool is_v6, _Bool is_cold)
{
	struct half_addr destination = packet_destination(p->ip, is_v6);
	__u32 key_word = KEY_WORD(((__be16 *)p->l4)[1], p->proto, is_v6 ? FAMILY6 : FAMILY4);
	const struct lb_service *service =
		is_cold ? service_find_cold(destination.hi, destination.lo, key_word)
			: service_find(destination.hi, destination.lo, key_word, is_v6);

	if (likely(service))
		return request(p, service, is_v6, is_cold);
	return cfg_has_nat ? reply(p, is_v6, is_cold) : finish(LB_NOT_SERVICE);
}

ALWAYS_INLINE int ip4(struct packet *p, __u32 l3)
{
	struct iphdr *ip = p->ip;

	if (likely(parse_ip4(p) == PARSE_DONE))
		return transport(p, 0, 0);
	if (packet_has(p->ctx, ip, sizeof(*ip)) && ip->protocol == IPPROTO_ICMP)
		return icmp4(p->ctx, l3 | (__u64)p->tags << 32);
	return finish(classify4(p->ctx, l3));
}

/*
 * IPv6 with extension headers, or odd: offset of the IP header, of what follows the extension
 * headers (<< 5) and its protocol (<< 16), tags (<< 32). A number out of a global function, of
 * which the verifier knows nothing: what follows is walked once, not once for each place of the
 * header.
 */
__noinline __u64 ip6_place(struct xdp_md *ctx, __u64 place)
{
	__u32 skipped = classify_extensions6(ctx, place & 0x1f);

	return place | (skipped & CLASSIFY_OFFSET_MASK) << 5 | (skipped & 0xff0000);
}

ALWAYS_INLINE int ip6_cold(struct xdp_md *ctx, __u64 place)
{
	struct packet p = { .ctx = ctx };
	__u32 l3, l4;

	place = ip6_place(ctx, place);
	l3 = place & 0x1f;
	l4 = place >> 5 & CLASSIFY_OFFSET_MASK;
	p.tags = place >> 32;
	p.proto = place >> 16;
	if (p.proto == IPPROTO_ICMPV6)
		return icmp6(ctx, l3 | l4 << 16 | (__u64)p.tags << 32);
	p.eth = packet_at(ctx, 0, ETH_HLEN);
	p.ip = (void *)(long)ctx->data + l3;
	p.l4 = (void *)(long)ctx->data + l4;
	if (p.eth && parse_ip6(&p, 1) == PARSE_DONE)
		return transport(&p, 1, 1);
	return finish(classify6(ctx, l3, l4 | p.proto << 16));
}

ALWAYS_INLINE int ip6(struct packet *p, __u32 l3)
{
	if (likely(parse_ip6(p, 0) == PARSE_DONE))
		return transport(p, 1, 0);
	return ip6_cold(p->ctx, l3 | (__u64)p->tags << 32);
}

SEC("xdp")
int lb_xdp(struct xdp_md *ctx)
{
	struct packet p = { .ctx = ctx };
	__u32 l3 = 0;
	__be16 type = parse_ethernet(&p, &l3);

	p.ip = (void *)(long)ctx->data + l3;
	if (likely(type == bpf_htons(ETH_P_IP)))
		return ip4(&p, l3);
	if (type == bpf_htons(ETH_P_IPV6))
		return ip6(&p, l3);
	return finish(LB_NOT_IP);
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
