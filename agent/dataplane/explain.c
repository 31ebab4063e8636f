/* SPDX-License-Identifier: GPL-2.0-only */
/* What would happen to a packet: the same program, told to write nothing. */
#include "dataplane/internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include <netinet/if_ether.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>

#include <linux/bpf.h>

#include <bpf/bpf.h>

#include "model/addr.h"

/* room for every header that is crafted, and the least that an Ethernet frame has */
#define FRAME_SIZE 96
#define FRAME_MIN  60
#define TTL	   64

struct frame {
	size_t length;
	unsigned char pad[2]; /* puts the headers behind Ethernet's 14 bytes on even words */
	unsigned char bytes[FRAME_SIZE];
};

static void *push(struct frame *frame, size_t size)
{
	void *at = frame->bytes + frame->length;

	frame->length += size;
	return at;
}

static void push_ethernet(struct frame *frame, uint16_t type)
{
	struct ether_header *eth = push(frame, sizeof(*eth));

	/* locally administered unicast addresses; the program looks at the group bit alone */
	eth->ether_dhost[0] = 2;
	eth->ether_shost[0] = 2;
	eth->ether_shost[5] = 1;
	eth->ether_type = htons(type);
}

static uint16_t ip_checksum(const struct iphdr *ip)
{
	const unsigned char *bytes = (const unsigned char *)ip;
	uint32_t sum = 0;

	for (size_t i = 0; i < sizeof(*ip); i += 2)
		sum += (uint32_t)bytes[i] << 8 | bytes[i + 1];
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

static void push_ip4(struct frame *frame, const struct dataplane_query *query, size_t payload)
{
	struct iphdr *ip = push(frame, sizeof(*ip));

	ip->version = 4;
	ip->ihl = 5;
	ip->tot_len = htons((uint16_t)(sizeof(*ip) + payload));
	ip->frag_off = htons(IP_DF);
	ip->ttl = TTL;
	ip->protocol = query->proto;
	ip->saddr = query->client.words[3];
	ip->daddr = query->vip.words[3];
	ip->check = ip_checksum(ip);
}

static void push_ip6(struct frame *frame, const struct dataplane_query *query, size_t payload)
{
	struct ip6_hdr *ip = push(frame, sizeof(*ip));

	ip->ip6_vfc = 6 << 4;
	ip->ip6_plen = htons((uint16_t)payload);
	ip->ip6_nxt = query->proto;
	ip->ip6_hlim = TTL;
	memcpy(&ip->ip6_src, &query->client, sizeof(ip->ip6_src));
	memcpy(&ip->ip6_dst, &query->vip, sizeof(ip->ip6_dst));
}

static void push_tcp(struct frame *frame, const struct dataplane_query *query)
{
	struct tcphdr *tcp = push(frame, sizeof(*tcp));

	tcp->source = htons((uint16_t)query->client_port);
	tcp->dest = htons((uint16_t)query->vip_port);
	tcp->doff = sizeof(*tcp) / 4;
	tcp->syn = query->is_syn;
	tcp->ack = !query->is_syn;
	tcp->window = htons(UINT16_MAX);
}

static void push_udp(struct frame *frame, const struct dataplane_query *query)
{
	struct udphdr *udp = push(frame, sizeof(*udp));

	udp->source = htons((uint16_t)query->client_port);
	udp->dest = htons((uint16_t)query->vip_port);
	udp->len = htons(sizeof(*udp));
}

/* The transport checksum stays 0: the program only adjusts it, and nobody receives this. */
static int craft(const struct dataplane_query *query, struct frame *frame)
{
	bool is_tcp = query->proto == IPPROTO_TCP, is_v4 = addr_is_v4(&query->vip);
	size_t payload = is_tcp ? sizeof(struct tcphdr) : sizeof(struct udphdr);

	if (is_v4 != addr_is_v4(&query->client) || (!is_tcp && query->proto != IPPROTO_UDP))
		return -EINVAL;
	*frame = (struct frame) {};
	push_ethernet(frame, is_v4 ? ETHERTYPE_IP : ETHERTYPE_IPV6);
	if (is_v4)
		push_ip4(frame, query, payload);
	else
		push_ip6(frame, query, payload);
	if (is_tcp)
		push_tcp(frame, query);
	else
		push_udp(frame, query);
	if (frame->length < FRAME_MIN)
		frame->length = FRAME_MIN;
	return 0;
}

static int load_dry(struct dataplane *dp, struct dataplane_error *error)
{
	struct dataplane_tuning tuning = dp->tuning;

	if (dp->dry)
		return 0;
	tuning.dry_run = true;
	return program_load(dp, &tuning, &dp->dry, error);
}

/* Run @frame as if it came in by one of our interfaces, where there is one. */
static int run(const struct dataplane *dp, struct frame *frame)
{
	unsigned char reply[2 * FRAME_SIZE];
	struct xdp_md ctx = { .data_end = (uint32_t)frame->length };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame->bytes,
		    .data_size_in = (uint32_t)frame->length, .data_out = reply,
		    .data_size_out = sizeof(reply), .repeat = 1);
	int err = -ENODEV;

	for (size_t i = 0; err && i < dp->link_count; i++) {
		ctx.ingress_ifindex = dp->links[i].ifindex;
		opts.ctx_in = &ctx;
		opts.ctx_size_in = sizeof(ctx);
		err = bpf_prog_test_run_opts(program_xdp_fd(dp->dry), &opts);
	}
	if (!err)
		return 0;
	opts.ctx_in = NULL; /* no interface, or it is gone */
	opts.ctx_size_in = 0;
	return bpf_prog_test_run_opts(program_xdp_fd(dp->dry), &opts);
}

int dataplane_explain(struct dataplane *dp, const struct dataplane_query *query,
		      struct lb_explain *out, struct dataplane_error *error)
{
	struct frame frame;
	int err = craft(query, &frame);

	if (err)
		return dataplane_fail(error, err,
				      "client and VIP must be of one family, the protocol tcp or "
				      "udp");
	err = load_dry(dp, error);
	if (err)
		return err;
	memset(dp->tables.explain, 0, sizeof(*dp->tables.explain));
	err = run(dp, &frame);
	if (err)
		return dataplane_fail(error, err, "running the dry-run program: %s",
				      strerror(-err));
	*out = *(const volatile struct lb_explain *)dp->tables.explain;
	return 0;
}
