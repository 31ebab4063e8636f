/* SPDX-License-Identifier: GPL-2.0-only */
#include "plan/pid.h"

/* Fractions are in millionths; settings in percent, permille and thousandths. */
#define ONE	    1000000
#define PER_PERCENT (ONE / 100)
#define PER_MILLE   (ONE / 1000)

static int64_t clamp(int64_t value, int64_t low, int64_t high)
{
	return value < low ? low : value > high ? high : value;
}

static int64_t sum_terms(const struct pid *pid, const struct model_adaptive *settings,
			 int64_t integral, int64_t error, unsigned interval_ms)
{
	int64_t change = pid->has_error ? error - pid->error : 0;
	int64_t slope = interval_ms ? change * 1000 / interval_ms : 0;

	return ONE + (settings->kp_milli * error + settings->ki_milli * integral +
		      settings->kd_milli * slope) /
			     1000;
}

unsigned pid_step(struct pid *pid, const struct model_adaptive *settings, unsigned load_permille,
		  unsigned interval_ms)
{
	int64_t was = (int64_t)(pid->factor_permille ? pid->factor_permille : 1000) * PER_MILLE;
	int64_t step = (int64_t)settings->step_percent * PER_PERCENT;
	int64_t error = (int64_t)settings->target_percent * PER_PERCENT -
			(int64_t)(load_permille < 1000 ? load_permille : 1000) * PER_MILLE;
	int64_t integral = clamp(pid->integral + error * interval_ms / 1000, INT32_MIN, INT32_MAX);
	int64_t wanted = sum_terms(pid, settings, integral, error, interval_ms);
	int64_t factor = clamp(wanted, (int64_t)settings->minimum_percent * PER_PERCENT,
			       (int64_t)settings->maximum_percent * PER_PERCENT);

	factor = clamp(factor, was - step, was + step);
	/* held back the way the error pulls: what is summed up now would only have to go again */
	if ((wanted > factor && error > 0) || (wanted < factor && error < 0))
		integral = pid->integral;
	*pid = (struct pid) { .integral = (int32_t)integral,
			      .error = (int32_t)error,
			      .has_error = true,
			      .factor_permille = (unsigned)((factor + PER_MILLE / 2) / PER_MILLE) };
	if (!pid->factor_permille)
		pid->factor_permille = 1;
	return pid->factor_permille;
}
