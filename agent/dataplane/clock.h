/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The data path's clock, seen from the agent: 2^shift jiffies a unit. The kernel tells
 * neither jiffies nor HZ to a process; a reading (jiffies and ktime of one instant,
 * taken by a BPF program) gives both. Pure.
 */
#ifndef LEAT_DATAPLANE_CLOCK_H
#define LEAT_DATAPLANE_CLOCK_H

#include <stdint.h>

#include "leat_abi.h"

/**
 * clock_guess_hz - the HZ with which jiffies and ktime both began at boot
 * Returns 100, 250, 300 or 1000; 0 where none fits or several do (then measure:
 * clock_measure_hz).
 */
unsigned clock_guess_hz(const struct lb_clock_reading *reading);

/** clock_measure_hz - the same from the rate between two readings; 0 where none is near */
unsigned clock_measure_hz(const struct lb_clock_reading *from, const struct lb_clock_reading *to);

/** clock_shift_for - the shift that makes a unit about a quarter of a second */
unsigned clock_shift_for(unsigned hz);

/** clock_units - milliseconds to units, rounded up; at most UINT32_MAX */
uint32_t clock_units(uint64_t ms, unsigned hz, unsigned shift);

/** clock_unit_us - a unit in microseconds */
uint32_t clock_unit_us(unsigned hz, unsigned shift);

/** clock_at - the clock at @ktime_ns, a little after @reading */
uint32_t clock_at(const struct lb_clock_reading *reading, uint64_t ktime_ns, unsigned hz,
		  unsigned shift);

#endif
