/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What one shared counter of turns costs beside one for each CPU, and how far from the weights
 * each of them strays: the choice behind round_robin (bpf/schedule.h).
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "turns.skel.h"

#define REPEAT	    2000000
#define ROUNDS	    5
#define CYCLE	    7
#define MAX_THREADS 64

/* the places of backends of weight 5, 1 and 1 within a round: a a b a c a a */
static const unsigned backend_at[CYCLE] = { 0, 0, 1, 0, 2, 0, 0 };
static const double share_of[3] = { 5.0 / 7, 1.0 / 7, 1.0 / 7 };

struct runner {
	pthread_t thread;
	unsigned cpu;
	int prog_fd;
	unsigned repeat;
	uint32_t ns; /* a run */
	int err;
};

static void *run_pinned(void *arg)
{
	struct runner *r = arg;
	unsigned char frame[64] = {};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = sizeof(frame),
		    .repeat = (int)r->repeat);
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(r->cpu, &cpus);
	if (pthread_setaffinity_np(pthread_self(), sizeof(cpus), &cpus))
		r->err = -EINVAL;
	else
		r->err = bpf_prog_test_run_opts(r->prog_fd, &opts);
	r->ns = opts.duration;
	return NULL;
}

/* Mean over the threads; -1: one of them failed. */
static double run_all(int prog_fd, unsigned threads, unsigned repeat)
{
	struct runner runners[MAX_THREADS];
	double sum = 0;
	bool failed = false;

	for (unsigned i = 0; i < threads; i++) {
		/* unlike numbers of runs: the error of staggered counters shows between rounds */
		runners[i] = (struct runner) { .cpu = i, .prog_fd = prog_fd, .repeat = repeat + i };
		if (pthread_create(&runners[i].thread, NULL, run_pinned, &runners[i]))
			return -1;
	}
	for (unsigned i = 0; i < threads; i++) {
		pthread_join(runners[i].thread, NULL);
		failed |= runners[i].err != 0;
		sum += runners[i].ns;
	}
	return failed ? -1 : sum / threads;
}

static void forget_taken(struct turns *skel, unsigned cpus)
{
	uint64_t *zero = calloc(cpus, sizeof(*zero));

	for (uint32_t place = 0; zero && place < CYCLE; place++)
		bpf_map_update_elem(bpf_map__fd(skel->maps.turns_taken), &place, zero, BPF_ANY);
	free(zero);
}

/* How many connections the backend that strays furthest is away from its share. */
static double greatest_error(struct turns *skel, unsigned cpus)
{
	uint64_t *by_cpu = calloc(cpus, sizeof(*by_cpu)), got[3] = {}, all = 0;
	double worst = 0;

	for (uint32_t place = 0; by_cpu && place < CYCLE; place++) {
		bpf_map_lookup_elem(bpf_map__fd(skel->maps.turns_taken), &place, by_cpu);
		for (unsigned cpu = 0; cpu < cpus; cpu++) {
			got[backend_at[place]] += by_cpu[cpu];
			all += by_cpu[cpu];
		}
	}
	for (unsigned i = 0; i < 3; i++) {
		double error = (double)got[i] - (double)all * share_of[i];

		worst = error > worst ? error : -error > worst ? -error : worst;
	}
	free(by_cpu);
	return worst;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/* Medians of paired rounds, less the program without a counter. */
static int measure(struct turns *skel, unsigned threads, unsigned cpus)
{
	int none = bpf_program__fd(skel->progs.turns_none);
	const int counted[2] = { bpf_program__fd(skel->progs.turns_shared),
				 bpf_program__fd(skel->progs.turns_per_cpu) };
	const char *const names[2] = { "one shared counter", "one a CPU, staggered" };

	for (unsigned which = 0; which < 2; which++) {
		double ns[ROUNDS], error = 0;

		for (unsigned round = 0; round < ROUNDS; round++) {
			double base = run_all(none, threads, REPEAT), with, strays;

			forget_taken(skel, cpus);
			with = run_all(counted[which], threads, REPEAT);
			if (base < 0 || with < 0)
				return -1;
			strays = greatest_error(skel, cpus);
			error = strays > error ? strays : error;
			ns[round] = with - base;
		}
		qsort(ns, ROUNDS, sizeof(ns[0]), by_value);
		printf("%-22s %2u CPUs at once: %5.1f ns a turn; a backend strays by at most %.2f "
		       "connections\n",
		       names[which], threads, ns[ROUNDS / 2], error);
	}
	return 0;
}

int main(void)
{
	unsigned cpus = (unsigned)libbpf_num_possible_cpus();
	long online = sysconf(_SC_NPROCESSORS_ONLN);
	struct turns *skel = turns__open();
	int err = -1;

	if (skel) {
		skel->rodata->turns_cpus = cpus;
		err = turns__load(skel);
	}
	if (!err)
		err = measure(skel, 1, cpus);
	if (!err && online > 1)
		err = measure(skel, online < MAX_THREADS ? (unsigned)online : MAX_THREADS, cpus);
	if (err)
		fprintf(stderr, "bench_turns: not measured; root?\n");
	turns__destroy(skel);
	return err ? EXIT_FAILURE : EXIT_SUCCESS;
}
