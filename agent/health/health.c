/* SPDX-License-Identifier: GPL-2.0-only */
#include "health/health.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "health/probe.h"
#include "health/target.h"

/* Starts and deadlines are kept to this grid: a wakeup then serves many targets, which costs less
 * than a timer each. */
#define TICK_MS 10
/* A start of the agent makes thousands of targets due at once. Backlogs (128 by old defaults, 4096
 * now), local ports and descriptors are not made for that. */
#define STARTS_PER_TICK 500
/* A tick or a deadline found later than this was missed by the loop, not by the backend. */
#define LATE_MS 50
/* A late tick starts so many: the loop has more to do than it can, and what is in flight would run
 * into its deadline while new probes are begun. Probes slip then; none fails for it. */
#define STARTS_PER_LATE_TICK 25
/* A probe that could not be sent is tried again soon: what it lacked (descriptors, ports) comes
 * back as others end, and the time to find a failed backend runs on. */
#define RETRY_MS 100

static uint64_t monotonic_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

static uint64_t monotonic_ms(void)
{
	return monotonic_us() / 1000;
}

static uint64_t realtime_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* xorshift64; it spreads probes over time, nothing secret */
static uint64_t random_below(struct health *h, uint64_t limit)
{
	h->random ^= h->random << 13;
	h->random ^= h->random >> 7;
	h->random ^= h->random << 17;
	return limit ? h->random % limit : 0;
}

/* ---- time --------------------------------------------------------------- */

static void arm(struct health *h, uint64_t tick)
{
	uint64_t now = monotonic_ms();
	uint64_t due = tick * TICK_MS;
	uint64_t wait_ms = due > now ? due - now : 0;
	struct timeval tv = { .tv_sec = (time_t)(wait_ms / 1000),
			      .tv_usec = (suseconds_t)(wait_ms % 1000 * 1000) };

	h->armed_tick = tick;
	if (tick == WHEEL_NEVER)
		evtimer_del(&h->tick_event);
	else
		evtimer_add(&h->tick_event, &tv);
}

static void schedule(struct target *t, uint64_t due_ms)
{
	struct health *h = t->health;

	wheel_remove(&h->wheel, &t->entry);
	wheel_add(&h->wheel, &t->entry, (due_ms + TICK_MS - 1) / TICK_MS);
	if (t->entry.tick < h->armed_tick)
		arm(h, t->entry.tick);
}

/* From the planned start, not from the end of the last probe: the interval does not grow by what
 * probes take. The second probe goes at a random point of the first interval, so that targets set
 * at once do not stay in step; so does what a loop that was held up started late, lest it come
 * twice in a row. */
static void schedule_next(struct target *t)
{
	uint64_t interval = t->settings.interval_ms;
	uint64_t jitter = interval * t->settings.jitter_percent / 100;
	uint64_t started = t->started_us / 1000;
	uint64_t now = monotonic_ms();

	t->planned_ms += interval - jitter + random_below(t->health, 2 * jitter + 1);
	if (!t->is_phased)
		t->planned_ms = started + random_below(t->health, interval);
	else if (t->planned_ms < started + interval / 2)
		t->planned_ms = started + interval / 2 + random_below(t->health, interval / 2);
	if (t->planned_ms < now)
		t->planned_ms = now;
	t->is_phased = true;
	schedule(t, t->planned_ms);
}

static void start_probe(struct target *t)
{
	t->started_us = monotonic_us();
	t->is_probing = true;
	t->has_grace = false;
	schedule(t, t->started_us / 1000 + t->settings.timeout_ms);
	t->kind->start(t);
}

static void cancel_probe(struct target *t)
{
	if (!t->is_probing)
		return;
	t->is_probing = false;
	t->kind->cancel(t);
}

/* Once for a probe, and for no longer than the loop was late: the answer may be here, unread. */
static bool put_off_deadline(struct target *t)
{
	uint64_t now = monotonic_ms();
	uint64_t due = t->entry.tick * TICK_MS;
	uint64_t more = t->settings.timeout_ms;

	if (t->has_grace || now <= due + LATE_MS)
		return false;
	if (now - due < more)
		more = now - due;
	t->has_grace = true;
	schedule(t, now + more);
	return true;
}

static void end_by_silence(struct target *t)
{
	const char *reason = t->kind->silence(t);

	t->kind->cancel(t);
	health_end_probe(t, OUTCOME_PASSED, reason);
}

static void end_by_deadline(struct target *t)
{
	char reason[sizeof(t->state.reason)];

	if (put_off_deadline(t))
		return;
	if (t->kind->silence && t->kind->silence(t)) {
		end_by_silence(t);
		return;
	}
	snprintf(reason, sizeof(reason), "timeout after %u ms %s", t->settings.timeout_ms,
		 t->kind->stage(t));
	t->kind->cancel(t);
	health_end_probe(t, OUTCOME_FAILED, reason);
}

/* Whatever is called here may end in the user's on_change, and that may set and remove any target:
 * hold nothing across it but the wheel. */
static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct health *h = arg;
	uint64_t now = monotonic_ms();
	bool is_late = now > h->armed_tick * TICK_MS + LATE_MS;
	unsigned starts = is_late ? STARTS_PER_LATE_TICK : STARTS_PER_TICK;
	struct wheel_entry *e;

	(void)fd;
	(void)what;
	h->armed_tick = 0;
	wheel_advance(&h->wheel, now / TICK_MS);
	while ((e = wheel_pop(&h->wheel))) {
		struct target *t = (struct target *)e;

		if (t->is_probing) {
			end_by_deadline(t);
		} else if (starts) {
			starts--;
			start_probe(t);
		} else {
			schedule(t, (h->wheel.now + 1) * TICK_MS);
		}
	}
	arm(h, wheel_next(&h->wheel));
}

void health_end_probe(struct target *t, enum probe_outcome outcome, const char *reason)
{
	struct health *h = t->health;
	struct state_input in = {
		.outcome = outcome,
		.rise = t->settings.rise,
		.fall = t->settings.fall,
		.is_adopted = t->is_adopted,
		.realtime_ms = realtime_ms(),
		.latency_us = (uint32_t)(monotonic_us() - t->started_us),
	};
	struct health_state seen;
	bool has_news = state_apply(&t->state, &in);

	t->is_probing = false;
	snprintf(t->state.reason, sizeof(t->state.reason), "%s", reason);
	if (outcome == OUTCOME_NOT_SENT)
		schedule(t, monotonic_ms() + RETRY_MS + random_below(h, RETRY_MS));
	else
		schedule_next(t);
	if (!has_news)
		return;
	seen = t->state;
	h->on_change(h->arg, t->token, &seen);
}

/* ---- the table ---------------------------------------------------------- */

static struct target **find(const struct health *h, uint32_t token)
{
	struct target **link = (struct target **)&h->buckets[token % HEALTH_BUCKETS];

	while (*link && (*link)->token != token)
		link = &(*link)->next;
	return link;
}

static void drop(struct health *h, struct target **link)
{
	struct target *t = *link;

	*link = t->next;
	wheel_remove(&h->wheel, &t->entry);
	cancel_probe(t);
	target_free(t);
}

static void insert(struct health *h, uint32_t token, struct target *t)
{
	struct target **bucket = &h->buckets[token % HEALTH_BUCKETS];

	t->token = token;
	t->next = *bucket;
	*bucket = t;
}

static void begin(struct target *t, int initial)
{
	t->is_adopted = initial != 0;
	t->state.is_up = initial > 0;
	t->state.since_ms = realtime_ms();
	snprintf(t->state.reason, sizeof(t->state.reason), "not probed yet");
}

/* What is not known yet is probed at once; a known backend with new settings finds a new phase
 * within the new interval, lest a reload probe all of them together. */
static void schedule_first(struct target *t)
{
	t->planned_ms = monotonic_ms();
	if (t->is_phased)
		t->planned_ms += random_below(t->health, t->settings.interval_ms);
	schedule(t, t->planned_ms);
}

int health_set(struct health *h, uint32_t token, const struct health_target *target,
	       const struct model_health *settings, const struct health_memory *memory)
{
	struct target **link = find(h, token);
	bool is_same = *link && target_is_at(*link, target);
	struct target *t;
	int err;

	if (is_same && model_health_equal(&(*link)->settings, settings))
		return 0;
	err = target_new(h, target, settings, &t);
	if (err)
		return err;
	if (is_same)
		target_inherit(t, *link);
	else
		begin(t, memory ? memory->initial : 0);
	if (*link)
		drop(h, link);
	insert(h, token, t);
	schedule_first(t);
	return 0;
}

void health_set_hop(struct health *h, uint32_t token, uint32_t ifindex, const uint8_t dst_mac[6],
		    const uint8_t src_mac[6])
{
	struct target *t = *find(h, token);

	if (!t)
		return;
	t->hop.ifindex = ifindex;
	memcpy(t->hop.dst_mac, dst_mac, sizeof(t->hop.dst_mac));
	memcpy(t->hop.src_mac, src_mac, sizeof(t->hop.src_mac));
}

void health_probe_now(struct health *h, uint32_t token)
{
	struct target *t = *find(h, token);

	if (!t || t->is_probing)
		return;
	t->planned_ms = monotonic_ms();
	schedule(t, t->planned_ms);
}

void health_remove(struct health *h, uint32_t token)
{
	struct target **link = find(h, token);

	if (*link)
		drop(h, link);
}

int health_get(const struct health *h, uint32_t token, struct health_state *out)
{
	const struct target *t = *find(h, token);

	if (!t)
		return -ENOENT;
	*out = t->state;
	return 0;
}

struct health *health_new(struct event_base *base, health_change_fn on_change, void *arg)
{
	struct health *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	h->base = base;
	h->on_change = on_change;
	h->arg = arg;
	h->armed_tick = WHEEL_NEVER;
	if (getrandom(&h->random, sizeof(h->random), GRND_NONBLOCK) < 0)
		h->random = monotonic_us();
	h->random |= 1; /* zero would stay zero */
	wheel_init(&h->wheel, monotonic_ms() / TICK_MS);
	evtimer_assign(&h->tick_event, base, on_tick, h);
	return h;
}

void health_free(struct health *h)
{
	if (!h)
		return;
	for (size_t i = 0; i < HEALTH_BUCKETS; i++) {
		while (h->buckets[i])
			drop(h, &h->buckets[i]);
	}
	probe_http_free(h->http);
	evtimer_del(&h->tick_event);
	free(h);
}
