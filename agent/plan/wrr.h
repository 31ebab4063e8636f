/* SPDX-License-Identifier: GPL-2.0-only */
/* Smooth weighted round robin, unrolled into a table. Pure. */
#ifndef LEAT_PLAN_WRR_H
#define LEAT_PLAN_WRR_H

#include <stdint.h>

#include "plan/maglev.h"

/**
 * wrr_build - fill one service's table with rounds of the interleaved order
 * @be:    n backends; their order must not matter (ties go by address, then port)
 * @out:   @size slots of backend id; the cycle, then the cycle again as often as it fits, so that
 *         no slot names a backend without weight
 * @cycle: slots of one round: the sum of the weights over their greatest common divisor; where that
 *         does not fit, @size, with shares exact to one slot (largest remainder)
 * Within a round a backend's turns lie as evenly apart as the algorithm of nginx puts them.
 * Returns 0, -ENOENT (no backend with weight; @out untouched), -EINVAL (size 0), -ENOMEM.
 */
int wrr_build(const struct maglev_backend *be, size_t n, uint16_t *out, uint32_t size,
	      uint32_t *cycle);

/**
 * least_build - candidates of least_conn and least_response
 * Up to LB_LEAST_EXACT backends with weight: each once in the first *@cycle slots, repeated to
 * the end. More: maglev_build() over all of @size, *@cycle = @size, to be drawn from.
 * Returns as maglev_build().
 */
int least_build(const struct maglev_backend *be, size_t n, uint16_t *out, uint32_t size,
		uint32_t *cycle);

#endif
