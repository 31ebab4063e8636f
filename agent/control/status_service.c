/* SPDX-License-Identifier: GPL-2.0-only */
/* One service of GET /v1/status. */
#include "control/status.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

#include "model/addr.h"
#include "plan/maglev.h"

static json_t *hex(uint64_t digest)
{
	char text[17];

	snprintf(text, sizeof(text), "%016llx", (unsigned long long)digest);
	return json_string(text);
}

/* The digest of the slots' currents as they stand; equal to the target's once all have moved. */
static uint64_t digest_live(const struct control *ctl, const struct control_service *s)
{
	const uint32_t *words = dataplane_words(ctl->dp) + s->row.table_base;
	struct maglev_backend *be = calloc(s->backend_count + 1, sizeof(*be));
	uint16_t *table = calloc(s->row.table_size, sizeof(*table));
	uint64_t digest = 0;

	for (size_t i = 0; be && i < s->backend_count; i++)
		be[i] = (struct maglev_backend) { s->backends[i]->address,
						  (uint16_t)s->backends[i]->port,
						  s->backends[i]->id, s->backends[i]->weight };
	for (uint32_t i = 0; table && i < s->row.table_size; i++)
		table[i] = (uint16_t)LB_SLOT_CURRENT(words[i]);
	if (be && table)
		digest = maglev_digest(be, s->backend_count, table, s->row.table_size);
	free(be);
	free(table);
	return digest;
}

static const char *scheduler_name(const struct model_service *model)
{
	static const char *const names[] = {
		[SCHEDULER_MAGLEV] = "maglev",
		[SCHEDULER_SOURCE_HASH] = "source_hash",
		[SCHEDULER_ROUND_ROBIN] = "round_robin",
		[SCHEDULER_LEAST_CONN] = "least_conn",
		[SCHEDULER_LEAST_RESPONSE] = "least_response",
	};

	return names[model->scheduler];
}

static void add_policy(json_t *json, const struct control_service *s)
{
	static const char *const panics[] = {
		[WEIGH_CALM] = "none",
		[WEIGH_PANIC_OPEN] = "open",
		[WEIGH_PANIC_CLOSED] = "closed",
	};
	const struct model_service *model = s->model;
	const bool is_maglev = model->scheduler == SCHEDULER_MAGLEV;
	const bool is_timed = model->scheduler == SCHEDULER_LEAST_RESPONSE;
	const char *hash = model->hash == HASH_SOURCE ? "source" : "source_port";
	const char *times = s->row.forward == LB_FORWARD_NAT ? "data_path" : "probes";

	json_object_set_new(json, "hash", is_maglev ? json_string(hash) : json_null());
	json_object_set_new(json, "response_source", is_timed ? json_string(times) : json_null());
	json_object_set_new(json, "weights",
			    json_string(model->is_adaptive ? "adaptive" : "static"));
	json_object_set_new(json, "affinity_ms", json_integer(model->affinity_ms));
	json_object_set_new(json, "panic", json_string(panics[s->panic]));
	json_object_set_new(json, "panic_since_ms",
			    s->panic ? status_integer(s->panic_since_ms) : json_null());
	json_object_set_new(json, "spilling", json_boolean(s->is_spilling));
	json_object_set_new(json, "on_backup", json_boolean(s->is_on_backup));
}

static json_t *describe_groups(const struct control_service *s)
{
	const struct model_service *model = s->model;
	json_t *list = json_array();

	for (size_t i = 0; i < model->group_count && i < s->group_count; i++) {
		const struct model_group *group = &model->groups[i];
		const struct weigh_group *is = &s->groups[i];

		json_array_append_new(list, json_pack("{s:s, s:i, s:i, s:b, s:I, s:I, s:f}", "name",
						      group->name, "priority", (int)group->priority,
						      "weight", (int)group->weight, "backup",
						      (int)group->is_backup, "total",
						      (json_int_t)is->total, "healthy",
						      (json_int_t)is->healthy, "share",
						      is->share_ppm / 1000000.0));
	}
	return list;
}

static void add_table(json_t *json, const struct control *ctl, const struct control_service *s)
{
	const struct control_churn *churn = &s->churn;

	json_object_set_new(json, "table_size", status_integer(s->row.table_size));
	json_object_set_new(json, "moving", status_integer(s->counts.moving));
	json_object_set_new(json, "slots_waiting", status_integer(churn->waiting));
	json_object_set_new(json, "slots_moved", status_integer(churn->slots_moved));
	json_object_set_new(json, "slots_forced", status_integer(churn->slots_forced));
	json_object_set_new(json, "connections_at_risk", status_integer(churn->at_risk));
	json_object_set_new(json, "digest_target", hex(s->digest_target));
	json_object_set_new(json, "digest_live", hex(digest_live(ctl, s)));
}

static void add_stats(struct lb_be_stats *sum, const struct lb_be_stats *more)
{
	sum->packets += more->packets;
	sum->bytes += more->bytes;
	sum->connections += more->connections;
	sum->replies += more->replies;
	sum->reply_bytes += more->reply_bytes;
}

static void add_backends(json_t *json, struct control *ctl, const struct control_service *s,
			 const struct lb_be_stats *all)
{
	const bool is_tracked = s->row.flags & LB_SVC_TRACKED;
	struct lb_be_stats sum = s->removed;
	uint64_t flows = 0, live = 0;
	json_t *backends = json_array();

	for (size_t i = 0; i < s->backend_count; i++) {
		const struct control_backend *b = s->backends[i];

		add_stats(&sum, &all[b->id]);
		flows += b->flows;
		live += is_tracked ? (uint64_t)status_live(ctl, s, b) : 0;
		json_array_append_new(backends, status_describe_backend(ctl, s, b, &all[b->id]));
	}
	json_object_set_new(json, "flows", status_integer(flows));
	json_object_set_new(json, "live", is_tracked ? status_integer(live) : json_null());
	status_add_counters(json, &sum);
	json_object_set_new(json, "backends", backends);
}

json_t *status_describe_service(struct control *ctl, struct control_service *s,
				const struct lb_be_stats *all)
{
	const bool is_tracked = s->row.flags & LB_SVC_TRACKED;
	char vip[ADDR_PORT_STRLEN];
	json_t *json = json_pack(
		"{s:s, s:i, s:s, s:s, s:s, s:s, s:b}", "name", s->model->name, "id", s->row.id,
		"vip", addr_format_port(&s->model->vip, s->model->port, vip), "protocol",
		s->model->proto == IPPROTO_UDP ? "udp" : "tcp", "scheduler",
		scheduler_name(s->model), "forward",
		s->row.forward == LB_FORWARD_NAT ? "nat" : "dsr", "tracked", (int)is_tracked);

	service_count_slots(ctl, s);
	add_policy(json, s);
	add_table(json, ctl, s);
	json_object_set_new(json, "groups", describe_groups(s));
	add_backends(json, ctl, s, all);
	return json;
}
