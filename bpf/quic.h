/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * QUIC: a client that changes its address keeps its connection id, and a server that puts its own
 * id into those it hands out is found by it, without a record (draft-ietf-quic-load-balancers,
 * plaintext algorithm; packet headers: RFC 8999).
 */
#ifndef LEAT_BPF_QUIC_H
#define LEAT_BPF_QUIC_H

#include "flow.h"

#define QUIC_LONG_HEADER   0x80
#define QUIC_LONG_ID	   6 /* offset: first byte, version, length of the connection id */
#define QUIC_SHORT_ID	   1
#define QUIC_CONFIG_SHIFT  5 /* in the connection id's first byte; below: its length, or noise */
#define QUIC_MAX_SERVER_ID 8

/* Offset of the connection id, from the first byte of QUIC at @quic; 0: none that may be ours. */
ALWAYS_INLINE __u32 quic_find_id(struct xdp_md *ctx, __u32 quic, __u32 length)
{
	__u8 *first = packet_at(ctx, quic, 1), *id_length;

	if (!first)
		return 0;
	if (!(*first & QUIC_LONG_HEADER))
		return quic + QUIC_SHORT_ID;
	id_length = packet_at(ctx, quic + QUIC_LONG_ID - 1, 1);
	return id_length && *id_length > length ? quic + QUIC_LONG_ID : 0;
}

/**
 * quic_backend - the living backend that the packet's connection id names; 0: none
 * @quic: offset of the UDP payload
 */
__noinline int quic_backend(struct xdp_md *ctx, __u32 quic, __u32 service)
{
	const struct lb_schedule *schedule = &lb_schedules[service & (LB_SERVICE_IDS - 1)];
	struct lb_quic_key key = { .service = service };
	__u32 length = schedule->quic_length, id;
	__u32 *backend;
	__u8 *byte;

	id = quic_find_id(ctx, quic & 0x1ff, length);
	byte = packet_at(ctx, id & 0x3ff, 1);
	if (!id || !byte || *byte >> QUIC_CONFIG_SHIFT != schedule->quic_config)
		return 0;
	for (__u32 i = 1; i <= QUIC_MAX_SERVER_ID && i <= length; i++) {
		byte = packet_at(ctx, (id & 0x3ff) + i, 1);
		if (!byte)
			return 0;
		key.server_id = key.server_id << 8 | *byte;
	}
	backend = bpf_map_lookup_elem(&lb_quic_servers, &key);
	if (!backend || READ_ONCE(flow_backend(*backend)->generation) & 1 ||
	    READ_ONCE(flow_backend(*backend)->service) != service)
		return 0;
	return *backend & (LB_MAX_BACKENDS - 1);
}

#endif
