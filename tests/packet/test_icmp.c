/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ICMP and ICMPv6 errors find the connection that they quote: to its backend, and in nat back
 * to its client, with what they quote translated and every checksum right. Root.
 */
#include "fixture.h"

#include <arpa/inet.h>
#include <string.h>

#include <netinet/in.h>

#include <linux/bpf.h>

#define ALL 2000 /* a quote of the whole packet */

/** struct complaint - one kind of error */
struct complaint {
	uint8_t type;
	uint8_t code;
	uint32_t rest;
};

/* unreachable (net, host, port, fragmentation needed), time exceeded, parameter problem */
static const struct complaint complaints4[] = {
	{ 3, 0, 0 }, { 3, 1, 0 }, { 3, 3, 0 }, { 3, 4, 1280 }, { 11, 0, 0 }, { 12, 0, 0x08000000 }
};
/* unreachable (route, port), too big, time exceeded, parameter problem */
static const struct complaint complaints6[] = {
	{ 1, 0, 0 }, { 1, 4, 0 }, { 2, 0, 1280 }, { 3, 0, 0 }, { 4, 1, 40 }
};

static bool is_v6(void)
{
	return fx.variant.family == 6;
}

static bool is_nat(void)
{
	return fx.variant.forward == LB_FORWARD_NAT;
}

static size_t complaint_count(void)
{
	return is_v6() ? sizeof(complaints6) / sizeof(complaints6[0])
		       : sizeof(complaints4) / sizeof(complaints4[0]);
}

static const struct complaint *complaint(size_t i)
{
	return is_v6() ? &complaints6[i] : &complaints4[i];
}

/* From some router on the client's side, about a packet that the VIP had sent. */
static struct sketch error_about(const struct sketch *quote, const struct complaint *kind)
{
	struct sketch in = fixture_request();

	in.proto = is_v6() ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
	in.src = *host_ip(&other_router, fx.variant.family);
	in.dst = quote->src;
	in.icmp_type = kind->type;
	in.icmp_code = kind->code;
	in.icmp_rest = kind->rest;
	in.quote = quote;
	in.quote_length = ALL;
	return in;
}

/* What the client's side has seen: the VIP's packet to the client, a few hops on. */
static struct sketch sent_by_vip(void)
{
	struct sketch quote = fixture_request();

	quote.src = *host_ip(&vip, fx.variant.family);
	quote.dst = *host_ip(&client, fx.variant.family);
	quote.sport = VIP_PORT;
	quote.dport = CLIENT_PORT;
	quote.ttl = 1;
	return quote;
}

/* The same as @web knows it. */
static struct sketch as_sent_by(struct sketch quote, const struct host *web)
{
	if (is_nat()) {
		quote.src = *host_ip(web, fx.variant.family);
		quote.sport = WEB_PORT;
	}
	return quote;
}

/* What @web's side has seen of the client's packet, and what the client knows of it. */
static struct sketch sent_to(const struct host *web)
{
	struct sketch quote = fixture_request();

	quote.dst = *host_ip(web, fx.variant.family);
	quote.dport = WEB_PORT;
	quote.ttl = 1;
	return quote;
}

static struct sketch as_sent_to_vip(struct sketch quote)
{
	quote.dst = *host_ip(&vip, fx.variant.family);
	quote.dport = VIP_PORT;
	return quote;
}

static unsigned class_of_live(void)
{
	return fx.variant.proto == IPPROTO_UDP ? LB_CLASS_UDP : LB_CLASS_ESTABLISHED;
}

static void put(const struct host *web, uint32_t age)
{
	fixture_put(&client, CLIENT_PORT, fixture_record(fixture_id(web), class_of_live(), age));
}

/* The error goes to @web, with the quote as that has sent it; nothing is written. */
static void expect_to_backend(const struct sketch *in, const struct host *web, int line)
{
	struct sketch quote = as_sent_by(*in->quote, web), out = *in;
	struct expectation expected = { .verdict = XDP_TX, .backend = fixture_id(web) };

	out.eth_dst = web->mac;
	out.eth_src = gateway.mac;
	out.ttl--;
	if (is_nat())
		out.dst = *host_ip(web, fx.variant.family);
	out.quote = &quote;
	fixture_remember();
	fixture_expect_sketch(in, &out, expected, __FILE__, line);
	assert_true(fixture_is_same());
}

#define EXPECT_TO_BACKEND(in, web) expect_to_backend(in, &(web), __LINE__)

/* ---- to the backend ------------------------------------------------------------------- */

static void test_icmp_error_of_a_settled_slot_goes_to_current(void **state)
{
	struct sketch quote = sent_by_vip();

	(void)state;
	put(&web2, 0); /* of no account while the slot is settled */
	for (size_t i = 0; i < complaint_count(); i++) {
		struct sketch in = error_about(&quote, complaint(i));

		EXPECT_TO_BACKEND(&in, web1);
	}
}

static void test_icmp_error_of_a_moving_slot_goes_by_record(void **state)
{
	struct sketch quote = sent_by_vip();

	(void)state;
	fixture_fill(LB_SLOT(fx.web3, fx.web1, 1), fx.now - fx.grain - 1);
	put(&web2, fx.grain + 1);
	for (size_t i = 0; i < complaint_count(); i++) {
		struct sketch in = error_about(&quote, complaint(i));

		EXPECT_TO_BACKEND(&in, web2);
	}
}

static void test_icmp_error_of_a_moving_slot_goes_to_origin(void **state)
{
	struct sketch quote = sent_by_vip();

	(void)state;
	fixture_fill(LB_SLOT(fx.web3, fx.web1, 1), fx.now - fx.grain - 1);
	for (size_t i = 0; i < complaint_count(); i++) {
		struct sketch in = error_about(&quote, complaint(i));

		EXPECT_TO_BACKEND(&in, web1);
	}
}

static void test_icmp_error_without_backend_is_dropped(void **state)
{
	struct sketch quote = sent_by_vip();
	struct sketch in = error_about(&quote, complaint(0));

	(void)state;
	fixture_fill(LB_SLOT(0, 0, 0), LB_STAMP_CLOSED);
	EXPECT_REASON(&in, LB_NO_BACKEND);
	fixture_fill(LB_SLOT(fx.web1, 0, 1), fx.now);
	EXPECT_REASON(&in, LB_NO_BACKEND);
}

static void test_icmp_error_of_nat_is_translated_for_the_backend(void **state)
{
	struct sketch quote = sent_by_vip();

	(void)state;
	put(&web2, fx.grain + 1);
	for (size_t i = 0; i < complaint_count(); i++) {
		struct sketch in = error_about(&quote, complaint(i));

		EXPECT_TO_BACKEND(&in, web2);
	}
}

static void test_icmp_error_of_nat_without_record_is_no_flow(void **state)
{
	struct sketch quote = sent_by_vip();
	struct sketch in = error_about(&quote, complaint(0));

	(void)state;
	EXPECT_REASON(&in, LB_NO_FLOW);
	put(&web2, FIXTURE_RECORD + 1);
	EXPECT_REASON(&in, LB_NO_FLOW);
}

static void test_icmp_error_keeps_the_ttls_and_expires(void **state)
{
	struct sketch quote = sent_by_vip();
	struct sketch in = error_about(&quote, complaint(0));

	(void)state;
	put(&web1, 0);
	in.ttl = 2;
	EXPECT_TO_BACKEND(&in, web1);
	for (in.ttl = 0; in.ttl <= 1; in.ttl++)
		EXPECT_REASON(&in, LB_TTL_EXPIRED);
}

static void test_icmp_error_is_tagged_as_it_came(void **state)
{
	struct sketch quote = sent_by_vip();
	struct sketch in = error_about(&quote, complaint(0));

	(void)state;
	put(&web1, 0);
	sketch_tag(&in, 0x88a8, 0x3065);
	sketch_tag(&in, 0x8100, 0xb066);
	EXPECT_TO_BACKEND(&in, web1);
}

static void test_icmp_error_with_options_or_extensions_is_forwarded(void **state)
{
	struct sketch quote = sent_by_vip();
	struct sketch in = error_about(&quote, complaint(0));

	(void)state;
	put(&web1, 0);
	in.options = 8;
	in.extension_count = 1;
	in.extensions[0] = (struct frame_extension) { IPPROTO_DSTOPTS, 1 };
	EXPECT_TO_BACKEND(&in, web1);
}

static void test_icmp_error_quoting_options_is_forwarded(void **state)
{
	struct sketch quote = sent_by_vip(), in;

	(void)state;
	put(&web1, 0);
	for (quote.options = 4; quote.options <= 40; quote.options += 4) {
		in = error_about(&quote, complaint(0));
		EXPECT_TO_BACKEND(&in, web1);
	}
}

/*
 * A quote that ends in the middle of the checksum: that half stays as it is, for nobody can
 * judge it, and the message's own checksum is right.
 */
static bool is_cut_in_checksum(const struct sketch *in)
{
	size_t check = (is_v6() ? 40 : 20) + (in->quote->proto == IPPROTO_TCP ? 16 : 6);

	return is_nat() && in->quote_length == check + 1;
}

static void expect_right_sum(const struct sketch *in)
{
	size_t l4 = frame_l4(in);
	struct outcome outcome;
	uint32_t pseudo = 0;
	struct frame frame;

	frame_draw(in, &frame);
	outcome = fixture_run(&frame, FIXTURE_LO);
	assert_int_equal(outcome.verdict, XDP_TX);
	assert_int_equal(outcome.frame.length, frame.length);
	if (is_v6())
		pseudo = (uint32_t)(uint16_t)~frame_sum(outcome.frame.bytes + 14 + 8, 32, 0) +
			 IPPROTO_ICMPV6 + (uint32_t)(frame.length - l4);
	else
		assert_int_equal(frame_sum(outcome.frame.bytes + 14, 20, 0), 0);
	assert_int_equal(frame_sum(outcome.frame.bytes + l4, frame.length - l4, pseudo), 0);
}

/* A router may cut its quote off anywhere; 8 bytes behind the IP header are the least. */
static void test_icmp_error_with_every_length_of_quote(void **state)
{
	struct sketch quote = sent_by_vip();
	struct sketch in = error_about(&quote, complaint(0));
	size_t ports_end = (is_v6() ? 40 : 20) + 4;

	(void)state;
	put(&web1, 0);
	for (in.quote_length = 0; in.quote_length < ports_end; in.quote_length++) {
		fixture_remember();
		EXPECT_REASON(&in, LB_NOT_SERVICE);
		assert_true(fixture_is_same());
	}
	for (; in.quote_length < 100; in.quote_length++) {
		if (is_cut_in_checksum(&in))
			expect_right_sum(&in);
		else
			EXPECT_TO_BACKEND(&in, web1);
	}
}

static void test_icmp_error_to_unknown_neighbor_is_dropped(void **state)
{
	struct sketch quote = sent_by_vip();
	struct sketch in = error_about(&quote, complaint(0));

	(void)state;
	put(&web1, 0);
	dataplane_set_hop(fx.dp, fx.web1, 0, web1.mac, gateway.mac);
	EXPECT_REASON(&in, LB_NO_NEIGHBOR);
}

static void test_icmp_error_redirects_to_another_interface(void **state)
{
	struct sketch quote = sent_by_vip(), answer = as_sent_by(quote, &web1);
	struct sketch in = error_about(&quote, complaint(0)), out = in;

	(void)state;
	put(&web1, 0);
	dataplane_set_hop(fx.dp, fx.web1, fx.far, web1.mac, gateway.mac);
	out.eth_dst = web1.mac;
	out.eth_src = gateway.mac;
	out.ttl--;
	if (is_nat())
		out.dst = *host_ip(&web1, fx.variant.family);
	out.quote = &answer;
	EXPECT(&in, &out, .verdict = XDP_REDIRECT, .backend = fx.web1);

	dataplane_set_hop(fx.dp, fx.web1, fx.alien, web1.mac, gateway.mac);
	EXPECT_REASON(&in, LB_NO_EGRESS);
}

/* ---- what is no affair of ours ------------------------------------------------------------ */

static void test_icmp_error_about_others_passes(void **state)
{
	struct sketch quote = sent_by_vip(), in;

	(void)state;
	put(&web1, 0);
	quote.sport++;
	in = error_about(&quote, complaint(0));
	EXPECT_REASON(&in, LB_NOT_SERVICE);

	quote = sent_by_vip();
	quote.src = *host_ip(&stranger, fx.variant.family);
	in = error_about(&quote, complaint(0));
	EXPECT_REASON(&in, LB_NOT_SERVICE);

	quote = sent_by_vip();
	quote.proto = 132; /* SCTP */
	in = error_about(&quote, complaint(0));
	EXPECT_REASON(&in, LB_NOT_SERVICE);
}

/* An error goes to whoever sent what it quotes; addressed to another, it is forged or astray. */
static void test_icmp_error_to_another_than_the_quoted_passes(void **state)
{
	struct sketch quote = sent_by_vip();
	struct sketch in = error_about(&quote, complaint(0));

	(void)state;
	put(&web1, 0);
	in.dst = *host_ip(&stranger, fx.variant.family);
	EXPECT_REASON(&in, LB_NOT_SERVICE);
	in.dst = *host_ip(&gateway, fx.variant.family);
	EXPECT_REASON(&in, LB_NOT_SERVICE);
}

static void test_icmp_error_quoting_a_later_fragment_passes(void **state)
{
	struct sketch quote = sent_by_vip(), in;

	(void)state;
	put(&web1, 0);
	quote.fragment = 100;
	in = error_about(&quote, complaint(0));
	EXPECT_REASON(&in, LB_NOT_SERVICE);
}

static void test_icmp_error_quoting_nonsense_passes(void **state)
{
	struct sketch quote = sent_by_vip();
	struct sketch in = error_about(&quote, complaint(0));
	size_t at = frame_l4(&in) + 8;
	struct frame frame;

	(void)state;
	put(&web1, 0);
	frame_draw(&in, &frame);
	for (unsigned first = 0; first < 0x100; first++) {
		bool is_right = is_v6() ? first >> 4 == 6 : first >> 4 == 4 && (first & 0xf) >= 5;

		frame.bytes[at] = (unsigned char)first;
		if (!is_right)
			EXPECT_FRAME(&frame, .reason = LB_NOT_SERVICE);
	}
}

/* ---- to the client: what a backend, or a router before it, complains of --------------------- */

/* The hop that leads back to the client, as a request of its has left it. */
static void learn_hop(void)
{
	struct sketch in = fixture_request();

	put(&web1, 0);
	EXPECT_SENT(&in, web1);
}

static void expect_to_client(const struct sketch *in, int line)
{
	struct sketch quote = as_sent_to_vip(*in->quote), out = *in;
	struct expectation expected = { .verdict = XDP_TX, .backend = fx.web1, .is_reply = true };

	out.eth_dst = router.mac;
	out.eth_src = gateway.mac;
	out.ttl--;
	if (!memcmp(&in->src, host_ip(&web1, fx.variant.family), sizeof(in->src)))
		out.src = *host_ip(&vip, fx.variant.family);
	out.quote = &quote;
	fixture_remember();
	fixture_expect_sketch(in, &out, expected, __FILE__, line);
	assert_true(fixture_is_same());
}

#define EXPECT_TO_CLIENT(in) expect_to_client(in, __LINE__)

static struct sketch error_from(const struct host *from, const struct sketch *quote,
				const struct complaint *kind)
{
	struct sketch in = error_about(quote, kind);

	in.eth_src = from->mac;
	in.src = *host_ip(from, fx.variant.family);
	return in;
}

static void test_icmp_error_of_the_backend_goes_to_the_client_as_the_vips(void **state)
{
	struct sketch quote = sent_to(&web1);

	(void)state;
	learn_hop();
	for (size_t i = 0; i < complaint_count(); i++) {
		struct sketch in = error_from(&web1, &quote, complaint(i));

		EXPECT_TO_CLIENT(&in);
	}
}

static void test_icmp_error_of_a_router_goes_to_the_client_as_its_own(void **state)
{
	struct sketch quote = sent_to(&web1);

	(void)state;
	learn_hop();
	for (size_t i = 0; i < complaint_count(); i++) {
		struct sketch in = error_from(&stranger, &quote, complaint(i));

		EXPECT_TO_CLIENT(&in);
	}
}

static void test_icmp_error_to_client_with_every_length_of_quote(void **state)
{
	struct sketch quote = sent_to(&web1);
	struct sketch in = error_from(&web1, &quote, complaint(0));
	size_t ports_end = (is_v6() ? 40 : 20) + 4;

	(void)state;
	learn_hop();
	for (in.quote_length = 0; in.quote_length < ports_end; in.quote_length++)
		EXPECT_REASON(&in, LB_NOT_SERVICE);
	for (; in.quote_length < 100; in.quote_length++) {
		if (is_cut_in_checksum(&in))
			expect_right_sum(&in);
		else
			EXPECT_TO_CLIENT(&in);
	}
}

static void test_icmp_error_to_client_expires(void **state)
{
	struct sketch quote = sent_to(&web1);
	struct sketch in = error_from(&web1, &quote, complaint(0));

	(void)state;
	learn_hop();
	in.ttl = 2;
	EXPECT_TO_CLIENT(&in);
	for (in.ttl = 0; in.ttl <= 1; in.ttl++)
		EXPECT_REASON(&in, LB_TTL_EXPIRED);
}

/* Without a connection, or with one at another backend, the error is the kernel's. */
static void test_icmp_error_of_a_backend_without_connection_passes(void **state)
{
	struct sketch quote = sent_to(&web1), other = sent_to(&web2);
	struct sketch in = error_from(&web1, &quote, complaint(0));

	(void)state;
	EXPECT_REASON(&in, LB_NO_REPLY_FLOW);
	learn_hop();
	in = error_from(&web2, &other, complaint(0));
	EXPECT_REASON(&in, LB_NO_REPLY_FLOW);
}

static void test_icmp_error_to_client_without_hop_is_routed(void **state)
{
	struct sketch quote = sent_to(&web1), answer = as_sent_to_vip(quote);
	struct sketch in = error_from(&web1, &quote, complaint(0)), out = in;

	(void)state;
	put(&web1, 0); /* hop 0 */
	out.ttl--;
	out.src = *host_ip(&vip, fx.variant.family);
	out.quote = &answer;

	EXPECT(&in, &out, .reason = LB_REPLY_ROUTED);
}

/* ---- checksums ----------------------------------------------------------------------------- */

static void test_icmp_error_any_checksum_is_right(void **state)
{
	(void)state;
	learn_hop();
	for (unsigned seed = 0; seed < 0x10000; seed += 61) {
		struct sketch quote = sent_by_vip(), reply = sent_to(&web1), in;

		quote.seed = reply.seed = (uint16_t)seed;
		quote.ip_id = reply.ip_id = (uint16_t)(seed * 31);
		in = error_about(&quote, complaint(seed % complaint_count()));
		in.quote_length = (is_v6() ? 40 : 20) + 18 + seed % 40;
		EXPECT_TO_BACKEND(&in, web1);
		in = error_from(&web1, &reply, complaint(seed % complaint_count()));
		in.quote_length = (is_v6() ? 40 : 20) + 18 + seed % 40;
		EXPECT_TO_CLIENT(&in);
	}
}

static void test_icmp_error_quoting_udp_without_checksum(void **state)
{
	struct sketch quote = sent_by_vip(), reply = sent_to(&web1), in;

	(void)state;
	learn_hop();
	quote.has_no_checksum = reply.has_no_checksum = true;
	in = error_about(&quote, complaint(0));
	EXPECT_TO_BACKEND(&in, web1);
	in = error_from(&web1, &reply, complaint(0));
	EXPECT_TO_CLIENT(&in);
}

/* A quoted checksum that becomes 0 must not say that there was none. */
static void test_icmp_error_quoting_udp_checksum_zero_becomes_ffff(void **state)
{
	struct sketch quote = sent_by_vip(), in;
	unsigned seed, check = 0;

	(void)state;
	put(&web1, 0);
	for (seed = 0; seed < 0x10000 && check != 0xffff; seed++) {
		struct sketch answer;
		struct frame frame;
		size_t at;

		quote.seed = (uint16_t)seed;
		answer = as_sent_by(quote, &web1);
		at = frame_l4(&answer) + 6;
		frame_draw(&answer, &frame);
		check = (unsigned)frame.bytes[at] << 8 | frame.bytes[at + 1];
	}
	assert_int_equal(check, 0xffff);

	in = error_about(&quote, complaint(0));
	EXPECT_TO_BACKEND(&in, web1);
}

#define BOTH(test) TEST_DSR(test), TEST_NAT(test)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST_DSR(test_icmp_error_of_a_settled_slot_goes_to_current),
		TEST_DSR(test_icmp_error_of_a_moving_slot_goes_by_record),
		TEST_DSR(test_icmp_error_of_a_moving_slot_goes_to_origin),
		TEST_DSR(test_icmp_error_without_backend_is_dropped),
		TEST_NAT(test_icmp_error_of_nat_is_translated_for_the_backend),
		TEST_NAT(test_icmp_error_of_nat_without_record_is_no_flow),
		BOTH(test_icmp_error_keeps_the_ttls_and_expires),
		BOTH(test_icmp_error_is_tagged_as_it_came),
		BOTH(test_icmp_error_with_options_or_extensions_is_forwarded),
		TEST_FOR(test_icmp_error_quoting_options_is_forwarded, "dsr", dsr_tcp4),
		TEST_FOR(test_icmp_error_quoting_options_is_forwarded, "nat_tcp", nat_tcp4),
		TEST_FOR(test_icmp_error_quoting_options_is_forwarded, "nat_udp", nat_udp4),
		BOTH(test_icmp_error_with_every_length_of_quote),
		BOTH(test_icmp_error_to_unknown_neighbor_is_dropped),
		BOTH(test_icmp_error_redirects_to_another_interface),
		BOTH(test_icmp_error_about_others_passes),
		BOTH(test_icmp_error_to_another_than_the_quoted_passes),
		TEST_FOR(test_icmp_error_quoting_a_later_fragment_passes, "dsr", dsr_tcp4),
		TEST_FOR(test_icmp_error_quoting_a_later_fragment_passes, "nat", nat_tcp4),
		TEST_DSR_TCP(test_icmp_error_quoting_nonsense_passes),
		TEST_NAT(test_icmp_error_of_the_backend_goes_to_the_client_as_the_vips),
		TEST_NAT(test_icmp_error_of_a_router_goes_to_the_client_as_its_own),
		TEST_NAT(test_icmp_error_to_client_with_every_length_of_quote),
		TEST_NAT(test_icmp_error_to_client_expires),
		TEST_NAT(test_icmp_error_of_a_backend_without_connection_passes),
		TEST_NAT(test_icmp_error_to_client_without_hop_is_routed),
		TEST_NAT(test_icmp_error_any_checksum_is_right),
		TEST_FOR(test_icmp_error_quoting_udp_without_checksum, "ipv4", nat_udp4),
		TEST_NAT_UDP(test_icmp_error_quoting_udp_checksum_zero_becomes_ffff),
	};

	return cmocka_run_group_tests_name("icmp", tests, fixture_open, fixture_close);
}
