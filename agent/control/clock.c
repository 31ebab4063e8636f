/* SPDX-License-Identifier: GPL-2.0-only */
#include <netinet/in.h>
#include <time.h>

#include "control/state.h"

#define GRAIN_MS 1000 /* g */
#define BOUND_MS 1000 /* d */

static uint64_t clock_ms(clockid_t id)
{
	struct timespec now;

	clock_gettime(id, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

uint64_t control_realtime_ms(void)
{
	return clock_ms(CLOCK_REALTIME);
}

uint64_t control_monotonic_ms(void)
{
	return clock_ms(CLOCK_MONOTONIC);
}

uint32_t control_bound(const struct control *ctl)
{
	return dataplane_units(ctl->dp, BOUND_MS);
}

/* Tr = T + g + 2d, Ts > Tr + g + d, H = handshake + g + 2d (docs/slots.md). */
static struct lb_timers timers_of(const struct control *ctl, const struct model_service *model)
{
	uint32_t margin = dataplane_units(ctl->dp, GRAIN_MS) + 2 * control_bound(ctl);

	return (struct lb_timers) {
		.record = dataplane_units(ctl->dp, model->idle_timeout_ms) + margin,
		.handshake = dataplane_units(ctl->dp, ctl->config->handshake_ms) + margin,
	};
}

static uint32_t settle_time(const struct control *ctl, const struct lb_timers *timers)
{
	return timers->record + dataplane_units(ctl->dp, GRAIN_MS) + control_bound(ctl) + 1;
}

void control_set_times(struct control *ctl, struct control_service *s)
{
	struct lb_timers wanted = timers_of(ctl, s->model);
	uint32_t now = dataplane_clock(ctl->dp);
	bool is_udp = s->model->proto == IPPROTO_UDP;
	uint32_t settle;

	if (wanted.record < s->timers.record) {
		if (!s->is_shorter_pending) {
			s->is_shorter_pending = true;
			s->shorter_at = now + settle_time(ctl, &s->timers);
		}
		if ((int32_t)(now - s->shorter_at) < 0)
			wanted.record = s->timers.record;
		else
			s->is_shorter_pending = false;
	} else {
		s->is_shorter_pending = false;
	}
	s->timers = wanted;
	settle = settle_time(ctl, &wanted);
	s->times = (struct slots_times) {
		.warm_up = dataplane_units(ctl->dp, ctl->config->warm_up_ms),
		.settle = settle,
		.slack = 2 * control_bound(ctl),
		.move_deadline = is_udp ? 2 * settle : 0,
	};
	dataplane_put_timers(ctl->dp, s->row.id, &wanted);
}
