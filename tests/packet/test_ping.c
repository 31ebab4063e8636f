/* SPDX-License-Identifier: GPL-2.0-only */
/* A VIP answers echo requests itself; other ICMP is the kernel's. Root. */
#include "fixture.h"

#include <netinet/in.h>

#include <linux/bpf.h>

#define TYPE_8021Q  0x8100
#define TYPE_8021AD 0x88a8

static const struct variant ping4 = { .family = 4,
				      .proto = IPPROTO_TCP,
				      .forward = LB_FORWARD_DSR };
static const struct variant ping6 = { .family = 6,
				      .proto = IPPROTO_TCP,
				      .forward = LB_FORWARD_DSR };

static bool is_v6(void)
{
	return fx.variant.family == 6;
}

static struct sketch echo_request(void)
{
	struct sketch in = fixture_request();

	in.proto = is_v6() ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
	in.icmp_type = is_v6() ? 128 : 8;
	in.icmp_rest = 0x1f2e0007;
	in.payload = 56;
	return in;
}

static struct sketch echo_reply(const struct sketch *request)
{
	struct sketch out = *request;

	out.eth_dst = request->eth_src;
	out.eth_src = request->eth_dst;
	out.src = request->dst;
	out.dst = request->src;
	out.ttl = 64;
	out.icmp_type = is_v6() ? 129 : 0;
	return out;
}

#define EXPECT_ANSWER(in)                                                                          \
	do {                                                                                       \
		struct sketch answer_ = echo_reply(in);                                            \
		EXPECT(in, &answer_, .reason = LB_PING);                                           \
	} while (0)

static void test_ping_vip_answers_every_size(void **state)
{
	struct sketch in = echo_request();

	(void)state;
	for (in.payload = 0; in.payload <= 65; in.payload++)
		EXPECT_ANSWER(&in);
	in.payload = 1452;
	EXPECT_ANSWER(&in);
}

static void test_ping_any_checksum_is_right(void **state)
{
	struct sketch in = echo_request();

	(void)state;
	for (unsigned seed = 0; seed < 0x10000; seed += seed % 0x400 < 0x20 ? 1 : 0x3e1) {
		in.seed = (uint16_t)seed;
		in.ip_id = (uint16_t)(seed * 7);
		in.ttl = (uint8_t)(1 + seed % 255);
		EXPECT_ANSWER(&in);
	}
}

/* Those near the ends of the ring, where ones' complement has two zeros. */
static void test_ping_extreme_checksums_are_right(void **state)
{
	struct sketch in = echo_request();
	unsigned checked = 0;

	(void)state;
	in.payload = 2;
	for (unsigned seed = 0; seed < 0x10000; seed++) {
		struct sketch out;
		struct frame frame;
		unsigned check;

		in.seed = (uint16_t)seed;
		out = echo_reply(&in);
		frame_draw(&out, &frame);
		check = (unsigned)frame.bytes[frame_l4(&out) + 2] << 8 |
			frame.bytes[frame_l4(&out) + 3];
		if (check > 0x10 && check < 0xfff0 && (check & 0xff) != 0xff)
			continue;
		EXPECT_ANSWER(&in);
		checked++;
	}
	assert_true(checked > 200);
}

static void test_ping_tagged_is_answered_with_its_tags(void **state)
{
	struct sketch in = echo_request();

	(void)state;
	sketch_tag(&in, TYPE_8021Q, 0x6064);
	EXPECT_ANSWER(&in);
	in.tags[0].type = TYPE_8021AD;
	sketch_tag(&in, TYPE_8021Q, 0x0065);
	EXPECT_ANSWER(&in);
}

static void test_ping_ttl_of_one_is_answered(void **state)
{
	struct sketch in = echo_request();

	(void)state;
	in.ttl = 1;
	EXPECT_ANSWER(&in);
	in.ttl = 255;
	EXPECT_ANSWER(&in);
}

static void test_ping_with_options_or_extensions_is_answered(void **state)
{
	struct sketch in = echo_request();

	(void)state;
	in.options = 12;
	in.extension_count = 1;
	in.extensions[0] = (struct frame_extension) { IPPROTO_DSTOPTS, 1 };
	EXPECT_ANSWER(&in);
}

static void test_ping_padding_stays(void **state)
{
	struct sketch in = echo_request();

	(void)state;
	in.payload = 1;
	in.padding = 17;
	EXPECT_ANSWER(&in);
}

static void test_ping_to_others_passes(void **state)
{
	static const struct host *const others[] = { &gateway, &stranger, &web1, &client };
	struct sketch in = echo_request();

	(void)state;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		in.dst = *host_ip(others[i], fx.variant.family);
		EXPECT_REASON(&in, LB_NOT_SERVICE);
	}
}

static void test_ping_to_a_group_mac_passes(void **state)
{
	static const uint8_t broadcast[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
	struct sketch in = echo_request();

	(void)state;
	in.eth_dst = broadcast;
	EXPECT_REASON(&in, LB_NOT_IP);
}

/* The kernel puts fragments together and answers, as it owns the VIP. */
static void test_ping_fragments_pass(void **state)
{
	static const uint16_t fragments[] = { IP_MORE_FRAGMENTS, IP_MORE_FRAGMENTS | 10, 20 };
	struct sketch in = echo_request();

	(void)state;
	for (size_t i = 0; i < sizeof(fragments) / sizeof(fragments[0]); i++) {
		in.fragment = fragments[i];
		EXPECT_REASON(&in, LB_NOT_SERVICE);
	}
}

static void test_ping_other_messages_pass(void **state)
{
	struct sketch in = echo_request();

	(void)state;
	for (unsigned type = 0; type < 256; type++) {
		if (type == in.icmp_type)
			continue;
		in.icmp_type = (uint8_t)type;
		if (type == (is_v6() ? 128 : 8))
			continue;
		EXPECT_REASON(&in, LB_NOT_SERVICE); /* errors too: this payload quotes nothing */
	}
}

/* ICMPv6 on IPv4 and the other way round are no pings. */
static void test_ping_of_the_other_family_passes(void **state)
{
	struct sketch in = echo_request();

	(void)state;
	in.proto = is_v6() ? IPPROTO_ICMP : IPPROTO_ICMPV6;
	EXPECT_REASON(&in, LB_NOT_SERVICE);
}

#define TEST(test) TEST_FOR(test, "ipv4", ping4), TEST_FOR(test, "ipv6", ping6)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_ping_vip_answers_every_size),
		TEST(test_ping_any_checksum_is_right),
		TEST(test_ping_extreme_checksums_are_right),
		TEST(test_ping_tagged_is_answered_with_its_tags),
		TEST(test_ping_ttl_of_one_is_answered),
		TEST(test_ping_with_options_or_extensions_is_answered),
		TEST(test_ping_padding_stays),
		TEST(test_ping_to_others_passes),
		TEST(test_ping_to_a_group_mac_passes),
		TEST_FOR(test_ping_fragments_pass, "ipv4", ping4),
		TEST(test_ping_other_messages_pass),
		TEST(test_ping_of_the_other_family_passes),
	};

	return cmocka_run_group_tests_name("ping", tests, fixture_open, fixture_close);
}
