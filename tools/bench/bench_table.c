/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * make bench-table: how long the agent takes to build a service's table, and how many slots move
 * when one of N backends comes or goes. No privileges, no kernel: pure functions.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "plan/maglev.h"
#include "plan/wrr.h"

#define SIZE	     65537
#define MAX_BACKENDS 1000
#define ROUNDS	     101
#define POOLS	     20 /* sets of addresses, each with one backend taken away */

static struct maglev_backend backends[MAX_BACKENDS];
static uint16_t table[SIZE], without[SIZE];

/* what must be kept: ms for one table, of equal or any weights; 0: nothing */
static const struct {
	size_t n;
	double limit_ms;
} cases[] = { { 10, 3 }, { 100, 3 }, { 1000, 20 } };

static void make_pool(size_t n, uint32_t pool, bool is_weighted)
{
	for (size_t i = 0; i < n; i++) {
		uint32_t host = 0x0a000000 | ((pool * 7919 + i) & 0xffffff);
		uint32_t weight = is_weighted ? 1 + (i * 2654435761U + pool) % 100000 : 1000;

		backends[i] = (struct maglev_backend) { .port = 80, .id = i + 1, .weight = weight };
		backends[i].address.words[2] = __builtin_bswap32(0xffff);
		backends[i].address.words[3] = __builtin_bswap32(host);
	}
}

static double cpu_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static int build_maglev(size_t n)
{
	return maglev_build(backends, n, table, SIZE);
}

static int build_wrr(size_t n)
{
	uint32_t cycle;

	return wrr_build(backends, n, table, SIZE, &cycle);
}

/* Returns 0, or 1 where the median is over @limit_ms. */
static int time_builds(const char *name, int (*build)(size_t n), size_t n, bool is_weighted,
		       double limit_ms)
{
	double ms[ROUNDS];
	bool is_kept;

	make_pool(n, 0, is_weighted);
	for (int round = 0; round < ROUNDS; round++) {
		double begin = cpu_ms();

		if (build(n))
			return 1;
		ms[round] = cpu_ms() - begin;
	}
	qsort(ms, ROUNDS, sizeof(ms[0]), by_value);
	is_kept = limit_ms <= 0 || ms[ROUNDS / 2] <= limit_ms;
	printf("%-12s %5zu backends, %-12s %7.3f ms (%.3f to %.3f)", name, n,
	       is_weighted ? "any weights:" : "equal:", ms[ROUNDS / 2], ms[0], ms[ROUNDS - 1]);
	if (limit_ms > 0)
		printf("  at most %.0f: %s", limit_ms, is_kept ? "kept" : "MISSED");
	printf("\n");
	return !is_kept;
}

/* Slots that move when one goes, the same as when it comes; of each pool another one. */
static int count_moves(size_t n)
{
	double bound = 1.0 / (double)n + 0.01, worst = 0, sum = 0;

	for (uint32_t pool = 0; pool < POOLS; pool++) {
		uint32_t moved = 0;

		make_pool(n, pool, false);
		if (maglev_build(backends, n, table, SIZE))
			return 1;
		backends[pool * 37 % n].weight = 0;
		if (maglev_build(backends, n, without, SIZE))
			return 1;
		for (uint32_t s = 0; s < SIZE; s++)
			moved += table[s] != without[s];
		sum += (double)moved / SIZE;
		worst = (double)moved / SIZE > worst ? (double)moved / SIZE : worst;
	}
	printf("one of %4zu comes or goes: %6.3f %% of slots move, %6.3f at worst of %d;  at most "
	       "%.3f: %s\n",
	       n, 100 * sum / POOLS, 100 * worst, POOLS, 100 * bound,
	       worst <= bound ? "kept" : "MISSED");
	return worst > bound;
}

static void print_machine(void)
{
	FILE *file = fopen("/proc/cpuinfo", "re");
	char line[256];

	while (file && fgets(line, sizeof(line), file)) {
		const char *colon = strchr(line, ':');

		if (strncmp(line, "model name", 10) != 0 || !colon)
			continue;
		printf("machine: %s", colon + 2);
		break;
	}
	if (file)
		fclose(file);
	printf("tables of %d slots; CPU time, median of %d builds\n", SIZE, ROUNDS);
}

int main(void)
{
	int missed = 0;

	print_machine();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		missed += time_builds("maglev", build_maglev, cases[i].n, false, cases[i].limit_ms);
		missed += time_builds("maglev", build_maglev, cases[i].n, true, cases[i].limit_ms);
	}
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		time_builds("round_robin", build_wrr, cases[i].n, false, 0);
		time_builds("round_robin", build_wrr, cases[i].n, true, 0);
	}
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		missed += count_moves(cases[i].n);
	return missed ? EXIT_FAILURE : EXIT_SUCCESS;
}
