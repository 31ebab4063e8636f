/* SPDX-License-Identifier: GPL-2.0-only */
#include "health/target.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "health/path.h"
#include "health/settings.h"
#include "model/addr.h"

/* Where a probe goes: tunnels and DSR keep the VIP's port. */
static const struct lb_addr *probed_address(const struct target *t)
{
	return t->settings.via_vip ? &t->at.vip : &t->at.address;
}

static unsigned probed_port(const struct target *t)
{
	if (t->settings.port)
		return t->settings.port;
	return t->settings.via_vip ? t->at.vip_port : t->at.port;
}

static void set_socket_address(struct target *t)
{
	const struct lb_addr *address = probed_address(t);
	in_port_t port_be = htons((uint16_t)probed_port(t));

	if (addr_is_v4(address)) {
		t->to.v4 = (struct sockaddr_in) { .sin_family = AF_INET, .sin_port = port_be };
		t->to.v4.sin_addr.s_addr = address->words[3];
		t->to_len = sizeof(t->to.v4);
	} else {
		t->to.v6 = (struct sockaddr_in6) { .sin6_family = AF_INET6, .sin6_port = port_be };
		memcpy(&t->to.v6.sin6_addr, address->bytes, sizeof(address->bytes));
		t->to_len = sizeof(t->to.v6);
	}
}

char *target_format_to(const struct target *t, char *buf)
{
	return addr_format_port(probed_address(t), probed_port(t), buf);
}

static int open_socket(struct target *t, int type, int protocol)
{
	int fd;

	if (t->flow)
		return path_socket(t->flow, type, protocol);
	fd = socket(t->to.any.sa_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
	return fd < 0 ? -errno : fd;
}

int target_socket(struct target *t, int type)
{
	return open_socket(t, type, 0);
}

int target_ping_socket(struct target *t)
{
	return open_socket(t, SOCK_DGRAM,
			   t->to.any.sa_family == AF_INET ? (int)IPPROTO_ICMP
							  : (int)IPPROTO_ICMPV6);
}

static int open_flow(struct target *t)
{
	struct health *h = t->health;

	if (!t->settings.via_vip)
		return 0;
	if (!h->path)
		h->path = path_new(h->base);
	if (!h->path)
		return -ENOMEM;
	return path_add_flow(h->path, &t->at.vip, &t->at.address, &t->hop, &t->flow);
}

int target_new(struct health *h, const struct health_target *at,
	       const struct model_health *settings, struct target **out)
{
	const struct probe_kind *kind = probe_kind_of(settings->type);
	struct target *t;
	int err;

	if (!kind || (settings->via_vip && !kind->has_via_vip))
		return -EINVAL;
	t = calloc(1, sizeof(*t));
	if (!t)
		return -ENOMEM;
	err = settings_copy(&t->settings, settings);
	if (err) {
		free(t);
		return err;
	}
	t->health = h;
	t->at = *at;
	t->kind = kind;
	t->fd = -1;
	set_socket_address(t);
	err = open_flow(t);
	if (!err)
		err = t->kind->open(t);
	if (err) {
		path_release(t->flow);
		settings_free(&t->settings);
		free(t);
		return err;
	}
	*out = t;
	return 0;
}

void target_free(struct target *t)
{
	t->kind->close(t);
	path_release(t->flow);
	settings_free(&t->settings);
	free(t);
}

/* What a probe to the backend's own address does not see does not count. */
bool target_is_at(const struct target *t, const struct health_target *at)
{
	if (t->at.port != at->port || addr_compare(&t->at.address, &at->address) != 0)
		return false;
	return !t->settings.via_vip ||
	       (t->at.vip_port == at->vip_port && t->at.forward == at->forward &&
		addr_compare(&t->at.vip, &at->vip) == 0);
}

void target_inherit(struct target *t, const struct target *old)
{
	t->state = old->state;
	t->hop = old->hop;
	t->past = old->past;
	t->is_phased = old->is_phased;
}
