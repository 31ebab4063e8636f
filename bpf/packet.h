/* SPDX-License-Identifier: GPL-2.0-only */
/* What the stages fill and read: one packet on its way through. */
#ifndef LEAT_BPF_PACKET_H
#define LEAT_BPF_PACKET_H

#include <linux/bpf.h>
#include <linux/in.h>

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
 * Fields of headers are read where they are needed, not copied: a copy costs a register, and
 * there are four. The pointers hold as long as nothing moves the packet's head.
 */
struct packet {
	struct xdp_md *ctx;
	void *eth;     /* ETH_HLEN bytes are there */
	void *ip;      /* a header of the family is there, without options */
	void *l4;      /* a TCP or UDP header is there, without options */
	__u32 tags;    /* ids of the VLAN tags, network order: outer | inner << 16; 0: none */
	__u32 backend; /* filled by select */
	__u32 hop;     /* replies: filled by select */
	__u8 proto;
	__u8 tcp_flags; /* TCP_*; UDP: 0 */
	_Bool is_new;	/* counts as a connection */
	_Bool is_reply;
};

/** struct half_addr - the halves of a struct lb_addr; for IPv4 the high one is 0 and unused */
struct half_addr {
	__u64 hi;
	__u64 lo;
};

/** packet_at - @size bytes at @offset, or NULL where the packet ends before */
ALWAYS_INLINE void *packet_at(struct xdp_md *ctx, __u32 offset, __u32 size)
{
	void *at = (void *)(long)ctx->data + offset;

	return at + size > (void *)(long)ctx->data_end ? NULL : at;
}

/** packet_has - whether @size bytes at @at, which lies in the packet, are there */
ALWAYS_INLINE _Bool packet_has(struct xdp_md *ctx, const void *at, __u32 size)
{
	return at + size <= (void *)(long)ctx->data_end;
}

/** packet_room - bytes from @at to the packet's end */
ALWAYS_INLINE __u64 packet_room(struct xdp_md *ctx, const void *at)
{
	return (__u64)ctx->data_end - (__u64)at;
}

/** packet_source, packet_destination - addresses of the IP header at @ip, checked */
ALWAYS_INLINE struct half_addr packet_source(const void *ip, _Bool is_v6)
{
	const __u64 *words = ip;

	if (is_v6) /* bytes 8 to 23 */
		return (struct half_addr) { words[1], words[2] };
	return (struct half_addr) { 0, MAPPED4(((const __u32 *)ip)[3]) };
}

ALWAYS_INLINE struct half_addr packet_destination(const void *ip, _Bool is_v6)
{
	const __u64 *words = ip;

	if (is_v6) /* bytes 24 to 39 */
		return (struct half_addr) { words[3], words[4] };
	return (struct half_addr) { 0, MAPPED4(((const __u32 *)ip)[4]) };
}

/** packet_kind - of a TCP packet's flags, or of UDP */
ALWAYS_INLINE enum packet_kind packet_kind(__u8 proto, __u8 flags)
{
	if (proto == IPPROTO_UDP)
		return KIND_UDP;
	if (flags & (TCP_FIN | TCP_RST))
		return KIND_CLOSE;
	if (!(flags & TCP_SYN))
		return KIND_OTHER;
	return flags & TCP_ACK ? KIND_SYNACK : KIND_SYN;
}

#endif
