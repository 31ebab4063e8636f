/* SPDX-License-Identifier: GPL-2.0-only */
#include "dataplane/csum.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "model/addr.h"

/* what the data path does with a difference */
static uint16_t apply(uint16_t checksum, uint16_t difference)
{
	uint32_t sum = (uint16_t)~checksum + (uint32_t)difference;

	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static uint16_t checksum(const void *bytes, size_t words)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < words; i++) {
		uint16_t word;

		memcpy(&word, (const char *)bytes + 2 * i, 2);
		sum += word;
	}
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

/* 0x0000 and 0xffff are the same number in one's complement */
static void assert_same_checksum(uint16_t a, uint16_t b)
{
	assert_int_equal(a % 0xffff, b % 0xffff);
}

static struct lb_backend make_backend(const char *vip, uint16_t vip_port, const char *address,
				      uint16_t port)
{
	struct lb_backend row = { .vip_port = vip_port, .port = port };

	assert_int_equal(addr_parse(vip, &row.vip), 0);
	assert_int_equal(addr_parse(address, &row.address), 0);
	return row;
}

static void test_csum_difference_many_words_equals_recomputation(void **state)
{
	uint16_t words[20], changed[20];
	uint32_t random = 1;

	(void)state;
	for (int round = 0; round < 1000; round++) {
		uint16_t difference;

		for (size_t i = 0; i < 20; i++) {
			random = random * 1664525 + 1013904223;
			words[i] = (uint16_t)(random >> 16);
			changed[i] = i < 8 ? (uint16_t) ~(random >> 9) : words[i];
		}

		difference = csum_difference(words, changed, 8);

		assert_same_checksum(apply(checksum(words, 20), difference), checksum(changed, 20));
		assert_same_checksum(apply(checksum(changed, 20), (uint16_t)~difference),
				     checksum(words, 20));
	}
}

static void test_csum_difference_nothing_changed_changes_nothing(void **state)
{
	const uint16_t words[2] = { 0x1234, 0xfffe };
	uint16_t difference;

	(void)state;
	difference = csum_difference(words, words, 2);

	assert_same_checksum(apply(0xabcd, difference), 0xabcd);
}

static void test_csum_set_backend_ipv4_covers_address_and_port(void **state)
{
	struct lb_backend row = make_backend("198.51.100.10", 0x5000, "10.0.0.2", 0x901f);
	uint16_t segment[6], translated[6];

	(void)state;
	memcpy(segment, row.vip.bytes + 12, 4);
	memcpy(translated, row.address.bytes + 12, 4);
	segment[2] = row.vip_port;
	translated[2] = row.port;
	for (size_t i = 3; i < 6; i++)
		segment[i] = translated[i] = (uint16_t)(0x7777 * i);

	csum_set_backend(&row);

	assert_same_checksum(apply(checksum(segment, 6), row.csum_l4), checksum(translated, 6));
	assert_same_checksum(apply(checksum(segment, 2), row.csum_l3), checksum(translated, 2));
}

static void test_csum_set_backend_ipv6_leaves_l3_alone(void **state)
{
	struct lb_backend row = make_backend("2001:db8::10", 0x5000, "2001:db8:1::2", 0x5000);
	uint16_t address[8], translated[8];

	(void)state;
	memcpy(address, row.vip.bytes, 16);
	memcpy(translated, row.address.bytes, 16);

	csum_set_backend(&row);

	assert_int_equal(row.csum_l3, 0);
	assert_same_checksum(apply(checksum(address, 8), row.csum_l4), checksum(translated, 8));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_csum_difference_many_words_equals_recomputation),
		cmocka_unit_test(test_csum_difference_nothing_changed_changes_nothing),
		cmocka_unit_test(test_csum_set_backend_ipv4_covers_address_and_port),
		cmocka_unit_test(test_csum_set_backend_ipv6_leaves_l3_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
