/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The icmp probe, and what udp probes hear of ICMP, in a network namespace of the test's own, where
 * pings can be switched off and ICMP forged. Where none can be made, all of this fails and says so.
 */
#include <arpa/inet.h>
#include <event2/event.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <netinet/udp.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cmocka.h>

#include "datagram_server.h"
#include "health_fixture.h"

/* ---- the namespace ------------------------------------------------------ */

static bool has_namespace;

static bool write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool is_written;

	if (fd < 0)
		return false;
	is_written = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	close(fd);
	return is_written;
}

static bool raise_loopback(void)
{
	struct ifreq lo = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool is_up = ioctl(fd, SIOCSIFFLAGS, &lo) == 0;

	close(fd);
	return is_up;
}

/* without privileges by way of a user namespace, where the machine allows that */
static bool enter_namespace(void)
{
	char map[32];

	if (unshare(CLONE_NEWNET) == 0)
		return raise_loopback();
	snprintf(map, sizeof(map), "0 %u 1", (unsigned)getuid());
	if (unshare(CLONE_NEWUSER | CLONE_NEWNET) || !write_text("/proc/self/uid_map", map))
		return false;
	snprintf(map, sizeof(map), "0 %u 1", (unsigned)getgid());
	write_text("/proc/self/setgroups", "deny");
	return write_text("/proc/self/gid_map", map) && raise_loopback();
}

static void set(const char *name, const char *value)
{
	char path[128];

	snprintf(path, sizeof(path), "/proc/sys/net/%s", name);
	assert_true(write_text(path, value));
}

static void require_namespace(void)
{
	if (!has_namespace)
		fail_msg("needs a network namespace of its own: root, or user namespaces");
}

/* so that raw ones are used; in a user namespace of one group the range cannot be set back */
static void forbid_ping_sockets(void)
{
	require_namespace();
	if (!write_text("/proc/sys/net/ipv4/ping_group_range", "1 0"))
		fail_msg("cannot forbid ping sockets: needs root");
}

/* pings answered, and by ping sockets */
static int setup(void **state)
{
	if (has_namespace) {
		set("ipv4/icmp_echo_ignore_all", "0");
		set("ipv6/icmp/echo_ignore_all", "0");
		set("ipv4/ping_group_range", "0 0");
	}
	return fixture_setup(state);
}

static struct model_health icmp_settings(void)
{
	struct model_health s = tcp_settings();

	s.type = PROBE_ICMP;
	s.timeout_ms = 10000;
	return s;
}

static struct health_state decide(struct fixture *fx, const char *ip,
				  const struct model_health *settings)
{
	assert_int_equal(fixture_set(fx, 1, ip, 80, settings, 0), 0);
	fixture_run_until(fx, has_changes, 1);
	return fx->changes[0].state;
}

/* ---- pings -------------------------------------------------------------- */

static void test_health_icmp_reply_is_up(void **state)
{
	struct fixture *fx = *state;
	struct model_health settings = icmp_settings();
	struct health_state seen;

	require_namespace();
	seen = decide(fx, "127.0.0.1", &settings);

	assert_true(seen.is_up);
	assert_string_equal(seen.reason, "echo reply");
	assert_true(seen.latency_us > 0);
}

static void test_health_icmp_reply_of_ipv6_is_up(void **state)
{
	struct fixture *fx = *state;
	struct model_health settings = icmp_settings();

	require_namespace();

	assert_true(decide(fx, "::1", &settings).is_up);
}

static void test_health_icmp_raw_socket_serves_without_ping_sockets(void **state)
{
	struct fixture *fx = *state;
	struct model_health settings = icmp_settings();
	struct health_state seen;

	forbid_ping_sockets();
	seen = decide(fx, "127.0.0.1", &settings);

	assert_true(seen.is_up);
	assert_string_equal(seen.reason, "echo reply");
}

static void test_health_icmp_raw_socket_serves_ipv6(void **state)
{
	struct fixture *fx = *state;
	struct model_health settings = icmp_settings();

	forbid_ping_sockets();

	assert_true(decide(fx, "::1", &settings).is_up);
}

static void test_health_icmp_silence_times_out(void **state)
{
	static const char *const addresses[] = { "127.0.0.1", "::1" };
	struct fixture *fx = *state;
	struct model_health settings = icmp_settings();

	require_namespace();
	set("ipv4/icmp_echo_ignore_all", "1");
	set("ipv6/icmp/echo_ignore_all", "1");
	settings.timeout_ms = 60;
	for (unsigned i = 0; i < 4; i++) {
		if (i == 2)
			forbid_ping_sockets();
		assert_int_equal(fixture_set(fx, i, addresses[i % 2], 80, &settings, 0), 0);
		fixture_run_until(fx, has_changes, i + 1);

		assert_false(fx->changes[i].state.is_up);
		assert_string_equal(fx->changes[i].state.reason,
				    "timeout after 60 ms waiting for an echo reply");
	}
}

static void test_health_icmp_many_targets_do_not_take_each_others_replies(void **state)
{
	struct fixture *fx = *state;
	struct model_health settings = icmp_settings();
	char ip[32];

	forbid_ping_sockets();
	for (unsigned i = 0; i < 50; i++) { /* one address, so every raw socket sees all */
		settings.interval_ms = 1000 + i;
		snprintf(ip, sizeof(ip), "127.0.0.%u", 1 + i % 2);
		assert_int_equal(fixture_set(fx, i, ip, 80, &settings, 0), 0);
	}
	fixture_run_until(fx, has_changes, 50);

	for (unsigned i = 0; i < 50; i++)
		assert_string_equal(fx->changes[i].state.reason, "echo reply");
}

static void test_health_icmp_no_route_is_down_at_once(void **state)
{
	struct fixture *fx = *state;
	struct model_health settings = icmp_settings();
	struct health_state seen;

	require_namespace();
	seen = decide(fx, "192.0.2.10", &settings);

	assert_false(seen.is_up);
	assert_string_equal(seen.reason, "network unreachable");
}

static void test_health_icmp_goes_down_and_up(void **state)
{
	struct fixture *fx = *state;
	struct model_health settings = icmp_settings();

	require_namespace();
	settings.timeout_ms = 100;
	assert_true(decide(fx, "127.0.0.1", &settings).is_up);
	set("ipv4/icmp_echo_ignore_all", "1");
	fixture_run_until(fx, has_changes, 2);
	assert_false(fx->changes[1].state.is_up);
	set("ipv4/icmp_echo_ignore_all", "0");
	fixture_run_until(fx, has_changes, 3);

	assert_true(fx->changes[2].state.is_up);
}

/* ---- forged replies ----------------------------------------------------- */

/** struct forger - answers pings in the kernel's stead, but for one byte */
struct forger {
	int fd;
	struct event *event;
	size_t wrong_byte; /* of the ICMP message */
	unsigned replies;
};

static uint16_t checksum(const void *message, size_t size)
{
	const uint16_t *words = message;
	uint32_t sum = 0;

	for (size_t i = 0; i < size / 2; i++)
		sum += words[i];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static void on_ping(evutil_socket_t fd, short what, void *arg)
{
	struct forger *forger = arg;
	struct sockaddr_in from;
	socklen_t from_len = sizeof(from);
	uint8_t packet[256] __attribute__((aligned(4)));
	ssize_t size = recvfrom(fd, packet, sizeof(packet), 0, (struct sockaddr *)&from, &from_len);
	struct icmphdr *icmp = (struct icmphdr *)(packet + sizeof(struct iphdr));

	(void)what;
	size -= (ssize_t)sizeof(struct iphdr);
	if (size < (ssize_t)sizeof(*icmp) || icmp->type != ICMP_ECHO)
		return;
	icmp->type = ICMP_ECHOREPLY;
	((uint8_t *)icmp)[forger->wrong_byte] ^= 1;
	icmp->checksum = 0;
	icmp->checksum = checksum(icmp, (size_t)size);
	sendto(fd, icmp, (size_t)size, 0, (struct sockaddr *)&from, from_len);
	forger->replies++;
}

static void forger_start(struct forger *forger, struct event_base *base)
{
	set("ipv4/icmp_echo_ignore_all", "1");
	forger->fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP);
	assert_true(forger->fd >= 0);
	forger->event = event_new(base, forger->fd, EV_READ | EV_PERSIST, on_ping, forger);
	event_add(forger->event, NULL);
}

static void forger_stop(struct forger *forger)
{
	event_free(forger->event);
	close(forger->fd);
}

static void decide_forged(struct fixture *fx, size_t wrong_byte, const char *reason)
{
	struct forger forger = { .wrong_byte = wrong_byte };
	struct model_health settings = icmp_settings();
	struct health_state seen;

	settings.timeout_ms = 100;
	forger_start(&forger, fx->base);
	seen = decide(fx, "127.0.0.1", &settings);

	assert_true(forger.replies > 0);
	assert_string_equal(seen.reason, reason);
	forger_stop(&forger);
}

static void test_health_icmp_reply_with_another_payload_is_down(void **state)
{
	require_namespace();
	decide_forged(*state, sizeof(struct icmphdr) + 15, "echo reply with another payload");
}

static void test_health_icmp_raw_reply_with_another_payload_is_down(void **state)
{
	forbid_ping_sockets();
	decide_forged(*state, sizeof(struct icmphdr) + 15, "echo reply with another payload");
}

static void test_health_icmp_reply_of_another_sequence_is_not_ours(void **state)
{
	require_namespace();
	decide_forged(*state, offsetof(struct icmphdr, un.echo.sequence),
		      "timeout after 100 ms waiting for an echo reply");
}

static void test_health_icmp_raw_reply_of_another_id_is_not_ours(void **state)
{
	forbid_ping_sockets();
	decide_forged(*state, offsetof(struct icmphdr, un.echo.id),
		      "timeout after 100 ms waiting for an echo reply");
}

static void test_health_icmp_reply_of_another_kind_is_not_ours(void **state)
{
	forbid_ping_sockets();
	decide_forged(*state, offsetof(struct icmphdr, type),
		      "timeout after 100 ms waiting for an echo reply");
}

/* ---- what udp probes hear ----------------------------------------------- */

/* a router's word on the datagram that has just come */
static int answer_unreachable(struct datagram_server *s, uint8_t *reply)
{
	const struct sockaddr_in *from = (struct sockaddr_in *)&s->from;
	struct {
		struct icmphdr icmp;
		struct iphdr ip;
		struct udphdr udp;
	} error = {};
	int fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP);

	(void)reply;
	error.icmp.type = ICMP_DEST_UNREACH;
	error.icmp.code = *(const uint8_t *)s->arg;
	error.ip = (struct iphdr) { .version = 4,
				    .ihl = 5,
				    .ttl = 1,
				    .protocol = IPPROTO_UDP,
				    .tot_len = htons(sizeof(error.ip) + sizeof(error.udp)),
				    .saddr = from->sin_addr.s_addr,
				    .daddr = htonl(INADDR_LOOPBACK) };
	error.udp.source = from->sin_port;
	error.udp.dest = htons((uint16_t)s->port);
	error.icmp.checksum = checksum(&error, sizeof(error));
	sendto(fd, &error, sizeof(error), 0, (const struct sockaddr *)from, sizeof(*from));
	close(fd);
	return -1;
}

static void test_health_udp_unreachable_host_is_down_at_once(void **state)
{
	static const struct {
		uint8_t code;
		const char *reason;
	} rows[] = {
		{ ICMP_HOST_UNREACH, "no route to host" },
		{ ICMP_NET_UNREACH, "network unreachable" },
		{ ICMP_PORT_UNREACH, "port unreachable" },
		{ ICMP_PKT_FILTERED, "no route to host" },
	};
	struct fixture *fx = *state;
	struct model_health settings = tcp_settings();

	require_namespace();
	settings.type = PROBE_UDP;
	settings.timeout_ms = 10000;
	for (unsigned i = 0; i < 4; i++) {
		struct datagram_server server = { .answer = answer_unreachable,
						  .arg = &rows[i].code };

		datagram_server_start(&server, fx->base, "127.0.0.1");
		assert_int_equal(fixture_set(fx, i, "127.0.0.1", server.port, &settings, 0), 0);
		fixture_run_until(fx, has_changes, i + 1);

		assert_false(fx->changes[i].state.is_up);
		assert_string_equal(fx->changes[i].state.reason, rows[i].reason);
		health_remove(fx->health, i);
		datagram_server_stop(&server);
	}
}

#define ICMP_TEST(name) cmocka_unit_test_setup_teardown(name, setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ICMP_TEST(test_health_icmp_reply_is_up),
		ICMP_TEST(test_health_icmp_reply_of_ipv6_is_up),
		ICMP_TEST(test_health_icmp_raw_socket_serves_without_ping_sockets),
		ICMP_TEST(test_health_icmp_raw_socket_serves_ipv6),
		ICMP_TEST(test_health_icmp_silence_times_out),
		ICMP_TEST(test_health_icmp_many_targets_do_not_take_each_others_replies),
		ICMP_TEST(test_health_icmp_no_route_is_down_at_once),
		ICMP_TEST(test_health_icmp_goes_down_and_up),
		ICMP_TEST(test_health_icmp_reply_with_another_payload_is_down),
		ICMP_TEST(test_health_icmp_raw_reply_with_another_payload_is_down),
		ICMP_TEST(test_health_icmp_reply_of_another_sequence_is_not_ours),
		ICMP_TEST(test_health_icmp_raw_reply_of_another_id_is_not_ours),
		ICMP_TEST(test_health_icmp_reply_of_another_kind_is_not_ours),
		ICMP_TEST(test_health_udp_unreachable_host_is_down_at_once),
	};

	has_namespace = enter_namespace();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
