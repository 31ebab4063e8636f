/* SPDX-License-Identifier: GPL-2.0-only */
/* Rows of backends: made, adopted, changed, removed. */
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

struct lb_backend backend_row(const struct control_service *s, const struct lb_addr *address,
			      unsigned port)
{
	return (struct lb_backend) {
		.address = *address,
		.vip = s->row.vip,
		.port = htons((uint16_t)port),
		.vip_port = s->row.port,
		.service = s->row.id,
		.proto = s->row.proto,
	};
}

/* ---- made ----------------------------------------------------------------- */

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
	feedback_begin(ctl, b);
	passive_begin(ctl, b);
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
	b->ramp_permille = 1000;
	b->factor_permille = 1000;
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

/*
 * The replies of an address, port and protocol belong to one backend. Where that is another
 * one until now, they stay its own until the change is sure (backend_update).
 */
static int put_row(struct control *ctl, struct control_service *s, struct control_backend *b)
{
	struct lb_backend row = backend_row(s, &b->address, b->port);
	bool is_nat = s->row.forward == LB_FORWARD_NAT;

	return dataplane_put_backend(ctl->dp, b->id, &row, s->row.seed,
				     is_nat && !dataplane_reply_owner(ctl->dp, &row));
}

int backend_create(struct control *ctl, struct control_service *s,
		   const struct model_backend *model)
{
	uint16_t id = free_backend_id(ctl);
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
	err = put_row(ctl, s, b);
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
	b->group = model->group;
	b->is_draining = b->wants_drain = model->drain || !model->weight;
	return 0;
}

/* ---- adopted -------------------------------------------------------------- */

/* By the configuration, or for as long as its agent check says so. */
static bool wants_drain(const struct control_backend *b)
{
	return b->is_draining || b->agent.state == AGENT_DRAIN || b->agent.state == AGENT_MAINT;
}

static void adopt_drain(struct control *ctl, struct control_backend *b,
			const struct lb_backend *row)
{
	uint32_t now = dataplane_clock(ctl->dp);
	int16_t ahead = (int16_t)(row->drain_deadline - (uint16_t)(now >> DEADLINE_SHIFT));

	b->is_leaving = row->flags & LB_BE_LEAVING;
	b->is_draining = row->flags & (LB_BE_DRAINING | LB_BE_LEAVING);
	b->flags = row->flags;
	b->effective = !(row->flags & LB_BE_CLOSED); /* until it is weighed */
	b->flags_deadline = row->drain_deadline;
	if (!row->drain_deadline)
		return;
	b->has_deadline = true;
	b->deadline = now + (uint32_t)((int32_t)ahead * (1 << DEADLINE_SHIFT));
}

int backend_adopt(struct control *ctl, struct control_service *s, uint16_t id)
{
	const struct lb_backend *row = &dataplane_backends(ctl->dp)[id];
	char text[ADDR_PORT_STRLEN];
	struct control_backend *b;
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
	memory_recall(ctl, b, !(row->generation & 1));
	b->unnamed_since = dataplane_clock(ctl->dp); /* d anew */
	b->weight = 1;				     /* the configuration says, or it leaves */
	adopt_drain(ctl, b, row);
	b->wants_drain = wants_drain(b);
	b->takes_newcomers = !(row->generation & 1) && !b->wants_drain && !b->is_ejected;
	snprintf(b->reason, sizeof(b->reason), "adopted");
	if (id > ctl->last_backend_id)
		ctl->last_backend_id = id;
	return 0;
}

/* ---- removed -------------------------------------------------------------- */

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
	ctl->stats[id] = (struct lb_be_stats) {};
}

void backend_release(struct control *ctl, struct control_backend *b)
{
	if (b->is_probed)
		health_remove(ctl->health, b->id);
	agents_forget(ctl, b);
	if (b->is_watched)
		net_unwatch(ctl->net, b->id);
	ctl->by_id[b->id] = NULL;
	ctl->service_of[b->id] = NULL;
	backend_free(b);
}

void backend_forget(struct control *ctl, struct control_backend *b)
{
	if (!(dataplane_backends(ctl->dp)[b->id].generation & 1))
		bump(ctl, b->id);
	dataplane_del_backend(ctl->dp, b->id);
	backend_release(ctl, b);
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

/* ---- observed ------------------------------------------------------------- */

/* A service without probes takes its backends as they are. */
static void observe_without_probe(struct control *ctl, struct control_backend *b)
{
	if (b->is_probed)
		health_remove(ctl->health, b->id);
	b->is_probed = false;
	b->is_decided = true;
	b->is_healthy = true;
}

static void watch_next_hop(struct control *ctl, struct control_service *s,
			   struct control_backend *b)
{
	int err;

	if (b->is_watched)
		return;
	err = net_watch(ctl->net, b->id, &b->address);
	b->is_watched = !err;
	if (err)
		log_error("next hop not watched service=%s backend=%s error=\"%s\"", s->model->name,
			  b->name, strerror(-err));
}

/* The probes that go the way packets go need to know it; later news comes by on_hop. */
static void tell_hop(struct control *ctl, struct control_backend *b)
{
	struct net_hop hop;

	if (b->is_watched && !net_get_hop(ctl->net, b->id, &hop) && hop.ifindex)
		health_set_hop(ctl->health, b->id, hop.ifindex, hop.dst_mac, hop.src_mac);
}

static void observe(struct control *ctl, struct control_service *s, struct control_backend *b)
{
	const struct model_health *check = &s->model->health;
	struct health_memory memory = memory_for_probe(b, s->model->init_up);
	struct health_target target = { .address = b->address,
					.port = b->port,
					.vip = s->model->vip,
					.vip_port = s->model->port,
					.forward = s->model->forward };
	int err;

	watch_next_hop(ctl, s, b);
	agents_watch(ctl, s, b);
	if (check->type == PROBE_NONE) {
		observe_without_probe(ctl, b);
		return;
	}
	err = health_set(ctl->health, b->id, &target, check, &memory);
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
	if (check->via_vip)
		tell_hop(ctl, b);
}

/* ---- changed -------------------------------------------------------------- */

void backend_put_flags(struct control *ctl, struct control_backend *b)
{
	uint8_t flags = b->is_leaving ? LB_BE_LEAVING : b->is_draining ? LB_BE_DRAINING : 0;
	uint16_t deadline = 0;

	if (!b->effective)
		flags |= LB_BE_CLOSED;
	if (b->has_deadline) {
		deadline = (uint16_t)(b->deadline >> DEADLINE_SHIFT);
		deadline += !deadline; /* 0 means none */
	}
	if (flags == b->flags && deadline == b->flags_deadline)
		return;
	dataplane_set_backend_flags(ctl->dp, b->id, flags, deadline);
	b->flags = flags;
	b->flags_deadline = deadline;
}

void backend_heed_agent(struct control_service *s, struct control_backend *b)
{
	s->is_dirty |= b->wants_drain != wants_drain(b);
	b->wants_drain = wants_drain(b);
}

static void set_drain(struct control *ctl, struct control_service *s, struct control_backend *b,
		      bool is_draining, bool is_leaving)
{
	if (is_draining && !b->is_draining) {
		b->has_deadline = s->model->drain_timeout_ms != 0;
		b->deadline = dataplane_clock(ctl->dp) +
			      dataplane_units(ctl->dp, s->model->drain_timeout_ms);
	} else if (!is_draining) {
		b->has_deadline = false;
	}
	b->is_draining = is_draining;
	b->is_leaving = is_leaving;
	b->wants_drain = wants_drain(b);
	backend_put_flags(ctl, b);
}

/*
 * It may be another's, by a reload that moved the backend to another service and back, or
 * nobody's, by an agent that was killed in mid-reload.
 */
static void take_replies(struct control *ctl, struct control_service *s, struct control_backend *b)
{
	struct lb_backend row = backend_row(s, &b->address, b->port);
	int err;

	if (s->row.forward != LB_FORWARD_NAT || dataplane_reply_owner(ctl->dp, &row) == b->id)
		return;
	err = dataplane_put_backend(ctl->dp, b->id, &row, s->row.seed, true);
	if (err) /* a row that is there is replaced; only a lost one can find no room */
		log_error("no room for replies service=%s backend=%s error=\"%s\"", s->model->name,
			  b->name, strerror(-err));
}

void backend_update(struct control *ctl, struct control_service *s, struct control_backend *b,
		    const struct model_backend *model)
{
	char *name = strdup(model->name);

	if (name) {
		free(b->name);
		b->name = name;
	}
	b->weight = model->weight;
	b->group = model->group;
	set_drain(ctl, s, b, model->drain || !model->weight, false);
	take_replies(ctl, s, b);
	observe(ctl, s, b);
	step_say_reason(ctl, s, b);
}

void backend_leave(struct control *ctl, struct control_service *s, struct control_backend *b)
{
	struct lb_backend row = backend_row(s, &b->address, b->port);

	set_drain(ctl, s, b, true, true);
	if (!dataplane_reply_owner(ctl->dp, &row)) /* else another service may have it by now */
		take_replies(ctl, s, b);
	observe(ctl, s, b);
}
