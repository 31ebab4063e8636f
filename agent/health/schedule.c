/* SPDX-License-Identifier: GPL-2.0-only */
#include "health/schedule.h"

#include <event2/event.h>
#include <stdio.h>
#include <sys/random.h>
#include <time.h>

#include "health/members.h"
#include "health/reason.h"

/* Starts and deadlines are kept to this grid: a wakeup then serves many targets, which costs less
 * than a timer each, and what the first has brought into the caches serves the others. */
#define TICK_MS 25
/* A start of the agent makes thousands of targets due at once. Backlogs (128 by old defaults, 4096
 * now), local ports and descriptors are not made for that. */
#define STARTS_PER_TICK 500
/* A tick or a deadline found later than this was missed by the loop, not by the backend. */
#define LATE_MS 50
/* A late tick starts so many: the loop has more to do than it can, and what is in flight would run
 * into its deadline while new probes are begun. Probes slip then; none fails for it. */
#define STARTS_PER_LATE_TICK 60
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

uint64_t schedule_realtime_ms(void)
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

static void wait_until(struct target *t, uint64_t due_ms)
{
	struct health *h = t->health;

	wheel_remove(&h->wheel, &t->entry);
	wheel_add(&h->wheel, &t->entry, (due_ms + TICK_MS - 1) / TICK_MS);
	if (t->entry.tick < h->armed_tick)
		arm(h, t->entry.tick);
}

static void start_at(struct target *t, uint64_t due_ms)
{
	uint64_t now = monotonic_ms();

	t->due_ms = due_ms > now ? due_ms : now;
	t->state.next_ms = schedule_realtime_ms() + t->due_ms - now;
	wait_until(t, t->due_ms);
}

/* From the planned start, not from the end of the last probe: the interval does not grow by what
 * probes take. */
static void plan_next(struct target *t, uint64_t interval)
{
	uint64_t started = t->started_us / 1000;
	uint64_t jitter = interval * t->settings.jitter_percent / 100;

	t->planned_ms += interval - jitter + random_below(t->health, 2 * jitter + 1);
	if (t->planned_ms < started + interval / 2)
		t->planned_ms = started + interval / 2 + random_below(t->health, interval / 2);
}

/* Targets set at once, or that fell and came back together, would stay in step: the second probe,
 * and the first after fast ones, goes at a random point of the interval. So does, in plan_next(),
 * what a loop that was held up started late, lest it come twice in a row. */
static void schedule_next(struct target *t)
{
	uint64_t interval = state_interval_ms(&t->state, &t->settings);
	bool is_fast = interval < t->settings.interval_ms;
	uint64_t started = t->started_us / 1000;

	if (!t->is_phased || (t->is_fast && !is_fast))
		t->planned_ms = started + random_below(t->health, interval);
	else
		plan_next(t, interval);
	t->is_phased = true;
	t->is_fast = is_fast;
	if (t->planned_ms < monotonic_ms())
		t->planned_ms = monotonic_ms();
	start_at(t, t->planned_ms);
}

static void start_probe(struct target *t)
{
	uint64_t now_ms;

	t->started_us = monotonic_us();
	now_ms = t->started_us / 1000;
	t->state.late_ms = now_ms > t->due_ms ? (uint32_t)(now_ms - t->due_ms) : 0;
	t->is_probing = true;
	t->has_grace = false;
	wait_until(t, now_ms + t->settings.timeout_ms);
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
	wait_until(t, now + more);
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
			wait_until(t, (h->wheel.now + 1) * TICK_MS);
		}
	}
	arm(h, wheel_next(&h->wheel));
}

/* A backend held down for flapping passes its probes: the reason has to say both. */
static void set_reason(struct target *t, const char *reason)
{
	struct health_state *s = &t->state;

	if (s->held_until_ms)
		reason_held(s->flaps, s->held_until_ms, reason, s->reason, sizeof(s->reason));
	else
		snprintf(s->reason, sizeof(s->reason), "%s", reason);
}

void health_end_probe(struct target *t, enum probe_outcome outcome, const char *reason)
{
	struct state_input in = {
		.outcome = outcome,
		.settings = &t->settings,
		.realtime_ms = schedule_realtime_ms(),
		.latency_us = (uint32_t)(monotonic_us() - t->started_us),
	};
	bool has_news = state_apply(&t->state, &t->past, &in);

	t->is_probing = false;
	set_reason(t, reason);
	if (outcome == OUTCOME_NOT_SENT)
		start_at(t, monotonic_ms() + RETRY_MS + random_below(t->health, RETRY_MS));
	else
		schedule_next(t);
	members_report(t, has_news);
}

/* ---- from health.c ------------------------------------------------------ */

void schedule_first(struct target *t)
{
	t->planned_ms = monotonic_ms();
	if (t->is_phased)
		t->planned_ms += random_below(t->health, t->settings.interval_ms);
	start_at(t, t->planned_ms);
}

void schedule_now(struct target *t)
{
	if (t->is_probing)
		return;
	t->planned_ms = monotonic_ms();
	start_at(t, t->planned_ms);
}

void schedule_stop(struct target *t)
{
	wheel_remove(&t->health->wheel, &t->entry);
	cancel_probe(t);
}

void schedule_init(struct health *h)
{
	h->armed_tick = WHEEL_NEVER;
	if (getrandom(&h->random, sizeof(h->random), GRND_NONBLOCK) < 0)
		h->random = monotonic_us();
	h->random |= 1; /* zero would stay zero */
	wheel_init(&h->wheel, monotonic_ms() / TICK_MS);
	evtimer_assign(&h->tick_event, h->base, on_tick, h);
}

void schedule_free(struct health *h)
{
	evtimer_del(&h->tick_event);
}
