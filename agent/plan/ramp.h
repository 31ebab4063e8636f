/* SPDX-License-Identifier: GPL-2.0-only */
/* Slow start: the share of its weight that a new or returning backend gets. Pure. */
#ifndef LEAT_PLAN_RAMP_H
#define LEAT_PLAN_RAMP_H

#include <stdint.h>

#include "model/config.h"

/**
 * ramp_permille - the share, 1 to 1000
 * @elapsed_ms: since it began; at or beyond the duration: 1000
 * share = max(minimum, (elapsed / duration) ^ (1000 / curve_milli)): curve 1 is a line, above 1
 * rises sooner.
 */
unsigned ramp_permille(const struct model_ramp *ramp, uint64_t elapsed_ms);

#endif
