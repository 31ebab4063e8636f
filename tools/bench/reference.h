/* SPDX-License-Identifier: GPL-2.0-only */
/* What the reference programs and the bench share: keys and values of the textbook's maps. */
#ifndef LEAT_BENCH_REFERENCE_H
#define LEAT_BENCH_REFERENCE_H

#include <linux/types.h>

#define REF_TABLE_SIZE	 65537
#define REF_MAX_BACKENDS 1024
#define REF_MAX_VIPS	 512
#define REF_MAX_FLOWS	 (2 * 1024 * 1024)

/** struct ref_vip_key - a service; network order */
struct ref_vip_key {
	__be32 addr;
	__be16 port;
	__u16 proto;
};

struct ref_vip {
	__u32 id;
	__u32 flags;
};

struct ref_backend {
	__be32 addr;
	__be16 port;
	__u8 mac[6];
	__u8 own_mac[6];
	__u16 pad;
};

/** struct ref_flow_key - a connection, 16 bytes */
struct ref_flow_key {
	__be32 src;
	__be32 dst;
	__be16 sport;
	__be16 dport;
	__u32 proto;
};

struct ref_flow {
	__u32 backend;
	__u32 pad;
};

struct ref_counter {
	__u64 packets;
	__u64 bytes;
};

#endif
