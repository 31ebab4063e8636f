/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where the requests of nat services come from: a small table of (interface, tags,
 * sender's MAC), named by an index in each record, so that a reply needs no route.
 */
#ifndef LEAT_BPF_HOP_H
#define LEAT_BPF_HOP_H

#include <linux/if_ether.h>

#include "config.h"
#include "maps.h"
#include "packet.h"

/** struct hop_identity - the two words of struct lb_hop that tell hops apart */
struct hop_identity {
	__u64 mac;
	__u64 interface;
};

ALWAYS_INLINE struct hop_identity hop_of(const struct packet *p)
{
	const __u16 *eth = p->eth;

	return (struct hop_identity) {
		.mac = eth[3] | (__u64) * (const __u32 *)&eth[4] << 16 | (__u64)p->tags << 48,
		.interface = p->ctx->ingress_ifindex | (__u64)(p->tags >> 16) << 32 |
			     (__u64)LB_HOP_READY << 48,
	};
}

ALWAYS_INLINE struct lb_hop *hop_at(__u32 index)
{
	return &lb_hops[index & (LB_MAX_HOPS - 1)];
}

ALWAYS_INLINE _Bool hop_is(__u32 index, struct hop_identity id)
{
	struct lb_hop *hop = hop_at(index);

	return READ_ONCE(hop->id_mac) == id.mac && READ_ONCE(hop->id_if) == id.interface;
}

/**
 * hop_claim - the index of a hop, put into the table where it is new; 0: no room
 * @our_mac: the request's destination, 6 bytes as they lie in memory
 * The agent alone frees rows. Two CPUs may enter one hop twice: harmless.
 */
__noinline int hop_claim(__u64 mac, __u64 interface, __u64 our_mac)
{
	struct hop_identity id = { mac, interface };
	__u32 first = lb_mix(mac ^ (interface << 8)), free_at = 0;

	for (__u32 i = 0; i < LB_HOP_PROBES; i++) {
		__u32 index = (first + i) & (LB_MAX_HOPS - 1);

		if (index && hop_is(index, id))
			return index;
		if (index && !free_at && !READ_ONCE(hop_at(index)->id_if))
			free_at = index;
	}
	if (!free_at || cfg_dry_run)
		return 0;

	struct lb_hop *hop = hop_at(free_at);

	if (__sync_val_compare_and_swap(&hop->id_if, 0, (__u64)LB_HOP_BUSY << 48))
		return 0; /* taken meanwhile: the next packet tries again */
	WRITE_ONCE(hop->id_mac, id.mac);
	for (int i = 0; i < ETH_ALEN; i++)
		WRITE_ONCE(hop->our_mac[i], (__u8)(our_mac >> (8 * i)));
	barrier();
	WRITE_ONCE(hop->id_if, id.interface);
	return free_at;
}

#endif
