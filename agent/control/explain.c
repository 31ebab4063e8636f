/* SPDX-License-Identifier: GPL-2.0-only */
/* `leat explain`: the data path itself is asked, by a dry run over the live maps. */
#include <jansson.h>
#include <netinet/in.h>
#include <string.h>

#include "api/api.h"
#include "control/state.h"
#include "model/addr.h"

static const struct {
	const char *name, *verdict, *text;
} reasons[] = {
#define WORDS(name, str, verdict, text) [LB_##name] = { #str, #verdict, text },
	LB_REASONS(WORDS)
};

static const char *class_name(unsigned class)
{
	static const char *const names[] = {
		[LB_CLASS_FREE] = "free",	    [LB_CLASS_UNVERIFIED] = "unverified",
		[LB_CLASS_HALF_OPEN] = "half-open", [LB_CLASS_ESTABLISHED] = "established",
		[LB_CLASS_CLOSED] = "closed",	    [LB_CLASS_UDP] = "udp",
		[LB_CLASS_BUSY] = "busy",
	};

	return class < sizeof(names) / sizeof(names[0]) && names[class] ? names[class] : "unknown";
}

static const char *verdict_name(unsigned reason)
{
	switch (reason) {
	case LB_OK:
		return "forward";
	case LB_PING:
		return "answer";
	default:
		return reasons[reason].verdict[0] == 'P' ? "pass" : "drop";
	}
}

static json_t *describe_backend(const struct control *ctl, uint32_t id)
{
	const struct control_backend *b = ctl->by_id[id % LB_MAX_BACKENDS];
	char address[ADDR_PORT_STRLEN];

	if (!b)
		return json_null();
	return json_pack("{s:i, s:s, s:s}", "id", b->id, "name", b->name, "address",
			 addr_format_port(&b->address, b->port, address));
}

static json_t *describe_record(const struct control *ctl, union lb_record record)
{
	uint32_t generation = ctl->generations[record.backend];
	uint32_t age = lb_age(dataplane_clock(ctl->dp), (uint32_t)record.last_use,
			      LB_RECORD_CLOCK_BITS, 2 * control_bound(ctl));

	if (!record.value)
		return json_null();
	return json_pack("{s:o, s:s, s:I, s:b}", "backend", describe_backend(ctl, record.backend),
			 "class", class_name(record.class), "age_ms",
			 (json_int_t)((uint64_t)age * dataplane_unit_us(ctl->dp) / 1000),
			 "generation_valid",
			 !(generation & 1) && (generation & 0x3ff) == record.generation);
}

static const struct control_service *find_service(const struct control *ctl, uint32_t id)
{
	for (size_t i = 0; id && i < ctl->service_count; i++) {
		if (ctl->services[i]->row.id == id)
			return ctl->services[i];
	}
	return NULL;
}

static void describe_slot(const struct control *ctl, const struct control_service *s,
			  const struct lb_explain *met, json_t *json)
{
	uint32_t index = s->row.table_base + met->slot % s->row.table_size;
	union lb_slot word = { .word = dataplane_words(ctl->dp)[index] };

	json_object_set_new(json, "service", json_string(s->model->name));
	json_object_set_new(json, "table_size", json_integer(s->row.table_size));
	json_object_set_new(json, "slot", json_integer(met->slot));
	json_object_set_new(json, "word",
			    json_pack("{s:o, s:o, s:b}", "current",
				      describe_backend(ctl, word.current), "origin",
				      describe_backend(ctl, word.origin), "moving",
				      (int)word.moving));
	json_object_set_new(json, "stamp", json_integer(dataplane_stamps(ctl->dp)[index]));
}

json_t *control_api_explain(void *arg, const struct api_explain_query *query, int *status)
{
	struct control *ctl = arg;
	struct dataplane_query packet = {
		.client = query->client,
		.vip = query->vip,
		.client_port = query->client_port,
		.vip_port = query->vip_port,
		.proto = (uint8_t)query->proto,
		.is_syn = true,
	};
	struct dataplane_error error = {};
	struct lb_explain met = {};
	const struct control_service *s;
	const struct control_backend *b;
	json_t *json;

	if (dataplane_explain(ctl->dp, &packet, &met, &error)) {
		*status = 500;
		return json_pack("{s:s}", "error", error.text);
	}
	*status = 200;
	s = find_service(ctl, met.service);
	b = met.reason == LB_OK ? ctl->by_id[met.backend % LB_MAX_BACKENDS] : NULL;
	json = json_pack("{s:n, s:i, s:n, s:n, s:n, s:n}", "service", "service_id",
			 (int)met.service, "table_size", "slot", "word", "stamp");
	if (s)
		describe_slot(ctl, s, &met, json);
	json_object_set_new(json, "record",
			    describe_record(ctl, (union lb_record) { .value = met.record }));
	json_object_set_new(json, "backend", b ? describe_backend(ctl, b->id) : json_null());
	json_object_set_new(json, "next_hop",
			    b ? json_string(*b->hop_reason ? b->hop_reason : b->hop_text)
			      : json_null());
	json_object_set_new(json, "verdict", json_string(verdict_name(met.reason)));
	json_object_set_new(json, "reason", json_string(reasons[met.reason].name));
	json_object_set_new(json, "text", json_string(reasons[met.reason].text));
	json_object_set_new(json, "would_record", json_boolean(met.would_insert));
	return json;
}
