/* SPDX-License-Identifier: GPL-2.0-only */
/* Layer 2 and the TTL: what every mode does to a packet that goes on. */
#ifndef LEAT_BPF_FORWARD_H
#define LEAT_BPF_FORWARD_H

#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>

#include "csum.h"
#include "maps.h"
#include "packet.h"

/** forward_ttl - one less, as a router (RFC 1812, 5.3.1); false: used up */
ALWAYS_INLINE _Bool forward_ttl(void *l3, _Bool is_v6)
{
	if (is_v6) {
		struct ipv6hdr *ip6 = l3;

		if (unlikely(ip6->hop_limit <= 1))
			return 0;
		ip6->hop_limit--;
	} else {
		struct iphdr *ip = l3;
		__u32 check = (__u32)ip->check + bpf_htons(0x0100);

		if (unlikely(ip->ttl <= 1))
			return 0;
		ip->check = check + (check >= 0xffff);
		ip->ttl--;
	}
	return 1;
}

/** forward_to_backend - the next hop's MAC addresses; @eth: the frame's first 14 bytes, checked */
ALWAYS_INLINE void forward_to_backend(void *eth, const struct lb_backend *backend)
{
	*(__u64 *)eth = READ_ONCE(backend->mac_first);
	*(__u32 *)(eth + 8) = READ_ONCE(backend->mac_last);
}

/** forward_to_hop - back the way the request came; @eth: as above */
ALWAYS_INLINE void forward_to_hop(void *eth, const struct lb_hop *hop)
{
	__u16 *to = eth;
	const __u16 *mac = (const __u16 *)hop->mac, *our_mac = (const __u16 *)hop->our_mac;

	to[0] = mac[0];
	to[1] = mac[1];
	to[2] = mac[2];
	to[3] = our_mac[0];
	to[4] = our_mac[1];
	to[5] = our_mac[2];
}

/** forward_dsr - the whole of mode dsr: NO_NEIGHBOR, TTL_EXPIRED */
ALWAYS_INLINE enum lb_reason forward_dsr(const struct packet *p, const struct lb_backend *backend,
					 _Bool is_v6)
{
	if (unlikely(!backend->ifindex))
		return LB_NO_NEIGHBOR;
	if (unlikely(!forward_ttl(p->ip, is_v6)))
		return LB_TTL_EXPIRED;
	forward_to_backend(p->eth, backend);
	return LB_OK;
}

#endif
