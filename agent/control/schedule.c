/* SPDX-License-Identifier: GPL-2.0-only */
/* A service's table as its scheduler wants it, and the row that tells packets how to use it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "control/state.h"
#include "model/addr.h"
#include "plan/maglev.h"
#include "plan/wrr.h"

#define SAMPLE_DEFAULT 64
#define SAMPLE_RESPONSE                                                                            \
	8 /* least_response without passive detection: its times come from these                   \
	   */

/* ---- the table ---------------------------------------------------------------- */

static int build(enum model_scheduler scheduler, const struct maglev_backend *be, size_t n,
		 uint16_t *out, uint32_t size, uint32_t *cycle)
{
	switch (scheduler) {
	case SCHEDULER_ROUND_ROBIN:
		return wrr_build(be, n, out, size, cycle);
	case SCHEDULER_LEAST_CONN:
	case SCHEDULER_LEAST_RESPONSE:
		return least_build(be, n, out, size, cycle);
	default:
		*cycle = size;
		return maglev_build(be, n, out, size);
	}
}

int schedule_build(enum model_scheduler scheduler, const struct maglev_backend *be, size_t n,
		   uint16_t *out, uint32_t size, uint32_t *cycle)
{
	int err = build(scheduler, be, n, out, size, cycle);

	if (err != -ENOENT)
		return err;
	memset(out, 0, size * sizeof(*out));
	*cycle = 0;
	return 0;
}

int service_build(struct control_service *s)
{
	struct maglev_backend *be = calloc(s->backend_count + 1, sizeof(*be));
	int err;

	if (!be)
		return -ENOMEM;
	for (size_t i = 0; i < s->backend_count; i++) {
		const struct control_backend *b = s->backends[i];

		be[i] = (struct maglev_backend) {
			.address = b->address,
			.port = (uint16_t)b->port,
			.id = b->id,
			.weight = b->effective,
		};
	}
	err = schedule_build(s->model->scheduler, be, s->backend_count, s->wanted,
			     s->row.table_size, &s->cycle);
	if (!err)
		s->digest_target =
			maglev_digest(be, s->backend_count, s->wanted, s->row.table_size);
	free(be);
	return err;
}

/* ---- the row -------------------------------------------------------------------- */

/* How many bits of @prefix lie in the half that begins at bit @first; network order. */
static uint64_t mask_half(unsigned prefix, unsigned first)
{
	unsigned bits = prefix <= first ? 0 : prefix - first < 64 ? prefix - first : 64;

	return bits ? __builtin_bswap64(~0ULL << (64 - bits)) : 0;
}

void schedule_mask(const struct model_service *model, uint64_t *mask_hi, uint64_t *mask_lo)
{
	bool is_whole = addr_is_v4(&model->vip) || !model->source_prefix6;
	unsigned prefix = is_whole ? 128 : model->source_prefix6;

	*mask_hi = mask_half(prefix, 0);
	*mask_lo = mask_half(prefix, 64);
}

static uint8_t pick_of(const struct model_service *model, uint32_t cycle)
{
	if (model->scheduler == SCHEDULER_ROUND_ROBIN)
		return LB_PICK_TURN;
	return cycle <= LB_LEAST_EXACT ? LB_PICK_LEAST : LB_PICK_DRAW;
}

static unsigned sample_of(const struct model_service *model)
{
	unsigned sample = model->passive.sample ? model->passive.sample : SAMPLE_DEFAULT;

	return model->passive.is_on || sample < SAMPLE_RESPONSE ? sample : SAMPLE_RESPONSE;
}

static struct lb_schedule schedule_of(const struct control *ctl, const struct control_service *s,
				      uint32_t cycle)
{
	const struct model_service *model = s->model;
	struct lb_schedule row = {
		.cycle = cycle,
		.affinity = model->affinity_ms ? dataplane_units(ctl->dp, model->affinity_ms) : 0,
		.is_sampled = model_service_is_sampled(model),
		.pick = pick_of(model, cycle),
		.draws = (uint8_t)(model->draws ? model->draws : 2),
	};
	uint64_t mask_hi, mask_lo;

	/* a service that was quic until now keeps them until its row says so */
	row.quic_length = s->schedule.quic_length;
	row.quic_config = s->schedule.quic_config;
	if (model_service_is_quic(model)) {
		row.quic_length = (uint8_t)model->quic.server_id_length;
		row.quic_config = (uint8_t)model->quic.config;
	}
	if (row.is_sampled)
		row.sample_mask = sample_of(model) - 1;
	schedule_mask(model, &mask_hi, &mask_lo);
	row.mask_hi = mask_hi;
	row.mask_lo = mask_lo;
	return row;
}

static void put(struct control *ctl, struct control_service *s, uint32_t cycle)
{
	struct lb_schedule row = schedule_of(ctl, s, cycle);

	if (s->has_schedule && !memcmp(&row, &s->schedule, sizeof(row)))
		return;
	dataplane_put_schedule(ctl->dp, s->row.id, &row);
	s->schedule = row;
	s->has_schedule = true;
}

void schedule_put(struct control *ctl, struct control_service *s)
{
	if (s->row.flags & (LB_SVC_PICKED | LB_SVC_SAMPLED | LB_SVC_QUIC))
		put(ctl, s, s->schedule.cycle);
}

void schedule_before_slots(struct control *ctl, struct control_service *s)
{
	if ((s->row.flags & LB_SVC_PICKED) && s->cycle < s->schedule.cycle)
		put(ctl, s, s->cycle);
}

void schedule_after_slots(struct control *ctl, struct control_service *s)
{
	if (s->row.flags & LB_SVC_PICKED)
		put(ctl, s, s->cycle);
}
