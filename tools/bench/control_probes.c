/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What probing costs: CPU time a probe of health.h, beside a bare loop of socket, connect, poll and
 * close to the same servers. They take turns, and the medians of the rounds count, because machines
 * change their pace. Both leave by RST: tens of thousands of TIME_WAIT would make the next run
 * another one. The probes hold back the ACK of the handshake as well, which saves the making of a
 * connection that nobody wants; a bare loop that does the same is shown beside.
 */
#include "control_probes.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "health/health.h"
#include "model/addr.h"

#define TARGETS	    10000
#define INTERVAL_MS 2000
#define ROUNDS	    5
#define WARM_UP_MS  4000 /* first probes, and a phase for each */
#define SETTLE_MS   500	 /* after a bare loop, which the probes had to wait for */
#define ROUND_MS    2000
#define ROUND_CONNS 10000 /* as many as probes in a round */
#define ADDRESSES   20
#define PORTS	    5
#define LISTENERS   (ADDRESSES * PORTS)

static struct sockaddr_in servers[LISTENERS];
static int listeners[LISTENERS];

/* ---- the servers: a process of its own ---------------------------------- */

static int open_listener(unsigned index)
{
	struct sockaddr_in *to = &servers[index];
	socklen_t len = sizeof(*to);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	*to = (struct sockaddr_in) { .sin_family = AF_INET };
	to->sin_addr.s_addr = htonl(INADDR_LOOPBACK + index / PORTS);
	if (fd < 0)
		return -errno;
	if (bind(fd, (struct sockaddr *)to, len) || listen(fd, 4096) ||
	    getsockname(fd, (struct sockaddr *)to, &len)) {
		int err = -errno;

		close(fd);
		return err;
	}
	listeners[index] = fd;
	return 0;
}

static void serve(void)
{
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event events[64];

	for (int i = 0; i < LISTENERS; i++) {
		struct epoll_event on = { .events = EPOLLIN, .data.fd = listeners[i] };

		epoll_ctl(epoll, EPOLL_CTL_ADD, listeners[i], &on);
	}
	for (;;) {
		int count = epoll_wait(epoll, events, 64, -1);

		for (int i = 0; i < count; i++) {
			int fd;

			while ((fd = accept4(events[i].data.fd, NULL, NULL, SOCK_CLOEXEC)) >= 0)
				close(fd);
		}
	}
}

static pid_t start_servers(void)
{
	pid_t pid;
	int err = 0;

	for (unsigned i = 0; i < LISTENERS && !err; i++)
		err = open_listener(i);
	if (err) {
		fprintf(stderr, "probes: listening: %s\n", strerror(-err));
		return err;
	}
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		serve();
	}
	for (int i = 0; i < LISTENERS; i++)
		close(listeners[i]);
	return pid;
}

/* ---- the bare loop ------------------------------------------------------ */

/* Not getrusage(): for a thread that runs, its figure is as old as the last tick. */
static double thread_cpu_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return 1e6 * (double)ts.tv_sec + (double)ts.tv_nsec / 1e3;
}

static bool connect_once(const struct sockaddr_in *to, bool holds_ack)
{
	static const struct linger reset_on_close = { .l_onoff = 1 };
	static const int off = 0;
	struct pollfd wait = { .events = POLLOUT };
	socklen_t len = sizeof(int);
	int err = 0;

	wait.fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (wait.fd < 0)
		return false;
	setsockopt(wait.fd, SOL_SOCKET, SO_LINGER, &reset_on_close, sizeof(reset_on_close));
	if (holds_ack)
		setsockopt(wait.fd, IPPROTO_TCP, TCP_QUICKACK, &off, sizeof(off));
	if (connect(wait.fd, (const struct sockaddr *)to, sizeof(*to)) && errno == EINPROGRESS &&
	    poll(&wait, 1, 1000) == 1)
		getsockopt(wait.fd, SOL_SOCKET, SO_ERROR, &err, &len);
	else
		err = errno;
	close(wait.fd);
	return err == 0;
}

/* CPU time of a connection; those that failed are added to @failed */
static double bare_us(bool holds_ack, unsigned long *failed)
{
	double start = thread_cpu_us();

	for (unsigned i = 0; i < ROUND_CONNS; i++)
		*failed += !connect_once(&servers[i % LISTENERS], holds_ack);
	return (thread_cpu_us() - start) / ROUND_CONNS;
}

/* ---- the probes --------------------------------------------------------- */

static void on_change(void *arg, uint32_t token, const struct health_state *state)
{
	unsigned long *down = arg;

	(void)token;
	*down += !state->is_up;
}

static int set_targets(struct health *h)
{
	static const struct model_health settings = {
		.type = PROBE_TCP,
		.interval_ms = INTERVAL_MS,
		.timeout_ms = 1000,
		.rise = 2,
		.fall = 3,
		.jitter_percent = 10,
	};
	int err = 0;

	for (unsigned i = 0; i < TARGETS && !err; i++) {
		const struct sockaddr_in *to = &servers[i % LISTENERS];
		struct lb_addr address = { .words = { 0, 0, htonl(0xffff), to->sin_addr.s_addr } };

		err = health_set(h, i, &address, ntohs(to->sin_port), &settings, 0);
	}
	return err;
}

static unsigned long count_probes(const struct health *h)
{
	struct health_state state;
	unsigned long probes = 0;

	for (unsigned i = 0; i < TARGETS; i++)
		probes += health_get(h, i, &state) ? 0 : state.probes;
	return probes;
}

static void run_for(struct event_base *base, unsigned ms)
{
	struct timeval tv = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };

	event_base_loopexit(base, &tv);
	event_base_dispatch(base);
}

/* CPU time of a probe; those that ended are added to @probes */
static double probe_us(struct event_base *base, const struct health *h, unsigned long *probes)
{
	unsigned long before;
	unsigned long ended;
	double start;
	double used;

	run_for(base, SETTLE_MS);
	before = count_probes(h);
	start = thread_cpu_us();
	run_for(base, ROUND_MS);
	used = thread_cpu_us() - start;
	ended = count_probes(h) - before;
	*probes += ended;
	return ended ? used / (double)ended : 0;
}

/* ---- the figure --------------------------------------------------------- */

enum row { PROBED, BARE, BARE_HELD, OF_BARE, OF_BARE_HELD, ROWS };

struct figures {
	double rows[ROWS][ROUNDS];
	unsigned long probes;
	unsigned long failed;
};

static void measure_round(struct event_base *base, struct health *h, struct figures *f, int round)
{
	double bare = bare_us(false, &f->failed);
	double held = bare_us(true, &f->failed);
	double probed = probe_us(base, h, &f->probes);

	f->rows[PROBED][round] = probed;
	f->rows[BARE][round] = bare;
	f->rows[BARE_HELD][round] = held;
	f->rows[OF_BARE][round] = probed / bare;
	f->rows[OF_BARE_HELD][round] = probed / held;
}

static int measure(struct figures *f)
{
	struct event_base *base = event_base_new();
	struct health *h = base ? health_new(base, on_change, &f->failed) : NULL;
	int err = h ? set_targets(h) : -ENOMEM;

	if (!err) {
		run_for(base, WARM_UP_MS);
		for (int i = 0; i < ROUNDS; i++)
			measure_round(base, h, f, i);
	}
	health_free(h);
	if (base)
		event_base_free(base);
	return err;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a;
	double y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *values)
{
	qsort(values, ROUNDS, sizeof(*values), compare);
	return values[ROUNDS / 2];
}

int control_probes_run(void)
{
	struct figures f = {};
	pid_t pid = start_servers();
	int err = pid < 0 ? (int)pid : measure(&f);

	if (pid > 0) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	if (err || f.failed || !f.probes) {
		fprintf(stderr, "probes: not measured: %s, %lu failed\n", strerror(-err), f.failed);
		return 1;
	}
	printf("probes: %d tcp checks every %d ms, %lu in %d ms: %.1f us of CPU each; bare "
	       "connect/close %.1f us, ratio %.2f (to reach: 1.5); bare with the ACK held back "
	       "%.1f us, ratio %.2f\n",
	       TARGETS, INTERVAL_MS, f.probes, ROUNDS * ROUND_MS, median(f.rows[PROBED]),
	       median(f.rows[BARE]), median(f.rows[OF_BARE]), median(f.rows[BARE_HELD]),
	       median(f.rows[OF_BARE_HELD]));
	return 0;
}
