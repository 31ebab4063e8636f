/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * lb.bpf.c - the story of one packet:
 *
 *   parse -> service -> select (slot, record) -> forward -> finish
 *
 * Every stage fills or reads one struct packet and returns LB_OK or a reason; finish
 * alone knows XDP verdicts and counters. Chapters in reading order: packet.h,
 * config.h, maps.h, parse.h, service.h, flow.h, hop.h, select.h, forward.h, csum.h,
 * nat.h, icmp.h, classify.h, stats.h.
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

ALWAYS_INLINE int request(struct packet *p, struct lb_service *service, _Bool is_v6)
{
	enum lb_reason reason = select_backend(p, service, is_v6);
	struct lb_backend *backend = flow_backend(p->backend);

	if (cfg_dry_run)
		lb_explain.service = service->id;
	if (likely(reason == LB_OK)) {
		if (service->forward == LB_FORWARD_NAT)
			reason = nat_request(p, backend, is_v6);
		else
			reason = forward_dsr(p, backend, is_v6);
	}
	return finish(p, reason, backend->ifindex);
}

/* What a nat backend sends: to the client of a connection we know, or none of our business. */
ALWAYS_INLINE int reply(struct packet *p, __u32 room, _Bool is_v6)
{
	__u32 key_word = KEY_WORD(p->source_port, p->proto, is_v6 ? FAMILY6 : FAMILY4);
	struct lb_reply *from = reply_find(p->source_hi, p->source_lo, key_word, is_v6);
	enum lb_reason reason;
	struct lb_hop *hop;

	if (likely(!from))
		return finish(p, LB_NOT_SERVICE, 0);
	reason = parse_transport(p, room);
	if (reason == LB_OK)
		reason = select_reply(p, from, is_v6);
	else
		reason = LB_UNPARSED;
	hop = hop_at(p->hop);
	if (likely(reason == LB_OK))
		reason = nat_reply(p, flow_backend(p->backend), hop, is_v6);
	return finish(p, reason, hop->ifindex);
}

/* TCP and UDP, once the IP header is known; @room: bytes behind it by its own length field. */
ALWAYS_INLINE int transport(struct packet *p, __u32 room, _Bool is_broken, _Bool is_v6)
{
	struct lb_service *service;
	enum lb_reason reason;

	service = service_find(p->destination_hi, p->destination_lo,
			       KEY_WORD(p->destination_port, p->proto, is_v6 ? FAMILY6 : FAMILY4),
			       is_v6);
	if (!service) {
		if (cfg_has_nat && !is_broken)
			return reply(p, room, is_v6);
		return finish(p, LB_NOT_SERVICE, 0);
	}
	reason = is_broken ? LB_TRUNCATED : parse_transport(p, room);
	if (unlikely(reason != LB_OK))
		return finish(p, reason, 0);
	return request(p, service, is_v6);
}

ALWAYS_INLINE int ip4(struct packet *p)
{
	struct iphdr *ip = packet_at(p, p->l3, sizeof(*ip));
	__u32 total, available;

	if (!ip || ip->version != 4 || ip->ihl < 5)
		return finish(p, LB_UNPARSED, 0);
	p->l4 = p->l3 + ip->ihl * 4;
	p->proto = ip->protocol;
	p->source_lo = MAPPED4(ip->saddr);
	p->destination_lo = MAPPED4(ip->daddr);
	if (unlikely(p->proto != IPPROTO_TCP && p->proto != IPPROTO_UDP))
		return p->proto == IPPROTO_ICMP ? icmp4(p->ctx, icmp_place(p))
						: finish(p, LB_NOT_SERVICE, 0);
	if (unlikely(ip->frag_off & bpf_htons(IP_MF_OR_OFFSET)))
		return finish(p, classify_fragment(p, 0), 0);
	total = bpf_ntohs(ip->tot_len);
	available = packet_room(p, ip);
	if (unlikely(!parse_ports(p)))
		return finish(p, classify_short(p, 0), 0);
	return transport(p, total - ip->ihl * 4, total > available || total < ip->ihl * 4U, 0);
}

ALWAYS_INLINE int ip6(struct packet *p)
{
	struct ipv6hdr *ip = packet_at(p, p->l3, sizeof(*ip));
	__u32 total, available, skipped;

	if (!ip || ip->version != 6)
		return finish(p, LB_UNPARSED, 0);
	p->l4 = p->l3 + sizeof(*ip);
	p->proto = ip->nexthdr;
	p->source_hi = *(__u64 *)&ip->saddr.in6_u.u6_addr32[0];
	p->source_lo = *(__u64 *)&ip->saddr.in6_u.u6_addr32[2];
	p->destination_hi = *(__u64 *)&ip->daddr.in6_u.u6_addr32[0];
	p->destination_lo = *(__u64 *)&ip->daddr.in6_u.u6_addr32[2];
	total = bpf_ntohs(ip->payload_len) + sizeof(*ip);
	available = packet_room(p, ip);
	if (unlikely(p->proto != IPPROTO_TCP && p->proto != IPPROTO_UDP)) {
		skipped = classify_extensions6(p->ctx, p->l3);
		p->proto = skipped >> 16;
		p->l4 = skipped & CLASSIFY_OFFSET_MASK;
		if (p->proto == IPPROTO_ICMPV6)
			return icmp6(p->ctx, icmp_place(p));
		if (p->proto == IPPROTO_FRAGMENT)
			return finish(p, classify_fragment(p, 1), 0);
		if (p->proto != IPPROTO_TCP && p->proto != IPPROTO_UDP)
			return finish(p, LB_NOT_SERVICE, 0);
	}
	if (unlikely(!parse_ports(p)))
		return finish(p, classify_short(p, 1), 0);
	return transport(p, total - (p->l4 - p->l3), total > available || total < p->l4 - p->l3, 1);
}

SEC("xdp")
int lb_xdp(struct xdp_md *ctx)
{
	struct packet p = { .ctx = ctx };
	__be16 type = parse_ethernet(&p);

	if (likely(type == bpf_htons(ETH_P_IP)))
		return ip4(&p);
	if (type == bpf_htons(ETH_P_IPV6))
		return ip6(&p);
	return finish(&p, LB_NOT_IP, 0);
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
