/* SPDX-License-Identifier: GPL-2.0-only */
#include "health/members.h"

#include <stdlib.h>

#include "health/schedule.h"
#include "health/target.h"

/* ---- the table of tokens ------------------------------------------------ */

static struct member **token_bucket(struct health *h, uint32_t token)
{
	return &h->members[token % HEALTH_BUCKETS];
}

struct member *members_find(const struct health *h, uint32_t token)
{
	struct member *m = h->members[token % HEALTH_BUCKETS];

	while (m && m->token != token)
		m = m->next;
	return m;
}

struct member *members_new(struct health *h, uint32_t token)
{
	struct member **bucket = token_bucket(h, token);
	struct member *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	m->token = token;
	m->next = *bucket;
	*bucket = m;
	return m;
}

void members_free(struct health *h, struct member *m)
{
	struct member **link = token_bucket(h, m->token);

	while (*link != m)
		link = &(*link)->next;
	*link = m->next;
	free(m);
}

/* ---- the table of targets ----------------------------------------------- */

/* A target is looked for when something is set, not for a packet: any mix of the bits will do. */
static struct target **target_bucket(struct health *h, const struct health_target *at)
{
	uint32_t mixed = at->port * 2654435761U;

	for (size_t i = 0; i < 4; i++)
		mixed = (mixed ^ at->address.words[i]) * 2654435761U;
	return &h->targets[(mixed ^ mixed >> 16) % HEALTH_BUCKETS];
}

struct target *members_find_target(const struct health *h, const struct health_target *at,
				   const struct model_health *settings)
{
	struct target *t = *target_bucket((struct health *)h, at);

	while (t && !(target_is_at(t, at) && model_health_equal(&t->settings, settings)))
		t = t->next;
	return t;
}

static void add_target(struct target *t)
{
	struct target **bucket = target_bucket(t->health, &t->at);

	t->next = *bucket;
	*bucket = t;
}

static void remove_target(struct target *t)
{
	struct target **link = target_bucket(t->health, &t->at);

	while (*link != t)
		link = &(*link)->next;
	*link = t->next;
}

/* ---- members of a target ------------------------------------------------ */

void members_join(struct member *m, struct target *t)
{
	if (!t->members)
		add_target(t);
	m->target = t;
	m->next_of_target = t->members;
	t->members = m;
}

void members_leave(struct member *m)
{
	struct target *t = m->target;
	struct member **link = &t->members;

	while (*link != m)
		link = &(*link)->next_of_target;
	*link = m->next_of_target;
	m->target = NULL;
	if (t->members)
		return;
	remove_target(t);
	schedule_stop(t);
	if (!t->reports)
		target_free(t);
}

static struct member *find_untold(const struct target *t)
{
	struct member *m = t->members;
	int known = t->state.is_up ? 1 : -1;

	if (!t->state.is_decided)
		return NULL;
	while (m && m->told == known)
		m = m->next_of_target;
	return m;
}

void members_report(struct target *t, bool to_all)
{
	struct health *h = t->health;
	struct member *m;

	for (m = to_all ? t->members : NULL; m; m = m->next_of_target)
		m->told = 0;
	t->reports++;
	while ((m = find_untold(t))) {
		struct health_state seen = t->state;

		m->told = seen.is_up ? 1 : -1;
		h->on_change(h->arg, m->token, &seen);
	}
	t->reports--;
	if (!t->members && !t->reports)
		target_free(t);
}
