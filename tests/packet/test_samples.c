/* SPDX-License-Identifier: GPL-2.0-only */
/* Connections that are followed: what bpf/sample.h makes of each packet. Root. */
#include "fixture.h"

#include <netinet/in.h>
#include <unistd.h>

#include <linux/bpf.h>

#include "lb.skel.h"

static const struct variant dsr4 = { 4, IPPROTO_TCP, LB_FORWARD_DSR, LB_SVC_SAMPLED };
static const struct variant dsr6 = { 6, IPPROTO_TCP, LB_FORWARD_DSR, LB_SVC_SAMPLED };
static const struct variant nat4 = { 4, IPPROTO_TCP, LB_FORWARD_NAT,
				     LB_SVC_TRACKED | LB_SVC_SAMPLED };
static const struct variant nat6 = { 6, IPPROTO_TCP, LB_FORWARD_NAT,
				     LB_SVC_TRACKED | LB_SVC_SAMPLED };

#define TEST_SAMPLED(test)                                                                         \
	TEST_FOR(test, "dsr_ipv4", dsr4), TEST_FOR(test, "dsr_ipv6", dsr6), TEST_TIMED(test)
#define TEST_TIMED(test) TEST_FOR(test, "nat_ipv4", nat4), TEST_FOR(test, "nat_ipv6", nat6)

static int setup_all(void **state)
{
	int err = fixture_open(state);

	if (!err)
		fixture_use_all_features();
	return err;
}

static struct lb_schedule *schedule(void)
{
	return &fx.tables->lb_schedules[fx.service.id];
}

static struct lb_load *load_of_web1(void)
{
	return &fx.tables->lb_loads[fx.web1];
}

/* The one entry in use; NULL: none. */
static struct lb_sample *sample(void)
{
	struct lb_sample *found = NULL;

	for (unsigned i = 0; i < LB_MAX_SAMPLES; i++) {
		if (!fx.tables->lb_samples[i].hash)
			continue;
		assert_null(found);
		found = &fx.tables->lb_samples[i];
	}
	return found;
}

static void put_u32(struct frame *frame, size_t at, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		frame->bytes[at + (size_t)i] = (unsigned char)(value >> (24 - 8 * i));
}

/* The checksum is wrong then: nothing here looks at it. */
static void run(struct sketch packet, uint8_t flags, uint32_t seq, uint32_t ack, unsigned payload)
{
	struct frame frame;

	packet.flags = flags;
	packet.payload = payload;
	frame_draw(&packet, &frame);
	put_u32(&frame, frame_l4(&packet) + 4, seq);
	put_u32(&frame, frame_l4(&packet) + 8, ack);
	assert_int_equal(fixture_run(&frame, FIXTURE_LO).verdict, XDP_TX);
}

static void send_client(uint8_t flags, uint32_t seq, uint32_t ack, unsigned payload)
{
	run(fixture_request(), flags, seq, ack, payload);
}

static void send_server(uint8_t flags, uint32_t seq, uint32_t ack, unsigned payload)
{
	run(fixture_reply(), flags, seq, ack, payload);
}

static void begin(void)
{
	schedule()->is_sampled = 1;
	send_client(TCP_SYN, 1000, 0, 0);
}

static void go_on(void)
{
	begin();
	send_client(TCP_ACK, 1001, 5001, 0);
}

static void test_sample_waits_for_the_handshake(void **state)
{
	(void)state;
	begin();

	assert_non_null(sample());
	assert_int_equal(sample()->state, LB_SAMPLE_SYN);
	assert_int_equal(sample()->backend, fx.web1);
	assert_int_equal(sample()->seq, 1000);
	assert_int_equal(load_of_web1()->connects, 1);
	assert_int_equal(load_of_web1()->connected, 0);
}

static void test_sample_of_a_handshake_that_went_on_owes_nothing(void **state)
{
	(void)state;
	go_on();

	assert_int_equal(sample()->state, LB_SAMPLE_IDLE);
	assert_int_equal(load_of_web1()->connected, 1);
	assert_int_equal(load_of_web1()->requests, 0);
}

static void test_sample_counts_syns_sent_again(void **state)
{
	(void)state;
	begin();
	begin();
	begin();

	assert_int_equal(sample()->retransmits, 2);
	assert_int_equal(load_of_web1()->connects, 1);
}

static void test_sample_of_a_new_syn_begins_anew(void **state)
{
	(void)state;
	go_on();
	send_client(TCP_SYN, 77000, 0, 0);

	assert_int_equal(sample()->state, LB_SAMPLE_SYN);
	assert_int_equal(sample()->seq, 77000);
	assert_int_equal(load_of_web1()->connects, 2);
}

static void test_sample_of_a_request_waits_for_its_answer(void **state)
{
	(void)state;
	go_on();
	send_client(TCP_ACK | TCP_PSH, 1001, 5001, 100);

	assert_int_equal(sample()->state, LB_SAMPLE_REQUEST);
	assert_int_equal(load_of_web1()->requests, 1);
	assert_int_equal(load_of_web1()->answered, 0);
}

static void test_sample_of_a_request_is_answered_when_the_client_acknowledges_more(void **state)
{
	(void)state;
	go_on();
	send_client(TCP_ACK | TCP_PSH, 1001, 5001, 100);
	send_client(TCP_ACK, 1101, 5301, 0);

	assert_int_equal(sample()->state, LB_SAMPLE_IDLE);
	assert_int_equal(load_of_web1()->answered, 1);
}

static void test_sample_of_a_request_is_not_answered_by_its_bare_acknowledgement(void **state)
{
	(void)state;
	go_on();
	send_client(TCP_ACK | TCP_PSH, 1001, 5001, 100);
	send_client(TCP_ACK, 1101, 5001, 0); /* a window update, a keep-alive */

	assert_int_equal(sample()->state, LB_SAMPLE_REQUEST);
	assert_int_equal(load_of_web1()->answered, 0);
}

static void test_sample_counts_requests_sent_again(void **state)
{
	(void)state;
	go_on();
	for (int i = 0; i < 4; i++)
		send_client(TCP_ACK | TCP_PSH, 1001, 5001, 100);

	assert_int_equal(sample()->retransmits, 3);
	assert_int_equal(load_of_web1()->requests, 1);
}

static void test_sample_of_a_client_that_goes_on_sending_waits_from_the_last(void **state)
{
	(void)state;
	go_on();
	send_client(TCP_ACK | TCP_PSH, 1001, 5001, 100);
	sample()->since = fx.now - 9;
	send_client(TCP_ACK | TCP_PSH, 1101, 5001, 100);

	assert_int_equal(sample()->since, fx.now);
	assert_int_equal(sample()->retransmits, 0);
	assert_int_equal(sample()->seq, 1001);

	sample()->since = fx.now - 9;
	send_client(TCP_ACK | TCP_PSH, 1101, 5001, 100); /* sent again: no progress */

	assert_int_equal(sample()->since, fx.now - 9);
}

static void test_sample_of_the_next_request_counts_again(void **state)
{
	(void)state;
	go_on();
	send_client(TCP_ACK | TCP_PSH, 1001, 5001, 100);
	send_client(TCP_ACK | TCP_PSH, 1101, 5301, 50);

	assert_int_equal(sample()->state, LB_SAMPLE_REQUEST);
	assert_int_equal(sample()->seq, 1101);
	assert_int_equal(load_of_web1()->requests, 2);
	assert_int_equal(load_of_web1()->answered, 1);
}

static void test_sample_of_a_client_that_gives_up_stays_owed(void **state)
{
	(void)state;
	go_on();
	send_client(TCP_ACK | TCP_PSH, 1001, 5001, 100);
	send_client(TCP_ACK | TCP_FIN, 1101, 5001, 0);

	assert_int_equal(sample()->state, LB_SAMPLE_REQUEST);
}

static void test_sample_of_a_client_that_resets_owes_nothing(void **state)
{
	(void)state;
	go_on();
	send_client(TCP_ACK | TCP_PSH, 1001, 5001, 100);
	send_client(TCP_RST, 1101, 0, 0);

	assert_int_equal(sample()->state, LB_SAMPLE_IDLE);
	assert_int_equal(load_of_web1()->answered, 0);
}

static void test_sample_that_failed_is_settled_by_progress_and_not_counted(void **state)
{
	(void)state;
	go_on();
	send_client(TCP_ACK | TCP_PSH, 1001, 5001, 100);
	sample()->state = LB_SAMPLE_FAILED;
	send_client(TCP_ACK | TCP_PSH, 1001, 5001, 100);
	assert_int_equal(sample()->state, LB_SAMPLE_FAILED);
	send_client(TCP_ACK, 1101, 5301, 0);

	assert_int_equal(sample()->state, LB_SAMPLE_IDLE);
	assert_int_equal(load_of_web1()->answered, 0);
}

static void test_sample_does_not_take_padding_for_data(void **state)
{
	struct sketch ack = fixture_request();

	(void)state;
	go_on();
	ack.padding = 6;
	run(ack, TCP_ACK, 1001, 5001, 0);

	assert_int_equal(sample()->state, LB_SAMPLE_IDLE);
}

static void test_sample_begins_with_a_syn_alone(void **state)
{
	(void)state;
	fixture_put(&client, CLIENT_PORT, fixture_record(fx.web1, LB_CLASS_ESTABLISHED, 0));
	schedule()->is_sampled = 1;
	send_client(TCP_ACK | TCP_PSH, 1001, 5001, 100);

	assert_null(sample());
}

static void test_sample_leaves_out_what_the_mask_does_not_draw(void **state)
{
	unsigned drawn = 0;

	(void)state;
	schedule()->is_sampled = 1;
	schedule()->sample_mask = 7;
	for (uint16_t i = 0; i < 400; i++) {
		struct sketch syn = fixture_syn();

		syn.sport += i;
		run(syn, TCP_SYN, 1000, 0, 0);
	}
	drawn = load_of_web1()->connects;

	assert_in_range(drawn, 20, 80); /* an eighth of 400, 4.5 sigma */
}

static void test_sample_gives_way_when_it_owes_nothing(void **state)
{
	struct lb_sample *taken;

	(void)state;
	begin();
	taken = sample();
	taken->hash ^= 1ULL << 63; /* another connection's, in the same place */

	send_client(TCP_SYN, 2000, 0, 0);
	assert_int_equal(taken->seq, 1000);

	taken->state = LB_SAMPLE_IDLE;
	send_client(TCP_SYN, 2000, 0, 0);
	assert_int_equal(taken->seq, 2000);
}

static void test_sample_gives_way_when_it_is_old(void **state)
{
	struct lb_sample *taken;

	(void)state;
	begin();
	taken = sample();
	taken->hash ^= 1ULL << 63;
	taken->since = fx.now - 65;

	send_client(TCP_SYN, 2000, 0, 0);

	assert_int_equal(taken->seq, 2000);
}

/* ---- nat: replies are seen ------------------------------------------------------------ */

static void test_reply_times_the_handshake_once(void **state)
{
	(void)state;
	begin();
	usleep(2000);
	send_server(TCP_SYN | TCP_ACK, 5000, 1001, 0);
	send_server(TCP_SYN | TCP_ACK, 5000, 1001, 0);

	assert_int_equal(load_of_web1()->connect_count, 1);
	assert_true(load_of_web1()->connect_us >= 2000);
	assert_int_equal(sample()->state, LB_SAMPLE_SYN); /* the client has yet to go on */
}

static void test_reply_with_data_answers_and_times_the_request(void **state)
{
	(void)state;
	go_on();
	send_client(TCP_ACK | TCP_PSH, 1001, 5001, 100);
	usleep(3000);
	send_server(TCP_ACK, 5001, 1101, 0); /* its kernel has it: no answer */
	assert_int_equal(sample()->state, LB_SAMPLE_REQUEST);
	send_server(TCP_ACK | TCP_PSH, 5001, 1101, 300);
	send_server(TCP_ACK | TCP_PSH, 5301, 1101, 300);

	assert_int_equal(sample()->state, LB_SAMPLE_IDLE);
	assert_int_equal(load_of_web1()->answered, 1);
	assert_int_equal(load_of_web1()->answer_count, 1);
	assert_true(load_of_web1()->answer_us >= 3000);
}

static void test_reply_that_resets_a_syn_is_counted(void **state)
{
	(void)state;
	begin();
	send_server(TCP_RST | TCP_ACK, 0, 1001, 0);

	assert_int_equal(load_of_web1()->resets, 1);
	assert_int_equal(sample()->state, LB_SAMPLE_IDLE);
}

static void test_reply_that_resets_an_idle_connection_is_not(void **state)
{
	(void)state;
	go_on();
	send_server(TCP_RST, 5001, 0, 0);

	assert_int_equal(load_of_web1()->resets, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST_SAMPLED(test_sample_waits_for_the_handshake),
		TEST_SAMPLED(test_sample_of_a_handshake_that_went_on_owes_nothing),
		TEST_SAMPLED(test_sample_counts_syns_sent_again),
		TEST_SAMPLED(test_sample_of_a_new_syn_begins_anew),
		TEST_SAMPLED(test_sample_of_a_request_waits_for_its_answer),
		TEST_SAMPLED(
			test_sample_of_a_request_is_answered_when_the_client_acknowledges_more),
		TEST_SAMPLED(test_sample_of_a_request_is_not_answered_by_its_bare_acknowledgement),
		TEST_SAMPLED(test_sample_counts_requests_sent_again),
		TEST_SAMPLED(test_sample_of_a_client_that_goes_on_sending_waits_from_the_last),
		TEST_SAMPLED(test_sample_of_the_next_request_counts_again),
		TEST_SAMPLED(test_sample_of_a_client_that_gives_up_stays_owed),
		TEST_SAMPLED(test_sample_of_a_client_that_resets_owes_nothing),
		TEST_SAMPLED(test_sample_that_failed_is_settled_by_progress_and_not_counted),
		TEST_SAMPLED(test_sample_does_not_take_padding_for_data),
		TEST_SAMPLED(test_sample_begins_with_a_syn_alone),
		TEST_SAMPLED(test_sample_leaves_out_what_the_mask_does_not_draw),
		TEST_SAMPLED(test_sample_gives_way_when_it_owes_nothing),
		TEST_SAMPLED(test_sample_gives_way_when_it_is_old),
		TEST_TIMED(test_reply_times_the_handshake_once),
		TEST_TIMED(test_reply_with_data_answers_and_times_the_request),
		TEST_TIMED(test_reply_that_resets_a_syn_is_counted),
		TEST_TIMED(test_reply_that_resets_an_idle_connection_is_not),
	};

	return cmocka_run_group_tests_name("samples", tests, setup_all, fixture_close);
}
