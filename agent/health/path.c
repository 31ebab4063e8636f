/* SPDX-License-Identifier: GPL-2.0-only */
#include "health/path.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "health/path_host.h"
#include "health/path_state.h"
#include "health/probe.h"
#include "model/addr.h"

/* Of an agent that just started, next hops may come a moment after the first probes. */
#define HOP_WAIT_MS 3000
/* Opening that failed is not tried again for each of thousands of probes. */
#define OPEN_RETRY_MS 1000
#define PORT_TRIES    64
/* One for the backend, one for a container behind it; none for a way back to us: see path.h. The
 * balancer answers pings to its VIPs however old they are, so those may not even go on. */
#define PROBE_TTL 2
#define PING_TTL  1

static uint64_t monotonic_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* ---- opening and closing -------------------------------------------------- */

static void on_sent(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	path_tap_forward(arg);
}

static void close_all(struct path *path)
{
	if (path->tun_event)
		event_free(path->tun_event);
	path->tun_event = NULL;
	path_space_close(&path->space);
}

static int open_all(struct path *path)
{
	int err = path_space_open(&path->space);

	if (err)
		return err;
	path->tun_event =
		event_new(path->base, path->space.tun_fd, EV_READ | EV_PERSIST, on_sent, path);
	if (path->tun_event && !event_add(path->tun_event, NULL))
		return 0;
	close_all(path);
	return -ENOMEM;
}

static int ensure_open(struct path *path)
{
	uint64_t now = monotonic_ms();

	if (path->tun_event)
		return 0;
	if (path->open_err && now < path->open_err_ms + OPEN_RETRY_MS)
		return path->open_err;
	path->open_err = open_all(path);
	path->open_err_ms = now;
	return path->open_err;
}

/* ---- ports ---------------------------------------------------------------- */

static void release_port(struct path_flow *flow)
{
	if (flow->port)
		flow->path->owners[flow->port - PATH_PORT_FIRST] = NULL;
	flow->port = 0;
	if (flow->guard_fd >= 0)
		close(flow->guard_fd);
	flow->guard_fd = -1;
}

/* One after the other, so that each is used again as late as can be. 0: none is free. */
static unsigned draw_port(struct path *path)
{
	for (unsigned i = 0; i < PATH_PORTS; i++) {
		unsigned n = path->next_port++ % PATH_PORTS;

		if (!path->owners[n])
			return PATH_PORT_FIRST + n;
	}
	return 0;
}

static int bind_port(const struct path_flow *flow, int fd, unsigned port)
{
	union path_sockaddr from;
	socklen_t len = path_sockaddr_set(&from, &flow->source, port);

	return bind(fd, &from.any, len) ? -errno : 0;
}

/* take_port - for @fd; the kernel's silence about replies too, where it needs a guard of @type */
static int take_port(struct path_flow *flow, int fd, int type, bool needs_guard)
{
	struct path *path = flow->path;

	for (unsigned i = 0; i < PORT_TRIES; i++) {
		unsigned port = draw_port(path);
		int err;

		if (!port)
			return -EADDRNOTAVAIL;
		if (needs_guard) {
			flow->guard_fd = path_host_guard(&flow->source, port, type);
			if (flow->guard_fd == -EADDRINUSE)
				continue;
			if (flow->guard_fd < 0)
				return flow->guard_fd;
		}
		err = bind_port(flow, fd, port);
		if (!err) {
			flow->port = port;
			path->owners[port - PATH_PORT_FIRST] = flow;
			return 0;
		}
		release_port(flow);
		if (err != -EADDRINUSE)
			return err;
	}
	return -EADDRNOTAVAIL;
}

/* ---- flows ---------------------------------------------------------------- */

static int choose_source(struct path_flow *flow)
{
	struct lb_addr source;
	int err = path_host_source(&flow->backend, &source);

	if (err)
		return err;
	if (addr_compare(&source, &flow->vip) == 0)
		return -ENOTUNIQ;
	err = path_space_add_source(&flow->path->space, &source);
	if (!err)
		flow->source = source;
	return err;
}

/* All but the socket, so that nothing of what it sends is lost. */
static int prepare(struct path_flow *flow)
{
	int err;

	if (!flow->hop->ifindex)
		return flow->had_hop || monotonic_ms() > flow->since_ms + HOP_WAIT_MS
			       ? -EDESTADDRREQ
			       : -ENXIO;
	flow->had_hop = true;
	err = ensure_open(flow->path);
	if (!err)
		err = path_tap_refresh(flow->path);
	if (!err)
		err = path_tap_use(flow);
	if (err)
		return err;
	release_port(flow);
	return choose_source(flow);
}

static int make_socket(struct path_flow *flow, int type, int protocol)
{
	const int ttl = protocol ? PING_TTL : PROBE_TTL;
	bool is_v4 = addr_is_v4(&flow->vip);

	int fd = path_space_socket(&flow->path->space, is_v4 ? AF_INET : AF_INET6,
				   type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);

	if (fd < 0)
		return fd;
	if (is_v4 ? setsockopt(fd, IPPROTO_IP, IP_TTL, &ttl, sizeof(ttl))
		  : setsockopt(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, &ttl, sizeof(ttl))) {
		int err = -errno;

		close(fd);
		return err;
	}
	return fd;
}

int path_socket(struct path_flow *flow, int type, int protocol)
{
	bool needs_guard = !protocol && !path_host_has(&flow->vip);
	int err, fd;

	/* hundreds are made in a row: what the last one sent is not to wait for all of them */
	path_tap_forward(flow->path);
	err = prepare(flow);
	if (err)
		return err;
	fd = make_socket(flow, type, protocol);
	if (fd < 0)
		return fd;
	err = take_port(flow, fd, type, needs_guard);
	if (!err)
		return fd;
	release_port(flow);
	close(fd);
	return err;
}

int path_add_flow(struct path *path, const struct lb_addr *vip, const struct lb_addr *backend,
		  const struct target_hop *hop, struct path_flow **out)
{
	struct path_flow *flow;

	if (addr_is_v4(vip) != addr_is_v4(backend))
		return -EAFNOSUPPORT;
	flow = calloc(1, sizeof(*flow));
	if (!flow)
		return -ENOMEM;
	flow->path = path;
	flow->vip = *vip;
	flow->backend = *backend;
	flow->hop = hop;
	flow->guard_fd = -1;
	flow->since_ms = monotonic_ms();
	LIST_INSERT_HEAD(&path->flows, flow, link);
	path->is_filter_stale = true;
	path_space_del_source(&path->space, vip);
	*out = flow;
	return 0;
}

void path_release(struct path_flow *flow)
{
	struct path *path;

	if (!flow)
		return;
	path = flow->path;
	if (flow->port)
		path_tap_forward(path);
	release_port(flow);
	path_tap_leave(flow);
	LIST_REMOVE(flow, link);
	free(flow);
	if (LIST_EMPTY(&path->flows))
		close_all(path);
}

struct path *path_new(struct event_base *base)
{
	struct path *path = calloc(1, sizeof(*path));

	if (!path)
		return NULL;
	path->base = base;
	path->space = PATH_SPACE_CLOSED;
	return path;
}

void path_free(struct path *path)
{
	if (!path)
		return;
	close_all(path);
	free(path);
}
