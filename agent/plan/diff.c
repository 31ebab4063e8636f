/* SPDX-License-Identifier: GPL-2.0-only */
#include "plan/diff.h"

#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "model/addr.h"
#include "plan/changes.h"
#include "plan/diff_parts.h"

#define DEFAULT_AFFINITIES 65536 /* where limits say nothing */

#define RISK_OTHER_WAY                                                                             \
	"the service is made anew; its connections lose their records, and packets go another way"
#define RISK_OTHER_TABLE                                                                           \
	"every slot may get another backend at once; connections without a record break"
#define RISK_OTHER_SLOT                                                                            \
	"every client may get another slot, and so another backend, at once; connections "         \
	"without a record break"
#define RISK_OTHER_PICK                                                                            \
	"connections with a record stay where they are; a client's next ones may go to another "   \
	"backend than its earlier ones"
#define FIXED_AT_START "fixed at the first start; leave it as it is, or stop --detach and run again"

static const struct changes_nature plain_change = { .kind = DIFF_CHANGED };

static const char *const forward_names[] = {
	[LB_FORWARD_NONE] = "none", [LB_FORWARD_DSR] = "dsr", [LB_FORWARD_NAT] = "nat"
};
static const char *const scheduler_names[] = {
	[SCHEDULER_MAGLEV] = "maglev",
	[SCHEDULER_SOURCE_HASH] = "source_hash",
	[SCHEDULER_ROUND_ROBIN] = "round_robin",
	[SCHEDULER_LEAST_CONN] = "least_conn",
	[SCHEDULER_LEAST_RESPONSE] = "least_response",
};
static const char *const mode_names[] = {
	[XDP_MODE_AUTO] = "auto", [XDP_MODE_NATIVE] = "native", [XDP_MODE_GENERIC] = "generic"
};

/* ---- the node --------------------------------------------------------------- */

static const struct model_interface *find_interface(const struct model_config *config,
						    const char *name)
{
	for (size_t i = 0; i < config->interface_count; i++) {
		if (strcmp(config->interfaces[i].name, name) == 0)
			return &config->interfaces[i];
	}
	return NULL;
}

static void diff_interfaces(struct changes *c, const struct model_config *running,
			    const struct model_config *next)
{
	for (size_t i = 0; i < running->interface_count; i++) {
		changes_set_object(c, "interface %s", running->interfaces[i].name);
		if (!find_interface(next, running->interfaces[i].name))
			changes_add(c, (struct changes_nature) { .kind = DIFF_REMOVED },
				    "detached");
	}
	for (size_t i = 0; i < next->interface_count; i++) {
		const struct model_interface *to = &next->interfaces[i];
		const struct model_interface *from = find_interface(running, to->name);

		changes_set_object(c, "interface %s", to->name);
		if (!from)
			changes_add(c, (struct changes_nature) { .kind = DIFF_ADDED }, "mode %s",
				    mode_names[to->mode]);
		else
			changes_add_text(c, plain_change, "mode", mode_names[from->mode],
					 mode_names[to->mode]);
	}
}

static uint64_t round_up_to_power(uint64_t n)
{
	uint64_t power = 1;

	while (power < n)
		power *= 2;
	return power;
}

/* A size that was fixed at the first start: less than it fits, more does not. 0: not said. */
static void diff_limit(struct changes *c, const char *field, unsigned running, unsigned next,
		       uint64_t fits)
{
	struct changes_nature nature = plain_change;
	char from[CHANGES_DURATION_LEN] = "unset", to[CHANGES_DURATION_LEN] = "unset";

	if (running == next)
		return;
	if (next > fits)
		nature.refusal = FIXED_AT_START;
	if (running)
		snprintf(from, sizeof(from), "%u", running);
	if (next)
		snprintf(to, sizeof(to), "%u", next);
	changes_add(c, nature, "%s %s -> %s%s", field, from, to,
		    nature.refusal ? "" : "; counts from the next first start on");
}

static void diff_needed_slots(struct changes *c, const struct model_config *running,
			      const struct model_config *next)
{
	struct changes_nature nature = {
		.kind = DIFF_CHANGED,
		.refusal = "the tables of all services do not fit; use smaller "
			   "ones, or stop --detach and run again"
	};
	uint64_t needed = model_slots_needed(next);

	if (running->max_slots && needed > running->max_slots)
		changes_add(c, nature, "%llu slots needed, max_slots is %u",
			    (unsigned long long)needed, running->max_slots);
}

static void diff_hash_key(struct changes *c, const struct model_config *running,
			  const struct model_config *next)
{
	struct changes_nature refused = { .kind = DIFF_CHANGED, .refusal = FIXED_AT_START };

	if (!next->has_hash_key) {
		if (running->has_hash_key)
			changes_add(c, plain_change, "unset; the running one stays");
		return;
	}
	if (!running->has_hash_key)
		changes_add(c, refused, "set, where one was drawn at the first start");
	else if (memcmp(running->hash_key, next->hash_key, sizeof(next->hash_key)) != 0)
		changes_add(c, refused, "another");
}

static void diff_node(struct changes *c, const struct model_config *running,
		      const struct model_config *next)
{
	changes_set_object(c, "limits");
	diff_limit(c, "max_slots", running->max_slots, next->max_slots, running->max_slots);
	diff_limit(c, "max_flows", running->max_flows, next->max_flows,
		   running->max_flows ? round_up_to_power(running->max_flows) : 0);
	diff_limit(c, "max_affinities", running->max_affinities, next->max_affinities,
		   running->max_affinities ? running->max_affinities : DEFAULT_AFFINITIES);
	diff_needed_slots(c, running, next);
	changes_set_object(c, "timers");
	changes_add_duration(c, "warm_up", running->warm_up_ms, next->warm_up_ms);
	changes_add_duration(c, "handshake", running->handshake_ms, next->handshake_ms);
	changes_set_object(c, "hash_key");
	diff_hash_key(c, running, next);
}

/* ---- backends ----------------------------------------------------------------- */

static const struct model_backend *find_backend(const struct model_service *service,
						const struct model_backend *like)
{
	for (size_t i = 0; i < service->backend_count; i++) {
		const struct model_backend *backend = &service->backends[i];

		if (backend->port == like->port &&
		    addr_compare(&backend->address, &like->address) == 0)
			return backend;
	}
	return NULL;
}

static void add_backend(struct changes *c, const struct model_service *service,
			const struct model_backend *backend)
{
	struct changes_nature nature = { .kind = DIFF_ADDED,
					 .changes_slots = backend->weight && !backend->drain };
	char address[ADDR_PORT_STRLEN];

	addr_format_port(&backend->address, backend->port, address);
	changes_add(c, nature, "%s, weight %u%s%s%s", address, backend->weight,
		    service->group_count ? ", group " : "",
		    service->group_count ? diff_group_name(service, backend) : "",
		    backend->drain ? ", drain" : "");
}

static void diff_backend(struct changes *c, const struct model_backend *from,
			 const struct model_backend *to, const char *old_group,
			 const char *new_group)
{
	struct changes_nature moves = { .kind = DIFF_CHANGED, .changes_slots = true };
	struct changes_nature weighs = { .kind = DIFF_CHANGED,
					 .changes_slots = !from->drain || !to->drain };

	changes_add_text(c, plain_change, "name", from->name, to->name);
	changes_add_number(c, weighs, "weight", from->weight, to->weight);
	changes_add_text(c, moves, "group", old_group, new_group);
	changes_add_text(c, moves, "drain", from->drain ? "true" : "false",
			 to->drain ? "true" : "false");
}

static void diff_backends(struct changes *c, const struct model_service *running,
			  const struct model_service *next)
{
	char within[CHANGES_DURATION_LEN];

	for (size_t i = 0; i < running->backend_count; i++) {
		const struct model_backend *backend = &running->backends[i];

		changes_set_object(c, "backend %s/%s", next->name, backend->name);
		if (!find_backend(next, backend))
			changes_add(c,
				    (struct changes_nature) { .kind = DIFF_REMOVED,
							      .changes_slots = true },
				    "drains, drain_timeout %s",
				    changes_format_duration(next->drain_timeout_ms, within));
	}
	for (size_t i = 0; i < next->backend_count; i++) {
		const struct model_backend *to = &next->backends[i];
		const struct model_backend *from = find_backend(running, to);

		changes_set_object(c, "backend %s/%s", next->name, to->name);
		if (from)
			diff_backend(c, from, to, diff_group_name(running, from),
				     diff_group_name(next, to));
		else
			add_backend(c, next, to);
		diff_server_id(c, running, from, next, to);
	}
}

/* ---- services ------------------------------------------------------------------- */

static const struct model_service *find_service(const struct model_config *config,
						const struct model_service *like)
{
	for (size_t i = 0; i < config->service_count; i++) {
		const struct model_service *service = &config->services[i];

		if (service->port == like->port && service->proto == like->proto &&
		    addr_compare(&service->vip, &like->vip) == 0)
			return service;
	}
	return NULL;
}

static void add_service(struct changes *c, enum diff_kind kind, const struct model_service *service)
{
	char address[ADDR_PORT_STRLEN];

	changes_set_object(c, "service %s", service->name);
	addr_format_port(&service->vip, service->port, address);
	changes_add(c, (struct changes_nature) { .kind = kind, .changes_slots = true },
		    "%s %s, %s, backends: %zu", address,
		    service->proto == IPPROTO_UDP ? "udp" : "tcp", forward_names[service->forward],
		    service->backend_count);
}

/* Whether an IPv6 client's prefix decides its slot. */
static bool goes_by_prefix6(const struct model_service *s)
{
	return model_service_is_masked(s) && !addr_is_v4(&s->vip);
}

/*
 * A change of what picks the backend, of a service that lives on. Where all connections are
 * recorded before and after, those that exist stay; where slots alone know them, they break.
 */
static struct changes_nature nature_of_pick(const struct model_service *from,
					    const struct model_service *to)
{
	struct changes_nature nature = { .kind = DIFF_CHANGED,
					 .changes_slots = true,
					 .risk = RISK_OTHER_SLOT };

	if (model_service_is_tracked(from) && model_service_is_tracked(to))
		nature.risk = RISK_OTHER_PICK;
	else if (model_service_is_tracked(from) != model_service_is_tracked(to))
		nature.risk = RISK_OTHER_WAY;
	return nature;
}

static void diff_scheduler(struct changes *c, const struct model_service *from,
			   const struct model_service *to)
{
	struct changes_nature pick = nature_of_pick(from, to), prefix = plain_change;
	struct changes_nature scheduler = pick;
	bool is_hash = model_scheduler_is_hash(to->scheduler);
	bool was_masked = model_service_is_masked(from), is_masked = model_service_is_masked(to);

	/* in turn or by load: no connection goes by the table; masked or not: the same table */
	if (model_scheduler_is_hash(from->scheduler) == is_hash && was_masked == is_masked)
		scheduler =
			(struct changes_nature) { .kind = DIFF_CHANGED, .changes_slots = !is_hash };
	if (goes_by_prefix6(from) && goes_by_prefix6(to))
		prefix = pick;
	changes_add_text(c, scheduler, "scheduler", scheduler_names[from->scheduler],
			 scheduler_names[to->scheduler]);
	diff_hash(c, pick, from, to);
	changes_add_number(c, prefix, "source_prefix6", from->source_prefix6, to->source_prefix6);
}

/* What decides where a connection's packets go: changed at once or not at all. */
static void diff_service_way(struct changes *c, const struct model_service *from,
			     const struct model_service *to)
{
	struct changes_nature other_way = { .kind = DIFF_CHANGED,
					    .changes_slots = true,
					    .risk = RISK_OTHER_WAY };
	struct changes_nature other_table = { .kind = DIFF_CHANGED,
					      .changes_slots = true,
					      .risk = RISK_OTHER_TABLE };
	struct changes_nature track = other_way;

	if (model_service_is_tracked(from) == model_service_is_tracked(to))
		track = plain_change;
	diff_scheduler(c, from, to);
	changes_add_text(c, other_way, "forward", forward_names[from->forward],
			 forward_names[to->forward]);
	changes_add_text(c, track, "track", from->track_all ? "all" : "exceptions",
			 to->track_all ? "all" : "exceptions");
	changes_add_number(c, other_table, "table_size", from->table_size, to->table_size);
}

static void diff_service(struct changes *c, const struct model_service *from,
			 const struct model_service *to)
{
	changes_set_object(c, "service %s", to->name);
	changes_add_text(c, plain_change, "name", from->name, to->name);
	diff_service_way(c, from, to);
	diff_balancing(c, from, to);
	changes_add_duration(c, "idle_timeout", from->idle_timeout_ms, to->idle_timeout_ms);
	changes_add_duration(c, "drain_timeout", from->drain_timeout_ms, to->drain_timeout_ms);
	changes_add_text(c, plain_change, "init", from->init_up ? "up" : "probe",
			 to->init_up ? "up" : "probe");
	changes_add_text(c, plain_change, "vip_address", from->add_vip ? "add" : "none",
			 to->add_vip ? "add" : "none");
	diff_health(c, &from->health, &to->health);
	diff_groups(c, from, to);
	diff_backends(c, from, to);
}

static void diff_services(struct changes *c, const struct model_config *running,
			  const struct model_config *next)
{
	for (size_t i = 0; i < running->service_count; i++) {
		if (!find_service(next, &running->services[i]))
			add_service(c, DIFF_REMOVED, &running->services[i]);
	}
	for (size_t i = 0; i < next->service_count; i++) {
		const struct model_service *from = find_service(running, &next->services[i]);

		if (from)
			diff_service(c, from, &next->services[i]);
		else
			add_service(c, DIFF_ADDED, &next->services[i]);
	}
}

int diff_configs(const struct model_config *running, const struct model_config *next,
		 struct diff *out)
{
	struct changes c = {};
	struct diff diff;

	diff_interfaces(&c, running, next);
	diff_node(&c, running, next);
	diff_services(&c, running, next);
	diff = (struct diff) { .list = c.list, .count = c.count };
	if (c.err) {
		diff_free(&diff);
		return c.err;
	}
	*out = diff;
	return 0;
}
