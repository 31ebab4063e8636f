/* SPDX-License-Identifier: GPL-2.0-only */
/* CPU load from what the kernel counts. Pure. */
#ifndef LEAT_BACKEND_LOAD_H
#define LEAT_BACKEND_LOAD_H

#include <stdbool.h>
#include <stdint.h>

#define LOAD_UNLIMITED 0
#define LOAD_READINGS  13 /* one every LOAD_PERIOD_MS: three seconds */
#define LOAD_PERIOD_MS 250

/** struct load_reading - CPU time since some beginning: what was used of what there was; one unit
 */
struct load_reading {
	uint64_t used;
	uint64_t offered;
};

/** struct load_meter - the last readings; begins as zeroes */
struct load_meter {
	struct load_reading ring[LOAD_READINGS];
	unsigned count;
	unsigned next;
};

/**
 * load_parse_stat - the first line of /proc/stat
 * Idle and waiting for disks is not used. Time that a hypervisor gave to others is: it was not
 * there for us. Returns 0 or -EINVAL.
 */
int load_parse_stat(const char *text, struct load_reading *out);

/** load_parse_max - "50000 100000" or "max 100000" of cpu.max as thousandths of a CPU, or
 * LOAD_UNLIMITED; 0 or -EINVAL */
int load_parse_max(const char *text, unsigned *milli);

/** load_parse_quota - the same of cpu.cfs_quota_us (-1: unlimited) and cpu.cfs_period_us */
int load_parse_quota(const char *quota, const char *period, unsigned *milli);

/** load_parse_usage - usage_usec of cpu.stat; 0 or -EINVAL */
int load_parse_usage(const char *text, uint64_t *usage_us);

/** load_parse_acct - cpuacct.usage, of nanoseconds, in microseconds; 0 or -EINVAL */
int load_parse_acct(const char *text, uint64_t *usage_us);

/** load_meter_add - the next reading; one that is less than the last begins anew */
void load_meter_add(struct load_meter *meter, const struct load_reading *reading);

/** load_meter_percent - of what was offered from the first to the last reading, what was used, 0 to
 * 100; returns whether there are two readings that tell */
bool load_meter_percent(const struct load_meter *meter, unsigned *percent);

#endif
