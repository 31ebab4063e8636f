/* SPDX-License-Identifier: GPL-2.0-only */
/* hash: quic: which backend a server id in a connection id names. */
#include <string.h>

#include "control/state.h"
#include "log.h"

void servers_put(struct control *ctl, struct control_service *s, const struct model_service *model)
{
	for (size_t i = 0; i < model->backend_count; i++) {
		const struct model_backend *mb = &model->backends[i];
		struct control_backend *b = backend_find(s, &mb->address, mb->port);
		int err;

		if (!b)
			continue;
		b->has_server_id = true;
		b->server_id = mb->server_id;
		err = dataplane_put_quic_server(ctl->dp, s->row.id, b->server_id, b->id);
		if (err)
			log_error("not found by its server id service=%s backend=%s error=\"%s\"",
				  model->name, b->name, strerror(-err));
	}
}

/** struct servers_keeper - whose ids are looked through */
struct servers_keeper {
	struct control *ctl;
	const struct control_service *s;
};

/* An agent before this one may have put it there for a backend that is leaving. */
static bool keeps(void *arg, uint64_t server_id, uint16_t backend)
{
	const struct servers_keeper *keeper = arg;
	struct control_backend *b = keeper->ctl->by_id[backend % LB_MAX_BACKENDS];

	if (!b || keeper->ctl->service_of[b->id] != keeper->s)
		return false;
	if (b->is_leaving && !b->has_server_id) {
		b->has_server_id = true;
		b->server_id = server_id;
	}
	return b->has_server_id && b->server_id == server_id;
}

static bool keeps_none(void *arg, uint64_t server_id, uint16_t backend)
{
	(void)arg;
	(void)server_id;
	(void)backend;
	return false;
}

void servers_keep(struct control *ctl, struct control_service *s)
{
	struct servers_keeper keeper = { .ctl = ctl, .s = s };
	int err = dataplane_keep_quic_servers(ctl->dp, s->row.id, keeps, &keeper);

	if (err)
		log_error("old server ids stay service=%s error=\"%s\"", s->model->name,
			  strerror(-err));
}

void servers_forget(struct control *ctl, uint16_t service)
{
	int err = dataplane_keep_quic_servers(ctl->dp, service, keeps_none, NULL);

	if (err)
		log_error("old server ids stay id=%u error=\"%s\"", service, strerror(-err));
}

bool servers_is_quiet(struct control *ctl, struct control_backend *b)
{
	const struct control_service *s = ctl->service_of[b->id];
	const struct lb_be_stats *all;
	bool is_quiet;

	if (!s || !(s->row.flags & LB_SVC_QUIC))
		return true;
	all = control_stats(ctl);
	if (!all)
		return false;
	is_quiet = all[b->id].packets == b->quic_packets;
	b->quic_packets = all[b->id].packets;
	return is_quiet;
}
