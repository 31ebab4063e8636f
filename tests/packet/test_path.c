/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * `via: vip` against a real kernel: each test has a network namespace of its own, the gateway, and
 * two more, web1 and web2, each at the other end of a veth pair with the same VIP on its lo. Root.
 *
 * The veths keep their checksum offload: what web1 and web2 send has unfinished checksums.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <netinet/ip_icmp.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "health/health.h"
#include "health/path.h"
#include "health/path_packet.h"
#include "health/probe.h"
#include "model/addr.h"

#define WEBS	     2
#define WAIT_SECONDS 20
#define SERVICE_PORT 80

static const char *const vips[] = { "198.51.100.10", "2001:db8:100::10" };
static const char *const gateway_addresses[WEBS][2] = { { "10.0.1.1", "fd00:1::1" },
							{ "10.0.2.1", "fd00:2::1" } };
static const char *const web_addresses[WEBS][2] = { { "10.0.1.11", "fd00:1::11" },
						    { "10.0.2.12", "fd00:2::12" } };

struct world {
	int home; /* the gateway's namespace */
	pid_t webs[WEBS];
	int spaces[WEBS]; /* their namespaces */
	struct target_hop hops[WEBS];
	struct event_base *base;
	struct health *health;
	struct path *path;
	size_t open_files;
	unsigned changes;
};

/* ---- the gateway and the webs --------------------------------------------- */

__attribute__((format(printf, 1, 2))) static void run(const char *format, ...)
{
	char command[512];
	va_list args;
	int status;

	va_start(args, format);
	vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	status = system(command); /* NOLINT(cert-env33-c): a test drives ip(8) */
	if (status != 0)
		fail_msg("exit status %d of: %s", status, command);
}

__attribute__((format(printf, 3, 4))) static void web_run(const struct world *w, unsigned web,
							  const char *format, ...)
{
	char command[400];
	va_list args;

	va_start(args, format);
	vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	run("nsenter --net=/proc/%d/ns/net %s", (int)w->webs[web], command);
}

static pid_t start_web(void)
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

static int open_space(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

static void wire_web(struct world *w, unsigned web)
{
	char path[64];

	w->webs[web] = start_web();
	snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)w->webs[web]);
	w->spaces[web] = open_space(path);
	run("ip link add gw%u address 02:00:00:00:%02x:01 type veth peer name eth0 "
	    "address 02:00:00:00:%02x:02 netns %d",
	    web, web, web, (int)w->webs[web]);
	web_run(w, web,
		"sysctl -qw net.ipv4.conf.all.arp_announce=2 "
		"net.ipv4.conf.all.arp_ignore=1");
	web_run(w, web, "ip link set lo up");
	run("ip link set gw%u up", web);
	web_run(w, web, "ip link set eth0 up");
	for (unsigned f = 0; f < 2; f++) {
		const char *more = f ? "nodad" : "";

		run("ip addr add %s/%d dev gw%u %s", gateway_addresses[web][f], f ? 64 : 24, web,
		    more);
		web_run(w, web, "ip addr add %s/%d dev eth0 %s", web_addresses[web][f], f ? 64 : 24,
			more);
		web_run(w, web, "ip addr add %s/%d dev lo %s", vips[f], f ? 128 : 32, more);
	}
	w->hops[web] = (struct target_hop) {
		.ifindex = if_nametoindex((char[]) { 'g', 'w', (char)('0' + web), '\0' }),
		.dst_mac = { 2, 0, 0, 0, (uint8_t)web, 2 },
		.src_mac = { 2, 0, 0, 0, (uint8_t)web, 1 },
	};
}

/* web_socket - a socket in the network of one of them */
static int web_socket(const struct world *w, unsigned web, int family, int type, int protocol)
{
	int fd;

	assert_int_equal(setns(w->spaces[web], CLONE_NEWNET), 0);
	fd = socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
	assert_int_equal(setns(w->home, CLONE_NEWNET), 0);
	assert_true(fd >= 0);
	return fd;
}

static socklen_t set_sockaddr(struct sockaddr_storage *to, const char *text, unsigned port)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)to;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)to;

	memset(to, 0, sizeof(*to));
	if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons((uint16_t)port);
		return sizeof(*v4);
	}
	assert_int_equal(inet_pton(AF_INET6, text, &v6->sin6_addr), 1);
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons((uint16_t)port);
	return sizeof(*v6);
}

/* serve - a server's socket on the VIP */
static int serve(const struct world *w, unsigned web, unsigned f, int type)
{
	struct sockaddr_storage vip;
	socklen_t len = set_sockaddr(&vip, vips[f], SERVICE_PORT);
	int fd = web_socket(w, web, vip.ss_family, type, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&vip, len), 0);
	if (type == SOCK_STREAM)
		assert_int_equal(listen(fd, 64), 0);
	return fd;
}

/* ---- time ----------------------------------------------------------------- */

static void do_nothing(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
}

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

/* @condition may have effects: it is not looked at again once it is true */
#define assert_becomes(w, condition)                                                               \
	do {                                                                                       \
		uint64_t until_ms_ = now_ms() + WAIT_SECONDS * 1000;                               \
		bool is_so_ = (condition);                                                         \
		while (!is_so_ && now_ms() < until_ms_) {                                          \
			turn(w);                                                                   \
			is_so_ = (condition);                                                      \
		}                                                                                  \
		assert_true(is_so_);                                                               \
	} while (0)

/* ---- arrange -------------------------------------------------------------- */

static void on_change(void *arg, uint32_t token, const struct health_state *state)
{
	struct world *w = arg;

	(void)token;
	(void)state;
	w->changes++;
}

static struct lb_addr address_of(const char *text)
{
	struct lb_addr address;

	assert_int_equal(addr_parse(text, &address), 0);
	return address;
}

static struct path_flow *add_flow(struct world *w, unsigned web, unsigned f)
{
	struct lb_addr vip = address_of(vips[f]), backend = address_of(web_addresses[web][f]);
	struct path_flow *flow;

	assert_int_equal(path_add_flow(w->path, &vip, &backend, &w->hops[web], &flow), 0);
	return flow;
}

/* count_open_files - of this process */
static size_t count_open_files(void)
{
	size_t count = 0;

	for (int fd = 0; fd < 1024; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

static void change_local_vips(const char *verb)
{
	run("ip addr %s %s/32 dev lo", verb, vips[0]);
	run("ip addr %s %s/128 dev lo", verb, vips[1]);
}

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	assert_int_equal(unshare(CLONE_NEWNET), 0);
	w->home = open_space("/proc/self/ns/net");
	run("ip link set lo up");
	for (unsigned web = 0; web < WEBS; web++)
		wire_web(w, web);
	change_local_vips("add");
	w->open_files = count_open_files();
	w->base = event_base_new();
	w->path = path_new(w->base);
	w->health = health_new(w->base, on_change, w);
	assert_non_null(w->health);
	*state = w;
	return 0;
}

/* Nothing stays: neither descriptors nor, therefore, the namespace. */
static int teardown(void **state)
{
	struct world *w = *state;

	health_free(w->health);
	path_free(w->path);
	event_base_free(w->base);
	assert_int_equal(count_open_files(), w->open_files);
	for (unsigned web = 0; web < WEBS; web++) {
		kill(w->webs[web], SIGKILL);
		waitpid(w->webs[web], NULL, 0);
		close(w->spaces[web]);
	}
	close(w->home);
	free(w);
	return 0;
}

/* ---- sockets -------------------------------------------------------------- */

/* get_socket - an IPv6 address that is new in the namespace may be used a moment later */
static int get_socket(struct world *w, struct path_flow *flow, int type, int protocol)
{
	int fd;

	assert_becomes(w, (fd = path_socket(flow, type, protocol)) != -EADDRNOTAVAIL);
	if (fd < 0)
		fail_msg("path_socket: %s", strerror(-fd));
	return fd;
}

static int start_connect(struct world *w, struct path_flow *flow, unsigned f, int type)
{
	struct sockaddr_storage vip;
	socklen_t len = set_sockaddr(&vip, vips[f], SERVICE_PORT);
	int fd = get_socket(w, flow, type, 0);

	if (connect(fd, (struct sockaddr *)&vip, len))
		assert_int_equal(errno, EINPROGRESS);
	return fd;
}

static int accept_or_error(int listener, struct sockaddr_storage *peer)
{
	socklen_t len = sizeof(*peer);

	return accept4(listener, (struct sockaddr *)peer, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

static int socket_error(int fd)
{
	socklen_t len = sizeof(int);
	int err = 0;

	assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len), 0);
	return err;
}

/* assert_is_probe - @peer is the gateway at this web's interface, its port one of probes */
static void assert_is_probe(const struct sockaddr_storage *peer, unsigned web, unsigned f)
{
	struct sockaddr_storage expected;
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)peer;
	unsigned port = ntohs(v4->sin_port); /* at the same place in both families */

	set_sockaddr(&expected, gateway_addresses[web][f], port);
	assert_memory_equal(peer, &expected,
			    f ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in));
	assert_in_range(port, PATH_PORT_FIRST, PATH_PORT_FIRST + PATH_PORTS - 1);
}

/* carry - @size bytes from @from to @to, where they are the same */
static void carry(struct world *w, int from, int to, size_t size)
{
	uint8_t *sent = malloc(size), *got = malloc(size);
	size_t out = 0, in = 0;
	uint64_t until_ms = now_ms() + WAIT_SECONDS * 1000;

	assert_non_null(sent);
	assert_non_null(got);
	for (size_t i = 0; i < size; i++)
		sent[i] = (uint8_t)(i * 7 + i / 251);
	while (in < size && now_ms() < until_ms) {
		ssize_t n = out < size ? send(from, sent + out, size - out, MSG_NOSIGNAL) : 0;

		if (n > 0)
			out += (size_t)n;
		turn(w);
		n = recv(to, got + in, size - in, 0);
		if (n > 0)
			in += (size_t)n;
	}
	assert_int_equal(in, size);
	assert_memory_equal(sent, got, size);
	free(sent);
	free(got);
}

/* ---- tests of the way ----------------------------------------------------- */

static void test_path_tcp_reaches_each_backend_of_one_vip(void **state)
{
	struct world *w = *state;

	for (unsigned f = 0; f < 2; f++) {
		struct path_flow *flows[WEBS];
		int listeners[WEBS], fds[WEBS];

		for (unsigned web = 0; web < WEBS; web++) {
			flows[web] = add_flow(w, web, f);
			listeners[web] = serve(w, web, f, SOCK_STREAM);
			fds[web] = start_connect(w, flows[web], f, SOCK_STREAM);
		}

		for (unsigned web = 0; web < WEBS; web++) {
			struct sockaddr_storage peer;
			int server;

			assert_becomes(w, (server = accept_or_error(listeners[web], &peer)) >= 0);
			assert_is_probe(&peer, web, f);
			carry(w, fds[web], server, 20000);
			carry(w, server, fds[web], 200000);
			close(server);
			close(fds[web]);
			close(listeners[web]);
			path_release(flows[web]);
		}
	}
}

static void test_path_udp_is_answered(void **state)
{
	struct world *w = *state;

	for (unsigned f = 0; f < 2; f++) {
		struct path_flow *flow = add_flow(w, 0, f);
		int server = serve(w, 0, f, SOCK_DGRAM), fd = start_connect(w, flow, f, SOCK_DGRAM);
		struct sockaddr_storage peer;
		socklen_t len = sizeof(peer);
		char got[16];

		assert_int_equal(send(fd, "ping", 4, 0), 4);
		assert_becomes(w, recvfrom(server, got, sizeof(got), 0, (struct sockaddr *)&peer,
					   &len) == 4);
		assert_is_probe(&peer, 0, f);
		assert_int_equal(sendto(server, "pong!", 5, 0, (struct sockaddr *)&peer, len), 5);

		assert_becomes(w, recv(fd, got, sizeof(got), 0) == 5);
		assert_memory_equal(got, "pong!", 5);
		close(fd);
		close(server);
		path_release(flow);
	}
}

static void test_path_closed_port_is_refused(void **state)
{
	struct world *w = *state;

	for (unsigned f = 0; f < 2; f++) {
		struct path_flow *tcp = add_flow(w, 0, f), *udp = add_flow(w, 0, f);
		int tcp_fd = start_connect(w, tcp, f, SOCK_STREAM);
		int udp_fd = start_connect(w, udp, f, SOCK_DGRAM);

		assert_int_equal(send(udp_fd, "ping", 4, 0), 4);

		assert_becomes(w, socket_error(tcp_fd) == ECONNREFUSED);
		assert_becomes(w, socket_error(udp_fd) == ECONNREFUSED);
		close(tcp_fd);
		close(udp_fd);
		path_release(tcp);
		path_release(udp);
	}
}

static void test_path_ping_is_answered(void **state)
{
	static const int protocols[] = { IPPROTO_ICMP, IPPROTO_ICMPV6 };
	static const uint8_t types[] = { ICMP_ECHO, 128 };
	struct world *w = *state;

	for (unsigned f = 0; f < 2; f++) {
		struct path_flow *flow = add_flow(w, 1, f);
		uint8_t echo[16] = { types[f], [6] = 0x12, 0x34, 'x' }, got[64];
		struct sockaddr_storage vip;
		socklen_t len = set_sockaddr(&vip, vips[f], 0);
		int fd = get_socket(w, flow, SOCK_DGRAM, protocols[f]);

		assert_int_equal(connect(fd, (struct sockaddr *)&vip, len), 0);
		assert_int_equal(send(fd, echo, sizeof(echo), 0), sizeof(echo));

		assert_becomes(w, recv(fd, got, sizeof(got), 0) == sizeof(echo));
		assert_memory_equal(got + 6, echo + 6, sizeof(echo) - 6);
		close(fd);
		path_release(flow);
	}
}

/* A standby, or `vip_address: none`: its kernel must not reset what it knows nothing of. */
static void test_path_vip_that_is_not_local_works_too(void **state)
{
	static const struct linger reset_on_close = { .l_onoff = 1 };
	struct world *w = *state;

	change_local_vips("del");
	run("ip route add default via %s", web_addresses[0][0]);
	run("ip route add default via %s", web_addresses[0][1]);
	for (unsigned f = 0; f < 2; f++) {
		struct path_flow *flow = add_flow(w, 0, f);
		int listener = serve(w, 0, f, SOCK_STREAM);
		int fd = start_connect(w, flow, f, SOCK_STREAM);
		struct sockaddr_storage peer;
		int server;

		assert_becomes(w, (server = accept_or_error(listener, &peer)) >= 0);
		carry(w, fd, server, 2000);
		carry(w, server, fd, 2000);

		run("nstat -asz TcpOutRsts | grep -q 'TcpOutRsts *0 '");
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset_on_close, sizeof(reset_on_close));
		close(fd);
		close(server);
		close(listener);
		path_release(flow);
	}
}

static void test_path_port_of_the_gateway_is_left_alone(void **state)
{
	struct world *w = *state;
	struct path_flow *flow = add_flow(w, 0, 0);
	struct sockaddr_storage own, bound;
	socklen_t len = set_sockaddr(&own, "0.0.0.0", PATH_PORT_FIRST);
	int taken = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), fd;

	change_local_vips("del");
	assert_int_equal(bind(taken, (struct sockaddr *)&own, len), 0);
	assert_int_equal(listen(taken, 1), 0);

	fd = path_socket(flow, SOCK_STREAM, 0);

	assert_true(fd >= 0);
	len = sizeof(bound);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&bound, &len), 0);
	assert_int_equal(ntohs(((struct sockaddr_in *)&bound)->sin_port), PATH_PORT_FIRST + 1);
	close(fd);
	close(taken);
	path_release(flow);
}

/* Two hops: a container behind the backend, but not another backend behind the balancer. */
static void test_path_packets_live_for_two_hops(void **state)
{
	struct world *w = *state;

	for (unsigned f = 0; f < 2; f++) {
		struct path_flow *flow = add_flow(w, 0, f);
		int server = serve(w, 0, f, SOCK_DGRAM), fd = start_connect(w, flow, f, SOCK_DGRAM);
		char byte, control[64];
		struct iovec part = { &byte, 1 };
		struct msghdr message = { .msg_iov = &part,
					  .msg_iovlen = 1,
					  .msg_control = control,
					  .msg_controllen = sizeof(control) };
		int on = 1;

		assert_int_equal(
			f ? setsockopt(server, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, &on, sizeof(on))
			  : setsockopt(server, IPPROTO_IP, IP_RECVTTL, &on, sizeof(on)),
			0);
		assert_int_equal(send(fd, "x", 1, 0), 1);
		assert_becomes(w, recvmsg(server, &message, 0) == 1);

		assert_non_null(CMSG_FIRSTHDR(&message));
		assert_int_equal(*(int *)CMSG_DATA(CMSG_FIRSTHDR(&message)), 2);
		close(fd);
		close(server);
		path_release(flow);
	}
}

static void test_path_without_next_hop_says_so(void **state)
{
	struct world *w = *state;
	struct path_flow *flow = add_flow(w, 0, 0);
	struct target_hop hop = w->hops[0];
	int fd;

	w->hops[0].ifindex = 0;
	assert_int_equal(path_socket(flow, SOCK_STREAM, 0), -ENXIO);

	w->hops[0] = hop;
	fd = path_socket(flow, SOCK_STREAM, 0);
	assert_true(fd >= 0);
	close(fd);

	w->hops[0].ifindex = 0;
	assert_int_equal(path_socket(flow, SOCK_STREAM, 0), -EDESTADDRREQ);
	path_release(flow);
}

static void test_path_without_tun_device_says_so(void **state)
{
	struct world *w = *state;
	struct path_flow *flow = add_flow(w, 0, 0);

	assert_int_equal(unshare(CLONE_NEWNS), 0);
	assert_int_equal(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	assert_int_equal(mount("none", "/dev/net", "tmpfs", 0, NULL), 0);

	assert_int_equal(path_socket(flow, SOCK_STREAM, 0), -ENODEV);

	umount("/dev/net");
	assert_int_equal(path_socket(flow, SOCK_STREAM, 0), -ENODEV); /* not asked again at once */
	path_release(flow);
}

static void test_path_with_the_vip_as_only_address_says_so(void **state)
{
	struct world *w = *state;
	struct path_flow *flow = add_flow(w, 0, 0);

	run("ip addr flush dev gw0");
	run("ip addr flush dev gw1");
	run("ip route add %s dev gw0", web_addresses[0][0]);

	assert_int_equal(path_socket(flow, SOCK_STREAM, 0), -ENOTUNIQ);
	path_release(flow);
}

static void test_path_of_two_families_is_refused(void **state)
{
	struct world *w = *state;
	struct lb_addr vip = address_of(vips[0]), backend = address_of(web_addresses[0][1]);
	struct path_flow *flow = NULL;

	assert_int_equal(path_add_flow(w->path, &vip, &backend, &w->hops[0], &flow), -EAFNOSUPPORT);
	assert_null(flow);
}

/* A device that went and came back has another index; its old packet socket is dead. */
static void test_path_follows_its_next_hop_to_another_interface(void **state)
{
	struct world *w = *state;
	struct path_flow *flow = add_flow(w, 0, 0);
	int first = serve(w, 0, 0, SOCK_STREAM), second = serve(w, 1, 0, SOCK_STREAM);
	int fd = start_connect(w, flow, 0, SOCK_STREAM), server;
	struct sockaddr_storage peer;

	assert_becomes(w, (server = accept_or_error(first, &peer)) >= 0);
	close(server);
	close(fd);

	w->hops[0] = w->hops[1];
	web_run(w, 1, "ip route add 10.0.1.0/24 via %s", gateway_addresses[1][0]);
	fd = start_connect(w, flow, 0, SOCK_STREAM);

	assert_becomes(w, (server = accept_or_error(second, &peer)) >= 0);
	close(server);
	close(fd);
	close(first);
	close(second);
	path_release(flow);
}

static void test_path_interface_made_anew_works(void **state)
{
	struct world *w = *state;
	struct path_flow *flow = add_flow(w, 0, 0);
	int listener = serve(w, 0, 0, SOCK_STREAM);
	int fd = start_connect(w, flow, 0, SOCK_STREAM), server;
	unsigned ifindex = w->hops[0].ifindex;
	struct sockaddr_storage peer;

	assert_becomes(w, (server = accept_or_error(listener, &peer)) >= 0);
	close(server);
	close(fd);
	run("ip link del gw0");
	run("ip link add gw0 index %u address 02:00:00:00:00:01 type veth peer name eth0 "
	    "address 02:00:00:00:00:02 netns %d",
	    ifindex, (int)w->webs[0]);
	run("ip link set gw0 up");
	run("ip addr add %s/24 dev gw0", gateway_addresses[0][0]);
	web_run(w, 0, "ip link set eth0 up");
	web_run(w, 0, "ip addr add %s/24 dev eth0", web_addresses[0][0]);

	/* the first packet finds that the old socket is dead */
	fd = start_connect(w, flow, 0, SOCK_STREAM);
	turn(w);
	close(fd);
	fd = start_connect(w, flow, 0, SOCK_STREAM);

	assert_becomes(w, (server = accept_or_error(listener, &peer)) >= 0);
	close(server);
	close(fd);
	close(listener);
	path_release(flow);
}

/* An address that sockets had as theirs in the namespace would be answered there. */
static void test_path_source_that_becomes_a_vip_is_probed(void **state)
{
	struct world *w = *state;
	struct lb_addr vip = address_of(gateway_addresses[0][0]);
	struct lb_addr backend = address_of(web_addresses[1][0]);
	struct path_flow *flow = add_flow(w, 0, 0), *other;
	int fd = path_socket(flow, SOCK_STREAM, 0);

	assert_true(fd >= 0);
	close(fd);
	run("ip addr flush dev gw0");
	web_run(w, 1, "ip addr add %s/32 dev lo", gateway_addresses[0][0]);
	assert_int_equal(path_add_flow(w->path, &vip, &backend, &w->hops[1], &other), 0);
	fd = path_socket(other, SOCK_DGRAM, 0);
	assert_true(fd >= 0);
	{
		struct sockaddr_storage to;
		socklen_t len = set_sockaddr(&to, gateway_addresses[0][0], SERVICE_PORT);
		int server = web_socket(w, 1, AF_INET, SOCK_DGRAM, 0);
		char byte;

		assert_int_equal(bind(server, (struct sockaddr *)&to, len), 0);
		assert_int_equal(connect(fd, (struct sockaddr *)&to, len), 0);
		assert_int_equal(send(fd, "x", 1, 0), 1);
		assert_becomes(w, recv(server, &byte, 1, 0) == 1);
		close(server);
	}
	close(fd);
	path_release(flow);
	path_release(other);
}

/* All at once, as after a start: none waits for another, none is lost. */
static void test_path_of_thousands_has_a_port_for_each(void **state)
{
	enum { FLOWS = 10000 };
	struct path_flow **flows = calloc(FLOWS, sizeof(struct path_flow *));
	struct world *w = *state;
	int listener = serve(w, 0, 0, SOCK_DGRAM), buffer = 64 * 1024 * 1024;
	unsigned got = 0;
	char byte;

	assert_non_null(flows);
	assert_int_equal(setsockopt(listener, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof(buffer)),
			 0);
	for (unsigned i = 0; i < FLOWS; i++) {
		int fd;

		flows[i] = add_flow(w, i % WEBS, 0);
		fd = start_connect(w, flows[i], 0, SOCK_DGRAM);
		assert_int_equal(send(fd, "x", 1, 0), 1);
		close(fd);
	}
	turn(w);

	while (recv(listener, &byte, 1, 0) == 1)
		got++;
	assert_int_equal(got, FLOWS / WEBS);
	for (unsigned i = 0; i < FLOWS; i++)
		path_release(flows[i]);
	free(flows);
	close(listener);
}

/* ---- tests of targets ----------------------------------------------------- */

static void set_target(struct world *w, uint32_t token, unsigned web, unsigned f,
		       enum model_probe type)
{
	struct health_target at = {
		.address = address_of(web_addresses[web][f]),
		.port = 8080,
		.vip = address_of(vips[f]),
		.vip_port = SERVICE_PORT,
		.forward = LB_FORWARD_DSR,
	};
	struct model_health settings = {
		.type = type,
		.via_vip = true,
		.interval_ms = 50,
		.timeout_ms = 400,
		.rise = 1,
		.fall = 1,
	};
	const struct target_hop *hop = &w->hops[web];

	assert_int_equal(health_set(w->health, token, &at, &settings, NULL), 0);
	health_set_hop(w->health, token, hop->ifindex, hop->dst_mac, hop->src_mac);
}

static bool is_decided(const struct world *w, uint32_t token, bool is_up)
{
	struct health_state state;

	return !health_get(w->health, token, &state) && state.is_decided && state.is_up == is_up;
}

static void test_health_via_vip_finds_a_vip_that_is_missing(void **state)
{
	struct world *w = *state;

	for (unsigned f = 0; f < 2; f++) {
		uint32_t tcp = f * 10 + 1, icmp = f * 10 + 2, other = f * 10 + 3;
		int listeners[] = { serve(w, 0, f, SOCK_STREAM), serve(w, 1, f, SOCK_STREAM) };

		set_target(w, tcp, 0, f, PROBE_TCP);
		set_target(w, icmp, 0, f, PROBE_ICMP);
		set_target(w, other, 1, f, PROBE_TCP);
		assert_becomes(w, is_decided(w, tcp, true) && is_decided(w, icmp, true) &&
					  is_decided(w, other, true));

		web_run(w, 0, "ip addr del %s/%d dev lo", vips[f], f ? 128 : 32);
		assert_becomes(w, is_decided(w, tcp, false) && is_decided(w, icmp, false));
		assert_true(is_decided(w, other, true));

		web_run(w, 0, "ip addr add %s/%d dev lo %s", vips[f], f ? 128 : 32,
			f ? "nodad" : "");
		assert_becomes(w, is_decided(w, tcp, true) && is_decided(w, icmp, true));
		close(listeners[0]);
		close(listeners[1]);
	}
}

static void test_health_via_vip_says_that_there_is_no_next_hop(void **state)
{
	struct world *w = *state;
	static const uint8_t none[6];
	struct health_state seen = {};

	set_target(w, 1, 0, 0, PROBE_TCP);
	health_set_hop(w->health, 1, 0, none, none);

	assert_becomes(w, is_decided(w, 1, false));

	assert_int_equal(health_get(w->health, 1, &seen), 0);
	assert_string_equal(seen.reason, "via: vip: no next hop of the backend");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_path_tcp_reaches_each_backend_of_one_vip),
		TEST(test_path_udp_is_answered),
		TEST(test_path_closed_port_is_refused),
		TEST(test_path_ping_is_answered),
		TEST(test_path_vip_that_is_not_local_works_too),
		TEST(test_path_port_of_the_gateway_is_left_alone),
		TEST(test_path_packets_live_for_two_hops),
		TEST(test_path_without_next_hop_says_so),
		TEST(test_path_without_tun_device_says_so),
		TEST(test_path_with_the_vip_as_only_address_says_so),
		TEST(test_path_of_two_families_is_refused),
		TEST(test_path_follows_its_next_hop_to_another_interface),
		TEST(test_path_interface_made_anew_works),
		TEST(test_path_source_that_becomes_a_vip_is_probed),
		TEST(test_path_of_thousands_has_a_port_for_each),
		TEST(test_health_via_vip_finds_a_vip_that_is_missing),
		TEST(test_health_via_vip_says_that_there_is_no_next_hop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
