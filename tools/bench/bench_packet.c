/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * make bench: nanoseconds a packet of the shipped program beside the reference programs,
 * all in one run, and packets per second live. docs/bench.md says how to read it.
 */
#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/libbpf.h>
#include <linux/bpf.h>

#include "live.h"
#include "rows.h"
#include "subject.h"
#include "verdicts.h"
#include "wrapper.h"

static int enter_namespace(void)
{
	if (unshare(CLONE_NEWNET)) {
		fprintf(stderr, "bench: needs root: %s\n", strerror(errno));
		return -errno;
	}
	return live_make_interfaces();
}

/* Where @flag stands, or 0. */
static int find_flag(int argc, char **argv, const char *flag)
{
	int i;

	for (i = 1; i < argc; i++) {
		if (!strcmp(argv[i], flag))
			return i;
	}
	return 0;
}

static int usage(void)
{
	puts("usage: bench_packet [--quick] [--no-live] [--no-drain] [--verbose] [--only TEXT] "
	     "[--list]\n"
	     "  --quick      two rounds instead of five\n"
	     "  --no-live    leave out packets per second\n"
	     "  --no-drain   do not empty the store buffer before each packet (docs/bench.md)\n"
	     "  --verbose    quartiles of every figure\n"
	     "  --only TEXT  rows whose names contain TEXT\n"
	     "  --list       time nothing; print the source lines that each row's packet walks");
	return 0;
}

int main(int argc, char **argv)
{
	int only = find_flag(argc, argv, "--only");
	struct rows_options options = {
		.rounds = find_flag(argc, argv, "--quick") ? 2 : 5,
		.drains = !find_flag(argc, argv, "--no-drain"),
		.is_verbose = find_flag(argc, argv, "--verbose"),
		.is_listed = find_flag(argc, argv, "--list"),
		.only = only && only + 1 < argc ? argv[only + 1] : NULL,
	};
	int err;

	if (find_flag(argc, argv, "--help"))
		return usage();
	setvbuf(stdout, NULL, _IOLBF, 0);
	err = enter_namespace();
	if (err)
		return 1;
	err = rows_measure(&options);
	if (err)
		return 1;
	rows_print(&options);
	verdicts_print();
	if (!find_flag(argc, argv, "--no-live") && !options.is_listed)
		err = live_print();
	return err ? 1 : 0;
}
