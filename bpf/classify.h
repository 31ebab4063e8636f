/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The odd: what parse.h left over. Out of line, and from the start again: why a packet is
 * passed or dropped must be right, not fast.
 */
#ifndef LEAT_BPF_CLASSIFY_H
#define LEAT_BPF_CLASSIFY_H

#include "parse.h"
#include "service.h"

#define CLASSIFY_MAX_EXTENSIONS 8
#define CLASSIFY_OFFSET_MASK	0x3ff

/* A TCP or UDP packet whose addresses are known and that parse.h refused. */
ALWAYS_INLINE enum lb_reason classify_transport(struct xdp_md *ctx, struct half_addr destination,
						__u32 l4, __u8 proto, __u8 family)
{
	__be16 *ports = packet_at(ctx, l4, 2 * sizeof(*ports));
	__u8 *tcp;

	if (!ports)
		return LB_UNPARSED;
	if (!service_find_cold(destination.hi, destination.lo, KEY_WORD(ports[1], proto, family)))
		return LB_NOT_SERVICE;
	tcp = packet_at(ctx, l4, sizeof(struct tcphdr));
	if (proto == IPPROTO_TCP && tcp && tcp[12] >> 4 < 5)
		return LB_BAD_HEADER;
	return LB_TRUNCATED;
}

ALWAYS_INLINE enum lb_reason classify_fragment(struct half_addr destination, _Bool is_v6)
{
	return service_is_vip(destination.hi, destination.lo, is_v6) ? LB_FRAGMENT : LB_NOT_SERVICE;
}

/** classify4 - the reason of an IPv4 packet that is no ICMP and that parse_ip4 found odd */
__noinline int classify4(struct xdp_md *ctx, __u32 l3)
{
	struct half_addr destination;
	struct iphdr *ip;

	l3 &= 0x1f;
	ip = packet_at(ctx, l3, sizeof(*ip));
	if (!ip || ip->version != 4 || ip->ihl < 5)
		return LB_UNPARSED;
	if (ip->protocol != IPPROTO_TCP && ip->protocol != IPPROTO_UDP)
		return LB_NOT_SERVICE;
	destination = packet_destination(ip, 0);
	if (ip->frag_off & bpf_htons(IP_MF_OR_OFFSET))
		return classify_fragment(destination, 0);
	return classify_transport(ctx, destination, l3 + ip->ihl * 4, ip->protocol, FAMILY4);
}

/**
 * classify_extensions6 - skip hop-by-hop, routing and destination options (RFC 8200, 4)
 * Returns protocol << 16 | offset of its header; NONE and offset 0 where they lead too far or past
 * the packet's end.
 */
__noinline __u32 classify_extensions6(struct xdp_md *ctx, __u32 l3)
{
	struct ipv6hdr *ip;
	__u32 offset, proto;

	l3 &= 0x1f;
	ip = packet_at(ctx, l3, sizeof(*ip));
	if (!ip || ip->version != 6)
		return IPPROTO_NONE << 16;
	proto = ip->nexthdr;
	offset = l3 + sizeof(*ip);
	for (int i = 0; i < CLASSIFY_MAX_EXTENSIONS; i++) {
		__u8 *extension;

		if (proto != IPPROTO_HOPOPTS && proto != IPPROTO_ROUTING &&
		    proto != IPPROTO_DSTOPTS)
			return proto << 16 | offset;
		offset &= CLASSIFY_OFFSET_MASK;
		extension = packet_at(ctx, offset, 2);
		if (!extension)
			return IPPROTO_NONE << 16;
		proto = extension[0];
		offset += (extension[1] + 1) * 8;
		if (offset > CLASSIFY_OFFSET_MASK)
			return IPPROTO_NONE << 16;
	}
	return IPPROTO_NONE << 16;
}

/** classify6 - the same for IPv6; @skipped: what classify_extensions6 returned */
__noinline int classify6(struct xdp_md *ctx, __u32 l3, __u32 skipped)
{
	struct half_addr destination;
	__u8 proto = skipped >> 16;
	struct ipv6hdr *ip;

	l3 &= 0x1f;
	ip = packet_at(ctx, l3, sizeof(*ip));
	if (!ip || ip->version != 6 || !(skipped & CLASSIFY_OFFSET_MASK))
		return LB_UNPARSED;
	destination = packet_destination(ip, 1);
	if (proto == IPPROTO_FRAGMENT)
		return classify_fragment(destination, 1);
	if (proto != IPPROTO_TCP && proto != IPPROTO_UDP)
		return LB_NOT_SERVICE;
	return classify_transport(ctx, destination, skipped & CLASSIFY_OFFSET_MASK, proto, FAMILY6);
}

#endif
