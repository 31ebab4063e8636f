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

#define REF_FAST_SERVICES 4096

/** struct ref_fast_service - ref_f: found by one multiplication and one comparison */
struct ref_fast_service {
	__be32 addr;
	__be16 port;
	__u16 proto;
	__u64 seed;
	__u32 table_size;
	__u32 pad[11];
};

/** struct ref_fast_backend - ref_f: both MAC addresses as they lie in the frame */
struct ref_fast_backend {
	__u64 mac_first;
	__u32 mac_last;
	__u32 ifindex;
};

/** ref_fast_hash - of a service's key; its row is the top 12 bits */
static inline __u64 ref_fast_hash(__u64 key)
{
	return (key ^ (key >> 32)) * 0xd6e8feb86659fd93ULL;
}

#endif
