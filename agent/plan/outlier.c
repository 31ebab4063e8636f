/* SPDX-License-Identifier: GPL-2.0-only */
#include "plan/outlier.h"

#include "leat_abi.h"

#define EJECTIONS_MAX	 10  /* in a row: what the time is multiplied by at most */
#define RETRANSMIT_LIMIT 2   /* of one segment: more than a packet lost on the way */
#define RETRANSMIT_MS	 500 /* no sooner: two of them at once may be the network's doing */
#define MORE_THAN_OTHERS 2   /* times their share of bad */

/* ---- the window --------------------------------------------------------------- */

static uint64_t bucket_at(const struct model_passive *settings, uint64_t now_ms)
{
	uint64_t width_ms = settings->window_ms / OUTLIER_BUCKETS;

	return now_ms / (width_ms ? width_ms : 1);
}

static void begin_window(struct outlier *o, uint64_t bucket)
{
	for (size_t i = 0; i < OUTLIER_BUCKETS; i++)
		o->buckets[i] = (struct outlier_counts) {};
	o->bucket = bucket;
}

void outlier_count(struct outlier *o, const struct model_passive *settings,
		   struct outlier_counts more, uint64_t now_ms)
{
	uint64_t bucket = bucket_at(settings, now_ms);
	struct outlier_counts *newest = &o->buckets[bucket % OUTLIER_BUCKETS];

	/* back in time: another window_ms numbers the buckets anew */
	if (bucket < o->bucket || bucket - o->bucket >= OUTLIER_BUCKETS)
		begin_window(o, bucket);
	while (o->bucket < bucket)
		o->buckets[++o->bucket % OUTLIER_BUCKETS] = (struct outlier_counts) {};
	newest->good += more.good;
	newest->bad += more.bad;
}

struct outlier_counts outlier_window(const struct outlier *o, const struct model_passive *settings,
				     uint64_t now_ms)
{
	uint64_t bucket = bucket_at(settings, now_ms);
	struct outlier_counts sum = {};

	if (bucket < o->bucket)
		return sum;
	/* those that have not fallen out of the window since */
	for (uint64_t age = bucket - o->bucket; age < OUTLIER_BUCKETS && age <= bucket; age++) {
		const struct outlier_counts *counts = &o->buckets[(bucket - age) % OUTLIER_BUCKETS];

		sum.good += counts->good;
		sum.bad += counts->bad;
	}
	return sum;
}

/* ---- the judgement -------------------------------------------------------------- */

/** struct verdict - one backend's window, as widely as it must be known to compare it */
struct verdict {
	uint64_t bad;
	uint64_t all;
};

static struct verdict window_of(const struct outlier *o, const struct model_passive *settings,
				uint64_t now_ms)
{
	struct outlier_counts window = outlier_window(o, settings, now_ms);

	return (struct verdict) { .bad = window.bad, .all = (uint64_t)window.good + window.bad };
}

/* Ends an ejection whose time is over; one ejection is forgiven for each eject_ms after it. */
static void let_back(struct outlier *o, const struct model_passive *settings, uint64_t now_ms)
{
	if (o->ejected_until_ms && o->ejected_until_ms <= now_ms) {
		o->calm_since_ms = o->ejected_until_ms;
		o->ejected_until_ms = 0;
		begin_window(o, bucket_at(settings, now_ms));
	}
	if (o->ejected_until_ms || !o->ejections || !o->calm_since_ms)
		o->calm_since_ms = now_ms;
	while (o->ejections && now_ms - o->calm_since_ms >= settings->eject_ms) {
		o->calm_since_ms += settings->eject_ms;
		o->ejections--;
	}
}

/* With the others down or drained, the ejected ones are better than none. */
static void let_last_back(struct outlier_candidate *candidates, size_t n,
			  const struct model_passive *settings, uint64_t now_ms)
{
	for (size_t i = 0; i < n; i++) {
		if (candidates[i].is_used && !candidates[i].is_ejected)
			return;
	}
	for (size_t i = 0; i < n; i++) {
		if (!candidates[i].is_used)
			continue;
		candidates[i].outlier->ejected_until_ms = now_ms;
		let_back(candidates[i].outlier, settings, now_ms);
		candidates[i].is_ejected = false;
	}
}

static void eject(struct outlier_candidate *candidate, const struct model_passive *settings,
		  uint64_t now_ms)
{
	struct outlier *o = candidate->outlier;

	if (o->ejections < EJECTIONS_MAX)
		o->ejections++;
	o->ejected_until_ms = now_ms + (uint64_t)settings->eject_ms * o->ejections;
	candidate->is_ejected = candidate->is_news = true;
}

static bool is_judged(const struct outlier_candidate *candidate)
{
	return candidate->is_used && !candidate->is_ejected;
}

static bool is_outlier(struct verdict own, struct verdict together,
		       const struct model_passive *settings)
{
	struct verdict others = { .bad = together.bad - own.bad, .all = together.all - own.all };

	if (!own.bad || own.all < settings->minimum ||
	    own.bad * 100 < own.all * settings->threshold_percent)
		return false;
	return own.bad * others.all >= MORE_THAN_OTHERS * others.bad * own.all;
}

/* The one with the greatest share of bad, and of these the most; NULL: nobody is to go. */
static struct outlier_candidate *find_worst(struct outlier_candidate *candidates, size_t n,
					    const struct model_passive *settings, uint64_t now_ms)
{
	struct verdict together = {}, worst = {};
	struct outlier_candidate *found = NULL;

	for (size_t i = 0; i < n; i++) {
		struct verdict own = window_of(candidates[i].outlier, settings, now_ms);

		together.bad += is_judged(&candidates[i]) ? own.bad : 0;
		together.all += is_judged(&candidates[i]) ? own.all : 0;
	}
	for (size_t i = 0; i < n; i++) {
		struct verdict own = window_of(candidates[i].outlier, settings, now_ms);
		uint64_t here = own.bad * worst.all, there = worst.bad * own.all;

		if (!is_judged(&candidates[i]) || !is_outlier(own, together, settings))
			continue;
		if (found && (here < there || (here == there && own.bad <= worst.bad)))
			continue;
		found = &candidates[i];
		worst = own;
	}
	return found;
}

/* How many more may go. The last one that serves never does. */
static size_t count_room(const struct outlier_candidate *candidates, size_t n,
			 const struct model_passive *settings)
{
	size_t used = 0, ejected = 0, most;

	for (size_t i = 0; i < n; i++) {
		used += candidates[i].is_used;
		ejected += candidates[i].is_used && candidates[i].is_ejected;
	}
	most = used * settings->max_ejected_percent / 100;
	if (most >= used)
		most = used ? used - 1 : 0;
	if (!most && used >= 2)
		most = 1;
	return most > ejected ? most - ejected : 0;
}

void outlier_judge(struct outlier_candidate *candidates, size_t n,
		   const struct model_passive *settings, uint64_t now_ms)
{
	for (size_t i = 0; i < n; i++) {
		let_back(candidates[i].outlier, settings, now_ms);
		candidates[i].is_ejected = candidates[i].outlier->ejected_until_ms != 0;
		candidates[i].is_news = false;
	}
	let_last_back(candidates, n, settings, now_ms);
	for (size_t room = count_room(candidates, n, settings); room; room--) {
		struct outlier_candidate *worst = find_worst(candidates, n, settings, now_ms);

		if (!worst)
			return;
		eject(worst, settings, now_ms);
	}
}

enum sample_verdict sample_judge(unsigned state, unsigned retransmits, uint64_t age_ms,
				 unsigned timeout_ms)
{
	if (state != LB_SAMPLE_SYN && state != LB_SAMPLE_REQUEST)
		return SAMPLE_OPEN;
	if (age_ms > timeout_ms || (retransmits >= RETRANSMIT_LIMIT && age_ms > RETRANSMIT_MS))
		return SAMPLE_BAD;
	return SAMPLE_OPEN;
}

struct outlier_counts sample_counts(const struct lb_load *was, const struct lb_load *now,
				    uint32_t failed)
{
	uint32_t connected = now->connected - was->connected;
	uint32_t requests = now->requests - was->requests;

	return (struct outlier_counts) {
		.good = now->answered - was->answered +
			(connected > requests ? connected - requests : 0),
		.bad = now->resets - was->resets + failed,
	};
}
