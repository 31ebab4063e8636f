/* SPDX-License-Identifier: GPL-2.0-only */
/* What is not ours passes untouched; odd but right headers are forwarded; impossible ones not.
 * Root. */
#include "fixture.h"

#include <string.h>

#include <netinet/in.h>

#include <linux/bpf.h>

#define TYPE_8021Q  0x8100
#define TYPE_8021AD 0x88a8

#define ICMP6_NEIGHBOR_SOLICIT 135

static void put_connection(void)
{
	unsigned class = fx.variant.proto == IPPROTO_UDP ? LB_CLASS_UDP : LB_CLASS_ESTABLISHED;

	fixture_put(&client, CLIENT_PORT, fixture_record(fx.web1, class, 0));
}

static void put16(struct frame *frame, size_t at, unsigned word)
{
	frame->bytes[at] = (unsigned char)(word >> 8);
	frame->bytes[at + 1] = (unsigned char)word;
}

/* ---- Ethernet ------------------------------------------------------------------- */

static void test_headers_other_ethertypes_pass(void **state)
{
	/* ARP, LLDP, MPLS, PPPoE, loopback, LACP, an 802.3 length, another tag, IPX */
	static const uint16_t types[] = { 0x0806, 0x88cc, 0x8847, 0x8864, 0x9000,
					  0x8809, 0x0040, 0x9100, 0x8137 };
	struct sketch in = fixture_request();
	struct frame frame;

	(void)state;
	frame_draw(&in, &frame);
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		put16(&frame, 12, types[i]);
		EXPECT_FRAME(&frame, .reason = LB_NOT_IP);
	}
}

static void test_headers_group_destinations_pass(void **state)
{
	static const uint8_t groups[][6] = { { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff },
					     { 0x01, 0x00, 0x5e, 0, 0, 1 },
					     { 0x33, 0x33, 0xff, 0, 0, 0x0a },
					     { 0x01, 0x80, 0xc2, 0, 0, 0x0e } };
	struct sketch in = fixture_request();

	(void)state;
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		in.eth_dst = groups[i];
		EXPECT_REASON(&in, LB_NOT_IP);
	}
}

static void test_headers_tags_beyond_two_pass(void **state)
{
	struct sketch in = fixture_request();

	(void)state;
	for (unsigned i = 0; i < 3; i++)
		sketch_tag(&in, TYPE_8021Q, 100);
	EXPECT_REASON(&in, LB_NOT_IP);
}

static void test_headers_service_tag_inside_passes(void **state)
{
	struct sketch in = fixture_request();

	(void)state;
	sketch_tag(&in, TYPE_8021Q, 100);
	sketch_tag(&in, TYPE_8021AD, 200);
	EXPECT_REASON(&in, LB_NOT_IP);
}

static void test_headers_family_other_than_ethertype_passes(void **state)
{
	struct sketch in = fixture_request();
	struct frame frame;

	(void)state;
	frame_draw(&in, &frame);
	put16(&frame, 12, fx.variant.family == 4 ? 0x86dd : 0x0800);

	EXPECT_FRAME(&frame, .reason = LB_UNPARSED);
}

/* ---- IP: not ours ----------------------------------------------------------------- */

static void test_headers_other_addresses_pass(void **state)
{
	struct sketch in = fixture_request();

	(void)state;
	in.dst = *host_ip(&stranger, fx.variant.family);
	EXPECT_REASON(&in, LB_NOT_SERVICE);
	in.dst = *host_ip(&gateway, fx.variant.family);
	EXPECT_REASON(&in, LB_NOT_SERVICE);
	in.dst = *host_ip(&web1, fx.variant.family);
	EXPECT_REASON(&in, LB_NOT_SERVICE);
}

static void test_headers_every_bit_of_the_key_counts(void **state)
{
	unsigned first = fx.variant.family == 4 ? 96 : 0;

	(void)state;
	for (unsigned bit = first; bit < 128; bit++) {
		struct sketch in = fixture_request();

		in.dst.bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
		EXPECT_REASON(&in, LB_NOT_SERVICE);
	}
	for (unsigned bit = 0; bit < 16; bit++) {
		struct sketch in = fixture_request();

		in.dport ^= (uint16_t)(1 << bit);
		EXPECT_REASON(&in, LB_NOT_SERVICE);
	}
}

static void test_headers_other_protocols_to_a_vip_pass(void **state)
{
	/* IGMP, IPIP, GRE, ESP, AH, OSPF, SCTP, UDP-Lite */
	static const uint8_t protocols[] = { 2, 4, 47, 50, 51, 89, 132, 136 };
	struct sketch in = fixture_request();

	(void)state;
	for (size_t i = 0; i < sizeof(protocols); i++) {
		in.proto = protocols[i];
		EXPECT_REASON(&in, LB_NOT_SERVICE);
	}
}

/* ::ffff:198.51.100.10 in an IPv6 packet is not the IPv4 VIP. */
static void test_headers_mapped_address_is_not_the_vip(void **state)
{
	struct sketch in;

	(void)state;
	fixture_use(&dsr_tcp4);
	fixture_use(&dsr_tcp6);
	in = fixture_request();
	in.dst = vip.ip4;

	EXPECT_REASON(&in, LB_NOT_SERVICE);
}

static void test_headers_neighbor_discovery_passes(void **state)
{
	struct sketch in;

	(void)state;
	fixture_use(&dsr_tcp6);
	in = fixture_request();
	in.proto = IPPROTO_ICMPV6;
	in.icmp_type = ICMP6_NEIGHBOR_SOLICIT;
	in.ttl = 255;

	EXPECT_REASON(&in, LB_NOT_SERVICE);
}

/* ---- IPv4 options, IPv6 extension headers ------------------------------------------- */

static void test_headers_ip_options_are_forwarded(void **state)
{
	struct sketch in = fixture_request();

	(void)state;
	put_connection();
	for (in.options = 4; in.options <= 40; in.options += 4)
		EXPECT_SENT(&in, web1);
}

static void test_headers_ip_options_of_a_tagged_packet_are_forwarded(void **state)
{
	struct sketch in = fixture_request();

	(void)state;
	put_connection();
	sketch_tag(&in, TYPE_8021AD, 100);
	sketch_tag(&in, TYPE_8021Q, 200);
	in.options = 40;

	EXPECT_SENT(&in, web1);
}

static void test_headers_tcp_options_are_forwarded(void **state)
{
	struct sketch in = fixture_request();

	(void)state;
	put_connection();
	for (in.tcp_options = 4; in.tcp_options <= 40; in.tcp_options += 4)
		EXPECT_SENT(&in, web1);
}

static void test_headers_one_extension_is_forwarded(void **state)
{
	static const uint8_t types[] = { IPPROTO_HOPOPTS, IPPROTO_DSTOPTS, IPPROTO_ROUTING };
	struct sketch in = fixture_request();

	(void)state;
	put_connection();
	in.extension_count = 1;
	for (size_t i = 0; i < sizeof(types); i++) {
		for (uint8_t units = 0; units < 20; units++) {
			in.extensions[0] = (struct frame_extension) { types[i], units };
			EXPECT_SENT(&in, web1);
		}
	}
}

static void test_headers_extension_chains_are_forwarded_up_to_a_limit(void **state)
{
	static const uint8_t types[] = { IPPROTO_HOPOPTS, IPPROTO_DSTOPTS, IPPROTO_ROUTING };
	struct sketch in = fixture_request();

	(void)state;
	put_connection();
	for (unsigned i = 0; i < FRAME_MAX_EXTENDED; i++)
		in.extensions[i] = (struct frame_extension) { types[i % 3], i % 2 };
	for (in.extension_count = 1; in.extension_count < 8; in.extension_count++)
		EXPECT_SENT(&in, web1);
	for (in.extension_count = 9; in.extension_count <= 12; in.extension_count++)
		EXPECT_REASON(&in, LB_UNPARSED);
}

/* Further into the packet than any sane header: passed, not guessed at. */
static void test_headers_extensions_too_long_pass(void **state)
{
	struct sketch in = fixture_request();

	(void)state;
	put_connection();
	in.extension_count = 1;
	in.extensions[0] = (struct frame_extension) { IPPROTO_DSTOPTS, 120 };
	EXPECT_SENT(&in, web1); /* to byte 1022 */

	in.extensions[0].units = 121;
	EXPECT_REASON(&in, LB_UNPARSED);
	in.extensions[0].units = 160;
	EXPECT_REASON(&in, LB_UNPARSED);
	in.extension_count = 2;
	in.extensions[1] = (struct frame_extension) { IPPROTO_DSTOPTS, 60 };
	in.extensions[0].units = 70;
	EXPECT_REASON(&in, LB_UNPARSED);
}

static void test_headers_other_extensions_pass(void **state)
{
	/* ESP, AH, no next header, mobility, HIP, shim6 */
	static const uint8_t types[] = { 50, 51, 59, 135, 139, 140 };
	struct sketch in = fixture_request();

	(void)state;
	put_connection();
	in.extension_count = 1;
	for (size_t i = 0; i < sizeof(types); i++) {
		in.extensions[0] = (struct frame_extension) { types[i], 0 };
		EXPECT_REASON(&in, LB_NOT_SERVICE);
	}
}

/* ---- fragments ------------------------------------------------------------------------ */

#define FIRST  IP_MORE_FRAGMENTS
#define MIDDLE (IP_MORE_FRAGMENTS | 185)
#define LAST   370

static const uint16_t fragments4[] = { FIRST, MIDDLE, LAST, FIRST | IP_DO_NOT_FRAGMENT };

static void test_headers_fragments_to_a_vip_are_dropped(void **state)
{
	struct sketch in = fixture_request();

	(void)state;
	put_connection();
	for (size_t i = 0; i < sizeof(fragments4) / sizeof(fragments4[0]); i++) {
		in.fragment = fragments4[i];
		in.is_fragment6 = true; /* the header's offset is in the upper 13 bits */
		in.fragment6 = (uint16_t)((fragments4[i] & 0x1fff) << 3 |
					  !!(fragments4[i] & IP_MORE_FRAGMENTS));
		EXPECT_REASON(&in, LB_FRAGMENT);
		in.dport = 9999; /* only a first fragment has ports at all */
		EXPECT_REASON(&in, LB_FRAGMENT);
		in.dport = VIP_PORT;
	}
}

static void test_headers_fragments_behind_extensions_are_dropped(void **state)
{
	struct sketch in = fixture_request();

	(void)state;
	put_connection();
	in.extension_count = 2;
	in.extensions[0] = (struct frame_extension) { IPPROTO_HOPOPTS, 0 };
	in.extensions[1] = (struct frame_extension) { IPPROTO_DSTOPTS, 1 };
	in.is_fragment6 = true;
	for (in.fragment6 = 0; in.fragment6 < 20; in.fragment6++)
		EXPECT_REASON(&in, LB_FRAGMENT);
}

static void test_headers_fragments_to_others_pass(void **state)
{
	struct sketch in = fixture_request();

	(void)state;
	in.dst = *host_ip(&stranger, fx.variant.family);
	for (size_t i = 0; i < sizeof(fragments4) / sizeof(fragments4[0]); i++) {
		in.fragment = fragments4[i];
		in.is_fragment6 = true;
		in.fragment6 = (uint16_t)(fragments4[i] << 3 | (i < 2));
		EXPECT_REASON(&in, LB_NOT_SERVICE);
	}
}

static void test_headers_fragments_of_other_protocols_pass(void **state)
{
	struct sketch in = fixture_request();

	(void)state;
	in.proto = 47;
	for (size_t i = 0; i < sizeof(fragments4) / sizeof(fragments4[0]); i++) {
		in.fragment = fragments4[i];
		EXPECT_REASON(&in, LB_NOT_SERVICE);
	}
}

/* "Do not fragment" and the reserved bit are no fragments. */
static void test_headers_flags_alone_are_no_fragment(void **state)
{
	struct sketch in = fixture_request();

	(void)state;
	put_connection();
	in.fragment = 0;
	EXPECT_SENT(&in, web1);
	in.fragment = 0x8000;
	EXPECT_SENT(&in, web1);
	in.fragment = IP_DO_NOT_FRAGMENT;
	EXPECT_SENT(&in, web1);
}

/* ---- impossible fields ------------------------------------------------------------------ */

static void test_headers_ihl_below_five_passes(void **state)
{
	struct sketch in = fixture_request();
	struct frame frame;

	(void)state;
	put_connection();
	frame_draw(&in, &frame);
	for (unsigned ihl = 0; ihl < 5; ihl++) {
		frame.bytes[14] = (unsigned char)(0x40 | ihl);
		EXPECT_FRAME(&frame, .reason = LB_UNPARSED);
	}
}

static void test_headers_other_versions_pass(void **state)
{
	struct sketch in = fixture_request();
	struct frame frame;

	(void)state;
	put_connection();
	frame_draw(&in, &frame);
	for (unsigned version = 0; version < 16; version++) {
		frame.bytes[14] = (unsigned char)(version << 4 | (frame.bytes[14] & 0xf));
		if (version != (unsigned)fx.variant.family)
			EXPECT_FRAME(&frame, .reason = LB_UNPARSED);
	}
}

static void test_headers_ihl_beyond_the_end_passes(void **state)
{
	struct sketch in = fixture_request();
	struct frame frame;

	(void)state;
	put_connection();
	in.payload = 0;
	frame_draw(&in, &frame);
	frame.length = 14 + 20 + 20;
	frame.bytes[14] = 0x4f; /* the ports would lie at 14 + 60 */
	frame_fix_ip4(&frame, 14);

	EXPECT_FRAME(&frame, .reason = LB_UNPARSED);
}

static void test_headers_tcp_offset_below_five_is_bad(void **state)
{
	struct sketch in = fixture_request();
	struct frame frame;

	(void)state;
	put_connection();
	frame_draw(&in, &frame);
	for (unsigned words = 0; words < 5; words++) {
		frame.bytes[frame_l4(&in) + 12] = (unsigned char)(words << 4);
		EXPECT_FRAME(&frame, .reason = LB_BAD_HEADER);
	}
}

static void test_headers_tcp_offset_beyond_the_end_is_truncated(void **state)
{
	struct sketch in = fixture_request();
	struct frame frame;

	(void)state;
	put_connection();
	for (in.payload = 0; in.payload < 40; in.payload++) {
		frame_draw(&in, &frame);
		for (unsigned words = 5 + in.payload / 4 + 1; words < 16; words++) {
			frame.bytes[frame_l4(&in) + 12] = (unsigned char)(words << 4);
			EXPECT_FRAME(&frame, .reason = LB_TRUNCATED);
		}
	}
}

/* The length field of the IP header, @at from its beginning and @over what it counts. */
static size_t length_field(void)
{
	return fx.variant.family == 4 ? 14 + 2 : 14 + 4;
}

static void test_headers_length_beyond_the_frame_is_truncated(void **state)
{
	static const unsigned more[] = { 1, 2, 20, 1000, 20000 };
	struct sketch in = fixture_request();
	struct frame frame;
	unsigned length;

	(void)state;
	put_connection();
	frame_draw(&in, &frame);
	length = (unsigned)(frame.length - 14 - (fx.variant.family == 4 ? 0 : 40));
	for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++) {
		put16(&frame, length_field(), length + more[i]);
		if (fx.variant.family == 4)
			frame_fix_ip4(&frame, 14);
		EXPECT_FRAME(&frame, .reason = LB_TRUNCATED);
	}
}

static void test_headers_length_within_the_headers_is_truncated(void **state)
{
	struct sketch in = fixture_request();
	unsigned l4 = in.proto == IPPROTO_TCP ? 20 : 8;
	unsigned headers = l4 + (fx.variant.family == 4 ? 20 : 0);
	struct frame frame;

	(void)state;
	put_connection();
	frame_draw(&in, &frame);
	for (unsigned length = 0; length < headers; length++) {
		put16(&frame, length_field(), length);
		if (fx.variant.family == 4)
			frame_fix_ip4(&frame, 14);
		EXPECT_FRAME(&frame, .reason = LB_TRUNCATED);
	}
}

/* ---- TCP flags and counters --------------------------------------------------------------- */

static void test_headers_only_a_plain_syn_counts_as_connection(void **state)
{
	struct sketch in = fixture_request();

	(void)state;
	in.payload = 0;
	for (unsigned flags = 0; flags < 0x100; flags++) {
		unsigned of_interest = flags & (TCP_SYN | TCP_ACK | TCP_RST | TCP_FIN);

		in.flags = (uint8_t)flags;
		if (of_interest == TCP_SYN)
			EXPECT_SENT_NEW(&in, web1);
		else
			EXPECT_SENT(&in, web1);
	}
}

#define BOTH(test) TEST_DSR(test), TEST_NAT(test)
#define ONLY4(test)                                                                                \
	TEST_FOR(test, "dsr_tcp", dsr_tcp4), TEST_FOR(test, "dsr_udp", dsr_udp4),                  \
		TEST_FOR(test, "nat_tcp", nat_tcp4), TEST_FOR(test, "nat_udp", nat_udp4)
#define ONLY6(test)                                                                                \
	TEST_FOR(test, "dsr_tcp", dsr_tcp6), TEST_FOR(test, "dsr_udp", dsr_udp6),                  \
		TEST_FOR(test, "nat_tcp", nat_tcp6), TEST_FOR(test, "nat_udp", nat_udp6)
#define ONLY_TCP(test) TEST_DSR_TCP(test), TEST_NAT_TCP(test)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST_DSR_TCP(test_headers_other_ethertypes_pass),
		TEST_DSR_TCP(test_headers_group_destinations_pass),
		TEST_DSR_TCP(test_headers_tags_beyond_two_pass),
		TEST_DSR_TCP(test_headers_service_tag_inside_passes),
		TEST_DSR_TCP(test_headers_family_other_than_ethertype_passes),
		TEST_DSR(test_headers_other_addresses_pass),
		TEST_DSR(test_headers_every_bit_of_the_key_counts),
		TEST_DSR_TCP(test_headers_other_protocols_to_a_vip_pass),
		cmocka_unit_test_setup(test_headers_mapped_address_is_not_the_vip, fixture_setup),
		cmocka_unit_test_setup(test_headers_neighbor_discovery_passes, fixture_setup),
		ONLY4(test_headers_ip_options_are_forwarded),
		ONLY4(test_headers_ip_options_of_a_tagged_packet_are_forwarded),
		ONLY_TCP(test_headers_tcp_options_are_forwarded),
		ONLY6(test_headers_one_extension_is_forwarded),
		ONLY6(test_headers_extension_chains_are_forwarded_up_to_a_limit),
		ONLY6(test_headers_extensions_too_long_pass),
		ONLY6(test_headers_other_extensions_pass),
		BOTH(test_headers_fragments_to_a_vip_are_dropped),
		ONLY6(test_headers_fragments_behind_extensions_are_dropped),
		BOTH(test_headers_fragments_to_others_pass),
		TEST_FOR(test_headers_fragments_of_other_protocols_pass, "ipv4", dsr_tcp4),
		ONLY4(test_headers_flags_alone_are_no_fragment),
		ONLY4(test_headers_ihl_below_five_passes),
		BOTH(test_headers_other_versions_pass),
		ONLY4(test_headers_ihl_beyond_the_end_passes),
		ONLY_TCP(test_headers_tcp_offset_below_five_is_bad),
		ONLY_TCP(test_headers_tcp_offset_beyond_the_end_is_truncated),
		BOTH(test_headers_length_beyond_the_frame_is_truncated),
		BOTH(test_headers_length_within_the_headers_is_truncated),
		TEST_DSR_TCP(test_headers_only_a_plain_syn_counts_as_connection),
	};

	return cmocka_run_group_tests_name("headers", tests, fixture_open, fixture_close);
}
