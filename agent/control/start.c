/* SPDX-License-Identifier: GPL-2.0-only */
/* The first configuration: what is pinned is adopted, the rest is made. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "control/state.h"
#include "log.h"
#include "model/addr.h"

static const struct lb_service *find_pinned(const struct control *ctl,
					    const struct model_service *model)
{
	size_t rows;
	const struct lb_service *table = dataplane_services(ctl->dp, &rows);

	for (size_t i = 0; i < rows; i++) {
		if (table[i].family && !(table[i].flags & LB_SVC_VIP) &&
		    table[i].port == htons((uint16_t)model->port) &&
		    table[i].proto == model->proto && !addr_compare(&table[i].vip, &model->vip))
			return &table[i];
	}
	return NULL;
}

/* A pinned service that is not, or not in this shape, in the configuration. */
static void drop_pinned(struct control *ctl, const struct lb_service *pinned)
{
	const struct lb_backend *rows = dataplane_backends(ctl->dp);
	const struct lb_service row = *pinned; /* the live one is cleared next */

	dataplane_del_service(ctl->dp, &row);
	for (unsigned id = 1; id < LB_MAX_BACKENDS; id++) {
		if (rows[id].service != row.id)
			continue;
		if (!(rows[id].generation & 1))
			dataplane_bump_generation(ctl->dp, (uint16_t)id);
		dataplane_del_backend(ctl->dp, (uint16_t)id);
	}
	dataplane_free_slots(ctl->dp, row.table_base, row.table_size);
}

static void execute(void *arg, const struct slots_op *op)
{
	struct control_service *s = ((void **)arg)[1];

	dataplane_apply(((void **)arg)[0], s->row.table_base, op);
}

/* Rule 8. */
static void restart_slots(struct control *ctl, struct control_service *s)
{
	void *arg[] = { ctl->dp, s };
	struct slots_view view = {
		.words = dataplane_words(ctl->dp) + s->row.table_base,
		.stamps = dataplane_stamps(ctl->dp) + s->row.table_base,
		.size = s->row.table_size,
		.target = s->target,
		.generations = ctl->generations,
		.is_udp = s->model->proto == IPPROTO_UDP,
		.is_tracked = s->row.flags & LB_SVC_TRACKED,
		.times = s->times,
	};

	slots_restart(&view, s->memory, dataplane_clock(ctl->dp), execute, arg);
	service_count_slots(ctl, s);
}

static int start_service(struct control *ctl, const struct model_service *model)
{
	const struct lb_service *pinned = find_pinned(ctl, model);
	struct control_service *s;
	int err = pinned ? service_adopt(ctl, model, pinned, &s) : -ENOENT;

	if (err == -ESTALE) {
		log_warn("service made anew service=%s reason=\"mode, tracking or table size is "
			 "not the pinned one\"; its connections break",
			 model->name);
		drop_pinned(ctl, pinned);
	}
	if (err == -ESTALE || err == -ENOENT) {
		err = service_create(ctl, model, &s);
		if (!err)
			err = dataplane_put_service(ctl->dp, &s->row);
	} else if (!err) {
		restart_slots(ctl, s);
	}
	if (err) {
		log_error("service not started service=%s error=\"%s\"", model->name,
			  err == -ENOSPC ? "no room: limits, max_slots" : strerror(-err));
		return err;
	}
	ctl->services[ctl->service_count++] = s;
	return 0;
}

static void drop_strangers(struct control *ctl)
{
	size_t rows;
	const struct lb_service *table = dataplane_services(ctl->dp, &rows);

	for (size_t i = 0; i < rows; i++) {
		struct model_service key = { .vip = table[i].vip,
					     .port = ntohs(table[i].port),
					     .proto = table[i].proto };

		if (!table[i].family || (table[i].flags & LB_SVC_VIP) || service_find(ctl, &key))
			continue;
		log_info("service removed id=%u reason=\"not in the configuration\"", table[i].id);
		drop_pinned(ctl, &table[i]);
	}
}

int control_start_config(struct control *ctl)
{
	const struct model_config *config = ctl->config;
	int err = 0;

	ctl->services = calloc(config->service_count + 1, sizeof(struct control_service *));
	if (!ctl->services)
		return -ENOMEM;
	for (size_t i = 0; i < config->service_count && !err; i++)
		err = start_service(ctl, &config->services[i]);
	if (err)
		return err;
	drop_strangers(ctl);
	control_sweep(ctl); /* once before the first move */
	for (size_t i = 0; i < ctl->service_count; i++)
		service_update(ctl, ctl->services[i], ctl->services[i]->model);
	vips_apply(ctl);
	err = links_apply(ctl, config->interfaces, config->interface_count);
	return err == -ENODEV ? 0 : err; /* it may come yet: links_changed */
}
