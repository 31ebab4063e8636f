/* SPDX-License-Identifier: GPL-2.0-only */
#include "health/wheel.h"

#include <stdbool.h>
#include <stddef.h>

static void ring_init(struct wheel_entry *head)
{
	head->prev = head;
	head->next = head;
}

static bool ring_is_empty(const struct wheel_entry *head)
{
	return head->next == head;
}

static void ring_append(struct wheel_entry *head, struct wheel_entry *e)
{
	e->prev = head->prev;
	e->next = head;
	head->prev->next = e;
	head->prev = e;
}

static void ring_unlink(struct wheel_entry *e)
{
	e->prev->next = e->next;
	e->next->prev = e->prev;
	e->prev = NULL;
	e->next = NULL;
}

static void mark_bucket(struct wheel *w, uint64_t tick)
{
	size_t bucket = tick % WHEEL_BUCKETS;
	uint64_t bit = 1ULL << (bucket % 64);

	if (ring_is_empty(&w->buckets[bucket]))
		w->used[bucket / 64] &= ~bit;
	else
		w->used[bucket / 64] |= bit;
}

void wheel_init(struct wheel *w, uint64_t now)
{
	*w = (struct wheel) { .now = now };
	for (size_t i = 0; i < WHEEL_BUCKETS; i++)
		ring_init(&w->buckets[i]);
	ring_init(&w->due);
}

void wheel_add(struct wheel *w, struct wheel_entry *e, uint64_t tick)
{
	e->tick = tick > w->now ? tick : w->now + 1;
	ring_append(&w->buckets[e->tick % WHEEL_BUCKETS], e);
	mark_bucket(w, e->tick);
}

void wheel_remove(struct wheel *w, struct wheel_entry *e)
{
	if (!e->next)
		return;
	ring_unlink(e);
	mark_bucket(w, e->tick);
}

static void collect_due(struct wheel *w, uint64_t bucket_tick, uint64_t now)
{
	struct wheel_entry *head = &w->buckets[bucket_tick % WHEEL_BUCKETS];

	for (struct wheel_entry *e = head->next, *next; e != head; e = next) {
		next = e->next;
		if (e->tick > now)
			continue; /* of a later turn */
		ring_unlink(e);
		ring_append(&w->due, e);
	}
	mark_bucket(w, bucket_tick);
}

void wheel_advance(struct wheel *w, uint64_t now)
{
	uint64_t first = w->now + 1;

	if (now <= w->now)
		return;
	if (now - w->now > WHEEL_BUCKETS)
		first = now - WHEEL_BUCKETS + 1;
	for (uint64_t tick = first; tick <= now; tick++)
		collect_due(w, tick, now);
	w->now = now;
}

struct wheel_entry *wheel_pop(struct wheel *w)
{
	struct wheel_entry *e = w->due.next;

	if (e == &w->due)
		return NULL;
	ring_unlink(e);
	return e;
}

uint64_t wheel_next(const struct wheel *w)
{
	uint64_t tick = w->now + 1;
	uint64_t end = tick + WHEEL_BUCKETS;

	while (tick < end) {
		size_t bucket = tick % WHEEL_BUCKETS;
		uint64_t bits = w->used[bucket / 64] >> (bucket % 64);

		if (bits)
			return tick + (unsigned)__builtin_ctzll(bits);
		tick += 64 - bucket % 64;
	}
	return WHEEL_NEVER;
}
