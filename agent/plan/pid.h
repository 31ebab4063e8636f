/* SPDX-License-Identifier: GPL-2.0-only */
/* The controller of `weights: adaptive`: one PID per backend. Pure. */
#ifndef LEAT_PLAN_PID_H
#define LEAT_PLAN_PID_H

#include <stdbool.h>
#include <stdint.h>

#include "model/config.h"

/** struct pid - one backend's controller; zero at start */
struct pid {
	int32_t integral; /* of the error, millionths x seconds; kept across restarts */
	int32_t error;	  /* the last, millionths */
	bool has_error;
	unsigned factor_permille; /* of the weight; 0: 1000 */
};

/**
 * pid_step - one interval
 * @load_permille: what the backend reports, 0..1000
 * error = target - load; factor = 1 + kp e + ki sum(e dt) + kd de/dt, clamped to minimum_percent
 * and maximum_percent, and moved by step_percent at most. While either holds it the integral does
 * not grow further that way (anti-windup). Returns the factor, permille.
 */
unsigned pid_step(struct pid *pid, const struct model_adaptive *settings, unsigned load_permille,
		  unsigned interval_ms);

#endif
