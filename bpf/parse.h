/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Ethernet, VLAN tags, IPv4, IPv6, TCP, UDP. Each parser returns LB_OK or the reason
 * to stop; what is rare is left to classify.h.
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

#define PARSE_MAX_TAGS	2
#define IP_MF_OR_OFFSET 0x3fff

struct vlan_tag {
	__be16 tci;
	__be16 ethertype;
};

/** parse_ethernet - sets l3 and the tags; returns the EtherType (network order), 0: not for us */
ALWAYS_INLINE __be16 parse_ethernet(struct packet *p)
{
	struct ethhdr *eth = packet_at(p, 0, sizeof(*eth));
	struct vlan_tag *tag;
	__be16 type;

	if (!eth || (eth->h_dest[0] & 1)) /* group address */
		return 0;
	type = eth->h_proto;
	p->l3 = sizeof(*eth);
	if (likely(type != bpf_htons(ETH_P_8021Q) && type != bpf_htons(ETH_P_8021AD)))
		return type;

	tag = packet_at(p, sizeof(*eth), sizeof(*tag));
	if (!tag)
		return 0;
	p->vlan = tag->tci & bpf_htons(0x0fff);
	type = tag->ethertype;
	p->l3 += sizeof(*tag);
	if (likely(type != bpf_htons(ETH_P_8021Q)))
		return type;

	tag = packet_at(p, sizeof(*eth) + sizeof(*tag), sizeof(*tag));
	if (!tag)
		return 0;
	p->inner_vlan = tag->tci & bpf_htons(0x0fff);
	p->l3 += sizeof(*tag);
	return tag->ethertype;
}

/** parse_ports - the first word of TCP or UDP: false where the packet is too short for either */
ALWAYS_INLINE _Bool parse_ports(struct packet *p)
{
	__be16 *ports = packet_at(p, p->l4, sizeof(struct udphdr));

	if (unlikely(!ports))
		return 0;
	p->source_port = ports[0];
	p->destination_port = ports[1];
	return 1;
}

/**
 * parse_transport - the rest of TCP and UDP, once the packet is known to be a service's
 * @room: bytes of the IP packet from l4 on, by its own length field
 */
ALWAYS_INLINE enum lb_reason parse_transport(struct packet *p, __u32 room)
{
	__u8 *tcp;
	__u8 flags;

	if (p->proto == IPPROTO_UDP) {
		p->kind = KIND_UDP;
		return room < sizeof(struct udphdr) ? LB_TRUNCATED : LB_OK;
	}
	tcp = packet_at(p, p->l4, sizeof(struct tcphdr));
	if (unlikely(!tcp || room < sizeof(struct tcphdr)))
		return LB_TRUNCATED;
	if (unlikely(tcp[12] < (sizeof(struct tcphdr) / 4) << 4))
		return LB_BAD_HEADER;
	if (unlikely((tcp[12] >> 4) * 4U > room))
		return LB_TRUNCATED;
	flags = tcp[13];
	if (likely(!(flags & (TCP_SYN | TCP_FIN | TCP_RST))))
		p->kind = KIND_OTHER;
	else if (flags & (TCP_FIN | TCP_RST))
		p->kind = KIND_CLOSE;
	else
		p->kind = flags & TCP_ACK ? KIND_SYNACK : KIND_SYN;
	return LB_OK;
}

#endif
