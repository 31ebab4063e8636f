/* SPDX-License-Identifier: GPL-2.0-only */
#include "plan/ramp.h"

#include <math.h>

unsigned ramp_permille(const struct model_ramp *ramp, uint64_t elapsed_ms)
{
	double share = 1;
	unsigned permille;

	if (elapsed_ms >= ramp->duration_ms)
		return 1000;
	if (ramp->curve_milli)
		share = pow((double)elapsed_ms / ramp->duration_ms, 1000.0 / ramp->curve_milli);
	permille = (unsigned)(share * 1000);
	if (permille < ramp->minimum_percent * 10)
		permille = ramp->minimum_percent * 10;
	if (permille < 1)
		return 1;
	return permille < 1000 ? permille : 1000;
}
