/* SPDX-License-Identifier: GPL-2.0-only */
/* What `leat status` shows: the live maps, and what the agent knows of them. */
#include <jansson.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "control/state.h"
#include "health/health.h"
#include "model/addr.h"
#include "plan/maglev.h"
#include "version.h"

#define WARN_OCCUPANCY_PERCENT 45 /* of the flow table: docs/operations.md */

static json_t *integer(uint64_t value)
{
	return json_integer((json_int_t)value);
}

static double share_of(const struct control_service *s, const struct control_backend *b)
{
	return (double)b->slots / s->row.table_size;
}

static json_t *describe_backend(struct control *ctl, const struct control_service *s,
				const struct control_backend *b, const struct lb_be_stats *stats)
{
	struct health_state probe = {};
	char address[ADDR_PORT_STRLEN];
	json_t *json;

	if (b->is_probed)
		health_get(ctl->health, b->id, &probe);
	json = json_pack("{s:s, s:i, s:s, s:s, s:s, s:I, s:i, s:i, s:i, s:f, s:i, s:i}", "name",
			 b->name, "id", b->id, "address",
			 addr_format_port(&b->address, b->port, address), "state",
			 lifecycle_name(b->state), "reason", b->reason, "since_ms",
			 (json_int_t)b->since_ms, "weight", (int)b->weight, "effective_weight",
			 (int)(b->takes_newcomers ? b->weight : 0), "slots", (int)b->slots, "share",
			 share_of(s, b), "moving", (int)b->moving, "flows", (int)b->flows);
	json_object_set_new(json, "packets", integer(stats->packets));
	json_object_set_new(json, "bytes", integer(stats->bytes));
	json_object_set_new(json, "connections", integer(stats->connections));
	json_object_set_new(json, "replies", integer(stats->replies));
	json_object_set_new(json, "reply_bytes", integer(stats->reply_bytes));
	json_object_set_new(json, "next_hop",
			    json_string(*b->hop_reason ? b->hop_reason : b->hop_text));
	json_object_set_new(json, "probes", integer(probe.probes));
	json_object_set_new(json, "probe", json_string(probe.reason));
	json_object_set_new(json, "latency_us", integer(probe.latency_us));
	return json;
}

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

static json_t *describe_service(struct control *ctl, struct control_service *s,
				const struct lb_be_stats *all)
{
	struct lb_be_stats sum = s->removed;
	const bool is_tracked = s->row.flags & LB_SVC_TRACKED;
	char vip[ADDR_PORT_STRLEN];
	uint64_t flows = 0;
	json_t *backends = json_array();
	json_t *json;

	service_count_slots(ctl, s);
	for (size_t i = 0; i < s->backend_count; i++) {
		const struct control_backend *b = s->backends[i];
		const struct lb_be_stats *stats = &all[b->id];

		sum.packets += stats->packets;
		sum.bytes += stats->bytes;
		sum.connections += stats->connections;
		sum.replies += stats->replies;
		sum.reply_bytes += stats->reply_bytes;
		flows += b->flows;
		json_array_append_new(backends, describe_backend(ctl, s, b, stats));
	}
	json = json_pack(
		"{s:s, s:i, s:s, s:s, s:s, s:s, s:b, s:i, s:i}", "name", s->model->name, "id",
		s->row.id, "vip", addr_format_port(&s->model->vip, s->model->port, vip), "protocol",
		s->model->proto == IPPROTO_UDP ? "udp" : "tcp", "scheduler", "maglev", "forward",
		s->row.forward == LB_FORWARD_NAT ? "nat" : "dsr", "tracked", (int)is_tracked,
		"table_size", (int)s->row.table_size, "moving", (int)s->counts.moving);
	json_object_set_new(json, "flows", integer(flows));
	json_object_set_new(json, "packets", integer(sum.packets));
	json_object_set_new(json, "bytes", integer(sum.bytes));
	json_object_set_new(json, "connections", integer(sum.connections));
	json_object_set_new(json, "replies", integer(sum.replies));
	json_object_set_new(json, "reply_bytes", integer(sum.reply_bytes));
	json_object_set_new(json, "digest_target", hex(s->digest_target));
	json_object_set_new(json, "digest_live", hex(digest_live(ctl, s)));
	json_object_set_new(json, "backends", backends);
	return json;
}

static json_t *describe_interfaces(const struct control *ctl)
{
	json_t *list = json_array();

	for (size_t i = 0; i < ctl->interface_count; i++) {
		const struct control_interface *link = &ctl->interfaces[i];
		char mac[18];

		snprintf(mac, sizeof(mac), "%02x:%02x:%02x:%02x:%02x:%02x", link->mac[0],
			 link->mac[1], link->mac[2], link->mac[3], link->mac[4], link->mac[5]);
		json_array_append_new(list,
				      json_pack("{s:s, s:i, s:s, s:s, s:s, s:s}", "name",
						link->name, "ifindex", (int)link->ifindex, "mode",
						link->is_native ? "native" : "generic", "state",
						!link->is_attached ? "absent"
						: link->is_up	   ? "attached"
								   : "down",
						"mac", mac, "trouble", link->trouble));
	}
	return list;
}

/* Packets to backends are counted by backend alone; the reason's count is their sum. */
static json_t *describe_reasons(struct control *ctl, uint64_t forwarded)
{
	static const struct {
		const char *name, *verdict, *text;
	} words[] = {
#define WORDS(name, str, verdict, text) [LB_##name] = { #str, #verdict, text },
		LB_REASONS(WORDS)
	};
	uint64_t counts[LB_REASON_COUNT] = {};
	json_t *list = json_array();

	dataplane_read_reasons(ctl->dp, counts);
	counts[LB_OK] = forwarded;
	for (unsigned i = 0; i < LB_REASON_COUNT; i++) {
		char verdict[16];
		size_t k = 0;

		for (; words[i].verdict[k]; k++)
			verdict[k] = (char)(words[i].verdict[k] | 0x20); /* lower case */
		verdict[k] = '\0';
		json_array_append_new(list,
				      json_pack("{s:s, s:s, s:I, s:s}", "name", words[i].name,
						"verdict", verdict, "packets",
						(json_int_t)counts[i], "text", words[i].text));
	}
	return list;
}

static json_t *describe_occupancy(uint32_t used, uint64_t capacity)
{
	return json_pack("{s:i, s:I}", "used", (int)used, "capacity", (json_int_t)capacity);
}

static void warn(json_t *list, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void warn(json_t *list, const char *format, ...)
{
	char text[400];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	json_array_append_new(list, json_string(text));
}

static void warn_occupancy(json_t *list, const char *family, uint32_t used, uint64_t capacity)
{
	if (used * 100ULL >= capacity * WARN_OCCUPANCY_PERCENT)
		warn(list,
		     "the %s flow table is %llu %% full: raise limits: max_flows (takes effect "
		     "after `leat stop --detach`)",
		     family, (unsigned long long)(used * 100ULL / capacity));
}

static json_t *describe_warnings(const struct control *ctl)
{
	const struct lb_node *node = dataplane_node(ctl->dp);
	json_t *list = json_array();

	warn_occupancy(list, "IPv4", ctl->flows.used4, (uint64_t)node->flow4_sets * LB_FLOW_WAYS);
	warn_occupancy(list, "IPv6", ctl->flows.used6, (uint64_t)node->flow6_sets * LB_FLOW_WAYS);
	for (size_t i = 0; i < ctl->interface_count; i++) {
		if (!ctl->interfaces[i].is_attached)
			warn(list, "interface %s: %s", ctl->interfaces[i].name,
			     ctl->interfaces[i].trouble);
	}
	for (size_t i = 0; i < ctl->service_count; i++) {
		const struct control_service *s = ctl->services[i];
		size_t usable = 0;

		for (size_t k = 0; k < s->backend_count; k++) {
			usable += s->backends[k]->takes_newcomers;
			if (*s->backends[k]->hop_reason)
				warn(list, "service %s, backend %s: %s", s->model->name,
				     s->backends[k]->name, s->backends[k]->hop_reason);
		}
		if (!usable)
			warn(list,
			     "service %s has no usable backend: its new connections are "
			     "dropped (no_backend)",
			     s->model->name);
	}
	return list;
}

json_t *control_api_status(void *arg, int *status)
{
	struct control *ctl = arg;
	const struct lb_node *node = dataplane_node(ctl->dp);
	const struct lb_be_stats *all = control_stats(ctl);
	json_t *services = json_array(), *json;
	uint64_t forwarded = 0, slots = 0;

	*status = all ? 200 : 500;
	if (!all) {
		json_decref(services);
		return json_pack("{s:s}", "error", "the counters cannot be read");
	}
	for (unsigned id = 1; id < LB_MAX_BACKENDS; id++)
		forwarded += all[id].packets + all[id].replies;
	for (size_t i = 0; i < ctl->service_count; i++) {
		struct control_service *s = ctl->services[i];

		slots += s->row.table_size;
		forwarded += s->removed.packets + s->removed.replies;
		json_array_append_new(services, describe_service(ctl, s, all));
	}
	json = json_pack("{s:s, s:i, s:I, s:s, s:b}", "version", LEAT_VERSION, "pid", (int)getpid(),
			 "started_ms", (json_int_t)ctl->started_ms, "config",
			 ctl->settings->config_path, "adopted", (int)ctl->is_adopted);
	json_object_set_new(json, "interfaces", describe_interfaces(ctl));
	json_object_set_new(
		json, "flows",
		json_pack("{s:o, s:o}", "ipv4",
			  describe_occupancy(ctl->flows.used4,
					     (uint64_t)node->flow4_sets * LB_FLOW_WAYS),
			  "ipv6",
			  describe_occupancy(ctl->flows.used6,
					     (uint64_t)node->flow6_sets * LB_FLOW_WAYS)));
	json_object_set_new(json, "slots", describe_occupancy((uint32_t)slots, node->max_slots));
	json_object_set_new(json, "slot_writes", integer(ctl->slot_writes));
	json_object_set_new(json, "clock",
			    json_pack("{s:i}", "unit_us", (int)dataplane_unit_us(ctl->dp)));
	json_object_set_new(json, "warnings", describe_warnings(ctl));
	json_object_set_new(json, "services", services);
	json_object_set_new(json, "reasons", describe_reasons(ctl, forwarded));
	return json;
}
