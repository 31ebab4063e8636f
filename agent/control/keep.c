/* SPDX-License-Identifier: GPL-2.0-only */
/* What the file leaves open stays as it runs. */
#include <string.h>

#include "control/state.h"

#define SLOTS_AT_LEAST (1U << 20)
#define SLOTS_AT_MOST  (1U << 26) /* as max_slots: */

struct dataplane_features config_features(const struct model_config *config)
{
	struct dataplane_features f = {};

	for (size_t i = 0; i < config->service_count; i++) {
		const struct model_service *s = &config->services[i];

		f.has_nat |= s->forward == LB_FORWARD_NAT;
		f.has_masks |= model_service_is_masked(s);
		f.has_picks |= !model_scheduler_is_hash(s->scheduler);
		f.has_counts |= s->scheduler == SCHEDULER_LEAST_CONN ||
				s->scheduler == SCHEDULER_LEAST_RESPONSE;
		f.has_affinity |= s->affinity_ms != 0;
		f.has_samples |= model_service_is_sampled(s);
		f.has_quic |= model_service_is_quic(s);
	}
	return f;
}

struct dataplane_features features_union(const struct dataplane_features *a,
					 const struct dataplane_features *b)
{
	return (struct dataplane_features) {
		.has_nat = a->has_nat || b->has_nat,
		.has_masks = a->has_masks || b->has_masks,
		.has_picks = a->has_picks || b->has_picks,
		.has_counts = a->has_counts || b->has_counts,
		.has_affinity = a->has_affinity || b->has_affinity,
		.has_samples = a->has_samples || b->has_samples,
		.has_quic = a->has_quic || b->has_quic,
	};
}

/* As much again as is needed: a table that is replaced lives beside its successor for a moment. */
unsigned config_default_slots(const struct model_config *config)
{
	uint64_t slots = 2 * model_slots_needed(config);

	if (slots < SLOTS_AT_LEAST)
		return SLOTS_AT_LEAST;
	return slots < SLOTS_AT_MOST ? (unsigned)slots : SLOTS_AT_MOST;
}

static unsigned flows_of(const struct lb_node *node)
{
	return node->flow4_sets * LB_FLOW_WAYS;
}

void config_note_node(struct control *ctl)
{
	const struct lb_node *node = dataplane_node(ctl->dp);
	struct model_config *running = ctl->config;

	running->max_slots = node->max_slots;
	running->max_flows = flows_of(node);
	running->max_affinities = node->max_affinities;
	running->has_hash_key = true;
	memcpy(running->hash_key, node->hash_key, sizeof(running->hash_key));
}

/* A table that runs goes on, as long as each backend can have a slot of it. */
static void keep_table_size(const struct control *ctl, struct model_service *service)
{
	const struct lb_service *row = service_pinned(ctl, service);

	if (row && !service->has_table_size && row->table_size >= service->backend_count)
		service->table_size = row->table_size;
}

void config_keep(const struct control *ctl, struct model_config *next)
{
	const struct lb_node *node = dataplane_node(ctl->dp);
	unsigned flows = flows_of(node);

	for (size_t i = 0; i < next->service_count; i++)
		keep_table_size(ctl, &next->services[i]);
	if (!next->max_slots)
		next->max_slots = node->max_slots;
	/* sets are made in powers of two: what comes to as many is the same */
	if (!next->max_flows || (next->max_flows <= flows && next->max_flows > flows / 2))
		next->max_flows = flows;
	if (!next->max_affinities)
		next->max_affinities = node->max_affinities;
	if (!next->has_hash_key) {
		next->has_hash_key = true;
		memcpy(next->hash_key, node->hash_key, sizeof(next->hash_key));
	}
}
