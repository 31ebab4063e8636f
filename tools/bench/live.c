/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A generator (BPF_PROG_TEST_RUN with live frames) sends to one end of a veth pair; the
 * program under test sits there and answers by XDP_TX; a sink at the other end counts and
 * drops. All of it runs on one core, generator and sink included, in this thread and, when
 * packets come too thick, in that core's ksoftirqd: the CPU time of the two is the time
 * that counts, so that other work on the machine does not.
 */
#include "live.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "subject.h"
#include "wrapper.h"

#define BALANCER  "bench-lb"
#define GENERATOR "bench-gen"
#define ROUNDS	  5
#define BATCH	  65536
#define RUN_MS	  200
#define FLOWS	  1000000

int live_make_interfaces(void)
{
	if (system("ip link add " BALANCER " type veth peer name " GENERATOR
		   " && ip link set " BALANCER " up && ip link set " GENERATOR " up"))
		return -ENODEV;
	return 0;
}

int live_ifindex(void)
{
	return (int)if_nametoindex(BALANCER);
}

int live_peer_ifindex(void)
{
	return (int)if_nametoindex(GENERATOR);
}

static void stay_on_this_core(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(sched_getcpu(), &set);
	sched_setaffinity(0, sizeof(set), &set);
}

/* Nanoseconds that a task has run, from its schedstat file. */
static double task_ns(const char *path)
{
	FILE *file = fopen(path, "re");
	double ns = 0;

	if (!file)
		return 0;
	if (fscanf(file, "%lf", &ns) != 1)
		ns = 0;
	fclose(file);
	return ns;
}

/* The schedstat file of this core's ksoftirqd, "" where there is none. */
static void find_ksoftirqd(char *path, size_t size)
{
	char wanted[32], comm[32], name[64];
	int pid;

	snprintf(wanted, sizeof(wanted), "ksoftirqd/%d\n", sched_getcpu());
	for (pid = 1; pid < 1000; pid++) {
		FILE *file;
		bool is_it;

		snprintf(name, sizeof(name), "/proc/%d/comm", pid);
		file = fopen(name, "re");
		if (!file)
			continue;
		is_it = fgets(comm, sizeof(comm), file) && !strcmp(comm, wanted);
		fclose(file);
		if (is_it) {
			snprintf(path, size, "/proc/%d/schedstat", pid);
			return;
		}
	}
	*path = 0;
}

static double cpu_ms(const char *ksoftirqd)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e3 + ((double)t.tv_nsec + task_ns(ksoftirqd)) / 1e6;
}

static uint64_t sum(const volatile uint64_t *counters)
{
	uint64_t total = 0;
	int i;

	for (i = 0; i < 64; i++)
		total += counters[i];
	return total;
}

/* Million packets that came back in a second of CPU time, for RUN_MS. */
static int generate(struct wrapper *w, uint32_t flows, double *mpps)
{
	const struct traffic t = { .shape = SHAPE_V4,
				   .address4 = SUBJECT_VIP4,
				   .port = SUBJECT_PORT };
	const struct wrapper_run run = { .traffic = &t, .flows = flows };
	uint8_t frame[WRAPPER_MAX_FRAME];
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame,
		    .data_size_in = wrapper_prepare(w, &run, frame), .repeat = BATCH,
		    .flags = BPF_F_TEST_XDP_LIVE_FRAMES);
	struct wrapper_live live;
	double start, elapsed = 0;
	char ksoftirqd[64];
	uint64_t before;
	int err = 0;

	wrapper_live(w, &live);
	*live.egress = (uint32_t)live_peer_ifindex();
	before = sum(live.sunk);
	find_ksoftirqd(ksoftirqd, sizeof(ksoftirqd));
	start = cpu_ms(ksoftirqd);
	while (!err && elapsed < RUN_MS) {
		err = bpf_prog_test_run_opts(live.generate_fd, &opts);
		elapsed = cpu_ms(ksoftirqd) - start;
	}
	*mpps = (double)(sum(live.sunk) - before) / elapsed / 1e3;
	return err;
}

struct contender {
	const char *name;
	char which; /* of the textbook; 0: shipped */
	bool is_nat;
	struct subject subject;
	struct wrapper *wrapper;
	double mpps[2][ROUNDS];
};

static int run_contender(struct contender *c, int round)
{
	struct wrapper_live live;
	int err;

	wrapper_live(c->wrapper, &live);
	err = bpf_xdp_attach(live_peer_ifindex(), live.sink_fd, XDP_FLAGS_DRV_MODE, NULL);
	err = err ? err
		  : bpf_xdp_attach(live_ifindex(), c->subject.prog_fd, XDP_FLAGS_DRV_MODE, NULL);
	err = err ? err : generate(c->wrapper, 1, &c->mpps[0][round]);
	err = err ? err : generate(c->wrapper, FLOWS, &c->mpps[1][round]);
	bpf_xdp_detach(live_ifindex(), XDP_FLAGS_DRV_MODE, NULL);
	bpf_xdp_detach(live_peer_ifindex(), XDP_FLAGS_DRV_MODE, NULL);
	return err;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *samples)
{
	qsort(samples, ROUNDS, sizeof(*samples), compare);
	return samples[ROUNDS / 2];
}

static int open_contender(struct contender *c)
{
	struct shipped_setup setup = {
		.backends = 10,
		.flows = FLOWS,
		.ifindex = (uint32_t)live_ifindex(),
		.backend_ifindex = (uint32_t)live_ifindex(),
	};

	if (c->which)
		return textbook_open(c->which, setup.ifindex, &c->subject);
	setup.has_nat = setup.is_nat = c->is_nat;
	return shipped_open(&setup, &c->subject);
}

static int prepare(struct contender *c)
{
	const struct traffic t = { .shape = SHAPE_V4,
				   .address4 = SUBJECT_VIP4,
				   .port = SUBJECT_PORT };

	int err = open_contender(c);

	err = err ? err : wrapper_open(live_ifindex(), shipped_has_frags(), true, &c->wrapper);
	err = err ? err : wrapper_target(c->wrapper, c->subject.prog_fd);
	return err ? err : wrapper_establish(c->wrapper, &t, FLOWS);
}

int live_print(void)
{
	struct contender list[] = {
		{ .name = "A  MAC swap", 'a' },		  { .name = "C  textbook DSR", 'c' },
		{ .name = "D  C + LRU flow table", 'd' }, { .name = "dsr" },
		{ .name = "nat", .is_nat = true },
	};
	const int count = sizeof(list) / sizeof(list[0]);
	int i, round, err = 0;

	for (i = 0; !err && i < count; i++)
		err = prepare(&list[i]);
	stay_on_this_core();
	for (round = 0; !err && round < ROUNDS; round++) {
		for (i = 0; !err && i < count; i++)
			err = run_contender(&list[i], round);
	}
	if (err)
		fprintf(stderr, "bench: live: %s\n", strerror(-err));
	else
		printf("\n%-34s %8s %8s\n", "live on veth, Mpps of one core", "1 flow", "1M");
	for (i = 0; i < count; i++) {
		if (!err)
			printf("%-34s %8.2f %8.2f\n", list[i].name, median(list[i].mpps[0]),
			       median(list[i].mpps[1]));
		wrapper_close(list[i].wrapper);
		if (list[i].subject.close)
			list[i].subject.close(&list[i].subject);
	}
	return err;
}
