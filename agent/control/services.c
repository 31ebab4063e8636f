/* SPDX-License-Identifier: GPL-2.0-only */
/* Rows of services and backends: made, adopted, changed, removed. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/state.h"
#include "health/health.h"
#include "log.h"
#include "model/addr.h"
#include "net/net.h"

#define DEADLINE_SHIFT 4 /* of lb_backend.drain_deadline: clock units >> 4 */

static struct lb_service row_of(const struct control *ctl, const struct model_service *model)
{
	struct lb_service row = {
		.vip = model->vip,
		.port = htons((uint16_t)model->port),
		.proto = model->proto,
		.family = (uint8_t)addr_family(&model->vip),
		.forward = (uint8_t)model->forward,
		.flags = model_service_is_tracked(model) ? LB_SVC_TRACKED : 0,
	};

	row.seed = dataplane_seed(ctl->dp, &row);
	return row;
}

bool service_fits(const struct control_service *s, const struct model_service *model)
{
	return s->row.forward == model->forward && s->row.table_size == model->table_size &&
	       !!(s->row.flags & LB_SVC_TRACKED) == model_service_is_tracked(model);
}

struct control_service *service_find(const struct control *ctl, const struct model_service *model)
{
	for (size_t i = 0; i < ctl->service_count; i++) {
		const struct lb_service *row = &ctl->services[i]->row;

		if (row->port == htons((uint16_t)model->port) && row->proto == model->proto &&
		    !addr_compare(&row->vip, &model->vip))
			return ctl->services[i];
	}
	return NULL;
}

struct control_backend *backend_find(const struct control_service *s, const struct lb_addr *address,
				     unsigned port)
{
	for (size_t i = 0; i < s->backend_count; i++) {
		struct control_backend *b = s->backends[i];

		if (b->port == port && !addr_compare(&b->address, address))
			return b;
	}
	return NULL;
}

/* ---- backends ------------------------------------------------------------ */

/* Ids are given in turn, so that one comes back late. */
static uint16_t free_backend_id(struct control *ctl)
{
	const struct lb_backend *rows = dataplane_backends(ctl->dp);
	uint16_t id = ctl->last_backend_id;

	for (unsigned tries = 1; tries < LB_MAX_BACKENDS; tries++) {
		id = id + 1 < LB_MAX_BACKENDS ? id + 1 : 1;
		if (!rows[id].service && !ctl->by_id[id]) {
			ctl->last_backend_id = id;
			return id;
		}
	}
	return 0;
}

static void bump(struct control *ctl, uint16_t id)
{
	dataplane_bump_generation(ctl->dp, id);
	ctl->generations[id] = dataplane_backends(ctl->dp)[id].generation;
}

static int backend_attach(struct control *ctl, struct control_service *s, struct control_backend *b)
{
	struct control_backend **grown;

	grown = realloc(s->backends, (s->backend_count + 1) * sizeof(struct control_backend *));
	if (!grown)
		return -ENOMEM;
	s->backends = grown;
	s->backends[s->backend_count++] = b;
	ctl->by_id[b->id] = b;
	ctl->service_of[b->id] = s;
	ctl->generations[b->id] = dataplane_backends(ctl->dp)[b->id].generation;
	return 0;
}

static struct control_backend *backend_new(const struct lb_addr *address, unsigned port,
					   const char *name)
{
	struct control_backend *b = calloc(1, sizeof(*b));

	if (!b)
		return NULL;
	b->name = strdup(name);
	b->address = *address;
	b->port = port;
	b->since_ms = control_realtime_ms();
	snprintf(b->reason, sizeof(b->reason), "waiting for the first probe");
	snprintf(b->hop_reason, sizeof(b->hop_reason), "next hop not looked up yet");
	if (b->name)
		return b;
	free(b);
	return NULL;
}

static void backend_free(struct control_backend *b)
{
	free(b->name);
	free(b);
}

int backend_create(struct control *ctl, struct control_service *s,
		   const struct model_backend *model)
{
	uint16_t id = free_backend_id(ctl);
	struct lb_backend row = {
		.address = model->address,
		.vip = s->row.vip,
		.port = htons((uint16_t)model->port),
		.vip_port = s->row.port,
		.service = s->row.id,
		.proto = s->row.proto,
	};
	struct control_backend *b;
	int err;

	if (!id)
		return -ENOSPC;
	b = backend_new(&model->address, model->port, model->name);
	if (!b)
		return -ENOMEM;
	b->id = id;
	if (!(dataplane_backends(ctl->dp)[id].generation & 1))
		bump(ctl, id); /* dead until it is said to live */
	err = dataplane_put_backend(ctl->dp, id, &row, s->row.seed,
				    s->row.forward == LB_FORWARD_NAT);
	if (!err) {
		err = backend_attach(ctl, s, b);
		if (err)
			dataplane_del_backend(ctl->dp, id);
	}
	if (err) {
		backend_free(b);
		return err;
	}
	b->unnamed_since = dataplane_clock(ctl->dp) - control_bound(ctl) - 1; /* never named */
	b->weight = model->weight;
	b->wants_drain = model->drain || !model->weight;
	return 0;
}

static int backend_adopt(struct control *ctl, struct control_service *s, uint16_t id,
			 const struct lb_backend *row)
{
	char text[ADDR_PORT_STRLEN];
	struct control_backend *b;
	uint32_t now = dataplane_clock(ctl->dp);
	int err;

	addr_format_port(&row->address, ntohs(row->port), text);
	b = backend_new(&row->address, ntohs(row->port), text);
	if (!b)
		return -ENOMEM;
	b->id = id;
	err = backend_attach(ctl, s, b);
	if (err) {
		backend_free(b);
		return err;
	}
	b->is_decided = true;
	b->is_healthy = !(row->generation & 1); /* alive = parity of the generation */
	b->unnamed_since = now;			/* d anew */
	b->weight = 1;				/* the configuration says, or it leaves */
	b->is_leaving = row->flags & LB_BE_LEAVING;
	b->wants_drain = row->flags & (LB_BE_DRAINING | LB_BE_LEAVING);
	if (row->drain_deadline) {
		int16_t ahead = (int16_t)(row->drain_deadline - (uint16_t)(now >> DEADLINE_SHIFT));

		b->has_deadline = true;
		b->deadline = now + (uint32_t)((int32_t)ahead * (1 << DEADLINE_SHIFT));
	}
	snprintf(b->reason, sizeof(b->reason), "adopted");
	return 0;
}

static void keep_counters(struct control *ctl, struct control_service *s, uint16_t id)
{
	const struct lb_be_stats *all = control_stats(ctl);

	if (!all)
		return;
	s->removed.packets += all[id].packets;
	s->removed.bytes += all[id].bytes;
	s->removed.connections += all[id].connections;
	s->removed.replies += all[id].replies;
	s->removed.reply_bytes += all[id].reply_bytes;
}

static void backend_forget(struct control *ctl, struct control_backend *b)
{
	if (b->is_probed)
		health_remove(ctl->health, b->id);
	if (b->is_watched)
		net_unwatch(ctl->net, b->id);
	ctl->by_id[b->id] = NULL;
	ctl->service_of[b->id] = NULL;
	if (!(dataplane_backends(ctl->dp)[b->id].generation & 1))
		bump(ctl, b->id);
	dataplane_del_backend(ctl->dp, b->id);
	backend_free(b);
}

void backend_remove(struct control *ctl, struct control_service *s, struct control_backend *b)
{
	for (size_t i = 0; i < s->backend_count; i++) {
		if (s->backends[i] != b)
			continue;
		memmove(&s->backends[i], &s->backends[i + 1],
			(s->backend_count - i - 1) * sizeof(struct control_backend *));
		s->backend_count--;
		break;
	}
	keep_counters(ctl, s, b->id);
	backend_forget(ctl, b);
}

/* A service without probes takes its backends as they are. */
static void observe_without_probe(struct control *ctl, struct control_backend *b)
{
	if (b->is_probed)
		health_remove(ctl->health, b->id);
	b->is_probed = false;
	b->is_decided = true;
	b->is_healthy = true;
	snprintf(b->reason, sizeof(b->reason), "no health check");
}

void backend_observe(struct control *ctl, struct control_service *s, struct control_backend *b)
{
	const struct model_health *check = &s->model->health;
	bool is_alive = !(ctl->generations[b->id] & 1);
	int initial = b->is_decided ? (is_alive ? 1 : -1) : s->model->init_up ? 1 : 0;
	int err;

	if (!b->is_watched) {
		err = net_watch(ctl->net, b->id, &b->address);
		b->is_watched = !err;
		if (err)
			log_error("next hop not watched service=%s backend=%s error=\"%s\"",
				  s->model->name, b->name, strerror(-err));
	}
	if (check->type == PROBE_NONE) {
		observe_without_probe(ctl, b);
		return;
	}
	err = health_set(ctl->health, b->id, &b->address, b->port, check, initial);
	if (err) {
		log_error("not probed service=%s backend=%s error=\"%s\"", s->model->name, b->name,
			  strerror(-err));
		return;
	}
	if (!b->is_probed && s->model->init_up && !b->is_decided) {
		b->is_decided = true;
		b->is_healthy = true;
		snprintf(b->reason, sizeof(b->reason), "init: up, not probed yet");
	}
	b->is_probed = true;
}

/* ---- services ------------------------------------------------------------ */

static void service_free(struct control_service *s)
{
	free(s->backends);
	free(s->target);
	free(s->memory);
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
	s->target = calloc(row->table_size, sizeof(*s->target));
	s->memory = calloc(row->table_size, sizeof(*s->memory));
	s->is_dirty = true;
	if (s->target && s->memory)
		return s;
	service_free(s);
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
	s->is_held = true;
	*out = s;
	return 0;

undo_service:
	forget_backends(ctl, s);
	service_free(s);
undo_slots:
	dataplane_free_slots(ctl->dp, row.table_base, row.table_size);
	return err;
}

int service_adopt(struct control *ctl, const struct model_service *model,
		  const struct lb_service *row, struct control_service **out)
{
	const struct lb_backend *rows = dataplane_backends(ctl->dp);
	struct control_service *s = service_new(model, row);
	int err = 0;

	if (!s)
		return -ENOMEM;
	if (!service_fits(s, model)) {
		service_free(s);
		return -ESTALE;
	}
	for (unsigned id = 1; id < LB_MAX_BACKENDS && !err; id++) {
		if (rows[id].service == row->id)
			err = backend_adopt(ctl, s, (uint16_t)id, &rows[id]);
	}
	for (size_t i = 0; i < model->backend_count && !err; i++) {
		const struct model_backend *b = &model->backends[i];

		if (!backend_find(s, &b->address, b->port))
			err = backend_create(ctl, s, b);
	}
	if (err) { /* what is pinned stays as it is */
		for (size_t i = 0; i < s->backend_count; i++)
			ctl->by_id[s->backends[i]->id] = NULL;
		service_free(s);
		return err;
	}
	control_set_times(ctl, s);
	*out = s;
	return 0;
}

void service_discard(struct control *ctl, struct control_service *s)
{
	forget_backends(ctl, s);
	dataplane_free_slots(ctl->dp, s->row.table_base, s->row.table_size);
	service_free(s);
}

void service_remove(struct control *ctl, struct control_service *s)
{
	dataplane_del_service(ctl->dp, &s->row);
	service_discard(ctl, s);
}

static void set_drain(struct control *ctl, struct control_service *s, struct control_backend *b,
		      bool wants_drain, bool is_leaving)
{
	uint8_t flags = is_leaving ? LB_BE_LEAVING : wants_drain ? LB_BE_DRAINING : 0;
	uint16_t deadline = 0;

	if (wants_drain && !b->wants_drain) {
		b->has_deadline = s->model->drain_timeout_ms != 0;
		b->deadline = dataplane_clock(ctl->dp) +
			      dataplane_units(ctl->dp, s->model->drain_timeout_ms);
	} else if (!wants_drain) {
		b->has_deadline = false;
	}
	b->wants_drain = wants_drain;
	b->is_leaving = is_leaving;
	if (b->has_deadline) {
		deadline = (uint16_t)(b->deadline >> DEADLINE_SHIFT);
		deadline += !deadline; /* 0 means none */
	}
	dataplane_set_backend_flags(ctl->dp, b->id, flags, deadline);
}

static void update_backend(struct control *ctl, struct control_service *s,
			   struct control_backend *b, const struct model_backend *model)
{
	char *name = strdup(model->name);

	if (name) {
		free(b->name);
		b->name = name;
	}
	b->weight = model->weight;
	set_drain(ctl, s, b, model->drain || !model->weight, false);
	backend_observe(ctl, s, b);
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

		if (!b || b->is_leaving || b->weight != mb->weight ||
		    b->wants_drain != (mb->drain || !mb->weight))
			return false;
	}
	return true;
}

void service_update(struct control *ctl, struct control_service *s,
		    const struct model_service *model)
{
	bool *is_kept = calloc(s->backend_count + 1, sizeof(*is_kept));

	s->is_dirty |= !service_weighs_as(s, model);
	s->model = model;
	control_set_times(ctl, s);
	for (size_t i = 0; i < model->backend_count; i++) {
		const struct model_backend *mb = &model->backends[i];
		struct control_backend *b = backend_find(s, &mb->address, mb->port);

		if (b)
			update_backend(ctl, s, b, mb);
		for (size_t k = 0; is_kept && k < s->backend_count; k++)
			is_kept[k] |= s->backends[k] == b;
	}
	for (size_t k = 0; is_kept && k < s->backend_count; k++) {
		if (is_kept[k])
			continue;
		set_drain(ctl, s, s->backends[k], true, true);
		backend_observe(ctl, s, s->backends[k]);
	}
	free(is_kept);
}
