/* SPDX-License-Identifier: GPL-2.0-only */
/* The filter of `via: vip`, run by the kernel on a pair of sockets: what it lets pass arrives. */
#include <linux/filter.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "health/path_filter.h"
#include "model/addr.h"

#define PORT  20000 /* a probe's */
#define OTHER 33000 /* nobody's */

enum { TCP = 6, UDP = 17, ICMP = 1, ICMP6 = 58 };

struct frame {
	uint8_t bytes[160];
	size_t size;
};

static struct lb_addr address_of(const char *text)
{
	struct lb_addr address;

	assert_int_equal(addr_parse(text, &address), 0);
	return address;
}

static void append(struct frame *frame, const void *bytes, size_t size)
{
	assert_true(frame->size + size <= sizeof(frame->bytes));
	memcpy(frame->bytes + frame->size, bytes, size);
	frame->size += size;
}

/* append_ip - a header without options, from one address to the other */
static void append_ip(struct frame *frame, uint8_t protocol, const char *from, const char *to)
{
	struct lb_addr source = address_of(from), destination = address_of(to);

	if (addr_is_v4(&source)) {
		uint8_t ip[12] = { 0x45, [8] = 64, protocol };

		append(frame, ip, sizeof(ip));
		append(frame, &source.bytes[12], 4);
		append(frame, &destination.bytes[12], 4);
	} else {
		uint8_t ip[8] = { 0x60, [6] = protocol, 64 };

		append(frame, ip, sizeof(ip));
		append(frame, source.bytes, 16);
		append(frame, destination.bytes, 16);
	}
}

static struct frame begin(uint8_t protocol, const char *from, const char *to)
{
	static const uint8_t macs[12] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2 };
	bool is_v6 = strchr(from, ':');
	struct frame frame = {};

	append(&frame, macs, sizeof(macs));
	append(&frame, is_v6 ? "\x86\xdd" : "\x08\x00", 2);
	append_ip(&frame, protocol, from, to);
	return frame;
}

/* append_l4 - 20 bytes: ports, or what stands in their place */
static void append_l4(struct frame *frame, unsigned first, unsigned second, unsigned third)
{
	uint8_t l4[20] = { (uint8_t)(first >> 8), (uint8_t)first,	 (uint8_t)(second >> 8),
			   (uint8_t)second,	  (uint8_t)(third >> 8), (uint8_t)third };

	append(frame, l4, sizeof(l4));
}

static struct frame with_ports(uint8_t protocol, const char *from, unsigned to_port)
{
	struct frame frame = begin(protocol, from, strchr(from, ':') ? "fd00::1" : "10.0.0.1");

	append_l4(&frame, 80, to_port, 0);
	return frame;
}

static struct frame echo(uint8_t protocol, uint8_t type, const char *from, unsigned id)
{
	struct frame frame = begin(protocol, from, strchr(from, ':') ? "fd00::1" : "10.0.0.1");

	append_l4(&frame, (unsigned)type << 8, 0, id);
	return frame;
}

/* quoting - an ICMP error of a router about a packet of ours to @to */
static struct frame quoting(uint8_t protocol, uint8_t type, const char *to)
{
	bool is_v6 = strchr(to, ':');
	const char *us = is_v6 ? "fd00::1" : "10.0.0.1";
	struct frame frame = begin(protocol, is_v6 ? "fd00::99" : "10.0.0.99", us);
	uint8_t icmp[8] = { type };

	append(&frame, icmp, sizeof(icmp));
	append_ip(&frame, TCP, us, to);
	append_l4(&frame, PORT, 80, 0);
	return frame;
}

/* passes - whether the kernel, with the filter of these VIPs, lets @frame through, whole */
static bool passes_of(const struct lb_addr *vips, size_t count, const struct frame *frame)
{
	struct sock_filter insns[PATH_FILTER_MAX];
	struct sock_fprog filter = { .filter = insns };
	uint8_t got[sizeof(frame->bytes)];
	bool has_passed;
	int pair[2];

	filter.len = (unsigned short)path_filter_build(vips, count, insns);
	assert_in_range(filter.len, 1, PATH_FILTER_MAX);
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, pair), 0);
	assert_int_equal(setsockopt(pair[0], SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter)),
			 0);
	(void)!send(pair[1], frame->bytes, frame->size, 0);
	has_passed = recv(pair[0], got, sizeof(got), 0) == (ssize_t)frame->size;
	close(pair[0]);
	close(pair[1]);
	return has_passed;
}

static bool passes(struct frame frame)
{
	struct lb_addr vips[] = { address_of("198.51.100.10"), address_of("2001:db8:100::10"),
				  address_of("198.51.100.20") };

	return passes_of(vips, 3, &frame);
}

static void test_path_filter_replies_of_a_vip_pass(void **state)
{
	(void)state;

	assert_true(passes(with_ports(TCP, "198.51.100.10", PORT)));
	assert_true(passes(with_ports(UDP, "198.51.100.10", PORT)));
	assert_true(passes(with_ports(TCP, "198.51.100.20", PORT)));
	assert_true(passes(with_ports(TCP, "2001:db8:100::10", PORT)));
	assert_true(passes(with_ports(UDP, "2001:db8:100::10", PORT)));
	assert_true(passes(echo(ICMP, 0, "198.51.100.10", PORT)));
	assert_true(passes(echo(ICMP6, 129, "2001:db8:100::10", PORT)));
}

static void test_path_filter_first_and_last_port_pass_and_others_not(void **state)
{
	(void)state;

	assert_true(passes(with_ports(TCP, "198.51.100.10", 16384)));
	assert_true(passes(with_ports(TCP, "198.51.100.10", 32767)));
	assert_false(passes(with_ports(TCP, "198.51.100.10", 16383)));
	assert_false(passes(with_ports(TCP, "198.51.100.10", 32768)));
	assert_false(passes(with_ports(UDP, "198.51.100.10", OTHER)));
	assert_false(passes(with_ports(TCP, "2001:db8:100::10", OTHER)));
	assert_false(passes(echo(ICMP, 0, "198.51.100.10", OTHER)));
	assert_false(passes(echo(ICMP6, 129, "2001:db8:100::10", OTHER)));
}

static void test_path_filter_other_addresses_stop(void **state)
{
	(void)state;

	assert_false(passes(with_ports(TCP, "198.51.100.11", PORT)));
	assert_false(passes(with_ports(UDP, "2001:db8:100::11", PORT)));
	assert_false(passes(echo(ICMP, 0, "10.0.0.11", PORT)));
	assert_false(passes(echo(ICMP6, 129, "fd00::11", PORT)));
}

static void test_path_filter_errors_about_packets_to_a_vip_pass(void **state)
{
	(void)state;

	assert_true(passes(quoting(ICMP, 3, "198.51.100.10")));
	assert_true(passes(quoting(ICMP, 11, "198.51.100.20")));
	assert_true(passes(quoting(ICMP, 12, "198.51.100.10")));
	assert_true(passes(quoting(ICMP6, 1, "2001:db8:100::10")));
	assert_true(passes(quoting(ICMP6, 3, "2001:db8:100::10")));
	assert_true(passes(quoting(ICMP6, 4, "2001:db8:100::10")));
	assert_false(passes(quoting(ICMP, 3, "192.0.2.1")));
	assert_false(passes(quoting(ICMP6, 1, "fd00::11")));
}

static void test_path_filter_other_kinds_stop(void **state)
{
	struct frame later = with_ports(UDP, "198.51.100.10", PORT);
	struct frame arp = with_ports(UDP, "198.51.100.10", PORT);

	(void)state;
	later.bytes[14 + 7] = 1; /* a later fragment */
	arp.bytes[13] = 6;

	assert_false(passes(later));
	assert_false(passes(arp));
	assert_false(passes(with_ports(132, "198.51.100.10", PORT)));
	assert_false(passes(with_ports(132, "2001:db8:100::10", PORT)));
	assert_false(passes(echo(ICMP, 8, "198.51.100.10", PORT)));
	assert_false(passes(echo(ICMP6, 128, "2001:db8:100::10", PORT)));
}

static void test_path_filter_ip_options_are_skipped(void **state)
{
	struct frame frame = begin(TCP, "198.51.100.10", "10.0.0.1");

	(void)state;
	frame.bytes[14] = 0x46;
	append(&frame, "\1\1\1\0", 4);
	append_l4(&frame, 80, PORT, 0);
	assert_true(passes(frame));

	frame.bytes[frame.size - 18] = OTHER >> 8;
	assert_false(passes(frame));
}

static void test_path_filter_short_frames_stop(void **state)
{
	struct frame whole = with_ports(TCP, "198.51.100.10", PORT);

	(void)state;
	for (size_t size = 1; size < 38; size++) {
		struct frame cut = whole;

		cut.size = size;
		assert_false(passes(cut));
	}
	whole.size = 38;
	assert_true(passes(whole));
}

static void test_path_filter_no_vip_nothing_passes(void **state)
{
	struct frame frame = with_ports(TCP, "198.51.100.10", PORT);

	(void)state;
	assert_false(passes_of(NULL, 0, &frame));
}

/* One more, and ports alone decide: that is more to read, not less to see. */
static void test_path_filter_many_vips_fit(void **state)
{
	struct frame last = with_ports(TCP, "198.51.100.199", PORT);
	struct frame next = with_ports(TCP, "198.51.100.200", PORT);
	struct frame port = with_ports(TCP, "198.51.100.200", OTHER);
	struct lb_addr vips[PATH_FILTER_VIPS + 1];

	(void)state;
	for (unsigned i = 0; i < PATH_FILTER_VIPS + 1; i++) {
		char text[32];

		snprintf(text, sizeof(text), "198.51.%u.%u", i < 200 ? 100U : 101U, i % 200);
		vips[i] = address_of(text);
	}

	assert_true(passes_of(vips, PATH_FILTER_VIPS, &last));
	assert_false(passes_of(vips, PATH_FILTER_VIPS, &next));
	assert_true(passes_of(vips, PATH_FILTER_VIPS + 1, &next));
	assert_false(passes_of(vips, PATH_FILTER_VIPS + 1, &port));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_path_filter_replies_of_a_vip_pass),
		cmocka_unit_test(test_path_filter_first_and_last_port_pass_and_others_not),
		cmocka_unit_test(test_path_filter_other_addresses_stop),
		cmocka_unit_test(test_path_filter_errors_about_packets_to_a_vip_pass),
		cmocka_unit_test(test_path_filter_other_kinds_stop),
		cmocka_unit_test(test_path_filter_ip_options_are_skipped),
		cmocka_unit_test(test_path_filter_short_frames_stop),
		cmocka_unit_test(test_path_filter_no_vip_nothing_passes),
		cmocka_unit_test(test_path_filter_many_vips_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
