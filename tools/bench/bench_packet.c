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
		if (argv[i] && !strcmp(argv[i], flag))
			return i;
	}
	return 0;
}

/* What follows @flag, or NULL. */
static const char *find_value(int argc, char **argv, const char *flag)
{
	int at = find_flag(argc, argv, flag);

	return at && at + 1 < argc ? argv[at + 1] : NULL;
}

static int usage(void)
{
	puts("usage: bench_packet [option...]\n"
	     "  --rounds N        of a pair of runs for each figure; default 15\n"
	     "  --only TEXT|TEXT  rows whose names contain one of them\n"
	     "  --verbose         quartiles of every figure\n"
	     "  --no-live         leave out packets per second\n"
	     "  --no-drain        do not empty the store buffer before each packet\n"
	     "  --list            time nothing; print the source lines that a packet walks");
	return 0;
}

int main(int argc, char **argv)
{
	const char *rounds = find_value(argc, argv, "--rounds");
	struct rows_options options = {
		.rounds = rounds ? (unsigned)strtoul(rounds, NULL, 10) : 15,
		.drains = !find_flag(argc, argv, "--no-drain"),
		.is_verbose = find_flag(argc, argv, "--verbose"),
		.is_listed = find_flag(argc, argv, "--list"),
		.only = find_value(argc, argv, "--only"),
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
