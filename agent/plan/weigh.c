/* SPDX-License-Identifier: GPL-2.0-only */
#include "plan/weigh.h"

#include <errno.h>
#include <stdlib.h>

#include "model/cleanup.h"

/* agent_percent x ramp_permille x factor_permille of a backend that is as well as can be, over
 * WEIGH_UNIT: what a product of them is divided by */
#define PRODUCT_PER_UNIT (100.0 * 1000 * 1000 / WEIGH_UNIT)

/* The largest effective weight, so that their sum and its products keep their precision. */
#define EFFECTIVE_MAX ((double)(1U << 30))

#define MILLION 1000000

static const struct model_group everybody = {};

/* One group while the service's connections are being shared out. */
struct tally {
	const struct model_group *group;
	uint64_t total;	  /* configured weight that counts */
	uint64_t healthy; /* of that */
	double scaled;	  /* sum of weight_scaled() */
	double share;	  /* of the service's new connections, 0..1 */
	double multiple;  /* from weight_scaled() to effective weight */
};

struct tallies {
	struct tally *list;
	size_t count;
};

static bool takes_newcomers(const struct weigh_backend *be, enum weigh_panic panic)
{
	if (!be->counts || !be->weight || panic == WEIGH_PANIC_CLOSED)
		return false;
	return panic == WEIGH_PANIC_OPEN || (be->is_healthy && be->agent_percent);
}

/* The weight within the group; in an open panic even "up 0%" is used. */
static double weight_scaled(const struct weigh_backend *be)
{
	uint64_t product = (uint64_t)be->weight * (be->agent_percent ? be->agent_percent : 1) *
			   be->ramp_permille * be->factor_permille;

	return (product ? product : 1) / PRODUCT_PER_UNIT;
}

/* ---- panic --------------------------------------------------------------------- */

static bool is_backup(const struct weigh_policy *policy, const struct weigh_backend *be)
{
	return policy->group_count && policy->groups[be->group].is_backup;
}

enum weigh_panic weigh_panic(const struct weigh_policy *policy, const struct weigh_backend *be,
			     size_t n)
{
	uint64_t total = 0, healthy = 0, backup = 0;

	for (size_t i = 0; i < n; i++) {
		uint64_t weight = takes_newcomers(&be[i], WEIGH_CALM) ? be[i].weight : 0;

		if (is_backup(policy, &be[i])) {
			backup += weight;
			continue;
		}
		total += be[i].counts ? be[i].weight : 0;
		healthy += weight;
	}
	if (healthy * 100 >= total * policy->panic.threshold_percent || (!healthy && backup))
		return WEIGH_CALM;
	return policy->panic.mode == PANIC_OPEN ? WEIGH_PANIC_OPEN : WEIGH_PANIC_CLOSED;
}

/* ---- groups -------------------------------------------------------------------- */

static void count_groups(const struct tallies *tallies, const struct weigh_policy *policy,
			 enum weigh_panic panic, const struct weigh_backend *be, size_t n)
{
	for (size_t g = 0; g < tallies->count; g++)
		tallies->list[g].group = policy->group_count ? &policy->groups[g] : &everybody;
	for (size_t i = 0; i < n; i++) {
		struct tally *t = &tallies->list[policy->group_count ? be[i].group : 0];

		t->total += be[i].counts ? be[i].weight : 0;
		if (!takes_newcomers(&be[i], panic))
			continue;
		t->healthy += be[i].weight;
		t->scaled += weight_scaled(&be[i]);
	}
}

static bool is_of_class(const struct tally *t, bool backups, unsigned priority)
{
	return t->total && t->group->is_backup == backups && t->group->priority == priority;
}

/* A group of which nothing counts is as if it were not there: to drain it is no loss of health. */
static bool next_priority(const struct tallies *tallies, bool backups, uint64_t from,
			  unsigned *priority)
{
	bool found = false;

	for (size_t g = 0; g < tallies->count; g++) {
		const struct tally *t = &tallies->list[g];

		if (!t->total || t->group->is_backup != backups || t->group->priority < from)
			continue;
		if (!found || t->group->priority < *priority)
			*priority = t->group->priority;
		found = true;
	}
	return found;
}

static double group_weight(const struct tally *t)
{
	return t->group->weight ? t->group->weight : t->total;
}

/* How much of its part a group can take: all, down to spill_percent of its weight healthy. */
static double usable_part(const struct tally *t, unsigned spill_percent)
{
	double healthy = (double)t->healthy / t->total;

	if (!t->healthy || healthy * 100 >= spill_percent)
		return t->healthy ? 1 : 0;
	return healthy * 100 / spill_percent;
}

/* Returns what the groups of one priority leave of @left. */
static double share_priority(const struct tallies *tallies, const struct weigh_policy *policy,
			     bool backups, unsigned priority, double left)
{
	double weights = 0, taken = 0;

	for (size_t g = 0; g < tallies->count; g++) {
		if (is_of_class(&tallies->list[g], backups, priority))
			weights += group_weight(&tallies->list[g]);
	}
	for (size_t g = 0; g < tallies->count; g++) {
		struct tally *t = &tallies->list[g];

		if (!is_of_class(t, backups, priority))
			continue;
		t->share = left * group_weight(t) / weights * usable_part(t, policy->spill_percent);
		taken += t->share;
	}
	return taken < left ? left - taken : 0;
}

/* Returns whether anybody is there to share among. */
static bool share_class(const struct tallies *tallies, const struct weigh_policy *policy,
			bool backups)
{
	double left = 1, taken = 0;
	unsigned priority = 0;
	uint64_t from = 0;

	while (next_priority(tallies, backups, from, &priority)) {
		left = share_priority(tallies, policy, backups, priority, left);
		from = (uint64_t)priority + 1;
	}
	for (size_t g = 0; g < tallies->count; g++)
		taken += tallies->list[g].share;
	if (taken <= 0)
		return false;
	for (size_t g = 0; g < tallies->count; g++)
		tallies->list[g].share /= taken;
	return true;
}

/*
 * Shares to multiples: 1 for the group whose backends get least for their weight, so that weights
 * stay multiples of WEIGH_UNIT where the shares allow it; less where others would grow too large.
 */
static void find_multiples(const struct tallies *tallies, double largest)
{
	double least = 0, most = 0;

	for (size_t g = 0; g < tallies->count; g++) {
		struct tally *t = &tallies->list[g];

		t->multiple = t->share > 0 ? t->share / t->scaled : 0;
		if (t->multiple > 0 && (least <= 0 || t->multiple < least))
			least = t->multiple;
		if (t->multiple > most)
			most = t->multiple;
	}
	if (most > 0 && most / least * largest > EFFECTIVE_MAX)
		least = most * largest / EFFECTIVE_MAX;
	for (size_t g = 0; g < tallies->count && least > 0; g++)
		tallies->list[g].multiple /= least;
}

static void report_groups(const struct tallies *tallies, struct weigh_group *shares)
{
	for (size_t g = 0; g < tallies->count; g++) {
		const struct tally *t = &tallies->list[g];

		shares[g] =
			(struct weigh_group) { .total = t->total,
					       .healthy = t->healthy,
					       .share_ppm = (unsigned)(t->share * MILLION + 0.5) };
	}
}

int weigh_backends(const struct weigh_policy *policy, enum weigh_panic panic,
		   struct weigh_backend *be, size_t n, struct weigh_group *shares)
{
	struct tallies tallies = { .count = policy->group_count ? policy->group_count : 1 };
	AUTO_FREE struct tally *list = calloc(tallies.count, sizeof(*list));
	double largest = 0;

	if (!list)
		return -ENOMEM;
	tallies.list = list;
	count_groups(&tallies, policy, panic, be, n);
	if (!share_class(&tallies, policy, false))
		share_class(&tallies, policy, true);
	for (size_t i = 0; i < n; i++) {
		double scaled = takes_newcomers(&be[i], panic) ? weight_scaled(&be[i]) : 0;

		largest = scaled > largest ? scaled : largest;
	}
	find_multiples(&tallies, largest);
	for (size_t i = 0; i < n; i++) {
		const struct tally *t = &list[policy->group_count ? be[i].group : 0];
		double effective = weight_scaled(&be[i]) * t->multiple + 0.5;

		be[i].effective = 0;
		if (takes_newcomers(&be[i], panic) && t->multiple > 0)
			be[i].effective = effective < 1 ? 1 : (uint32_t)effective;
	}
	if (shares && policy->group_count)
		report_groups(&tallies, shares);
	return 0;
}

bool weigh_differ(const uint32_t *was, const uint32_t *now, size_t n, unsigned hysteresis_percent)
{
	double sum_was = 0, sum_now = 0;

	for (size_t i = 0; i < n; i++) {
		if (!was[i] != !now[i])
			return true;
		sum_was += was[i];
		sum_now += now[i];
	}
	for (size_t i = 0; i < n; i++) {
		/* both shares times both sums */
		double before = was[i] * sum_now, after = now[i] * sum_was;
		double apart = before < after ? after - before : before - after;

		if (apart * 100 > before * hysteresis_percent)
			return true;
	}
	return false;
}
