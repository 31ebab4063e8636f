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
	struct half_addr source, destination;
	__u32 l3, l4; /* offsets from the Ethernet header */
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

ALWAYS_INLINE enum lb_reason icmp_echo(struct packet *p, struct icmp_start *icmp, _Bool is_v6)
{
	__u8 type = is_v6 ? ICMPV6_ECHO_REPLY : ICMP_ECHOREPLY;
	__u16 *eth = p->eth;

	icmp->check = csum_add(icmp->check, csum_replace(icmp->type, type));
	icmp->type = type;
	if (is_v6) {
		struct ipv6hdr *ip = p->ip;
		struct in6_addr source = ip->saddr;

		ip->saddr = ip->daddr;
		ip->daddr = source;
		ip->hop_limit = ICMP_REPLY_TTL;
	} else {
		struct iphdr *ip = p->ip;
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
ALWAYS_INLINE _Bool icmp_parse_quote(const struct packet *p, __u32 l4, struct icmp_quote *quote,
				     _Bool is_v6)
{
	__be16 *ports;

	quote->l3 = l4 + sizeof(struct icmp_start);
	if (is_v6) {
		struct ipv6hdr *ip = packet_at(p->ctx, quote->l3, sizeof(*ip));

		if (!ip || ip->version != 6)
			return 0;
		quote->source = packet_source(ip, 1);
		quote->destination = packet_destination(ip, 1);
		quote->proto = ip->nexthdr;
		quote->l4 = quote->l3 + sizeof(*ip);
	} else {
		struct iphdr *ip = packet_at(p->ctx, quote->l3, sizeof(*ip));

		if (!ip || ip->version != 4 || ip->ihl < 5 || (ip->frag_off & bpf_htons(0x1fff)))
			return 0;
		quote->source = packet_source(ip, 0);
		quote->destination = packet_destination(ip, 0);
		quote->proto = ip->protocol;
		quote->l4 = quote->l3 + ip->ihl * 4;
	}
	if (quote->proto != IPPROTO_TCP && quote->proto != IPPROTO_UDP)
		return 0;
	ports = packet_at(p->ctx, quote->l4, 2 * sizeof(*ports));
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
	__u16 *check = packet_at(p->ctx, quote->l4 + offset, sizeof(*check));
	__u16 to;

	if (!check || (quote->proto == IPPROTO_UDP && !*check))
		return;
	to = csum_add(*check, difference);
	icmp_set_word(check, quote->proto == IPPROTO_UDP && !to ? 0xffff : to, change);
}

/*
 * Both directions of nat: in a request's error the VIP stands for the backend (outer
 * destination, quoted source), in a reply's error the other way round (outer source,
 * where the backend itself complains; quoted destination).
 */
ALWAYS_INLINE enum lb_reason icmp_translate(struct packet *p, __u32 l4,
					    const struct icmp_quote *quote,
					    const struct lb_backend *backend, _Bool is_reply,
					    _Bool is_v6)
{
	const struct lb_addr *to = is_reply ? &backend->vip : &backend->address;
	__u16 to_port = is_reply ? backend->vip_port : backend->port;
	__u16 from_port = is_reply ? backend->port : backend->vip_port;
	__u32 l4_difference = backend->csum_l4 ^ (is_reply ? 0xffff : 0);
	__u32 port_difference = csum_replace(from_port, to_port);
	__u32 address_difference = csum_fold(l4_difference + (csum_fold(port_difference) ^ 0xffff));
	__u32 change = port_difference + address_difference;
	struct icmp_start *icmp = packet_at(p->ctx, l4, sizeof(*icmp));
	struct half_addr source = packet_source(p->ip, is_v6);
	_Bool rewrites_outer = !is_reply;
	__u16 *ports;
	void *inner;

	inner = packet_at(p->ctx, quote->l3, is_v6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr));
	ports = packet_at(p->ctx, quote->l4, 2 * sizeof(*ports));
	if (!icmp || !inner || !ports)
		return LB_TRUNCATED;
	if (is_reply)
		rewrites_outer = source.lo == backend->address.halves[1] &&
				 (!is_v6 || source.hi == backend->address.halves[0]);
	if (is_v6) {
		struct ipv6hdr *ip = p->ip, *quoted = inner;
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
		struct iphdr *ip = p->ip, *quoted = inner;

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

/* What flow.h asks for; @client as the quoted packet has it. */
ALWAYS_INLINE struct flow_query icmp_query(struct half_addr client, __be16 port, __u32 service,
					   __u64 seed, _Bool is_v6)
{
	return (struct flow_query) {
		.client_hi = client.hi,
		.client_lo = client.lo,
		.key = select_key(client.lo, port, service, is_v6),
		.hash = select_hash(client, port, seed, is_v6),
		.service = service,
	};
}

/* The backend of a quoted connection: by its record, or by the slot's origin; writes nothing. */
ALWAYS_INLINE enum lb_reason icmp_select(struct packet *p, const struct icmp_quote *quote,
					 const struct lb_service *service, _Bool is_v6)
{
	struct flow_query q = icmp_query(quote->destination, quote->destination_port, service->id,
					 service->seed, is_v6);
	__u64 slot_hash = select_slot_hash(service, quote->destination, q.hash, is_v6);
	__u32 word = flow_slot_word(select_slot(service, slot_hash));
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
ALWAYS_INLINE int icmp_to_backend(struct packet *p, __u32 l4, const struct icmp_quote *quote,
				  const struct lb_service *service, _Bool is_v6)
{
	enum lb_reason reason = icmp_select(p, quote, service, is_v6);
	const struct lb_backend *backend = flow_backend(p->backend);

	if (reason == LB_OK && !backend->ifindex)
		reason = LB_NO_NEIGHBOR;
	if (reason == LB_OK && service->forward == LB_FORWARD_NAT) {
		reason = icmp_translate(p, l4, quote, backend, 0, is_v6);
		if (reason == LB_OK)
			forward_to_backend(p->eth, backend);
	} else if (reason == LB_OK) {
		reason = forward_dsr(p, backend, is_v6);
	}
	return reason == LB_OK ? finish_forwarded(p, backend->ifindex) : finish(reason);
}

/* An error about what a client sent to a nat backend: to that client, as from the VIP. */
ALWAYS_INLINE int icmp_to_client(struct packet *p, __u32 l4, const struct icmp_quote *quote,
				 const struct lb_reply *reply, _Bool is_v6)
{
	struct flow_query q =
		icmp_query(quote->source, quote->source_port, reply->service, reply->seed, is_v6);
	__u64 value = flow_peek(&q, is_v6);
	enum lb_reason reason;
	struct lb_hop *hop;

	if (!value || LB_RECORD_BACKEND(value) != reply->backend)
		return finish(LB_NO_REPLY_FLOW);
	p->backend = reply->backend;
	p->is_reply = 1;
	p->hop = LB_RECORD_HOP(value);
	hop = hop_at(p->hop);
	reason = icmp_translate(p, l4, quote, flow_backend(p->backend), 1, is_v6);
	if (reason == LB_OK)
		reason = nat_to_hop(p, hop);
	return reason == LB_OK ? finish_forwarded(p, hop->ifindex) : finish(reason);
}

ALWAYS_INLINE _Bool icmp_same(struct half_addr a, struct half_addr b, _Bool is_v6)
{
	return a.lo == b.lo && (!is_v6 || a.hi == b.hi);
}

ALWAYS_INLINE int icmp_error(struct packet *p, __u32 l4, _Bool is_v6)
{
	struct half_addr destination = packet_destination(p->ip, is_v6);
	__u8 family = is_v6 ? FAMILY6 : FAMILY4;
	const struct lb_service *service;
	const struct lb_reply *reply;
	struct icmp_quote quote;

	if (!icmp_parse_quote(p, l4, &quote, is_v6))
		return finish(LB_NOT_SERVICE);
	service = service_find_cold(quote.source.hi, quote.source.lo,
				    KEY_WORD(quote.source_port, quote.proto, family));
	if (service && icmp_same(destination, quote.source, is_v6))
		return icmp_to_backend(p, l4, &quote, service, is_v6);
	if (!cfg_has_nat || !icmp_same(destination, quote.source, is_v6))
		return finish(LB_NOT_SERVICE);
	reply = reply_find_cold(quote.destination.hi, quote.destination.lo,
				KEY_WORD(quote.destination_port, quote.proto, family));
	return reply ? icmp_to_client(p, l4, &quote, reply, is_v6) : finish(LB_NOT_SERVICE);
}

ALWAYS_INLINE int icmp(struct packet *p, __u32 l4, _Bool is_v6)
{
	struct icmp_start *icmp = packet_at(p->ctx, l4, sizeof(*icmp));
	struct half_addr destination = packet_destination(p->ip, is_v6);

	if (!icmp)
		return finish(LB_UNPARSED);
	if (icmp_is_error(icmp->type, is_v6))
		return icmp_error(p, l4, is_v6);
	if (icmp->type == (is_v6 ? ICMPV6_ECHO_REQUEST : ICMP_ECHO) && !cfg_dry_run &&
	    service_is_vip(destination.hi, destination.lo, is_v6))
		return finish(icmp_echo(p, icmp, is_v6));
	return finish(LB_NOT_SERVICE);
}

/** icmp4 - an ICMP packet; @place: offset of the IP header | tags << 32; the XDP verdict */
__noinline int icmp4(struct xdp_md *ctx, __u64 place)
{
	struct packet p = { .ctx = ctx, .tags = place >> 32 };
	__u32 l3 = place & 0x1f;
	struct iphdr *ip;

	p.eth = packet_at(ctx, 0, ETH_HLEN);
	ip = packet_at(ctx, l3, sizeof(*ip));
	if (!p.eth || !ip || ip->version != 4 || ip->ihl < 5)
		return finish(LB_UNPARSED);
	if (ip->frag_off & bpf_htons(IP_MF_OR_OFFSET)) /* the kernel puts it together and answers */
		return finish(LB_NOT_SERVICE);
	if (bpf_ntohs(ip->tot_len) > packet_room(ctx, ip)) /* cut off: not ours to answer */
		return finish(LB_UNPARSED);
	p.ip = ip;
	return icmp(&p, l3 + ip->ihl * 4, 0);
}

/** icmp6 - the same; the ICMPv6 header may follow extension headers: its offset << 16 */
__noinline int icmp6(struct xdp_md *ctx, __u64 place)
{
	struct packet p = { .ctx = ctx, .tags = place >> 32 };
	struct ipv6hdr *ip = packet_at(ctx, place & 0x1f, sizeof(*ip));

	p.eth = packet_at(ctx, 0, ETH_HLEN);
	if (!p.eth || !ip || bpf_ntohs(ip->payload_len) + sizeof(*ip) > packet_room(ctx, ip))
		return finish(LB_UNPARSED);
	p.ip = ip;
	return icmp(&p, (place >> 16) & CLASSIFY_OFFSET_MASK, 1);
}

#endif
