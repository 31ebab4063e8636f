/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ICMP and ICMPv6: echo requests to a VIP are answered; errors that quote a connection
 * follow it, in nat with the quoted header translated (RFC 5508). Cold: one global
 * function a family.
 */
#ifndef LEAT_BPF_ICMP_H
#define LEAT_BPF_ICMP_H

#include <linux/icmpv6.h>

#include "classify.h"
#include "nat.h"
#include "select.h"
#include "service.h"
#include "stats.h"

/* RFC 792; linux/icmp.h drags in the C library */
#define ICMP_ECHOREPLY	   0
#define ICMP_DEST_UNREACH  3
#define ICMP_ECHO	   8
#define ICMP_TIME_EXCEEDED 11
#define ICMP_PARAMETERPROB 12

#define ICMP_REPLY_TTL 64

/** struct icmp_start - what all ICMP messages begin with */
struct icmp_start {
	__u8 type;
	__u8 code;
	__u16 check;
	__u32 rest;
};

/** struct icmp_quote - the packet that an error is about */
struct icmp_quote {
	__u64 source_hi, source_lo;
	__u64 destination_hi, destination_lo;
	__u32 l3, l4;
	__be16 source_port, destination_port;
	__u8 proto;
};

ALWAYS_INLINE _Bool icmp_is_error(__u8 type, _Bool is_v6)
{
	if (is_v6)
		return type >= ICMPV6_DEST_UNREACH && type <= ICMPV6_PARAMPROB;
	return type == ICMP_DEST_UNREACH || type == ICMP_TIME_EXCEEDED ||
	       type == ICMP_PARAMETERPROB;
}

ALWAYS_INLINE enum lb_reason icmp_echo(struct packet *p, _Bool is_v6)
{
	struct icmp_start *icmp = packet_at(p, p->l4, sizeof(*icmp));
	void *l3 = packet_at(p, p->l3, is_v6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr));
	__u16 *eth = packet_at(p, 0, ETH_HLEN);
	__u8 type = is_v6 ? ICMPV6_ECHO_REPLY : ICMP_ECHOREPLY;

	if (!icmp || !l3 || !eth)
		return LB_UNPARSED;
	icmp->check = csum_add(icmp->check, csum_replace(icmp->type, type));
	icmp->type = type;
	if (is_v6) {
		struct ipv6hdr *ip = l3;
		struct in6_addr source = ip->saddr;

		ip->saddr = ip->daddr;
		ip->daddr = source;
		ip->hop_limit = ICMP_REPLY_TTL;
	} else {
		struct iphdr *ip = l3;
		__be32 source = ip->saddr;

		ip->saddr = ip->daddr;
		ip->daddr = source;
		ip->check = csum_add(ip->check, csum_replace(ip->ttl, ICMP_REPLY_TTL));
		ip->ttl = ICMP_REPLY_TTL;
	}
	for (int i = 0; i < ETH_ALEN / 2; i++) {
		__u16 mac = eth[i];

		eth[i] = eth[i + 3];
		eth[i + 3] = mac;
	}
	return LB_PING;
}

/* The quoted headers, as far as ports; false: nothing that could name a connection. */
ALWAYS_INLINE _Bool icmp_parse_quote(const struct packet *p, struct icmp_quote *quote, _Bool is_v6)
{
	__be16 *ports;

	quote->l3 = p->l4 + sizeof(struct icmp_start);
	if (is_v6) {
		struct ipv6hdr *ip = packet_at(p, quote->l3, sizeof(*ip));

		if (!ip || ip->version != 6)
			return 0;
		quote->proto = ip->nexthdr;
		quote->l4 = quote->l3 + sizeof(*ip);
		quote->source_hi = *(__u64 *)&ip->saddr.in6_u.u6_addr32[0];
		quote->source_lo = *(__u64 *)&ip->saddr.in6_u.u6_addr32[2];
		quote->destination_hi = *(__u64 *)&ip->daddr.in6_u.u6_addr32[0];
		quote->destination_lo = *(__u64 *)&ip->daddr.in6_u.u6_addr32[2];
	} else {
		struct iphdr *ip = packet_at(p, quote->l3, sizeof(*ip));

		if (!ip || ip->version != 4 || ip->ihl < 5 || (ip->frag_off & bpf_htons(0x1fff)))
			return 0;
		quote->proto = ip->protocol;
		quote->l4 = quote->l3 + ip->ihl * 4;
		quote->source_hi = 0;
		quote->source_lo = MAPPED4(ip->saddr);
		quote->destination_hi = 0;
		quote->destination_lo = MAPPED4(ip->daddr);
	}
	if (quote->proto != IPPROTO_TCP && quote->proto != IPPROTO_UDP)
		return 0;
	ports = packet_at(p, quote->l4, 2 * sizeof(*ports));
	if (!ports)
		return 0;
	quote->source_port = ports[0];
	quote->destination_port = ports[1];
	return 1;
}

/* Writes a word of the ICMP message; *change gathers what its checksum must learn. */
ALWAYS_INLINE void icmp_set_word(__u16 *word, __u16 to, __u32 *change)
{
	*change += csum_replace(*word, to);
	*word = to;
}

/* The transport checksum in the quote, where the quote reaches that far and one was made. */
ALWAYS_INLINE void icmp_translate_check(struct packet *p, const struct icmp_quote *quote,
					__u32 difference, __u32 *change)
{
	__u32 offset = quote->proto == IPPROTO_TCP ? 16 : 6;
	__u16 *check = packet_at(p, quote->l4 + offset, sizeof(*check));

	if (check && (quote->proto == IPPROTO_TCP || *check))
		icmp_set_word(check, csum_add(*check, difference), change);
}

/*
 * Both directions of nat: in a request's error the VIP stands for the backend (outer
 * destination, quoted source), in a reply's error the other way round (outer source,
 * where the backend itself complains; quoted destination).
 */
ALWAYS_INLINE enum lb_reason icmp_translate(struct packet *p, const struct icmp_quote *quote,
					    const struct lb_backend *backend, _Bool is_reply,
					    _Bool is_v6)
{
	const struct lb_addr *to = is_reply ? &backend->vip : &backend->address;
	__u16 to_port = is_reply ? backend->vip_port : backend->port;
	__u16 from_port = is_reply ? backend->port : backend->vip_port;
	__u32 l4_difference = backend->csum_l4 ^ (is_reply ? 0xffff : 0);
	__u32 port_difference = csum_replace(from_port, to_port);
	__u32 address_difference = csum_fold(l4_difference + (csum_fold(port_difference) ^ 0xffff));
	_Bool rewrites_outer = !is_reply;
	struct icmp_start *icmp;
	__u32 change = port_difference + address_difference;
	__u16 *ports;
	void *outer, *inner;

	icmp = packet_at(p, p->l4, sizeof(*icmp));
	outer = packet_at(p, p->l3, is_v6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr));
	inner = packet_at(p, quote->l3, is_v6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr));
	ports = packet_at(p, quote->l4, 2 * sizeof(*ports));
	if (!icmp || !outer || !inner || !ports)
		return LB_TRUNCATED;
	if (is_reply)
		rewrites_outer = p->source_lo == backend->address.halves[1] &&
				 (!is_v6 || p->source_hi == backend->address.halves[0]);
	if (is_v6) {
		struct ipv6hdr *ip = outer, *quoted = inner;
		__u64 *field = (__u64 *)(is_reply ? &quoted->daddr : &quoted->saddr);

		if (ip->hop_limit <= 1)
			return LB_TTL_EXPIRED;
		field[0] = to->halves[0];
		field[1] = to->halves[1];
		ip->hop_limit--;
		if (rewrites_outer) {
			field = (__u64 *)(is_reply ? &ip->saddr : &ip->daddr);
			field[0] = to->halves[0];
			field[1] = to->halves[1];
			change += address_difference; /* the pseudo-header's */
		}
	} else {
		struct iphdr *ip = outer, *quoted = inner;

		if (ip->ttl <= 1)
			return LB_TTL_EXPIRED;
		*(is_reply ? &quoted->daddr : &quoted->saddr) = to->words[3];
		icmp_set_word(&quoted->check, csum_add(quoted->check, address_difference), &change);
		ip->ttl--;
		ip->check = csum_add(ip->check, CSUM_TTL_DIFFERENCE +
							(rewrites_outer ? address_difference : 0));
		if (rewrites_outer)
			*(is_reply ? &ip->saddr : &ip->daddr) = to->words[3];
	}
	ports[is_reply ? 1 : 0] = to_port;
	icmp_translate_check(p, quote, l4_difference, &change);
	icmp->check = csum_add(icmp->check, change);
	return LB_OK;
}

/* The backend of a quoted connection: by its record, or by the slot's origin; writes nothing. */
ALWAYS_INLINE enum lb_reason icmp_select(struct packet *p, const struct icmp_quote *quote,
					 struct lb_service *service, _Bool is_v6)
{
	struct flow_query q = {
		.client_hi = quote->destination_hi,
		.client_lo = quote->destination_lo,
		.key = select_key(quote->destination_lo, quote->destination_port, service->id,
				  is_v6),
		.hash = select_hash(quote->destination_hi, quote->destination_lo,
				    quote->destination_port, service->seed, is_v6),
		.service = service->id,
	};
	__u32 word = flow_slot_word(select_slot(service, q.hash));
	_Bool is_tracked = !!(service->flags & LB_SVC_TRACKED);
	__u64 value = 0;

	if (is_tracked || LB_SLOT_MOVING(word))
		value = flow_peek(&q, is_v6);
	if (value)
		p->backend = LB_RECORD_BACKEND(value);
	else if (is_tracked)
		return LB_NO_FLOW;
	else
		p->backend = LB_SLOT_MOVING(word) ? LB_SLOT_ORIGIN(word) : LB_SLOT_CURRENT(word);
	return p->backend ? LB_OK : LB_NO_BACKEND;
}

/* An error about what a VIP sent: to the backend that sent it. */
ALWAYS_INLINE int icmp_to_backend(struct packet *p, const struct icmp_quote *quote,
				  struct lb_service *service, _Bool is_v6)
{
	enum lb_reason reason = icmp_select(p, quote, service, is_v6);
	struct lb_backend *backend = flow_backend(p->backend);
	void *eth;

	if (reason == LB_OK && !backend->ifindex)
		reason = LB_NO_NEIGHBOR;
	if (reason == LB_OK && service->forward != LB_FORWARD_NAT)
		reason = forward_dsr(p, backend, is_v6);
	else if (reason == LB_OK) {
		reason = icmp_translate(p, quote, backend, 0, is_v6);
		eth = packet_at(p, 0, ETH_HLEN);
		if (reason == LB_OK && eth)
			forward_to_backend(eth, backend);
	}
	return finish(p, reason, backend->ifindex);
}

/* An error about what a client sent to a nat backend: to that client, as from the VIP. */
ALWAYS_INLINE int icmp_to_client(struct packet *p, const struct icmp_quote *quote,
				 struct lb_reply *reply, _Bool is_v6)
{
	struct flow_query q = {
		.client_hi = quote->source_hi,
		.client_lo = quote->source_lo,
		.key = select_key(quote->source_lo, quote->source_port, reply->service, is_v6),
		.hash = select_hash(quote->source_hi, quote->source_lo, quote->source_port,
				    reply->seed, is_v6),
		.service = reply->service,
	};
	__u64 value = flow_peek(&q, is_v6);
	enum lb_reason reason;
	struct lb_hop *hop;
	void *eth;

	if (!value || LB_RECORD_BACKEND(value) != reply->backend)
		return finish(p, LB_NO_REPLY_FLOW, 0);
	p->backend = reply->backend;
	p->is_reply = 1;
	p->hop = LB_RECORD_HOP(value);
	hop = hop_at(p->hop);
	reason = icmp_translate(p, quote, flow_backend(p->backend), 1, is_v6);
	eth = packet_at(p, 0, ETH_HLEN);
	if (reason == LB_OK &&
	    (!p->hop || hop->vlan != p->vlan || hop->inner_vlan != p->inner_vlan))
		reason = LB_REPLY_ROUTED;
	else if (reason == LB_OK && eth)
		forward_to_hop(eth, hop);
	return finish(p, reason, hop->ifindex);
}

ALWAYS_INLINE int icmp_error(struct packet *p, _Bool is_v6)
{
	__u8 family = is_v6 ? FAMILY6 : FAMILY4;
	struct icmp_quote quote;
	struct lb_service *service;
	struct lb_reply *reply;

	if (!icmp_parse_quote(p, &quote, is_v6))
		return finish(p, LB_NOT_SERVICE, 0);
	service = service_find_cold(quote.source_hi, quote.source_lo,
				    KEY_WORD(quote.source_port, quote.proto, family));
	if (service && p->destination_lo == quote.source_lo &&
	    (!is_v6 || p->destination_hi == quote.source_hi))
		return icmp_to_backend(p, &quote, service, is_v6);
	if (!cfg_has_nat)
		return finish(p, LB_NOT_SERVICE, 0);
	reply = reply_find_cold(quote.destination_hi, quote.destination_lo,
				KEY_WORD(quote.destination_port, quote.proto, family));
	if (reply && p->destination_lo == quote.source_lo &&
	    (!is_v6 || p->destination_hi == quote.source_hi))
		return icmp_to_client(p, &quote, reply, is_v6);
	return finish(p, LB_NOT_SERVICE, 0);
}

ALWAYS_INLINE int icmp(struct packet *p, _Bool is_v6)
{
	struct icmp_start *icmp = packet_at(p, p->l4, sizeof(*icmp));

	if (!icmp)
		return finish(p, LB_UNPARSED, 0);
	if (icmp_is_error(icmp->type, is_v6))
		return icmp_error(p, is_v6);
	if (icmp->type == (is_v6 ? ICMPV6_ECHO_REQUEST : ICMP_ECHO) && !cfg_dry_run &&
	    service_is_vip(p->destination_hi, p->destination_lo, is_v6))
		return finish(p, icmp_echo(p, is_v6), 0);
	return finish(p, LB_NOT_SERVICE, 0);
}

/* What icmp4 and icmp6 take: offsets and tags in one scalar. */
ALWAYS_INLINE __u64 icmp_place(const struct packet *p)
{
	return p->l3 | (__u64)p->l4 << 16 | (__u64)p->vlan << 32 | (__u64)p->inner_vlan << 48;
}

ALWAYS_INLINE void icmp_take_place(struct packet *p, __u64 place)
{
	p->l3 = place & 0x1f;
	p->l4 = (place >> 16) & CLASSIFY_OFFSET_MASK;
	p->vlan = place >> 32;
	p->inner_vlan = place >> 48;
}

/** icmp4 - an ICMP packet; @place: icmp_place(); returns the XDP verdict */
__noinline int icmp4(struct xdp_md *ctx, __u64 place)
{
	struct packet p = { .ctx = ctx };
	struct iphdr *ip;

	icmp_take_place(&p, place);
	ip = packet_at(&p, p.l3, sizeof(*ip));
	if (!ip)
		return finish(&p, LB_UNPARSED, 0);
	if (ip->frag_off & bpf_htons(IP_MF_OR_OFFSET)) /* the kernel puts it together and answers */
		return finish(&p, LB_NOT_SERVICE, 0);
	p.source_lo = MAPPED4(ip->saddr);
	p.destination_lo = MAPPED4(ip->daddr);
	return icmp(&p, 0);
}

/** icmp6 - the same; the ICMPv6 header may follow extension headers */
__noinline int icmp6(struct xdp_md *ctx, __u64 place)
{
	struct packet p = { .ctx = ctx };
	struct ipv6hdr *ip;

	icmp_take_place(&p, place);
	ip = packet_at(&p, p.l3, sizeof(*ip));
	if (!ip)
		return finish(&p, LB_UNPARSED, 0);
	p.source_hi = *(__u64 *)&ip->saddr.in6_u.u6_addr32[0];
	p.source_lo = *(__u64 *)&ip->saddr.in6_u.u6_addr32[2];
	p.destination_hi = *(__u64 *)&ip->daddr.in6_u.u6_addr32[0];
	p.destination_lo = *(__u64 *)&ip->daddr.in6_u.u6_addr32[2];
	return icmp(&p, 1);
}

#endif
