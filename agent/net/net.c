/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The room's door and its clock. News marks what may have changed; net_settle asks the kernel
 * about it in batches, once news has ceased for a moment; then the callbacks are told.
 */
#include "net/net.h"

#include <errno.h>
#include <event2/event.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

#include "net/state.h"

#define QUIET_MS	50  /* no news for this long: look */
#define QUIET_BOUND_MS	500 /* news without end: look anyway */
#define RETRY_MS	1000
#define NEWS_BYTES	(8 * 1024 * 1024)
#define NEWS_PER_WAKEUP 256 /* datagrams, so that the loop's other work has its turn */

uint64_t net_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* ---- when ---------------------------------------------------------------- */

static void arm(struct net *net)
{
	uint64_t now_ms = net_now_ms(), due_ms = net->due_ms, wait_ms;
	struct timeval wait;

	if (net->first_news_ms) {
		uint64_t quiet_ms = net->last_news_ms + QUIET_MS;
		uint64_t bound_ms = net->first_news_ms + QUIET_BOUND_MS;

		quiet_ms = quiet_ms < bound_ms ? quiet_ms : bound_ms;
		due_ms = due_ms && due_ms < quiet_ms ? due_ms : quiet_ms;
	}
	wait_ms = due_ms > now_ms ? due_ms - now_ms : 0;
	wait.tv_sec = (time_t)(wait_ms / 1000);
	wait.tv_usec = (suseconds_t)(wait_ms % 1000 * 1000);
	evtimer_add(net->on_time, &wait);
}

void net_schedule(struct net *net, unsigned delay_ms)
{
	uint64_t due_ms = net_now_ms() + delay_ms;

	if (delay_ms == 0)
		net->is_pending = true;
	if (net->due_ms && net->due_ms <= due_ms)
		return;
	net->due_ms = due_ms;
	arm(net);
}

void net_schedule_quiet(struct net *net)
{
	net->last_news_ms = net_now_ms();
	if (!net->first_news_ms)
		net->first_news_ms = net->last_news_ms;
	arm(net);
}

/* ---- the pass ------------------------------------------------------------ */

static int catch_up(struct net *net)
{
	int err;

	if (!net->lost_news)
		return 0;
	err = net_link_dump(net);
	if (err)
		return err;
	net_route_forget_all(net);
	net_neigh_query_all(net);
	net->ifaddrs_stale = true;
	net->vips_stale = true;
	net->lost_news = false;
	return 0;
}

/* net_settle - bring all that is marked up to date */
static void net_settle(struct net *net)
{
	int err;

	net->is_pending = false;
	net->due_ms = 0;
	net->first_news_ms = 0;
	err = catch_up(net);
	if (!err)
		err = net_route_resolve(net);
	if (!err)
		err = net_neigh_resolve(net);
	if (!err)
		err = net_neigh_release(net);
	net_hop_refresh(net);
	if (!err)
		err = net_vip_ensure(net);
	if (err)
		net_schedule(net, RETRY_MS);
}

static void deliver(struct net *net)
{
	net_link_deliver(net);
	net_hop_deliver(net);
}

static void on_time(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	net_settle(arg);
	deliver(arg);
}

int net_get_hop(struct net *net, uint32_t token, struct net_hop *out)
{
	const struct net_watch *watch = net_set_find(&net->watches, &token);

	if (!watch)
		return -ENOENT;
	if (net->is_pending) {
		net_settle(net);
		/* the callbacks are told from the loop */
		net_schedule(net, 0);
		net->is_pending = false;
	}
	*out = watch->dest->hop;
	return 0;
}

/* ---- news ---------------------------------------------------------------- */

static int on_message(const struct nlmsghdr *nlh, void *arg)
{
	struct net *net = arg;

	switch (nlh->nlmsg_type) {
	case RTM_NEWLINK:
	case RTM_DELLINK:
		net_link_on_news(net, nlh);
		/* at once: an interface may come back under the same name or index */
		net_link_deliver(net);
		break;
	case RTM_NEWNEIGH:
	case RTM_DELNEIGH:
		net_neigh_on_news(net, nlh);
		break;
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		net_route_on_news(net, nlh);
		break;
	case RTM_NEWADDR:
	case RTM_DELADDR:
		net_vip_on_news(net, nlh);
		break;
	default: /* rules and next hop objects: any route may lead elsewhere */
		net_route_forget_all(net);
		net_schedule_quiet(net);
	}
	return MNL_CB_OK;
}

static void on_news(evutil_socket_t fd, short what, void *arg)
{
	_Alignas(struct nlmsghdr) char buffer[32768];
	struct net *net = arg;

	(void)fd;
	(void)what;
	for (int i = 0; i < NEWS_PER_WAKEUP; i++) {
		ssize_t n = mnl_socket_recvfrom(net->news, buffer, sizeof(buffer));

		if (n > 0) {
			mnl_cb_run(buffer, (size_t)n, 0, 0, on_message, net);
		} else if (n < 0 && errno == ENOBUFS) {
			net->lost_news = true;
			net_schedule_quiet(net);
		} else if (n < 0 && errno != EINTR) {
			break;
		}
	}
	/* a new MAC address is in use now, not when the news ceases */
	net_hop_refresh(net);
	net_hop_deliver(net);
}

static int join_groups(struct mnl_socket *socket)
{
	static const int groups[] = {
		RTNLGRP_LINK,	    RTNLGRP_NEIGH,	 RTNLGRP_IPV4_ROUTE,
		RTNLGRP_IPV6_ROUTE, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR,
		RTNLGRP_IPV4_RULE,  RTNLGRP_IPV6_RULE,	 RTNLGRP_NEXTHOP,
	};

	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		int group = groups[i];

		if (mnl_socket_setsockopt(socket, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) <
		    0)
			return -errno;
	}
	return 0;
}

static int open_news(struct net *net)
{
	int bytes = NEWS_BYTES, fd;

	net->news = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (!net->news)
		return -errno;
	fd = mnl_socket_get_fd(net->news);
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	if (mnl_socket_bind(net->news, 0, MNL_SOCKET_AUTOPID) < 0)
		return -errno;
	return join_groups(net->news);
}

/* ---- from first to last -------------------------------------------------- */

static int start(struct net *net, struct event_base *base)
{
	int err = net_rtnl_open(&net->rtnl);

	/* news first, then the links: what changes between the two is not missed */
	if (!err)
		err = open_news(net);
	if (err)
		return err;
	net->on_time = evtimer_new(base, on_time, net);
	net->on_news =
		event_new(base, mnl_socket_get_fd(net->news), EV_READ | EV_PERSIST, on_news, net);
	if (!net->on_time || !net->on_news || event_add(net->on_news, NULL) < 0)
		return -ENOMEM;
	return net_link_init(net);
}

struct net *net_new(struct event_base *base, const struct net_callbacks *callbacks)
{
	struct net *net = calloc(1, sizeof(*net));
	int err;

	if (!net) {
		errno = ENOMEM;
		return NULL;
	}
	net->callbacks = *callbacks;
	net_hop_init(net);
	net_neigh_init(net);
	net_vip_init(net);
	err = start(net, base);
	if (err) {
		net_free(net);
		errno = -err;
		return NULL;
	}
	return net;
}

void net_free(struct net *net)
{
	if (!net)
		return;
	net_hop_free(net);
	if (net->rtnl.socket)
		net_neigh_free(net);
	net_vip_free(net);
	net_link_free(net);
	if (net->on_news)
		event_free(net->on_news);
	if (net->on_time)
		event_free(net->on_time);
	if (net->news)
		mnl_socket_close(net->news);
	net_rtnl_close(&net->rtnl);
	free(net);
}
