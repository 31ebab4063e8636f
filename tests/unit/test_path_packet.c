/* SPDX-License-Identifier: GPL-2.0-only */
/* Whose packets of `via: vip` are, and their frames. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "health/path_packet.h"
#include "health/probe.h"
#include "model/addr.h"

#define PORT 0x4e20 /* 20000 */

static const char *const gateway[] = { "10.0.0.1", "fd00::1" };
static const char *const vip[] = { "198.51.100.10", "2001:db8:100::10" };
static const char *const router[] = { "10.0.0.99", "fd00::99" };

enum { V4, V6 };
enum { ICMP = 1, TCP = 6, UDP = 17, ICMP6 = 58, SCTP = 132 };

struct packet {
	uint8_t bytes[160];
	size_t size;
};

static struct lb_addr address_of(const char *text)
{
	struct lb_addr address;

	assert_int_equal(addr_parse(text, &address), 0);
	return address;
}

static void append(struct packet *packet, const void *bytes, size_t size)
{
	assert_true(packet->size + size <= sizeof(packet->bytes));
	memcpy(packet->bytes + packet->size, bytes, size);
	packet->size += size;
}

static struct packet begin(unsigned f, uint8_t protocol, const char *from, const char *to)
{
	struct lb_addr source = address_of(from), destination = address_of(to);
	static const uint8_t v4[12] = { 0x45, [8] = 2 }, v6[8] = { 0x60, [7] = 2 };
	struct packet packet = {};

	if (f == V4) {
		append(&packet, v4, sizeof(v4));
		packet.bytes[9] = protocol;
		append(&packet, &source.bytes[12], 4);
		append(&packet, &destination.bytes[12], 4);
	} else {
		append(&packet, v6, sizeof(v6));
		packet.bytes[6] = protocol;
		append(&packet, source.bytes, 16);
		append(&packet, destination.bytes, 16);
	}
	return packet;
}

static void append_ports(struct packet *packet, unsigned from, unsigned to)
{
	uint8_t ports[8] = { (uint8_t)(from >> 8), (uint8_t)from, (uint8_t)(to >> 8), (uint8_t)to };

	append(packet, ports, sizeof(ports));
}

static void append_icmp(struct packet *packet, uint8_t type, unsigned id)
{
	uint8_t icmp[8] = { type, [4] = (uint8_t)(id >> 8), (uint8_t)id };

	append(packet, icmp, sizeof(icmp));
}

static struct packet sent(unsigned f, uint8_t protocol)
{
	struct packet packet = begin(f, protocol, gateway[f], vip[f]);

	append_ports(&packet, PORT, 80);
	return packet;
}

static void assert_key(const struct path_key *key, unsigned f)
{
	struct lb_addr near = address_of(gateway[f]), far = address_of(vip[f]);

	assert_memory_equal(&key->near, &near, sizeof(near));
	assert_memory_equal(&key->far, &far, sizeof(far));
	assert_int_equal(key->port, PORT);
}

static void test_path_sent_packet_is_known_by_its_source_port(void **state)
{
	static const uint8_t protocols[] = { TCP, UDP };

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		struct packet packet = sent(i % 2, protocols[i / 2]);
		struct path_key key;

		assert_int_equal(path_key_of_sent(packet.bytes, packet.size, &key), 0);
		assert_key(&key, i % 2);
	}
}

static void test_path_reply_is_known_by_its_destination_port(void **state)
{
	(void)state;
	for (unsigned f = V4; f <= V6; f++) {
		struct packet packet = begin(f, TCP, vip[f], gateway[f]);
		struct path_key key;

		append_ports(&packet, 80, PORT);
		assert_int_equal(path_key_of_received(packet.bytes, packet.size, &key), 0);
		assert_key(&key, f);
	}
}

static void test_path_echo_is_known_by_its_id(void **state)
{
	static const uint8_t protocols[] = { ICMP, ICMP6 }, requests[] = { 8, 128 },
			     replies[] = { 0, 129 };

	(void)state;
	for (unsigned f = V4; f <= V6; f++) {
		struct packet request = begin(f, protocols[f], gateway[f], vip[f]);
		struct packet reply = begin(f, protocols[f], vip[f], gateway[f]);
		struct path_key key;

		append_icmp(&request, requests[f], PORT);
		append_icmp(&reply, replies[f], PORT);
		assert_int_equal(path_key_of_sent(request.bytes, request.size, &key), 0);
		assert_key(&key, f);
		memset(&key, 0, sizeof(key));
		assert_int_equal(path_key_of_received(reply.bytes, reply.size, &key), 0);
		assert_key(&key, f);
		assert_int_equal(path_key_of_sent(reply.bytes, reply.size, &key), -EINVAL);
		assert_int_equal(path_key_of_received(request.bytes, request.size, &key), -EINVAL);
	}
}

/* Anybody on the way may send one; what counts is the packet that it quotes. */
static void test_path_icmp_error_is_known_by_what_it_quotes(void **state)
{
	static const uint8_t protocols[] = { ICMP, ICMP6 },
			     types[2][3] = { { 3, 11, 12 }, { 1, 3, 4 } };

	(void)state;
	for (unsigned i = 0; i < 6; i++) {
		unsigned f = i % 2;
		struct packet error = begin(f, protocols[f], router[f], gateway[f]);
		struct packet quoted = sent(f, UDP);
		struct path_key key;

		append_icmp(&error, types[f][i / 2], 0);
		append(&error, quoted.bytes, quoted.size);
		assert_int_equal(path_key_of_received(error.bytes, error.size, &key), 0);
		assert_key(&key, f);
		assert_int_equal(path_key_of_received(error.bytes, error.size - 1, &key), -EINVAL);
	}
}

static void test_path_other_packets_are_nobodys(void **state)
{
	struct packet sctp = sent(V4, SCTP), options = sent(V6, 0), later = sent(V4, UDP);
	struct packet solicitation = begin(V6, ICMP6, gateway[V6], vip[V6]),
		      version = sent(V4, TCP);
	struct packet header = sent(V4, TCP);
	struct path_key key;

	(void)state;
	append_icmp(&solicitation, 133, PORT);
	later.bytes[7] = 1;
	version.bytes[0] = 0x55;
	header.bytes[0] = 0x44; /* 16 bytes: too short to be one */

	assert_int_equal(path_key_of_sent(sctp.bytes, sctp.size, &key), -EINVAL);
	assert_int_equal(path_key_of_sent(options.bytes, options.size, &key), -EINVAL);
	assert_int_equal(path_key_of_sent(later.bytes, later.size, &key), -EINVAL);
	assert_int_equal(path_key_of_sent(solicitation.bytes, solicitation.size, &key), -EINVAL);
	assert_int_equal(path_key_of_sent(version.bytes, version.size, &key), -EINVAL);
	assert_int_equal(path_key_of_sent(header.bytes, header.size, &key), -EINVAL);
}

static void test_path_ip_options_are_skipped(void **state)
{
	struct packet packet = begin(V4, TCP, gateway[V4], vip[V4]);
	struct path_key key;

	(void)state;
	packet.bytes[0] = 0x46;
	append(&packet, "\1\1\1", 4);
	append_ports(&packet, PORT, 80);

	assert_int_equal(path_key_of_sent(packet.bytes, packet.size, &key), 0);
	assert_key(&key, V4);
}

/* Under the sanitizers: not one byte behind the end is read. */
static void test_path_cut_packets_are_nobodys(void **state)
{
	(void)state;
	for (unsigned f = V4; f <= V6; f++) {
		struct packet whole = sent(f, TCP);

		for (size_t size = 0; size < whole.size; size++) {
			uint8_t *exact = test_malloc(size + !size);
			struct path_key key;

			memcpy(exact, whole.bytes, size);
			assert_int_equal(path_key_of_sent(exact, size, &key), -EINVAL);
			assert_int_equal(path_key_of_received(exact, size, &key), -EINVAL);
			test_free(exact);
		}
	}
}

static void test_path_frame_is_for_the_next_hop(void **state)
{
	static const struct target_hop hop = { .ifindex = 3,
					       .dst_mac = { 2, 0, 0, 0, 0, 11 },
					       .src_mac = { 2, 0, 0, 0, 0, 1 } };
	static const uint8_t expected[2][14] = {
		{ 2, 0, 0, 0, 0, 11, 2, 0, 0, 0, 0, 1, 0x08, 0x00 },
		{ 2, 0, 0, 0, 0, 11, 2, 0, 0, 0, 0, 1, 0x86, 0xdd },
	};

	(void)state;
	for (unsigned f = V4; f <= V6; f++) {
		struct packet packet = sent(f, TCP);
		uint8_t header[PATH_FRAME_HEADER_MAX];

		assert_int_equal(path_frame(&hop, packet.bytes, packet.size, header), 14);
		assert_memory_equal(header, expected[f], 14);
	}
}

static void test_path_frame_without_next_hop_is_none(void **state)
{
	static const struct target_hop hop = { .dst_mac = { 2 } };
	struct packet packet = sent(V4, TCP);
	uint8_t header[PATH_FRAME_HEADER_MAX];

	(void)state;
	assert_int_equal(path_frame(&hop, packet.bytes, packet.size, header), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_path_sent_packet_is_known_by_its_source_port),
		cmocka_unit_test(test_path_reply_is_known_by_its_destination_port),
		cmocka_unit_test(test_path_echo_is_known_by_its_id),
		cmocka_unit_test(test_path_icmp_error_is_known_by_what_it_quotes),
		cmocka_unit_test(test_path_other_packets_are_nobodys),
		cmocka_unit_test(test_path_ip_options_are_skipped),
		cmocka_unit_test(test_path_cut_packets_are_nobodys),
		cmocka_unit_test(test_path_frame_is_for_the_next_hop),
		cmocka_unit_test(test_path_frame_without_next_hop_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
