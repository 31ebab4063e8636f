/* SPDX-License-Identifier: GPL-2.0-only */
/* The first configuration: what is pinned is adopted, the rest is made. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "control/state.h"
#include "log.h"
#include "model/addr.h"

/* A pinned service that is not, or not in this shape, in the configuration. */
static void drop_pinned(struct control *ctl, const struct lb_service *pinned)
{
	const struct lb_backend *rows = dataplane_backends(ctl->dp);
	const struct lb_service row = *pinned; /* the live one is cleared next */

	dataplane_del_service(ctl->dp, &row);
	if (row.flags & LB_SVC_QUIC)
		servers_forget(ctl, row.id);
	for (unsigned id = 1; id < LB_MAX_BACKENDS; id++) {
		if (rows[id].service != row.id)
			continue;
		if (!(rows[id].generation & 1))
			dataplane_bump_generation(ctl->dp, (uint16_t)id);
		dataplane_del_backend(ctl->dp, (uint16_t)id);
	}
	dataplane_free_slots(ctl->dp, row.table_base, row.table_size);
}

/* Rule 8. */
static void restart_slots(struct control *ctl, struct control_service *s)
{
	struct slots_emission e = { .ctl = ctl, .s = s };
	struct slots_view view = service_view(ctl, s);

	slots_restart(&view, s->memory, dataplane_clock(ctl->dp), execute_slots_op, &e);
	service_count_slots(ctl, s);
}

static int start_service(struct control *ctl, const struct model_service *model,
			 const struct control_pinned *backends)
{
	const struct lb_service *pinned = service_pinned(ctl, model);
	struct control_service *s;
	int err = pinned ? service_adopt(ctl, model, pinned, backends, &s) : -ENOENT;

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
	ctl->by_service_id[s->row.id] = s;
	return 0;
}

static void drop_strangers(struct control *ctl)
{
	size_t rows;
	const struct lb_service *table = dataplane_services(ctl->dp, &rows);

	for (size_t i = 0; i < rows; i++) {
		if (!table[i].family || (table[i].flags & LB_SVC_VIP) ||
		    ctl->by_service_id[table[i].id % LB_SERVICE_IDS])
			continue;
		log_info("service removed id=%u reason=\"not in the configuration\"", table[i].id);
		drop_pinned(ctl, &table[i]);
	}
}

/*
 * Backends by service. Those of no service were left by an agent that died while it made or removed
 * one: no packet finds them.
 */
static struct control_pinned *sort_backends(struct control *ctl)
{
	struct control_pinned *pinned = calloc(1, sizeof(*pinned));
	bool *is_service = calloc(LB_SERVICE_IDS, sizeof(*is_service));
	const struct lb_backend *backends = dataplane_backends(ctl->dp);
	size_t rows;
	const struct lb_service *services = dataplane_services(ctl->dp, &rows);

	for (size_t i = 0; is_service && i < rows; i++) {
		if (services[i].family && !(services[i].flags & LB_SVC_VIP))
			is_service[services[i].id % LB_SERVICE_IDS] = true;
	}
	for (unsigned id = LB_MAX_BACKENDS - 1; pinned && is_service && id; id--) {
		uint16_t service = backends[id].service % LB_SERVICE_IDS;

		if (!backends[id].service)
			continue;
		if (is_service[service]) {
			pinned->next[id] = pinned->first[service];
			pinned->first[service] = (uint16_t)id;
			continue;
		}
		if (!(backends[id].generation & 1))
			dataplane_bump_generation(ctl->dp, (uint16_t)id);
		dataplane_del_backend(ctl->dp, (uint16_t)id);
	}
	if (!is_service) {
		free(pinned);
		return NULL;
	}
	free(is_service);
	return pinned;
}

static int start_services(struct control *ctl)
{
	const struct model_config *config = ctl->config;
	struct control_pinned *pinned = sort_backends(ctl);
	int err = pinned ? 0 : -ENOMEM;

	ctl->services = calloc(config->service_count + 1, sizeof(struct control_service *));
	if (!ctl->services)
		err = -ENOMEM;
	for (size_t i = 0; i < config->service_count && !err; i++)
		err = start_service(ctl, &config->services[i], pinned);
	free(pinned);
	return err;
}

int control_start_config(struct control *ctl)
{
	const struct model_config *config = ctl->config;
	int err;

	config_keep(ctl, ctl->config);
	config_note_node(ctl);
	err = start_services(ctl);
	if (err)
		return err;
	drop_strangers(ctl);
	err = vips_place(ctl, config);
	if (err) {
		log_error("VIPs not placed error=\"%s\"", strerror(-err));
		return err;
	}
	control_sweep(ctl); /* once before the first move */
	for (size_t i = 0; i < ctl->service_count; i++)
		service_update(ctl, ctl->services[i], ctl->services[i]->model);
	if (passive_arm(ctl))
		return -ENOMEM;
	vips_apply(ctl);
	return links_apply(ctl, config->interfaces, config->interface_count, true);
}
