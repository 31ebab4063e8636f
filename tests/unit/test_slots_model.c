/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The agent's steps against simulated clients: connections come and go, backends fail, recover
 * and drain, targets change, the agent dies between any two stores. The packet's rules (11 to 19)
 * are written down here a second time, as short as they can be. What is asserted: a connection
 * stays with its backend as long as it lives.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "leat_abi.h"
#include "plan/lifecycle.h"
#include "plan/slots.h"

#define SLOTS	    4
#define BACKENDS    5 /* ids 1..5 */
#define CONNECTIONS 24
#define KEYS	    48 /* of connections; strays use the next KEYS */
#define MAX_FLOWS   24
#define IN_FLIGHT   8

/* Times in clock units, related as docs/slots.md wants them. */
#define G	  2u /* last use and stamps are rewritten at most this often */
#define D	  2u /* a packet's stay */
#define IDLE	  40u
#define HANDSHAKE 10u
#define WINDOW	  6u			  /* of SYN retransmissions */
#define H	  (HANDSHAKE + G + 2 * D) /* a half-open record may go after this */
#define TR	  (IDLE + G + 2 * D)	  /* no record is older */
#define TS	  (TR + G + D + 1)	  /* quiet for so long: settled */
#define W	  (WINDOW + 2 * D)	  /* warm-up */
#define START	  (UINT32_MAX - 2000)	  /* the clock wraps early in each run */

enum packet { SYN, DATA, FIN, UDP };
enum client { IDLE_CLIENT, CONNECTING, OPEN, CLOSING };

struct flow {
	unsigned key;
	uint64_t value; /* union lb_record; 0: free */
};

struct connection {
	enum client state;
	unsigned key;
	uint32_t first_sent;
	uint32_t last_sent;
	uint32_t next; /* when it acts again */
	uint32_t last_forwarded;
	uint16_t backend;
	uint16_t generation; /* of the backend when it was chosen */
	bool had_no_room;
};

/* A packet that has read its slot's word and lingers. */
struct lingering {
	bool is_used;
	enum packet packet;
	unsigned key;
	uint32_t word;
	uint32_t due;
};

static struct {
	uint64_t random;
	uint32_t now;
	bool is_udp;
	uint32_t words[SLOTS], stamps[SLOTS];
	uint16_t generations[LB_MAX_BACKENDS];
	struct flow flows[MAX_FLOWS];
	int flow_count; /* too few, at times */
	struct connection connections[CONNECTIONS];
	int connection_count;
	struct lingering lingering[IN_FLIGHT];
	struct { /* the agent, what it loses when it dies included */
		struct slots_memory memory[SLOTS];
		uint16_t target[SLOTS];
		bool is_healthy[BACKENDS + 1], wants_drain[BACKENDS + 1];
		uint32_t deadline[BACKENDS + 1], unnamed_since[BACKENDS + 1];
		uint32_t quiet_since[BACKENDS + 1], down_until;
		bool is_crashed, may_crash, is_restarting;
	} agent;
	struct { /* that the run was worth something */
		unsigned forwarded, elsewhere, no_room, dropped, deaths, crashes, settled, moved;
	} seen;
} sim;

static uint32_t roll(uint32_t sides)
{
	return lb_slot_index(lb_mix(sim.random++), sides);
}

static bool one_in(uint32_t n)
{
	return roll(n) == 0;
}

static bool is_alive(unsigned id)
{
	return id && !(sim.generations[id] & 1);
}

/* ---- the flow table ------------------------------------------------------ */

static uint32_t age_of(uint64_t value)
{
	return lb_age(sim.now, LB_RECORD_CLOCK(value), LB_RECORD_CLOCK_BITS, 2 * D);
}

static bool is_valid(uint64_t value) /* rule 12 */
{
	unsigned id = LB_RECORD_BACKEND(value);

	return value && is_alive(id) &&
	       LB_RECORD_GENERATION(value) == (sim.generations[id] & 0x3ffu) && age_of(value) <= TR;
}

static bool may_go(uint64_t value) /* rule 19 */
{
	enum lb_class class = LB_RECORD_CLASS(value);

	if (!is_valid(value) || class == LB_CLASS_UNVERIFIED)
		return true;
	return (class == LB_CLASS_HALF_OPEN || class == LB_CLASS_CLOSED) && age_of(value) > H;
}

static struct flow *find_flow(unsigned key)
{
	for (int i = 0; i < sim.flow_count; i++) {
		if (sim.flows[i].value && sim.flows[i].key == key)
			return &sim.flows[i];
	}
	return NULL;
}

static void write_flow(struct flow *flow, unsigned key, unsigned backend, enum lb_class class)
{
	flow->key = key;
	flow->value = LB_RECORD(backend, sim.generations[backend], class, 0, sim.now);
}

static bool insert_flow(unsigned key, unsigned backend, enum lb_class class)
{
	struct flow *room = find_flow(key); /* an invalid one: replaced in its entry */

	for (int i = 0; i < sim.flow_count && !room; i++) {
		if (may_go(sim.flows[i].value))
			room = &sim.flows[i];
	}
	if (!room)
		return false;
	write_flow(room, key, backend, class);
	return true;
}

/* ---- one packet, rules 11 to 18 ------------------------------------------ */

/* Rule 17. False: the stamp is closed. */
static bool stamp_slot(unsigned slot)
{
	if (sim.stamps[slot] == LB_STAMP_CLOSED)
		return false;
	if (lb_age(sim.now, sim.stamps[slot], LB_STAMP_CLOCK_BITS, 2 * D) > G)
		sim.stamps[slot] = sim.now | 1;
	return true;
}

static enum lb_class next_class(uint64_t value, enum packet packet)
{
	enum lb_class class = LB_RECORD_CLASS(value);

	if (packet == SYN)
		return class == LB_CLASS_ESTABLISHED ? class : LB_CLASS_HALF_OPEN;
	if (packet == FIN)
		return LB_CLASS_CLOSED;
	if (packet == DATA && class == LB_CLASS_HALF_OPEN)
		return LB_CLASS_ESTABLISHED;
	if (packet == DATA && class == LB_CLASS_CLOSED && age_of(value) > G)
		return LB_CLASS_ESTABLISHED;
	return class;
}

static unsigned follow(struct flow *flow, enum packet packet, uint32_t word, unsigned slot)
{
	unsigned target = LB_RECORD_BACKEND(flow->value);
	enum lb_class class = next_class(flow->value, packet);

	if (target != LB_SLOT_CURRENT(word)) {
		if (!stamp_slot(slot))
			return packet == UDP ? 0 : LB_SLOT_CURRENT(word);
		sim.seen.elsewhere++;
	}
	if (class != LB_RECORD_CLASS(flow->value) || age_of(flow->value) > G)
		write_flow(flow, flow->key, target, class);
	return target;
}

static unsigned to_origin(uint32_t word, unsigned slot)
{
	unsigned origin = LB_SLOT_ORIGIN(word);

	if (origin == LB_SLOT_CURRENT(word) || stamp_slot(slot))
		return origin;
	return LB_SLOT_CURRENT(word);
}

/* Where a packet goes that read @word; 0: dropped. @had_no_room: written where it is true. */
static unsigned route(enum packet packet, unsigned key, uint32_t word, bool *had_no_room)
{
	unsigned slot = key % SLOTS, current = LB_SLOT_CURRENT(word), target;
	struct flow *flow = find_flow(key);

	if (!LB_SLOT_MOVING(word))
		return current;
	if (flow && !is_valid(flow->value))
		flow = NULL;
	if (flow && packet == SYN && LB_RECORD_CLASS(flow->value) == LB_CLASS_CLOSED &&
	    age_of(flow->value) > H)
		flow = NULL;
	if (flow)
		return follow(flow, packet, word, slot);
	if (packet == SYN || packet == UDP) {
		if (!current)
			return 0;
		if (insert_flow(key, current, packet == SYN ? LB_CLASS_HALF_OPEN : LB_CLASS_UDP))
			return current;
		*had_no_room = true;
		sim.seen.no_room++;
		if (packet == SYN)
			return to_origin(word, slot);
		if (!stamp_slot(slot))
			return 0;
		if (sim.words[slot] != word)
			return route(packet, key, sim.words[slot], had_no_room);
		return current;
	}
	target = to_origin(word, slot);
	if (target && target == LB_SLOT_ORIGIN(word))
		insert_flow(key, target, packet == FIN ? LB_CLASS_CLOSED : LB_CLASS_UNVERIFIED);
	return target;
}

/* ---- clients -------------------------------------------------------------- */

static struct connection *find_connection(unsigned key)
{
	for (int i = 0; i < CONNECTIONS; i++) {
		if (sim.connections[i].state != IDLE_CLIENT && sim.connections[i].key == key)
			return &sim.connections[i];
	}
	return NULL;
}

/* Its backend failed, or nothing of it got through for longer than T. */
static bool is_over(const struct connection *c)
{
	if (!c->backend)
		return false;
	return sim.generations[c->backend] != c->generation ||
	       sim.now - c->last_forwarded > IDLE + D;
}

/* The property: once chosen, and as long as that backend lives, no other gets a packet. */
static void judge(struct connection *c, unsigned backend, bool has_lingered)
{
	sim.seen.forwarded++;
	if (is_over(c)) {
		c->state = IDLE_CLIENT;
	} else if (!backend) {
		if (c->backend && !has_lingered) { /* rule 17 drops in the instant of settling;
						      nothing else may */
			assert_true(sim.is_udp);
			assert_int_equal(sim.stamps[c->key % SLOTS], LB_STAMP_CLOSED);
		}
		sim.seen.dropped++;
	} else if (is_alive(backend)) { /* else it lingered while that one failed: lost */
		if (!c->backend) {
			c->backend = backend;
			c->generation = sim.generations[backend];
		}
		c->last_forwarded = sim.now;
		assert_int_equal(backend, c->backend);
	}
}

static void arrive(enum packet packet, unsigned key, uint32_t word, bool has_lingered)
{
	struct connection *c = find_connection(key);
	bool had_no_room = false;
	unsigned backend = route(packet, key, word, &had_no_room);

	if (!c)
		return;
	if (packet == SYN && c->had_no_room) {
		c->state = IDLE_CLIENT; /* R1: another SYN of it had found no room */
		return;
	}
	c->had_no_room |= had_no_room;
	judge(c, backend, has_lingered);
}

/* A packet reads its slot's word now, and goes on at once or within d. */
static void send_packet(enum packet packet, unsigned key)
{
	struct lingering *l = &sim.lingering[roll(IN_FLIGHT)];
	uint32_t word = sim.words[key % SLOTS];

	if (l->is_used || !one_in(4)) {
		arrive(packet, key, word, false);
		return;
	}
	*l = (struct lingering) { true, packet, key, word, sim.now + roll(D + 1) };
}

static void finish_lingering(void)
{
	for (int i = 0; i < IN_FLIGHT; i++) {
		struct lingering *l = &sim.lingering[i];

		if (!l->is_used || (int32_t)(sim.now - l->due) < 0)
			continue;
		l->is_used = false;
		arrive(l->packet, l->key, l->word, true);
	}
}

static bool is_key_in_use(unsigned key)
{
	for (int i = 0; i < IN_FLIGHT; i++) {
		if (sim.lingering[i].is_used && sim.lingering[i].key == key)
			return true;
	}
	return find_connection(key);
}

static void connect_client(struct connection *c)
{
	unsigned key = roll(KEYS);

	if (is_key_in_use(key))
		return;
	*c = (struct connection) {
		.state = sim.is_udp ? OPEN : CONNECTING,
		.key = key,
		.first_sent = sim.now,
		.last_sent = sim.now,
	};
	send_packet(sim.is_udp ? UDP : SYN, key);
}

static void go_on_connecting(struct connection *c)
{
	if (sim.now - c->last_sent > HANDSHAKE) {
		c->state = IDLE_CLIENT;
	} else if (sim.now - c->first_sent <= WINDOW && one_in(2)) {
		c->last_sent = sim.now;
		send_packet(SYN, c->key);
	} else if (c->backend) {
		c->state = OPEN;
		send_packet(DATA, c->key);
	}
}

static void go_on_open(struct connection *c)
{
	if (sim.is_udp) {
		send_packet(UDP, c->key);
	} else if (one_in(12)) {
		c->state = CLOSING;
		send_packet(FIN, c->key);
	} else {
		send_packet(DATA, c->key);
	}
	if (one_in(sim.is_udp ? 12 : 60))
		c->state = IDLE_CLIENT; /* vanishes without a word */
}

static void go_on_closing(struct connection *c)
{
	if (one_in(3))
		c->state = IDLE_CLIENT;
	else
		send_packet(one_in(2) ? FIN : DATA, c->key);
}

/* How long it stays silent; longer than the state allows would be another connection. */
static uint32_t next_gap(const struct connection *c)
{
	if (c->state == OPEN)
		return one_in(4) ? roll(IDLE + 1) : roll(6);
	return roll(one_in(4) ? HANDSHAKE + 1 : 4);
}

static void act(struct connection *c)
{
	switch (c->state) {
	case IDLE_CLIENT:
		connect_client(c);
		break;
	case CONNECTING:
		go_on_connecting(c);
		break;
	case OPEN:
		go_on_open(c);
		break;
	case CLOSING:
		go_on_closing(c);
		break;
	}
	c->next = sim.now + next_gap(c);
}

static void send_stray(void)
{
	static const enum packet tcp[] = { SYN, SYN, DATA, FIN };

	send_packet(sim.is_udp ? UDP : tcp[roll(4)], KEYS + roll(KEYS));
}

static void run_clients(void)
{
	for (int i = 0; i < sim.connection_count; i++) {
		if ((int32_t)(sim.now - sim.connections[i].next) >= 0)
			act(&sim.connections[i]);
	}
	/* strays come in floods, with silence between: a slot must be able to settle */
	if ((sim.now >> 7) % 3 == 0 && one_in(2))
		send_stray();
}

/* ---- the agent ------------------------------------------------------------ */

/* Packets between two stores. */
static void interrupt(void)
{
	if (one_in(3))
		act(&sim.connections[roll(sim.connection_count)]);
}

/* One store, after which the agent may be gone. */
static void store(uint32_t *at, uint32_t value)
{
	if (sim.agent.is_crashed)
		return;
	*at = value;
	if (sim.agent.may_crash && one_in(4)) {
		sim.agent.is_crashed = true;
		sim.seen.crashes++;
	}
	interrupt();
}

static void store_word(unsigned slot, uint32_t word)
{
	uint32_t before = sim.words[slot];

	if (!sim.agent.is_restarting && LB_SLOT_CURRENT(word))
		assert_true(is_alive(LB_SLOT_CURRENT(word)));
	store(&sim.words[slot], word);
	sim.seen.settled += LB_SLOT_MOVING(before) && !LB_SLOT_MOVING(sim.words[slot]);
	sim.seen.moved += LB_SLOT_CURRENT(before) != LB_SLOT_CURRENT(sim.words[slot]);
}

/* slots_execute, store by store. */
static void execute(void *arg, const struct slots_op *op)
{
	(void)arg;
	interrupt();
	switch (op->kind) {
	case SLOTS_OP_STAMP:
		store(&sim.stamps[op->slot], op->stamp);
		break;
	case SLOTS_OP_WORD:
		store_word(op->slot, op->word);
		break;
	case SLOTS_OP_SETTLE:
		if (sim.agent.is_crashed || sim.stamps[op->slot] != op->seen)
			return;
		store(&sim.stamps[op->slot], LB_STAMP_CLOSED);
		store_word(op->slot, op->word);
		if (op->stamp)
			store(&sim.stamps[op->slot], op->stamp);
		break;
	}
}

static bool is_named(unsigned id)
{
	for (int i = 0; i < SLOTS; i++) {
		if (LB_SLOT_CURRENT(sim.words[i]) == id || LB_SLOT_ORIGIN(sim.words[i]) == id)
			return true;
	}
	return false;
}

static bool is_recorded(unsigned id)
{
	for (int i = 0; i < sim.flow_count; i++) {
		if (is_valid(sim.flows[i].value) && LB_RECORD_BACKEND(sim.flows[i].value) == id)
			return true;
	}
	return false;
}

static void change_fortunes(unsigned id)
{
	if (one_in(sim.agent.is_healthy[id] ? 400 : 60))
		sim.agent.is_healthy[id] = !sim.agent.is_healthy[id];
	if (one_in(sim.agent.wants_drain[id] ? 150 : 500)) {
		sim.agent.wants_drain[id] = !sim.agent.wants_drain[id];
		sim.agent.deadline[id] = sim.now + 20 + roll(300);
	}
}

/* Rules 5 to 7. Returns whether the backend may be a target. */
static bool live(unsigned id)
{
	struct lifecycle_input in = {
		.is_healthy = sim.agent.is_healthy[id],
		.is_decided = true,
		.wants_drain = sim.agent.wants_drain[id],
		.has_deadline = true,
		.deadline = sim.agent.deadline[id],
		.generation = sim.generations[id],
		.is_named = is_named(id),
		.unnamed_since = sim.agent.unnamed_since[id],
		.is_quiet = !is_recorded(id),
		.quiet_since = sim.agent.quiet_since[id],
	};
	struct lifecycle_output out;

	if (!in.is_quiet)
		sim.agent.quiet_since[id] = sim.now;
	lifecycle_step(&in, sim.now, D, TS, &out);
	if (out.bump_generation) {
		sim.seen.deaths += is_alive(id);
		sim.generations[id]++;
	}
	return out.takes_newcomers;
}

static unsigned pick_target(const bool takes[BACKENDS + 1])
{
	unsigned start = roll(BACKENDS);

	for (unsigned i = 0; i < BACKENDS; i++) {
		unsigned id = 1 + (start + i) % BACKENDS;

		if (takes[id])
			return id;
	}
	return 0;
}

static void plan_targets(void)
{
	bool takes[BACKENDS + 1] = {};

	for (unsigned id = 1; id <= BACKENDS; id++) {
		change_fortunes(id);
		takes[id] = live(id);
	}
	for (int i = 0; i < SLOTS; i++) {
		if (!takes[sim.agent.target[i]] || one_in(150))
			sim.agent.target[i] = pick_target(takes);
	}
}

static struct slots_view view_of_slots(void)
{
	return (struct slots_view) {
		.words = sim.words,
		.stamps = sim.stamps,
		.size = SLOTS,
		.target = sim.agent.target,
		.generations = sim.generations,
		.is_udp = sim.is_udp,
		.times = { .warm_up = W, .settle = TS, .slack = 2 * D },
	};
}

static void restart_agent(void)
{
	struct slots_view view = view_of_slots();

	sim.agent.is_crashed = false;
	sim.agent.is_restarting = true;
	memset(sim.agent.memory, 0, sizeof(sim.agent.memory));
	for (unsigned id = 1; id <= BACKENDS; id++) {
		sim.agent.unnamed_since[id] = sim.now;
		sim.agent.quiet_since[id] = sim.now;
	}
	slots_restart(&view, sim.agent.memory, sim.now, execute, NULL);
	sim.agent.is_restarting = false;
}

static void run_agent(void)
{
	struct slots_view view = view_of_slots();
	bool was_named[BACKENDS + 1];
	struct slots_counts counts;

	sim.agent.may_crash = one_in(4);
	if (sim.agent.is_crashed) {
		if ((int32_t)(sim.now - sim.agent.down_until) < 0)
			return;
		restart_agent();
	}
	for (unsigned id = 1; id <= BACKENDS; id++)
		was_named[id] = is_named(id);
	plan_targets();
	slots_step(&view, sim.agent.memory, sim.now, execute, NULL, &counts);
	for (unsigned id = 1; id <= BACKENDS; id++) {
		if (was_named[id] || is_named(id))
			sim.agent.unnamed_since[id] = sim.now;
	}
	if (sim.agent.is_crashed)
		sim.agent.down_until = sim.now + roll(one_in(3) ? 100 : 5);
}

static void simulate(bool is_udp, uint64_t seed, unsigned units)
{
	memset(&sim, 0, sizeof(sim));
	sim.random = seed << 40;
	sim.is_udp = is_udp;
	sim.flow_count = is_udp ? 24 : 14;
	sim.connection_count = is_udp ? 12 : CONNECTIONS;
	sim.now = START;
	for (unsigned id = 1; id <= BACKENDS; id++) {
		sim.generations[id] = 1;
		sim.agent.is_healthy[id] = true;
		sim.agent.unnamed_since[id] = sim.now - D - 1;
	}
	for (unsigned i = 0; i < units; i++, sim.now++) {
		finish_lingering();
		run_clients();
		run_agent();
	}
}

static void assert_run_was_worth_it(void)
{
	assert_in_range(sim.seen.forwarded, 10000, UINT32_MAX);
	assert_in_range(sim.seen.elsewhere, 100, UINT32_MAX);
	assert_in_range(sim.seen.no_room, 10, UINT32_MAX);
	assert_in_range(sim.seen.deaths, 20, UINT32_MAX);
	assert_in_range(sim.seen.crashes, 20, UINT32_MAX);
	assert_in_range(sim.seen.settled, 20, UINT32_MAX);
	assert_in_range(sim.seen.moved, 50, UINT32_MAX);
}

static void test_slots_tcp_connections_keep_their_backend(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 8; seed++) {
		simulate(false, seed, 10000);

		assert_run_was_worth_it();
	}
}

static void test_slots_udp_flows_keep_their_backend(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 8; seed++) {
		simulate(true, seed, 10000);

		assert_run_was_worth_it();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_slots_tcp_connections_keep_their_backend),
		cmocka_unit_test(test_slots_udp_flows_keep_their_backend),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
