/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Case 16 of docs/slots.md: clients on several CPUs against an agent that moves, settles,
 * fails and returns at random. A connection that goes on keeps its backend, unless that has
 * failed; only a SYN that is sent again may go elsewhere, where the first found no room (R1).
 * STRESS_SEED and STRESS_SECONDS choose another run. Root.
 */
#include <arpa/inet.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include <netinet/in.h>

#include <linux/bpf.h>

#include <bpf/bpf.h>

#include "frame.h"
#include "stress_agent.h"

#define THREADS	    2
#define CONNECTIONS 300 /* a thread */
#define SECONDS	    6	/* a test */
#define TICK_US	    4000
#define FRAME_ROOM  128
#define MS	    1000LL
#define DROPPED	    (-1)
#define PATIENCE    60 /* a dropped packet is sent again this often, each millisecond */

enum packet_type { PACKET_SYN, PACKET_DATA, PACKET_FIN, PACKET_TYPES };

enum connection_state { STATE_NEW, STATE_SYN_SENT, STATE_OPEN, STATE_CLOSED };

/** struct connection - as its client knows it; times in microseconds */
struct connection {
	enum stress_kind kind;
	enum connection_state state;
	uint16_t port;
	int backend; /* who answered first */
	uint16_t generation;
	bool may_be_unrecorded; /* its first SYN went to the origin of a moving slot */
	int64_t began;		/* before its first packet */
	int64_t last;		/* before its last packet */
	int64_t closed;
	int64_t due;
};

struct worker {
	pthread_t thread;
	struct stress_agent *agent;
	uint64_t random;
	uint8_t number;
	uint16_t next_port;
	struct connection connections[CONNECTIONS];
	unsigned char frames[STRESS_KINDS][PACKET_TYPES][FRAME_ROOM];
	uint32_t lengths[STRESS_KINDS][PACKET_TYPES];

	unsigned long packets;
	unsigned long started;
	unsigned long refused; /* first packets that were dropped */
	unsigned long lost;    /* packets of a connection that were dropped once or more */
	unsigned long failed;  /* connections that went with their backend */
	unsigned long late;    /* connections that this thread was too late for */
	unsigned long r1;
	unsigned long violations;
	char first_violation[200];
};

static struct stress_agent agent;
static struct worker workers[THREADS];
static atomic_bool is_over;

static int64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000LL + now.tv_nsec / 1000;
}

static unsigned below(struct worker *w, unsigned limit)
{
	return stress_random(&w->random) % limit;
}

/* ---- packets -------------------------------------------------------------------------- */

static void draw(struct worker *w, enum stress_kind kind, enum packet_type type)
{
	static const uint8_t flags[] = { TCP_SYN, TCP_ACK, TCP_FIN | TCP_ACK };
	const struct lb_service *row = &w->agent->services[kind].row;
	struct sketch sketch = {
		.eth_dst = gateway.mac,
		.eth_src = router.mac,
		.family = w->agent->family,
		.src = *host_ip(&client, w->agent->family),
		.dst = row->vip,
		.ttl = 64,
		.proto = row->proto,
		.dport = ntohs(row->port),
		.flags = flags[type],
		.payload = 4,
	};
	struct frame frame;

	sketch.src.bytes[15] = (uint8_t)(100 + w->number);
	frame_draw(&sketch, &frame);
	assert_in_range(frame.length, 0, FRAME_ROOM);
	memcpy(w->frames[kind][type], frame.bytes, frame.length);
	w->lengths[kind][type] = (uint32_t)frame.length;
}

static size_t port_at(const struct worker *w)
{
	return w->agent->family == 4 ? 14 + 20 : 14 + 40;
}

/* The backend's number, or DROPPED. */
static int send_once(struct worker *w, const struct connection *c, enum packet_type type)
{
	unsigned char *frame = w->frames[c->kind][type], out[FRAME_ROOM] = { 0 };
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = frame,
		    .data_size_in = w->lengths[c->kind][type], .data_out = out,
		    .data_size_out = sizeof(out), .repeat = 1);

	frame[port_at(w)] = (unsigned char)(c->port >> 8);
	frame[port_at(w) + 1] = (unsigned char)c->port;
	if (bpf_prog_test_run_opts(dataplane_program_fd(w->agent->dp), &run))
		return DROPPED;
	w->packets++;
	return run.retval == XDP_TX ? out[5] : DROPPED;
}

/* ---- what a client knows ------------------------------------------------------------------ */

static uint16_t generation_of(const struct worker *w, const struct connection *c, int backend)
{
	const struct lb_backend *rows = dataplane_backends(w->agent->dp);
	uint16_t id = (uint16_t)(w->agent->services[c->kind].first_id + backend);

	return __atomic_load_n(&rows[id].generation, __ATOMIC_SEQ_CST);
}

static uint32_t word_of(const struct worker *w, const struct connection *c)
{
	const struct lb_service *row = &w->agent->services[c->kind].row;
	struct lb_addr ip = *host_ip(&client, w->agent->family);
	uint64_t hash;

	ip.bytes[15] = (uint8_t)(100 + w->number);
	if (w->agent->family == 6)
		hash = lb_hash_client6(ip.halves[0], ip.halves[1], htons(c->port), row->seed);
	else
		hash = lb_hash_client4(ip.words[3] | (uint64_t)htons(c->port) << 32, row->seed);
	return __atomic_load_n(dataplane_words(w->agent->dp) + row->table_base +
				       lb_slot_index(hash, STRESS_TABLE),
			       __ATOMIC_SEQ_CST);
}

static bool names_as_origin(const struct worker *w, const struct connection *c, uint32_t word)
{
	return LB_SLOT_MOVING(word) &&
	       (int)LB_SLOT_ORIGIN(word) == w->agent->services[c->kind].first_id + c->backend;
}

static void note_violation(struct worker *w, const struct connection *c, enum packet_type type,
			   int got)
{
	static const char *const kinds[] = { "tcp", "udp", "tracked" };
	static const char *const types[] = { "SYN", "data", "FIN" };
	uint32_t word = word_of(w, c);

	if (!w->violations++)
		snprintf(w->first_violation, sizeof(w->first_violation),
			 "%s port %u: %s to backend %d, not %d; %lld ms old; word {%d,%d,%u}",
			 kinds[c->kind], c->port, types[type], got, c->backend,
			 (long long)(now_us() - c->began) / MS,
			 (int)LB_SLOT_CURRENT(word) - w->agent->services[c->kind].first_id,
			 (int)LB_SLOT_ORIGIN(word) - w->agent->services[c->kind].first_id,
			 LB_SLOT_MOVING(word));
}

/* ---- a connection's life -------------------------------------------------------------------- */

static void set_due(struct worker *w, struct connection *c, int64_t now)
{
	unsigned dice = below(w, 100);
	int64_t longest = dice < 60 ? 4 * MS : dice < 95 ? 40 * MS : STRESS_T * MS * 9 / 10;

	if (c->state != STATE_OPEN && longest > 40 * MS)
		longest = 40 * MS;
	c->due = now + below(w, (unsigned)longest);
}

static void renew(struct worker *w, struct connection *c, int64_t now)
{
	bool is_same_tuple = below(w, 8) == 0;

	if (!is_same_tuple) {
		c->kind = below(w, STRESS_KINDS);
		c->port = w->next_port++;
	}
	c->state = STATE_NEW;
	set_due(w, c, now);
}

static void begin(struct worker *w, struct connection *c)
{
	uint32_t word_before = word_of(w, c);
	uint16_t before[STRESS_BACKENDS];

	for (int i = 0; i < STRESS_BACKENDS; i++)
		before[i] = generation_of(w, c, i);
	c->began = c->last = now_us();
	c->backend = send_once(w, c, PACKET_SYN);
	if (c->backend == DROPPED) {
		w->refused++;
		return;
	}
	c->generation = generation_of(w, c, c->backend);
	if (c->generation & 1 || c->generation != before[c->backend])
		return; /* has failed in this very moment */
	c->may_be_unrecorded =
		names_as_origin(w, c, word_before) || names_as_origin(w, c, word_of(w, c));
	c->state = c->kind == STRESS_UDP ? STATE_OPEN : STATE_SYN_SENT;
	w->started++;
}

/* Whether what was promised for the connection holds until now: else it proves nothing. */
static bool is_in_time(const struct connection *c, enum packet_type type, int64_t now)
{
	if (now - c->last > STRESS_T * MS)
		return false;
	if (type == PACKET_SYN && now - c->began > STRESS_RESEND * MS)
		return false;
	if (c->state == STATE_SYN_SENT && now - c->began > STRESS_HANDSHAKE * MS)
		return false;
	return c->state != STATE_CLOSED || now - c->closed <= STRESS_HANDSHAKE * MS;
}

/* What happened to a packet of a living connection; false: the connection is over. */
static bool judge(struct worker *w, struct connection *c, enum packet_type type, int got)
{
	if (got == c->backend)
		return true;
	if (!is_in_time(c, type, now_us()))
		w->late++;
	else if (generation_of(w, c, c->backend) != c->generation)
		w->failed++;
	else if (type == PACKET_SYN && c->may_be_unrecorded && c->kind == STRESS_TCP)
		w->r1++;
	else
		note_violation(w, c, type, got);
	return false;
}

static bool send_packet(struct worker *w, struct connection *c, enum packet_type type)
{
	int64_t start = now_us();
	int got;

	if (!is_in_time(c, type, start)) {
		w->late++;
		return false;
	}
	got = send_once(w, c, type);
	if (got == DROPPED)
		w->lost++;
	for (int i = 0; got == DROPPED && i < PATIENCE && is_in_time(c, type, now_us()); i++) {
		usleep(1000);
		start = now_us();
		got = send_once(w, c, type);
	}
	if (!judge(w, c, type, got))
		return false;
	if (!is_in_time(c, type, now_us())) { /* the last one may have been too late already */
		w->late++;
		return false;
	}
	c->last = start;
	return true;
}

static bool go_on(struct worker *w, struct connection *c)
{
	switch (c->state) {
	case STATE_NEW:
		begin(w, c);
		return c->state != STATE_NEW;
	case STATE_SYN_SENT:
		if (below(w, 3) && now_us() - c->began < STRESS_RESEND * MS)
			return send_packet(w, c, PACKET_SYN);
		if (!send_packet(w, c, PACKET_DATA))
			return false;
		c->state = STATE_OPEN;
		return true;
	case STATE_OPEN:
		if (below(w, 12))
			return send_packet(w, c, PACKET_DATA);
		if (c->kind == STRESS_UDP) /* its end is silence */
			return false;
		c->closed = now_us();
		if (!send_packet(w, c, PACKET_FIN))
			return false;
		c->state = STATE_CLOSED;
		return true;
	case STATE_CLOSED:
		return below(w, 2) ? send_packet(w, c, PACKET_DATA) : false;
	}
	return false;
}

static void *work(void *arg)
{
	struct worker *w = arg;

	while (!atomic_load(&is_over)) {
		struct connection *c = &w->connections[below(w, CONNECTIONS)];
		int64_t now = now_us();

		if (now < c->due)
			continue;
		if (go_on(w, c))
			set_due(w, c, now_us());
		else
			renew(w, c, now_us());
	}
	return NULL;
}

/* ---- the test ---------------------------------------------------------------------------------
 */

static uint64_t number_from(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 0) : otherwise;
}

static void start(struct worker *w, unsigned number, uint64_t seed)
{
	memset(w, 0, sizeof(*w));
	w->agent = &agent;
	w->number = (uint8_t)number;
	w->random = seed ^ lb_mix(number + 1);
	w->next_port = 1024;
	for (enum stress_kind kind = 0; kind < STRESS_KINDS; kind++) {
		for (enum packet_type type = 0; type < PACKET_TYPES; type++)
			draw(w, kind, type);
	}
	for (unsigned i = 0; i < CONNECTIONS; i++) {
		w->connections[i].kind = i % STRESS_KINDS;
		w->connections[i].port = w->next_port++;
	}
	assert_int_equal(pthread_create(&w->thread, NULL, work, w), 0);
}

static struct worker sum_up(void)
{
	struct worker sum = {};

	for (unsigned i = 0; i < THREADS; i++) {
		const struct worker *w = &workers[i];

		sum.packets += w->packets;
		sum.started += w->started;
		sum.refused += w->refused;
		sum.lost += w->lost;
		sum.failed += w->failed;
		sum.late += w->late;
		sum.r1 += w->r1;
		sum.violations += w->violations;
		if (w->violations)
			memcpy(sum.first_violation, w->first_violation,
			       sizeof(sum.first_violation));
	}
	return sum;
}

static void report(const struct worker *sum, uint64_t seed)
{
	const struct stress_counts *counts = &agent.counts;

	print_message(
		"# seed %llu: %lu connections, %lu packets; refused %lu, late %lu, failed %lu, "
		"R1 %lu, dropped %lu\n",
		(unsigned long long)seed, sum->started, sum->packets, sum->refused, sum->late,
		sum->failed, sum->r1, sum->lost);
	print_message("# agent: %u moves, %u settles (%u refused), %u failures, %u returns, "
		      "%u restarts, %u records freed\n",
		      counts->moves, counts->settles, counts->refused_settles, counts->failures,
		      counts->returns, counts->restarts, counts->freed);
}

static struct worker run(int family, unsigned max_flows)
{
	uint64_t seed = number_from("STRESS_SEED", 20261122);
	int64_t end = now_us() + (int64_t)number_from("STRESS_SECONDS", SECONDS) * 1000 * MS;
	struct worker sum;

	assert_int_equal(stress_open(&agent, family, max_flows, seed), 0);
	stress_tick(&agent); /* the first words */
	atomic_store(&is_over, false);
	for (unsigned i = 0; i < THREADS; i++)
		start(&workers[i], i, seed);

	while (now_us() < end) {
		stress_tick(&agent);
		usleep(TICK_US);
	}
	atomic_store(&is_over, true);
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(workers[i].thread, NULL);
	sum = sum_up();
	report(&sum, seed);
	stress_close(&agent);
	return sum;
}

static void assert_sound(const struct worker *sum)
{
	if (sum->violations)
		fail_msg("%lu violations; %s", sum->violations, sum->first_violation);
	/* it has met what it is about */
	assert_true(sum->started > 0);
	assert_true(sum->failed > 0);
	assert_true(agent.counts.moves > 0);
	assert_true(agent.counts.settles > 0);
	assert_true(agent.counts.failures > 0);
	assert_true(agent.counts.returns > 0);
}

static void test_stress_connections_keep_their_backend_ipv4(void **state)
{
	struct worker sum;

	(void)state;
	sum = run(4, 60000);

	assert_sound(&sum);
	assert_int_equal(sum.r1, 0); /* there was room for all */
}

static void test_stress_connections_keep_their_backend_ipv6(void **state)
{
	struct worker sum;

	(void)state;
	sum = run(6, 60000);

	assert_sound(&sum);
	assert_int_equal(sum.r1, 0);
}

static void test_stress_connections_keep_their_backend_in_a_full_table(void **state)
{
	struct worker sum;

	(void)state;
	sum = run(4, 1000);

	assert_sound(&sum);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stress_connections_keep_their_backend_ipv4),
		cmocka_unit_test(test_stress_connections_keep_their_backend_ipv6),
		cmocka_unit_test(test_stress_connections_keep_their_backend_in_a_full_table),
	};

	return cmocka_run_group_tests_name("stress", tests, NULL, NULL);
}
