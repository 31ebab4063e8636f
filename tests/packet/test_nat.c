/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracked services: who is recorded, who is refused, what a record lives through; and in nat
 * the hop by which replies go back. Root.
 */
#include "fixture.h"

#include <string.h>

#include <netinet/in.h>

#include <linux/bpf.h>

#include "lb.skel.h"

#define TYPE_8021Q  0x8100
#define TYPE_8021AD 0x88a8

static const struct variant tracked_tcp4 = { 4, IPPROTO_TCP, LB_FORWARD_DSR, LB_SVC_TRACKED };
static const struct variant tracked_tcp6 = { 6, IPPROTO_TCP, LB_FORWARD_DSR, LB_SVC_TRACKED };

static bool is_udp(void)
{
	return fx.variant.proto == IPPROTO_UDP;
}

static unsigned class_of_new(void)
{
	return is_udp() ? LB_CLASS_UDP : LB_CLASS_HALF_OPEN;
}

static unsigned class_of_live(void)
{
	return is_udp() ? LB_CLASS_UDP : LB_CLASS_ESTABLISHED;
}

static uint64_t record(void)
{
	const uint64_t *value_at = fixture_find(&client, CLIENT_PORT);

	assert_non_null(value_at);
	return *value_at;
}

/* The client's record without its hop. */
static void assert_record(uint16_t backend, unsigned class, uint32_t age)
{
	uint64_t hop = (uint64_t)LB_RECORD_HOP(record()) << 24;

	assert_int_equal(record() & ~(0xfffULL << 24), fixture_record(backend, class, age));
	if (fx.variant.forward != LB_FORWARD_NAT)
		assert_int_equal(hop, 0);
}

static void put(const struct host *web, unsigned class, uint32_t age)
{
	fixture_put(&client, CLIENT_PORT, fixture_record(fixture_id(web), class, age));
}

static struct sketch with_flags(struct sketch in, uint8_t flags)
{
	in.flags = flags;
	return in;
}

static void fill(uint16_t backend)
{
	fixture_fill(LB_SLOT(backend, backend, 0), LB_STAMP_CLOSED);
}

static void expect_returned(const struct sketch *in, const struct host *hop, int line)
{
	struct sketch out = sketch_returned(in, hop);
	struct expectation expected = { .verdict = XDP_TX, .backend = fx.web1, .is_reply = true };

	fixture_expect_sketch(in, &out, expected, __FILE__, line);
}

#define EXPECT_RETURNED(in, hop) expect_returned(in, &(hop), __LINE__)

/* Translated, its addresses of Ethernet left to the kernel. */
static void expect_routed(const struct sketch *in, int line)
{
	struct sketch out = sketch_returned(in, &router);
	struct expectation expected = { .reason = LB_REPLY_ROUTED };

	out.eth_dst = in->eth_dst;
	out.eth_src = in->eth_src;
	fixture_expect_sketch(in, &out, expected, __FILE__, line);
}

#define EXPECT_ROUTED(in) expect_routed(in, __LINE__)

/* ---- connections ------------------------------------------------------------------------ */

static void test_nat_first_packet_is_recorded(void **state)
{
	struct sketch first = fixture_syn();

	(void)state;
	EXPECT_SENT_NEW(&first, web1);
	assert_record(fx.web1, class_of_new(), 0);
	assert_int_equal(fixture_count(), 1);

	EXPECT_SENT(&first, web1); /* again: the same connection */
	assert_record(fx.web1, class_of_new(), 0);
	assert_int_equal(fixture_count(), 1);
}

static void test_nat_connection_is_established_by_the_clients_ack(void **state)
{
	struct sketch first = fixture_syn(), later = fixture_request(), reply = fixture_reply();

	(void)state;
	EXPECT_SENT_NEW(&first, web1);
	reply = with_flags(reply, TCP_SYN | TCP_ACK);
	EXPECT_RETURNED(&reply, router);
	assert_record(fx.web1, LB_CLASS_HALF_OPEN, 0);
	reply = with_flags(reply, TCP_ACK);
	EXPECT_RETURNED(&reply, router);
	assert_record(fx.web1, LB_CLASS_HALF_OPEN, 0);

	EXPECT_SENT(&later, web1);

	assert_record(fx.web1, LB_CLASS_ESTABLISHED, 0);
	EXPECT_RETURNED(&reply, router);
	assert_record(fx.web1, LB_CLASS_ESTABLISHED, 0);
}

static void test_nat_connection_stays_when_its_slot_goes_elsewhere(void **state)
{
	struct sketch first = fixture_syn(), later = fixture_request();

	(void)state;
	EXPECT_SENT_NEW(&first, web1);
	fill(fx.web2);

	EXPECT_SENT(&later, web1);
	first.sport++;
	EXPECT_SENT_NEW(&first, web2);

	fill(0); /* nobody takes newcomers */
	EXPECT_SENT(&later, web1);
	first.sport++;
	EXPECT_REASON(&first, LB_NO_BACKEND);
}

static void test_nat_other_than_a_first_packet_has_no_flow(void **state)
{
	static const uint8_t flags[] = { TCP_ACK,	    TCP_FIN | TCP_ACK, TCP_RST,
					 TCP_SYN | TCP_ACK, TCP_SYN | TCP_FIN, 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(flags); i++) {
		struct sketch in = with_flags(fixture_request(), flags[i]);

		EXPECT_REASON(&in, LB_NO_FLOW);
		assert_int_equal(fixture_count(), 0);
	}
}

static void test_nat_without_room_is_refused(void **state)
{
	struct sketch first = fixture_syn();

	(void)state;
	fixture_fill_sets(&client, CLIENT_PORT,
			  fixture_record(fx.web2, class_of_live(), FIXTURE_RECORD));
	fixture_remember();

	EXPECT_REASON(&first, LB_FLOWS_FULL);

	assert_true(fixture_has_same_flows());
}

static void test_nat_known_connection_needs_no_room(void **state)
{
	struct sketch later = fixture_request();

	(void)state;
	fixture_fill_sets(&client, CLIENT_PORT, fixture_record(fx.web2, class_of_live(), 0));
	*fixture_value_at(&client, CLIENT_PORT, 0, 0) = 0;
	put(&web1, class_of_live(), 0);

	EXPECT_SENT(&later, web1);
}

static void test_nat_old_half_open_gives_way(void **state)
{
	struct sketch first = fixture_syn();
	uint64_t *old;

	(void)state;
	fixture_fill_sets(&client, CLIENT_PORT, fixture_record(fx.web2, class_of_live(), 0));
	old = fixture_value_at(&client, CLIENT_PORT, 1, 3);
	*old = fixture_record(fx.web2, LB_CLASS_HALF_OPEN, FIXTURE_HANDSHAKE + 1);

	EXPECT_SENT_NEW(&first, web1);

	assert_ptr_equal(fixture_find(&client, CLIENT_PORT), old);
}

/* The slots are about to be written: nobody is sent to a dead backend. */
static void test_nat_dead_backend_gets_no_newcomer(void **state)
{
	struct sketch first = fixture_syn();

	(void)state;
	fixture_kill(fx.web1);

	EXPECT_REASON(&first, LB_CONTENDED);

	assert_int_equal(fixture_count(), 0);
	fill(fx.web2);
	EXPECT_SENT_NEW(&first, web2);
}

static void test_nat_record_dies_with_its_backend(void **state)
{
	struct sketch first = fixture_syn(), later = fixture_request(), reply = fixture_reply();

	(void)state;
	put(&web1, class_of_live(), 0);
	fixture_kill(fx.web1);
	fill(fx.web2);
	EXPECT_REASON(&reply, LB_NO_REPLY_FLOW);
	if (!is_udp())
		EXPECT_REASON(&later, LB_NO_FLOW);

	fixture_revive(fx.web1); /* another life: still none */
	EXPECT_REASON(&reply, LB_NO_REPLY_FLOW);
	if (!is_udp())
		EXPECT_REASON(&later, LB_NO_FLOW);
	EXPECT_SENT_NEW(&first, web2);
	assert_record(fx.web2, class_of_new(), 0);
	assert_int_equal(fixture_count(), 1);
}

static void test_nat_record_expires(void **state)
{
	struct sketch later = fixture_request(), reply = fixture_reply();

	(void)state;
	put(&web1, class_of_live(), FIXTURE_RECORD);
	EXPECT_SENT(&later, web1);
	assert_record(fx.web1, class_of_live(), 0);

	*fixture_find(&client, CLIENT_PORT) =
		fixture_record(fx.web1, class_of_live(), FIXTURE_RECORD + 1);
	EXPECT_REASON(&reply, LB_NO_REPLY_FLOW);
	if (is_udp())
		EXPECT_SENT_NEW(&later, web1);
	else
		EXPECT_REASON(&later, LB_NO_FLOW);
}

static void test_nat_record_is_rewritten_when_older_than_g(void **state)
{
	struct sketch first = fixture_syn(), later = fixture_request(), reply = fixture_reply();
	uint64_t *value_at, fresh;

	(void)state;
	EXPECT_SENT_NEW(&first, web1);
	EXPECT_SENT(&later, web1);
	value_at = fixture_find(&client, CLIENT_PORT);
	fresh = *value_at;

	*value_at = fresh - fx.grain;
	EXPECT_SENT(&later, web1);
	EXPECT_RETURNED(&reply, router);
	assert_int_equal(*value_at, fresh - fx.grain);

	*value_at = fresh - fx.grain - 1;
	EXPECT_SENT(&later, web1);
	assert_int_equal(*value_at, fresh);
	*value_at = fresh - fx.grain - 1;
	EXPECT_RETURNED(&reply, router);
	assert_int_equal(*value_at, fresh);
}

static void test_nat_syn_reuses_a_tuple_long_closed(void **state)
{
	struct sketch first = fixture_syn();

	(void)state;
	put(&web1, LB_CLASS_CLOSED, FIXTURE_HANDSHAKE);
	fill(fx.web2);
	EXPECT_SENT(&first, web1);
	assert_record(fx.web1, LB_CLASS_HALF_OPEN, 0);

	*fixture_find(&client, CLIENT_PORT) =
		fixture_record(fx.web1, LB_CLASS_CLOSED, FIXTURE_HANDSHAKE + 1);
	EXPECT_SENT_NEW(&first, web2);
	assert_record(fx.web2, LB_CLASS_HALF_OPEN, 0);
	assert_int_equal(fixture_count(), 1);
}

/* Where a record with another key lies in the client's own entry. */
static void test_nat_every_bit_of_the_key_counts(void **state)
{
	unsigned words = fx.variant.family == 6 ? 4 : 2;
	struct sketch later = fixture_request(), reply = fixture_reply();

	(void)state;
	fill(fx.web2);
	put(&web1, class_of_live(), 0);
	EXPECT_SENT(&later, web1); /* has a hop now, and needs no writing */
	for (unsigned bit = 0; bit < 64 * (words - 1); bit++) {
		uint64_t *value_at = fixture_find(&client, CLIENT_PORT);
		uint64_t *key = value_at - (words - 1);

		key[bit / 64] ^= 1ULL << bit % 64;

		EXPECT_REASON(&reply, LB_NO_REPLY_FLOW);
		if (is_udp()) {
			EXPECT_SENT_NEW(&later, web2);
			*fixture_find(&client, CLIENT_PORT) = 0; /* of its own, beside it */
		} else {
			EXPECT_REASON(&later, LB_NO_FLOW);
		}
		key[bit / 64] ^= 1ULL << bit % 64;
	}
}

static void test_nat_stamps_are_left_alone(void **state)
{
	struct sketch first = fixture_syn(), later = fixture_request();

	(void)state;
	fixture_fill(LB_SLOT(fx.web2, fx.web2, 0), fx.now - fx.grain - 1);
	put(&web1, class_of_live(), 0);
	EXPECT_SENT(&later, web1);
	first.sport++;
	EXPECT_SENT_NEW(&first, web2);

	assert_int_equal(fx.stamps[fixture_slot(&client, CLIENT_PORT)], fx.now - fx.grain - 1);
	assert_int_equal(fx.stamps[fixture_slot(&client, CLIENT_PORT + 1)], fx.now - fx.grain - 1);
}

/* ---- replies ------------------------------------------------------------------------------- */

static void test_nat_reply_without_record_passes(void **state)
{
	struct sketch in = fixture_reply();

	(void)state;
	fixture_remember();
	EXPECT_REASON(&in, LB_NO_REPLY_FLOW);
	in = with_flags(in, TCP_SYN | TCP_ACK);
	EXPECT_REASON(&in, LB_NO_REPLY_FLOW);
	in = with_flags(in, TCP_RST);
	EXPECT_REASON(&in, LB_NO_REPLY_FLOW);
	assert_true(fixture_is_same());
}

static void test_nat_reply_of_another_backend_passes(void **state)
{
	struct sketch in = fixture_reply();

	(void)state;
	put(&web2, class_of_live(), 0);
	fixture_remember();
	EXPECT_REASON(&in, LB_NO_REPLY_FLOW);
	in = with_flags(in, TCP_RST);
	EXPECT_REASON(&in, LB_NO_REPLY_FLOW);
	assert_true(fixture_is_same());
}

/* What a backend sends from other ports, or to others, is its own affair. */
static void test_nat_other_packets_of_a_backend_pass(void **state)
{
	struct sketch in = fixture_reply();

	(void)state;
	put(&web1, class_of_live(), 0);
	in.sport++;
	EXPECT_REASON(&in, LB_NOT_SERVICE);
	in = fixture_reply();
	in.dport++;
	EXPECT_REASON(&in, LB_NO_REPLY_FLOW);
	in = fixture_reply();
	in.dst = *host_ip(&other_client, fx.variant.family);
	EXPECT_REASON(&in, LB_NO_REPLY_FLOW);
}

static void test_nat_reply_with_fin_or_rst_closes(void **state)
{
	static const uint8_t flags[] = { TCP_FIN | TCP_ACK, TCP_RST, TCP_RST | TCP_ACK };
	struct sketch first = fixture_syn(), later = fixture_request(), reply;

	(void)state;
	EXPECT_SENT_NEW(&first, web1);
	for (size_t i = 0; i < sizeof(flags); i++) {
		*fixture_find(&client, CLIENT_PORT) |= (uint64_t)7 << 36;
		*fixture_find(&client, CLIENT_PORT) ^= (uint64_t)(7 ^ LB_CLASS_ESTABLISHED) << 36;
		reply = with_flags(fixture_reply(), flags[i]);

		EXPECT_RETURNED(&reply, router);
		assert_record(fx.web1, LB_CLASS_CLOSED, 0);
		EXPECT_SENT(&later, web1);
		assert_record(fx.web1, LB_CLASS_CLOSED, 0);
		reply = fixture_reply();
		EXPECT_RETURNED(&reply, router);
		assert_record(fx.web1, LB_CLASS_CLOSED, 0);
	}
}

static void test_nat_reply_long_after_a_fin_reopens(void **state)
{
	struct sketch first = fixture_syn(), reply = fixture_reply();
	uint64_t *value_at;

	(void)state;
	EXPECT_SENT_NEW(&first, web1);
	value_at = fixture_find(&client, CLIENT_PORT);
	*value_at = LB_RECORD(fx.web1, 0, LB_CLASS_CLOSED, LB_RECORD_HOP(*value_at),
			      fx.now - fx.grain - 1);

	EXPECT_RETURNED(&reply, router);

	assert_record(fx.web1, LB_CLASS_ESTABLISHED, 0);
}

static void test_nat_reply_with_options_is_translated(void **state)
{
	struct sketch first = fixture_syn(), reply = fixture_reply();

	(void)state;
	EXPECT_SENT_NEW(&first, web1);
	reply.options = 40;
	reply.tcp_options = 12;
	reply.extension_count = 2;
	reply.extensions[0] = (struct frame_extension) { IPPROTO_HOPOPTS, 0 };
	reply.extensions[1] = (struct frame_extension) { IPPROTO_DSTOPTS, 3 };
	EXPECT_RETURNED(&reply, router);
}

/* ---- hops ------------------------------------------------------------------------------------ */

static const struct lb_hop *hop_of_record(void)
{
	return &fx.tables->lb_hops[LB_RECORD_HOP(record())];
}

static unsigned hop_count(void)
{
	unsigned count = 0;

	for (unsigned i = 0; i < LB_MAX_HOPS; i++)
		count += fx.tables->lb_hops[i].id_if != 0;
	return count;
}

static void test_nat_hop_is_where_the_request_came_from(void **state)
{
	struct sketch first = fixture_syn();
	const struct lb_hop *hop;

	(void)state;
	sketch_tag(&first, TYPE_8021AD, 0x3065);
	sketch_tag(&first, TYPE_8021Q, 0xb066);
	EXPECT_SENT_NEW(&first, web1);

	hop = hop_of_record();
	assert_int_not_equal(LB_RECORD_HOP(record()), 0);
	assert_memory_equal(hop->mac, router.mac, 6);
	assert_memory_equal(hop->our_mac, gateway.mac, 6);
	assert_int_equal(hop->vlan, 0x6500); /* network order, ids alone */
	assert_int_equal(hop->inner_vlan, 0x6600);
	assert_int_equal(hop->ifindex, FIXTURE_LO);
	assert_int_equal(hop->state, LB_HOP_READY);
	assert_int_equal(hop_count(), 1);
}

static void test_nat_clients_of_one_router_share_a_hop(void **state)
{
	struct sketch first = fixture_syn();

	(void)state;
	for (unsigned i = 0; i < 50; i++) {
		first.sport++;
		EXPECT_SENT_NEW(&first, web1);
	}
	assert_int_equal(hop_count(), 1);
}

static void test_nat_change_of_hop_is_followed(void **state)
{
	struct sketch first = fixture_syn(), later = fixture_request(), reply = fixture_reply();

	(void)state;
	EXPECT_SENT_NEW(&first, web1);
	EXPECT_SENT(&later, web1);
	EXPECT_RETURNED(&reply, router);

	later.eth_src = other_router.mac; /* a router took over from another */
	EXPECT_SENT(&later, web1);

	EXPECT_RETURNED(&reply, other_router);
	assert_record(fx.web1, class_of_live(), 0);
	assert_int_equal(hop_count(), 2);

	later.eth_src = router.mac;
	EXPECT_SENT(&later, web1);
	EXPECT_RETURNED(&reply, router);
	assert_int_equal(hop_count(), 2);
}

static void test_nat_change_of_interface_is_followed(void **state)
{
	struct sketch later = fixture_request(), out, reply = fixture_reply(), returned;
	struct expectation expected = { .verdict = XDP_REDIRECT, .backend = fx.web1 };
	struct frame frame, wanted;

	(void)state;
	dataplane_set_hop(fx.dp, fx.web1, fx.far2, web1.mac, gateway.mac);
	put(&web1, class_of_live(), 0);
	out = sketch_sent(&later, &web1);
	frame_draw(&later, &frame);
	frame_draw(&out, &wanted);
	expected.frame = &wanted;

	fixture_expect(&frame, fx.far, &expected, __FILE__, __LINE__);

	returned = sketch_returned(&reply, &router);
	EXPECT(&reply, &returned, .verdict = XDP_REDIRECT, .backend = fx.web1, .is_reply = true);
	assert_int_equal(hop_of_record()->ifindex, fx.far);
}

static void test_nat_change_of_tags_is_followed(void **state)
{
	struct sketch later = fixture_request(), reply = fixture_reply();

	(void)state;
	put(&web1, class_of_live(), 0);
	sketch_tag(&later, TYPE_8021Q, 100);
	sketch_tag(&reply, TYPE_8021Q, 100);
	EXPECT_SENT(&later, web1);
	EXPECT_RETURNED(&reply, router);

	later.tags[0].tci = reply.tags[0].tci = 101;
	EXPECT_ROUTED(&reply); /* not there yet: tags are not rewritten */
	EXPECT_SENT(&later, web1);
	EXPECT_RETURNED(&reply, router);
	assert_int_equal(hop_count(), 2);

	sketch_tag(&reply, TYPE_8021Q, 7);
	EXPECT_ROUTED(&reply);
}

static void test_nat_priority_bits_are_no_other_hop(void **state)
{
	struct sketch later = fixture_request();

	(void)state;
	put(&web1, class_of_live(), 0);
	sketch_tag(&later, TYPE_8021Q, 100);
	EXPECT_SENT(&later, web1);
	later.tags[0].tci = 100 | 0xe000;
	EXPECT_SENT(&later, web1);
	assert_int_equal(hop_count(), 1);
}

/* Everywhere in the table, hops of others. */
static void fill_hops(uint16_t state)
{
	for (unsigned i = 0; i < LB_MAX_HOPS; i++) {
		fx.tables->lb_hops[i] = (struct lb_hop) { .ifindex = 7, .state = state };
		fx.tables->lb_hops[i].mac[4] = (uint8_t)(i >> 8);
		fx.tables->lb_hops[i].mac[5] = (uint8_t)i;
	}
}

static void test_nat_full_hop_table_leaves_replies_to_the_kernel(void **state)
{
	struct sketch first = fixture_syn(), later = fixture_request(), reply = fixture_reply();

	(void)state;
	fill_hops(LB_HOP_READY);
	EXPECT_SENT_NEW(&first, web1);
	EXPECT_SENT(&later, web1);
	assert_int_equal(LB_RECORD_HOP(record()), 0);
	EXPECT_ROUTED(&reply);

	memset(fx.tables->lb_hops, 0, sizeof(fx.tables->lb_hops)); /* room again */
	EXPECT_SENT(&later, web1);
	EXPECT_RETURNED(&reply, router);
}

static void test_nat_hops_in_the_making_are_not_taken(void **state)
{
	struct sketch first = fixture_syn();

	(void)state;
	for (unsigned i = 0; i < LB_MAX_HOPS; i++)
		fx.tables->lb_hops[i].id_if = (uint64_t)LB_HOP_BUSY << 48;
	EXPECT_SENT_NEW(&first, web1);
	assert_int_equal(LB_RECORD_HOP(record()), 0);
	for (unsigned i = 0; i < LB_MAX_HOPS; i++)
		assert_int_equal(fx.tables->lb_hops[i].id_if, (uint64_t)LB_HOP_BUSY << 48);
}

static void test_nat_retired_hop_is_found_by_nobody_new(void **state)
{
	static struct dataplane_flows flows;
	struct sketch first = fixture_syn(), reply = fixture_reply();
	unsigned old, next;

	(void)state;
	EXPECT_SENT_NEW(&first, web1);
	old = LB_RECORD_HOP(record());
	*fixture_find(&client, CLIENT_PORT) = 0;
	dataplane_sweep(fx.dp, &flows);
	assert_int_equal(fx.tables->lb_hops[old].state, LB_HOP_RETIRED);

	EXPECT_SENT_NEW(&first, web1);

	next = LB_RECORD_HOP(record());
	assert_int_not_equal(next, old);
	assert_int_not_equal(next, 0);
	EXPECT_RETURNED(&reply, router);
}

/* A record that was made while its hop was being retired still leads there. */
static void test_nat_record_of_a_retired_hop_is_followed(void **state)
{
	struct sketch first = fixture_syn(), reply = fixture_reply();

	(void)state;
	EXPECT_SENT_NEW(&first, web1);
	fx.tables->lb_hops[LB_RECORD_HOP(record())].state = LB_HOP_RETIRED;

	EXPECT_RETURNED(&reply, router);
}

/* Index 0 says "none": a hop whose search begins there takes another. */
static void test_nat_hop_zero_is_never_given(void **state)
{
	struct sketch first = fixture_syn(), reply = fixture_reply();
	static struct host from;
	uint64_t interface = FIXTURE_LO | (uint64_t)LB_HOP_READY << 48, mac = 0;

	(void)state;
	from = router;
	for (unsigned i = 0; i < 1 << 20; i++) {
		memcpy(&from.mac[3], &i, 3);
		mac = 0;
		memcpy(&mac, from.mac, 6);
		if (!(lb_mix(mac ^ (interface << 8)) % LB_MAX_HOPS))
			break;
	}
	assert_int_equal(lb_mix(mac ^ (interface << 8)) % LB_MAX_HOPS, 0);
	first.eth_src = from.mac;
	EXPECT_SENT_NEW(&first, web1);

	assert_int_equal(LB_RECORD_HOP(record()), 1);
	EXPECT_RETURNED(&reply, from);
}

static void test_nat_reply_to_a_foreign_interface_is_no_egress(void **state)
{
	struct sketch first = fixture_syn(), reply = fixture_reply();

	(void)state;
	EXPECT_SENT_NEW(&first, web1);
	fx.tables->lb_hops[LB_RECORD_HOP(record())].ifindex = fx.alien;

	EXPECT_REASON(&reply, LB_NO_EGRESS);
}

#define TRACKED(test)                                                                              \
	TEST_NAT(test), TEST_FOR(test, "dsr_ipv4", tracked_tcp4),                                  \
		TEST_FOR(test, "dsr_ipv6", tracked_tcp6)
#define TRACKED_TCP(test)                                                                          \
	TEST_NAT_TCP(test), TEST_FOR(test, "dsr_ipv4", tracked_tcp4),                              \
		TEST_FOR(test, "dsr_ipv6", tracked_tcp6)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TRACKED(test_nat_first_packet_is_recorded),
		TEST_NAT_TCP(test_nat_connection_is_established_by_the_clients_ack),
		TRACKED(test_nat_connection_stays_when_its_slot_goes_elsewhere),
		TRACKED_TCP(test_nat_other_than_a_first_packet_has_no_flow),
		TRACKED(test_nat_without_room_is_refused),
		TRACKED(test_nat_known_connection_needs_no_room),
		TRACKED_TCP(test_nat_old_half_open_gives_way),
		TRACKED(test_nat_dead_backend_gets_no_newcomer),
		TEST_NAT(test_nat_record_dies_with_its_backend),
		TEST_NAT(test_nat_record_expires),
		TEST_NAT(test_nat_record_is_rewritten_when_older_than_g),
		TRACKED_TCP(test_nat_syn_reuses_a_tuple_long_closed),
		TEST_NAT(test_nat_every_bit_of_the_key_counts),
		TRACKED(test_nat_stamps_are_left_alone),
		TEST_NAT(test_nat_reply_without_record_passes),
		TEST_NAT(test_nat_reply_of_another_backend_passes),
		TEST_NAT(test_nat_other_packets_of_a_backend_pass),
		TEST_NAT_TCP(test_nat_reply_with_fin_or_rst_closes),
		TEST_NAT_TCP(test_nat_reply_long_after_a_fin_reopens),
		TEST_NAT(test_nat_reply_with_options_is_translated),
		TEST_NAT(test_nat_hop_is_where_the_request_came_from),
		TEST_NAT(test_nat_clients_of_one_router_share_a_hop),
		TEST_NAT(test_nat_change_of_hop_is_followed),
		TEST_NAT(test_nat_change_of_interface_is_followed),
		TEST_NAT(test_nat_change_of_tags_is_followed),
		TEST_NAT(test_nat_priority_bits_are_no_other_hop),
		TEST_NAT(test_nat_full_hop_table_leaves_replies_to_the_kernel),
		TEST_NAT(test_nat_hops_in_the_making_are_not_taken),
		TEST_NAT(test_nat_retired_hop_is_found_by_nobody_new),
		TEST_NAT(test_nat_record_of_a_retired_hop_is_followed),
		TEST_NAT(test_nat_hop_zero_is_never_given),
		TEST_NAT(test_nat_reply_to_a_foreign_interface_is_no_egress),
	};

	return cmocka_run_group_tests_name("nat", tests, fixture_open, fixture_close);
}
