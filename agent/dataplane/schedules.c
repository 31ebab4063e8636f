/* SPDX-License-Identifier: GPL-2.0-only */
/* What schedulers and samples share with the data path, and what one agent leaves to the next. */
#include "dataplane/internal.h"

#include <errno.h>
#include <string.h>

#include <bpf/bpf.h>

_Static_assert(offsetof(struct lb_schedule, cycle) == 8, "one store, with affinity");
_Static_assert(offsetof(struct lb_schedule, sample_mask) == 16, "one store, with pick and draws");

static uint64_t word_at(const void *row, size_t at)
{
	uint64_t word;

	memcpy(&word, (const char *)row + at, sizeof(word));
	return word;
}

static void store_at(void *row, size_t at, uint64_t word)
{
	uint64_t __attribute__((may_alias)) *to = (void *)((char *)row + at);

	__atomic_store_n(to, word, __ATOMIC_RELEASE);
}

/*
 * Packets read the row meanwhile. How to pick changes in one store and how far in another: one
 * that sees them mixed picks by the new way among the old number of slots, which are slots of
 * the service either way. Under a mixed mask a client is looked for that nobody remembers.
 */
void dataplane_put_schedule(struct dataplane *dp, uint16_t service,
			    const struct lb_schedule *schedule)
{
	const size_t how = offsetof(struct lb_schedule, sample_mask);
	const size_t how_far = offsetof(struct lb_schedule, cycle);
	struct lb_schedule *row = &dp->tables.schedules[service % LB_SERVICE_IDS];

	__atomic_store_n(&row->mask_hi, schedule->mask_hi, __ATOMIC_RELEASE);
	__atomic_store_n(&row->mask_lo, schedule->mask_lo, __ATOMIC_RELEASE);
	__atomic_store_n(&row->quic_config, schedule->quic_config, __ATOMIC_RELEASE);
	store_at(row, how, word_at(schedule, how));
	store_at(row, how_far, word_at(schedule, how_far));
}

struct lb_schedule dataplane_get_schedule(const struct dataplane *dp, uint16_t service)
{
	return dp->tables.schedules[service % LB_SERVICE_IDS];
}

int dataplane_put_quic_server(struct dataplane *dp, uint16_t service, uint64_t server_id,
			      uint16_t backend)
{
	struct lb_quic_key key = { .server_id = server_id, .service = service };
	uint32_t id = backend;

	return bpf_map_update_elem(dp->map_fd[MAP_QUIC_SERVERS], &key, &id, BPF_ANY);
}

int dataplane_keep_quic_servers(struct dataplane *dp, uint16_t service,
				bool (*keeps)(void *arg, uint64_t server_id, uint16_t backend),
				void *arg)
{
	int fd = dp->map_fd[MAP_QUIC_SERVERS], err;
	struct lb_quic_key key, next;
	uint32_t backend;

	err = bpf_map_get_next_key(fd, NULL, &next);
	while (!err) {
		key = next;
		err = bpf_map_get_next_key(fd, &key, &next); /* before the key goes */
		if (key.service != service || bpf_map_lookup_elem(fd, &key, &backend))
			continue;
		if (!keeps(arg, key.server_id, (uint16_t)backend))
			bpf_map_delete_elem(fd, &key);
	}
	return err == -ENOENT ? 0 : err;
}

const struct lb_load *dataplane_loads(const struct dataplane *dp)
{
	return dp->tables.loads;
}

void dataplane_set_cost(struct dataplane *dp, uint16_t id, uint32_t cost)
{
	__atomic_store_n(&dp->tables.loads[id % LB_MAX_BACKENDS].cost, cost, __ATOMIC_RELAXED);
}

const struct lb_sample *dataplane_samples(const struct dataplane *dp)
{
	return dp->tables.samples;
}

bool dataplane_fail_sample(struct dataplane *dp, uint32_t index, uint32_t word)
{
	struct lb_sample failed = { .word = word };

	failed.state = LB_SAMPLE_FAILED;
	return __atomic_compare_exchange_n(&dp->tables.samples[index % LB_MAX_SAMPLES].word, &word,
					   failed.word, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
}

const struct lb_memo *dataplane_memos(const struct dataplane *dp)
{
	return dp->tables.memos;
}

void dataplane_put_memo(struct dataplane *dp, uint16_t id, const struct lb_memo *memo)
{
	dp->tables.memos[id % LB_MAX_BACKENDS] = *memo;
}
