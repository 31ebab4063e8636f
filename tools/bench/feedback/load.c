/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * load - HTTP requests by a schedule that nobody's slowness changes (an open loop)
 *
 * Arrivals are Poisson with a rate that swings: a sine and, each second, a random step on top. The
 * same seed gives the same arrivals, to the nanosecond. A request is a TCP connection of its own,
 * started when it is due however many still wait, and its latency is counted from when it was due
 * to the end of the reply: what a slow server delays is never left out of the figures.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S     1000000000LL
#define HEAD_MAX     512
#define TIMER_TOKEN  UINT64_MAX
#define MAX_REQUESTS 200000

static const char REQUEST[] = "GET %s HTTP/1.1\r\nHost: feedback\r\nAccept-Encoding: gzip\r\n"
			      "Connection: close\r\n\r\n";
static const char LAST_CHUNK[] = "0\r\n\r\n";

enum outcome { WAITING, OK, REFUSED, RESET, TIMEOUT, BAD_REPLY, NO_SOCKET };

static const char *const OUTCOMES[] = { "waiting", "ok",	"refused",  "reset",
					"timeout", "bad_reply", "no_socket" };

/** struct swing - the rate over time */
struct swing {
	double mean;  /* requests/s */
	double depth; /* of the sine, share of the mean */
	double period_s;
	double step; /* of the random steps, share of what the sine says */
	double duration_s;
	uint64_t random; /* state */
};

/** struct request - one connection */
struct request {
	int64_t due_ns; /* since the start */
	int64_t late_ns;
	int64_t latency_ns;
	int fd;
	enum outcome outcome;
	bool is_sent;
	unsigned head_length;
	char head[HEAD_MAX];
	char tail[sizeof(LAST_CHUNK) - 1]; /* the newest bytes of the reply */
	unsigned tail_length;
};

struct load {
	struct sockaddr_in target;
	char text[256]; /* the request */
	size_t text_length;
	int64_t timeout_ns;
	int64_t start_ns;
	int epoll_fd;
	int timer_fd;
	struct request *requests;
	size_t count;
	size_t started;
	size_t oldest; /* all before it have ended */
};

static int64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

/* splitmix64 (Steele et al. 2014), as a number in (0, 1] */
static double next_random(uint64_t *state)
{
	uint64_t x = *state += 0x9e3779b97f4a7c15ULL;

	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
	x ^= x >> 31;
	return (double)((x >> 11) + 1) / 9007199254740992.0;
}

/* ---- the schedule -------------------------------------------------------- */

/* Poisson arrivals of a rate that varies, by thinning (Lewis and Shedler 1979) */
static size_t make_schedule(struct swing *s, struct request *out, size_t max)
{
	double most = s->mean * (1 + s->depth) * (1 + s->step);
	double t = 0, step = 1;
	int64_t second = -1;
	size_t n = 0;

	while (n < max) {
		t -= log(next_random(&s->random)) / most;
		if (t >= s->duration_s)
			break;
		for (; second < (int64_t)t; second++)
			step = 1 + s->step * (2 * next_random(&s->random) - 1);
		double rate = s->mean * (1 + s->depth * sin(2 * M_PI * t / s->period_s)) * step;
		if (next_random(&s->random) <= rate / most)
			out[n++].due_ns = (int64_t)(t * NS_PER_S);
	}
	return n;
}

/* ---- one request --------------------------------------------------------- */

static void finish(struct load *l, struct request *r, enum outcome outcome)
{
	r->outcome = outcome;
	r->latency_ns = now_ns() - l->start_ns - r->due_ns;
	if (r->fd >= 0)
		close(r->fd);
	r->fd = -1;
}

static enum outcome outcome_of_errno(int error)
{
	return error == ECONNREFUSED ? REFUSED : RESET;
}

static void start(struct load *l, struct request *r)
{
	struct epoll_event event = { .events = EPOLLOUT, .data.u64 = (uint64_t)(r - l->requests) };

	r->late_ns = now_ns() - l->start_ns - r->due_ns;
	r->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (r->fd < 0 || epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, r->fd, &event) < 0) {
		finish(l, r, NO_SOCKET);
		return;
	}
	if (connect(r->fd, (struct sockaddr *)&l->target, sizeof(l->target)) < 0 &&
	    errno != EINPROGRESS)
		finish(l, r, outcome_of_errno(errno));
}

static void send_request(struct load *l, struct request *r)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = (uint64_t)(r - l->requests) };
	int error = 0;

	getsockopt(r->fd, SOL_SOCKET, SO_ERROR, &error, &(socklen_t) { sizeof(error) });
	if (error) {
		finish(l, r, outcome_of_errno(error));
		return;
	}
	/* a few hundred bytes always fit into a new socket's buffer */
	if (send(r->fd, l->text, l->text_length, MSG_NOSIGNAL) != (ssize_t)l->text_length) {
		finish(l, r, RESET);
		return;
	}
	r->is_sent = true;
	epoll_ctl(l->epoll_fd, EPOLL_CTL_MOD, r->fd, &event);
}

static void keep(struct request *r, const char *bytes, size_t length)
{
	size_t room = HEAD_MAX - 1 - r->head_length;
	size_t take = length < room ? length : room;

	memcpy(r->head + r->head_length, bytes, take);
	r->head_length += take;
	for (size_t i = length > sizeof(r->tail) ? length - sizeof(r->tail) : 0; i < length; i++) {
		if (r->tail_length == sizeof(r->tail))
			memmove(r->tail, r->tail + 1, --r->tail_length);
		r->tail[r->tail_length++] = bytes[i];
	}
}

static bool is_whole(const struct request *r)
{
	return strncmp(r->head, "HTTP/1.1 200 ", 13) == 0 && r->tail_length == sizeof(r->tail) &&
	       memcmp(r->tail, LAST_CHUNK, sizeof(r->tail)) == 0;
}

static void receive(struct load *l, struct request *r)
{
	char bytes[16384];
	ssize_t n;

	while ((n = recv(r->fd, bytes, sizeof(bytes), 0)) > 0)
		keep(r, bytes, (size_t)n);
	if (n == 0)
		finish(l, r, is_whole(r) ? OK : BAD_REPLY);
	else if (errno != EAGAIN && errno != EINTR)
		finish(l, r, outcome_of_errno(errno));
}

/* ---- the loop ------------------------------------------------------------ */

static void set_timer(const struct load *l)
{
	struct itimerspec when = {};
	int64_t at = INT64_MAX;

	if (l->started < l->count)
		at = l->requests[l->started].due_ns;
	if (l->oldest < l->started && l->requests[l->oldest].due_ns + l->timeout_ns < at)
		at = l->requests[l->oldest].due_ns + l->timeout_ns;
	at += l->start_ns;
	when.it_value.tv_sec = at / NS_PER_S;
	when.it_value.tv_nsec = at % NS_PER_S;
	timerfd_settime(l->timer_fd, TFD_TIMER_ABSTIME, &when, NULL);
}

static void start_what_is_due(struct load *l)
{
	while (l->started < l->count && l->requests[l->started].due_ns <= now_ns() - l->start_ns)
		start(l, &l->requests[l->started++]);
}

static void end_what_is_old(struct load *l)
{
	for (; l->oldest < l->started; l->oldest++) {
		struct request *r = &l->requests[l->oldest];

		if (r->outcome != WAITING)
			continue;
		if (r->due_ns + l->timeout_ns > now_ns() - l->start_ns)
			break;
		finish(l, r, TIMEOUT);
	}
}

static void serve(struct load *l, const struct epoll_event *event)
{
	struct request *r;

	if (event->data.u64 == TIMER_TOKEN) {
		uint64_t expirations;

		if (read(l->timer_fd, &expirations, sizeof(expirations)) < 0)
			return; /* set anew since it fired */
		return;
	}
	r = &l->requests[event->data.u64];
	if (r->outcome != WAITING)
		return; /* ended earlier in this batch */
	if (r->is_sent)
		receive(l, r);
	else
		send_request(l, r);
}

static int run(struct load *l)
{
	struct epoll_event timer = { .events = EPOLLIN, .data.u64 = TIMER_TOKEN };

	l->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	l->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (l->epoll_fd < 0 || l->timer_fd < 0 ||
	    epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, l->timer_fd, &timer) < 0)
		return -errno;
	l->start_ns = now_ns();
	while (l->oldest < l->count) {
		struct epoll_event events[64];
		int n;

		set_timer(l);
		n = epoll_wait(l->epoll_fd, events, 64, -1);
		if (n < 0 && errno != EINTR)
			return -errno;
		for (int i = 0; i < n; i++)
			serve(l, &events[i]);
		start_what_is_due(l);
		end_what_is_old(l);
	}
	return 0;
}

/* ---- results ------------------------------------------------------------- */

/* the value of X-Backend, or "-" */
static void backend_of(const struct request *r, char *out, size_t size)
{
	const char *at = strstr(r->head, "\r\nX-Backend: ");
	size_t length = 0;

	if (at) {
		at += strlen("\r\nX-Backend: ");
		length = strcspn(at, "\r\n");
	}
	snprintf(out, size, "%.*s", length ? (int)length : 1, length ? at : "-");
}

static void print_requests(const struct load *l)
{
	for (size_t i = 0; i < l->count; i++) {
		const struct request *r = &l->requests[i];
		char backend[32];

		backend_of(r, backend, sizeof(backend));
		printf("%.3f\t%.3f\t%.3f\t%s\t%s\n", (double)r->due_ns / 1e6,
		       (double)r->latency_ns / 1e6, (double)r->late_ns / 1e6, backend,
		       OUTCOMES[r->outcome]);
	}
}

static int usage(void)
{
	fputs("usage: load --to ADDRESS:PORT [--path /] [--seed N] [--duration S] [--rate N]\n"
	      "            [--depth SHARE] [--period S] [--step SHARE] [--timeout S]\n"
	      "Prints, a line a request: due, latency and lateness of its start in ms, the\n"
	      "backend that answered (the reply's X-Backend), and how it ended.\n",
	      stderr);
	return 2;
}

static bool parse_target(char *text, struct sockaddr_in *out)
{
	char *colon = strrchr(text, ':');

	if (!colon)
		return false;
	*colon = '\0';
	out->sin_family = AF_INET;
	out->sin_port = htons((uint16_t)strtoul(colon + 1, NULL, 10));
	return inet_pton(AF_INET, text, &out->sin_addr) == 1;
}

/* where the numbers go, in the order of NUMBERS */
static const char *const NUMBERS[] = { "rate", "depth", "period", "step", "duration", "timeout" };

static bool parse_number(const char *name, const char *text, struct swing *s, double *timeout_s)
{
	double *const values[] = { &s->mean, &s->depth,	     &s->period_s,
				   &s->step, &s->duration_s, timeout_s };
	char *end;

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		if (strcmp(name, NUMBERS[i]) != 0)
			continue;
		*values[i] = strtod(text, &end);
		return end != text && *end == '\0' && *values[i] >= 0;
	}
	return false;
}

static bool parse_options(int argc, char **argv, struct load *l, struct swing *s)
{
	const char *path = "/";
	double timeout_s = 10;

	for (int i = 1; i + 1 < argc; i += 2) {
		const char *name = argv[i] + (strncmp(argv[i], "--", 2) == 0 ? 2 : 0);

		if (strcmp(name, "path") == 0)
			path = argv[i + 1];
		else if (strcmp(name, "seed") == 0)
			s->random = strtoull(argv[i + 1], NULL, 10);
		else if (strcmp(name, "to") == 0 ? !parse_target(argv[i + 1], &l->target)
						 : !parse_number(name, argv[i + 1], s, &timeout_s))
			return false;
	}
	l->timeout_ns = (int64_t)(timeout_s * NS_PER_S);
	l->text_length = (size_t)snprintf(l->text, sizeof(l->text), REQUEST, path);
	return argc % 2 == 1 && l->target.sin_family == AF_INET &&
	       l->text_length < sizeof(l->text) && s->mean > 0 && s->duration_s > 0 &&
	       s->period_s > 0 && l->timeout_ns > 0;
}

int main(int argc, char **argv)
{
	struct swing swing = { .mean = 20, .period_s = 10, .duration_s = 10 };
	struct load load = { .timeout_ns = 10 * NS_PER_S };
	int rc;

	if (!parse_options(argc, argv, &load, &swing))
		return usage();
	load.requests = calloc(MAX_REQUESTS, sizeof(*load.requests));
	if (!load.requests)
		return 1;
	load.count = make_schedule(&swing, load.requests, MAX_REQUESTS);
	rc = run(&load);
	if (rc == 0)
		print_requests(&load);
	else
		fprintf(stderr, "load: %s\n", strerror(-rc));
	free(load.requests);
	return rc == 0 ? 0 : 1;
}
