/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One packet, instruction by instruction, through a loaded program as the kernel has
 * rewritten it (the xlated listing): how many instructions it takes, and which calls the
 * kernel has left on its way. Unlike nanoseconds these do not vary.
 */
#ifndef LEAT_BENCH_WALK_H
#define LEAT_BENCH_WALK_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define WALK_MAX_CALLS 32

/** struct walk_packet - what goes in */
struct walk_packet {
	uint8_t *frame; /* changed as the program changes it */
	uint32_t length;
	uint32_t ifindex; /* where it comes from */
	uint64_t jiffies;
};

/** struct walk_outcome - what came of it */
struct walk_outcome {
	unsigned instructions;
	unsigned call_count;
	char calls[WALK_MAX_CALLS][48]; /* helpers, and functions of the program's own */
	uint64_t verdict;
};

struct walk;

/**
 * walk_open - fetch a loaded program's listing and map the memory of its maps
 * Arrays that can be mapped are the live ones, other arrays are copies; per-CPU arrays and all
 * other maps are empty.
 * Returns 0 or -errno.
 */
int walk_open(int prog_fd, struct walk **out);
void walk_close(struct walk *walk);

/**
 * walk_run - one packet
 * @listing: where to print each source line with the instructions it took; NULL: nowhere
 * Helpers are counted, not run: a lookup finds nothing, a redirect succeeds.
 * Returns 0; -ENOTSUP: an instruction not known here; -ELOOP: too many of them.
 */
int walk_run(struct walk *walk, const struct walk_packet *packet, FILE *listing,
	     struct walk_outcome *out);

#endif
