/* SPDX-License-Identifier: GPL-2.0-only */
/* The flow table: which set a record goes to, what may be evicted, what a flood cannot do. Root. */
#include "fixture.h"

#include <stdlib.h>
#include <string.h>

#include <netinet/in.h>

#include <linux/bpf.h>

#define SETS_OF_CLIENT 2

static void fill_moving(void)
{
	fixture_fill(LB_SLOT(fx.web2, fx.web1, 1), fx.now);
}

static struct sketch first_packet(void)
{
	return fixture_syn();
}

/* Of the first or second set: @count entries that must stay, from way 0 on. */
static void occupy(unsigned set, unsigned count)
{
	for (unsigned way = 0; way < count; way++)
		fixture_put_at(fixture_value_at(&client, CLIENT_PORT, set, way), 100 * set + way,
			       fixture_record(fx.web3, LB_CLASS_ESTABLISHED, 0));
}

/* 0, 1: the set that holds the client's record; -1: it has none. */
static int set_of_client(void)
{
	const uint64_t *value_at = fixture_find(&client, CLIENT_PORT);

	for (int i = 0; value_at && i < SETS_OF_CLIENT * LB_FLOW_WAYS; i++) {
		if (value_at == fixture_value_at(&client, CLIENT_PORT, (unsigned)i / LB_FLOW_WAYS,
						 (unsigned)i % LB_FLOW_WAYS))
			return i / LB_FLOW_WAYS;
	}
	return -1;
}

/* ---- room ------------------------------------------------------------------------- */

/* The first set, unless it holds six or more and the second fewer. */
static int expected_set(unsigned first, unsigned second)
{
	if (first >= 6 && second < first)
		return 1;
	return first < LB_FLOW_WAYS ? 0 : -1;
}

/* Where a first packet goes that cannot be recorded: rules 14 and 16. */
static const struct host *without_room(void)
{
	return fx.variant.proto == IPPROTO_UDP ? &web2 : &web1;
}

static void test_flows_record_goes_to_the_set_that_has_room(void **state)
{
	struct sketch in = first_packet();

	(void)state;
	for (unsigned first = 0; first <= LB_FLOW_WAYS; first++) {
		for (unsigned second = 0; second <= LB_FLOW_WAYS; second++) {
			int expected = expected_set(first, second);

			fixture_setup((void *[]) { (void *)&fx.variant });
			fill_moving();
			occupy(0, first);
			occupy(1, second);

			fixture_expect_sent(&in, expected < 0 ? without_room() : &web2,
					    expected >= 0, __FILE__, __LINE__);

			assert_int_equal(set_of_client(), expected);
			assert_int_equal(fixture_count(), first + second + (expected >= 0));
		}
	}
}

static void test_flows_record_in_the_second_set_is_found(void **state)
{
	struct sketch in = fixture_request();

	(void)state;
	fill_moving();
	occupy(0, 6);
	for (unsigned way = 0; way < LB_FLOW_WAYS; way++) {
		uint64_t *value_at = fixture_value_at(&client, CLIENT_PORT, 1, way), *own;
		unsigned words = fx.variant.family == 6 ? 4 : 2;

		fixture_put(&client, CLIENT_PORT, fixture_record(fx.web3, LB_CLASS_ESTABLISHED, 0));
		own = fixture_find(&client, CLIENT_PORT);
		memcpy(value_at - (words - 1), own - (words - 1), words * sizeof(*own));
		memset(own - (words - 1), 0, words * sizeof(*own));

		EXPECT_SENT(&in, web3);

		memset(value_at - (words - 1), 0, words * sizeof(*own));
	}
}

static void test_flows_record_in_any_way_of_the_first_set_is_found(void **state)
{
	struct sketch in = fixture_request();

	(void)state;
	fill_moving();
	for (unsigned way = 0; way < LB_FLOW_WAYS; way++) {
		uint64_t *own;

		fixture_put(&client, CLIENT_PORT, fixture_record(fx.web3, LB_CLASS_ESTABLISHED, 0));
		own = fixture_find(&client, CLIENT_PORT);
		assert_ptr_equal(own, fixture_value_at(&client, CLIENT_PORT, 0, way));

		EXPECT_SENT(&in, web3);

		*own = 0;
		occupy(0, way + 1);
	}
}

/* ---- rule 19 ------------------------------------------------------------------------ */

struct fate {
	unsigned class;
	uint32_t age;
	bool may_go;
};

static const struct fate fates[] = {
	{ LB_CLASS_UNVERIFIED, 0, true },
	{ LB_CLASS_UNVERIFIED, FIXTURE_RECORD, true },
	{ LB_CLASS_HALF_OPEN, 0, false },
	{ LB_CLASS_HALF_OPEN, FIXTURE_HANDSHAKE, false },
	{ LB_CLASS_HALF_OPEN, FIXTURE_HANDSHAKE + 1, true },
	{ LB_CLASS_ESTABLISHED, 0, false },
	{ LB_CLASS_ESTABLISHED, FIXTURE_HANDSHAKE + 1, false },
	{ LB_CLASS_ESTABLISHED, FIXTURE_RECORD, false },
	{ LB_CLASS_ESTABLISHED, FIXTURE_RECORD + 1, true },
	{ LB_CLASS_CLOSED, 0, false },
	{ LB_CLASS_CLOSED, FIXTURE_HANDSHAKE, false },
	{ LB_CLASS_CLOSED, FIXTURE_HANDSHAKE + 1, true },
	{ LB_CLASS_UDP, 0, false },
	{ LB_CLASS_UDP, FIXTURE_HANDSHAKE + 1, false },
	{ LB_CLASS_UDP, FIXTURE_RECORD, false },
	{ LB_CLASS_UDP, FIXTURE_RECORD + 1, true },
	{ LB_CLASS_HALF_OPEN, (uint32_t)-1, false },
	{ LB_CLASS_ESTABLISHED, (uint32_t)-2, false },
	{ LB_CLASS_CLOSED, (uint32_t)-1, false },
	{ LB_CLASS_UDP, (uint32_t)-1, false },
	{ LB_CLASS_ESTABLISHED, 0x7fffff, true },
	{ LB_CLASS_ESTABLISHED, 0x800000, true },
};

static void test_flows_eviction_follows_class_and_age(void **state)
{
	struct sketch in = first_packet();

	(void)state;
	for (size_t i = 0; i < sizeof(fates) / sizeof(fates[0]); i++) {
		uint64_t *value_at;

		fixture_setup((void *[]) { (void *)&fx.variant });
		fill_moving();
		fixture_fill_sets(&client, CLIENT_PORT,
				  fixture_record(fx.web3, LB_CLASS_ESTABLISHED, 0));
		value_at = fixture_value_at(&client, CLIENT_PORT, i % 2, i % LB_FLOW_WAYS);
		*value_at = fixture_record(fx.web3, fates[i].class, fates[i].age);

		fixture_expect_sent(&in, fates[i].may_go ? &web2 : &web1, fates[i].may_go, __FILE__,
				    __LINE__);

		if (fates[i].may_go)
			assert_ptr_equal(fixture_find(&client, CLIENT_PORT), value_at);
		else
			assert_null(fixture_find(&client, CLIENT_PORT));
		assert_int_equal(fixture_count(), 2 * LB_FLOW_WAYS);
	}
}

static void test_flows_records_of_dead_backends_go(void **state)
{
	struct sketch in = first_packet();
	uint64_t *value_at;

	(void)state;
	fill_moving();
	fixture_fill_sets(&client, CLIENT_PORT, fixture_record(fx.web2, LB_CLASS_ESTABLISHED, 0));
	value_at = fixture_value_at(&client, CLIENT_PORT, 1, 5);
	*value_at = fixture_record(fx.web3, LB_CLASS_ESTABLISHED, 0);
	fixture_kill(fx.web3);

	EXPECT_SENT_NEW(&in, web2);

	assert_ptr_equal(fixture_find(&client, CLIENT_PORT), value_at);
}

static void test_flows_records_of_an_earlier_life_go(void **state)
{
	struct sketch in = first_packet();
	uint64_t *value_at;

	(void)state;
	fill_moving();
	fixture_fill_sets(&client, CLIENT_PORT, fixture_record(fx.web2, LB_CLASS_ESTABLISHED, 0));
	value_at = fixture_value_at(&client, CLIENT_PORT, 0, 2);
	*value_at = fixture_record(fx.web3, LB_CLASS_ESTABLISHED, 0);
	fixture_revive(fx.web3);

	EXPECT_SENT_NEW(&in, web2);

	assert_ptr_equal(fixture_find(&client, CLIENT_PORT), value_at);
}

/* The times are those of the record's own service, not of the packet's. */
static void test_flows_eviction_asks_the_records_own_service(void **state)
{
	const struct lb_timers longer = { .record = 4 * FIXTURE_RECORD,
					  .handshake = 4 * FIXTURE_HANDSHAKE };
	const struct variant packets = fx.variant;
	const struct variant *others = packets.family == 6 ? &dsr_udp6 : &dsr_udp4;
	uint64_t old;
	struct sketch in;

	(void)state;
	fixture_use(others);
	dataplane_put_timers(fx.dp, fx.service.id, &longer);
	old = fixture_record(fx.web1, LB_CLASS_UDP, FIXTURE_RECORD + 1);
	for (unsigned i = 0; i < 2 * LB_FLOW_WAYS; i++) {
		uint16_t id = fx.service.id;

		fixture_use(&packets);
		uint64_t *value_at =
			fixture_value_at(&client, CLIENT_PORT, i / LB_FLOW_WAYS, i % LB_FLOW_WAYS);
		fx.service.id = id; /* the key is written with it */
		fixture_put_at(value_at, i, old);
	}
	fixture_use(&packets);
	fill_moving();
	in = first_packet();
	fixture_remember();

	EXPECT_SENT(&in, web1); /* no room */

	assert_true(fixture_has_same_flows());
}

/* ---- floods: case 6 ---------------------------------------------------------------------- */

static const struct fate protected[] = {
	{ LB_CLASS_ESTABLISHED, FIXTURE_RECORD, false },
	{ LB_CLASS_HALF_OPEN, FIXTURE_HANDSHAKE, false },
	{ LB_CLASS_CLOSED, FIXTURE_HANDSHAKE, false },
	{ LB_CLASS_UDP, FIXTURE_RECORD, false },
};

#define PROTECTED (sizeof(protected) / sizeof(protected[0]))

static uint64_t *value_in(uint32_t set, unsigned way)
{
	return (uint64_t *)(fx.variant.family == 6 ? &fx.flows6[set].flows[way].record.value
						   : &fx.flows4[set].flows[way].record.value);
}

/* Every set: @per_set records that must stay, of each kind in turn, at their last moment. */
static void protect_all(unsigned per_set)
{
	for (uint32_t set = 0; set < fx.sets; set++) {
		for (unsigned way = 0; way < per_set; way++) {
			const struct fate *kind = &protected[(set + way) % PROTECTED];

			fixture_put_at(value_in(set, way), set * LB_FLOW_WAYS + way,
				       fixture_record(fx.web3, kind->class, kind->age));
		}
	}
}

/* Packets of clients and ports all over the table; none of them is followed up. */
static void flood(struct sketch in, unsigned count)
{
	struct frame frame;
	size_t client_byte;

	frame_draw(&in, &frame);
	client_byte = in.family == 4 ? 14 + 14 : 14 + 8 + 13;
	for (unsigned i = 0; i < count; i++) {
		size_t l4 = frame_l4(&in);

		frame.bytes[client_byte] = (unsigned char)random();
		frame.bytes[l4] = (unsigned char)random();
		frame.bytes[l4 + 1] = (unsigned char)random();
		assert_int_equal(fixture_run(&frame, FIXTURE_LO).verdict, XDP_TX);
	}
}

static void assert_protected(unsigned per_set)
{
	for (uint32_t set = 0; set < fx.sets; set++) {
		for (unsigned way = 0; way < per_set; way++) {
			const struct fate *kind = &protected[(set + way) % PROTECTED];

			assert_int_equal(*value_in(set, way),
					 fixture_record(fx.web3, kind->class, kind->age));
		}
	}
}

static void test_flows_flood_into_full_sets_evicts_nothing(void **state)
{
	struct sketch in = fixture_request();

	(void)state;
	fill_moving();
	protect_all(LB_FLOW_WAYS);
	fixture_remember();
	srandom(19);

	flood(in, 4000);
	flood(fixture_syn(), 4000);

	assert_true(fixture_has_same_flows());
}

static void test_flows_flood_takes_only_what_may_go(void **state)
{
	(void)state;
	fill_moving();
	protect_all(4);
	srandom(20);

	flood(fixture_request(), 4000);
	flood(fixture_syn(), 4000);

	assert_protected(4);
	assert_true(fixture_count() > fx.sets * 6); /* and it did flood */
}

/* ACKs that nobody knows take what ACKs took before, and give way to a SYN. */
static void test_flows_unverified_records_give_way_to_a_connection(void **state)
{
	struct sketch in = fixture_syn(), later = fixture_request();

	(void)state;
	fill_moving();
	srandom(21);
	flood(fixture_request(), 8000);

	EXPECT_SENT_NEW(&in, web2);
	flood(fixture_request(), 4000);
	EXPECT_SENT(&later, web2); /* established now, and while it was half-open it stayed */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST_DSR(test_flows_record_goes_to_the_set_that_has_room),
		TEST_DSR(test_flows_record_in_the_second_set_is_found),
		TEST_DSR(test_flows_record_in_any_way_of_the_first_set_is_found),
		TEST_DSR_TCP(test_flows_eviction_follows_class_and_age),
		TEST_DSR_TCP(test_flows_records_of_dead_backends_go),
		TEST_DSR_TCP(test_flows_records_of_an_earlier_life_go),
		TEST_DSR_TCP(test_flows_eviction_asks_the_records_own_service),
		TEST_DSR(test_flows_flood_into_full_sets_evicts_nothing),
		TEST_DSR(test_flows_flood_takes_only_what_may_go),
		TEST_DSR_TCP(test_flows_unverified_records_give_way_to_a_connection),
	};

	return cmocka_run_group_tests_name("flows", tests, fixture_open, fixture_close);
}
