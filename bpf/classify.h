/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The rare: fragments, packets that end early, IPv6 extension headers. Cold, so out of
 * line; global functions of scalars are verified once.
 */
#ifndef LEAT_BPF_CLASSIFY_H
#define LEAT_BPF_CLASSIFY_H

#include "parse.h"
#include "service.h"

#define CLASSIFY_MAX_EXTENSIONS 8
#define CLASSIFY_OFFSET_MASK	0x3ff

/** classify_fragment - FRAGMENT where it is addressed to a VIP, else NOT_SERVICE */
ALWAYS_INLINE enum lb_reason classify_fragment(const struct packet *p, _Bool is_v6)
{
	return service_is_vip(p->destination_hi, p->destination_lo, is_v6) ? LB_FRAGMENT
									   : LB_NOT_SERVICE;
}

/** classify_short - ports and no more, or less: TRUNCATED where they name a service, else UNPARSED
 */
ALWAYS_INLINE enum lb_reason classify_short(const struct packet *p, _Bool is_v6)
{
	__be16 *ports = packet_at(p, p->l4, 2 * sizeof(*ports));

	if (!ports)
		return LB_UNPARSED;
	return service_find_cold(p->destination_hi, p->destination_lo,
				 KEY_WORD(ports[1], p->proto, is_v6 ? FAMILY6 : FAMILY4))
		       ? LB_TRUNCATED
		       : LB_UNPARSED;
}

/**
 * classify_extensions6 - skip hop-by-hop, routing and destination options (RFC 8200, 4)
 * Returns protocol << 16 | offset of its header; protocol FRAGMENT or NONE where it stops there.
 */
__noinline __u32 classify_extensions6(struct xdp_md *ctx, __u32 l3)
{
	struct packet p = { .ctx = ctx };
	struct ipv6hdr *ip;
	__u32 offset, proto;

	l3 &= 0x1f;
	ip = packet_at(&p, l3, sizeof(*ip));
	if (!ip)
		return IPPROTO_NONE << 16;
	proto = ip->nexthdr;
	offset = l3 + sizeof(*ip);
	for (int i = 0; i < CLASSIFY_MAX_EXTENSIONS; i++) {
		__u8 *extension;

		if (proto != IPPROTO_HOPOPTS && proto != IPPROTO_ROUTING &&
		    proto != IPPROTO_DSTOPTS)
			return proto << 16 | offset;
		offset &= CLASSIFY_OFFSET_MASK;
		extension = packet_at(&p, offset, 2);
		if (!extension)
			return IPPROTO_NONE << 16;
		proto = extension[0];
		offset += (extension[1] + 1) * 8;
		if (offset > CLASSIFY_OFFSET_MASK)
			return IPPROTO_NONE << 16;
	}
	return IPPROTO_NONE << 16;
}

#endif
