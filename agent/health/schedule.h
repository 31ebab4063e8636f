/* SPDX-License-Identifier: GPL-2.0-only */
/* When probes start, and what ends them. */
#ifndef LEAT_HEALTH_SCHEDULE_H
#define LEAT_HEALTH_SCHEDULE_H

#include "health/probe.h"

/** schedule_init, schedule_free - the clock of @h */
void schedule_init(struct health *h);
void schedule_free(struct health *h);

/** schedule_first - the first probe of @t: at once where nothing is known of it; with a past of
 * other settings at a phase of its own within the interval, lest a reload probes all at once */
void schedule_first(struct target *t);

/** schedule_now - the next probe of @t at once, unless one is in flight */
void schedule_now(struct target *t);

/** schedule_stop - no more probes of @t; one in flight is dropped */
void schedule_stop(struct target *t);

/** schedule_realtime_ms - CLOCK_REALTIME */
uint64_t schedule_realtime_ms(void);

#endif
