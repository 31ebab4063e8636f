/* SPDX-License-Identifier: GPL-2.0-only */
/* Interfaces that carry the program, and the VIPs' rows and addresses. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/state.h"
#include "log.h"
#include "model/addr.h"
#include "net/net.h"

/* ---- interfaces ----------------------------------------------------------- */

static int attach(struct control *ctl, struct control_interface *i)
{
	struct dataplane_error error = {};
	struct net_link link = {};
	int err;

	if (net_get_link(ctl->net, i->name, &link) || !link.ifindex) {
		i->ifindex = 0;
		i->is_attached = i->is_up = false;
		snprintf(i->trouble, sizeof(i->trouble), "no such interface");
		return -ENODEV;
	}
	i->is_up = link.is_up;
	memcpy(i->mac, link.mac, sizeof(i->mac));
	if (i->is_attached && i->ifindex == link.ifindex)
		return 0;
	i->ifindex = link.ifindex;
	err = dataplane_attach(ctl->dp, i->name, i->ifindex, i->mode, &i->is_native, &error);
	i->is_attached = !err;
	snprintf(i->trouble, sizeof(i->trouble), "%.*s", (int)sizeof(i->trouble) - 1,
		 err ? error.text : "");
	if (err)
		return err;
	log_info("attached interface=%s mode=%s%s%s", i->name, i->is_native ? "native" : "generic",
		 *dataplane_note(ctl->dp) ? " note=" : "", dataplane_note(ctl->dp));
	return 0;
}

static struct control_interface *find_interface(struct control_interface *list, size_t count,
						const char *name)
{
	for (size_t i = 0; i < count; i++) {
		if (!strcmp(list[i].name, name))
			return &list[i];
	}
	return NULL;
}

struct stray {
	struct control *ctl;
	const struct control_interface *list;
	size_t count;
};

static void detach_stray(void *arg, const char *ifname, uint32_t ifindex)
{
	struct stray *stray = arg;

	if (find_interface((struct control_interface *)stray->list, stray->count, ifname))
		return;
	dataplane_detach(stray->ctl->dp, ifname, ifindex);
	log_info("detached interface=%s reason=\"not in the configuration\"", ifname);
}

/* One interface of the configuration, as far as it is known; then attached. */
static int apply_one(struct control *ctl, const struct model_interface *model,
		     struct control_interface *i, bool may_be_absent)
{
	const struct control_interface *was;
	int err;

	was = find_interface(ctl->interfaces, ctl->interface_count, model->name);
	if (was)
		*i = *was;
	if (!was || was->mode != model->mode)
		i->is_attached = false;
	snprintf(i->name, sizeof(i->name), "%s", model->name);
	i->mode = model->mode;
	err = attach(ctl, i);
	if (err && !(was && !was->ifindex))
		log_error("not attached interface=%s reason=\"%s\"", i->name,
			  log_escape(i->trouble));
	/* it may come yet, and then links_changed() hears of it */
	if (err == -ENODEV && !i->ifindex && (may_be_absent || was))
		return 0;
	return err;
}

int links_apply(struct control *ctl, const struct model_interface *interfaces, size_t count,
		bool may_be_absent)
{
	struct control_interface *list = calloc(count + 1, sizeof(*list));
	struct stray stray = { ctl, list, count };
	int first_error = 0;

	if (!list)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		int err = apply_one(ctl, &interfaces[i], &list[i], may_be_absent);

		if (!first_error)
			first_error = err;
	}
	if (!first_error)
		dataplane_each_link(ctl->dp, detach_stray, &stray);
	free(ctl->interfaces);
	ctl->interfaces = list;
	ctl->interface_count = count;
	return first_error;
}

void links_changed(struct control *ctl, const char *name)
{
	struct control_interface *i = find_interface(ctl->interfaces, ctl->interface_count, name);
	char trouble[sizeof(i->trouble)];
	bool was_up, was_attached;

	if (!i)
		return;
	was_up = i->is_up;
	was_attached = i->is_attached;
	memcpy(trouble, i->trouble, sizeof(trouble));
	attach(ctl, i);
	if (was_attached && !i->is_attached)
		log_warn("interface lost interface=%s reason=\"%s\"", name, log_escape(i->trouble));
	else if (!i->is_attached && strcmp(trouble, i->trouble) != 0)
		log_error("not attached interface=%s reason=\"%s\"", name, log_escape(i->trouble));
	else if (was_up != i->is_up)
		log_info("interface %s interface=%s", i->is_up ? "up" : "down", name);
}

/* ---- VIPs ----------------------------------------------------------------- */

static bool is_vip_of(const struct control *ctl, const struct lb_addr *vip, bool *adds)
{
	bool is_found = false;

	*adds = false;
	for (size_t i = 0; i < ctl->service_count; i++) {
		const struct control_service *s = ctl->services[i];

		if (addr_compare(&s->row.vip, vip))
			continue;
		is_found = true;
		*adds |= s->model->add_vip;
	}
	return is_found;
}

static void add_address(struct control *ctl, const struct lb_addr *vip)
{
	char text[ADDR_STRLEN];
	bool was_there;
	int err = net_add_vip(ctl->net, vip, &was_there);

	if (err)
		log_error("VIP not added vip=%s error=\"%s\"", addr_format(vip, text),
			  strerror(-err));
}

/* Rows of VIPs that no service has any more; their addresses go with them. */
static void remove_strangers(struct control *ctl)
{
	size_t rows;
	const struct lb_service *table = dataplane_services(ctl->dp, &rows);

	for (size_t i = 0; i < rows; i++) {
		struct lb_service row = table[i];
		bool adds;

		if (!row.family || !(row.flags & LB_SVC_VIP))
			continue;
		if (!is_vip_of(ctl, &row.vip, &adds)) {
			dataplane_del_service(ctl->dp, &row);
			net_del_vip(ctl->net, &row.vip);
		} else if (!adds) {
			net_del_vip(ctl->net, &row.vip);
		}
	}
}

int vips_place(struct control *ctl, const struct model_config *config)
{
	for (size_t i = 0; i < config->service_count; i++) {
		struct lb_service row = {
			.vip = config->services[i].vip,
			.family = (uint8_t)addr_family(&config->services[i].vip),
			.flags = LB_SVC_VIP,
		};
		int err = 0;

		if (!dataplane_find_service(ctl->dp, &row))
			err = dataplane_put_service(ctl->dp, &row);
		if (err)
			return err;
	}
	return 0;
}

void vips_apply(struct control *ctl)
{
	for (size_t i = 0; i < ctl->service_count; i++) {
		if (ctl->services[i]->model->add_vip)
			add_address(ctl, &ctl->services[i]->row.vip);
	}
	remove_strangers(ctl);
}

void vips_withdraw(struct control *ctl)
{
	for (size_t i = 0; i < ctl->service_count; i++)
		net_del_vip(ctl->net, &ctl->services[i]->row.vip);
}
