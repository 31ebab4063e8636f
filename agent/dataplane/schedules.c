/* SPDX-License-Identifier: GPL-2.0-only */
/* What schedulers and samples share with the data path, and what one agent leaves to the next. */
#include "dataplane/internal.h"

void dataplane_put_schedule(struct dataplane *dp, uint16_t service,
			    const struct lb_schedule *schedule)
{
	struct lb_schedule *row = &dp->tables.schedules[service % LB_SERVICE_IDS];

	row->affinity = schedule->affinity;
	row->sample_mask = schedule->sample_mask;
	row->draws = schedule->draws;
	row->is_sampled = schedule->is_sampled;
	__atomic_store_n(&row->pick, schedule->pick, __ATOMIC_RELEASE);
	__atomic_store_n(&row->cycle, schedule->cycle, __ATOMIC_RELEASE);
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
