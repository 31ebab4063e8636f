/* SPDX-License-Identifier: GPL-2.0-only */
#include "stress_agent.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <netinet/in.h>

#include "frame.h"

#define LOOPBACK      1
#define TICKS_A_SWEEP 32
#define PER_THOUSAND  1000
#define MOVES	      60 /* per thousand ticks: some slots get another target */
#define FAILURES      10
#define RETURNS	      40
#define RESTARTS      10

uint32_t stress_random(uint64_t *state)
{
	*state += 0x9e3779b97f4a7c15ULL;
	return (uint32_t)(lb_mix(*state) >> 32);
}

static bool happens(struct stress_agent *agent, unsigned per_thousand)
{
	return stress_random(&agent->random) % PER_THOUSAND < per_thousand;
}

static bool is_tracked(const struct stress_service *s)
{
	return s->row.flags & LB_SVC_TRACKED;
}

/* ---- opening ---------------------------------------------------------------------- */

static int put_backend(struct stress_agent *agent, const struct stress_service *s, unsigned number)
{
	const uint8_t mac[6] = { 2, 0, 0, 0xbe, (uint8_t)s->row.id, (uint8_t)number };
	struct lb_backend row = {
		.address = *host_ip(&web1, agent->family),
		.vip = s->row.vip,
		.port = s->row.port,
		.vip_port = s->row.port,
		.proto = s->row.proto,
		.service = s->row.id,
	};
	uint16_t id = (uint16_t)(s->first_id + number);

	dataplane_set_hop(agent->dp, id, LOOPBACK, mac, gateway.mac);
	return dataplane_put_backend(agent->dp, id, &row, s->row.seed, false);
}

static void set_times(struct stress_agent *agent, struct stress_service *s)
{
	struct dataplane *dp = agent->dp;
	uint32_t g = dataplane_units(dp, STRESS_GRAIN), d = dataplane_units(dp, STRESS_D);
	struct lb_timers timers = {
		.record = dataplane_units(dp, STRESS_T) + g + 2 * d,
		.handshake = dataplane_units(dp, STRESS_HANDSHAKE) + g + 2 * d,
	};

	s->times = (struct slots_times) {
		.warm_up = dataplane_units(dp, STRESS_RESEND) + 2 * d,
		.settle = timers.record + g + d + 1,
		.slack = 2 * d,
	};
	dataplane_put_timers(dp, s->row.id, &timers);
}

static int put_service(struct stress_agent *agent, enum stress_kind kind)
{
	struct stress_service *s = &agent->services[kind];
	uint32_t base;

	if (dataplane_alloc_slots(agent->dp, STRESS_TABLE, &base))
		return -1;
	s->row = (struct lb_service) {
		.vip = *host_ip(&vip, agent->family),
		.port = htons((uint16_t)(80 + kind)),
		.proto = kind == STRESS_UDP ? IPPROTO_UDP : IPPROTO_TCP,
		.family = (uint8_t)agent->family,
		.id = (uint16_t)(kind + 1),
		.forward = LB_FORWARD_DSR,
		.flags = kind == STRESS_TRACKED ? LB_SVC_TRACKED : 0,
		.table_size = STRESS_TABLE,
		.table_base = base,
	};
	s->row.seed = dataplane_seed(agent->dp, &s->row);
	s->first_id = (uint16_t)(1 + kind * STRESS_BACKENDS);
	set_times(agent, s);
	for (unsigned i = 0; i < STRESS_BACKENDS; i++) {
		if (put_backend(agent, s, i))
			return -1;
	}
	for (unsigned i = 0; i < STRESS_TABLE; i++)
		s->target[i] = (uint16_t)(s->first_id + i % STRESS_BACKENDS);
	return dataplane_put_service(agent->dp, &s->row);
}

int stress_open(struct stress_agent *agent, int family, unsigned max_flows, uint64_t seed)
{
	struct dataplane_settings settings = {
		.pin_dir = agent->pin_dir,
		.max_slots = 1024,
		.max_flows = max_flows,
		.has_clock_shift = true, /* a unit is one jiffy */
		.grain_ms = STRESS_GRAIN,
		.slack_ms = STRESS_D,
	};
	struct dataplane_error error = {};
	bool is_adopted;

	memset(agent, 0, sizeof(*agent));
	agent->family = family;
	agent->random = seed;
	snprintf(agent->pin_dir, sizeof(agent->pin_dir), "/sys/fs/bpf/leat-stress-%d", getpid());
	if (dataplane_open(&settings, &agent->dp, &is_adopted, &error)) {
		fprintf(stderr, "dataplane_open: %s\n", error.text);
		return -1;
	}
	for (enum stress_kind kind = 0; kind < STRESS_KINDS; kind++) {
		if (put_service(agent, kind))
			return -1;
	}
	return 0;
}

void stress_close(struct stress_agent *agent)
{
	struct dataplane_error error = {};

	dataplane_close(agent->dp);
	dataplane_remove(agent->pin_dir, &error);
}

/* ---- targets ------------------------------------------------------------------------ */

static bool is_alive(const struct stress_agent *agent, uint16_t id)
{
	return !(agent->generations[id] & 1);
}

/* Any living backend of the service; 0: there is none. */
static uint16_t some_living(struct stress_agent *agent, const struct stress_service *s)
{
	unsigned first = stress_random(&agent->random);

	for (unsigned i = 0; i < STRESS_BACKENDS; i++) {
		uint16_t id = (uint16_t)(s->first_id + (first + i) % STRESS_BACKENDS);

		if (is_alive(agent, id))
			return id;
	}
	return 0;
}

static void move_some(struct stress_agent *agent, struct stress_service *s)
{
	for (unsigned i = 0; i < STRESS_TABLE; i++) {
		if (happens(agent, 100))
			s->target[i] = some_living(agent, s);
	}
}

/* What the dead or nobody had goes to others. */
static void leave_the_dead(struct stress_agent *agent, struct stress_service *s)
{
	for (unsigned i = 0; i < STRESS_TABLE; i++) {
		if (!s->target[i] || !is_alive(agent, s->target[i]))
			s->target[i] = some_living(agent, s);
	}
}

static void bump(struct stress_agent *agent, uint16_t id)
{
	dataplane_bump_generation(agent->dp, id);
	agent->generations[id] = dataplane_backends(agent->dp)[id].generation;
}

static void fail_one(struct stress_agent *agent, struct stress_service *s)
{
	uint16_t id = some_living(agent, s);

	if (!id)
		return;
	bump(agent, id); /* rule 5: before any slot */
	s->named_at[id - s->first_id] = dataplane_clock(agent->dp);
	leave_the_dead(agent, s);
	agent->counts.failures++;
}

/* Rule 6: dead, and named by no slot for longer than d. */
static void return_one(struct stress_agent *agent, struct stress_service *s)
{
	uint32_t now = dataplane_clock(agent->dp), d = dataplane_units(agent->dp, STRESS_D);

	for (unsigned i = 0; i < STRESS_BACKENDS; i++) {
		uint16_t id = (uint16_t)(s->first_id + i);

		if (is_alive(agent, id) || now - s->named_at[i] <= d)
			continue;
		bump(agent, id);
		leave_the_dead(agent, s);
		agent->counts.returns++;
		return;
	}
}

static void note_named(struct stress_agent *agent, struct stress_service *s)
{
	const uint32_t *words = dataplane_words(agent->dp) + s->row.table_base;
	uint32_t now = dataplane_clock(agent->dp);

	for (unsigned i = 0; i < STRESS_TABLE; i++) {
		uint32_t ids[] = { LB_SLOT_CURRENT(words[i]), LB_SLOT_ORIGIN(words[i]) };

		for (unsigned j = 0; j < 2; j++) {
			if (ids[j])
				s->named_at[ids[j] - s->first_id] = now;
		}
	}
}

/* ---- slots --------------------------------------------------------------------------- */

struct emission {
	struct stress_agent *agent;
	struct stress_service *service;
};

static void execute(void *arg, const struct slots_op *op)
{
	struct emission *e = arg;
	uint32_t base = e->service->row.table_base;
	uint32_t before = dataplane_words(e->agent->dp)[base + op->slot];
	bool is_done = dataplane_apply(e->agent->dp, base, op);

	if (op->kind == SLOTS_OP_SETTLE && is_done)
		e->agent->counts.settles++;
	if (!is_done)
		e->agent->counts.refused_settles++;
	if (op->kind != SLOTS_OP_STAMP && is_done &&
	    LB_SLOT_CURRENT(before) != LB_SLOT_CURRENT(op->word))
		e->agent->counts.moves++;
}

static struct slots_view view_of(const struct stress_agent *agent, const struct stress_service *s)
{
	return (struct slots_view) {
		.words = dataplane_words(agent->dp) + s->row.table_base,
		.stamps = dataplane_stamps(agent->dp) + s->row.table_base,
		.size = STRESS_TABLE,
		.target = s->target,
		.generations = agent->generations,
		.is_udp = s->row.proto == IPPROTO_UDP,
		.is_tracked = is_tracked(s),
		.times = s->times,
	};
}

static void step(struct stress_agent *agent, struct stress_service *s)
{
	struct emission e = { .agent = agent, .service = s };
	struct slots_view view = view_of(agent, s);
	struct slots_counts counts;

	slots_step(&view, s->memory, dataplane_clock(agent->dp), execute, &e, &counts);
	note_named(agent, s);
}

/* The agent has been killed and comes back: what it remembered is gone (rule 8). */
static void restart(struct stress_agent *agent)
{
	uint32_t now = dataplane_clock(agent->dp);

	for (unsigned i = 0; i < STRESS_KINDS; i++) {
		struct stress_service *s = &agent->services[i];
		struct emission e = { .agent = agent, .service = s };
		struct slots_view view = view_of(agent, s);

		memset(s->memory, 0, sizeof(s->memory));
		for (unsigned j = 0; j < STRESS_BACKENDS; j++)
			s->named_at[j] = now;
		slots_restart(&view, s->memory, now, execute, &e);
	}
	agent->counts.restarts++;
}

void stress_tick(struct stress_agent *agent)
{
	static struct dataplane_flows flows;

	if (happens(agent, RESTARTS))
		restart(agent);
	for (unsigned i = 0; i < STRESS_KINDS; i++) {
		struct stress_service *s = &agent->services[i];

		if (happens(agent, MOVES))
			move_some(agent, s);
		if (happens(agent, FAILURES))
			fail_one(agent, s);
		if (happens(agent, RETURNS))
			return_one(agent, s);
		step(agent, s);
	}
	if (++agent->ticks % TICKS_A_SWEEP == 0) {
		dataplane_sweep(agent->dp, &flows);
		agent->counts.freed += flows.freed;
	}
}
