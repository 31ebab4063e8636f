/* SPDX-License-Identifier: GPL-2.0-only */
/* Response times: their moving average, and what a backend costs a least_* scheduler. Pure. */
#ifndef LEAT_PLAN_RESPONSE_H
#define LEAT_PLAN_RESPONSE_H

#include <stddef.h>
#include <stdint.h>

#include "model/config.h"

/** struct response - of one backend; zero at start */
struct response {
	uint32_t average_us; /* 0: unknown */
	uint64_t last_ms;    /* CLOCK_MONOTONIC, of the last interval with samples */
	uint32_t samples;    /* since unknown; stays at its greatest value */
};

/**
 * response_observe - one interval's samples
 * @sum_us, @count: of the interval; count 0: none, and after window_ms without any the average is
 * forgotten
 */
void response_observe(struct response *r, const struct model_response *settings, uint64_t sum_us,
		      uint32_t count, uint64_t now_ms);

/** struct response_backend - a candidate; @cost comes out */
struct response_backend {
	uint32_t effective; /* weight; 0: no candidate, cost 0 */
	struct response response;
	uint32_t cost; /* out: at least 1 for a candidate */
};

/** response_costs_least_conn - cost = c / effective: the data path takes the least (live + 1) x
 * cost */
void response_costs_least_conn(struct response_backend *be, size_t n);

/**
 * response_costs - the same with response times: cost = c x average / effective
 * A backend that is unknown counts as the best average known, less explore_percent; with few
 * samples the discount shrinks as 1 / sqrt(samples + 1). Nobody known: as least_conn.
 */
void response_costs(struct response_backend *be, size_t n, const struct model_response *settings);

#endif
