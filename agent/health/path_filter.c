/* SPDX-License-Identifier: GPL-2.0-only */
#include "health/path_filter.h"

#include <arpa/inet.h>
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "health/path_packet.h"
#include "model/addr.h"

#define TAKE_ALL  0x40000
#define PORT_MASK (0xffff & ~(PATH_PORTS - 1))

/* offsets into a frame; those of IPv4's layer 4 are relative to X, the size of its header */
#define AT_PROTOCOL (ETH_HLEN - 2)
#define AT_V4	    ETH_HLEN
#define AT_V6	    ETH_HLEN
#define AT_V4_L4    ETH_HLEN
#define AT_V6_L4    (ETH_HLEN + 40)
#define PORT_TO	    2 /* of layer 4: the destination port */
#define ECHO_ID	    4
#define QUOTE	    8
#define V4_FRAGMENT 6
#define V4_PROTOCOL 9
#define V4_FROM	    12
#define V4_TO	    16
#define V6_PROTOCOL 6
#define V6_FROM_END 20 /* the last 32 bits */
#define V6_TO_END   36

_Static_assert((PATH_PORTS & (PATH_PORTS - 1)) == 0 && PATH_PORT_FIRST % PATH_PORTS == 0,
	       "the ports of probes are told by a mask");

struct program {
	struct sock_filter *insns;
	size_t count;
};

static void emit(struct program *p, uint16_t code, uint32_t k)
{
	p->insns[p->count++] = (struct sock_filter)BPF_STMT(code, k);
}

/* A must be @k, else the frame is not ours */
static void require(struct program *p, uint32_t k)
{
	p->insns[p->count++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, k, 1, 0);
	emit(p, BPF_RET | BPF_K, 0);
}

/* ahead, land: a jump to a place further on, where classic BPF's conditional jumps may not reach */
static size_t ahead(struct program *p)
{
	emit(p, BPF_JMP | BPF_JA, 0);
	return p->count - 1;
}

static size_t ahead_if(struct program *p, uint32_t k)
{
	p->insns[p->count++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, k, 0, 1);
	return ahead(p);
}

static void land(struct program *p, size_t jump)
{
	p->insns[jump].k = (uint32_t)(p->count - jump - 1);
}

static void require_port(struct program *p)
{
	emit(p, BPF_ALU | BPF_AND | BPF_K, PORT_MASK);
	require(p, PATH_PORT_FIRST);
}

/* A holds the end of an address: of a VIP? */
static void match_vips(struct program *p, const struct lb_addr *vips, size_t count, bool is_v4)
{
	for (size_t i = 0; i < count && count <= PATH_FILTER_VIPS; i++) {
		if (addr_is_v4(&vips[i]) != is_v4)
			continue;
		p->insns[p->count++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
								    ntohl(vips[i].words[3]), 0, 1);
		emit(p, BPF_RET | BPF_K, TAKE_ALL);
	}
	emit(p, BPF_RET | BPF_K, count <= PATH_FILTER_VIPS ? 0 : TAKE_ALL);
}

static void match_v4(struct program *p, const struct lb_addr *vips, size_t count)
{
	size_t icmp, tcp, error[3], vip[2];

	emit(p, BPF_LD | BPF_H | BPF_ABS, AT_V4 + V4_FRAGMENT);
	emit(p, BPF_ALU | BPF_AND | BPF_K, 0x1fff);
	require(p, 0); /* the first fragment, or whole */
	emit(p, BPF_LDX | BPF_B | BPF_MSH, AT_V4);
	emit(p, BPF_LD | BPF_B | BPF_ABS, AT_V4 + V4_PROTOCOL);
	icmp = ahead_if(p, IPPROTO_ICMP);
	tcp = ahead_if(p, IPPROTO_TCP);
	require(p, IPPROTO_UDP);
	land(p, tcp);
	emit(p, BPF_LD | BPF_H | BPF_IND, AT_V4_L4 + PORT_TO);
	require_port(p);
	emit(p, BPF_LD | BPF_W | BPF_ABS, AT_V4 + V4_FROM);
	vip[0] = ahead(p);
	land(p, icmp);
	emit(p, BPF_LD | BPF_B | BPF_IND, AT_V4_L4);
	error[0] = ahead_if(p, ICMP_DEST_UNREACH);
	error[1] = ahead_if(p, ICMP_TIME_EXCEEDED);
	error[2] = ahead_if(p, ICMP_PARAMETERPROB);
	require(p, ICMP_ECHOREPLY);
	emit(p, BPF_LD | BPF_H | BPF_IND, AT_V4_L4 + ECHO_ID);
	require_port(p);
	emit(p, BPF_LD | BPF_W | BPF_ABS, AT_V4 + V4_FROM);
	vip[1] = ahead(p);
	for (size_t i = 0; i < 3; i++)
		land(p, error[i]);
	emit(p, BPF_LD | BPF_W | BPF_IND, AT_V4_L4 + QUOTE + V4_TO);
	land(p, vip[0]);
	land(p, vip[1]);
	match_vips(p, vips, count, true);
}

static void match_v6(struct program *p, const struct lb_addr *vips, size_t count)
{
	size_t icmp, tcp, error[3], vip[2];

	emit(p, BPF_LD | BPF_B | BPF_ABS, AT_V6 + V6_PROTOCOL);
	icmp = ahead_if(p, IPPROTO_ICMPV6);
	tcp = ahead_if(p, IPPROTO_TCP);
	require(p, IPPROTO_UDP);
	land(p, tcp);
	emit(p, BPF_LD | BPF_H | BPF_ABS, AT_V6_L4 + PORT_TO);
	require_port(p);
	emit(p, BPF_LD | BPF_W | BPF_ABS, AT_V6 + V6_FROM_END);
	vip[0] = ahead(p);
	land(p, icmp);
	emit(p, BPF_LD | BPF_B | BPF_ABS, AT_V6_L4);
	error[0] = ahead_if(p, ICMPV6_DEST_UNREACH);
	error[1] = ahead_if(p, ICMPV6_TIME_EXCEED);
	error[2] = ahead_if(p, ICMPV6_PARAMPROB);
	require(p, ICMPV6_ECHO_REPLY);
	emit(p, BPF_LD | BPF_H | BPF_ABS, AT_V6_L4 + ECHO_ID);
	require_port(p);
	emit(p, BPF_LD | BPF_W | BPF_ABS, AT_V6 + V6_FROM_END);
	vip[1] = ahead(p);
	for (size_t i = 0; i < 3; i++)
		land(p, error[i]);
	emit(p, BPF_LD | BPF_W | BPF_ABS, AT_V6_L4 + QUOTE + V6_TO_END);
	land(p, vip[0]);
	land(p, vip[1]);
	match_vips(p, vips, count, false);
}

size_t path_filter_build(const struct lb_addr *vips, size_t count, struct sock_filter *out)
{
	struct program p = { .insns = out };
	size_t v6;

	emit(&p, BPF_LD | BPF_B | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_PKTTYPE));
	require(&p, PACKET_HOST);
	emit(&p, BPF_LD | BPF_H | BPF_ABS, AT_PROTOCOL);
	v6 = ahead_if(&p, ETH_P_IPV6);
	require(&p, ETH_P_IP);
	match_v4(&p, vips, count);
	land(&p, v6);
	match_v6(&p, vips, count);
	return p.count;
}
