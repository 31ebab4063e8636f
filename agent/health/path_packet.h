/* SPDX-License-Identifier: GPL-2.0-only */
/* Packets of `via: vip`: whose they are, and their frames. Pure. */
#ifndef LEAT_HEALTH_PATH_PACKET_H
#define LEAT_HEALTH_PATH_PACKET_H

#include <stddef.h>
#include <stdint.h>

#include "leat_abi.h"

struct target_hop;

/* Ports (and ids of echo requests) of probes: no other sockets of a gateway are likely there, since
 * ports chosen by its kernel begin at 32768 (net.ipv4.ip_local_port_range). */
#define PATH_PORT_FIRST 16384
#define PATH_PORTS	16384

#define PATH_FRAME_HEADER_MAX 128

/** struct path_key - what tells a probe's packets from each other */
struct path_key {
	struct lb_addr near; /* ours */
	struct lb_addr far;  /* the VIP */
	uint16_t port;	     /* ours, or the id of an echo; host order */
};

/** path_key_of_sent - of a packet from the TUN device; 0, or -EINVAL: no probe's */
int path_key_of_sent(const uint8_t *packet, size_t size, struct path_key *out);

/** path_key_of_received - of a packet to it, or of the one that an ICMP error quotes; 0, -EINVAL */
int path_key_of_received(const uint8_t *packet, size_t size, struct path_key *out);

/**
 * path_frame - the headers that go before @packet on its way to @hop
 * @packet: IPv4 or IPv6, whole
 * @header: PATH_FRAME_HEADER_MAX bytes
 * Returns their size, 0: cannot be sent.
 */
size_t path_frame(const struct target_hop *hop, const uint8_t *packet, size_t size,
		  uint8_t *header);

#endif
