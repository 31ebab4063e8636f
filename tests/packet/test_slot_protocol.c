/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The data path's half of docs/slots.md: the numbered cases at its end, one test each or more,
 * with words, stamps and records written by hand. A is web1, B is web2, C is web3. Root.
 */
#include "fixture.h"

#include <arpa/inet.h>
#include <string.h>

#include <netinet/in.h>

#include <linux/bpf.h>

#define A fx.web1
#define B fx.web2
#define C fx.web3

static void fill(uint16_t current, uint16_t origin, unsigned moving, uint32_t stamp)
{
	fixture_fill(LB_SLOT(current, origin, moving), stamp);
}

/* A moving slot whose stamp was written just now. */
static void fill_moving(uint16_t current, uint16_t origin)
{
	fill(current, origin, 1, fx.now);
}

static uint32_t stamp_of_client(void)
{
	return fx.stamps[fixture_slot(&client, CLIENT_PORT)];
}

static void put(uint64_t value)
{
	fixture_put(&client, CLIENT_PORT, value);
}

static struct sketch with_flags(uint8_t flags)
{
	struct sketch in = fixture_request();

	in.flags = flags;
	return in;
}

static struct sketch syn(void)
{
	return fixture_syn();
}

static struct sketch ack(void)
{
	return fixture_request();
}

/* The client's record is exactly this. */
static void assert_record(uint16_t backend, unsigned class, uint32_t age)
{
	const uint64_t *value_at = fixture_find(&client, CLIENT_PORT);

	assert_non_null(value_at);
	assert_int_equal(LB_RECORD_BACKEND(*value_at), backend);
	assert_int_equal(LB_RECORD_CLASS(*value_at), class);
	assert_int_equal(*value_at, fixture_record(backend, class, age));
}

static void assert_no_record(void)
{
	assert_null(fixture_find(&client, CLIENT_PORT));
}

#define ASSERT_STAMPED() assert_int_equal(stamp_of_client(), fx.now | 1)

/* ---- 1: settled -------------------------------------------------------------------- */

static void test_slots_1_settled_packet_writes_nothing(void **state)
{
	static const uint8_t flags[] = { TCP_SYN, TCP_ACK, TCP_FIN | TCP_ACK, TCP_RST,
					 TCP_SYN | TCP_ACK };
	static const unsigned classes[] = { LB_CLASS_UNVERIFIED, LB_CLASS_HALF_OPEN,
					    LB_CLASS_ESTABLISHED, LB_CLASS_CLOSED, LB_CLASS_UDP };

	(void)state;
	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
		put(fixture_record(B, classes[i], FIXTURE_HANDSHAKE + 1)); /* whatever there is */
		fixture_remember();
		for (size_t j = 0; j < sizeof(flags); j++) {
			struct sketch in = with_flags(flags[j]);

			if (flags[j] == TCP_SYN && in.proto == IPPROTO_TCP)
				EXPECT_SENT_NEW(&in, web1);
			else
				EXPECT_SENT(&in, web1);
			assert_true(fixture_is_same());
		}
		*fixture_find(&client, CLIENT_PORT) = 0;
	}
}

static void test_slots_1_settled_without_backend_drops_until_one_returns(void **state)
{
	struct sketch first = syn(), later = ack();

	(void)state;
	fill(0, 0, 0, LB_STAMP_CLOSED);
	put(fixture_record(B, LB_CLASS_ESTABLISHED, 0));
	fixture_remember();
	EXPECT_REASON(&first, LB_NO_BACKEND);
	EXPECT_REASON(&later, LB_NO_BACKEND);
	assert_true(fixture_is_same());

	fill(C, C, 0, LB_STAMP_CLOSED);

	EXPECT_SENT(&later, web3);
}

/* ---- 2, 3: recorded while it moves ---------------------------------------------------- */

static void test_slots_2_syn_of_warm_up_keeps_its_backend(void **state)
{
	struct sketch first = syn(), later = ack();

	(void)state;
	fill(A, A, 1, LB_STAMP_CLOSED);
	EXPECT_SENT_NEW(&first, web1);
	assert_record(A, LB_CLASS_HALF_OPEN, 0);

	fill_moving(B, A);
	EXPECT_SENT(&first, web1); /* sent again: the same connection */
	assert_record(A, LB_CLASS_HALF_OPEN, 0);
	EXPECT_SENT(&later, web1);
	assert_record(A, LB_CLASS_ESTABLISHED, 0);
}

static void test_slots_3_syn_of_a_move_keeps_its_backend_in_the_next(void **state)
{
	struct sketch first = syn(), later = ack();

	(void)state;
	fill_moving(B, A);
	EXPECT_SENT_NEW(&first, web2);
	assert_record(B, LB_CLASS_HALF_OPEN, 0);

	fill_moving(C, A);
	EXPECT_SENT(&first, web2);
	fill_moving(A, A);
	EXPECT_SENT(&first, web2);
	fill_moving(C, A);
	EXPECT_SENT(&later, web2);
	fill_moving(A, A);
	EXPECT_SENT(&later, web2);

	assert_record(B, LB_CLASS_ESTABLISHED, 0);
}

static void test_slots_3_going_back_to_the_origin_keeps_its_connections(void **state)
{
	struct sketch first = syn(), later = ack();

	(void)state;
	fill_moving(B, A);
	EXPECT_SENT_NEW(&first, web2);
	fill_moving(A, A);

	EXPECT_SENT(&first, web2);
	EXPECT_SENT(&later, web2);
}

/* ---- 4: nobody recorded it ------------------------------------------------------------- */

static void test_slots_4_unrecorded_ack_goes_to_origin(void **state)
{
	struct sketch in = ack();

	(void)state;
	fill(B, A, 1, fx.now - fx.grain - 1);

	EXPECT_SENT(&in, web1);

	assert_record(A, LB_CLASS_UNVERIFIED, 0);
	ASSERT_STAMPED();
}

static void test_slots_4_stamp_within_g_is_not_written_again(void **state)
{
	struct sketch in = ack();

	(void)state;
	for (uint32_t age = 0; age <= fx.grain; age++) {
		in.sport = (uint16_t)(CLIENT_PORT + age);
		fill(B, A, 1, fx.now - age);
		EXPECT_SENT(&in, web1); /* makes a record */
		EXPECT_SENT(&in, web1); /* follows it */
		assert_int_equal(fx.stamps[fixture_slot(&client, in.sport)], fx.now - age);
	}
	in.sport++;
	fill(B, A, 1, fx.now - fx.grain - 1);
	EXPECT_SENT(&in, web1);
	assert_int_equal(fx.stamps[fixture_slot(&client, in.sport)], fx.now | 1);
}

static void test_slots_4_packets_to_current_leave_the_stamp(void **state)
{
	struct sketch first = syn(), later = ack();

	(void)state;
	fill(B, A, 1, fx.now - fx.grain - 1);
	EXPECT_SENT_NEW(&first, web2);
	EXPECT_SENT(&later, web2);
	EXPECT_SENT(&first, web2);

	assert_int_equal(stamp_of_client(), fx.now - fx.grain - 1);
}

static void test_slots_4_only_its_own_stamp_is_written(void **state)
{
	struct sketch in = ack();
	uint32_t slot = fixture_slot(&client, CLIENT_PORT), base = fx.service.table_base;

	(void)state;
	fill(B, A, 1, fx.now - fx.grain - 1);
	EXPECT_SENT(&in, web1);

	for (uint32_t i = base; i < base + FIXTURE_TABLE; i++)
		assert_int_equal(fx.stamps[i], i == slot ? fx.now | 1 : fx.now - fx.grain - 1);
}

/* ---- 5: no room -------------------------------------------------------------------------- */

static void test_slots_5_syn_without_room_goes_to_origin(void **state)
{
	static const unsigned kept[] = { LB_CLASS_ESTABLISHED, LB_CLASS_HALF_OPEN };
	struct sketch in = syn();

	(void)state;
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
		uint32_t age = kept[i] == LB_CLASS_ESTABLISHED ? FIXTURE_RECORD : FIXTURE_HANDSHAKE;

		fill(B, A, 1, fx.now - fx.grain - 1);
		fixture_fill_sets(&client, CLIENT_PORT, fixture_record(C, kept[i], age));
		fixture_remember();

		EXPECT_SENT(&in, web1);

		assert_true(fixture_has_same_flows());
		ASSERT_STAMPED();
	}
}

static void test_slots_5_syn_takes_the_place_of_an_old_half_open(void **state)
{
	struct sketch in = syn();

	(void)state;
	for (unsigned i = 0; i < 2 * LB_FLOW_WAYS; i++) {
		uint64_t *old =
			fixture_value_at(&client, CLIENT_PORT, i / LB_FLOW_WAYS, i % LB_FLOW_WAYS);

		fill(B, A, 1, fx.now - fx.grain - 1);
		fixture_fill_sets(&client, CLIENT_PORT, fixture_record(C, LB_CLASS_ESTABLISHED, 0));
		*old = fixture_record(C, LB_CLASS_HALF_OPEN, FIXTURE_HANDSHAKE + 1);

		EXPECT_SENT_NEW(&in, web2);

		assert_ptr_equal(fixture_find(&client, CLIENT_PORT), old);
		assert_record(B, LB_CLASS_HALF_OPEN, 0);
		assert_int_equal(stamp_of_client(), fx.now - fx.grain - 1);
		assert_int_equal(fixture_count(), 2 * LB_FLOW_WAYS);
	}
}

static void test_slots_5_no_room_and_no_origin_is_dropped(void **state)
{
	struct sketch in = syn();

	(void)state;
	fill_moving(B, 0);
	fixture_fill_sets(&client, CLIENT_PORT, fixture_record(C, LB_CLASS_ESTABLISHED, 0));

	EXPECT_REASON(&in, LB_NO_BACKEND);
}

/* ---- 7: ages ----------------------------------------------------------------------------------
 */

static void test_slots_7_last_use_in_the_near_future_is_followed(void **state)
{
	struct sketch in = ack();

	(void)state;
	fill_moving(C, A);
	put(fixture_record(B, LB_CLASS_ESTABLISHED, (uint32_t)-1));
	EXPECT_SENT(&in, web2);

	*fixture_find(&client, CLIENT_PORT) = fixture_record(B, LB_CLASS_ESTABLISHED, -fx.slack);
	EXPECT_SENT(&in, web2);

	*fixture_find(&client, CLIENT_PORT) =
		fixture_record(B, LB_CLASS_ESTABLISHED, -fx.slack - 1);
	EXPECT_SENT(&in, web1); /* no time that ever was: no record */
}

static void test_slots_7_record_aged_tr_is_followed(void **state)
{
	struct sketch in = ack();

	(void)state;
	fill_moving(C, A);
	put(fixture_record(B, LB_CLASS_ESTABLISHED, FIXTURE_RECORD));

	EXPECT_SENT(&in, web2);

	assert_record(B, LB_CLASS_ESTABLISHED, 0);
}

static void test_slots_7_older_record_is_none_for_an_ack(void **state)
{
	struct sketch in = ack();

	(void)state;
	fill_moving(C, A);
	put(fixture_record(B, LB_CLASS_ESTABLISHED, FIXTURE_RECORD + 1));

	EXPECT_SENT(&in, web1);

	assert_record(A, LB_CLASS_UNVERIFIED, 0);
	assert_int_equal(fixture_count(), 1);
}

static void test_slots_7_older_record_is_replaced_by_a_syn(void **state)
{
	struct sketch in = syn();
	uint64_t *value_at;

	(void)state;
	fill_moving(C, A);
	fixture_put_at(fixture_value_at(&client, CLIENT_PORT, 0, 0), 1,
		       fixture_record(A, LB_CLASS_HALF_OPEN, FIXTURE_HANDSHAKE + 1));
	put(fixture_record(B, LB_CLASS_ESTABLISHED, FIXTURE_RECORD + 1));
	value_at = fixture_find(&client, CLIENT_PORT);

	EXPECT_SENT_NEW(&in, web3);

	assert_ptr_equal(fixture_find(&client, CLIENT_PORT), value_at);
	assert_record(C, LB_CLASS_HALF_OPEN, 0);
	assert_int_equal(fixture_count(), 2);
}

/* The clock of a record has 24 bits: its neighbourhood, not its order, says what is old. */
static void test_slots_7_half_the_clock_away_is_none(void **state)
{
	static const uint32_t ages[] = { 0x7fffff, 0x800000, 0x800001, 0xf00000 };
	struct sketch in = ack();

	(void)state;
	fill_moving(C, A);
	for (size_t i = 0; i < sizeof(ages) / sizeof(ages[0]); i++) {
		in.sport = (uint16_t)(CLIENT_PORT + i);
		fixture_put(&client, in.sport, fixture_record(B, LB_CLASS_ESTABLISHED, ages[i]));
		EXPECT_SENT(&in, web1);
	}
}

/* ---- 8: closed ----------------------------------------------------------------------------------
 */

static void test_slots_8_fin_closes_and_data_still_follows(void **state)
{
	static const uint8_t closing[] = { TCP_FIN | TCP_ACK, TCP_RST, TCP_RST | TCP_ACK,
					   TCP_SYN | TCP_FIN };
	struct sketch later = ack();

	(void)state;
	fill_moving(C, A);
	for (size_t i = 0; i < sizeof(closing); i++) {
		struct sketch in = with_flags(closing[i]);

		in.sport = later.sport = (uint16_t)(CLIENT_PORT + i);
		fixture_put(&client, in.sport, fixture_record(B, LB_CLASS_ESTABLISHED, 1));
		EXPECT_SENT(&in, web2);
		assert_int_equal(*fixture_find(&client, in.sport),
				 fixture_record(B, LB_CLASS_CLOSED, 0));

		EXPECT_SENT(&later, web2);
		assert_int_equal(*fixture_find(&client, in.sport),
				 fixture_record(B, LB_CLASS_CLOSED, 0));
	}
}

/* The FIN was not the end: the connection goes on (rule 15). */
static void test_slots_8_data_long_after_a_fin_reopens(void **state)
{
	struct sketch in = ack();

	(void)state;
	fill_moving(C, A);
	put(fixture_record(B, LB_CLASS_CLOSED, fx.grain));
	EXPECT_SENT(&in, web2);
	assert_record(B, LB_CLASS_CLOSED, fx.grain);

	*fixture_find(&client, CLIENT_PORT) = fixture_record(B, LB_CLASS_CLOSED, fx.grain + 1);
	EXPECT_SENT(&in, web2);
	assert_record(B, LB_CLASS_ESTABLISHED, 0);
}

static void test_slots_8_syn_ack_does_not_reopen(void **state)
{
	struct sketch in = with_flags(TCP_SYN | TCP_ACK);

	(void)state;
	fill_moving(C, A);
	put(fixture_record(B, LB_CLASS_CLOSED, fx.grain + 1));
	EXPECT_SENT(&in, web2);
	assert_record(B, LB_CLASS_CLOSED, 0);
}

static void test_slots_8_syn_soon_after_a_close_follows(void **state)
{
	struct sketch in = syn();

	(void)state;
	fill_moving(C, A);
	put(fixture_record(B, LB_CLASS_CLOSED, FIXTURE_HANDSHAKE));

	EXPECT_SENT(&in, web2);

	assert_record(B, LB_CLASS_HALF_OPEN, 0);
}

static void test_slots_8_syn_long_after_a_close_is_new(void **state)
{
	struct sketch in = syn();
	uint64_t *value_at;

	(void)state;
	fill_moving(C, A);
	fixture_put_at(fixture_value_at(&client, CLIENT_PORT, 0, 0), 1,
		       fixture_record(A, LB_CLASS_ESTABLISHED, 0));
	put(fixture_record(B, LB_CLASS_CLOSED, FIXTURE_HANDSHAKE + 1));
	value_at = fixture_find(&client, CLIENT_PORT);

	EXPECT_SENT_NEW(&in, web3);

	assert_ptr_equal(fixture_find(&client, CLIENT_PORT), value_at); /* never beside it */
	assert_record(C, LB_CLASS_HALF_OPEN, 0);
	assert_int_equal(fixture_count(), 2);
}

static void test_slots_8_syn_leaves_an_established_one_established(void **state)
{
	struct sketch in = syn();

	(void)state;
	fill_moving(C, A);
	put(fixture_record(B, LB_CLASS_ESTABLISHED, FIXTURE_HANDSHAKE + 1));

	EXPECT_SENT(&in, web2);

	assert_record(B, LB_CLASS_ESTABLISHED, 0);
}

/* ---- 9: generations
 * --------------------------------------------------------------------------------- */

static void test_slots_9_record_of_an_earlier_life_is_none(void **state)
{
	const uint16_t words[][2] = { { B, A },
				      { A, B },
				      { C, B } }; /* A: origin, current, neither */
	const struct host *origins[] = { &web1, &web2, &web2 };
	const struct host *currents[] = { &web2, &web1, &web3 };

	(void)state;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		struct sketch later = ack(), first = syn();

		later.sport = (uint16_t)(CLIENT_PORT + 2 * i);
		first.sport = (uint16_t)(later.sport + 1);
		fill_moving(words[i][0], words[i][1]);
		fixture_put(&client, later.sport, fixture_record(A, LB_CLASS_ESTABLISHED, 0));
		fixture_put(&client, first.sport, fixture_record(A, LB_CLASS_ESTABLISHED, 0));
		fixture_revive(A);

		fixture_expect_sent(&later, origins[i], false, __FILE__, __LINE__);
		fixture_expect_sent(&first, currents[i], true, __FILE__, __LINE__);
		assert_int_equal(*fixture_find(&client, later.sport),
				 fixture_record(words[i][1], LB_CLASS_UNVERIFIED, 0));
		assert_int_equal(*fixture_find(&client, first.sport),
				 fixture_record(words[i][0], LB_CLASS_HALF_OPEN, 0));
	}
}

static void test_slots_9_record_of_a_dead_backend_is_none(void **state)
{
	struct sketch later = ack(), first = syn();

	(void)state;
	fill_moving(B, A);
	put(fixture_record(C, LB_CLASS_ESTABLISHED, 0));
	fixture_kill(C);

	EXPECT_SENT(&later, web1);
	first.sport++;
	fixture_put(&client, first.sport, fixture_record(C, LB_CLASS_ESTABLISHED, 0)); /* odd */
	EXPECT_SENT_NEW(&first, web2);
}

/* Ten bits of the generation are kept: a change of any of them counts. */
static void test_slots_9_every_bit_of_the_generation_counts(void **state)
{
	struct sketch in = ack();

	(void)state;
	fill_moving(B, A);
	for (unsigned bit = 1; bit < 10; bit++) {
		in.sport = (uint16_t)(CLIENT_PORT + bit);
		fixture_put(&client, in.sport,
			    LB_RECORD(C, 1 << bit, LB_CLASS_ESTABLISHED, 0, fx.now));
		EXPECT_SENT(&in, web1);
	}
}

/* ---- 10: settling
 * ------------------------------------------------------------------------------------ */

static void test_slots_10_closed_stamp_sends_to_current(void **state)
{
	struct sketch later = ack(), first = syn();

	(void)state;
	fill(B, A, 1, LB_STAMP_CLOSED);
	fixture_remember();
	EXPECT_SENT(&later, web2);
	assert_true(fixture_is_same());

	fixture_fill_sets(&client, CLIENT_PORT, fixture_record(C, LB_CLASS_ESTABLISHED, 0));
	fixture_remember();
	EXPECT_SENT(&first, web2);
	assert_true(fixture_is_same());
}

static void test_slots_10_closed_stamp_sends_recorded_to_current(void **state)
{
	struct sketch in = ack();

	(void)state;
	fill(B, A, 1, LB_STAMP_CLOSED);
	put(fixture_record(A, LB_CLASS_ESTABLISHED, fx.grain + 1));
	fixture_remember();

	EXPECT_SENT(&in, web2);

	assert_true(fixture_is_same());
}

static void test_slots_10_closed_stamp_drops_udp(void **state)
{
	struct sketch in = fixture_request();

	(void)state;
	fill(B, A, 1, LB_STAMP_CLOSED);
	put(fixture_record(A, LB_CLASS_UDP, fx.grain + 1));
	fixture_remember();
	EXPECT_REASON(&in, LB_SETTLING);
	assert_true(fixture_is_same());

	*fixture_find(&client, CLIENT_PORT) = 0;
	fixture_fill_sets(&client, CLIENT_PORT, fixture_record(C, LB_CLASS_UDP, 0));
	fixture_remember();
	EXPECT_REASON(&in, LB_SETTLING);
	assert_true(fixture_is_same());
}

/* ---- 11: UDP
 * ------------------------------------------------------------------------------------------- */

static void test_slots_11_udp_is_recorded_before_it_moves(void **state)
{
	struct sketch old = fixture_request(), new = fixture_request();

	(void)state;
	fill_moving(A, A);
	EXPECT_SENT_NEW(&old, web1);
	assert_record(A, LB_CLASS_UDP, 0);

	fill(B, B, 1, fx.now - fx.grain - 1);
	EXPECT_SENT(&old, web1);
	ASSERT_STAMPED();
	new.sport++;
	EXPECT_SENT_NEW(&new, web2);
	assert_int_equal(*fixture_find(&client, new.sport), fixture_record(B, LB_CLASS_UDP, 0));
	assert_record(A, LB_CLASS_UDP, 0);
}

static void test_slots_11_udp_without_room_is_stamped(void **state)
{
	struct sketch in = fixture_request();

	(void)state;
	fill(A, A, 1, fx.now - fx.grain - 1);
	fixture_fill_sets(&client, CLIENT_PORT, fixture_record(C, LB_CLASS_UDP, FIXTURE_RECORD));
	fixture_remember();

	EXPECT_SENT(&in, web1);

	assert_true(fixture_has_same_flows());
	ASSERT_STAMPED();
}

static void test_slots_11_udp_at_current_is_not_stamped(void **state)
{
	struct sketch in = fixture_request();

	(void)state;
	fill(A, A, 1, fx.now - fx.grain - 1);
	EXPECT_SENT_NEW(&in, web1);
	EXPECT_SENT(&in, web1);

	assert_int_equal(stamp_of_client(), fx.now - fx.grain - 1);
}

static void test_slots_11_udp_older_than_h_is_kept(void **state)
{
	struct sketch in = fixture_request();

	(void)state;
	fill_moving(B, B);
	put(fixture_record(A, LB_CLASS_UDP, FIXTURE_RECORD));
	EXPECT_SENT(&in, web1);
	assert_record(A, LB_CLASS_UDP, 0);

	*fixture_find(&client, CLIENT_PORT) = fixture_record(A, LB_CLASS_UDP, FIXTURE_RECORD + 1);
	EXPECT_SENT_NEW(&in, web2);
	assert_record(B, LB_CLASS_UDP, 0);
	assert_int_equal(fixture_count(), 1);
}

/* ---- 12: what is no SYN
 * --------------------------------------------------------------------------------- */

static void test_slots_12_only_a_plain_syn_is_one(void **state)
{
	static const uint8_t flags[] = { TCP_SYN | TCP_ACK,	      TCP_RST, TCP_SYN | TCP_FIN,
					 TCP_SYN | TCP_RST,	      0,       TCP_FIN,
					 TCP_SYN | TCP_ACK | TCP_RST, TCP_PSH };

	(void)state;
	fill_moving(B, A);
	for (size_t i = 0; i < sizeof(flags); i++) {
		struct sketch in = with_flags(flags[i]);

		in.sport = (uint16_t)(CLIENT_PORT + i);
		EXPECT_SENT(&in, web1);
		assert_int_equal(*fixture_find(&client, in.sport),
				 fixture_record(A, LB_CLASS_UNVERIFIED, 0));
	}
}

/* ECN's bits and PSH, URG are no matter. */
static void test_slots_12_a_syn_with_other_bits_is_one(void **state)
{
	static const uint8_t flags[] = { TCP_SYN | 0xc0, TCP_SYN | TCP_PSH, TCP_SYN | 0x20 };

	(void)state;
	fill_moving(B, A);
	for (size_t i = 0; i < sizeof(flags); i++) {
		struct sketch in = with_flags(flags[i]);

		in.sport = (uint16_t)(CLIENT_PORT + i);
		EXPECT_SENT_NEW(&in, web2);
	}
}

/* ---- 13: a tuple used anew
 * ------------------------------------------------------------------------------- */

static void test_slots_13_syn_with_the_tuple_of_an_origins_connection_goes_there(void **state)
{
	struct sketch first = syn(), later = ack();

	(void)state;
	fill_moving(B, A);
	EXPECT_SENT(&later, web1);
	assert_record(A, LB_CLASS_UNVERIFIED, 0);

	EXPECT_SENT(&first, web1);

	assert_record(A, LB_CLASS_HALF_OPEN, 0);
	EXPECT_SENT(&later, web1);
	assert_record(A, LB_CLASS_ESTABLISHED, 0);
}

/* A packet in mid-stream verifies nothing: its record stays advisory. */
static void test_slots_13_acks_leave_a_record_unverified(void **state)
{
	struct sketch later = ack();

	(void)state;
	fill_moving(B, A);
	put(fixture_record(A, LB_CLASS_UNVERIFIED, fx.grain + 1));
	EXPECT_SENT(&later, web1);

	assert_record(A, LB_CLASS_UNVERIFIED, 0);
}

/* ---- 14: entries in the making ------------------------------------------------------------ */

/* Another CPU is about to write there: the entry is neither followed nor taken. */
static void test_slots_14_busy_entry_is_neither_followed_nor_taken(void **state)
{
	struct sketch later = ack(), first = syn();

	(void)state;
	fill_moving(B, A);
	put(LB_RECORD_BUSY);
	fixture_remember();

	EXPECT_REASON(&first, LB_CONTENDED);
	EXPECT_REASON(&later, LB_CONTENDED);

	assert_true(fixture_has_same_flows());
}

static void test_slots_14_busy_entries_of_others_are_no_room(void **state)
{
	struct sketch first = syn();

	(void)state;
	fill_moving(B, A);
	fixture_fill_sets(&client, CLIENT_PORT, LB_RECORD_BUSY);
	fixture_remember();

	EXPECT_SENT(&first, web1);

	assert_true(fixture_has_same_flows());
}

/* Where a record with another key lies in the client's own entry. */
static void test_slots_14_every_bit_of_the_key_counts(void **state)
{
	unsigned words = fx.variant.family == 6 ? 4 : 2;
	struct sketch in = ack();

	(void)state;
	fill_moving(C, A);
	for (unsigned bit = 0; bit < 64 * (words - 1); bit++) {
		uint64_t *value_at, *key;

		put(fixture_record(B, LB_CLASS_ESTABLISHED, 0));
		value_at = fixture_find(&client, CLIENT_PORT);
		key = value_at - (words - 1);
		EXPECT_SENT(&in, web2);

		key[bit / 64] ^= 1ULL << bit % 64;

		EXPECT_SENT(&in, web1);
		memset(key, 0, words * sizeof(*key));
		value_at = fixture_find(&client, CLIENT_PORT);
		assert_non_null(value_at); /* of its own, unverified */
		memset(value_at - (words - 1), 0, words * sizeof(*key));
	}
}

static void test_slots_14_freed_entry_is_no_hit(void **state)
{
	struct sketch in = ack();

	(void)state;
	fill_moving(C, A);
	put(fixture_record(B, LB_CLASS_ESTABLISHED, 0));
	*fixture_find(&client, CLIENT_PORT) = 0; /* as a sweep frees it: the key stays */

	EXPECT_SENT(&in, web1);

	assert_record(A, LB_CLASS_UNVERIFIED, 0);
}

/* ---- 18: refresh ----------------------------------------------------------------------------- */

static void test_slots_18_record_is_rewritten_when_older_than_g(void **state)
{
	struct sketch in = ack();

	(void)state;
	fill_moving(B, A);
	put(fixture_record(B, LB_CLASS_ESTABLISHED, fx.grain));
	fixture_remember();
	EXPECT_SENT(&in, web2);
	assert_true(fixture_is_same());

	*fixture_find(&client, CLIENT_PORT) = fixture_record(B, LB_CLASS_ESTABLISHED, fx.grain + 1);
	EXPECT_SENT(&in, web2);
	assert_record(B, LB_CLASS_ESTABLISHED, 0);
}

/* ---- failed, drained and absent backends: rules 5 to 6a -----------------------------------------
 */

static void test_slots_failed_origin_gets_no_record(void **state)
{
	struct sketch later = ack(), first = syn();

	(void)state;
	fill_moving(B, A);
	fixture_kill(A); /* and its word is about to become {B,B,1} */

	EXPECT_SENT(&later, web1);
	assert_no_record();
	EXPECT_SENT_NEW(&first, web2);
	assert_record(B, LB_CLASS_HALF_OPEN, 0);
}

static void test_slots_failed_current_gets_no_record(void **state)
{
	struct sketch first = syn();

	(void)state;
	fill_moving(B, A);
	fixture_kill(B);

	EXPECT_SENT(&first, web2);

	assert_no_record();
}

static void test_slots_failed_origin_sends_its_connections_to_the_heir(void **state)
{
	struct sketch later = ack();

	(void)state;
	put(fixture_record(A, LB_CLASS_ESTABLISHED, 0));
	fixture_kill(A);
	fill(B, B, 1, fx.now - fx.grain - 1);

	EXPECT_SENT(&later, web2);

	assert_record(B, LB_CLASS_UNVERIFIED, 0);
	assert_int_equal(stamp_of_client(), fx.now - fx.grain - 1); /* nothing went elsewhere */
}

static void test_slots_drained_origin_keeps_its_connections(void **state)
{
	struct sketch later = ack(), first = syn();

	(void)state;
	dataplane_set_backend_flags(fx.dp, A, LB_BE_DRAINING, 0);
	fill_moving(B, A);

	EXPECT_SENT(&later, web1);
	first.sport++;
	EXPECT_SENT_NEW(&first, web2);

	/* no room: even a draining origin, for the origin is where it will be looked for */
	first.sport++;
	fixture_fill_sets(&client, first.sport, fixture_record(C, LB_CLASS_ESTABLISHED, 0));
	EXPECT_SENT(&first, web1);
	dataplane_set_backend_flags(fx.dp, A, 0, 0);
}

static void test_slots_no_heir_drops_newcomers_before_any_insert(void **state)
{
	struct sketch later = ack(), first = syn();

	(void)state;
	fill(0, A, 1, fx.now - fx.grain - 1);
	put(fixture_record(A, LB_CLASS_ESTABLISHED, 1));
	first.sport++;
	fixture_remember();
	EXPECT_REASON(&first, LB_NO_BACKEND);
	assert_true(fixture_is_same());

	EXPECT_SENT(&later, web1); /* recorded */
	later.sport += 2;
	EXPECT_SENT(&later, web1); /* unrecorded: the origin lives */
	ASSERT_STAMPED();
}

static void test_slots_no_heir_and_no_origin_follows_records_alone(void **state)
{
	struct sketch later = ack(), first = syn();

	(void)state;
	fill_moving(0, 0);
	put(fixture_record(B, LB_CLASS_ESTABLISHED, 0));

	EXPECT_SENT(&later, web2);
	later.sport++;
	EXPECT_REASON(&later, LB_NO_BACKEND);
	first.sport += 2;
	EXPECT_REASON(&first, LB_NO_BACKEND);
	assert_int_equal(fixture_count(), 1);
}

static void test_slots_no_heir_udp_follows_records_alone(void **state)
{
	struct sketch in = fixture_request();

	(void)state;
	fill_moving(0, A);
	put(fixture_record(B, LB_CLASS_UDP, 0));

	EXPECT_SENT(&in, web2);
	in.sport++;
	EXPECT_REASON(&in, LB_NO_BACKEND);
	assert_int_equal(fixture_count(), 1);
}

static void test_slots_closed_stamp_without_current_is_no_backend(void **state)
{
	struct sketch later = ack();

	(void)state;
	fill(0, A, 1, LB_STAMP_CLOSED);
	put(fixture_record(A, LB_CLASS_ESTABLISHED, 0));

	EXPECT_REASON(&later, LB_NO_BACKEND);
	later.sport++;
	EXPECT_REASON(&later, LB_NO_BACKEND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST_DSR(test_slots_1_settled_packet_writes_nothing),
		TEST_DSR(test_slots_1_settled_without_backend_drops_until_one_returns),
		TEST_DSR_TCP(test_slots_2_syn_of_warm_up_keeps_its_backend),
		TEST_DSR_TCP(test_slots_3_syn_of_a_move_keeps_its_backend_in_the_next),
		TEST_DSR_TCP(test_slots_3_going_back_to_the_origin_keeps_its_connections),
		TEST_DSR_TCP(test_slots_4_unrecorded_ack_goes_to_origin),
		TEST_DSR_TCP(test_slots_4_stamp_within_g_is_not_written_again),
		TEST_DSR_TCP(test_slots_4_packets_to_current_leave_the_stamp),
		TEST_DSR_TCP(test_slots_4_only_its_own_stamp_is_written),
		TEST_DSR_TCP(test_slots_5_syn_without_room_goes_to_origin),
		TEST_DSR_TCP(test_slots_5_syn_takes_the_place_of_an_old_half_open),
		TEST_DSR_TCP(test_slots_5_no_room_and_no_origin_is_dropped),
		TEST_DSR_TCP(test_slots_7_last_use_in_the_near_future_is_followed),
		TEST_DSR_TCP(test_slots_7_record_aged_tr_is_followed),
		TEST_DSR_TCP(test_slots_7_older_record_is_none_for_an_ack),
		TEST_DSR_TCP(test_slots_7_older_record_is_replaced_by_a_syn),
		TEST_DSR_TCP(test_slots_7_half_the_clock_away_is_none),
		TEST_DSR_TCP(test_slots_8_fin_closes_and_data_still_follows),
		TEST_DSR_TCP(test_slots_8_data_long_after_a_fin_reopens),
		TEST_DSR_TCP(test_slots_8_syn_ack_does_not_reopen),
		TEST_DSR_TCP(test_slots_8_syn_soon_after_a_close_follows),
		TEST_DSR_TCP(test_slots_8_syn_long_after_a_close_is_new),
		TEST_DSR_TCP(test_slots_8_syn_leaves_an_established_one_established),
		TEST_DSR_TCP(test_slots_9_record_of_an_earlier_life_is_none),
		TEST_DSR_TCP(test_slots_9_record_of_a_dead_backend_is_none),
		TEST_DSR_TCP(test_slots_9_every_bit_of_the_generation_counts),
		TEST_DSR_TCP(test_slots_10_closed_stamp_sends_to_current),
		TEST_DSR_TCP(test_slots_10_closed_stamp_sends_recorded_to_current),
		TEST_DSR_UDP(test_slots_10_closed_stamp_drops_udp),
		TEST_DSR_UDP(test_slots_11_udp_is_recorded_before_it_moves),
		TEST_DSR_UDP(test_slots_11_udp_without_room_is_stamped),
		TEST_DSR_UDP(test_slots_11_udp_at_current_is_not_stamped),
		TEST_DSR_UDP(test_slots_11_udp_older_than_h_is_kept),
		TEST_DSR_TCP(test_slots_12_only_a_plain_syn_is_one),
		TEST_DSR_TCP(test_slots_12_a_syn_with_other_bits_is_one),
		TEST_DSR_TCP(test_slots_13_syn_with_the_tuple_of_an_origins_connection_goes_there),
		TEST_DSR_TCP(test_slots_13_acks_leave_a_record_unverified),
		TEST_DSR_TCP(test_slots_14_busy_entry_is_neither_followed_nor_taken),
		TEST_DSR_TCP(test_slots_14_busy_entries_of_others_are_no_room),
		TEST_DSR_TCP(test_slots_14_every_bit_of_the_key_counts),
		TEST_DSR_TCP(test_slots_14_freed_entry_is_no_hit),
		TEST_DSR_TCP(test_slots_18_record_is_rewritten_when_older_than_g),
		TEST_DSR_TCP(test_slots_failed_origin_gets_no_record),
		TEST_DSR_TCP(test_slots_failed_current_gets_no_record),
		TEST_DSR_TCP(test_slots_failed_origin_sends_its_connections_to_the_heir),
		TEST_DSR_TCP(test_slots_drained_origin_keeps_its_connections),
		TEST_DSR_TCP(test_slots_no_heir_drops_newcomers_before_any_insert),
		TEST_DSR_TCP(test_slots_no_heir_and_no_origin_follows_records_alone),
		TEST_DSR_UDP(test_slots_no_heir_udp_follows_records_alone),
		TEST_DSR_TCP(test_slots_closed_stamp_without_current_is_no_backend),
	};

	return cmocka_run_group_tests_name("slot protocol", tests, fixture_open, fixture_close);
}
