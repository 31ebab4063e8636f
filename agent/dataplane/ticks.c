/* SPDX-License-Identifier: GPL-2.0-only */
/* The live clock: readings from the kernel, ktime in between. */
#include "dataplane/internal.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include <bpf/bpf.h>

#include "dataplane/clock.h"

#define NS_PER_SEC	1000000000ULL
#define MEASURE_NS	200000000L /* 20 jiffies of 100 Hz */
#define TEST_FRAME_SIZE 64

int ticks_read(const struct program *program, struct lb_clock_reading *out)
{
	unsigned char frame[TEST_FRAME_SIZE] = {}, reply[TEST_FRAME_SIZE] = {};
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = frame, .data_size_in = sizeof(frame),
		    .data_out = reply, .data_size_out = sizeof(reply), .repeat = 1);
	int err = bpf_prog_test_run_opts(program_clock_fd(program), &run);

	if (err)
		return err;
	memcpy(out, reply, sizeof(*out));
	return 0;
}

uint64_t ticks_ktime_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NS_PER_SEC + (uint64_t)now.tv_nsec;
}

unsigned ticks_find_hz(const struct program *program)
{
	const struct timespec pause = { .tv_nsec = MEASURE_NS };
	struct lb_clock_reading from, to;
	unsigned hz;

	if (ticks_read(program, &from))
		return 0;
	hz = clock_guess_hz(&from);
	if (hz)
		return hz;
	nanosleep(&pause, NULL);
	return ticks_read(program, &to) ? 0 : clock_measure_hz(&from, &to);
}

uint32_t dataplane_clock(struct dataplane *dp)
{
	uint64_t now_ns = ticks_ktime_ns();
	struct lb_clock_reading reading;
	uint32_t clock;

	if (now_ns - dp->reading.ktime_ns >= NS_PER_SEC && !ticks_read(dp->live, &reading)) {
		dp->reading = reading;
		now_ns = ticks_ktime_ns();
	}
	clock = clock_at(&dp->reading, now_ns, dp->node.hz, dp->node.clock_shift);
	/* between readings we may run ahead of the jiffies by one; never tell of a step back */
	if ((int32_t)(clock - dp->last_clock) > 0)
		dp->last_clock = clock;
	return dp->last_clock;
}

uint32_t dataplane_units(const struct dataplane *dp, uint64_t ms)
{
	return clock_units(ms, dp->node.hz, dp->node.clock_shift);
}

uint32_t dataplane_unit_us(const struct dataplane *dp)
{
	return clock_unit_us(dp->node.hz, dp->node.clock_shift);
}
