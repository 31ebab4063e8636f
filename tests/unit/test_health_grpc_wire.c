/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "health/grpc_wire.h"

static void test_grpc_request_for_the_server_is_an_empty_message(void **state)
{
	static const uint8_t expected[] = { 0, 0, 0, 0, 0 };
	size_t size = 0;
	uint8_t *bytes = grpc_request_new(NULL, &size);

	(void)state;
	assert_int_equal(size, sizeof(expected));
	assert_memory_equal(bytes, expected, size);
	free(bytes);

	bytes = grpc_request_new("", &size);

	assert_int_equal(size, sizeof(expected));
	free(bytes);
}

static void test_grpc_request_names_the_service(void **state)
{
	static const uint8_t expected[] = { 0, 0, 0, 0, 5, 0x0a, 3, 'w', 'e', 'b' };
	size_t size = 0;
	uint8_t *bytes = grpc_request_new("web", &size);

	(void)state;
	assert_int_equal(size, sizeof(expected));
	assert_memory_equal(bytes, expected, size);
	free(bytes);
}

static void test_grpc_request_of_a_long_name_has_a_long_length(void **state)
{
	char name[201];
	size_t size = 0;
	uint8_t *bytes;

	(void)state;
	memset(name, 'x', 200);
	name[200] = '\0';
	bytes = grpc_request_new(name, &size);

	assert_int_equal(size, 5 + 3 + 200);
	assert_int_equal(bytes[4], 203);
	assert_int_equal(bytes[6], 0xc8);
	assert_int_equal(bytes[7], 0x01);
	assert_int_equal(bytes[207], 'x');
	free(bytes);
}

#define BYTES(...) { __VA_ARGS__ }, sizeof((uint8_t[]) { __VA_ARGS__ })

static const struct {
	const char *what;
	uint8_t bytes[24];
	size_t size;
	int err;
	uint64_t status;
} responses[] = {
	{ "serving", BYTES(0, 0, 0, 0, 2, 8, 1), 0, 1 },
	{ "no field", BYTES(0, 0, 0, 0, 0), 0, 0 },
	{ "the last one counts", BYTES(0, 0, 0, 0, 4, 8, 1, 8, 2), 0, 2 },
	{ "unknown varint", BYTES(0, 0, 0, 0, 5, 0x10, 0x80, 1, 8, 1), 0, 1 },
	{ "unknown text", BYTES(0, 0, 0, 0, 6, 0x12, 2, 8, 9, 8, 1), 0, 1 },
	{ "unknown fixed64", BYTES(0, 0, 0, 0, 11, 0x11, 0, 0, 0, 0, 0, 0, 0, 0, 8, 1), 0, 1 },
	{ "unknown fixed32", BYTES(0, 0, 0, 0, 7, 0x15, 0, 0, 0, 0, 8, 1), 0, 1 },
	{ "large value", BYTES(0, 0, 0, 0, 4, 8, 0xff, 0xff, 3), 0, 65535 },
	{ "nothing", BYTES(0), -EBADMSG, 0 },
	{ "cut prefix", BYTES(0, 0, 0, 0), -EBADMSG, 0 },
	{ "cut message", BYTES(0, 0, 0, 0, 2, 8), -EBADMSG, 0 },
	{ "two messages", BYTES(0, 0, 0, 0, 2, 8, 1, 0, 0, 0, 0, 0), -EBADMSG, 0 },
	{ "length beyond all", BYTES(0, 0xff, 0xff, 0xff, 0xff, 8, 1), -EBADMSG, 0 },
	{ "compressed", BYTES(1, 0, 0, 0, 2, 8, 1), -EOPNOTSUPP, 0 },
	{ "cut varint", BYTES(0, 0, 0, 0, 2, 8, 0x80), -EBADMSG, 0 },
	{ "endless varint",
	  BYTES(0, 0, 0, 0, 12, 8, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1), -EBADMSG,
	  0 },
	{ "text longer than the message", BYTES(0, 0, 0, 0, 3, 0x12, 9, 8), -EBADMSG, 0 },
	{ "cut fixed64", BYTES(0, 0, 0, 0, 3, 0x11, 0, 0), -EBADMSG, 0 },
	{ "cut fixed32", BYTES(0, 0, 0, 0, 3, 0x15, 0, 0), -EBADMSG, 0 },
	{ "a group", BYTES(0, 0, 0, 0, 1, 0x0b), -EBADMSG, 0 },
};

static void test_grpc_response_is_read_or_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(responses) / sizeof(responses[0]); i++) {
		uint64_t status = 77;
		uint8_t *bytes = malloc(responses[i].size); /* no byte beyond: ASan sees more */
		int err;

		memcpy(bytes, responses[i].bytes, responses[i].size);
		err = grpc_response_read(bytes, responses[i].size, &status);

		if (err != responses[i].err || status != (err ? 77 : responses[i].status))
			fail_msg("%s: %d, status %d", responses[i].what, err, (int)status);
		free(bytes);
	}
}

static void test_grpc_message_is_decoded_and_printable(void **state)
{
	static const struct {
		const char *text;
		const char *decoded;
	} cases[] = {
		{ "plain", "plain" }, { "a%20b%25", "a b%" },
		{ "%", "%" },	      { "%4", "%4" },
		{ "%zz", "%zz" },     { "%0a\x01\xff", "???" },
		{ "", "" },	      { "0123456789abcdef", "0123456789abcde" },
	};
	char buf[16];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		grpc_message_decode(cases[i].text, strlen(cases[i].text), buf, sizeof(buf));

		assert_string_equal(buf, cases[i].decoded);
	}
}

static void test_grpc_names_end_in_a_question_mark(void **state)
{
	(void)state;
	assert_string_equal(grpc_serving_name(2), "NOT_SERVING");
	assert_string_equal(grpc_serving_name(4), "?");
	assert_string_equal(grpc_status_name(14), "UNAVAILABLE");
	assert_string_equal(grpc_status_name(16), "UNAUTHENTICATED");
	assert_string_equal(grpc_status_name(17), "?");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_grpc_request_for_the_server_is_an_empty_message),
		cmocka_unit_test(test_grpc_request_names_the_service),
		cmocka_unit_test(test_grpc_request_of_a_long_name_has_a_long_length),
		cmocka_unit_test(test_grpc_response_is_read_or_refused),
		cmocka_unit_test(test_grpc_message_is_decoded_and_printable),
		cmocka_unit_test(test_grpc_names_end_in_a_question_mark),
	};

	return cmocka_run_group_tests_name("health_grpc_wire", tests, NULL, NULL);
}
