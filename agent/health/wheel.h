/* SPDX-License-Identifier: GPL-2.0-only */
/* A hashed timer wheel: adding and removing are O(1), however many entries. Pure; time comes in as
 * an argument, counted in ticks. */
#ifndef LEAT_HEALTH_WHEEL_H
#define LEAT_HEALTH_WHEEL_H

#include <stdint.h>

#define WHEEL_BUCKETS 1024
#define WHEEL_NEVER   UINT64_MAX

/** struct wheel_entry - embedded in what is timed; not in a wheel while next is NULL */
struct wheel_entry {
	struct wheel_entry *prev;
	struct wheel_entry *next;
	uint64_t tick;
};

struct wheel {
	struct wheel_entry buckets[WHEEL_BUCKETS]; /* heads of rings; by tick modulo their number */
	uint64_t used[WHEEL_BUCKETS / 64];	   /* bit n: bucket n is not empty */
	struct wheel_entry due;			   /* advanced over, not popped yet */
	uint64_t now;
};

/** wheel_init - an empty wheel at tick @now */
void wheel_init(struct wheel *w, uint64_t now);

/** wheel_add - make @e due at @tick; a tick that is not in the future counts as the next one */
void wheel_add(struct wheel *w, struct wheel_entry *e, uint64_t tick);

/** wheel_remove - take @e out, due or not; nothing happens when it is not in */
void wheel_remove(struct wheel *w, struct wheel_entry *e);

/** wheel_advance - go on to tick @now; what became due waits for wheel_pop() */
void wheel_advance(struct wheel *w, uint64_t now);

/** wheel_pop - the next due entry, taken out, the earliest added first within a tick; or NULL */
struct wheel_entry *wheel_pop(struct wheel *w);

/**
 * wheel_next - the tick to advance to next, or WHEEL_NEVER
 * May be too early for an entry more than one turn ahead (a look for nothing), never too late.
 */
uint64_t wheel_next(const struct wheel *w);

#endif
