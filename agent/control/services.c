/* SPDX-License-Identifier: GPL-2.0-only */
/* Rows of services: made, adopted, changed, removed. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "control/state.h"
#include "model/addr.h"

static struct lb_service key_of(const struct model_service *model)
{
	return (struct lb_service) {
		.vip = model->vip,
		.port = htons((uint16_t)model->port),
		.proto = model->proto,
		.family = (uint8_t)addr_family(&model->vip),
	};
}

static uint8_t flags_of(const struct model_service *model)
{
	uint8_t flags = 0;

	if (model_service_is_tracked(model))
		flags |= LB_SVC_TRACKED;
	if (model_service_is_masked(model))
		flags |= LB_SVC_MASKED;
	if (!model_scheduler_is_hash(model->scheduler))
		flags |= LB_SVC_PICKED;
	if (model_service_is_sampled(model))
		flags |= LB_SVC_SAMPLED;
	if (model_service_is_quic(model))
		flags |= LB_SVC_QUIC;
	return flags;
}

static struct lb_service row_of(const struct control *ctl, const struct model_service *model)
{
	struct lb_service row = key_of(model);
	uint64_t mask_hi, mask_lo;

	row.forward = (uint8_t)model->forward;
	row.flags = flags_of(model);
	if (row.flags & LB_SVC_MASKED) {
		schedule_mask(model, &mask_hi, &mask_lo);
		row.mask_hi = mask_hi;
		row.mask_lo = mask_lo;
	}
	row.seed = dataplane_seed(ctl->dp, &row);
	return row;
}

/* What the slots and records of a service mean; masks, samples and ids may change under them. */
#define CLASS_FLAGS (LB_SVC_TRACKED | LB_SVC_PICKED)

static bool row_fits(const struct lb_service *row, const struct model_service *model)
{
	return row->forward == model->forward && row->table_size == model->table_size &&
	       (row->flags & CLASS_FLAGS) == (flags_of(model) & CLASS_FLAGS);
}

bool service_fits(const struct control_service *s, const struct model_service *model)
{
	return row_fits(&s->row, model);
}

const struct lb_service *service_pinned(const struct control *ctl,
					const struct model_service *model)
{
	struct lb_service key = key_of(model);

	return dataplane_find_service(ctl->dp, &key);
}

struct control_service *service_find(const struct control *ctl, const struct model_service *model)
{
	const struct lb_service *row = service_pinned(ctl, model);

	return row ? ctl->by_service_id[row->id % LB_SERVICE_IDS] : NULL;
}

/* ---- made and adopted ----------------------------------------------------- */

void service_free(struct control *ctl, struct control_service *s)
{
	for (size_t i = 0; i < s->backend_count; i++)
		backend_release(ctl, s->backends[i]);
	free(s->backends);
	free(s->wanted);
	free(s->target);
	free(s->memory);
	free(s->groups);
	free(s);
}

static struct control_service *service_new(const struct model_service *model,
					   const struct lb_service *row)
{
	struct control_service *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->model = model;
	s->row = *row;
	s->wanted = calloc(row->table_size, sizeof(*s->wanted));
	s->target = calloc(row->table_size, sizeof(*s->target));
	s->memory = calloc(row->table_size, sizeof(*s->memory));
	s->is_dirty = true;
	if (s->wanted && s->target && s->memory)
		return s;
	free(s->wanted);
	free(s->target);
	free(s->memory);
	free(s);
	return NULL;
}

static void forget_backends(struct control *ctl, struct control_service *s)
{
	for (size_t i = 0; i < s->backend_count; i++)
		backend_forget(ctl, s->backends[i]);
	s->backend_count = 0;
}

int service_create(struct control *ctl, const struct model_service *model,
		   struct control_service **out)
{
	struct lb_service row = row_of(ctl, model);
	struct control_service *s;
	int err = -ENOSPC;

	row.id = dataplane_new_service_id(ctl->dp);
	if (!row.id)
		return -ENOSPC;
	row.table_size = model->table_size;
	err = dataplane_alloc_slots(ctl->dp, row.table_size, &row.table_base);
	if (err)
		return err;
	s = service_new(model, &row);
	if (!s) {
		err = -ENOMEM;
		goto undo_slots;
	}
	control_set_times(ctl, s);
	for (size_t i = 0; i < model->backend_count && !err; i++)
		err = backend_create(ctl, s, &model->backends[i]);
	if (err)
		goto undo_service;
	schedule_put(ctl, s);
	s->is_held = true;
	*out = s;
	return 0;

undo_service:
	forget_backends(ctl, s);
	service_free(ctl, s);
undo_slots:
	dataplane_free_slots(ctl->dp, row.table_base, row.table_size);
	return err;
}

int service_adopt(struct control *ctl, const struct model_service *model,
		  const struct lb_service *row, const struct control_pinned *pinned,
		  struct control_service **out)
{
	struct control_service *s;
	struct lb_schedule adopted;
	int err = 0;

	if (!row_fits(row, model))
		return -ESTALE;
	s = service_new(model, row);
	if (!s)
		return -ENOMEM;
	for (uint16_t id = pinned->first[row->id % LB_SERVICE_IDS]; id && !err;
	     id = pinned->next[id])
		err = backend_adopt(ctl, s, id);
	for (size_t i = 0; i < model->backend_count && !err; i++) {
		const struct model_backend *b = &model->backends[i];

		if (!backend_find(s, &b->address, b->port))
			err = backend_create(ctl, s, b);
	}
	if (err) { /* what is pinned stays as it is */
		service_free(ctl, s);
		return err;
	}
	s->timers = dataplane_get_timers(ctl->dp, row->id); /* shorter ones must wait */
	control_set_times(ctl, s);
	s->is_filled = true;
	s->answered_ms =
		control_monotonic_ms(); /* the averages that are recalled were of answers */
	adopted = dataplane_get_schedule(ctl->dp, row->id);
	s->schedule.cycle = adopted.cycle;
	s->schedule.quic_length = adopted.quic_length;
	s->schedule.quic_config = adopted.quic_config;
	*out = s;
	return 0;
}

/* ---- removed and changed -------------------------------------------------- */

void service_discard(struct control *ctl, struct control_service *s)
{
	if (ctl->by_service_id[s->row.id] == s)
		ctl->by_service_id[s->row.id] = NULL;
	if (s->row.flags & LB_SVC_QUIC)
		servers_forget(ctl, s->row.id);
	forget_backends(ctl, s);
	dataplane_free_slots(ctl->dp, s->row.table_base, s->row.table_size);
	service_free(ctl, s);
}

void service_remove(struct control *ctl, struct control_service *s)
{
	dataplane_del_service(ctl->dp, &s->row);
	service_discard(ctl, s);
}

static bool groups_equal(const struct model_group *a, const struct model_group *b)
{
	return !strcmp(a->name, b->name) && a->priority == b->priority && a->weight == b->weight &&
	       a->is_backup == b->is_backup;
}

/* Whether the same backends, as healthy as they are, get the same weights under both. */
static bool policies_equal(const struct model_service *a, const struct model_service *b)
{
	if (a->scheduler != b->scheduler || a->group_count != b->group_count ||
	    a->spill_percent != b->spill_percent || a->is_adaptive != b->is_adaptive ||
	    a->agent_check.port != b->agent_check.port)
		return false;
	for (size_t i = 0; i < a->group_count; i++) {
		if (!groups_equal(&a->groups[i], &b->groups[i]))
			return false;
	}
	return true;
}

bool service_hashes_as(const struct control_service *s, const struct model_service *model)
{
	const struct model_service *was = s->model;
	bool is_masked = model_service_is_masked(model);

	if (is_masked != model_service_is_masked(was))
		return false;
	return !is_masked || addr_is_v4(&model->vip) ||
	       was->source_prefix6 == model->source_prefix6;
}

bool service_weighs_as(const struct control_service *s, const struct model_service *model)
{
	size_t staying = 0;

	for (size_t i = 0; i < s->backend_count; i++)
		staying += !s->backends[i]->is_leaving;
	if (staying != model->backend_count)
		return false;
	for (size_t i = 0; i < model->backend_count; i++) {
		const struct model_backend *mb = &model->backends[i];
		const struct control_backend *b = backend_find(s, &mb->address, mb->port);

		if (!b || b->is_leaving || b->weight != mb->weight || b->group != mb->group ||
		    b->is_draining != (mb->drain || !mb->weight))
			return false;
	}
	return policies_equal(s->model, model);
}

/* A row's masks, samples and ids change under the packets; the schedule is there before its flag.
 */
static void update_row(struct control *ctl, struct control_service *s)
{
	const struct lb_service *live;
	struct lb_service row = row_of(ctl, s->model);

	row.id = s->row.id;
	row.table = s->row.table;
	s->row.flags |= row.flags;
	schedule_put(ctl, s);
	live = dataplane_find_service(ctl->dp, &row);
	if (live && memcmp(&row, live, sizeof(row)) != 0)
		dataplane_put_service(ctl->dp, &row);
	s->row = row;
}

/* Its connections go by the hash from now on, as those without a known id did. */
static void servers_drop_all(struct control *ctl, struct control_service *s)
{
	servers_forget(ctl, s->row.id);
	for (size_t i = 0; i < s->backend_count; i++)
		s->backends[i]->has_server_id = false;
}

static void update_groups(struct control_service *s)
{
	size_t count = s->model->group_count;

	free(s->groups);
	s->groups = count ? calloc(count, sizeof(*s->groups)) : NULL;
	s->group_count = s->groups ? count : 0;
}

void service_update(struct control *ctl, struct control_service *s,
		    const struct model_service *model)
{
	bool was_quic = s->row.flags & LB_SVC_QUIC;

	s->is_dirty |= !service_weighs_as(s, model);
	s->model = model;
	control_set_times(ctl, s);
	if (model_service_is_quic(model))
		servers_put(ctl, s, model);
	update_row(ctl, s);
	update_groups(s);
	s->is_news = true; /* s->groups is empty */
	for (size_t i = 0; i < s->backend_count; i++)
		s->backends[i]->is_kept = false;
	for (size_t i = 0; i < model->backend_count; i++) {
		const struct model_backend *mb = &model->backends[i];
		struct control_backend *b = backend_find(s, &mb->address, mb->port);

		if (!b)
			continue;
		b->is_kept = true;
		backend_update(ctl, s, b, mb);
	}
	for (size_t i = 0; i < s->backend_count; i++) {
		if (!s->backends[i]->is_kept)
			backend_leave(ctl, s, s->backends[i]);
	}
	if (model_service_is_quic(model))
		servers_keep(ctl, s);
	else if (was_quic)
		servers_drop_all(ctl, s);
}
