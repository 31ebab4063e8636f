/* SPDX-License-Identifier: GPL-2.0-only */
/* What the stages fill and read: one packet on its way through. */
#ifndef LEAT_BPF_PACKET_H
#define LEAT_BPF_PACKET_H

#include <linux/bpf.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "leat_abi.h"

#define ALWAYS_INLINE static __always_inline

/* The compiler may neither repeat, nor merge, nor move these. */
#define READ_ONCE(x)	 (*(volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, v) (*(volatile __typeof__(x) *)&(x) = (v))
#define barrier()	 asm volatile("" ::: "memory")

/* Hides where a number comes from: clang 14 makes branches of arithmetic it sees through. */
#define OPAQUE(x) asm volatile("" : "+r"(x))

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

#define FAMILY4 4
#define FAMILY6 6

#define KEY_WORD(port_be, proto, family)                                                           \
	((__u32)(port_be) | ((__u32)(proto) << 16) | ((__u32)(family) << 24))

/* halves[1] of an IPv4 address mapped into IPv6, and back */
#define MAPPED4(addr_be) (((__u64)(addr_be) << 32) | 0xffff0000ULL)

/* bits of the TCP header's 14th byte */
#define TCP_FIN 0x01
#define TCP_SYN 0x02
#define TCP_RST 0x04
#define TCP_ACK 0x10

/** enum packet_kind - what a packet may do to a record (rules 13 to 16) */
enum packet_kind {
	KIND_OTHER,  /* TCP, none of the below */
	KIND_SYN,    /* SYN without ACK, RST, FIN */
	KIND_SYNACK, /* SYN with ACK: does not reopen a closed record */
	KIND_CLOSE,  /* FIN or RST */
	KIND_UDP,
};

/**
 * struct packet - filled by parse, read by the rest
 *
 * Offsets are from the Ethernet header. Addresses are halves of struct lb_addr,
 * network order; for IPv4 the high half is 0.
 */
struct packet {
	struct xdp_md *ctx;
	__u32 l3;
	__u32 l4;
	__u64 source_hi, source_lo;
	__u64 destination_hi, destination_lo;
	__be16 source_port;
	__be16 destination_port;
	__u8 proto;
	__u8 kind;   /* enum packet_kind */
	__be16 vlan; /* ids of the tags, 0: none */
	__be16 inner_vlan;
	__u32 backend; /* filled by select */
	__u32 hop;     /* replies: filled by flow */
	_Bool is_new;  /* counts as a connection */
	_Bool is_reply;
};

/** packet_at - @size bytes at @offset, or NULL where the packet ends before */
ALWAYS_INLINE void *packet_at(const struct packet *p, __u32 offset, __u32 size)
{
	void *at = (void *)(long)p->ctx->data + offset;

	return at + size > (void *)(long)p->ctx->data_end ? NULL : at;
}

/** packet_room - bytes from @at to the packet's end */
ALWAYS_INLINE __u64 packet_room(const struct packet *p, const void *at)
{
	return (__u64)p->ctx->data_end - (__u64)at;
}

#endif
