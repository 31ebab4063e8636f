/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Services and backends' reply keys are found wherever they were placed: in either set, and
 * after others have displaced them. Root.
 */
#include "fixture.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include <netinet/in.h>

#include <linux/bpf.h>

#include "lb.skel.h"

#define SERVICES (LB_MAX_SERVICES - 16)
#define REPLIES	 20000
#define FIRST_ID 1000 /* of backends; below are the fixture's */

struct place {
	struct lb_addr ip;
	uint16_t port;
	uint8_t proto;
	bool is_there;
};

static struct place services[SERVICES];
static struct place replies[REPLIES];

/* Addresses of either family, some of them with many ports: what operators make, and worse. */
static struct place random_place(const struct host *host)
{
	int family = random() % 2 ? 4 : 6;
	struct place place = {
		.ip = *host_ip(host, family),
		.port = (uint16_t)(random() % 4 ? random() : 80),
		.proto = random() % 3 ? IPPROTO_TCP : IPPROTO_UDP,
	};

	place.ip.bytes[15] = (uint8_t)random();
	place.ip.bytes[14] = (uint8_t)random();
	if (random() % 2)
		place.ip.bytes[13] = (uint8_t)random();
	if (family == 6 && random() % 2)
		place.ip.bytes[7] = (uint8_t)random(); /* in the upper half */
	place.is_there = true;
	return place;
}

static uint8_t family_of(const struct place *place)
{
	return place->ip.halves[0] ? 6 : 4;
}

static uint32_t key_word(const struct place *place)
{
	return (uint32_t)htons(place->port) | (uint32_t)place->proto << 16 |
	       (uint32_t)family_of(place) << 24;
}

static struct lb_service row_of(const struct place *place)
{
	struct lb_service row = fx.service;

	row.vip = place->ip;
	row.port = htons(place->port);
	row.proto = place->proto;
	row.family = family_of(place);
	return row;
}

static struct sketch packet_for(const struct place *place)
{
	struct sketch in = fixture_request();

	in.family = family_of(place);
	in.src = *host_ip(&client, in.family);
	in.dst = place->ip;
	in.dport = place->port;
	in.proto = place->proto;
	return in;
}

/* 0: in its first set, 1: in its second, -1: in neither. */
static int set_of(const struct place *place, size_t row, uint32_t sets)
{
	uint64_t hash = lb_hash_addr(place->ip.halves[0], place->ip.halves[1], key_word(place),
				     dataplane_node(fx.dp)->hash_key[0]);

	if (row / 2 == lb_set_first(hash, sets - 1))
		return 0;
	return row / 2 == lb_set_second(hash, sets - 1) ? 1 : -1;
}

static size_t row_of_service(const struct place *place)
{
	for (size_t i = 0; i < (size_t)LB_SERVICE_SETS * LB_SERVICE_WAYS; i++) {
		const struct lb_service *row = &fx.tables->lb_services[i];

		if (row->key_word == key_word(place) &&
		    !memcmp(&row->vip, &place->ip, sizeof(place->ip)))
			return i;
	}
	fail_msg("a service has no row");
	return 0;
}

/* Each packet's verdict; cheaper than all that fixture_expect() looks at. */
static void expect_verdict(const struct place *place, int verdict)
{
	struct sketch in = packet_for(place);
	struct frame frame;

	frame_draw(&in, &frame);
	assert_int_equal(fixture_run(&frame, FIXTURE_LO).verdict, verdict);
}

static bool is_double(size_t i)
{
	for (size_t j = 0; j < i; j++) {
		if (key_word(&services[j]) == key_word(&services[i]) &&
		    !memcmp(&services[j].ip, &services[i].ip, sizeof(services[i].ip)))
			return true;
	}
	return false;
}

static void test_lookup_every_service_is_found(void **state)
{
	static size_t rows[SERVICES];
	unsigned seconds = 0, displaced = 0;

	(void)state;
	srandom(41);
	for (size_t i = 0; i < SERVICES; i++) {
		struct lb_service row;

		do
			services[i] = random_place(&vip);
		while (is_double(i));
		row = row_of(&services[i]);
		assert_int_equal(dataplane_put_service(fx.dp, &row), 0);
		rows[i] = row_of_service(&services[i]);
	}

	for (size_t i = 0; i < SERVICES; i++) {
		size_t row = row_of_service(&services[i]);

		expect_verdict(&services[i], XDP_TX);
		assert_int_not_equal(set_of(&services[i], row, LB_SERVICE_SETS), -1);
		seconds += set_of(&services[i], row, LB_SERVICE_SETS) == 1;
		displaced += row != rows[i];
	}
	assert_true(seconds > 0); /* the test has met what it is about */
	assert_true(displaced > 0);
}

/* Runs on what the test before has made. */
static void test_lookup_removed_services_are_gone_and_others_stay(void **state)
{
	(void)state;
	for (size_t i = 0; i < SERVICES; i += 2) {
		struct lb_service row = row_of(&services[i]);

		assert_int_equal(dataplane_del_service(fx.dp, &row), 0);
		services[i].is_there = false;
	}

	for (size_t i = 0; i < SERVICES; i++)
		expect_verdict(&services[i], services[i].is_there ? XDP_TX : XDP_PASS);
}

static void test_lookup_service_counts_for_its_backend(void **state)
{
	struct sketch in = packet_for(&services[1]), out;

	(void)state;
	out = sketch_sent(&in, &web1);
	EXPECT(&in, &out, .verdict = XDP_TX, .backend = fx.web1);
}

/* ---- replies ------------------------------------------------------------------------------ */

static uint64_t passed_as(enum lb_reason reason)
{
	uint64_t reasons[LB_REASON_COUNT];

	assert_int_equal(dataplane_read_reasons(fx.dp, reasons), 0);
	return reasons[reason];
}

static int put_reply(size_t i)
{
	struct lb_backend row = {
		.address = replies[i].ip,
		.port = htons(replies[i].port),
		.vip = *host_ip(&vip, family_of(&replies[i])),
		.vip_port = htons(VIP_PORT),
		.proto = replies[i].proto,
		.service = fx.service.id,
	};

	return dataplane_put_backend(fx.dp, (uint16_t)(FIRST_ID + i), &row, fx.service.seed, true);
}

static void run_replies(void)
{
	for (size_t i = 0; i < REPLIES; i++) {
		struct sketch in = packet_for(&replies[i]);
		struct frame frame;

		in.src = replies[i].ip;
		in.sport = replies[i].port;
		in.dst = *host_ip(&client, in.family);
		in.dport = CLIENT_PORT;
		frame_draw(&in, &frame);
		assert_int_equal(fixture_run(&frame, FIXTURE_LO).verdict, XDP_PASS);
	}
}

/* Of a backend that is known as one, but without a connection. */
static void test_lookup_every_reply_key_is_found(void **state)
{
	unsigned seconds = 0;
	uint64_t before;

	(void)state;
	srandom(42);
	for (size_t i = 0; i < REPLIES; i++) {
		replies[i] = random_place(&web1);
		replies[i].ip.bytes[12] = (uint8_t)(16 + i / 0x1000); /* so that none comes twice */
		replies[i].ip.bytes[11] = family_of(&replies[i]) == 4 ? 0xff : (uint8_t)i;
		replies[i].port = (uint16_t)(1024 + (i & 0xfff));
		assert_int_equal(put_reply(i), 0);
	}
	for (size_t i = 0; i < (size_t)LB_REPLY_SETS * LB_REPLY_WAYS; i++) {
		const struct lb_reply *row = &fx.tables->lb_replies[i];

		if (row->key_word && row->backend >= FIRST_ID)
			seconds += set_of(&replies[row->backend - FIRST_ID], i, LB_REPLY_SETS) == 1;
	}
	before = passed_as(LB_NO_REPLY_FLOW);

	run_replies();

	assert_int_equal(passed_as(LB_NO_REPLY_FLOW) - before, REPLIES);
	assert_true(seconds > 0);
}

static void test_lookup_removed_reply_keys_are_gone_and_others_stay(void **state)
{
	uint64_t before = passed_as(LB_NO_REPLY_FLOW), other = passed_as(LB_NOT_SERVICE);

	(void)state;
	for (size_t i = 0; i < REPLIES; i += 2)
		dataplane_del_backend(fx.dp, (uint16_t)(FIRST_ID + i));

	run_replies();

	assert_int_equal(passed_as(LB_NO_REPLY_FLOW) - before, REPLIES / 2);
	assert_int_equal(passed_as(LB_NOT_SERVICE) - other, REPLIES / 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_lookup_every_service_is_found, fixture_setup),
		cmocka_unit_test_setup(test_lookup_removed_services_are_gone_and_others_stay,
				       fixture_setup),
		cmocka_unit_test_setup(test_lookup_service_counts_for_its_backend, fixture_setup),
		cmocka_unit_test_setup(test_lookup_every_reply_key_is_found, fixture_setup),
		cmocka_unit_test_setup(test_lookup_removed_reply_keys_are_gone_and_others_stay,
				       fixture_setup),
	};

	return cmocka_run_group_tests_name("lookup", tests, fixture_open, fixture_close);
}
