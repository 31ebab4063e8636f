/* SPDX-License-Identifier: GPL-2.0-only */
/* Counters, summed over CPUs, and the records. */
#include "dataplane/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "model/cleanup.h"

#define BATCH 256

static void add_cpus(struct lb_be_stats *sum, const struct lb_be_stats *cpus, int count)
{
	struct lb_be_stats total = {};

	for (int i = 0; i < count; i++) {
		total.packets += cpus[i].packets;
		total.bytes += cpus[i].bytes;
		total.connections += cpus[i].connections;
		total.replies += cpus[i].replies;
		total.reply_bytes += cpus[i].reply_bytes;
	}
	*sum = total;
}

static int read_batches(int fd, uint32_t rows, int cpus, struct lb_be_stats *values,
			struct lb_be_stats *out)
{
	uint32_t keys[BATCH] = {}, position = 0, done = 0;
	int err = 0;

	while (!err && done < rows) {
		uint32_t count = BATCH;

		err = bpf_map_lookup_batch(fd, done ? &position : NULL, &position, keys, values,
					   &count, NULL);
		if (err && err != -ENOENT) /* ENOENT: the last batch, and it counts */
			return err;
		for (uint32_t i = 0; i < count; i++)
			add_cpus(&out[keys[i]], values + (size_t)i * (size_t)cpus, cpus);
		done += count;
	}
	return 0;
}

static int read_singly(int fd, uint32_t rows, int cpus, struct lb_be_stats *values,
		       struct lb_be_stats *out)
{
	for (uint32_t id = 0; id < rows; id++) {
		int err = bpf_map_lookup_elem(fd, &id, values);

		if (err)
			return err;
		add_cpus(&out[id], values, cpus);
	}
	return 0;
}

int dataplane_read_stats(struct dataplane *dp, struct lb_be_stats *out)
{
	int err, cpus = libbpf_num_possible_cpus();
	AUTO_FREE struct lb_be_stats *values = NULL;
	uint32_t rows = dp->ids; /* nothing is counted above */

	if (cpus <= 0)
		return cpus ? cpus : -EINVAL;
	values = calloc((size_t)BATCH * (size_t)cpus, sizeof(*values));
	if (!values)
		return -ENOMEM;
	memset(out, 0, sizeof(*out) * LB_MAX_BACKENDS);
	err = read_batches(dp->map_fd[MAP_BE_STATS], rows, cpus, values, out);
	if (err) /* a kernel whose per-CPU arrays have no batches */
		err = read_singly(dp->map_fd[MAP_BE_STATS], rows, cpus, values, out);
	return err;
}

int dataplane_read_reasons(struct dataplane *dp, uint64_t *out)
{
	int err, cpus = libbpf_num_possible_cpus();
	AUTO_FREE struct lb_reason_counts *values = NULL;
	struct lb_reason_counts total = {};
	uint32_t key = 0;

	if (cpus <= 0)
		return cpus ? cpus : -EINVAL;
	values = calloc((size_t)cpus, sizeof(*values));
	if (!values)
		return -ENOMEM;
	err = bpf_map_lookup_elem(dp->map_fd[MAP_REASONS], &key, values);
	if (err)
		return err;
	for (int cpu = 0; cpu < cpus; cpu++) {
		for (unsigned i = 0; i < LB_REASON_COUNT; i++)
			total.by_reason[i] += values[cpu].by_reason[i];
	}
	memcpy(out, total.by_reason, sizeof(total.by_reason));
	return 0;
}

static uint32_t sweep_clock(void *arg)
{
	return dataplane_clock(arg);
}

void dataplane_sweep(struct dataplane *dp, struct dataplane_flows *out)
{
	const struct sweep sweep = {
		.flows4 = dp->flows4,
		.flows6 = dp->flows6,
		.sets4 = dp->node.flow4_sets,
		.sets6 = dp->node.flow6_sets,
		.backends = dp->tables.backends,
		.timers = dp->tables.timers,
		.slack = dp->tuning.slack,
		.loads = dp->tuning.features.has_counts ? dp->tables.loads : NULL,
		.counts = dp->count_memory,
		.ids = dp->ids,
		.is_first = !dp->is_counted,
		.clock = sweep_clock,
		.arg = dp,
	};
	struct sweep_span span = { .began = dataplane_clock(dp), .slack = dp->tuning.slack };
	bool hop_seen[LB_MAX_HOPS] = {};

	sweep_flows(&sweep, out, hop_seen);
	dp->corrections += out->corrected;
	dp->is_counted = dp->tuning.features.has_counts;
	span.ended = dataplane_clock(dp);
	sweep_hops(dp->tables.hops, dp->hop_memory, hop_seen, &span);
}

uint64_t dataplane_corrections(const struct dataplane *dp)
{
	return dp->corrections;
}
