/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * agent/net against a real kernel: each test has a network namespace of its own (near) and one at
 * the other end of a veth pair (far), which ends with the process that holds it. Root.
 */
#include <errno.h>
#include <event2/event.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "model/addr.h"
#include "net/net.h"
#include "net/state.h"

#define TOKENS	     4096
#define WAIT_SECONDS 20

#define NEAR_MAC "02:00:00:00:00:01"
#define FAR_MAC	 "02:00:00:00:00:02"

struct link_event {
	char name[IFNAMSIZ];
	struct net_link link;
};

struct world {
	pid_t far;
	struct event_base *base;
	struct net *net;
	unsigned told[TOKENS]; /* calls of on_hop, by token */
	struct net_hop hops[TOKENS];
	unsigned lost[TOKENS]; /* calls of on_hop with a hop that is none, after one that was */
	struct link_event links[64];
	unsigned link_count;
	bool unwatches_other; /* of tokens 1 and 2, in the callback */
};

/* ---- the two ends ---- */

static void vrun(pid_t far, const char *format, va_list args)
{
	char command[512], whole[600];
	int status;

	vsnprintf(command, sizeof(command), format, args);
	if (far)
		snprintf(whole, sizeof(whole), "nsenter --net=/proc/%d/ns/net %s", (int)far,
			 command);
	else
		snprintf(whole, sizeof(whole), "%s", command);
	status = system(whole); /* NOLINT(cert-env33-c): a test drives ip(8) */
	if (status != 0)
		fail_msg("exit status %d of: %s", status, whole);
}

__attribute__((format(printf, 1, 2))) static void near_run(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vrun(0, format, args);
	va_end(args);
}

__attribute__((format(printf, 2, 3))) static void far_run(const struct world *w, const char *format,
							  ...)
{
	va_list args;

	va_start(args, format);
	vrun(w->far, format, args);
	va_end(args);
}

static pid_t start_far(void)
{
	int ready[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (unshare(CLONE_NEWNET) < 0 || write(ready[1], "", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return pid;
}

static void add_pair(const struct world *w, const char *near, const char *far, unsigned number)
{
	near_run("ip link add %s address 02:00:00:00:%02x:01 type veth peer name %s "
		 "address 02:00:00:00:%02x:02 netns %d",
		 near, number, far, number, (int)w->far);
	near_run("ip link set %s up", near);
	far_run(w, "ip link set %s up", far);
}

/* ---- what the room tells ---- */

static void on_hop(void *arg, uint32_t token, const struct net_hop *hop)
{
	struct world *w = arg;

	assert_in_range(token, 0, TOKENS - 1);
	if (w->hops[token].ifindex && !hop->ifindex)
		w->lost[token]++;
	w->told[token]++;
	w->hops[token] = *hop;
	if (w->unwatches_other)
		net_unwatch(w->net, 3 - token);
}

static void on_link(void *arg, const char *name, const struct net_link *link)
{
	struct world *w = arg;
	struct link_event *event = &w->links[w->link_count % 64];

	snprintf(event->name, sizeof(event->name), "%s", name);
	event->link = *link;
	w->link_count++;
}

static const struct link_event *last_link(const struct world *w, const char *name)
{
	for (unsigned i = w->link_count; i > 0; i--) {
		if (strcmp(w->links[(i - 1) % 64].name, name) == 0)
			return &w->links[(i - 1) % 64];
	}
	return NULL;
}

static bool link_is(const struct world *w, const char *name, bool is_there, bool is_up)
{
	const struct link_event *event = last_link(w, name);

	return event && (event->link.ifindex != 0) == is_there && event->link.is_up == is_up;
}

static unsigned count_gone(const struct world *w, const char *name)
{
	unsigned gone = 0;

	for (unsigned i = 0; i < w->link_count && i < 64; i++)
		gone += strcmp(w->links[i].name, name) == 0 && !w->links[i].link.ifindex;
	return gone;
}

static void do_nothing(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
}

/* turn - one round of the loop, 10 ms at most */
static void turn(struct world *w)
{
	struct timeval wait = { .tv_usec = 10000 };

	event_base_once(w->base, -1, EV_TIMEOUT, do_nothing, NULL, &wait);
	event_base_loop(w->base, EVLOOP_ONCE);
}

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

#define assert_becomes(w, condition)                                                               \
	do {                                                                                       \
		uint64_t until_ms = now_ms() + WAIT_SECONDS * 1000;                                \
		while (!(condition) && now_ms() < until_ms)                                        \
			turn(w);                                                                   \
		assert_true(condition);                                                            \
	} while (0)

/* let_pass - long enough for a pass that is due, to see that nothing comes of it */
static void let_pass(struct world *w, unsigned ms)
{
	uint64_t until_ms = now_ms() + ms;

	while (now_ms() < until_ms)
		turn(w);
}

/* ---- arrange ---- */

static struct lb_addr address_of(const char *text)
{
	struct lb_addr address;

	assert_int_equal(addr_parse(text, &address), 0);
	return address;
}

static void watch(struct world *w, uint32_t token, const char *text)
{
	struct lb_addr address = address_of(text);

	assert_int_equal(net_watch(w->net, token, &address), 0);
}

static bool mac_is(const uint8_t *mac, const char *text)
{
	char buffer[18];

	snprintf(buffer, sizeof(buffer), "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2],
		 mac[3], mac[4], mac[5]);
	return strcmp(buffer, text) == 0;
}

static bool hop_is(const struct world *w, uint32_t token, const char *dst, const char *src)
{
	const struct net_hop *hop = &w->hops[token];

	return hop->ifindex && mac_is(hop->dst_mac, dst) && mac_is(hop->src_mac, src) &&
	       hop->reason[0] == '\0';
}

static bool reason_is(const struct world *w, uint32_t token, const char *reason)
{
	return w->told[token] && !w->hops[token].ifindex &&
	       strcmp(w->hops[token].reason, reason) == 0;
}

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct net_callbacks callbacks = { .on_hop = on_hop, .on_link = on_link, .arg = w };

	assert_non_null(w);
	assert_int_equal(unshare(CLONE_NEWNET), 0);
	w->far = start_far();
	near_run("ip link set lo up");
	far_run(w, "ip link set lo up");
	add_pair(w, "net-a", "net-b", 0);
	near_run("ip addr add 192.0.2.1/24 dev net-a");
	near_run("ip addr add 2001:db8::1/64 dev net-a nodad");
	far_run(w, "ip addr add 192.0.2.11/24 dev net-b");
	far_run(w, "ip addr add 2001:db8::11/64 dev net-b nodad");
	w->base = event_base_new();
	assert_non_null(w->base);
	w->net = net_new(w->base, &callbacks);
	assert_non_null(w->net);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	net_free(w->net);
	event_base_free(w->base);
	kill(w->far, SIGKILL);
	waitpid(w->far, NULL, 0);
	free(w);
	return 0;
}

/* ---- next hops ---- */

static void test_watch_on_link_finds_mac_of_backend(void **state)
{
	struct world *w = *state;

	watch(w, 1, "192.0.2.11");
	watch(w, 2, "2001:db8::11");

	assert_int_equal(w->told[1] + w->told[2], 0);
	assert_becomes(w, hop_is(w, 1, FAR_MAC, NEAR_MAC) && hop_is(w, 2, FAR_MAC, NEAR_MAC));
}

static void test_watch_behind_router_finds_mac_of_router(void **state)
{
	struct world *w = *state;

	near_run("ip route add 203.0.113.0/25 via 192.0.2.11");
	near_run("ip route add 203.0.113.128/25 via inet6 2001:db8::11");
	near_run("ip route add 2001:db8:1::/64 via 2001:db8::11");

	watch(w, 1, "203.0.113.7");
	watch(w, 2, "203.0.113.200");
	watch(w, 3, "2001:db8:1::7");

	assert_becomes(w, hop_is(w, 1, FAR_MAC, NEAR_MAC) && hop_is(w, 2, FAR_MAC, NEAR_MAC) &&
				  hop_is(w, 3, FAR_MAC, NEAR_MAC));
}

static void test_get_hop_of_known_neighbor_needs_no_loop(void **state)
{
	struct world *w = *state;
	struct net_hop hop;

	near_run("ping -c1 -W5 192.0.2.11 >/dev/null");
	watch(w, 1, "192.0.2.11");

	assert_int_equal(net_get_hop(w->net, 1, &hop), 0);

	assert_true(mac_is(hop.dst_mac, FAR_MAC));
	assert_int_equal(w->told[1], 0);
	assert_int_equal(net_get_hop(w->net, 2, &hop), -ENOENT);
	assert_becomes(w, w->told[1] == 1);
}

static void test_neighbor_with_new_mac_is_followed(void **state)
{
	struct world *w = *state;

	far_run(w,
		"sysctl -qw net.ipv4.conf.net-b.arp_notify=1 net.ipv6.conf.net-b.ndisc_notify=1");
	watch(w, 1, "192.0.2.11");
	watch(w, 2, "2001:db8::11");
	assert_becomes(w, hop_is(w, 1, FAR_MAC, NEAR_MAC) && hop_is(w, 2, FAR_MAC, NEAR_MAC));

	/* the kernel ignores a second answer within a second of the first (locktime) */
	let_pass(w, 1100);
	far_run(w, "ip link set net-b address 02:00:00:00:00:99");

	assert_becomes(w, hop_is(w, 1, "02:00:00:00:00:99", NEAR_MAC) &&
				  hop_is(w, 2, "02:00:00:00:00:99", NEAR_MAC));
	assert_int_equal(w->lost[1] + w->lost[2], 0);
}

static void
test_neighbor_with_new_mac_that_says_nothing_is_found_by_the_kernels_probes(void **state)
{
	struct world *w = *state;

	near_run("sysctl -qw net.ipv4.neigh.net-a.base_reachable_time_ms=500 "
		 "net.ipv4.neigh.net-a.delay_first_probe_time=1 "
		 "net.ipv4.neigh.net-a.retrans_time_ms=200");
	watch(w, 1, "192.0.2.11");
	assert_becomes(w, hop_is(w, 1, FAR_MAC, NEAR_MAC));

	far_run(w, "ip link set net-b address 02:00:00:00:00:99");

	assert_becomes(w, hop_is(w, 1, "02:00:00:00:00:99", NEAR_MAC));
}

static void test_own_mac_changed_is_followed(void **state)
{
	struct world *w = *state;

	watch(w, 1, "192.0.2.11");
	assert_becomes(w, hop_is(w, 1, FAR_MAC, NEAR_MAC));

	near_run("ip link set net-a address 02:00:00:00:00:98");

	assert_becomes(w, hop_is(w, 1, FAR_MAC, "02:00:00:00:00:98"));
}

static void test_route_replaced_moves_only_its_hops(void **state)
{
	struct world *w = *state;
	unsigned told;

	add_pair(w, "net-c", "net-d", 7);
	near_run("ip addr add 198.51.100.1/24 dev net-c");
	far_run(w, "ip addr add 198.51.100.11/24 dev net-d");
	near_run("ip route add 203.0.113.0/24 via 192.0.2.11");
	watch(w, 1, "192.0.2.11");
	watch(w, 2, "203.0.113.7");
	assert_becomes(w, hop_is(w, 1, FAR_MAC, NEAR_MAC) && hop_is(w, 2, FAR_MAC, NEAR_MAC));
	told = w->told[1];

	near_run("ip route replace 203.0.113.0/24 via 198.51.100.11");

	assert_becomes(w, hop_is(w, 2, "02:00:00:00:07:02", "02:00:00:00:07:01"));
	assert_int_equal(w->told[1], told);
}

static void test_route_news_concerns_only_its_prefix(void **state)
{
	struct world *w = *state;
	struct lb_addr inside = address_of("203.0.113.7");
	struct lb_addr below = address_of("203.0.112.7"), above = address_of("203.0.113.128");
	struct net_dest *dest;

	watch(w, 1, "203.0.112.7");
	watch(w, 2, "203.0.113.7");
	watch(w, 3, "203.0.113.128");
	assert_becomes(w, w->told[1] && w->told[2] && w->told[3]);
	let_pass(w, 200);

	near_run("ip route add 203.0.113.0/25 via 192.0.2.11");
	dest = net_set_find(&w->net->dests, &inside);
	assert_becomes(w, dest->must_route);

	dest = net_set_find(&w->net->dests, &below);
	assert_false(dest->must_route);
	dest = net_set_find(&w->net->dests, &above);
	assert_false(dest->must_route);
}

static void test_more_specific_route_and_rule_move_hops(void **state)
{
	struct world *w = *state;

	add_pair(w, "net-c", "net-d", 7);
	near_run("ip addr add 198.51.100.1/24 dev net-c");
	far_run(w, "ip addr add 198.51.100.11/24 dev net-d");
	near_run("ip route add default via 192.0.2.11");
	near_run("ip route add default via 198.51.100.11 table 77");
	watch(w, 1, "203.0.113.7");
	assert_becomes(w, hop_is(w, 1, FAR_MAC, NEAR_MAC));

	near_run("ip rule add to 203.0.113.0/24 table 77");

	assert_becomes(w, hop_is(w, 1, "02:00:00:00:07:02", "02:00:00:00:07:01"));

	near_run("ip route add 203.0.113.7/32 via 192.0.2.11 table 77");

	assert_becomes(w, hop_is(w, 1, FAR_MAC, NEAR_MAC));

	near_run("ip route del 203.0.113.7/32 table 77");

	assert_becomes(w, hop_is(w, 1, "02:00:00:00:07:02", "02:00:00:00:07:01"));
}

static void test_next_hop_object_replaced_moves_hop(void **state)
{
	struct world *w = *state;

	far_run(w, "ip addr add 192.0.2.12/24 dev net-b");
	near_run("ip nexthop add id 1 via 192.0.2.11 dev net-a");
	near_run("ip route add 203.0.113.0/24 nhid 1");
	near_run("ip neigh add 192.0.2.13 dev net-a lladdr 02:00:00:00:00:13 nud permanent");
	watch(w, 1, "203.0.113.7");
	assert_becomes(w, hop_is(w, 1, FAR_MAC, NEAR_MAC));

	near_run("ip nexthop replace id 1 via 192.0.2.13 dev net-a");

	assert_becomes(w, hop_is(w, 1, "02:00:00:00:00:13", NEAR_MAC));
}

static void test_unwatched_during_delivery_is_not_told(void **state)
{
	struct world *w = *state;

	w->unwatches_other = true;
	watch(w, 1, "192.0.2.11");
	watch(w, 2, "192.0.2.11");

	assert_becomes(w, w->told[1] + w->told[2] > 0);

	let_pass(w, 200);
	assert_int_equal(w->told[1] + w->told[2], 1);
}

static void test_token_watched_anew_follows_its_new_address(void **state)
{
	struct world *w = *state;

	near_run("ip neigh add 192.0.2.13 dev net-a lladdr 02:00:00:00:00:13 nud permanent");
	watch(w, 1, "192.0.2.11");
	assert_becomes(w, hop_is(w, 1, FAR_MAC, NEAR_MAC));

	watch(w, 1, "192.0.2.13");

	assert_becomes(w, hop_is(w, 1, "02:00:00:00:00:13", NEAR_MAC));
}

/* ---- reasons ---- */

static void test_silent_neighbor_is_reported_and_found_when_it_answers(void **state)
{
	struct world *w = *state;

	watch(w, 1, "192.0.2.99");
	watch(w, 2, "2001:db8::99");

	assert_becomes(w, reason_is(w, 1, "192.0.2.99 on net-a does not answer ARP") &&
				  reason_is(w, 2, "2001:db8::99 on net-a does not answer NDP"));

	far_run(w, "ip addr add 192.0.2.99/24 dev net-b");
	far_run(w, "ip addr add 2001:db8::99/64 dev net-b nodad");

	assert_becomes(w, hop_is(w, 1, FAR_MAC, NEAR_MAC) && hop_is(w, 2, FAR_MAC, NEAR_MAC));
}

static void test_route_to_a_silent_router_keeps_the_old_hop_until_that_is_certain(void **state)
{
	struct world *w = *state;

	near_run("sysctl -qw net.ipv4.neigh.net-a.retrans_time_ms=400");
	near_run("ip route add 203.0.113.0/24 via 192.0.2.11");
	watch(w, 1, "203.0.113.7");
	assert_becomes(w, hop_is(w, 1, FAR_MAC, NEAR_MAC));
	assert_int_equal(w->told[1], 1);

	near_run("ip route replace 203.0.113.0/24 via 192.0.2.99");

	assert_becomes(w, w->told[1] == 2);
	assert_true(reason_is(w, 1, "192.0.2.99 on net-a does not answer ARP"));
}

static void test_neighbor_that_falls_silent_is_lost(void **state)
{
	struct world *w = *state;

	near_run("sysctl -qw net.ipv4.neigh.net-a.base_reachable_time_ms=500 "
		 "net.ipv4.neigh.net-a.delay_first_probe_time=1 "
		 "net.ipv4.neigh.net-a.retrans_time_ms=200");
	watch(w, 1, "192.0.2.11");
	assert_becomes(w, hop_is(w, 1, FAR_MAC, NEAR_MAC));

	far_run(w, "ip addr del 192.0.2.11/24 dev net-b");

	assert_becomes(w, reason_is(w, 1, "192.0.2.11 on net-a does not answer ARP"));
}

static void test_destination_without_way_says_why(void **state)
{
	struct world *w = *state;

	near_run("ip route add blackhole 203.0.113.0/26");
	near_run("ip route add unreachable 203.0.113.64/26");
	near_run("ip route add prohibit 203.0.113.128/26");
	near_run("ip route add blackhole 2001:db8:2::/64");
	near_run("ip route add unreachable 2001:db8:3::/64");

	watch(w, 1, "198.51.100.7");
	watch(w, 2, "203.0.113.1");
	watch(w, 3, "203.0.113.65");
	watch(w, 4, "203.0.113.129");
	watch(w, 5, "192.0.2.1");
	watch(w, 6, "192.0.2.255");
	watch(w, 11, "2001:db8:1::7");
	watch(w, 12, "2001:db8:2::7");
	watch(w, 13, "2001:db8:3::7");
	watch(w, 15, "2001:db8::1");

	assert_becomes(w, w->told[1] && w->told[15]);
	assert_string_equal(w->hops[1].reason, "no route to 198.51.100.7");
	assert_string_equal(w->hops[2].reason, "the route to 203.0.113.1 is a blackhole");
	assert_string_equal(w->hops[3].reason, "the route to 203.0.113.65 says unreachable");
	assert_string_equal(w->hops[4].reason, "the route to 203.0.113.129 says prohibited");
	assert_string_equal(w->hops[5].reason, "192.0.2.1 is this machine's own address");
	assert_string_equal(w->hops[6].reason, "192.0.2.255 is a broadcast or multicast address");
	assert_string_equal(w->hops[11].reason, "no route to 2001:db8:1::7");
	assert_string_equal(w->hops[12].reason, "the route to 2001:db8:2::7 is a blackhole");
	assert_string_equal(w->hops[13].reason, "the route to 2001:db8:3::7 says unreachable");
	assert_string_equal(w->hops[15].reason, "2001:db8::1 is this machine's own address");
}

static void test_route_that_appears_is_taken(void **state)
{
	struct world *w = *state;

	watch(w, 1, "203.0.113.7");
	watch(w, 2, "2001:db8:1::7");
	assert_becomes(w, w->told[1] && w->told[2]);

	near_run("ip route add default via 192.0.2.11");
	near_run("ip route add 2001:db8:1::/48 via 2001:db8::11");

	assert_becomes(w, hop_is(w, 1, FAR_MAC, NEAR_MAC) && hop_is(w, 2, FAR_MAC, NEAR_MAC));

	near_run("ip route del default");

	assert_becomes(w, reason_is(w, 1, "no route to 203.0.113.7"));
}

/* ---- the kernel's neighbour table ---- */

static void test_permanent_neighbor_stays_permanent(void **state)
{
	struct world *w = *state;

	near_run("ip neigh add 192.0.2.13 dev net-a lladdr 02:00:00:00:00:13 nud permanent");

	watch(w, 1, "192.0.2.13");

	assert_becomes(w, hop_is(w, 1, "02:00:00:00:00:13", NEAR_MAC));
	let_pass(w, 200);
	near_run("ip neigh show 192.0.2.13 | grep -q PERMANENT");
}

static void test_flushed_neighbor_is_asked_for_anew_and_never_lost(void **state)
{
	struct world *w = *state;

	watch(w, 1, "192.0.2.11");
	assert_becomes(w, hop_is(w, 1, FAR_MAC, NEAR_MAC));

	for (int i = 0; i < 5; i++) {
		near_run("ip neigh flush dev net-a");
		let_pass(w, 300);
	}
	let_pass(w, 1500);

	assert_int_equal(w->lost[1], 0);
	near_run("ip neigh show 192.0.2.11 | grep -q managed");
}

static void test_watched_neighbor_is_managed_until_unwatched(void **state)
{
	struct world *w = *state;

	watch(w, 1, "192.0.2.11");
	watch(w, 2, "192.0.2.11");
	assert_becomes(w, hop_is(w, 1, FAR_MAC, NEAR_MAC));
	near_run("ip neigh show 192.0.2.11 | grep -q 'managed extern_learn'");

	net_unwatch(w->net, 1);
	let_pass(w, 200);
	near_run("ip neigh show 192.0.2.11 | grep -q managed");
	net_unwatch(w->net, 2);
	let_pass(w, 200);

	near_run("ip neigh show 192.0.2.11 | grep -q lladdr");
	near_run("! ip neigh show | grep -E 'managed|extern_learn'");
}

static unsigned count_resolved(const struct world *w)
{
	unsigned resolved = 0;

	for (unsigned i = 0; i < TOKENS; i++)
		resolved += w->hops[i].ifindex != 0;
	return resolved;
}

static void test_more_neighbors_than_the_table_holds_are_resolved(void **state)
{
	struct world *w = *state;
	char text[ADDR_STRLEN];

	/* the whole machine has one limit (gc_thresh3, 1024 by default) */
	near_run("ip addr add 10.7.0.1/20 dev net-a");
	far_run(w, "ip route add local 10.7.8.0/21 dev lo");

	for (unsigned i = 0; i < 1500; i++) {
		snprintf(text, sizeof(text), "10.7.%u.%u", 8 + i / 250, 1 + i % 250);
		watch(w, i, text);
	}

	assert_becomes(w, count_resolved(w) == 1500);
}

static void test_2000_watches_behind_one_router_share_its_neighbor(void **state)
{
	struct world *w = *state;
	char text[ADDR_STRLEN];
	struct net_hop hop;

	near_run("ip route add 10.0.0.0/8 via 192.0.2.11");
	near_run("ping -c1 -W5 192.0.2.11 >/dev/null");
	for (unsigned i = 0; i < 2000; i++) {
		snprintf(text, sizeof(text), "10.%u.%u.7", i / 250, i % 250);
		watch(w, i, text);
	}

	assert_int_equal(net_get_hop(w->net, 1999, &hop), 0);

	assert_int_equal(w->net->neighs.count, 1);
	assert_true(mac_is(hop.dst_mac, FAR_MAC));
	assert_becomes(w, hop_is(w, 0, FAR_MAC, NEAR_MAC) && hop_is(w, 1999, FAR_MAC, NEAR_MAC));

	near_run("ip route replace 10.0.0.0/8 dev lo");
	assert_becomes(w, !w->hops[0].ifindex && !w->hops[1999].ifindex);
	for (unsigned i = 0; i < 2000; i++)
		net_unwatch(w->net, i);
	assert_int_equal(w->net->dests.count, 0);
}

/* ---- links ---- */

static void test_link_down_loses_hops_and_up_finds_them(void **state)
{
	struct world *w = *state;

	watch(w, 1, "192.0.2.11");
	assert_becomes(w, hop_is(w, 1, FAR_MAC, NEAR_MAC));

	far_run(w, "ip link set net-b down");

	assert_becomes(w, reason_is(w, 1, "net-a, the way to 192.0.2.11, is down"));
	assert_true(link_is(w, "net-a", true, false));

	far_run(w, "ip link set net-b up");

	assert_becomes(w, hop_is(w, 1, FAR_MAC, NEAR_MAC));
	assert_true(link_is(w, "net-a", true, true));
}

static void test_link_recreated_is_told_and_its_hops_have_the_new_ifindex(void **state)
{
	struct world *w = *state;
	struct net_link before, after;

	watch(w, 1, "192.0.2.11");
	assert_becomes(w, hop_is(w, 1, FAR_MAC, NEAR_MAC));
	assert_int_equal(net_get_link(w->net, "net-a", &before), 0);
	assert_int_equal(w->hops[1].ifindex, before.ifindex);

	near_run("ip link del net-a");
	assert_int_equal(net_get_link(w->net, "net-a", &after), -ENODEV);
	assert_becomes(w, link_is(w, "net-a", false, false));
	assert_becomes(w, reason_is(w, 1, "no route to 192.0.2.11"));
	add_pair(w, "net-a", "net-b", 3);
	near_run("ip addr add 192.0.2.1/24 dev net-a");
	far_run(w, "ip addr add 192.0.2.11/24 dev net-b");

	assert_becomes(w, hop_is(w, 1, "02:00:00:00:03:02", "02:00:00:00:03:01"));
	assert_int_equal(net_get_link(w->net, "net-a", &after), 0);
	assert_int_not_equal(after.ifindex, before.ifindex);
	assert_int_equal(w->hops[1].ifindex, after.ifindex);
	assert_true(link_is(w, "net-a", true, true));
}

static void test_link_recreated_with_its_ifindex_is_told_as_gone_and_new(void **state)
{
	struct world *w = *state;
	struct net_link before;

	assert_int_equal(net_get_link(w->net, "net-a", &before), 0);
	near_run("ip link del net-a");
	near_run("ip link add net-a index %u address " NEAR_MAC " mtu %u type bridge",
		 before.ifindex, before.mtu);

	assert_becomes(w, count_gone(w, "net-a") == 1 && last_link(w, "net-a")->link.ifindex);
	assert_int_equal(last_link(w, "net-a")->link.ifindex, before.ifindex);
}

static void test_link_renamed_is_told_as_gone_and_new(void **state)
{
	struct world *w = *state;

	near_run("ip link set net-a down");
	near_run("ip link set net-a name net-z");
	near_run("ip link set net-z up mtu 1400");

	assert_becomes(w, link_is(w, "net-a", false, false) && link_is(w, "net-z", true, true));
	assert_becomes(w, last_link(w, "net-z")->link.mtu == 1400);
}

static void test_port_that_leaves_a_bridge_is_still_there(void **state)
{
	struct world *w = *state;
	struct net_link link;

	near_run("ip link add net-br type bridge");
	near_run("ip link set net-a master net-br");
	near_run("ip link set net-a nomaster");
	assert_becomes(w, last_link(w, "net-br"));
	let_pass(w, 100);

	assert_int_equal(net_get_link(w->net, "net-a", &link), 0);
	assert_int_equal(count_gone(w, "net-a"), 0);
}

static void test_lost_news_is_made_up_for(void **state)
{
	struct world *w = *state;
	int bytes = 1;

	near_run("ip route add 203.0.113.0/24 via 192.0.2.11");
	watch(w, 1, "203.0.113.7");
	assert_becomes(w, hop_is(w, 1, FAR_MAC, NEAR_MAC));
	assert_int_equal(setsockopt(mnl_socket_get_fd(w->net->news), SOL_SOCKET, SO_RCVBUF, &bytes,
				    sizeof(bytes)),
			 0);

	near_run("for i in 1 2 3 4 5 6 7 8 9; do ip route add 10.0.$i.0/24 via 192.0.2.11; done");
	near_run("ip route replace 203.0.113.0/24 dev lo");
	near_run("ip link set net-a mtu 1300");

	assert_becomes(w, !w->hops[1].ifindex);
	assert_becomes(w, last_link(w, "net-a") && last_link(w, "net-a")->link.mtu == 1300);
}

/* ---- VIPs ---- */

static void add_vip(struct world *w, const char *text, bool expected_there)
{
	struct lb_addr vip = address_of(text);
	bool was_there = !expected_there;

	assert_int_equal(net_add_vip(w->net, &vip, &was_there), 0);
	assert_int_equal(was_there, expected_there);
}

static void del_vip(struct world *w, const char *text)
{
	struct lb_addr vip = address_of(text);

	assert_int_equal(net_del_vip(w->net, &vip), 0);
}

static void test_vip_is_answered_by_arp_until_deleted(void **state)
{
	struct world *w = *state;

	far_run(w, "ip route add 198.51.100.10 dev net-b");
	add_vip(w, "198.51.100.10", false);
	add_vip(w, "198.51.100.10", false);
	far_run(w, "ping -c1 -W5 198.51.100.10 >/dev/null");
	far_run(w, "ip neigh show 198.51.100.10 | grep -q 'lladdr " NEAR_MAC "'");

	del_vip(w, "198.51.100.10");
	del_vip(w, "198.51.100.10");

	near_run("! ip addr show | grep 198.51.100.10");
}

static void test_vip6_on_link_is_answered_by_ndp_until_deleted(void **state)
{
	struct world *w = *state;

	add_vip(w, "2001:db8::10", false);
	add_vip(w, "2001:db8::10", false);
	far_run(w, "ping -c1 -W5 2001:db8::10 >/dev/null");
	far_run(w, "ip neigh show 2001:db8::10 | grep -q 'lladdr " NEAR_MAC "'");
	near_run("ip route get 2001:db8::11 | grep -q 'src 2001:db8::1 '");

	del_vip(w, "2001:db8::10");
	del_vip(w, "2001:db8::10");

	near_run("! ip addr show | grep 2001:db8::10");
}

static void test_vip6_behind_a_route_is_on_lo(void **state)
{
	struct world *w = *state;

	far_run(w, "ip route add 2001:db8:aa::/64 via 2001:db8::1");

	add_vip(w, "2001:db8:aa::10", false);

	near_run("ip addr show dev lo | grep -q 2001:db8:aa::10/128");
	far_run(w, "ping -c1 -W5 2001:db8:aa::10 >/dev/null");
}

static void test_vip_of_somebody_else_is_left_alone(void **state)
{
	struct world *w = *state;

	near_run("ip addr add 198.51.100.10/32 dev lo");
	near_run("ip addr add 2001:db8::10/64 dev net-a nodad");

	add_vip(w, "198.51.100.10", true);
	add_vip(w, "2001:db8::10", true);
	del_vip(w, "198.51.100.10");
	del_vip(w, "2001:db8::10");

	near_run("ip addr show dev lo | grep -q 198.51.100.10/32");
	near_run("ip addr show dev net-a | grep -q 2001:db8::10/64");
}

static void test_vip_of_an_agent_that_died_is_ours(void **state)
{
	struct world *w = *state;
	struct net_callbacks callbacks = { .on_hop = on_hop, .on_link = on_link, .arg = w };

	add_vip(w, "198.51.100.10", false);
	add_vip(w, "2001:db8::10", false);
	net_free(w->net);
	near_run("ip addr show dev lo | grep -q 198.51.100.10/32");

	w->net = net_new(w->base, &callbacks);
	assert_non_null(w->net);

	add_vip(w, "198.51.100.10", false);
	add_vip(w, "2001:db8::10", false);
	del_vip(w, "198.51.100.10");
	del_vip(w, "2001:db8::10");
	near_run("! ip addr show | grep -E '198.51.100.10|2001:db8::10'");
}

static bool shows(const char *command)
{
	return system(command) == 0; /* NOLINT(cert-env33-c): a test drives ip(8) */
}

static void test_vip_that_vanishes_is_put_back_where_it_belongs(void **state)
{
	struct world *w = *state;

	add_vip(w, "198.51.100.10", false);
	add_vip(w, "2001:db8::10", false);

	near_run("ip addr del 198.51.100.10/32 dev lo");
	near_run("ip link set net-a down"); /* takes its IPv6 addresses along */

	assert_becomes(w, shows("ip addr show dev lo | grep -q 198.51.100.10/32"));
	assert_becomes(w, shows("ip addr show dev lo | grep -q 2001:db8::10/128"));

	near_run("ip link set net-a up");
	near_run("ip addr add 2001:db8::1/64 dev net-a nodad");

	assert_becomes(w, shows("ip addr show dev net-a | grep -q 2001:db8::10/128"));
	assert_becomes(w, !shows("ip addr show dev lo | grep -q 2001:db8::10/128"));
	far_run(w, "ping -c1 -W5 2001:db8::10 >/dev/null");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_watch_on_link_finds_mac_of_backend),
		TEST(test_watch_behind_router_finds_mac_of_router),
		TEST(test_get_hop_of_known_neighbor_needs_no_loop),
		TEST(test_neighbor_with_new_mac_is_followed),
		TEST(test_neighbor_with_new_mac_that_says_nothing_is_found_by_the_kernels_probes),
		TEST(test_own_mac_changed_is_followed),
		TEST(test_route_replaced_moves_only_its_hops),
		TEST(test_route_news_concerns_only_its_prefix),
		TEST(test_more_specific_route_and_rule_move_hops),
		TEST(test_next_hop_object_replaced_moves_hop),
		TEST(test_unwatched_during_delivery_is_not_told),
		TEST(test_token_watched_anew_follows_its_new_address),
		TEST(test_silent_neighbor_is_reported_and_found_when_it_answers),
		TEST(test_route_to_a_silent_router_keeps_the_old_hop_until_that_is_certain),
		TEST(test_neighbor_that_falls_silent_is_lost),
		TEST(test_destination_without_way_says_why),
		TEST(test_route_that_appears_is_taken),
		TEST(test_permanent_neighbor_stays_permanent),
		TEST(test_flushed_neighbor_is_asked_for_anew_and_never_lost),
		TEST(test_watched_neighbor_is_managed_until_unwatched),
		TEST(test_more_neighbors_than_the_table_holds_are_resolved),
		TEST(test_2000_watches_behind_one_router_share_its_neighbor),
		TEST(test_link_down_loses_hops_and_up_finds_them),
		TEST(test_link_recreated_is_told_and_its_hops_have_the_new_ifindex),
		TEST(test_link_recreated_with_its_ifindex_is_told_as_gone_and_new),
		TEST(test_link_renamed_is_told_as_gone_and_new),
		TEST(test_port_that_leaves_a_bridge_is_still_there),
		TEST(test_lost_news_is_made_up_for),
		TEST(test_vip_is_answered_by_arp_until_deleted),
		TEST(test_vip6_on_link_is_answered_by_ndp_until_deleted),
		TEST(test_vip6_behind_a_route_is_on_lo),
		TEST(test_vip_of_somebody_else_is_left_alone),
		TEST(test_vip_of_an_agent_that_died_is_ours),
		TEST(test_vip_that_vanishes_is_put_back_where_it_belongs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
