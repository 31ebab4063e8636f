/* SPDX-License-Identifier: GPL-2.0-only */
#include "health/path_space.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <linux/ipv6.h>
#include <linux/ipv6_route.h>
#include <linux/route.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "model/addr.h"
#include "model/cleanup.h"

#define DEVICE "probe0"
/* What probes send fits any link of 1500 bytes, with the headers of a tunnel. */
#define MTU 1400
/* Packets that wait for the agent to take them; a tick starts 500 probes. */
#define QUEUE_LENGTH 8192

/* ---- the two namespaces --------------------------------------------------- */

/* An agent in the wrong network would undo its own work step by step. It does not come to this:
 * the descriptor is good, and the right to go there was needed to come here. */
static void go_home(const struct path_space *space)
{
	if (setns(space->home_fd, CLONE_NEWNET))
		abort();
}

/* write_setting - a sysctl of the namespace this thread is in; what fails shows in what needs it */
static void write_setting(const char *path, const char *text)
{
	AUTO_CLOSE int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd >= 0 && write(fd, text, strlen(text)) < 0)
		return;
}

static int open_here(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* open_away - in the new namespace: what is of the network of whoever opens it */
static int open_away(struct path_space *space)
{
	space->away_fd = open_here("/proc/thread-self/ns/net", O_RDONLY);
	if (space->away_fd < 0)
		return space->away_fd;
	space->tun_fd = open_here("/dev/net/tun", O_RDWR | O_NONBLOCK);
	if (space->tun_fd < 0)
		return space->tun_fd == -ENOENT || space->tun_fd == -ENXIO ? -ENODEV
									   : space->tun_fd;
	space->control_v4 = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (space->control_v4 < 0)
		return -errno;
	space->control_v6 = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	/* ping sockets are for no group at first; IPv6 may be off in what namespaces inherit */
	write_setting("/proc/sys/net/ipv4/ping_group_range", "0 2147483647");
	write_setting("/proc/sys/net/ipv6/conf/all/disable_ipv6", "0");
	write_setting("/proc/sys/net/ipv6/conf/default/disable_ipv6", "0");
	return 0;
}

/* ---- the device ----------------------------------------------------------- */

static struct ifreq device_request(const char *name)
{
	struct ifreq request = {};

	memcpy(request.ifr_name, name, strnlen(name, IFNAMSIZ - 1));
	return request;
}

static int make_device(const struct path_space *space)
{
	struct ifreq tun = device_request(DEVICE), up = device_request("lo");
	struct ifreq mtu = device_request(DEVICE), queue = device_request(DEVICE);

	tun.ifr_flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR;
	mtu.ifr_mtu = MTU;
	queue.ifr_qlen = QUEUE_LENGTH;
	up.ifr_flags = IFF_UP;
	if (ioctl(space->tun_fd, TUNSETIFF, &tun) || ioctl(space->control_v4, SIOCSIFMTU, &mtu) ||
	    ioctl(space->control_v4, SIOCSIFTXQLEN, &queue) ||
	    ioctl(space->control_v4, SIOCSIFFLAGS, &up))
		return -errno;
	up = device_request(DEVICE);
	up.ifr_flags = IFF_UP;
	return ioctl(space->control_v4, SIOCSIFFLAGS, &up) ? -errno : 0;
}

static int device_index(const struct path_space *space)
{
	struct ifreq request = device_request(DEVICE);

	return ioctl(space->control_v4, SIOCGIFINDEX, &request) ? -errno : request.ifr_ifindex;
}

/* add_routes - everything goes to the device; nothing happens where it does */
static int add_routes(const struct path_space *space)
{
	static const struct sockaddr_in any = { .sin_family = AF_INET };
	char device[] = DEVICE;
	struct rtentry v4 = { .rt_flags = RTF_UP, .rt_dev = device };
	struct in6_rtmsg v6 = { .rtmsg_flags = RTF_UP, .rtmsg_metric = 1 };

	memcpy(&v4.rt_dst, &any, sizeof(any));
	memcpy(&v4.rt_genmask, &any, sizeof(any));
	if (ioctl(space->control_v4, SIOCADDRT, &v4) && errno != EEXIST)
		return -errno;
	v6.rtmsg_ifindex = device_index(space);
	if (space->control_v6 >= 0 && ioctl(space->control_v6, SIOCADDRT, &v6) && errno != EEXIST)
		return -errno;
	return 0;
}

/* ---- addresses ------------------------------------------------------------ */

static int change_source_v4(const struct path_space *space, size_t place, bool adds)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	struct ifreq request;
	char label[IFNAMSIZ];

	snprintf(label, sizeof(label), DEVICE ":%zu", place);
	request = device_request(label);
	if (!adds) /* a label that is taken down goes */
		return ioctl(space->control_v4, SIOCSIFFLAGS, &request) ? -errno : 0;
	address.sin_addr.s_addr = space->sources[place].words[3];
	memcpy(&request.ifr_addr, &address, sizeof(address));
	return ioctl(space->control_v4, SIOCSIFADDR, &request) ? -errno : 0;
}

static int change_source_v6(const struct path_space *space, size_t place, bool adds)
{
	struct in6_ifreq request = { .ifr6_prefixlen = 128, .ifr6_ifindex = device_index(space) };

	memcpy(&request.ifr6_addr, space->sources[place].bytes, sizeof(request.ifr6_addr));
	return ioctl(space->control_v6, adds ? SIOCSIFADDR : SIOCDIFADDR, &request) ? -errno : 0;
}

static int change_source(const struct path_space *space, size_t place, bool adds)
{
	if (addr_is_v4(&space->sources[place]))
		return change_source_v4(space, place, adds);
	return change_source_v6(space, place, adds);
}

static size_t find_source(const struct path_space *space, const struct lb_addr *address)
{
	size_t i = 0;

	while (i < PATH_SOURCES && addr_compare(&space->sources[i], address) != 0)
		i++;
	return i;
}

int path_space_add_source(struct path_space *space, const struct lb_addr *source)
{
	static const struct lb_addr none = {};
	size_t place;
	int err;

	if (find_source(space, source) < PATH_SOURCES)
		return 0;
	place = find_source(space, &none);
	if (place == PATH_SOURCES)
		return -ENOSPC;
	space->sources[place] = *source;
	err = change_source(space, place, true);
	if (!err) /* they went with the last address, if there was none now */
		err = add_routes(space);
	if (err)
		space->sources[place] = none;
	return err;
}

void path_space_del_source(struct path_space *space, const struct lb_addr *address)
{
	size_t place = find_source(space, address);

	if (place == PATH_SOURCES || space->home_fd < 0)
		return;
	change_source(space, place, false);
	space->sources[place] = (struct lb_addr) {};
}

/* ---- all of it ------------------------------------------------------------ */

static int open_all(struct path_space *space)
{
	int err;

	space->home_fd = open_here("/proc/thread-self/ns/net", O_RDONLY);
	if (space->home_fd < 0)
		return space->home_fd;
	if (access("/dev/net/tun", F_OK))
		return -ENODEV;
	if (unshare(CLONE_NEWNET))
		return -errno;
	err = open_away(space);
	go_home(space);
	return err ? err : make_device(space);
}

int path_space_open(struct path_space *space)
{
	int err;

	*space = PATH_SPACE_CLOSED;
	err = open_all(space);
	if (err)
		path_space_close(space);
	return err == -EPERM || err == -EACCES ? -ENOPKG : err;
}

void path_space_close(struct path_space *space)
{
	int *fds[] = { &space->home_fd, &space->away_fd, &space->tun_fd, &space->control_v4,
		       &space->control_v6 };

	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
		if (*fds[i] >= 0)
			close(*fds[i]);
	}
	*space = PATH_SPACE_CLOSED;
}

int path_space_socket(const struct path_space *space, int family, int type, int protocol)
{
	int fd, err = 0;

	if (setns(space->away_fd, CLONE_NEWNET))
		return -errno;
	fd = socket(family, type, protocol);
	if (fd < 0)
		err = -errno;
	go_home(space);
	return fd < 0 ? err : fd;
}
