/* SPDX-License-Identifier: GPL-2.0-only */
/* DNS messages, and the dns probe against a server on loopback. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "datagram_server.h"
#include "health/dns_message.h"
#include "health_fixture.h"

#define TYPE_A	    1
#define TYPE_AAAA   28
#define NOERROR	    0
#define SERVFAIL    2
#define NXDOMAIN    3
#define HEADER	    12
#define AT_FLAGS    2
#define AT_RCODE    3
#define AT_COUNT    5
#define TRUNCATED   0x02
#define LABEL_OF_61 "a23456789b23456789c23456789d23456789e23456789f23456789g234567"
#define LONG_LABEL  "a23456789b23456789c23456789d23456789e23456789f23456789g23456789"

/* ---- messages ----------------------------------------------------------- */

static void test_dns_query_is_the_one_of_the_rfc(void **state)
{
	static const uint8_t expected[] = { 0,	 0,   1,   0,	0,   1, 0,   0,	  0,   0,   0,
					    0,	 3,   'w', 'w', 'w', 4, 'l', 'e', 'a', 't', 4,
					    't', 'e', 's', 't', 0,   0, 28,  0,	  1 };
	struct dns_query query;

	(void)state;
	assert_int_equal(dns_query_build("www.leat.test", TYPE_AAAA, &query), 0);

	assert_int_equal(query.size, sizeof(expected));
	assert_memory_equal(query.bytes, expected, sizeof(expected));
}

static void test_dns_query_names_are_checked(void **state)
{
	static const struct {
		const char *name;
		int result;
		size_t size; /* of the name in the query */
	} rows[] = {
		{ ".", 0, 1 },
		{ "leat", 0, 6 },
		{ "leat.", 0, 6 },
		{ LONG_LABEL, 0, 65 },
		{ LONG_LABEL "x", -EINVAL, 0 },
		{ LONG_LABEL "." LONG_LABEL "." LONG_LABEL "." LONG_LABEL, -EINVAL, 0 },
		/* a label of 61 bytes makes it 255 in all, one of 62 one too many */
		{ LONG_LABEL "." LONG_LABEL "." LONG_LABEL "." LABEL_OF_61, 0, 255 },
		{ LONG_LABEL "." LONG_LABEL "." LONG_LABEL "." LABEL_OF_61 "x", -EINVAL, 0 },
		{ "", -EINVAL, 0 },
		{ "..", -EINVAL, 0 },
		{ ".leat", -EINVAL, 0 },
		{ "www..leat", -EINVAL, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct dns_query query = { .size = 99 };

		if (dns_query_build(rows[i].name, TYPE_A, &query) != rows[i].result)
			fail_msg("\"%s\" should give %d", rows[i].name, rows[i].result);
		assert_int_equal(query.size, rows[i].result ? 99 : HEADER + rows[i].size + 4);
	}
}

static struct dns_query query_of(const char *name)
{
	struct dns_query query;

	assert_int_equal(dns_query_build(name, TYPE_A, &query), 0);
	query.bytes[0] = 0x12;
	query.bytes[1] = 0x34;
	return query;
}

/* @query as a server returns it */
static struct dns_query answer_to(const struct dns_query *query, unsigned rcode)
{
	struct dns_query reply = *query;

	reply.bytes[AT_FLAGS] |= 0x80;
	reply.bytes[AT_RCODE] = (uint8_t)(0x80 | rcode);
	return reply;
}

static int read_reply(const struct dns_query *reply, const struct dns_query *query, unsigned *rcode)
{
	return dns_reply_read(reply->bytes, reply->size, query, rcode);
}

static void test_dns_reply_gives_its_rcode(void **state)
{
	struct dns_query query = query_of("leat.test");
	struct dns_query reply = answer_to(&query, NXDOMAIN);
	unsigned rcode = 99;

	(void)state;
	assert_int_equal(read_reply(&reply, &query, &rcode), 0);
	assert_int_equal(rcode, NXDOMAIN);
}

static void test_dns_reply_truncated_counts(void **state)
{
	struct dns_query query = query_of("leat.test");
	struct dns_query reply = answer_to(&query, NOERROR);
	unsigned rcode = 99;

	(void)state;
	reply.bytes[AT_FLAGS] |= TRUNCATED;

	assert_int_equal(read_reply(&reply, &query, &rcode), 0);
	assert_int_equal(rcode, NOERROR);
}

static void test_dns_reply_in_other_letters_counts(void **state)
{
	struct dns_query query = query_of("leat.test");
	struct dns_query reply = answer_to(&query, NOERROR);
	unsigned rcode = 99;

	(void)state;
	reply.bytes[HEADER + 1] = 'L';

	assert_int_equal(read_reply(&reply, &query, &rcode), 0);
}

static void test_dns_reply_of_another_id_is_not_ours(void **state)
{
	struct dns_query query = query_of("leat.test");
	struct dns_query reply = answer_to(&query, NOERROR);
	unsigned rcode = 99;

	(void)state;
	reply.bytes[1]++;

	assert_int_equal(read_reply(&reply, &query, &rcode), -EAGAIN);
	assert_int_equal(rcode, 99);
}

static void test_dns_reply_that_is_none_is_refused(void **state)
{
	struct dns_query query = query_of("leat.test");
	struct dns_query other = query_of("leaf.test");
	struct dns_query other_reply = answer_to(&other, NOERROR);
	struct dns_query not_reply = query;
	struct dns_query status = answer_to(&query, NOERROR);
	struct dns_query type = answer_to(&query, NOERROR);
	struct dns_query no_question = answer_to(&query, NOERROR);
	unsigned rcode = 99;

	(void)state;
	status.bytes[AT_FLAGS] |= 2 << 3;
	type.bytes[type.size - 3] = TYPE_AAAA;
	no_question.bytes[AT_COUNT] = 0;

	assert_int_equal(read_reply(&other_reply, &query, &rcode), -EBADMSG);
	assert_int_equal(read_reply(&not_reply, &query, &rcode), -EBADMSG);
	assert_int_equal(read_reply(&status, &query, &rcode), -EBADMSG);
	assert_int_equal(read_reply(&type, &query, &rcode), -EBADMSG);
	assert_int_equal(read_reply(&no_question, &query, &rcode), -EBADMSG);
	assert_int_equal(rcode, 99);
}

static void test_dns_reply_without_a_question_may_report_an_error(void **state)
{
	struct dns_query query = query_of("leat.test");
	struct dns_query reply = answer_to(&query, SERVFAIL);
	unsigned rcode = 99;

	(void)state;
	reply.bytes[AT_COUNT] = 0;
	reply.size = HEADER;

	assert_int_equal(read_reply(&reply, &query, &rcode), 0);
	assert_int_equal(rcode, SERVFAIL);
}

/* under ASan: no byte beyond any of these is read */
static void test_dns_reply_cut_anywhere_is_refused(void **state)
{
	struct dns_query query = query_of("leat.test");
	struct dns_query reply = answer_to(&query, NOERROR);
	unsigned rcode = 99;

	(void)state;
	for (size_t size = 0; size < reply.size; size++) {
		uint8_t *cut = malloc(size ? size : 1);
		int expected = size < 2 ? -EAGAIN : -EBADMSG;

		memcpy(cut, reply.bytes, size);
		assert_int_equal(dns_reply_read(cut, size, &query, &rcode), expected);
		free(cut);
	}
	assert_int_equal(rcode, 99);
}

static void test_dns_reason_names_rcodes(void **state)
{
	char reason[96];

	(void)state;
	dns_reason(SERVFAIL, 1 << NOERROR, reason, sizeof(reason));
	assert_string_equal(reason, "rcode SERVFAIL, expected NOERROR");
	dns_reason(13, 1 << NOERROR | 1 << NXDOMAIN, reason, sizeof(reason));
	assert_string_equal(reason, "rcode 13, expected NOERROR, NXDOMAIN");
	dns_reason(5, 0xffff, reason, sizeof(reason));
	assert_int_equal(strlen(reason), sizeof(reason) - 1);
}

/* ---- the probe ---------------------------------------------------------- */

/** struct script - how the server answers */
struct script {
	unsigned rcode;
	bool is_late;	  /* with what was asked before */
	bool is_confused; /* of another question */
};

static int answer_query(struct datagram_server *s, uint8_t *reply)
{
	const struct script *script = s->arg;
	const uint8_t *query = script->is_late ? s->before : s->request;
	size_t size = script->is_late ? s->before_size : s->request_size;

	if (!size)
		return -1;
	memcpy(reply, query, size);
	reply[AT_FLAGS] |= 0x80;
	reply[AT_RCODE] = (uint8_t)(0x80 | script->rcode);
	if (script->is_confused)
		reply[HEADER + 1]++;
	return (int)size;
}

static int answer_nothing(struct datagram_server *s, uint8_t *reply)
{
	(void)s;
	(void)reply;
	return -1;
}

static struct model_health dns_settings(void)
{
	static char name[] = "www.leat.test";
	struct model_health s = tcp_settings();

	s.type = PROBE_DNS;
	s.timeout_ms = 10000;
	s.query_name = name;
	s.query_type = TYPE_A;
	s.expect_rcodes = 1 << NOERROR;
	return s;
}

static struct health_state decide(struct fixture *fx, const struct datagram_server *server,
				  const struct model_health *settings)
{
	assert_int_equal(fixture_set(fx, 1, "127.0.0.1", server->port, settings, 0), 0);
	fixture_run_until(fx, has_changes, 1);
	return fx->changes[0].state;
}

static void test_health_dns_expected_rcode_is_up(void **state)
{
	struct fixture *fx = *state;
	struct script script = { .rcode = NOERROR };
	struct datagram_server server = { .answer = answer_query, .arg = &script };
	struct model_health settings = dns_settings();
	struct health_state seen;

	datagram_server_start(&server, fx->base, "127.0.0.1");
	seen = decide(fx, &server, &settings);

	assert_true(seen.is_up);
	assert_string_equal(seen.reason, "rcode NOERROR");
	assert_memory_equal(server.request + HEADER, "\3www\4leat\4test\0\0\1\0\1", 19);
	datagram_server_stop(&server);
}

static void test_health_dns_other_rcode_is_down(void **state)
{
	struct fixture *fx = *state;
	struct script script = { .rcode = SERVFAIL };
	struct datagram_server server = { .answer = answer_query, .arg = &script };
	struct model_health settings = dns_settings();
	struct health_state seen;

	datagram_server_start(&server, fx->base, "127.0.0.1");
	seen = decide(fx, &server, &settings);

	assert_false(seen.is_up);
	assert_string_equal(seen.reason, "rcode SERVFAIL, expected NOERROR");
	datagram_server_stop(&server);
}

static void test_health_dns_rcodes_may_be_several(void **state)
{
	struct fixture *fx = *state;
	struct script script = { .rcode = NXDOMAIN };
	struct datagram_server server = { .answer = answer_query, .arg = &script };
	struct model_health settings = dns_settings();
	struct health_state seen;

	settings.expect_rcodes |= 1 << NXDOMAIN;
	datagram_server_start(&server, fx->base, "127.0.0.1");
	seen = decide(fx, &server, &settings);

	assert_true(seen.is_up);
	assert_string_equal(seen.reason, "rcode NXDOMAIN");
	datagram_server_stop(&server);
}

static void test_health_dns_ids_differ_from_probe_to_probe(void **state)
{
	struct fixture *fx = *state;
	struct script script = {};
	struct datagram_server server = { .answer = answer_query, .arg = &script };
	struct model_health settings = dns_settings();
	bool has_changed = false;
	uint8_t first[2];

	datagram_server_start(&server, fx->base, "127.0.0.1");
	decide(fx, &server, &settings);
	memcpy(first, server.request, 2);
	for (unsigned n = 2; n < 8; n++) { /* six equal ids in a row: once in 2^96 */
		fixture_run_until(fx, has_probes, n);
		has_changed |= memcmp(first, server.request, 2) != 0;
	}

	assert_true(has_changed);
	datagram_server_stop(&server);
}

static void test_health_dns_late_answers_are_not_ours(void **state)
{
	struct fixture *fx = *state;
	struct script script = { .is_late = true };
	struct datagram_server server = { .answer = answer_query, .arg = &script };
	struct model_health settings = dns_settings();

	settings.timeout_ms = 40;
	datagram_server_start(&server, fx->base, "127.0.0.1");
	fixture_set(fx, 1, "127.0.0.1", server.port, &settings, 0);
	fixture_run_until(fx, has_probes, 3);

	assert_false(fixture_state(fx, 1).is_up);
	assert_string_equal(fx->changes[0].state.reason,
			    "timeout after 40 ms waiting for an answer");
	assert_string_equal(fixture_state(fx, 1).reason,
			    "timeout after 40 ms waiting for an answer: what came has another id");
	server.answer = answer_nothing;
	fixture_run_until(fx, has_probes, 6);
	assert_string_equal(fixture_state(fx, 1).reason,
			    "timeout after 40 ms waiting for an answer");
	datagram_server_stop(&server);
}

static void test_health_dns_answer_to_another_question_is_down(void **state)
{
	struct fixture *fx = *state;
	struct script script = { .is_confused = true };
	struct datagram_server server = { .answer = answer_query, .arg = &script };
	struct model_health settings = dns_settings();
	struct health_state seen;

	datagram_server_start(&server, fx->base, "127.0.0.1");
	seen = decide(fx, &server, &settings);

	assert_false(seen.is_up);
	assert_string_equal(seen.reason, "the reply is no answer to the question");
	datagram_server_stop(&server);
}

static void test_health_dns_closed_port_is_unreachable(void **state)
{
	struct fixture *fx = *state;
	struct datagram_server server = { .answer = answer_query };
	struct model_health settings = dns_settings();
	struct health_state seen;

	datagram_server_start(&server, fx->base, "127.0.0.1");
	datagram_server_stop(&server);
	seen = decide(fx, &server, &settings);

	assert_false(seen.is_up);
	assert_string_equal(seen.reason, "port unreachable");
}

static void test_health_dns_impossible_name_is_refused(void **state)
{
	static char name[] = "www..leat";
	struct fixture *fx = *state;
	struct model_health settings = dns_settings();

	settings.query_name = name;

	assert_int_equal(fixture_set(fx, 1, "127.0.0.1", 53, &settings, 0), -EINVAL);
}

#define HEALTH_TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dns_query_is_the_one_of_the_rfc),
		cmocka_unit_test(test_dns_query_names_are_checked),
		cmocka_unit_test(test_dns_reply_gives_its_rcode),
		cmocka_unit_test(test_dns_reply_truncated_counts),
		cmocka_unit_test(test_dns_reply_in_other_letters_counts),
		cmocka_unit_test(test_dns_reply_of_another_id_is_not_ours),
		cmocka_unit_test(test_dns_reply_that_is_none_is_refused),
		cmocka_unit_test(test_dns_reply_without_a_question_may_report_an_error),
		cmocka_unit_test(test_dns_reply_cut_anywhere_is_refused),
		cmocka_unit_test(test_dns_reason_names_rcodes),
		HEALTH_TEST(test_health_dns_expected_rcode_is_up),
		HEALTH_TEST(test_health_dns_other_rcode_is_down),
		HEALTH_TEST(test_health_dns_rcodes_may_be_several),
		HEALTH_TEST(test_health_dns_ids_differ_from_probe_to_probe),
		HEALTH_TEST(test_health_dns_late_answers_are_not_ours),
		HEALTH_TEST(test_health_dns_answer_to_another_question_is_down),
		HEALTH_TEST(test_health_dns_closed_port_is_unreachable),
		HEALTH_TEST(test_health_dns_impossible_name_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
