/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Every kind of packet, cut off at every length: never forwarded, never changed where it
 * passes, nothing written. Root.
 */
#include "fixture.h"

#include <netinet/in.h>

#include <linux/bpf.h>

#define TYPE_8021Q  0x8100
#define TYPE_8021AD 0x88a8

/* how much of a packet a second tag would need: tags are read as if there were two */
#define TAGS_END 22

static struct sketch quoted; /* what an ICMP error is about */

/* ---- kinds of packets ---------------------------------------------------------------- */

static struct sketch plain(void)
{
	return fixture_request();
}

static struct sketch syn(void)
{
	return fixture_syn();
}

static struct sketch empty(void)
{
	struct sketch in = fixture_request();

	in.payload = 0;
	return in;
}

static struct sketch tagged(void)
{
	struct sketch in = fixture_request();

	sketch_tag(&in, TYPE_8021Q, 100);
	return in;
}

static struct sketch tagged_twice(void)
{
	struct sketch in = fixture_request();

	sketch_tag(&in, TYPE_8021AD, 100);
	sketch_tag(&in, TYPE_8021Q, 200);
	return in;
}

static struct sketch with_options(void)
{
	struct sketch in = fixture_request();

	in.options = 16;
	in.tcp_options = 12;
	in.extension_count = 3;
	in.extensions[0] = (struct frame_extension) { IPPROTO_HOPOPTS, 0 };
	in.extensions[1] = (struct frame_extension) { IPPROTO_ROUTING, 2 };
	in.extensions[2] = (struct frame_extension) { IPPROTO_DSTOPTS, 1 };
	return in;
}

static struct sketch tagged_with_options(void)
{
	struct sketch in = with_options();

	sketch_tag(&in, TYPE_8021AD, 100);
	sketch_tag(&in, TYPE_8021Q, 200);
	return in;
}

static struct sketch (*const kinds[])(void) = {
	plain, syn, empty, tagged, tagged_twice, with_options, tagged_with_options
};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* ---- what is expected ------------------------------------------------------------------ */

static enum lb_reason reason_at(const struct sketch *in, size_t length)
{
	if (in->tag_count && length < TAGS_END)
		return LB_NOT_IP;
	if (length < frame_l4(in) + 4)
		return LB_UNPARSED;
	return LB_TRUNCATED;
}

static void cut_everywhere(const struct sketch *in)
{
	struct frame frame;
	size_t full;

	fixture_remember();
	frame_draw(in, &frame);
	full = frame.length;
	for (frame.length = FRAME_MIN; frame.length < full; frame.length++)
		EXPECT_FRAME(&frame, .reason = reason_at(in, frame.length));
	assert_true(fixture_is_same());
}

static void put_connection(void)
{
	unsigned class = fx.variant.proto == IPPROTO_UDP ? LB_CLASS_UDP : LB_CLASS_ESTABLISHED;

	fixture_put(&client, CLIENT_PORT, fixture_record(fx.web1, class, 0));
}

static void test_truncated_request_is_not_forwarded(void **state)
{
	(void)state;
	put_connection();
	for (size_t i = 0; i < KINDS; i++) {
		struct sketch in = kinds[i]();

		cut_everywhere(&in);
	}
}

static void test_truncated_request_of_a_moving_slot_is_not_forwarded(void **state)
{
	(void)state;
	fixture_fill(LB_SLOT(fx.web2, fx.web1, 1), fx.now);
	for (size_t i = 0; i < KINDS; i++) {
		struct sketch in = kinds[i]();

		cut_everywhere(&in);
	}
}

/* It names no service of ours: whatever is left of it is the kernel's. */
static void test_truncated_reply_passes(void **state)
{
	struct sketch in = fixture_reply();
	struct frame frame;
	size_t full;

	(void)state;
	put_connection();
	fixture_remember();
	frame_draw(&in, &frame);
	full = frame.length;
	for (frame.length = FRAME_MIN; frame.length < full; frame.length++)
		EXPECT_FRAME(&frame, .reason = frame.length < frame_l4(&in) + 4 ? LB_UNPARSED
										: LB_NOT_SERVICE);
	assert_true(fixture_is_same());
}

/* ---- ICMP -------------------------------------------------------------------------------- */

static void make_icmp(struct sketch *in, uint8_t type4, uint8_t type6)
{
	in->proto = fx.variant.family == 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;
	in->icmp_type = fx.variant.family == 4 ? type4 : type6;
}

static void cut_icmp_everywhere(const struct sketch *in)
{
	struct frame frame;
	size_t full;

	fixture_remember();
	frame_draw(in, &frame);
	full = frame.length;
	for (frame.length = FRAME_MIN; frame.length < full; frame.length++) {
		enum lb_reason reason =
			in->tag_count && frame.length < TAGS_END ? LB_NOT_IP : LB_UNPARSED;

		EXPECT_FRAME(&frame, .reason = reason);
	}
	assert_true(fixture_is_same());
}

static void test_truncated_ping_passes(void **state)
{
	(void)state;
	for (size_t i = 0; i < KINDS; i++) {
		struct sketch in = kinds[i]();

		make_icmp(&in, 8, 128);
		cut_icmp_everywhere(&in);
	}
}

static void test_truncated_icmp_error_passes(void **state)
{
	(void)state;
	put_connection();
	for (size_t i = 0; i < KINDS; i++) {
		struct sketch in = kinds[i]();

		quoted = fixture_request();
		quoted.src = *host_ip(&vip, fx.variant.family);
		quoted.dst = *host_ip(&client, fx.variant.family);
		quoted.sport = VIP_PORT;
		quoted.dport = CLIENT_PORT;
		make_icmp(&in, 3, 1);
		in.quote = &quoted;
		in.quote_length = 1000;
		cut_icmp_everywhere(&in);
	}
}

static void test_truncated_bytes_behind_the_end_are_not_read(void **state)
{
	struct sketch in = fixture_request();
	struct frame frame, shorter;

	(void)state;
	put_connection();
	frame_draw(&in, &frame);
	EXPECT_SENT(&in, web1); /* its bytes may still lie in the buffer that the next one gets */

	shorter = frame;
	shorter.length = frame.length - 1;

	EXPECT_FRAME(&shorter, .reason = LB_TRUNCATED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST_DSR(test_truncated_request_is_not_forwarded),
		TEST_NAT(test_truncated_request_is_not_forwarded),
		TEST_DSR(test_truncated_request_of_a_moving_slot_is_not_forwarded),
		TEST_NAT(test_truncated_reply_passes),
		TEST_DSR_TCP(test_truncated_ping_passes),
		TEST_DSR(test_truncated_icmp_error_passes),
		TEST_NAT(test_truncated_icmp_error_passes),
		TEST_NAT(test_truncated_bytes_behind_the_end_are_not_read),
	};

	return cmocka_run_group_tests_name("truncated", tests, fixture_open, fixture_close);
}
