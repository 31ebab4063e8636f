/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The client of agent checks. A check waits for its next start or has one connection open; in both
 * cases its timer says when that ends. Agents are asked nothing: they speak first, and close.
 */
#include "health/agent_check.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "health/reason.h"
#include "model/addr.h"

#define BUCKETS	       4096
#define ANSWER_MAX     512 /* bytes of a line; HAProxy's words need a tenth */
#define JITTER_PERCENT 10
/* A start of the agent makes all checks due; they are spread over so much of their interval. */
#define FIRST_SPREAD_MS 500

struct agent_check;

/** struct subscriber - a token; in its bucket of the table and in the list of its check */
struct subscriber {
	struct subscriber *next_in_bucket;
	struct subscriber *next;
	struct agent_check *check;
	uint32_t token;
	uint64_t told; /* the check's round that it has heard of */
};

/** struct agent_check - one agent that is asked */
struct agent_check {
	struct agent_check *next; /* in its bucket */
	struct agent_checks *checks;
	struct subscriber *subscribers;
	struct lb_addr address;
	struct model_agent_check settings;
	uint64_t round;
	bool is_telling; /* its end may not come before all have been told */
	struct event timer;
	struct event socket_event;
	int fd; /* -1: waiting */
	bool is_connected;
	uint64_t started_ms; /* CLOCK_MONOTONIC */
	size_t used;
	char answer[ANSWER_MAX];
};

struct agent_checks {
	struct event_base *base;
	agent_check_fn on_report;
	void *arg;
	uint64_t random;
	struct agent_check *by_address[BUCKETS];
	struct subscriber *by_token[BUCKETS];
};

/* ---- time --------------------------------------------------------------- */

static uint64_t monotonic_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* xorshift64; it spreads checks over time, nothing secret */
static unsigned random_below(struct agent_checks *checks, unsigned limit)
{
	checks->random ^= checks->random << 13;
	checks->random ^= checks->random >> 7;
	checks->random ^= checks->random << 17;
	return limit ? (unsigned)(checks->random % limit) : 0;
}

static void set_timer(struct agent_check *check, unsigned ms)
{
	struct timeval tv = { .tv_sec = ms / 1000, .tv_usec = (suseconds_t)(ms % 1000) * 1000 };

	evtimer_add(&check->timer, &tv);
}

/* From the start of the last one: the interval does not grow by what checks take. */
static void wait_for_next(struct agent_check *check)
{
	unsigned interval = check->settings.interval_ms;
	unsigned jitter = interval * JITTER_PERCENT / 100;
	unsigned wait = interval - jitter + random_below(check->checks, 2 * jitter + 1);
	uint64_t taken = monotonic_ms() - check->started_ms;

	set_timer(check, taken < wait ? wait - (unsigned)taken : 0);
}

static void wait_for_first(struct agent_check *check)
{
	unsigned spread = check->settings.interval_ms;

	if (spread > FIRST_SPREAD_MS)
		spread = FIRST_SPREAD_MS;
	set_timer(check, random_below(check->checks, spread));
}

/* ---- the end of a check ------------------------------------------------- */

static struct agent_check **bucket_of(struct agent_checks *checks, const struct lb_addr *address)
{
	return &checks->by_address[ntohl(address->words[3]) % BUCKETS];
}

static void free_check(struct agent_check *check)
{
	struct agent_check **link = bucket_of(check->checks, &check->address);

	while (*link != check)
		link = &(*link)->next;
	*link = check->next;
	evtimer_del(&check->timer);
	if (check->fd >= 0) {
		event_del(&check->socket_event);
		close(check->fd);
	}
	free(check);
}

static struct subscriber *find_untold(const struct agent_check *check)
{
	struct subscriber *s = check->subscribers;

	while (s && s->told == check->round)
		s = s->next;
	return s;
}

/* Whoever is told may set and remove any token, all of this check too. */
static void tell(struct agent_check *check, const struct agent_report *report, const char *error)
{
	struct agent_checks *checks = check->checks;
	struct subscriber *s;

	check->round++;
	check->is_telling = true;
	while ((s = find_untold(check))) {
		s->told = check->round;
		checks->on_report(checks->arg, s->token, report, error);
	}
	check->is_telling = false;
	if (!check->subscribers)
		free_check(check);
}

static void end_check(struct agent_check *check, const struct agent_report *report,
		      const char *error)
{
	if (check->fd >= 0) {
		event_del(&check->socket_event);
		close(check->fd);
		check->fd = -1;
	}
	wait_for_next(check);
	tell(check, report, error);
}

static void end_by_errno(struct agent_check *check, int err)
{
	enum probe_outcome outcome;

	end_check(check, NULL, reason_errno(err, &outcome));
}

static void end_by_deadline(struct agent_check *check)
{
	char error[96];

	snprintf(error, sizeof(error), "timeout after %u ms %s", check->settings.timeout_ms,
		 !check->is_connected ? "connecting"
		 : check->used	      ? "waiting for the end of the line"
				      : "waiting for the answer");
	end_check(check, NULL, error);
}

static void end_by_answer(struct agent_check *check)
{
	struct agent_report report;
	char error[sizeof(report.reason)];

	if (!agent_check_parse(check->answer, check->used, &report)) {
		end_check(check, &report, "");
		return;
	}
	memcpy(error, report.reason, sizeof(error));
	end_check(check, NULL, error);
}

/* ---- one check ---------------------------------------------------------- */

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct agent_check *check = arg;
	ssize_t size = recv(fd, check->answer + check->used, ANSWER_MAX - check->used, 0);

	(void)what;
	if (size < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (size < 0) {
		end_by_errno(check, errno);
		return;
	}
	check->used += (size_t)size;
	if (!check->used)
		end_check(check, NULL, "connection closed without an answer");
	else if (!size || memchr(check->answer, '\n', check->used))
		end_by_answer(check);
	else if (check->used == ANSWER_MAX)
		end_check(check, NULL, "the answer is no line of the agent-check protocol");
}

static void read_answer(struct agent_check *check)
{
	check->is_connected = true;
	event_assign(&check->socket_event, check->checks->base, check->fd, EV_READ | EV_PERSIST,
		     on_readable, check);
	if (event_add(&check->socket_event, NULL))
		end_by_errno(check, ENOMEM);
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct agent_check *check = arg;
	socklen_t len = sizeof(int);
	int err = 0;

	(void)what;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len))
		err = errno;
	if (err)
		end_by_errno(check, err);
	else
		read_answer(check);
}

static int connect_socket(const struct agent_check *check)
{
	in_port_t port_be = htons((uint16_t)check->settings.port);
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = port_be };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = port_be };

	if (addr_is_v4(&check->address)) {
		v4.sin_addr.s_addr = check->address.words[3];
		return connect(check->fd, (struct sockaddr *)&v4, sizeof(v4));
	}
	memcpy(&v6.sin6_addr, check->address.bytes, sizeof(v6.sin6_addr));
	return connect(check->fd, (struct sockaddr *)&v6, sizeof(v6));
}

static void start_check(struct agent_check *check)
{
	/* where this side closes first, no TIME_WAIT is to stay: see probe_tcp.c */
	static const struct linger reset_on_close = { .l_onoff = 1 };

	check->started_ms = monotonic_ms();
	check->used = 0;
	check->is_connected = false;
	set_timer(check, check->settings.timeout_ms);
	check->fd = socket(addr_is_v4(&check->address) ? AF_INET : AF_INET6,
			   SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (check->fd < 0) {
		end_by_errno(check, errno);
		return;
	}
	setsockopt(check->fd, SOL_SOCKET, SO_LINGER, &reset_on_close, sizeof(reset_on_close));
	event_assign(&check->socket_event, check->checks->base, check->fd, EV_WRITE, on_writable,
		     check);
	if (!connect_socket(check))
		read_answer(check);
	else if (errno != EINPROGRESS)
		end_by_errno(check, errno);
	else if (event_add(&check->socket_event, NULL))
		end_by_errno(check, ENOMEM);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct agent_check *check = arg;

	(void)fd;
	(void)what;
	if (check->fd >= 0)
		end_by_deadline(check);
	else
		start_check(check);
}

/* ---- who wants to know -------------------------------------------------- */

static struct subscriber **find_token(struct agent_checks *checks, uint32_t token)
{
	struct subscriber **link = &checks->by_token[token % BUCKETS];

	while (*link && (*link)->token != token)
		link = &(*link)->next_in_bucket;
	return link;
}

static bool is_asked_so(const struct agent_check *check, const struct lb_addr *address,
			const struct model_agent_check *settings)
{
	return addr_compare(&check->address, address) == 0 &&
	       check->settings.port == settings->port &&
	       check->settings.interval_ms == settings->interval_ms &&
	       check->settings.timeout_ms == settings->timeout_ms;
}

static struct agent_check *find_check(struct agent_checks *checks, const struct lb_addr *address,
				      const struct model_agent_check *settings)
{
	struct agent_check *check = *bucket_of(checks, address);

	while (check && !is_asked_so(check, address, settings))
		check = check->next;
	return check;
}

static struct agent_check *add_check(struct agent_checks *checks, const struct lb_addr *address,
				     const struct model_agent_check *settings)
{
	struct agent_check **bucket = bucket_of(checks, address);
	struct agent_check *check = calloc(1, sizeof(*check));

	if (!check)
		return NULL;
	check->checks = checks;
	check->address = *address;
	check->settings = *settings;
	check->fd = -1;
	check->next = *bucket;
	*bucket = check;
	evtimer_assign(&check->timer, checks->base, on_timer, check);
	wait_for_first(check);
	return check;
}

static void leave_check(struct subscriber *s)
{
	struct agent_check *check = s->check;
	struct subscriber **link = &check->subscribers;

	while (*link != s)
		link = &(*link)->next;
	*link = s->next;
	if (!check->subscribers && !check->is_telling)
		free_check(check);
}

static void join_check(struct subscriber *s, struct agent_check *check)
{
	s->check = check;
	s->told = check->round; /* the round that is being told is none of its business */
	s->next = check->subscribers;
	check->subscribers = s;
}

static struct subscriber *add_subscriber(struct agent_checks *checks, uint32_t token)
{
	struct subscriber **bucket = &checks->by_token[token % BUCKETS];
	struct subscriber *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->token = token;
	s->next_in_bucket = *bucket;
	*bucket = s;
	return s;
}

int agent_checks_set(struct agent_checks *checks, uint32_t token, const struct lb_addr *address,
		     const struct model_agent_check *settings)
{
	struct subscriber *s = *find_token(checks, token);
	struct agent_check *check = find_check(checks, address, settings);

	if (s && s->check == check)
		return 0;
	if (!check)
		check = add_check(checks, address, settings);
	if (!check)
		return -ENOMEM;
	if (s)
		leave_check(s);
	else
		s = add_subscriber(checks, token);
	if (s)
		join_check(s, check);
	else if (!check->subscribers && !check->is_telling)
		free_check(check);
	return s ? 0 : -ENOMEM;
}

void agent_checks_remove(struct agent_checks *checks, uint32_t token)
{
	struct subscriber **link = find_token(checks, token);
	struct subscriber *s = *link;

	if (!s)
		return;
	*link = s->next_in_bucket;
	leave_check(s);
	free(s);
}

struct agent_checks *agent_checks_new(struct event_base *base, agent_check_fn on_report, void *arg)
{
	struct agent_checks *checks = calloc(1, sizeof(*checks));

	if (!checks)
		return NULL;
	checks->base = base;
	checks->on_report = on_report;
	checks->arg = arg;
	if (getrandom(&checks->random, sizeof(checks->random), GRND_NONBLOCK) < 0)
		checks->random = (uint64_t)getpid();
	checks->random |= 1; /* zero would stay zero */
	return checks;
}

void agent_checks_free(struct agent_checks *checks)
{
	if (!checks)
		return;
	for (size_t i = 0; i < BUCKETS; i++) {
		while (checks->by_token[i])
			agent_checks_remove(checks, checks->by_token[i]->token);
	}
	free(checks);
}
