/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Ethernet, VLAN tags, IPv4, IPv6, TCP, UDP, as far as the common case goes. What is odd
 * (PARSE_ODD) is left to classify.h, which starts over and takes its time.
 */
#ifndef LEAT_BPF_PARSE_H
#define LEAT_BPF_PARSE_H

#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>

#include "packet.h"

#define IP_MF_OR_OFFSET 0x3fff
#define VLAN_ID_MASK	bpf_htons(0x0fff)

enum parse_outcome { PARSE_DONE, PARSE_ODD };

/*
 * One or two tags. Straight-line, and with an offset of the IP header that the verifier
 * does not know: once it has walked a tagged packet it has walked the untagged one too.
 * For that the tags must be read behind an offset it does not know either (the group bit,
 * which is 0 here), or it would know more of the packet's length than without tags.
 */
ALWAYS_INLINE __be16 parse_tags(struct packet *p, __u32 *l3)
{
	__u32 none = (READ_ONCE(*(__u8 *)p->eth) & 1) << 4;
	__u16 *tag = packet_at(p->ctx, ETH_HLEN + none, 8);
	__u32 is_single, mask;

	if (!tag)
		return 0;
	is_single = 0 - (tag[1] ^ bpf_htons(ETH_P_8021Q));
	OPAQUE(is_single);
	is_single >>= 31;
	OPAQUE(is_single);
	mask = is_single - 1; /* all ones where a second tag follows */
	p->tags = (tag[0] & VLAN_ID_MASK) | (tag[2] & VLAN_ID_MASK & mask) << 16;
	*l3 = ETH_HLEN + (8 >> is_single & 0xc); /* 18 or 22; for all the verifier knows, 14 */
	return tag[1] ^ ((tag[1] ^ tag[3]) & mask);
}

/** parse_ethernet - sets eth and tags, *@l3; returns the EtherType (network order), 0: not for us
 */
ALWAYS_INLINE __be16 parse_ethernet(struct packet *p, __u32 *l3)
{
	__u16 *eth = packet_at(p->ctx, 0, ETH_HLEN);
	__be16 type;

	if (!eth || (*(__u8 *)eth & 1)) /* group address */
		return 0;
	p->eth = eth;
	type = eth[6];
	*l3 = ETH_HLEN;
	/* "likely" puts tags first in the code: the verifier must come by them first */
	if (likely(type == bpf_htons(ETH_P_8021Q) || type == bpf_htons(ETH_P_8021AD)))
		return parse_tags(p, l3);
	return type;
}

/* The transport header at p->l4; *@length gets that header's own. */
ALWAYS_INLINE enum parse_outcome parse_transport(struct packet *p, __u32 *length)
{
	if (likely(p->proto == IPPROTO_TCP)) {
		__u8 *tcp = p->l4;

		if (unlikely(!packet_has(p->ctx, p->l4, sizeof(struct tcphdr))))
			return PARSE_ODD;
		p->tcp_flags = tcp[13];
		*length = (tcp[12] >> 4) * 4;
		return *length < sizeof(struct tcphdr) ? PARSE_ODD : PARSE_DONE;
	}
	p->tcp_flags = 0;
	*length = sizeof(struct udphdr);
	return packet_has(p->ctx, p->l4, sizeof(struct udphdr)) ? PARSE_DONE : PARSE_ODD;
}

/** parse_ip4 - a whole IPv4 packet of TCP or UDP from p->ip on */
ALWAYS_INLINE enum parse_outcome parse_ip4(struct packet *p)
{
	struct iphdr *ip = p->ip;
	__u32 header, length, total;

	if (!packet_has(p->ctx, ip, sizeof(*ip)))
		return PARSE_ODD;
	header = *(__u8 *)ip - 0x45; /* version 4, at least five words */
	if (unlikely(header > 10))
		return PARSE_ODD;
	header = header * 4 + sizeof(*ip);
	p->l4 = p->ip + header;
	p->proto = ip->protocol;
	if (unlikely(p->proto != IPPROTO_TCP && p->proto != IPPROTO_UDP) ||
	    unlikely(ip->frag_off & bpf_htons(IP_MF_OR_OFFSET)) ||
	    unlikely(parse_transport(p, &length) == PARSE_ODD))
		return PARSE_ODD;
	total = bpf_ntohs(ip->tot_len);
	return total < header + length || total > packet_room(p->ctx, ip) ? PARSE_ODD : PARSE_DONE;
}

/**
 * parse_ip6 - a whole IPv6 packet of TCP or UDP from p->ip on
 * Extension headers are odd; classify.h skips them and comes back with p->l4 and p->proto set
 * (@is_skipped).
 */
ALWAYS_INLINE enum parse_outcome parse_ip6(struct packet *p, _Bool is_skipped)
{
	struct ipv6hdr *ip = p->ip;
	__u32 length, total;

	if (!packet_has(p->ctx, ip, sizeof(*ip)) || ip->version != 6)
		return PARSE_ODD;
	if (!is_skipped) {
		p->l4 = ip + 1;
		p->proto = ip->nexthdr;
	}
	if (unlikely(p->proto != IPPROTO_TCP && p->proto != IPPROTO_UDP) ||
	    unlikely(parse_transport(p, &length) == PARSE_ODD))
		return PARSE_ODD;
	total = bpf_ntohs(ip->payload_len) + sizeof(*ip);
	length += (__u64)p->l4 - (__u64)p->ip;
	return total < length || total > packet_room(p->ctx, ip) ? PARSE_ODD : PARSE_DONE;
}

#endif
