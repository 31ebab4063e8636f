/* SPDX-License-Identifier: GPL-2.0-only */
/* What the wrapper and the bench share: the packet to restore and the flow to pick. */
#ifndef LEAT_BENCH_WRAP_H
#define LEAT_BENCH_WRAP_H

#include <linux/types.h>

#define WRAP_MIN_FRAME 60 /* and the length of IPv4 frames without a tag */
#define WRAP_PUSHED    20 /* by the one reference program that pushes a header */

/**
 * struct wrap_settings - written by the bench before a run, read by the wrapper for every packet
 *
 * Everything up to own_address is in network order, as it stands in the packet.
 */
struct wrap_settings {
	__u8 mac[12];	      /* destination, source */
	__u16 ttl_proto;      /* TTL and protocol; IPv6: next header and hop limit */
	__u16 ip_csum;	      /* IPv4 */
	__u16 tcp_flags;      /* with the data offset */
	__u16 l4_csum;	      /* TCP */
	__be32 own_port_word; /* both ports; the client's is 0 */
	__be32 own_address4;  /* the end that is not the client */
	__u64 own_address6[2];
	__u64 client_prefix6;
	__u32 is_stub;	       /* the stub answers instead of the program under test */
	__u32 is_sequential;   /* flow = next++ instead of one of @flows at random */
	__u32 is_client_fixed; /* leave the ports' word as it is: no ports (ping) */
	__u32 flows;	       /* at most 2^24 */
	__u32 next;
	__u64 random;
	__u64 settled; /* target of the locked addition, see wrap.bpf.c */
	__u64 jiffies;
	__u32 egress; /* ifindex for the live generator */
};

#endif
