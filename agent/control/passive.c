/* SPDX-License-Identifier: GPL-2.0-only */
/* Passive detection: sampled connections without progress, and who is ejected for them. */
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>

#include "control/state.h"
#include "health/health.h"
#include "log.h"

#define WATCH_MS 250

/* ---- samples ----------------------------------------------------------------- */

static struct control_backend *watched_backend(const struct control *ctl, uint32_t id)
{
	const struct control_service *s = ctl->service_of[id % LB_MAX_BACKENDS];

	return s && s->model->passive.is_on ? ctl->by_id[id % LB_MAX_BACKENDS] : NULL;
}

static void judge_sample(struct control *ctl, uint32_t index, uint32_t now)
{
	const struct lb_sample *row = &dataplane_samples(ctl->dp)[index];
	struct lb_sample sample = { .word = __atomic_load_n(&row->word, __ATOMIC_ACQUIRE) };
	uint32_t age = lb_age(now, __atomic_load_n(&row->since, __ATOMIC_RELAXED),
			      LB_STAMP_CLOCK_BITS, 2 * control_bound(ctl));
	struct control_backend *b;
	uint64_t age_ms;

	if (sample.state != LB_SAMPLE_SYN && sample.state != LB_SAMPLE_REQUEST)
		return;
	b = watched_backend(ctl, sample.backend);
	if (!b || age == UINT32_MAX)
		return;
	age_ms = (uint64_t)age * dataplane_unit_us(ctl->dp) / 1000;
	if (sample_judge(sample.state, sample.retransmits, age_ms,
			 ctl->service_of[b->id]->model->passive.timeout_ms) == SAMPLE_BAD &&
	    dataplane_fail_sample(ctl->dp, index, sample.word))
		b->failed_samples++;
}

static struct lb_load read_samples(const struct control *ctl, const struct control_backend *b)
{
	const struct lb_load *row = &dataplane_loads(ctl->dp)[b->id];

	return (struct lb_load) {
		.connected = __atomic_load_n(&row->connected, __ATOMIC_RELAXED),
		.requests = __atomic_load_n(&row->requests, __ATOMIC_RELAXED),
		.answered = __atomic_load_n(&row->answered, __ATOMIC_RELAXED),
		.resets = __atomic_load_n(&row->resets, __ATOMIC_RELAXED),
	};
}

static void count_samples(struct control *ctl, struct control_service *s, uint64_t now_ms)
{
	for (size_t i = 0; i < s->backend_count; i++) {
		struct control_backend *b = s->backends[i];
		struct lb_load now = read_samples(ctl, b);

		if (!b->outlier.bucket) { /* what was sampled before anybody watched is old */
			b->sampled = now;
			b->failed_samples = 0;
		}
		outlier_count(&b->outlier, &s->model->passive,
			      sample_counts(&b->sampled, &now, b->failed_samples), now_ms);
		b->sampled = now;
		b->failed_samples = 0;
	}
}

void passive_begin(const struct control *ctl, struct control_backend *b)
{
	b->sampled = read_samples(ctl, b);
}

/* ---- judgement ------------------------------------------------------------------ */

static void eject(struct control *ctl, struct control_service *s, struct control_backend *b,
		  struct outlier_counts window, uint64_t now_ms)
{
	uint64_t span_ms = b->outlier.ejected_until_ms - now_ms;

	b->is_ejected = true;
	b->ejections++;
	b->ejected_until_ms = control_realtime_ms() + span_ms;
	snprintf(b->eject_reason, sizeof(b->eject_reason),
		 "%u of %u sampled connections without progress", window.bad,
		 window.good + window.bad);
	log_warn("backend ejected service=%s backend=%s for_ms=%llu reason=\"%s\"", s->model->name,
		 b->name, (unsigned long long)span_ms, b->eject_reason);
	memory_write(ctl, b);
	if (b->is_probed)
		health_probe_now(ctl->health, b->id);
}

static void readmit(struct control *ctl, struct control_backend *b)
{
	b->is_ejected = false;
	b->ejected_until_ms = 0;
	memory_write(ctl, b);
}

static void judge_service(struct control *ctl, struct control_service *s, uint64_t now_ms)
{
	size_t n = s->backend_count;
	struct outlier_candidate *candidates = calloc(n + 1, sizeof(*candidates));
	struct outlier_counts *windows = calloc(n + 1, sizeof(*windows));

	for (size_t i = 0; candidates && windows && i < n; i++) {
		struct control_backend *b = s->backends[i];

		windows[i] = outlier_window(&b->outlier, &s->model->passive, now_ms);
		candidates[i].outlier = &b->outlier;
		candidates[i].is_used = !(ctl->generations[b->id] & 1) && !b->wants_drain &&
					weights_of(s, b).agent_percent;
	}
	if (candidates && windows)
		outlier_judge(candidates, n, &s->model->passive, now_ms);
	for (size_t i = 0; candidates && windows && i < n; i++) {
		struct control_backend *b = s->backends[i];

		if (candidates[i].is_news)
			eject(ctl, s, b, windows[i], now_ms);
		else if (b->is_ejected && !candidates[i].is_ejected)
			readmit(ctl, b);
	}
	free(candidates);
	free(windows);
}

static void on_watch(evutil_socket_t fd, short what, void *arg)
{
	struct control *ctl = arg;
	uint32_t now = dataplane_clock(ctl->dp);
	uint64_t now_ms = control_monotonic_ms();

	(void)fd;
	(void)what;
	for (uint32_t i = 0; i < LB_MAX_SAMPLES; i++)
		judge_sample(ctl, i, now);
	for (size_t i = 0; i < ctl->service_count; i++) {
		struct control_service *s = ctl->services[i];

		if (!s->model->passive.is_on)
			continue;
		count_samples(ctl, s, now_ms);
		judge_service(ctl, s, now_ms);
	}
	control_tick(ctl);
}

/* ---- on and off ------------------------------------------------------------------- */

static void forget(struct control *ctl, struct control_service *s)
{
	for (size_t i = 0; i < s->backend_count; i++) {
		struct control_backend *b = s->backends[i];

		b->outlier = (struct outlier) {};
		if (b->is_ejected)
			readmit(ctl, b);
	}
}

int passive_arm(struct control *ctl)
{
	const struct timeval watch = { .tv_usec = WATCH_MS * 1000 };
	bool is_wanted = false;

	for (size_t i = 0; i < ctl->service_count; i++) {
		is_wanted |= ctl->services[i]->model->passive.is_on;
		if (!ctl->services[i]->model->passive.is_on)
			forget(ctl, ctl->services[i]);
	}
	if (!ctl->watch)
		ctl->watch = event_new(ctl->base, -1, EV_PERSIST, on_watch, ctl);
	if (!ctl->watch)
		return -1;
	return is_wanted ? event_add(ctl->watch, &watch) : event_del(ctl->watch);
}
