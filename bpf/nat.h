/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Mode nat: the destination of requests, the source of replies. Checksums change by a
 * difference that the agent stored with the backend; a reply uses its complement.
 */
#ifndef LEAT_BPF_NAT_H
#define LEAT_BPF_NAT_H

#include <linux/in.h>

#include "forward.h"
#include "parse.h"

/* The address in the IP header, with the TTL, and IPv4's checksum. */
ALWAYS_INLINE void nat_address(void *l3, const struct lb_addr *address, __u16 difference,
			       _Bool is_source, _Bool is_v6)
{
	if (is_v6) {
		struct ipv6hdr *ip6 = l3;
		__u64 *field = (__u64 *)(is_source ? &ip6->saddr : &ip6->daddr);

		ip6->hop_limit--;
		field[0] = address->halves[0];
		field[1] = address->halves[1];
	} else {
		struct iphdr *ip = l3;

		ip->ttl--;
		ip->check = csum_add(ip->check, (__u32)difference + CSUM_TTL_DIFFERENCE);
		*(is_source ? &ip->saddr : &ip->daddr) = address->words[3];
	}
}

/** nat_translate - rewrite one side; TTL_EXPIRED, TRUNCATED */
ALWAYS_INLINE enum lb_reason nat_translate(const struct packet *p, const struct lb_backend *backend,
					   _Bool is_source, _Bool is_v6)
{
	__u16 inverse = is_source ? 0xffff : 0;
	__u16 *l4 = p->l4, *check;

	if (unlikely((is_v6 ? ((struct ipv6hdr *)p->ip)->hop_limit
			    : ((struct iphdr *)p->ip)->ttl) <= 1))
		return LB_TTL_EXPIRED;
	check = p->l4 + (p->proto == IPPROTO_TCP ? 16 : 6);
	if (!packet_has(p->ctx, check, sizeof(*check))) /* never: the verifier lost track */
		return LB_TRUNCATED;
	nat_address(p->ip, is_source ? &backend->vip : &backend->address,
		    backend->csum_l3 ^ inverse, is_source, is_v6);
	l4[is_source ? 0 : 1] = is_source ? backend->vip_port : backend->port;
	if (unlikely(p->proto == IPPROTO_UDP)) {
		if (!*check) /* none was made: RFC 768 */
			return LB_OK;
		*check = csum_add(*check, backend->csum_l4 ^ inverse);
		if (!*check)
			*check = 0xffff;
		return LB_OK;
	}
	*check = csum_add(*check, backend->csum_l4 ^ inverse);
	return LB_OK;
}

/** nat_request - to the backend: NO_NEIGHBOR, TTL_EXPIRED */
ALWAYS_INLINE enum lb_reason nat_request(const struct packet *p, const struct lb_backend *backend,
					 _Bool is_v6)
{
	enum lb_reason reason;

	if (unlikely(!backend->ifindex))
		return LB_NO_NEIGHBOR;
	reason = nat_translate(p, backend, 0, is_v6);
	if (likely(reason == LB_OK))
		forward_to_backend(p->eth, backend);
	return reason;
}

/** nat_to_hop - the last step of a reply; REPLY_ROUTED where the client's hop is not known */
ALWAYS_INLINE enum lb_reason nat_to_hop(const struct packet *p, const struct lb_hop *hop)
{
	if (unlikely(!p->hop || (hop->vlan | (__u32)hop->inner_vlan << 16) != p->tags))
		return LB_REPLY_ROUTED;
	forward_to_hop(p->eth, hop);
	return LB_OK;
}

/** nat_reply - to the client, the way its requests come */
ALWAYS_INLINE enum lb_reason nat_reply(const struct packet *p, const struct lb_backend *backend,
				       const struct lb_hop *hop, _Bool is_v6)
{
	enum lb_reason reason = nat_translate(p, backend, 1, is_v6);

	return likely(reason == LB_OK) ? nat_to_hop(p, hop) : reason;
}

#endif
