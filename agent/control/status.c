/* SPDX-License-Identifier: GPL-2.0-only */
/* What `leat status` shows: the live maps, and what the agent knows of them. Its services and
 * backends are in status_service.c and status_backend.c. */
#include "control/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "version.h"

#define WARN_OCCUPANCY_PERCENT 45 /* of the flow table: docs/operations.md */

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

static void warn_policy(json_t *list, const struct control_service *s)
{
	const char *name = s->model->name;
	const unsigned threshold = s->model->panic.threshold_percent;

	if (s->panic == WEIGH_PANIC_OPEN)
		warn(list,
		     "service %s is in panic: less than %u %% of its weight is healthy, so all "
		     "backends are used (panic: open)",
		     name, threshold);
	if (s->panic == WEIGH_PANIC_CLOSED)
		warn(list,
		     "service %s is in panic: less than %u %% of its weight is healthy, so nobody "
		     "takes new connections (panic: closed)",
		     name, threshold);
	if (s->is_on_backup)
		warn(list, "service %s: only backup groups have healthy backends", name);
}

static void warn_service(json_t *list, const struct control_service *s)
{
	size_t usable = 0;

	for (size_t k = 0; k < s->backend_count; k++) {
		usable += s->backends[k]->takes_newcomers;
		if (*s->backends[k]->hop_reason)
			warn(list, "service %s, backend %s: %s", s->model->name,
			     s->backends[k]->name, s->backends[k]->hop_reason);
	}
	if (!usable)
		warn(list,
		     "service %s has no usable backend: its new connections are dropped "
		     "(no_backend)",
		     s->model->name);
	warn_policy(list, s);
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
	for (size_t i = 0; i < ctl->service_count; i++)
		warn_service(list, ctl->services[i]);
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
		json_array_append_new(services, status_describe_service(ctl, s, all));
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
	json_object_set_new(json, "slot_writes", status_integer(ctl->slot_writes));
	json_object_set_new(json, "counts_corrected",
			    status_integer(dataplane_corrections(ctl->dp)));
	json_object_set_new(json, "clock",
			    json_pack("{s:i}", "unit_us", (int)dataplane_unit_us(ctl->dp)));
	json_object_set_new(json, "warnings", describe_warnings(ctl));
	json_object_set_new(json, "services", services);
	json_object_set_new(json, "reasons", describe_reasons(ctl, forwarded));
	return json;
}
