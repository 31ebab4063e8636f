/* SPDX-License-Identifier: GPL-2.0-only */
/* Rows of lb_services, their times, their slots. */
#include "dataplane/internal.h"

#include <errno.h>
#include <string.h>

#include <bpf/bpf.h>

#include "plan/slots.h"

const struct lb_service *dataplane_services(const struct dataplane *dp, size_t *rows)
{
	*rows = (size_t)LB_SERVICE_SETS * LB_SERVICE_WAYS;
	return dp->tables.services;
}

uint64_t dataplane_seed(const struct dataplane *dp, const struct lb_service *row)
{
	return lb_hash_addr(row->vip.halves[0], row->vip.halves[1], row->key_word,
			    dp->node.hash_key[1]);
}

_Static_assert(offsetof(struct lb_service, id) == 20, "one store, with what follows");
_Static_assert(offsetof(struct lb_service, forward) == 22, "one store, with id");
_Static_assert(offsetof(struct lb_service, flags) == 23, "one store, with id");

/*
 * A mask is of ones, then zeros, so one that grows takes the upper half first and one that
 * shrinks the lower: between the two stores stands /64, which is a prefix too.
 */
static void replace_mask(struct lb_service *to, const struct lb_service *from)
{
	int before = __builtin_popcountll(to->mask_hi) + __builtin_popcountll(to->mask_lo);
	int after = __builtin_popcountll(from->mask_hi) + __builtin_popcountll(from->mask_lo);

	if (after > before)
		__atomic_store_n(&to->mask_hi, from->mask_hi, __ATOMIC_RELEASE);
	__atomic_store_n(&to->mask_lo, from->mask_lo, __ATOMIC_RELEASE);
	__atomic_store_n(&to->mask_hi, from->mask_hi, __ATOMIC_RELEASE);
}

/*
 * A row in use: packets read it meanwhile, so what belongs together changes in one store. The
 * mask has two words more, which only flags give a meaning: it is there before MASKED is, and
 * goes after it. A packet in flight goes by the old hash, by the new one or by that of /64,
 * always to a slot of this service: no other connections are touched than those that another
 * hash moves anyway.
 */
static void replace(struct lb_service *to, const struct lb_service *from)
{
	const size_t at = offsetof(struct lb_service, id);
	uint32_t __attribute__((may_alias)) *kind = (void *)((char *)to + at);
	uint32_t next;

	memcpy(&next, (const char *)from + at, sizeof(next));
	__atomic_store_n(&to->seed, from->seed, __ATOMIC_RELEASE);
	if (from->flags & LB_SVC_MASKED)
		replace_mask(to, from);
	__atomic_store_n(&to->table, from->table, __ATOMIC_RELEASE);
	__atomic_store_n(kind, next, __ATOMIC_RELEASE);
	if (!(from->flags & LB_SVC_MASKED))
		replace_mask(to, from);
}

int dataplane_put_service(struct dataplane *dp, const struct lb_service *row)
{
	int64_t index;

	if (!row->family)
		return -EINVAL;
	index = keyed_find(&dp->services, &row->vip, row->key_word);
	if (index < 0)
		return keyed_put(&dp->services, row);
	replace(&dp->tables.services[index], row);
	return 0;
}

const struct lb_service *dataplane_find_service(const struct dataplane *dp,
						const struct lb_service *key)
{
	int64_t index = keyed_find(&dp->services, &key->vip, key->key_word);

	return index < 0 ? NULL : &dp->tables.services[index];
}

int dataplane_del_service(struct dataplane *dp, const struct lb_service *row)
{
	int64_t index = keyed_find(&dp->services, &row->vip, row->key_word);

	if (index < 0)
		return (int)index;
	keyed_clear(&dp->services, (uint32_t)index);
	return 0;
}

void dataplane_put_timers(struct dataplane *dp, uint16_t service, const struct lb_timers *timers)
{
	struct lb_timers *row = &dp->tables.timers[service % LB_SERVICE_IDS];

	__atomic_store_n(&row->handshake, timers->handshake, __ATOMIC_RELEASE);
	__atomic_store_n(&row->record, timers->record, __ATOMIC_RELEASE);
}

struct lb_timers dataplane_get_timers(const struct dataplane *dp, uint16_t service)
{
	return dp->tables.timers[service % LB_SERVICE_IDS];
}

/* ---- service ids: in turn, so that one comes back as late as can be ------- */

static bool is_id_used(const struct dataplane *dp, uint16_t id)
{
	for (size_t i = 0; i < (size_t)LB_SERVICE_SETS * LB_SERVICE_WAYS; i++) {
		if (dp->tables.services[i].key_word && dp->tables.services[i].id == id)
			return true;
	}
	for (size_t i = 0; i < LB_MAX_BACKENDS; i++) {
		if (dp->tables.backends[i].service == id)
			return true;
	}
	return false;
}

uint16_t dataplane_new_service_id(struct dataplane *dp)
{
	uint32_t key = 0;

	for (unsigned tries = 1; tries < LB_SERVICE_IDS; tries++) {
		uint32_t turn = dp->node.next_service_id++;
		uint16_t id = (uint16_t)(1 + turn % (LB_SERVICE_IDS - 1));

		/* ids of the first round were never given; afterwards look */
		if (turn >= LB_SERVICE_IDS - 1 && is_id_used(dp, id))
			continue;
		if (bpf_map_update_elem(dp->map_fd[MAP_NODE], &key, &dp->node, BPF_ANY))
			return 0;
		return id;
	}
	return 0;
}

/* ---- slots ----------------------------------------------------------------- */

const uint32_t *dataplane_words(const struct dataplane *dp)
{
	return dp->words;
}

const uint32_t *dataplane_stamps(const struct dataplane *dp)
{
	return dp->stamps;
}

bool dataplane_apply(struct dataplane *dp, uint32_t base, const struct slots_op *op)
{
	return slots_execute(op, dp->words + base, dp->stamps + base);
}

int dataplane_alloc_slots(struct dataplane *dp, uint32_t size, uint32_t *base)
{
	uint32_t first;
	int err;

	/* a packet that found the table's former owner may still be about to read a slot */
	if (dp->has_freed_slots) {
		err = grace_wait(dp);
		if (err)
			return err;
	}
	err = regions_take(&dp->regions, size, &first);
	if (err)
		return err;
	memset(dp->words + first, 0, size * sizeof(*dp->words));
	memset(dp->stamps + first, 0, size * sizeof(*dp->stamps));
	*base = first;
	return 0;
}

void dataplane_free_slots(struct dataplane *dp, uint32_t base, uint32_t size)
{
	(void)size;
	if (!regions_drop(&dp->regions, base))
		dp->has_freed_slots = true;
}
