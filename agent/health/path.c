/* SPDX-License-Identifier: GPL-2.0-only */
#include "health/path.h"

#include <errno.h>
#include <event2/event.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/virtio_net.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "health/path_filter.h"
#include "health/path_host.h"
#include "health/path_packet.h"
#include "health/path_space.h"
#include "health/probe.h"
#include "model/addr.h"

#define PACKET_MAX 65536 /* replies may come merged (GRO) */
/* Packets taken in one turn of the loop: others in it are not to wait long. */
#define TURN 256
/* Of an agent that just started, next hops may come a moment after the first probes. */
#define HOP_WAIT_MS 3000
/* Opening that failed is not tried again for each of thousands of probes. */
#define OPEN_RETRY_MS 1000
#define PORT_TRIES    64
/* One for the backend, one for a container behind it; none for a way back to us: see path.h. The
 * balancer answers pings to its VIPs however old they are, so those may not even go on. */
#define PROBE_TTL 2
#define PING_TTL  1

/** struct path_tap - the packet socket of one interface */
struct path_tap {
	LIST_ENTRY(path_tap) link;
	struct path *path;
	uint32_t ifindex; /* 0: its interface has gone */
	int fd;
	struct event *event;
	unsigned users;
};

struct path_flow {
	LIST_ENTRY(path_flow) link;
	struct path *path;
	struct path_tap *tap; /* of the last socket's interface; NULL before the first */
	struct lb_addr vip;
	struct lb_addr backend;
	struct lb_addr source; /* of the last socket */
	unsigned port;	       /* of the last socket; 0: none */
	int guard_fd;	       /* -1: none */
	const struct target_hop *hop;
	uint64_t since_ms; /* CLOCK_MONOTONIC */
	bool had_hop;
};

struct path {
	struct event_base *base;
	struct path_space space;
	struct event *tun_event;
	LIST_HEAD(, path_tap) taps;
	LIST_HEAD(, path_flow) flows;
	struct path_flow *owners[PATH_PORTS]; /* by port */
	unsigned next_port;
	int open_err;
	uint64_t open_err_ms; /* CLOCK_MONOTONIC */
	bool is_filter_stale;
	struct sock_filter insns[PATH_FILTER_MAX];
	struct sock_fprog filter;
	uint8_t packet[PACKET_MAX];
};

static uint64_t monotonic_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* ---- packets -------------------------------------------------------------- */

static struct path_flow *find_flow(const struct path *path, const struct path_key *key)
{
	struct path_flow *flow;

	if (key->port < PATH_PORT_FIRST || key->port >= PATH_PORT_FIRST + PATH_PORTS)
		return NULL;
	flow = path->owners[key->port - PATH_PORT_FIRST];
	if (!flow || addr_compare(&flow->source, &key->near) != 0 ||
	    addr_compare(&flow->vip, &key->far) != 0)
		return NULL;
	return flow;
}

/* What cannot be sent is lost, as packets are; TCP sends again, and the deadline says the rest. */
static void send_packet(struct path *path, size_t size)
{
	struct virtio_net_hdr complete = {};
	uint8_t header[PATH_FRAME_HEADER_MAX];
	struct path_flow *flow;
	struct path_key key;
	struct iovec parts[] = {
		{ &complete, sizeof(complete) },
		{ header, 0 },
		{ path->packet, size },
	};

	if (path_key_of_sent(path->packet, size, &key))
		return;
	flow = find_flow(path, &key);
	if (!flow || !flow->tap || flow->tap->ifindex != flow->hop->ifindex)
		return;
	parts[1].iov_len = path_frame(flow->hop, path->packet, size, header);
	if (!parts[1].iov_len)
		return;
	if (writev(flow->tap->fd, parts, 3) < 0 && (errno == ENXIO || errno == ENODEV))
		flow->tap->ifindex = 0;
}

static void take_sent(struct path *path)
{
	for (unsigned i = 0; i < TURN; i++) {
		struct virtio_net_hdr head;
		struct iovec parts[] = {
			{ &head, sizeof(head) },
			{ path->packet, sizeof(path->packet) },
		};
		ssize_t size = readv(path->space.tun_fd, parts, 2);

		if (size < 0)
			return;
		if ((size_t)size > sizeof(head))
			send_packet(path, (size_t)size - sizeof(head));
	}
}

static void on_sent(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	take_sent(arg);
}

/*
 * A packet that never left its machine (a veth), or was merged from several, has an unfinished
 * checksum, though the kernel knows that it is good: it says so before the packet, where the
 * checksum would be finished, and understands the same when it gets the packet back.
 */
static void keep_checksum_note(struct virtio_net_hdr *head)
{
	struct virtio_net_hdr kept = {};

	if (head->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM && head->csum_start > ETH_HLEN) {
		kept.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
		kept.csum_start = (uint16_t)(head->csum_start - ETH_HLEN);
		kept.csum_offset = head->csum_offset;
	}
	*head = kept;
}

static void deliver_packet(struct path *path, struct virtio_net_hdr *head, size_t size)
{
	struct iovec parts[] = { { head, sizeof(*head) }, { path->packet, size } };
	struct path_key key;

	if (path_key_of_received(path->packet, size, &key) || !find_flow(path, &key))
		return;
	keep_checksum_note(head);
	/* a full queue or a broken packet: lost, as packets are */
	if (writev(path->space.tun_fd, parts, 2) < 0)
		return;
}

static void on_received(evutil_socket_t fd, short what, void *arg)
{
	struct path_tap *tap = arg;
	struct path *path = tap->path;

	(void)what;
	for (unsigned i = 0; i < TURN; i++) {
		struct virtio_net_hdr head;
		struct ethhdr ether;
		struct iovec parts[] = {
			{ &head, sizeof(head) },
			{ &ether, sizeof(ether) },
			{ path->packet, sizeof(path->packet) },
		};
		size_t before = sizeof(head) + sizeof(ether);
		ssize_t size = readv(fd, parts, 3);

		if (size < 0 && errno != EINVAL) /* EINVAL: merged in a way this cannot say */
			return;
		if (size > (ssize_t)before)
			deliver_packet(path, &head, (size_t)size - before);
	}
}

/* ---- interfaces ----------------------------------------------------------- */

static int compare_vips(const void *a, const void *b)
{
	return addr_compare(a, b);
}

/* list_vips - each once; to be freed; NULL: no memory */
static struct lb_addr *list_vips(const struct path *path, size_t *count)
{
	const struct path_flow *flow;
	struct lb_addr *vips;
	size_t flows = 0, n = 0;

	LIST_FOREACH (flow, &path->flows, link)
		flows++;
	vips = calloc(flows + 1, sizeof(*vips));
	if (!vips)
		return NULL;
	flows = 0;
	LIST_FOREACH (flow, &path->flows, link)
		vips[flows++] = flow->vip;
	qsort(vips, flows, sizeof(*vips), compare_vips);
	for (size_t i = 0; i < flows; i++) {
		if (!n || addr_compare(&vips[n - 1], &vips[i]) != 0)
			vips[n++] = vips[i];
	}
	*count = n;
	return vips;
}

static int refresh_filter(struct path *path)
{
	struct path_tap *tap;
	struct lb_addr *vips;
	size_t count;

	if (!path->is_filter_stale)
		return 0;
	vips = list_vips(path, &count);
	if (!vips)
		return -ENOMEM;
	path->filter.filter = path->insns;
	path->filter.len = (unsigned short)path_filter_build(vips, count, path->insns);
	free(vips);
	LIST_FOREACH (tap, &path->taps, link) {
		if (setsockopt(tap->fd, SOL_SOCKET, SO_ATTACH_FILTER, &path->filter,
			       sizeof(path->filter)))
			return -errno;
	}
	path->is_filter_stale = false;
	return 0;
}

static void leave_tap(struct path_flow *flow)
{
	struct path_tap *tap = flow->tap;

	flow->tap = NULL;
	if (!tap || --tap->users)
		return;
	LIST_REMOVE(tap, link);
	event_free(tap->event);
	close(tap->fd);
	free(tap);
}

static int open_tap(struct path *path, uint32_t ifindex, struct path_tap **out)
{
	struct path_tap *tap = calloc(1, sizeof(*tap));

	if (!tap)
		return -ENOMEM;
	tap->path = path;
	tap->ifindex = ifindex;
	tap->fd = path_host_tap(ifindex, &path->filter);
	if (tap->fd < 0) {
		int err = tap->fd;

		free(tap);
		return err == -EPERM || err == -EACCES ? -ENOPKG : err;
	}
	tap->event = event_new(path->base, tap->fd, EV_READ | EV_PERSIST, on_received, tap);
	if (!tap->event || event_add(tap->event, NULL)) {
		if (tap->event)
			event_free(tap->event);
		close(tap->fd);
		free(tap);
		return -ENOMEM;
	}
	LIST_INSERT_HEAD(&path->taps, tap, link);
	*out = tap;
	return 0;
}

static int use_tap(struct path_flow *flow)
{
	struct path_tap *tap;
	int err = 0;

	LIST_FOREACH (tap, &flow->path->taps, link) {
		if (tap->ifindex == flow->hop->ifindex)
			break;
	}
	if (tap && tap == flow->tap)
		return 0;
	if (!tap)
		err = open_tap(flow->path, flow->hop->ifindex, &tap);
	if (err)
		return err;
	tap->users++;
	leave_tap(flow);
	flow->tap = tap;
	return 0;
}

/* ---- opening and closing -------------------------------------------------- */

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
		err = refresh_filter(flow->path);
	if (!err)
		err = use_tap(flow);
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
	int err = prepare(flow);
	int fd;

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
		take_sent(path);
	release_port(flow);
	leave_tap(flow);
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
