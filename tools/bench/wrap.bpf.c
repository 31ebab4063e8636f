/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The wrapper around a program under test. BPF_PROG_TEST_RUN does not reset the packet
 * between repeats, so the wrapper does: it moves the packet's head back, rewrites every
 * field that a load balancer changes, picks a client, and tail-calls the program. The
 * same wrapper around wrap_stub is what gets subtracted.
 *
 * The bytes written here would still lie in the CPU's store buffer when the program
 * reads them, and a read that straddles two stores then waits; a packet from a NIC
 * comes from the cache. A locked addition drains the buffer, for program and stub alike.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <stdbool.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "wrap.h"

#define CLIENT_NET   0x0a000000 /* 10.0.0.0/8 */
#define CLIENT_PORT  1024
#define CLIENT_PORTS 0x7fff

#define L4_CSUM	 16
#define L4_FLAGS 12
#define L4_BYTES 18

const volatile bool wrap_drains = true;

struct wrap_settings wrap;
__u64 wrap_sunk[64]; /* packets that came back in the live test, by CPU */

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u32);
} wrap_targets SEC(".maps");

enum { TARGET_STUB, TARGET_SUBJECT };

#define STORE(type, at, value) (*(type *)(at) = (value))
#define COPY(type, at, from)   (*(type *)(at) = *(const type *)(from))

static __always_inline __u32 pick_flow(void)
{
	if (wrap.is_sequential)
		return wrap.next++ & 0xffffff;
	wrap.random = wrap.random * 6364136223846793005ULL + 1442695040888963407ULL;
	return ((wrap.random >> 32) * wrap.flows) >> 32;
}

static __always_inline void write_l4(void *l4, __u32 flow, bool is_reply)
{
	__u32 ports = wrap.own_port_word;
	__u16 port = bpf_htons(CLIENT_PORT + (flow & CLIENT_PORTS));

	if (!wrap.is_client_fixed)
		ports |= is_reply ? (__u32)port << 16 : port;
	STORE(__u32, l4, ports);
	STORE(__u16, l4 + L4_FLAGS, wrap.tcp_flags);
	STORE(__u16, l4 + L4_CSUM, wrap.l4_csum);
}

static __always_inline void write_v4(void *ip, __u32 flow, bool is_reply)
{
	__be32 client = bpf_htonl(CLIENT_NET + flow);

	STORE(__u16, ip + 8, wrap.ttl_proto);
	STORE(__u16, ip + 10, wrap.ip_csum);
	STORE(__u32, ip + 12, is_reply ? wrap.own_address4 : client);
	STORE(__u32, ip + 16, is_reply ? client : wrap.own_address4);
	write_l4(ip + 20, flow, is_reply);
}

static __always_inline void write_v6(void *ip, __u32 flow, bool is_reply)
{
	void *client = ip + (is_reply ? 24 : 8);
	void *own = ip + (is_reply ? 8 : 24);

	STORE(__u16, ip + 6, wrap.ttl_proto);
	STORE(__u64, client, wrap.client_prefix6);
	STORE(__u64, client + 8, (__u64)bpf_htonl(flow + 1) << 32);
	STORE(__u64, own, wrap.own_address6[0]);
	STORE(__u64, own + 8, wrap.own_address6[1]);
	write_l4(ip + 40, flow, is_reply);
}

static __always_inline bool restore(struct xdp_md *ctx, __u32 l3, bool is_v6, bool is_reply)
{
	void *start = (void *)(long)ctx->data;
	__u32 flow = pick_flow();

	if (start + l3 + (is_v6 ? 40 : 20) + L4_BYTES > (void *)(long)ctx->data_end)
		return false;
	COPY(__u32, start, &wrap.mac[0]);
	COPY(__u32, start + 4, &wrap.mac[4]);
	COPY(__u32, start + 8, &wrap.mac[8]);
	if (l3 == ETH_HLEN) /* a pushed header has overwritten the type */
		STORE(__u16, start + 12, bpf_htons(is_v6 ? ETH_P_IPV6 : ETH_P_IP));
	if (is_v6)
		write_v6(start + l3, flow, is_reply);
	else
		write_v4(start + l3, flow, is_reply);
	if (wrap_drains)
		__sync_fetch_and_add(&wrap.settled, 1);
	return true;
}

/* With a constant index each of the calls is a plain jump. */
static __always_inline int call_target(struct xdp_md *ctx)
{
	if (wrap.is_stub)
		bpf_tail_call(ctx, &wrap_targets, TARGET_STUB);
	else
		bpf_tail_call(ctx, &wrap_targets, TARGET_SUBJECT);
	return XDP_ABORTED;
}

SEC("xdp")
int wrap_v4(struct xdp_md *ctx)
{
	return restore(ctx, ETH_HLEN, false, false) ? call_target(ctx) : XDP_ABORTED;
}

SEC("xdp")
int wrap_v4_reply(struct xdp_md *ctx)
{
	return restore(ctx, ETH_HLEN, false, true) ? call_target(ctx) : XDP_ABORTED;
}

SEC("xdp")
int wrap_v4_tagged(struct xdp_md *ctx)
{
	return restore(ctx, ETH_HLEN + 4, false, false) ? call_target(ctx) : XDP_ABORTED;
}

SEC("xdp")
int wrap_v6(struct xdp_md *ctx)
{
	return restore(ctx, ETH_HLEN, true, false) ? call_target(ctx) : XDP_ABORTED;
}

SEC("xdp")
int wrap_v6_reply(struct xdp_md *ctx)
{
	return restore(ctx, ETH_HLEN, true, true) ? call_target(ctx) : XDP_ABORTED;
}

/* For programs that push a header. The head moves, by 0 where need be, around the stub as well. */
SEC("xdp")
int wrap_v4_tunnel(struct xdp_md *ctx)
{
	void *grown = (void *)(long)ctx->data + WRAP_MIN_FRAME + WRAP_PUSHED;
	int pushed = grown > (void *)(long)ctx->data_end ? 0 : WRAP_PUSHED;

	if (bpf_xdp_adjust_head(ctx, pushed))
		return XDP_ABORTED;
	return restore(ctx, ETH_HLEN, false, false) ? call_target(ctx) : XDP_ABORTED;
}

SEC("xdp")
int wrap_stub(struct xdp_md *ctx)
{
	(void)ctx;
	return XDP_TX;
}

SEC("xdp")
int wrap_clock(struct xdp_md *ctx)
{
	(void)ctx;
	wrap.jiffies = bpf_jiffies64();
	return XDP_PASS;
}

/* Live: makes packets and sends them to the far end of a veth pair ... */
SEC("xdp")
int wrap_generate(struct xdp_md *ctx)
{
	if (!restore(ctx, ETH_HLEN, false, false))
		return XDP_ABORTED;
	return bpf_redirect(wrap.egress, 0);
}

/* ... and counts what comes back. */
SEC("xdp")
int wrap_sink(struct xdp_md *ctx)
{
	(void)ctx;
	wrap_sunk[bpf_get_smp_processor_id() & 63]++;
	return XDP_DROP;
}

char LICENSE[] SEC("license") = "GPL";
