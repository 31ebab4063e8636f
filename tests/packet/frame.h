/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Frames for packet tests: said as a sketch, drawn with every checksum computed from scratch
 * (never by the incremental arithmetic that is under test). What is expected of the data path
 * is a sketch too, changed by hand and drawn anew.
 */
#ifndef LEAT_TESTS_FRAME_H
#define LEAT_TESTS_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "leat_abi.h"

#define FRAME_SIZE	   1600
#define FRAME_MIN	   14 /* BPF_PROG_TEST_RUN takes no less */
#define FRAME_MAX_TAGS	   3
#define FRAME_MAX_EXTENDED 12

#define TCP_FIN 0x01
#define TCP_SYN 0x02
#define TCP_RST 0x04
#define TCP_PSH 0x08
#define TCP_ACK 0x10

#define IP_MORE_FRAGMENTS  0x2000
#define IP_DO_NOT_FRAGMENT 0x4000

struct frame {
	unsigned char bytes[FRAME_SIZE];
	size_t length;
};

/** struct host - one machine of the tests; documentation prefixes */
struct host {
	uint8_t mac[6];
	struct lb_addr ip4;
	struct lb_addr ip6;
};

extern const struct host client, other_client; /* behind router and other_router */
extern const struct host router, other_router;
extern const struct host gateway; /* the balancer's own addresses */
extern const struct host vip;	  /* has no MAC of its own: packets for it go to the gateway's */
extern const struct host web1, web2, web3;
extern const struct host stranger; /* neither a VIP nor a backend */

/** host_ip - its address of a family, 4 or 6 */
const struct lb_addr *host_ip(const struct host *host, int family);

struct frame_tag {
	uint16_t type;
	uint16_t tci;
};

/** struct frame_extension - an IPv6 extension header of 8 * (1 + @units) bytes */
struct frame_extension {
	uint8_t type;
	uint8_t units;
};

/** struct sketch - one packet as it is meant; host order, zero: absent */
struct sketch {
	const uint8_t *eth_dst;
	const uint8_t *eth_src;
	unsigned tag_count;
	struct frame_tag tags[FRAME_MAX_TAGS];
	int family;
	struct lb_addr src;
	struct lb_addr dst;
	uint8_t ttl;
	uint8_t tos;
	uint16_t ip_id;	   /* IPv4 */
	uint16_t fragment; /* IPv4: the whole field, flags included */
	unsigned options;  /* IPv4: bytes, a multiple of 4 */
	unsigned extension_count;
	struct frame_extension extensions[FRAME_MAX_EXTENDED];
	bool is_fragment6; /* IPv6: a fragment header comes last, with @fragment6 */
	uint16_t fragment6;
	uint8_t proto;
	uint16_t sport;
	uint16_t dport;
	uint8_t flags;	      /* TCP */
	unsigned tcp_options; /* bytes, a multiple of 4 */
	bool has_no_checksum; /* UDP */
	uint8_t icmp_type;
	uint8_t icmp_code;
	uint32_t icmp_rest;
	const struct sketch *quote; /* ICMP errors: what they are about */
	size_t quote_length;	    /* bytes of its IP packet; more than it has: all of it */
	unsigned payload;	    /* bytes of a pattern that ... */
	uint16_t seed;		    /* ... begins with this word */
	unsigned padding;	    /* bytes of Ethernet trailer */
};

/** frame_draw - the bytes of a sketch */
void frame_draw(const struct sketch *sketch, struct frame *out);

/** frame_l3, frame_l4 - where the IP header and what follows its options or extensions begin */
size_t frame_l3(const struct sketch *sketch);
size_t frame_l4(const struct sketch *sketch);

/** frame_sum - the Internet checksum (RFC 1071) of bytes, to be stored big-endian; @start: a sum
 * to go on from */
uint16_t frame_sum(const unsigned char *bytes, size_t length, uint32_t start);

/** frame_fix_ip4 - recompute the IPv4 header's checksum after a test has bent the header */
void frame_fix_ip4(struct frame *frame, size_t l3);

/** frame_print - to standard error, for a test that has failed */
void frame_print(const char *what, const struct frame *frame);

#endif
