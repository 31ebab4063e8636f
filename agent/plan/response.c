/* SPDX-License-Identifier: GPL-2.0-only */
#include "plan/response.h"

#include <math.h>

/*
 * The dearest backend's cost. The data path compares (live + 1) x cost up to 2^43: that leaves
 * eight million connections, and a thousandth of precision for weights a thousand times apart.
 */
#define COST_MAX (1U << 20)

void response_observe(struct response *r, const struct model_response *settings, uint64_t sum_us,
		      uint32_t count, uint64_t now_ms)
{
	double decay = settings->decay_permille / 1000.0, mean;

	if (r->samples && now_ms - r->last_ms >= settings->window_ms)
		*r = (struct response) {};
	if (!count)
		return;
	mean = (double)sum_us / count;
	if (r->average_us)
		mean = decay * mean + (1 - decay) * r->average_us;
	if (mean > UINT32_MAX - 1)
		mean = UINT32_MAX - 1;
	r->average_us = mean < 1 ? 1 : (uint32_t)(mean + 0.5);
	r->last_ms = now_ms;
	r->samples = r->samples > UINT32_MAX - count ? UINT32_MAX : r->samples + count;
}

/* ---- costs ---------------------------------------------------------------------- */

/** struct estimate - what is known of all backends together */
struct estimate {
	double best_us; /* 0: nobody is known */
	double explore; /* the whole discount */
};

static struct estimate estimate_all(const struct response_backend *be, size_t n,
				    const struct model_response *settings)
{
	struct estimate e = { .explore = settings->explore_percent / 100.0 };

	for (size_t i = 0; i < n; i++) {
		double average = be[i].effective ? be[i].response.average_us : 0;

		if (average > 0 && (e.best_us <= 0 || average < e.best_us))
			e.best_us = average;
	}
	return e;
}

static double expected_us(const struct response *r, const struct estimate *e)
{
	double average = r->average_us ? r->average_us : e->best_us;
	double samples = r->average_us ? r->samples : 0;

	return average * (1 - e->explore / sqrt(samples + 1));
}

/* Time over weight, before it is scaled; @e NULL: the time is the same for all. */
static double raw_cost(const struct response_backend *be, const struct estimate *e)
{
	return (e ? expected_us(&be->response, e) : 1) / be->effective;
}

static void fill_costs(struct response_backend *be, size_t n, const struct estimate *e)
{
	double dearest = 0;

	for (size_t i = 0; i < n; i++) {
		double raw = be[i].effective ? raw_cost(&be[i], e) : 0;

		dearest = raw > dearest ? raw : dearest;
	}
	for (size_t i = 0; i < n; i++) {
		double cost = 0;

		if (be[i].effective && dearest > 0)
			cost = raw_cost(&be[i], e) / dearest * COST_MAX + 0.5;
		be[i].cost = be[i].effective && cost < 1 ? 1 : (uint32_t)cost;
	}
}

void response_costs_least_conn(struct response_backend *be, size_t n)
{
	fill_costs(be, n, NULL);
}

void response_costs(struct response_backend *be, size_t n, const struct model_response *settings)
{
	struct estimate e = estimate_all(be, n, settings);

	fill_costs(be, n, e.best_us > 0 ? &e : NULL);
}
