/* SPDX-License-Identifier: GPL-2.0-only */
/* Rows of lb_backends and, for nat, of lb_replies. */
#include "dataplane/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "dataplane/csum.h"
#include "model/addr.h"
#include "model/cleanup.h"

_Static_assert(offsetof(struct lb_backend, mac_first) == 0, "one store");
_Static_assert(offsetof(struct lb_backend, mac_last) == 8, "one store, with ifindex");
_Static_assert(offsetof(struct lb_backend, ifindex) == 12, "one store, with mac_last");

const struct lb_backend *dataplane_backends(const struct dataplane *dp)
{
	return dp->tables.backends;
}

static struct lb_reply reply_of(uint16_t id, const struct lb_backend *row, uint64_t seed)
{
	return (struct lb_reply) {
		.address = row->address,
		.port = row->port,
		.proto = row->proto,
		.family = (uint8_t)addr_family(&row->address),
		.backend = id,
		.service = row->service,
		.seed = seed,
	};
}

static int put_reply(struct dataplane *dp, const struct lb_reply *reply)
{
	int64_t index = keyed_find(&dp->replies, &reply->address, reply->key_word);
	struct lb_reply *row;

	if (index < 0)
		return keyed_put(&dp->replies, reply);
	row = &dp->tables.replies[index];
	__atomic_store_n(&row->seed, reply->seed, __ATOMIC_RELEASE);
	__atomic_store_n(&row->service, reply->service, __ATOMIC_RELEASE);
	__atomic_store_n(&row->backend, reply->backend, __ATOMIC_RELEASE);
	return 0;
}

static void del_reply(struct dataplane *dp, uint16_t id, const struct lb_backend *row)
{
	struct lb_reply reply = reply_of(id, row, 0);
	int64_t index = keyed_find(&dp->replies, &reply.address, reply.key_word);

	/* another service's dsr backend may have the same address and port, and no reply row */
	if (index >= 0 && dp->tables.replies[index].backend == id)
		keyed_clear(&dp->replies, (uint32_t)index);
}

int dataplane_put_backend(struct dataplane *dp, uint16_t id, const struct lb_backend *row,
			  uint64_t seed, bool is_nat)
{
	struct lb_reply reply = reply_of(id, row, seed);
	struct lb_backend next = *row, *live;
	int err;

	if (!id || id >= LB_MAX_BACKENDS || !row->service)
		return -EINVAL;
	err = is_nat ? put_reply(dp, &reply) : 0;
	if (err)
		return err;
	csum_set_backend(&next);
	live = &dp->tables.backends[id];
	if (dp->ids <= id)
		dp->ids = id + 1U;
	live->address = next.address;
	live->vip = next.vip;
	live->port = next.port;
	live->vip_port = next.vip_port;
	live->csum_l3 = next.csum_l3;
	live->csum_l4 = next.csum_l4;
	live->proto = next.proto;
	__atomic_store_n(&live->service, next.service, __ATOMIC_RELEASE);
	return 0;
}

uint16_t dataplane_reply_owner(const struct dataplane *dp, const struct lb_backend *row)
{
	struct lb_reply reply = reply_of(0, row, 0);
	int64_t index = keyed_find(&dp->replies, &reply.address, reply.key_word);

	return index < 0 ? 0 : dp->tables.replies[index].backend;
}

/*
 * Two stores, each whole for a packet; the second carries ifindex, so a row that had no
 * hop gets one at once. Between the two a packet may leave with the new destination and
 * a part of the old source, once, when both change.
 */
void dataplane_set_hop(struct dataplane *dp, uint16_t id, uint32_t ifindex,
		       const uint8_t dst_mac[6], const uint8_t src_mac[6])
{
	struct lb_backend *row = &dp->tables.backends[id], next = {};
	uint64_t last;

	if (!ifindex) {
		__atomic_store_n(&row->ifindex, 0, __ATOMIC_RELEASE);
		return;
	}
	memcpy(next.mac, dst_mac, 6);
	memcpy(next.mac + 6, src_mac, 6);
	last = (uint64_t)ifindex << 32 | next.mac_last;
	__atomic_store_n(&row->mac_first, next.mac_first, __ATOMIC_RELEASE);
	__atomic_store_n((uint64_t *)(void *)(row->mac + 8), last, __ATOMIC_RELEASE);
}

void dataplane_set_backend_flags(struct dataplane *dp, uint16_t id, uint8_t flags,
				 uint16_t deadline)
{
	struct lb_backend *row = &dp->tables.backends[id];

	/* the deadline first: an agent that dies in between leaves no flag without one */
	__atomic_store_n(&row->drain_deadline, deadline, __ATOMIC_RELEASE);
	__atomic_store_n(&row->flags, flags, __ATOMIC_RELEASE);
}

void dataplane_bump_generation(struct dataplane *dp, uint16_t id)
{
	struct lb_backend *row = &dp->tables.backends[id];

	/* alive again: nobody counts for a dead generation any more (docs/slots.md, "Counting") */
	if (row->generation & 1)
		__atomic_store_n(&dp->tables.loads[id].live, 0, __ATOMIC_RELEASE);
	/* sequentially consistent: whatever is written to slots after this is seen after it */
	__atomic_store_n(&row->generation, (uint16_t)(row->generation + 1), __ATOMIC_SEQ_CST);
}

static void zero_counters(struct dataplane *dp, uint16_t id)
{
	int cpus = libbpf_num_possible_cpus();
	AUTO_FREE struct lb_be_stats *zero = NULL;
	uint32_t key = id;

	if (cpus <= 0)
		return;
	zero = calloc((size_t)cpus, sizeof(*zero));
	if (zero)
		bpf_map_update_elem(dp->map_fd[MAP_BE_STATS], &key, zero, BPF_ANY);
}

void dataplane_del_backend(struct dataplane *dp, uint16_t id)
{
	struct lb_backend *row = &dp->tables.backends[id];

	del_reply(dp, id, row);
	__atomic_store_n(&row->service, 0, __ATOMIC_RELEASE);
	__atomic_store_n(&row->ifindex, 0, __ATOMIC_RELEASE);
	*row = (struct lb_backend) { .generation = row->generation };
	dp->tables.loads[id] = (struct lb_load) {};
	dp->tables.memos[id] = (struct lb_memo) {};
	zero_counters(dp, id);
}
