/* SPDX-License-Identifier: GPL-2.0-only */
#include "health/health.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "health/members.h"
#include "health/path.h"
#include "health/probe.h"
#include "health/schedule.h"
#include "health/target.h"

/* ---- set ---------------------------------------------------------------- */

/* What @token's user takes for true before any report. */
static int told_by(const struct health_memory *memory)
{
	if (!memory || !memory->initial)
		return 0;
	return memory->initial > 0 ? 1 : -1;
}

/* @t knows nothing yet: give it what @token's user or its old target @old knows. */
static void teach(struct target *t, const struct target *old, const struct health_memory *memory)
{
	if (t->state.is_decided || t->past.is_adopted)
		return;
	if (old) {
		target_inherit(t, old);
		return;
	}
	if (t->members && !told_by(memory))
		return;
	state_begin(&t->state, &t->past, memory, schedule_realtime_ms());
	snprintf(t->state.reason, sizeof(t->state.reason), "not probed yet");
}

/* Both there, or neither: what failed has changed nothing. */
static int get_ready(struct health *h, const struct health_target *at,
		     const struct model_health *settings, struct member **m, uint32_t token,
		     struct target **t)
{
	bool is_new = !*m;
	int err;

	if (is_new)
		*m = members_new(h, token);
	if (!*m)
		return -ENOMEM;
	*t = members_find_target(h, at, settings);
	err = *t ? 0 : target_new(h, at, settings, t);
	if (err && is_new)
		members_free(h, *m);
	return err;
}

int health_set(struct health *h, uint32_t token, const struct health_target *at,
	       const struct model_health *settings, const struct health_memory *memory)
{
	struct member *m = members_find(h, token);
	bool is_same = m && target_is_at(m->target, at);
	struct target *t;
	int err;

	if (is_same && model_health_equal(&m->target->settings, settings))
		return 0;
	err = get_ready(h, at, settings, &m, token, &t);
	if (err)
		return err;
	teach(t, is_same ? m->target : NULL, memory);
	if (!is_same)
		m->told = told_by(memory);
	if (m->target)
		members_leave(m);
	if (!t->members)
		schedule_first(t);
	members_join(m, t);
	members_report(t, false);
	return 0;
}

/* ---- the rest ----------------------------------------------------------- */

void health_set_hop(struct health *h, uint32_t token, uint32_t ifindex, const uint8_t dst_mac[6],
		    const uint8_t src_mac[6])
{
	const struct member *m = members_find(h, token);
	struct target_hop *hop;

	if (!m)
		return;
	hop = &m->target->hop;
	hop->ifindex = ifindex;
	memcpy(hop->dst_mac, dst_mac, sizeof(hop->dst_mac));
	memcpy(hop->src_mac, src_mac, sizeof(hop->src_mac));
}

void health_probe_now(struct health *h, uint32_t token)
{
	const struct member *m = members_find(h, token);

	if (m)
		schedule_now(m->target);
}

void health_remove(struct health *h, uint32_t token)
{
	struct member *m = members_find(h, token);

	if (!m)
		return;
	members_leave(m);
	members_free(h, m);
}

int health_get(const struct health *h, uint32_t token, struct health_state *out)
{
	const struct member *m = members_find(h, token);

	if (!m)
		return -ENOENT;
	*out = m->target->state;
	return 0;
}

struct health *health_new(struct event_base *base, health_change_fn on_change, void *arg)
{
	struct health *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	h->base = base;
	h->on_change = on_change;
	h->arg = arg;
	schedule_init(h);
	return h;
}

void health_free(struct health *h)
{
	if (!h)
		return;
	for (size_t i = 0; i < HEALTH_BUCKETS; i++) {
		while (h->members[i])
			health_remove(h, h->members[i]->token);
	}
	http_client_free(h->http);
	probe_exec_free(h->killed_runs);
	path_free(h->path);
	schedule_free(h);
	free(h);
}
