/* SPDX-License-Identifier: GPL-2.0-only */
#include "health/path_packet.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/icmp6.h>
#include <netinet/if_ether.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/ip_icmp.h>
#include <stdbool.h>
#include <string.h>

#include "health/probe.h"

#define ICMP_HEADER_SIZE 8 /* also before a quoted packet */

/** struct l4 - what stands behind an IP header */
struct l4 {
	struct lb_addr source;
	struct lb_addr destination;
	uint8_t protocol;
	const uint8_t *bytes; /* at least ICMP_HEADER_SIZE of them */
	size_t size;
};

static uint16_t read_be16(const uint8_t *bytes)
{
	return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

static struct lb_addr mapped(const struct in_addr *v4)
{
	struct lb_addr a = { .bytes = { [10] = 0xff, [11] = 0xff } };

	memcpy(&a.bytes[12], v4, sizeof(*v4));
	return a;
}

static int find_l4_v4(const uint8_t *packet, size_t size, struct l4 *out)
{
	struct iphdr ip;
	size_t skip;

	if (size < sizeof(ip))
		return -EINVAL;
	memcpy(&ip, packet, sizeof(ip));
	skip = (size_t)ip.ihl * 4;
	if (skip < sizeof(ip) || size < skip + ICMP_HEADER_SIZE || ntohs(ip.frag_off) & IP_OFFMASK)
		return -EINVAL;
	*out = (struct l4) {
		.source = mapped(&(struct in_addr) { ip.saddr }),
		.destination = mapped(&(struct in_addr) { ip.daddr }),
		.protocol = ip.protocol,
		.bytes = packet + skip,
		.size = size - skip,
	};
	return 0;
}

/* Probes have no extension headers, and neither have the replies. */
static int find_l4_v6(const uint8_t *packet, size_t size, struct l4 *out)
{
	struct ip6_hdr ip;
	struct l4 l4 = {};

	if (size < sizeof(ip) + ICMP_HEADER_SIZE)
		return -EINVAL;
	memcpy(&ip, packet, sizeof(ip));
	memcpy(l4.source.bytes, &ip.ip6_src, sizeof(l4.source));
	memcpy(l4.destination.bytes, &ip.ip6_dst, sizeof(l4.destination));
	l4.protocol = ip.ip6_nxt;
	l4.bytes = packet + sizeof(ip);
	l4.size = size - sizeof(ip);
	*out = l4;
	return 0;
}

static int find_l4(const uint8_t *packet, size_t size, struct l4 *out)
{
	if (size && packet[0] >> 4 == 4)
		return find_l4_v4(packet, size, out);
	if (size && packet[0] >> 4 == 6)
		return find_l4_v6(packet, size, out);
	return -EINVAL;
}

static bool has_ports(const struct l4 *l4)
{
	return l4->protocol == IPPROTO_TCP || l4->protocol == IPPROTO_UDP;
}

static bool is_icmp(const struct l4 *l4, uint8_t v4_type, uint8_t v6_type)
{
	if (l4->protocol == IPPROTO_ICMP)
		return l4->bytes[0] == v4_type;
	return l4->protocol == IPPROTO_ICMPV6 && l4->bytes[0] == v6_type;
}

int path_key_of_sent(const uint8_t *packet, size_t size, struct path_key *out)
{
	struct l4 l4;

	if (find_l4(packet, size, &l4))
		return -EINVAL;
	if (!has_ports(&l4) && !is_icmp(&l4, ICMP_ECHO, ICMP6_ECHO_REQUEST))
		return -EINVAL;
	out->near = l4.source;
	out->far = l4.destination;
	out->port = read_be16(has_ports(&l4) ? l4.bytes : l4.bytes + 4);
	return 0;
}

static bool is_icmp_error(const struct l4 *l4)
{
	return is_icmp(l4, ICMP_DEST_UNREACH, ICMP6_DST_UNREACH) ||
	       is_icmp(l4, ICMP_TIME_EXCEEDED, ICMP6_TIME_EXCEEDED) ||
	       is_icmp(l4, ICMP_PARAMETERPROB, ICMP6_PARAM_PROB);
}

int path_key_of_received(const uint8_t *packet, size_t size, struct path_key *out)
{
	struct l4 l4;

	if (find_l4(packet, size, &l4))
		return -EINVAL;
	if (is_icmp_error(&l4))
		return path_key_of_sent(l4.bytes + ICMP_HEADER_SIZE, l4.size - ICMP_HEADER_SIZE,
					out);
	if (!has_ports(&l4) && !is_icmp(&l4, ICMP_ECHOREPLY, ICMP6_ECHO_REPLY))
		return -EINVAL;
	out->near = l4.destination;
	out->far = l4.source;
	out->port = read_be16(has_ports(&l4) ? l4.bytes + 2 : l4.bytes + 4);
	return 0;
}

size_t path_frame(const struct target_hop *hop, const uint8_t *packet, size_t size, uint8_t *header)
{
	struct ether_header ether = {};

	if (!hop->ifindex || !size)
		return 0;
	memcpy(ether.ether_dhost, hop->dst_mac, sizeof(ether.ether_dhost));
	memcpy(ether.ether_shost, hop->src_mac, sizeof(ether.ether_shost));
	ether.ether_type = htons(packet[0] >> 4 == 6 ? ETHERTYPE_IPV6 : ETHERTYPE_IP);
	memcpy(header, &ether, sizeof(ether));
	return sizeof(ether);
}
