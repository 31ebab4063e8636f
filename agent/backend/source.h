/* SPDX-License-Identifier: GPL-2.0-only */
/* Where the CPU figures come from. */
#ifndef LEAT_BACKEND_SOURCE_H
#define LEAT_BACKEND_SOURCE_H

#include <limits.h>
#include <stddef.h>

#include "backend/load.h"

enum source_kind { SOURCE_MACHINE, SOURCE_CGROUP2, SOURCE_CGROUP1 };

/** struct source - the files that are read, and what they have said */
struct source {
	enum source_kind kind;
	char cgroup[PATH_MAX]; /* its directory; "" for the machine */
	char limit[PATH_MAX];  /* cpu.max or cpu.cfs_quota_us; need not be there */
	char period[PATH_MAX]; /* cgroup 1 */
	char usage[PATH_MAX];  /* /proc/stat, cpu.stat or cpuacct.usage */
	unsigned cpus;	       /* of the machine */
	unsigned limit_milli;  /* at the last reading, thousandths of a CPU; LOAD_UNLIMITED */
	uint64_t last_us;      /* CLOCK_MONOTONIC, of the last reading; 0: none yet */
	uint64_t offered_us;   /* CPU time that the limit has allowed until then */
};

/**
 * source_find - decide what is watched
 * @cgroup: a cgroup's directory, of version 1 (in the cpu hierarchy) or 2; without a limit it is
 *          measured against all CPUs. NULL: this process's cgroup, or the nearest above it that has
 *          a limit; where none has, the machine
 * @root:   before every other path: "" but in tests
 * @error:  gets a sentence where this fails
 * Returns 0, -ENOENT or -EINVAL.
 */
int source_find(const char *cgroup, const char *root, struct source *out, char *error,
		size_t error_size);

/** source_read - the next reading, at @now_us of CLOCK_MONOTONIC; 0 or -errno */
int source_read(struct source *s, uint64_t now_us, struct load_reading *out);

/** source_describe - "the machine", "cgroup /sys/fs/cgroup/x, limited to 0.50 CPUs" into @buf */
void source_describe(const struct source *s, char *buf, size_t size);

#endif
