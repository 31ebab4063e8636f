/* SPDX-License-Identifier: GPL-2.0-only */
/* Removal of a data path whose agent is gone. */
#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <string.h>

#include "control/control.h"
#include "dataplane/dataplane.h"
#include "net/net.h"

static void ignore_hop(void *arg, uint32_t token, const struct net_hop *hop)
{
	(void)arg;
	(void)token;
	(void)hop;
}

static void ignore_link(void *arg, const char *name, const struct net_link *link)
{
	(void)arg;
	(void)name;
	(void)link;
}

static int remove_vips(struct event_base *base)
{
	const struct net_callbacks callbacks = { ignore_hop, ignore_link, NULL };
	struct net *net = net_new(base, &callbacks);
	int err = net ? net_del_all_vips(net) : -errno;

	net_free(net);
	return err;
}

int control_remove(const char *pin_dir, char *error, size_t size)
{
	struct dataplane_error why = {};
	struct event_base *base;
	int err = dataplane_remove(pin_dir, &why);

	if (err) {
		snprintf(error, size, "%s", why.text);
		return err;
	}
	base = event_base_new();
	err = base ? remove_vips(base) : -ENOMEM;
	if (err)
		snprintf(error, size, "VIP addresses stay: %s", strerror(-err));
	if (base)
		event_base_free(base);
	return err;
}
