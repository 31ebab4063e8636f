/* SPDX-License-Identifier: GPL-2.0-only */
/* Two CPUs that insert into one set at once: no record is lost, none is torn. Root. */
#include "fixture.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include <netinet/in.h>

#include <linux/bpf.h>

#include <bpf/bpf.h>

#define THREADS	   2
#define PER_THREAD 3 /* six in all: what a first set takes before the second is looked at */
#define PER_SET	   (THREADS * PER_THREAD)
#define SETS	   48
#define ROUNDS	   800
#define FRAME_ROOM 128

/** struct first_packet - one SYN, and whether it went to the slot's current backend */
struct first_packet {
	unsigned char bytes[FRAME_ROOM];
	uint32_t length;
	uint16_t port;
	bool is_sent;
};

/* packets[t] are thread t's, set by set; both threads come by the sets in this order */
static struct first_packet packets[THREADS][SETS][PER_THREAD];
static atomic_int round_now, started[THREADS], finished;
static int program_fd;

static void run_one(struct first_packet *packet)
{
	unsigned char out[FRAME_ROOM] = { 0 };
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = packet->bytes,
		    .data_size_in = packet->length, .data_out = out, .data_size_out = sizeof(out),
		    .repeat = 1);

	packet->is_sent = !bpf_prog_test_run_opts(program_fd, &run) && run.retval == XDP_TX &&
			  !memcmp(out, web2.mac, sizeof(web2.mac));
}

/* One thread's part of a round, which begins when both are there. */
static void run_part(unsigned thread, int round)
{
	atomic_store(&started[thread], round);
	while (atomic_load(&started[!thread]) < round)
		;
	for (unsigned set = 0; set < SETS; set++) {
		for (unsigned i = 0; i < PER_THREAD; i++)
			run_one(&packets[thread][set][i]);
	}
}

static void *run_second(void *arg)
{
	for (int round = 1; round <= ROUNDS; round++) {
		while (atomic_load(&round_now) < round)
			;
		if (atomic_load(&round_now) > ROUNDS)
			return arg;
		run_part(1, round);
		atomic_store(&finished, round);
	}
	return arg;
}

static bool is_taken(const uint64_t *set, unsigned sets)
{
	for (unsigned i = 0; i < sets; i++) {
		if (fixture_value_at(&client, packets[0][i][0].port, 0, 0) == set)
			return true;
	}
	return false;
}

static void draw(struct first_packet *packet, uint16_t port)
{
	struct sketch in = fixture_syn();
	struct frame frame;

	in.sport = port;
	frame_draw(&in, &frame);
	assert_in_range(frame.length, 0, FRAME_ROOM);
	memcpy(packet->bytes, frame.bytes, frame.length);
	packet->length = (uint32_t)frame.length;
	packet->port = port;
}

/* Ports that share their first set, another one for each row. */
static void draw_row(unsigned row)
{
	unsigned port = 1024, found = 0;
	const uint64_t *set;

	do
		set = fixture_value_at(&client, (uint16_t)++port, 0, 0);
	while (is_taken(set, row));
	for (; found < PER_SET; port++) {
		assert_in_range(port, 0, 65535);
		if (fixture_value_at(&client, (uint16_t)port, 0, 0) != set)
			continue;
		draw(&packets[found % THREADS][row][found / THREADS], (uint16_t)port);
		found++;
	}
}

/* NULL, or what is wrong. Last uses are left out: the clock may tick. */
static const char *judge_records(void)
{
	const uint64_t wanted = LB_RECORD(fx.web2, 0, LB_CLASS_HALF_OPEN, 0, 0) >> 24;

	for (unsigned i = 0; i < THREADS * SETS * PER_THREAD; i++) {
		const struct first_packet *packet = &packets[0][0][0] + i;
		const uint64_t *value_at = fixture_find(&client, packet->port);

		if (!packet->is_sent)
			return "a SYN did not go to the slot's current backend";
		if (!value_at)
			return "a connection that was forwarded has lost its record";
		if (*value_at >> 24 != wanted)
			return "a record has a value that nobody gave it";
	}
	return fixture_count() == SETS * PER_SET ? NULL : "there are more records";
}

/* Each round by numbers, some rounds record by record. */
static const char *judge(int round)
{
	if (round % 50 && fixture_count() == SETS * PER_SET)
		return NULL;
	return judge_records();
}

static const char *run_round(int round)
{
	memset(fx.flows4, 0, fx.sets * sizeof(*fx.flows4));
	memset(fx.flows6, 0, fx.sets * sizeof(*fx.flows6));
	atomic_store(&round_now, round);
	run_part(0, round);
	while (atomic_load(&finished) < round)
		;
	return judge(round);
}

static void test_races_inserts_into_one_set_all_stay(void **state)
{
	const char *wrong = NULL;
	pthread_t second;
	int round = 0;

	(void)state;
	fixture_fill(LB_SLOT(fx.web2, fx.web1, 1), fx.now);
	memset(packets, 0, sizeof(packets));
	for (unsigned row = 0; row < SETS; row++)
		draw_row(row);
	program_fd = dataplane_program_fd(fx.dp);
	atomic_store(&round_now, 0);
	atomic_store(&started[0], 0);
	atomic_store(&started[1], 0);
	atomic_store(&finished, 0);
	assert_int_equal(pthread_create(&second, NULL, run_second, NULL), 0);

	while (!wrong && round < ROUNDS)
		wrong = run_round(++round);

	atomic_store(&round_now, ROUNDS + 1); /* lets the other thread end */
	assert_int_equal(pthread_join(second, NULL), 0);
	if (wrong)
		fail_msg("round %d: %s", round, wrong);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST_DSR_TCP(test_races_inserts_into_one_set_all_stay),
	};

	return cmocka_run_group_tests_name("races", tests, fixture_open, fixture_close);
}
