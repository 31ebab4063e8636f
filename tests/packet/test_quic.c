/* SPDX-License-Identifier: GPL-2.0-only */
/* QUIC's connection ids lead to the backend whose server id they carry (bpf/quic.h). Root. */
#include "fixture.h"

#include <netinet/in.h>
#include <string.h>

#include <linux/bpf.h>

#include "lb.skel.h"

static const struct variant quic4 = { 4, IPPROTO_UDP, LB_FORWARD_DSR, LB_SVC_QUIC };
static const struct variant quic6 = { 6, IPPROTO_UDP, LB_FORWARD_DSR, LB_SVC_QUIC };

#define TEST_QUIC(test) TEST_FOR(test, "ipv4", quic4), TEST_FOR(test, "ipv6", quic6)

#define CONFIG	  2
#define LENGTH	  3
#define SERVER_ID 0x0a0b0c

static int setup_all(void **state)
{
	int err = fixture_open(state);

	if (!err)
		fixture_use_all_features();
	return err;
}

/* web2 is 0a0b0c, web3 is 0a0b0d; without an id packets go to web1. */
static void name_servers(void)
{
	struct lb_schedule row = { .quic_length = LENGTH, .quic_config = CONFIG };

	dataplane_put_schedule(fx.dp, fx.service.id, &row);
	assert_int_equal(dataplane_put_quic_server(fx.dp, fx.service.id, SERVER_ID, fx.web2), 0);
	assert_int_equal(dataplane_put_quic_server(fx.dp, fx.service.id, SERVER_ID + 1, fx.web3),
			 0);
}

/* A connection id of ours: config and length, server id, nonce. */
static const uint8_t own_id[] = { CONFIG << 5 | 7, 0x0a, 0x0b, 0x0c, 1, 2, 3, 4 };

/** struct datagram - the UDP payload; at least as long as the shortest of QUIC */
struct datagram {
	uint8_t bytes[64];
};

static struct datagram short_packet(const uint8_t *id, size_t length)
{
	struct datagram d = { .bytes = { 0x40 } };

	memcpy(d.bytes + 1, id, length);
	return d;
}

static struct datagram long_packet(const uint8_t *id, size_t length)
{
	struct datagram d = { .bytes = { 0xc0, 0, 0, 0, 1, (uint8_t)length } };

	memcpy(d.bytes + 6, id, length);
	return d;
}

static struct sketch request(void)
{
	struct sketch in = fixture_request();

	in.payload = sizeof(struct datagram);
	return in;
}

/* @d as payload of @in, with the checksum left out (RFC 768; IPv6: not looked at here). */
static void draw(const struct sketch *in, const struct datagram *d, struct frame *out)
{
	size_t l4 = frame_l4(in);

	frame_draw(in, out);
	memcpy(out->bytes + l4 + 8, d->bytes, sizeof(d->bytes));
}

static void expect_sent(const struct datagram *d, const struct host *web)
{
	struct sketch in = request(), out = sketch_sent(&in, web);
	struct frame frame, sent;

	draw(&in, d, &frame);
	draw(&out, d, &sent);
	EXPECT_FRAME(&frame, .reason = LB_OK, .verdict = XDP_TX, .backend = fixture_id(web),
		     .frame = &sent);
}

static void test_quic_short_header_goes_to_the_server_it_names(void **state)
{
	struct datagram d = short_packet(own_id, sizeof(own_id));

	(void)state;
	name_servers();
	expect_sent(&d, &web2);
	d.bytes[4] = 0x0d;
	expect_sent(&d, &web3);
}

static void test_quic_long_header_goes_to_the_server_it_names(void **state)
{
	struct datagram d = long_packet(own_id, sizeof(own_id));

	(void)state;
	name_servers();
	expect_sent(&d, &web2);
}

static void test_quic_client_may_change_its_address(void **state)
{
	struct datagram d = short_packet(own_id, sizeof(own_id));
	struct sketch in = request(), out;
	struct frame frame, sent;

	(void)state;
	name_servers();
	for (uint16_t i = 0; i < 50; i++) {
		in.src = *host_ip(i % 2 ? &client : &other_client, fx.variant.family);
		in.sport = CLIENT_PORT + i;
		out = sketch_sent(&in, &web2);
		draw(&in, &d, &frame);
		draw(&out, &d, &sent);
		EXPECT_FRAME(&frame, .reason = LB_OK, .verdict = XDP_TX, .backend = fx.web2,
			     .frame = &sent);
	}
	assert_int_equal(fixture_count(), 0);
}

static void test_quic_unknown_id_goes_by_the_hash(void **state)
{
	struct datagram d = short_packet(own_id, sizeof(own_id));

	(void)state;
	name_servers();
	d.bytes[4] = 0x77;
	expect_sent(&d, &web1);
}

static void test_quic_id_of_another_config_goes_by_the_hash(void **state)
{
	struct datagram d = short_packet(own_id, sizeof(own_id));

	(void)state;
	name_servers();
	d.bytes[1] = 3 << 5 | 7;
	expect_sent(&d, &web1);
}

static void test_quic_id_too_short_for_a_server_goes_by_the_hash(void **state)
{
	struct datagram d = long_packet(own_id, LENGTH);

	(void)state;
	name_servers();
	d.bytes[6 + LENGTH] = 0x0c; /* what follows the id is not of it */
	expect_sent(&d, &web1);
}

static void test_quic_id_of_a_dead_server_goes_by_the_hash(void **state)
{
	struct datagram d = short_packet(own_id, sizeof(own_id));

	(void)state;
	name_servers();
	fixture_kill(fx.web2);
	expect_sent(&d, &web1);
}

static void test_quic_server_of_another_service_is_not_ours(void **state)
{
	struct datagram d = short_packet(own_id, sizeof(own_id));

	(void)state;
	name_servers();
	fx.tables->lb_backends[fx.web2].service++;
	expect_sent(&d, &web1);
	fx.tables->lb_backends[fx.web2].service--;
}

static void test_quic_packet_that_ends_within_its_id_goes_by_the_hash(void **state)
{
	(void)state;
	name_servers();
	for (unsigned length = 0; length < 1 + 1 + LENGTH; length++) {
		struct datagram d = short_packet(own_id, sizeof(own_id));
		struct sketch in = fixture_request(), out;
		struct frame frame, sent;

		in.payload = length;
		out = sketch_sent(&in, &web1);
		frame_draw(&in, &frame);
		frame_draw(&out, &sent);
		memcpy(frame.bytes + frame_l4(&in) + 8, d.bytes, length);
		memcpy(sent.bytes + frame_l4(&in) + 8, d.bytes, length);
		EXPECT_FRAME(&frame, .reason = LB_OK, .verdict = XDP_TX, .backend = fx.web1,
			     .frame = &sent);
	}
}

static bool keeps_web3(void *arg, uint64_t server_id, uint16_t backend)
{
	(void)server_id;
	return backend == *(uint16_t *)arg;
}

static void test_quic_servers_that_are_not_kept_are_forgotten(void **state)
{
	struct datagram d = short_packet(own_id, sizeof(own_id));

	(void)state;
	name_servers();
	assert_int_equal(dataplane_keep_quic_servers(fx.dp, fx.service.id, keeps_web3, &fx.web3),
			 0);
	expect_sent(&d, &web1);
	d.bytes[4] = 0x0d;
	expect_sent(&d, &web3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST_QUIC(test_quic_short_header_goes_to_the_server_it_names),
		TEST_QUIC(test_quic_long_header_goes_to_the_server_it_names),
		TEST_QUIC(test_quic_client_may_change_its_address),
		TEST_QUIC(test_quic_unknown_id_goes_by_the_hash),
		TEST_QUIC(test_quic_id_of_another_config_goes_by_the_hash),
		TEST_QUIC(test_quic_id_too_short_for_a_server_goes_by_the_hash),
		TEST_QUIC(test_quic_id_of_a_dead_server_goes_by_the_hash),
		TEST_QUIC(test_quic_server_of_another_service_is_not_ours),
		TEST_QUIC(test_quic_packet_that_ends_within_its_id_goes_by_the_hash),
		TEST_QUIC(test_quic_servers_that_are_not_kept_are_forgotten),
	};

	return cmocka_run_group_tests_name("quic", tests, setup_all, fixture_close);
}
