/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The programs that Leat is measured against, written as a competent textbook would:
 * hash map for the VIP, arrays for slots and backends, helpers for checksums.
 *
 *   ref_a  swap the MAC addresses, XDP_TX: what a packet costs at all
 *   ref_b  parse, push one constant IPIP header, XDP_TX
 *   ref_c  stateless DSR: VIP -> slot -> backend -> MAC
 *   ref_d  the same with an LRU flow table, as most balancers have
 *   ref_e  stateless DNAT
 *
 * and one that is no textbook: what the shortest way to a DSR backend costs. It knows no
 * UDP, tags, options, IPv6, other interfaces or errors; nobody could use it.
 *
 *   ref_f  ref_c with global arrays, cheap hashes, constant offsets, and the TTL
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <stdbool.h>
#include <stddef.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "reference.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, REF_MAX_VIPS);
	__type(key, struct ref_vip_key);
	__type(value, struct ref_vip);
} ref_vips SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, REF_TABLE_SIZE);
	__type(key, __u32);
	__type(value, __u32);
} ref_slots SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, REF_MAX_BACKENDS);
	__type(key, __u32);
	__type(value, struct ref_backend);
} ref_backends SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, REF_MAX_VIPS);
	__type(key, __u32);
	__type(value, struct ref_counter);
} ref_counters SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, REF_MAX_FLOWS);
	__type(key, struct ref_flow_key);
	__type(value, struct ref_flow);
} ref_flows SEC(".maps");

/* Insertions by ref_d: tells the bench that a timed run met only known connections, or only new
 * ones. */
__u64 ref_flow_misses;

struct headers {
	struct ethhdr *eth;
	struct iphdr *ip;
	void *l4;
	struct ref_flow_key flow;
};

static __always_inline bool parse(struct xdp_md *ctx, struct headers *h)
{
	void *end = (void *)(long)ctx->data_end;
	struct tcphdr *tcp;
	struct udphdr *udp;

	h->eth = (void *)(long)ctx->data;
	if ((void *)(h->eth + 1) > end || h->eth->h_proto != bpf_htons(ETH_P_IP))
		return false;
	h->ip = (void *)(h->eth + 1);
	if ((void *)(h->ip + 1) > end || h->ip->ihl < 5)
		return false;
	if (h->ip->frag_off & bpf_htons(0x3fff))
		return false;
	h->l4 = (void *)h->ip + h->ip->ihl * 4;
	h->flow.src = h->ip->saddr;
	h->flow.dst = h->ip->daddr;
	h->flow.proto = h->ip->protocol;
	switch (h->ip->protocol) {
	case IPPROTO_TCP:
		tcp = h->l4;
		if ((void *)(tcp + 1) > end)
			return false;
		h->flow.sport = tcp->source;
		h->flow.dport = tcp->dest;
		return true;
	case IPPROTO_UDP:
		udp = h->l4;
		if ((void *)(udp + 1) > end)
			return false;
		h->flow.sport = udp->source;
		h->flow.dport = udp->dest;
		return true;
	default:
		return false;
	}
}

static __always_inline __u32 rotate(__u32 word, unsigned int bits)
{
	return (word << bits) | (word >> (32 - bits));
}

/* The final mixing step of Bob Jenkins' lookup3, what the kernel's jhash of three words is. */
static __always_inline __u32 hash_flow(const struct ref_flow_key *flow)
{
	__u32 start = 0xdeadbeef + (3 << 2);
	__u32 a = flow->src + start;
	__u32 b = flow->dst + start;
	__u32 c = ((__u32)flow->sport << 16 | flow->dport) + start;

	c ^= b;
	c -= rotate(b, 14);
	a ^= c;
	a -= rotate(c, 11);
	b ^= a;
	b -= rotate(a, 25);
	c ^= b;
	c -= rotate(b, 16);
	a ^= c;
	a -= rotate(c, 4);
	b ^= a;
	b -= rotate(a, 14);
	c ^= b;
	c -= rotate(b, 24);
	return c;
}

static __always_inline struct ref_vip *find_vip(const struct ref_flow_key *flow)
{
	struct ref_vip_key key = {
		.addr = flow->dst,
		.port = flow->dport,
		.proto = flow->proto,
	};

	return bpf_map_lookup_elem(&ref_vips, &key);
}

static __always_inline struct ref_backend *pick_backend(const struct ref_flow_key *flow, __u32 *id)
{
	__u32 index = hash_flow(flow) % REF_TABLE_SIZE;
	__u32 *slot = bpf_map_lookup_elem(&ref_slots, &index);

	if (!slot)
		return NULL;
	*id = *slot;
	return bpf_map_lookup_elem(&ref_backends, id);
}

static __always_inline void count(struct xdp_md *ctx, __u32 vip)
{
	struct ref_counter *counter = bpf_map_lookup_elem(&ref_counters, &vip);

	if (!counter)
		return;
	counter->packets++;
	counter->bytes += ctx->data_end - ctx->data;
}

static __always_inline void send_to(struct ethhdr *eth, const struct ref_backend *be)
{
	__builtin_memcpy(eth->h_dest, be->mac, ETH_ALEN);
	__builtin_memcpy(eth->h_source, be->own_mac, ETH_ALEN);
}

SEC("xdp")
int ref_a(struct xdp_md *ctx)
{
	void *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = (void *)(long)ctx->data;
	__u8 mac[ETH_ALEN];

	if ((void *)(eth + 1) > end)
		return XDP_PASS;
	__builtin_memcpy(mac, eth->h_dest, ETH_ALEN);
	__builtin_memcpy(eth->h_dest, eth->h_source, ETH_ALEN);
	__builtin_memcpy(eth->h_source, mac, ETH_ALEN);
	return XDP_TX;
}

SEC("xdp")
int ref_b(struct xdp_md *ctx)
{
	struct headers h = {};
	struct ethhdr eth;
	struct iphdr *outer;
	struct ethhdr *new_eth;
	__u16 inner_len;

	if (!parse(ctx, &h))
		return XDP_PASS;
	eth = *h.eth;
	inner_len = bpf_ntohs(h.ip->tot_len);
	if (bpf_xdp_adjust_head(ctx, -(int)sizeof(*outer)))
		return XDP_DROP;
	new_eth = (void *)(long)ctx->data;
	outer = (void *)(new_eth + 1);
	if ((void *)(outer + 1) > (void *)(long)ctx->data_end)
		return XDP_DROP;
	__builtin_memcpy(new_eth->h_dest, eth.h_source, ETH_ALEN);
	__builtin_memcpy(new_eth->h_source, eth.h_dest, ETH_ALEN);
	new_eth->h_proto = eth.h_proto;
	*outer = (struct iphdr) {
		.version = 4,
		.ihl = 5,
		.ttl = 64,
		.protocol = IPPROTO_IPIP,
		.tot_len = bpf_htons(inner_len + sizeof(*outer)),
		.check = bpf_htons(0x1234),
		.saddr = bpf_htonl(0x0a000001),
		.daddr = bpf_htonl(0x0a000002),
	};
	return XDP_TX;
}

SEC("xdp")
int ref_c(struct xdp_md *ctx)
{
	struct headers h = {};
	struct ref_backend *be;
	struct ref_vip *vip;
	__u32 id;

	if (!parse(ctx, &h))
		return XDP_PASS;
	vip = find_vip(&h.flow);
	if (!vip)
		return XDP_PASS;
	be = pick_backend(&h.flow, &id);
	if (!be)
		return XDP_DROP;
	count(ctx, vip->id);
	send_to(h.eth, be);
	return XDP_TX;
}

static __always_inline struct ref_backend *known_backend(const struct ref_flow_key *key)
{
	struct ref_flow *flow = bpf_map_lookup_elem(&ref_flows, key);
	__u32 id;

	if (!flow)
		return NULL;
	id = flow->backend;
	return bpf_map_lookup_elem(&ref_backends, &id);
}

static __always_inline struct ref_backend *new_backend(const struct ref_flow_key *key)
{
	struct ref_flow flow = {};
	struct ref_backend *be;

	be = pick_backend(key, &flow.backend);
	if (!be)
		return NULL;
	bpf_map_update_elem(&ref_flows, key, &flow, BPF_ANY);
	ref_flow_misses++;
	return be;
}

SEC("xdp")
int ref_d(struct xdp_md *ctx)
{
	struct headers h = {};
	struct ref_backend *be;
	struct ref_vip *vip;

	if (!parse(ctx, &h))
		return XDP_PASS;
	vip = find_vip(&h.flow);
	if (!vip)
		return XDP_PASS;
	be = known_backend(&h.flow);
	if (!be)
		be = new_backend(&h.flow);
	if (!be)
		return XDP_DROP;
	count(ctx, vip->id);
	send_to(h.eth, be);
	return XDP_TX;
}

/* A checksum field to which @change, a sum of one's complements, is added. */
static __always_inline void fix_csum(__u16 *csum, __u64 change)
{
	__u64 sum = (__u16) ~*csum + change;

	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	*csum = ~sum;
}

static __always_inline int rewrite(struct xdp_md *ctx, struct headers *h, struct ref_backend *be)
{
	__u32 l3 = bpf_csum_diff(&h->ip->daddr, sizeof(__be32), &be->addr, sizeof(__be32), 0);
	__u64 l4 = (__u64)l3 + (__u16)~h->flow.dport + be->port;
	void *end = (void *)(long)ctx->data_end;
	struct tcphdr *tcp = h->l4;
	struct udphdr *udp = h->l4;

	fix_csum(&h->ip->check, l3);
	h->ip->daddr = be->addr;
	if (h->ip->protocol == IPPROTO_TCP) {
		if ((void *)(tcp + 1) > end)
			return XDP_DROP;
		fix_csum(&tcp->check, l4);
		tcp->dest = be->port;
	} else {
		if ((void *)(udp + 1) > end)
			return XDP_DROP;
		if (udp->check)
			fix_csum(&udp->check, l4);
		udp->dest = be->port;
	}
	send_to(h->eth, be);
	return XDP_TX;
}

SEC("xdp")
int ref_e(struct xdp_md *ctx)
{
	struct headers h = {};
	struct ref_backend *be;
	struct ref_vip *vip;
	__u32 id;

	if (!parse(ctx, &h))
		return XDP_PASS;
	vip = find_vip(&h.flow);
	if (!vip)
		return XDP_PASS;
	be = pick_backend(&h.flow, &id);
	if (!be)
		return XDP_DROP;
	count(ctx, vip->id);
	return rewrite(ctx, &h, be);
}

struct ref_fast_service ref_fast_services[REF_FAST_SERVICES];
struct ref_fast_backend ref_fast_backends[REF_MAX_BACKENDS];

static __always_inline struct ref_fast_service *find_fast(__be32 addr, __be16 port)
{
	__u64 key = (__u64)addr << 32 | (__u64)IPPROTO_TCP << 16 | port;
	struct ref_fast_service *s = &ref_fast_services[ref_fast_hash(key) >> 52];

	return s->addr == addr && s->port == port && s->proto == IPPROTO_TCP ? s : NULL;
}

static __always_inline __u32 pick_fast(const struct ref_fast_service *s, __u64 client)
{
	__u64 hash = client ^ s->seed;
	__u32 index, *slot;

	hash = (hash ^ (hash >> 32)) * 0xd6e8feb86659fd93ULL;
	hash = (hash ^ (hash >> 32)) * 0xd6e8feb86659fd93ULL;
	index = ((hash >> 32) * s->table_size) >> 32;
	slot = bpf_map_lookup_elem(&ref_slots, &index);
	return slot ? *slot : 0;
}

static __always_inline bool is_plain_tcp(const __u8 *frame)
{
	return !(frame[0] & 1) && *(__u16 *)(frame + 12) == bpf_htons(ETH_P_IP) &&
	       frame[14] == 0x45 && !(*(__u16 *)(frame + 20) & bpf_htons(0x3fff)) &&
	       frame[23] == IPPROTO_TCP && frame[22] > 1 && frame[46] >= 0x50;
}

SEC("xdp")
int ref_f(struct xdp_md *ctx)
{
	__u8 *frame = (void *)(long)ctx->data;
	struct ref_fast_backend *be;
	struct ref_fast_service *s;
	__u32 id, check;

	if ((void *)(frame + 54) > (void *)(long)ctx->data_end || !is_plain_tcp(frame))
		return XDP_PASS;
	s = find_fast(*(__be32 *)(frame + 30), *(__be16 *)(frame + 36));
	if (!s)
		return XDP_PASS;
	id = pick_fast(s, *(__u32 *)(frame + 26) | (__u64) * (__u16 *)(frame + 34) << 32);
	be = &ref_fast_backends[id & (REF_MAX_BACKENDS - 1)];
	if (be->ifindex != ctx->ingress_ifindex)
		return XDP_DROP;
	check = *(__u16 *)(frame + 24) + bpf_htons(0x0100);
	*(__u16 *)(frame + 24) = check + (check >= 0xffff);
	frame[22]--;
	*(__u64 *)frame = be->mac_first;
	*(__u32 *)(frame + 8) = be->mac_last;
	count(ctx, 0);
	return XDP_TX;
}

char LICENSE[] SEC("license") = "GPL";
