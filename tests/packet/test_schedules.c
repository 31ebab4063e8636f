/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Schedulers that are no function of the packet, the counts that they go by, affinity, and hashes
 * of the client alone. Root.
 */
#include "fixture.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include <linux/bpf.h>

#include "lb.skel.h"
#include "plan/wrr.h"

#define PICKED (LB_SVC_TRACKED | LB_SVC_PICKED)

static const struct variant picked_tcp4 = { 4, IPPROTO_TCP, LB_FORWARD_DSR, PICKED };
static const struct variant picked_tcp6 = { 6, IPPROTO_TCP, LB_FORWARD_DSR, PICKED };
static const struct variant picked_udp4 = { 4, IPPROTO_UDP, LB_FORWARD_DSR, PICKED };
static const struct variant picked_nat4 = { 4, IPPROTO_TCP, LB_FORWARD_NAT, PICKED };
static const struct variant picked_nat6 = { 6, IPPROTO_TCP, LB_FORWARD_NAT, PICKED };
static const struct variant masked_tcp4 = { 4, IPPROTO_TCP, LB_FORWARD_DSR, LB_SVC_MASKED };
static const struct variant masked_tcp6 = { 6, IPPROTO_TCP, LB_FORWARD_DSR, LB_SVC_MASKED };

#define TEST_PICKED(test)                                                                          \
	TEST_FOR(test, "ipv4", picked_tcp4), TEST_FOR(test, "ipv6", picked_tcp6),                  \
		TEST_FOR(test, "nat_ipv4", picked_nat4), TEST_FOR(test, "nat_ipv6", picked_nat6)

/* ---- what the agent would write ------------------------------------------------- */

static struct lb_schedule *schedule(void)
{
	return &fx.tables->lb_schedules[fx.service.id];
}

static struct lb_load *load_of(uint16_t backend)
{
	return &fx.tables->lb_loads[backend];
}

static void set_slots(enum lb_pick pick, const uint16_t *ids, uint32_t cycle)
{
	for (uint32_t i = 0; i < FIXTURE_TABLE; i++)
		fx.words[fx.service.table_base + i] = LB_SLOT(ids[i % cycle], ids[i % cycle], 0);
	schedule()->pick = (uint8_t)pick;
	schedule()->cycle = cycle;
}

static void take_turns(void)
{
	const uint16_t ids[] = { fx.web1, fx.web2, fx.web1, fx.web3 };

	set_slots(LB_PICK_TURN, ids, 4);
}

static void take_least(void)
{
	const uint16_t ids[] = { fx.web1, fx.web2, fx.web3 };

	set_slots(LB_PICK_LEAST, ids, 3);
}

static struct sketch syn_from(uint16_t port)
{
	struct sketch syn = fixture_syn();

	syn.sport = port;
	return syn;
}

static struct sketch later_from(uint16_t port, uint8_t flags)
{
	struct sketch packet = fixture_request();

	packet.sport = port;
	packet.flags = flags;
	return packet;
}

/* Without saying where to: the backend of the record made. */
static uint16_t picked_for(const struct host *from, uint16_t port)
{
	struct sketch syn = syn_from(port);
	struct frame frame;
	uint64_t *value_at;

	syn.src = *host_ip(from, fx.variant.family);
	frame_draw(&syn, &frame);
	fixture_run(&frame, FIXTURE_LO);
	value_at = fixture_find(from, port);
	return value_at ? (uint16_t)LB_RECORD_BACKEND(*value_at) : 0;
}

static int setup_all(void **state)
{
	int err = fixture_open(state);

	if (!err)
		fixture_use_all_features();
	return err;
}

/* ---- turns -------------------------------------------------------------------------- */

static void test_turns_follow_the_table_and_begin_anew(void **state)
{
	const struct host *order[] = { &web1, &web2, &web1, &web3 };

	(void)state;
	take_turns();
	for (uint16_t i = 0; i < 12; i++) {
		struct sketch syn = syn_from(CLIENT_PORT + i);

		fixture_expect_sent(&syn, order[i % 4], true, __FILE__, __LINE__);
	}

	assert_int_equal(schedule()->next, 12);
}

static void test_turns_are_not_taken_by_what_has_a_record(void **state)
{
	struct sketch syn = syn_from(CLIENT_PORT), next = syn_from(CLIENT_PORT + 1);
	struct sketch ack = later_from(CLIENT_PORT, TCP_ACK);

	(void)state;
	take_turns();
	EXPECT_SENT_NEW(&syn, web1);

	EXPECT_SENT(&syn, web1);
	EXPECT_SENT(&ack, web1);
	EXPECT_SENT_NEW(&next, web2);
}

static void test_turns_are_not_taken_by_strays(void **state)
{
	struct sketch stray = later_from(CLIENT_PORT, TCP_ACK);

	(void)state;
	take_turns();
	EXPECT_REASON(&stray, LB_NO_FLOW);

	assert_int_equal(schedule()->next, 0);
}

static void test_turns_of_a_dead_backend_are_passed_on(void **state)
{
	struct sketch first = syn_from(CLIENT_PORT), second = syn_from(CLIENT_PORT + 1);

	(void)state;
	take_turns();
	fixture_kill(fx.web1);
	EXPECT_SENT_NEW(&first, web2);

	EXPECT_SENT_NEW(&second, web3);
}

static void test_turns_without_a_backend_are_refused(void **state)
{
	struct sketch syn = syn_from(CLIENT_PORT);

	(void)state;
	EXPECT_REASON(&syn, LB_NO_BACKEND);

	assert_int_equal(fixture_count(), 0);
}

static void test_turns_are_recorded_for_udp(void **state)
{
	struct sketch first = fixture_request(), second = fixture_request();

	(void)state;
	take_turns();
	second.sport++;
	EXPECT_SENT_NEW(&first, web1);
	EXPECT_SENT(&first, web1);
	EXPECT_SENT_NEW(&second, web2);

	assert_int_equal(load_of(fx.web1)->live, 1);
	assert_int_equal(load_of(fx.web2)->live, 1);
}

static void clear_flows(void)
{
	memset(fx.flows4, 0, fx.sets * sizeof(*fx.flows4));
	memset(fx.flows6, 0, fx.sets * sizeof(*fx.flows6));
}

/* The table by plan/wrr.c, the turns by the data path: nothing is off by more than a part of a
 * round. */
static void test_turns_split_100000_connections_by_weight(void **state)
{
	struct maglev_backend be[] = { { .id = fx.web1, .weight = 7 },
				       { .id = fx.web2, .weight = 4 },
				       { .id = fx.web3, .weight = 2 } };
	uint16_t table[FIXTURE_TABLE];
	unsigned got[3] = {}, run = 0, longest = 0, last = 0;
	uint32_t cycle;

	(void)state;
	for (uint16_t i = 0; i < 3; i++)
		be[i].port = i; /* told apart */
	assert_int_equal(wrr_build(be, 3, table, FIXTURE_TABLE, &cycle), 0);
	assert_int_equal(cycle, 13);
	set_slots(LB_PICK_TURN, table, cycle);
	for (unsigned i = 0; i < 100000; i++) {
		unsigned which;

		if (i % 500 == 0)
			clear_flows();
		which = picked_for(&client, (uint16_t)(1024 + i % 60000)) - fx.web1;
		assert_in_range(which, 0, 2);
		got[which]++;
		run = which == last ? run + 1 : 1;
		longest = run > longest ? run : longest;
		last = which;
	}

	/* 100000 x 7/13 = 53846.2, x 4/13 = 30769.2, x 2/13 = 15384.6 */
	assert_in_range(got[0], 53845, 53847);
	assert_in_range(got[1], 30768, 30770);
	assert_in_range(got[2], 15384, 15386);
	assert_int_equal(longest, 2); /* 7 of 13 have to meet once */
}

/* ---- least -------------------------------------------------------------------------- */

static void test_least_takes_the_one_with_fewest_connections(void **state)
{
	struct sketch syn = syn_from(CLIENT_PORT);

	(void)state;
	take_least();
	load_of(fx.web1)->live = 5;
	load_of(fx.web2)->live = 3;
	load_of(fx.web3)->live = 4;

	EXPECT_SENT_NEW(&syn, web2);

	assert_int_equal(load_of(fx.web2)->live, 4);
}

static void test_least_goes_by_cost(void **state)
{
	struct sketch first = syn_from(CLIENT_PORT), second = syn_from(CLIENT_PORT + 1);

	(void)state;
	take_least();
	load_of(fx.web1)->cost = 100;
	load_of(fx.web2)->cost = 100;
	load_of(fx.web3)->cost = 30;
	load_of(fx.web1)->live = 1;
	load_of(fx.web2)->live = 1;
	load_of(fx.web3)->live = 5; /* 6 x 30 = 180 against 2 x 100 */

	EXPECT_SENT_NEW(&first, web3);
	load_of(fx.web2)->live = 0; /* 100 against 7 x 30 */
	EXPECT_SENT_NEW(&second, web2);
}

static void test_least_lets_equals_take_turns(void **state)
{
	unsigned got[3] = {};

	(void)state;
	take_least();
	for (uint16_t i = 0; i < 30; i++) {
		got[picked_for(&client, CLIENT_PORT + i) - fx.web1]++;
		load_of(fx.web1)->live = load_of(fx.web2)->live = load_of(fx.web3)->live = 0;
	}

	assert_int_equal(got[0], 10);
	assert_int_equal(got[1], 10);
	assert_int_equal(got[2], 10);
}

static void test_least_leaves_out_the_dead(void **state)
{
	struct sketch syn = syn_from(CLIENT_PORT);

	(void)state;
	take_least();
	load_of(fx.web2)->live = load_of(fx.web3)->live = 1000;
	load_of(fx.web3)->live++;
	fixture_kill(fx.web1);

	EXPECT_SENT_NEW(&syn, web2);
}

static void test_least_with_all_dead_is_refused(void **state)
{
	struct sketch syn = syn_from(CLIENT_PORT);

	(void)state;
	take_least();
	fixture_kill(fx.web1);
	fixture_kill(fx.web2);
	fixture_kill(fx.web3);

	EXPECT_REASON(&syn, LB_NO_BACKEND);
}

static void test_least_takes_a_drifted_count_for_none(void **state)
{
	struct sketch syn = syn_from(CLIENT_PORT);

	(void)state;
	take_least();
	load_of(fx.web1)->live = 1;
	load_of(fx.web2)->live = (uint32_t)-3;
	load_of(fx.web3)->live = 1;

	EXPECT_SENT_NEW(&syn, web2);
}

static void test_least_bears_the_greatest_loads(void **state)
{
	struct sketch syn = syn_from(CLIENT_PORT);

	(void)state;
	take_least();
	for (uint16_t id = fx.web1; id <= fx.web3; id++) {
		load_of(id)->cost = 1U << 22; /* x live + 1 = 2^44: more than a rank has room for */
		load_of(id)->live = (1U << 22) - 1;
	}
	load_of(fx.web3)->cost = 1;

	EXPECT_SENT_NEW(&syn, web3);
}

static void test_draws_take_the_least_of_some(void **state)
{
	const uint16_t ids[] = { fx.web1, fx.web2, fx.web3 };
	unsigned got[3] = {};

	(void)state;
	set_slots(LB_PICK_DRAW, ids, 3);
	schedule()->cycle = 60; /* web1 in a third of the slots */
	schedule()->draws = 2;
	for (uint16_t i = 0; i < 300; i++) {
		load_of(fx.web1)->live = 0;
		load_of(fx.web2)->live = load_of(fx.web3)->live = 100;
		got[picked_for(&client, CLIENT_PORT + i) - fx.web1]++;
	}

	/* 1 - (2/3)^2 = 0.556 of 300 = 167, five sigma: 43 */
	assert_in_range(got[0], 124, 210);
	assert_in_range(got[1], 30, 110);
	assert_in_range(got[2], 30, 110);
}

#define HELD_MAX 600

/** struct held - a connection that goes on for a while */
struct held {
	uint16_t port;
	unsigned until;
};

static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

static void end_connection(uint16_t port)
{
	struct sketch fin = later_from(port, TCP_ACK | TCP_FIN);
	struct frame frame;

	frame_draw(&fin, &frame);
	fixture_run(&frame, FIXTURE_LO);
	*fixture_find(&client, port) = 0; /* as the sweep would, later */
}

static void end_those_over(struct held *held, unsigned *count, unsigned now)
{
	for (unsigned i = 0; i < *count;) {
		if (held[i].until > now) {
			i++;
			continue;
		}
		end_connection(held[i].port);
		held[i] = held[--*count];
	}
}

static void assert_is_even(unsigned count)
{
	double mean = count / 3.0;

	for (uint16_t id = fx.web1; id <= fx.web3; id++)
		assert_true(load_of(id)->live <= 1.05 * mean + 1);
}

/*
 * 10,000 connections, most of them short, one in fifty a hundred times longer: whatever has
 * begun, nobody ever holds more than his part. Endings fall where they like, so after each
 * beginning the newest is at the least loaded; in the end all that was counted is gone.
 */
static void test_least_keeps_10000_connections_of_unlike_length_even(void **state)
{
	struct held held[HELD_MAX] = {};
	unsigned count = 0, counted = 0;
	uint32_t seed = 20261122;

	(void)state;
	take_least();
	for (unsigned now = 0; now < 10000; now++) {
		uint16_t port = (uint16_t)(1024 + now % 60000);
		unsigned hold = 1 + next_random(&seed) % 20;

		if (next_random(&seed) % 50 == 0)
			hold *= 100;
		end_those_over(held, &count, now);
		assert_true(count < HELD_MAX);
		picked_for(&client, port);
		held[count++] = (struct held) { port, now + hold };
	}
	for (uint16_t id = fx.web1; id <= fx.web3; id++)
		counted += load_of(id)->live;
	assert_int_equal(counted, count);
	assert_is_even(count);

	end_those_over(held, &count, UINT32_MAX);

	for (uint16_t id = fx.web1; id <= fx.web3; id++)
		assert_int_equal(load_of(id)->live, 0);
}

/* ---- counting: docs/slots.md ----------------------------------------------------------- */

static void test_count_follows_a_connection(void **state)
{
	struct sketch syn = syn_from(CLIENT_PORT), ack = later_from(CLIENT_PORT, TCP_ACK);
	struct sketch fin = later_from(CLIENT_PORT, TCP_ACK | TCP_FIN);

	(void)state;
	take_turns();
	EXPECT_SENT_NEW(&syn, web1);
	assert_int_equal(load_of(fx.web1)->live, 1);
	EXPECT_SENT(&syn, web1);
	assert_int_equal(load_of(fx.web1)->live, 1);
	EXPECT_SENT(&ack, web1);
	assert_int_equal(load_of(fx.web1)->live, 1);
	EXPECT_SENT(&fin, web1);
	assert_int_equal(load_of(fx.web1)->live, 0);
	EXPECT_SENT(&fin, web1);
	assert_int_equal(load_of(fx.web1)->live, 0);
}

static void test_count_falls_by_a_reset(void **state)
{
	struct sketch syn = syn_from(CLIENT_PORT), rst = later_from(CLIENT_PORT, TCP_RST);

	(void)state;
	take_turns();
	EXPECT_SENT_NEW(&syn, web1);
	EXPECT_SENT(&rst, web1);

	assert_int_equal(load_of(fx.web1)->live, 0);
}

static void test_count_rises_where_a_closed_connection_goes_on(void **state)
{
	struct sketch ack = later_from(CLIENT_PORT, TCP_ACK);

	(void)state;
	take_turns();
	fixture_put(&client, CLIENT_PORT, fixture_record(fx.web2, LB_CLASS_CLOSED, fx.grain + 1));
	EXPECT_SENT(&ack, web2);

	assert_int_equal(load_of(fx.web2)->live, 1);
}

static void test_count_passes_to_the_backend_of_a_replaced_record(void **state)
{
	struct sketch syn = syn_from(CLIENT_PORT);

	(void)state;
	take_turns();
	load_of(fx.web2)->live = 1;
	fixture_put(&client, CLIENT_PORT,
		    fixture_record(fx.web2, LB_CLASS_ESTABLISHED, FIXTURE_RECORD + 1));
	EXPECT_SENT_NEW(&syn, web1); /* over the expired record */

	assert_int_equal(load_of(fx.web2)->live, 0);
	assert_int_equal(load_of(fx.web1)->live, 1);
}

static void test_count_of_another_generation_stays(void **state)
{
	struct sketch syn = syn_from(CLIENT_PORT);

	(void)state;
	take_turns();
	fixture_put(&client, CLIENT_PORT, fixture_record(fx.web2, LB_CLASS_ESTABLISHED, 0));
	fixture_revive(fx.web2); /* the record is of its earlier life */
	load_of(fx.web2)->live = 7;
	EXPECT_SENT_NEW(&syn, web1);

	assert_int_equal(load_of(fx.web2)->live, 7);
	assert_int_equal(load_of(fx.web1)->live, 1);
}

static void test_count_falls_by_a_reply_that_closes(void **state)
{
	struct sketch syn = syn_from(CLIENT_PORT), fin = fixture_reply();
	struct frame frame;

	(void)state;
	take_turns();
	EXPECT_SENT_NEW(&syn, web1);
	fin.flags = TCP_ACK | TCP_FIN;
	frame_draw(&fin, &frame);
	fixture_run(&frame, FIXTURE_LO);

	assert_int_equal(load_of(fx.web1)->live, 0);
}

/* ---- affinity -------------------------------------------------------------------------- */

static void forget_clients(void)
{
	struct lb_affinity_key key;
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/lb_affinities", fx.pin_dir);
	fd = bpf_obj_get(path);
	assert_true(fd >= 0);
	while (!bpf_map_get_next_key(fd, NULL, &key))
		assert_int_equal(bpf_map_delete_elem(fd, &key), 0);
	close(fd);
}

static void keep_clients(uint32_t units)
{
	forget_clients();
	take_turns();
	schedule()->affinity = units;
	schedule()->mask_hi = ~0ULL;
	schedule()->mask_lo = ~0ULL;
}

static void test_affinity_keeps_a_client_at_its_backend(void **state)
{
	struct sketch first = syn_from(CLIENT_PORT), second = syn_from(CLIENT_PORT + 1);

	(void)state;
	keep_clients(100);
	EXPECT_SENT_NEW(&first, web1);
	EXPECT_SENT_NEW(&second, web1);

	assert_int_equal(picked_for(&other_client, CLIENT_PORT), fx.web2);
	assert_int_equal(picked_for(&client, CLIENT_PORT + 2), fx.web1);
	assert_int_equal(picked_for(&other_client, CLIENT_PORT + 3), fx.web2);
}

static void test_affinity_ends_with_its_backend(void **state)
{
	(void)state;
	keep_clients(100);
	assert_int_equal(picked_for(&client, CLIENT_PORT), fx.web1);
	fixture_revive(fx.web1); /* it was dead meanwhile: another life */

	assert_int_equal(picked_for(&client, CLIENT_PORT + 1), fx.web2);
}

static void test_affinity_ends_where_the_backend_takes_no_newcomers(void **state)
{
	const uint8_t flags[] = { LB_BE_DRAINING, LB_BE_LEAVING, LB_BE_CLOSED };

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		fixture_setup((void *[]) { (void *)&fx.variant });
		keep_clients(100);
		fixture_revive(fx.web1);
		assert_int_equal(picked_for(&client, CLIENT_PORT), fx.web1);
		fx.tables->lb_backends[fx.web1].flags = flags[i];

		assert_int_equal(picked_for(&client, CLIENT_PORT + 1), fx.web2);
		fx.tables->lb_backends[fx.web1].flags = 0;
	}
}

static void test_affinity_of_an_ipv6_client_is_its_prefix(void **state)
{
	struct sketch first = syn_from(CLIENT_PORT), second = syn_from(CLIENT_PORT);

	(void)state;
	keep_clients(100);
	schedule()->mask_lo = 0;      /* a /64 */
	second.src.bytes[15] ^= 0x55; /* the same /64 */
	EXPECT_SENT_NEW(&first, web1);
	EXPECT_SENT_NEW(&second, web1);
	second.src.bytes[7] ^= 0x55;
	EXPECT_SENT_NEW(&second, web2);
}

/* ---- hashes of the client alone ------------------------------------------------------------ */

/* The slot of the masked client's hash alone to web2. */
static void set_masked(uint64_t mask_hi, uint64_t mask_lo)
{
	const struct lb_addr *ip = host_ip(&client, fx.variant.family);
	uint64_t hash = fx.variant.family == 6
				? lb_hash_client6(ip->halves[0] & mask_hi, ip->halves[1] & mask_lo,
						  0, fx.service.seed)
				: lb_hash_client4(ip->words[3], fx.service.seed);

	fx.service.mask_hi = mask_hi;
	fx.service.mask_lo = mask_lo;
	assert_int_equal(dataplane_put_service(fx.dp, &fx.service), 0);
	fx.words[fx.service.table_base + lb_slot_index(hash, FIXTURE_TABLE)] =
		LB_SLOT(fx.web2, fx.web2, 0);
}

static void test_masked_client_keeps_its_slot_whatever_the_port(void **state)
{
	(void)state;
	set_masked(~0ULL, ~0ULL);
	for (uint16_t i = 0; i < 50; i++) {
		struct sketch syn = syn_from(CLIENT_PORT + i), ack = later_from(CLIENT_PORT + i, 0);

		EXPECT_SENT_NEW(&syn, web2);
		EXPECT_SENT(&ack, web2);
	}
	assert_int_equal(fixture_count(), 0);
}

static void test_masked_moving_slot_is_recorded_by_connection(void **state)
{
	struct sketch syn = syn_from(CLIENT_PORT), other = later_from(CLIENT_PORT + 1, TCP_ACK);

	(void)state;
	set_masked(~0ULL, ~0ULL);
	for (uint32_t i = 0; i < FIXTURE_TABLE; i++) {
		uint32_t *word = &fx.words[fx.service.table_base + i];

		if (*word == LB_SLOT(fx.web2, fx.web2, 0)) {
			*word = LB_SLOT(fx.web3, fx.web2, 1);
			fx.stamps[fx.service.table_base + i] = fx.now | 1;
		}
	}
	EXPECT_SENT_NEW(&syn, web3);
	EXPECT_SENT(&other, web2);

	assert_int_equal(fixture_count(), 2);
}

static void test_masked_ipv6_clients_of_a_prefix_share_a_slot(void **state)
{
	struct sketch syn = syn_from(CLIENT_PORT);

	(void)state;
	set_masked(~0ULL, 0);
	for (uint8_t i = 1; i < 50; i++) {
		syn.src.bytes[8 + i % 8] ^= i;
		EXPECT_SENT_NEW(&syn, web2);
	}
}

static void test_masked_ipv6_prefix_may_be_shorter_than_half(void **state)
{
	struct sketch syn = syn_from(CLIENT_PORT);

	(void)state;
	set_masked(0x0000ffffffffffffULL, 0); /* a /48, as it lies in memory */
	syn.src.bytes[6] ^= 1;
	syn.src.bytes[15] ^= 1;

	EXPECT_SENT_NEW(&syn, web2);
}

static void test_masked_slot_is_that_of_icmp_errors_too(void **state)
{
	struct sketch quote = fixture_request(), in = fixture_request();

	(void)state;
	set_masked(~0ULL, ~0ULL);
	quote.src = *host_ip(&vip, fx.variant.family);
	quote.dst = *host_ip(&client, fx.variant.family);
	quote.sport = VIP_PORT;
	quote.dport = CLIENT_PORT;
	in.proto = fx.variant.family == 6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
	in.icmp_type = fx.variant.family == 6 ? 1 : 3;
	in.quote = &quote;
	in.quote_length = 2000;
	for (uint16_t i = 0; i < 20; i++) {
		quote.dport = CLIENT_PORT + i;
		EXPECT_SENT(&in, web2);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST_PICKED(test_turns_follow_the_table_and_begin_anew),
		TEST_PICKED(test_turns_are_not_taken_by_what_has_a_record),
		TEST_PICKED(test_turns_are_not_taken_by_strays),
		TEST_PICKED(test_turns_of_a_dead_backend_are_passed_on),
		TEST_PICKED(test_turns_without_a_backend_are_refused),
		TEST_FOR(test_turns_are_recorded_for_udp, "ipv4", picked_udp4),
		TEST_FOR(test_turns_split_100000_connections_by_weight, "ipv4", picked_tcp4),
		TEST_PICKED(test_least_takes_the_one_with_fewest_connections),
		TEST_PICKED(test_least_goes_by_cost),
		TEST_PICKED(test_least_lets_equals_take_turns),
		TEST_PICKED(test_least_leaves_out_the_dead),
		TEST_PICKED(test_least_with_all_dead_is_refused),
		TEST_PICKED(test_least_takes_a_drifted_count_for_none),
		TEST_PICKED(test_least_bears_the_greatest_loads),
		TEST_PICKED(test_draws_take_the_least_of_some),
		TEST_FOR(test_least_keeps_10000_connections_of_unlike_length_even, "ipv4",
			 picked_tcp4),
		TEST_FOR(test_least_keeps_10000_connections_of_unlike_length_even, "ipv6",
			 picked_tcp6),
		TEST_PICKED(test_count_follows_a_connection),
		TEST_PICKED(test_count_falls_by_a_reset),
		TEST_PICKED(test_count_rises_where_a_closed_connection_goes_on),
		TEST_PICKED(test_count_passes_to_the_backend_of_a_replaced_record),
		TEST_PICKED(test_count_of_another_generation_stays),
		TEST_FOR(test_count_falls_by_a_reply_that_closes, "nat_ipv4", picked_nat4),
		TEST_FOR(test_count_falls_by_a_reply_that_closes, "nat_ipv6", picked_nat6),
		TEST_PICKED(test_affinity_keeps_a_client_at_its_backend),
		TEST_PICKED(test_affinity_ends_with_its_backend),
		TEST_PICKED(test_affinity_ends_where_the_backend_takes_no_newcomers),
		TEST_FOR(test_affinity_of_an_ipv6_client_is_its_prefix, "ipv6", picked_tcp6),
		TEST_FOR(test_masked_client_keeps_its_slot_whatever_the_port, "ipv4", masked_tcp4),
		TEST_FOR(test_masked_client_keeps_its_slot_whatever_the_port, "ipv6", masked_tcp6),
		TEST_FOR(test_masked_moving_slot_is_recorded_by_connection, "ipv4", masked_tcp4),
		TEST_FOR(test_masked_moving_slot_is_recorded_by_connection, "ipv6", masked_tcp6),
		TEST_FOR(test_masked_ipv6_clients_of_a_prefix_share_a_slot, "ipv6", masked_tcp6),
		TEST_FOR(test_masked_ipv6_prefix_may_be_shorter_than_half, "ipv6", masked_tcp6),
		TEST_FOR(test_masked_slot_is_that_of_icmp_errors_too, "ipv4", masked_tcp4),
		TEST_FOR(test_masked_slot_is_that_of_icmp_errors_too, "ipv6", masked_tcp6),
	};

	return cmocka_run_group_tests_name("schedules", tests, setup_all, fixture_close);
}
