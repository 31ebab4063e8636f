/* SPDX-License-Identifier: GPL-2.0-only */
/* Packets of `via: vip` between the TUN device and the packet sockets. */
#include <errno.h>
#include <event2/event.h>
#include <linux/if_ether.h>
#include <linux/virtio_net.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "health/path_host.h"
#include "health/path_state.h"
#include "health/probe.h"
#include "model/addr.h"

/* Packets taken in one turn of the loop: more than a tick's 500 probes bring, and not so many that
 * others wait long. */
#define TURN 1024

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

void path_tap_forward(struct path *path)
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

int path_tap_refresh(struct path *path)
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

void path_tap_leave(struct path_flow *flow)
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

int path_tap_use(struct path_flow *flow)
{
	struct path_tap *tap = LIST_FIRST(&flow->path->taps);
	int err = 0;

	while (tap && tap->ifindex != flow->hop->ifindex)
		tap = LIST_NEXT(tap, link);
	if (tap && tap == flow->tap)
		return 0;
	if (!tap)
		err = open_tap(flow->path, flow->hop->ifindex, &tap);
	if (err)
		return err;
	tap->users++;
	path_tap_leave(flow);
	flow->tap = tap;
	return 0;
}
