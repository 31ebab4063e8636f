/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What probing costs: CPU time a probe of health.h, beside a bare loop to the same servers (socket,
 * connect, poll, close; libcurl's connect, GET, close), and how long after its time a probe starts.
 * Probes and loops take turns, and the medians of the rounds count, because machines change their
 * pace. All leave by RST or let the server close: tens of thousands of TIME_WAIT would make the
 * next run another one. The tcp probes hold back the ACK of the handshake as well, which saves the
 * making of a connection that nobody wants; a bare loop that does the same is shown beside.
 */
#include "control_probes.h"

#include <errno.h>
#include <event2/event.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control_bare.h"
#include "control_servers.h"
#include "health/health.h"

#define INTERVAL_MS 2000
#define ROUNDS	    7
#define WARM_UP_MS  4000 /* first probes, and a phase for each */
#define SETTLE_MS   1500 /* after a bare loop, which the probes had to wait for */
#define ROUND_MS    2000 /* one probe of each target */
#define TARGETS_MAX 10000
#define LATE_MS	    50

typedef double (*bare_fn)(const struct control_servers *s, unsigned count, unsigned long *failed);

/** struct contest - a kind of probe, and the loops beside it */
struct contest {
	const char *name;
	enum server_kind server;
	enum model_probe type;
	unsigned targets;
	bare_fn bare;
	const char *bare_name;
	bare_fn beside; /* NULL: none */
	const char *beside_name;
};

static const struct contest contests[] = {
	{ "tcp", SERVER_TCP, PROBE_TCP, 10000, bare_connect_us, "connect/close",
	  bare_connect_held_us, "with the ACK held back" },
	{ "http", SERVER_HTTP, PROBE_HTTP, 2000, bare_curl_us, "libcurl loop", NULL, NULL },
};

enum row { PROBED, BARE, BESIDE, OF_BARE, OF_BESIDE, ROWS };

/** struct run - a contest under way */
struct run {
	const struct contest *contest;
	struct control_servers servers;
	struct event_base *base;
	struct health *health;
	double rows[ROWS][ROUNDS];
	unsigned long probes;
	unsigned long failed;
	double late_ms[ROUNDS * TARGETS_MAX];
	size_t late_count;
};

/* ---- the probes --------------------------------------------------------- */

static void on_change(void *arg, uint32_t token, const struct health_state *state)
{
	unsigned long *failed = arg;

	(void)token;
	*failed += !state->is_up;
}

static int set_targets(struct run *run)
{
	struct model_health settings = {
		.type = run->contest->type,
		.interval_ms = INTERVAL_MS,
		.timeout_ms = 1000,
		.rise = 2,
		.fall = 3,
		.jitter_percent = 10,
	};
	int err = 0;

	settings.expect_status[200 / 64] = 1ULL << (200 % 64);
	for (unsigned i = 0; i < run->contest->targets && !err; i++) {
		struct sockaddr_in to = control_servers_address(&run->servers, i);
		struct health_target at = {
			.address = { .words = { 0, 0, htonl(0xffff), to.sin_addr.s_addr } },
			.port = ntohs(to.sin_port),
		};

		err = health_set(run->health, i, &at, &settings, NULL);
	}
	return err;
}

static unsigned long count_probes(const struct run *run)
{
	struct health_state state;
	unsigned long probes = 0;

	for (unsigned i = 0; i < run->contest->targets; i++)
		probes += health_get(run->health, i, &state) ? 0 : state.probes;
	return probes;
}

/* Of each target the last probe. */
static void note_lateness(struct run *run)
{
	struct health_state state;

	for (unsigned i = 0; i < run->contest->targets; i++) {
		if (!health_get(run->health, i, &state))
			run->late_ms[run->late_count++] = state.late_ms;
	}
}

static void run_for(struct event_base *base, unsigned ms)
{
	struct timeval tv = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };

	event_base_loopexit(base, &tv);
	event_base_dispatch(base);
}

/* CPU time of a probe */
static double probe_us(struct run *run)
{
	unsigned long before;
	unsigned long ended;
	double start;
	double used;

	run_for(run->base, SETTLE_MS);
	before = count_probes(run);
	start = bare_thread_cpu_us();
	run_for(run->base, ROUND_MS);
	used = bare_thread_cpu_us() - start;
	ended = count_probes(run) - before;
	note_lateness(run);
	run->probes += ended;
	return ended ? used / (double)ended : 0;
}

/* ---- the figures -------------------------------------------------------- */

static void measure_round(struct run *run, int round)
{
	const struct contest *c = run->contest;
	double bare = c->bare(&run->servers, c->targets, &run->failed);
	double beside = c->beside ? c->beside(&run->servers, c->targets, &run->failed) : 0;
	double probed = probe_us(run);

	run->rows[PROBED][round] = probed;
	run->rows[BARE][round] = bare;
	run->rows[BESIDE][round] = beside;
	run->rows[OF_BARE][round] = probed / bare;
	run->rows[OF_BESIDE][round] = c->beside ? probed / beside : 0;
}

static int measure(struct run *run)
{
	int err;

	run->base = event_base_new();
	run->health = run->base ? health_new(run->base, on_change, &run->failed) : NULL;
	err = run->health ? set_targets(run) : -ENOMEM;
	if (!err) {
		run_for(run->base, WARM_UP_MS);
		for (int i = 0; i < ROUNDS; i++)
			measure_round(run, i);
	}
	health_free(run->health);
	if (run->base)
		event_base_free(run->base);
	return err;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a;
	double y = *(const double *)b;

	return (x > y) - (x < y);
}

static double rank(double *values, size_t count, unsigned percent)
{
	qsort(values, count, sizeof(*values), compare);
	return count ? values[(count - 1) * percent / 100] : 0;
}

static double median(double *values)
{
	return rank(values, ROUNDS, 50);
}

static void print(struct run *run)
{
	const struct contest *c = run->contest;

	printf("probes: %u %s checks every %d ms, %lu in %d ms: %.1f us of CPU each; bare %s %.1f "
	       "us, ratio %.2f (to reach: 1.5)",
	       c->targets, c->name, INTERVAL_MS, run->probes, ROUNDS * ROUND_MS,
	       median(run->rows[PROBED]), c->bare_name, median(run->rows[BARE]),
	       median(run->rows[OF_BARE]));
	if (c->beside)
		printf("; %s %.1f us, ratio %.2f", c->beside_name, median(run->rows[BESIDE]),
		       median(run->rows[OF_BESIDE]));
	printf("\nprobes: %s: started after its time: median %.0f ms (to reach: %d), 99 %% within "
	       "%.0f ms\n",
	       c->name, rank(run->late_ms, run->late_count, 50), LATE_MS,
	       rank(run->late_ms, run->late_count, 99));
}

static int hold_contest(const struct contest *c)
{
	struct run *run = calloc(1, sizeof(*run));
	bool is_measured = false;
	int err;

	if (!run)
		return 1;
	run->contest = c;
	err = control_servers_start(&run->servers, c->server);
	if (!err)
		err = measure(run);
	control_servers_stop(&run->servers);
	is_measured = !err && !run->failed && run->probes;
	if (is_measured)
		print(run);
	else
		fprintf(stderr, "probes: %s: not measured: %s, %lu failed\n", c->name,
			strerror(-err), run->failed);
	free(run);
	return !is_measured;
}

int control_probes_run(void)
{
	int failed = 0;

	for (size_t i = 0; i < sizeof(contests) / sizeof(contests[0]); i++)
		failed |= hold_contest(&contests[i]);
	return failed;
}
