/* SPDX-License-Identifier: GPL-2.0-only */
#include "dataplane/clock.h"

#include <stddef.h>

#define NS_PER_SEC 1000000000ULL

/* jiffies64 begins 300 s before its low half wraps, so that the wrap is met early */
#define SECONDS_BEFORE_WRAP 300

/* what the two clocks may differ by: jiffies begin a little later than ktime */
#define MAX_DEVIATION_NS (5 * NS_PER_SEC)

static const unsigned known_hz[] = { 100, 250, 300, 1000 };

#define KNOWN_HZ (sizeof(known_hz) / sizeof(known_hz[0]))

static uint64_t distance(uint64_t a, uint64_t b)
{
	return a > b ? a - b : b - a;
}

static uint64_t jiffies_to_ns(uint64_t jiffies, unsigned hz)
{
	return jiffies / hz * NS_PER_SEC + jiffies % hz * NS_PER_SEC / hz;
}

unsigned clock_guess_hz(const struct lb_clock_reading *reading)
{
	uint64_t margin = MAX_DEVIATION_NS + reading->ktime_ns / 100;
	unsigned hz = 0;

	for (size_t i = 0; i < KNOWN_HZ; i++) {
		uint64_t start = (1ULL << 32) - SECONDS_BEFORE_WRAP * known_hz[i];
		uint64_t off;

		if (reading->jiffies < start)
			continue;
		off = distance(jiffies_to_ns(reading->jiffies - start, known_hz[i]),
			       reading->ktime_ns);
		if (off >= margin)
			continue;
		if (hz)
			return 0; /* near 300 s of uptime all of them agree */
		hz = known_hz[i];
	}
	return hz;
}

unsigned clock_measure_hz(const struct lb_clock_reading *from, const struct lb_clock_reading *to)
{
	uint64_t jiffies = to->jiffies - from->jiffies;
	uint64_t ns = to->ktime_ns - from->ktime_ns;

	for (size_t i = 0; i < KNOWN_HZ; i++) {
		uint64_t expected = ns * known_hz[i] / NS_PER_SEC;

		/* 250 and 300 are 20 % apart; a jiffy is lost at either end */
		if (jiffies && distance(jiffies, expected) * 100 <= expected * 8 + 100)
			return known_hz[i];
	}
	return 0;
}

unsigned clock_shift_for(unsigned hz)
{
	unsigned shift = 0;

	/* the power of two nearest to hz / 4 by ratio: 2^shift * sqrt(2) > hz / 4 */
	while ((1ULL << (2 * shift)) * 32 < (uint64_t)hz * hz)
		shift++;
	return shift;
}

uint32_t clock_units(uint64_t ms, unsigned hz, unsigned shift)
{
	uint64_t divisor = 1000ULL << shift;
	uint64_t units;

	if (ms > UINT64_MAX / 2 / hz)
		return UINT32_MAX;
	units = (ms * hz + divisor - 1) / divisor;
	return units > UINT32_MAX ? UINT32_MAX : (uint32_t)units;
}

uint32_t clock_unit_us(unsigned hz, unsigned shift)
{
	return (uint32_t)((1000000ULL << shift) / hz);
}

uint32_t clock_at(const struct lb_clock_reading *reading, uint64_t ktime_ns, unsigned hz,
		  unsigned shift)
{
	uint64_t since = ktime_ns > reading->ktime_ns ? ktime_ns - reading->ktime_ns : 0;
	uint64_t ticks = since / NS_PER_SEC * hz + since % NS_PER_SEC * hz / NS_PER_SEC;

	return (uint32_t)((reading->jiffies + ticks) >> shift);
}
