/* SPDX-License-Identifier: GPL-2.0-only */
/* Every protocol, family and mode, tagged or not, to the same interface and to another. Root. */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>

#include <netinet/in.h>

#include <linux/bpf.h>

#define TYPE_8021Q  0x8100
#define TYPE_8021AD 0x88a8
#define MAX_TAGS    2

/* Priority and drop bits beside the id: all of it must stay. */
static void add_tags(struct sketch *sketch, unsigned count)
{
	if (count == 1)
		sketch_tag(sketch, TYPE_8021Q, 0x7064);
	if (count == 2) {
		sketch_tag(sketch, TYPE_8021AD, 0x3065);
		sketch_tag(sketch, TYPE_8021Q, 0xb066);
	}
}

/* A connection known to nat, as its requests from @hop would have made it. */
static void put_connection(void)
{
	unsigned class = fx.variant.proto == IPPROTO_UDP ? LB_CLASS_UDP : LB_CLASS_ESTABLISHED;

	fixture_put(&client, CLIENT_PORT, fixture_record(fx.web1, class, 0));
}

static void set_hops(uint32_t ifindex)
{
	dataplane_set_hop(fx.dp, fx.web1, ifindex, web1.mac, gateway.mac);
}

/* ---- the matrix: requests and replies -------------------------------------------- */

static void test_forward_first_packet_goes_to_backend(void **state)
{
	bool is_counted = fx.variant.proto == IPPROTO_TCP || fx.variant.flags & LB_SVC_TRACKED;

	(void)state;
	for (unsigned tags = 0; tags <= MAX_TAGS; tags++) {
		struct sketch in = fixture_syn();

		in.sport = (uint16_t)(CLIENT_PORT + tags);
		add_tags(&in, tags);

		if (is_counted)
			EXPECT_SENT_NEW(&in, web1);
		else
			EXPECT_SENT(&in, web1);
	}
}

static void test_forward_established_goes_to_backend(void **state)
{
	(void)state;
	put_connection();
	for (unsigned tags = 0; tags <= MAX_TAGS; tags++) {
		struct sketch in = fixture_request();

		add_tags(&in, tags);

		EXPECT_SENT(&in, web1);
	}
}

static void test_forward_redirects_to_another_interface(void **state)
{
	struct sketch in = fixture_request(), out;

	(void)state;
	put_connection();
	set_hops(fx.far);
	out = sketch_sent(&in, &web1);

	EXPECT(&in, &out, .verdict = XDP_REDIRECT, .backend = fx.web1);
}

static void test_forward_sends_back_by_the_interface_it_came_from(void **state)
{
	struct sketch in = fixture_request(), out;
	struct frame frame, wanted;
	struct expectation expected = { .verdict = XDP_TX, .backend = fx.web1, .frame = &wanted };

	(void)state;
	put_connection();
	set_hops(fx.far);
	out = sketch_sent(&in, &web1);
	frame_draw(&in, &frame);
	frame_draw(&out, &wanted);

	fixture_expect(&frame, fx.far, &expected, __FILE__, __LINE__);
	expected.verdict = XDP_REDIRECT;
	fixture_expect(&frame, fx.far2, &expected, __FILE__, __LINE__);
}

static void test_forward_foreign_interface_is_no_egress(void **state)
{
	struct sketch in = fixture_request();

	(void)state;
	put_connection();
	set_hops(fx.alien);

	EXPECT_REASON(&in, LB_NO_EGRESS);
}

static void test_forward_unknown_neighbor_is_dropped(void **state)
{
	struct sketch in = fixture_request();

	(void)state;
	put_connection();
	set_hops(0);

	EXPECT_REASON(&in, LB_NO_NEIGHBOR);
}

static void test_forward_no_backend_is_dropped(void **state)
{
	struct sketch in = fixture_syn();

	(void)state;
	fixture_fill(LB_SLOT(0, 0, 0), LB_STAMP_CLOSED);

	EXPECT_REASON(&in, LB_NO_BACKEND);
}

static void test_forward_ttl_counts_down_and_expires(void **state)
{
	static const uint8_t ttls[] = { 2, 3, 64, 128, 255 };
	struct sketch in = fixture_request();

	(void)state;
	put_connection();
	for (size_t i = 0; i < sizeof(ttls); i++) {
		in.ttl = ttls[i];
		EXPECT_SENT(&in, web1);
	}
	for (in.ttl = 0; in.ttl <= 1; in.ttl++)
		EXPECT_REASON(&in, LB_TTL_EXPIRED);
}

/* Ethernet pads what is short; counters count frames, checksums leave the padding out. */
static void test_forward_padding_stays(void **state)
{
	struct sketch in = fixture_request();

	(void)state;
	put_connection();
	in.payload = 0;
	for (in.padding = 0; in.padding < 20; in.padding++)
		EXPECT_SENT(&in, web1);
}

static void test_forward_any_header_checksum_is_right(void **state)
{
	struct sketch in = fixture_request();

	(void)state;
	put_connection();
	srandom(6);
	for (unsigned i = 0; i < 2000; i++) {
		in.ip_id = (uint16_t)random();
		in.seed = (uint16_t)random();
		in.ttl = (uint8_t)(2 + random() % 254);
		in.payload = (unsigned)(random() % 64);

		EXPECT_SENT(&in, web1);
	}
}

/* Those that arithmetic in ones' complement is known to get wrong: at the ends of the ring. */
static void test_forward_every_header_checksum_is_right(void **state)
{
	struct sketch in = fixture_request();
	unsigned checked = 0;

	(void)state;
	put_connection();
	for (unsigned id = 0; id < 0x10000; id++) {
		struct frame frame;
		unsigned check;

		in.ip_id = (uint16_t)id;
		frame_draw(&in, &frame);
		check = (unsigned)frame.bytes[24] << 8 | frame.bytes[25];
		if (check > 0x200 && check < 0xfe00)
			continue;
		EXPECT_SENT(&in, web1);
		checked++;
	}
	assert_true(checked > 1000);
}

/* ---- replies ------------------------------------------------------------------------ */

/* The hop that a reply takes is learned from a request. */
static void learn_hop(const struct sketch *reply, uint32_t ingress, uint16_t port)
{
	struct sketch in = fixture_syn();
	struct frame frame;

	for (unsigned i = 0; i < reply->tag_count; i++)
		sketch_tag(&in, reply->tags[i].type, reply->tags[i].tci);
	in.sport = port;
	set_hops(ingress);
	frame_draw(&in, &frame);
	assert_int_equal(fixture_run(&frame, ingress).verdict, XDP_TX);
}

static void test_forward_reply_goes_to_client(void **state)
{
	(void)state;
	for (unsigned tags = 0; tags <= MAX_TAGS; tags++) {
		struct sketch in = fixture_reply(), out;

		in.dport = (uint16_t)(CLIENT_PORT + tags);
		add_tags(&in, tags);
		learn_hop(&in, FIXTURE_LO, in.dport);
		out = sketch_returned(&in, &router);

		EXPECT(&in, &out, .verdict = XDP_TX, .backend = fx.web1, .is_reply = true);
	}
}

static void test_forward_reply_redirects_to_the_clients_interface(void **state)
{
	struct sketch in = fixture_reply(), out = sketch_returned(&in, &router);

	(void)state;
	learn_hop(&in, fx.far, CLIENT_PORT);

	EXPECT(&in, &out, .verdict = XDP_REDIRECT, .backend = fx.web1, .is_reply = true);
}

static void test_forward_reply_ttl_expires(void **state)
{
	struct sketch in = fixture_reply(), out;

	(void)state;
	learn_hop(&in, FIXTURE_LO, CLIENT_PORT);
	in.ttl = 2;
	out = sketch_returned(&in, &router);
	EXPECT(&in, &out, .verdict = XDP_TX, .backend = fx.web1, .is_reply = true);

	for (in.ttl = 0; in.ttl <= 1; in.ttl++)
		EXPECT_REASON(&in, LB_TTL_EXPIRED);
}

static void test_forward_any_reply_checksum_is_right(void **state)
{
	struct sketch in = fixture_reply(), out;

	(void)state;
	learn_hop(&in, FIXTURE_LO, CLIENT_PORT);
	srandom(7);
	for (unsigned i = 0; i < 2000; i++) {
		in.ip_id = (uint16_t)random();
		in.seed = (uint16_t)random();
		in.ttl = (uint8_t)(2 + random() % 254);
		in.payload = (unsigned)(random() % 64);
		out = sketch_returned(&in, &router);

		EXPECT(&in, &out, .verdict = XDP_TX, .backend = fx.web1, .is_reply = true);
	}
}

/* ---- UDP checksums in nat -------------------------------------------------------------- */

static void test_forward_udp_without_checksum_stays_without(void **state)
{
	struct sketch in = fixture_request(), reply = fixture_reply(), out;

	(void)state;
	in.has_no_checksum = reply.has_no_checksum = true;
	out = sketch_returned(&reply, &router);

	EXPECT_SENT_NEW(&in, web1);
	EXPECT(&reply, &out, .verdict = XDP_TX, .backend = fx.web1, .is_reply = true);
}

static unsigned udp_check(const struct sketch *sketch)
{
	struct frame frame;
	size_t at = frame_l4(sketch) + 6;

	frame_draw(sketch, &frame);
	return (unsigned)frame.bytes[at] << 8 | frame.bytes[at + 1];
}

/* A translated checksum of 0 would say that there is none: 0xffff stands for it. */
static void test_forward_udp_checksum_zero_becomes_ffff(void **state)
{
	struct sketch in = fixture_request(), reply = fixture_reply(), out;
	unsigned seed;

	(void)state;
	put_connection();
	for (seed = 0; seed < 0x10000; seed++) {
		in.seed = (uint16_t)seed;
		out = sketch_sent(&in, &web1);
		if (udp_check(&out) == 0xffff)
			break;
	}
	assert_in_range(seed, 0, 0xffff);

	EXPECT_SENT(&in, web1);

	for (seed = 0; seed < 0x10000; seed++) {
		reply.seed = (uint16_t)seed;
		out = sketch_returned(&reply, &router);
		if (udp_check(&out) == 0xffff)
			break;
	}
	assert_in_range(seed, 0, 0xffff);

	EXPECT(&reply, &out, .verdict = XDP_TX, .backend = fx.web1, .is_reply = true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST_DSR(test_forward_first_packet_goes_to_backend),
		TEST_NAT(test_forward_first_packet_goes_to_backend),
		TEST_DSR(test_forward_established_goes_to_backend),
		TEST_NAT(test_forward_established_goes_to_backend),
		TEST_DSR(test_forward_redirects_to_another_interface),
		TEST_NAT(test_forward_redirects_to_another_interface),
		TEST_DSR(test_forward_sends_back_by_the_interface_it_came_from),
		TEST_NAT(test_forward_sends_back_by_the_interface_it_came_from),
		TEST_DSR(test_forward_foreign_interface_is_no_egress),
		TEST_NAT(test_forward_foreign_interface_is_no_egress),
		TEST_DSR(test_forward_unknown_neighbor_is_dropped),
		TEST_NAT(test_forward_unknown_neighbor_is_dropped),
		TEST_DSR(test_forward_no_backend_is_dropped),
		TEST_NAT(test_forward_no_backend_is_dropped),
		TEST_DSR(test_forward_ttl_counts_down_and_expires),
		TEST_NAT(test_forward_ttl_counts_down_and_expires),
		TEST_DSR(test_forward_padding_stays),
		TEST_NAT(test_forward_padding_stays),
		TEST_DSR(test_forward_any_header_checksum_is_right),
		TEST_NAT(test_forward_any_header_checksum_is_right),
		TEST_FOR(test_forward_every_header_checksum_is_right, "dsr", dsr_tcp4),
		TEST_FOR(test_forward_every_header_checksum_is_right, "nat", nat_tcp4),
		TEST_NAT(test_forward_reply_goes_to_client),
		TEST_NAT(test_forward_reply_redirects_to_the_clients_interface),
		TEST_NAT(test_forward_reply_ttl_expires),
		TEST_NAT(test_forward_any_reply_checksum_is_right),
		TEST_FOR(test_forward_udp_without_checksum_stays_without, "ipv4", nat_udp4),
		TEST_NAT_UDP(test_forward_udp_checksum_zero_becomes_ffff),
	};

	return cmocka_run_group_tests_name("forward", tests, fixture_open, fixture_close);
}
