/* SPDX-License-Identifier: GPL-2.0-only */
/* One backend of GET /v1/status: what it weighs and why, what it does, what is known of it. */
#include "control/status.h"

#include "health/health.h"
#include "model/addr.h"

json_t *status_integer(uint64_t value)
{
	return json_integer((json_int_t)value);
}

static json_t *integer_or_null(bool is_known, uint64_t value)
{
	return is_known ? status_integer(value) : json_null();
}

static json_t *text_or_null(const char *text)
{
	return text && *text ? json_string(text) : json_null();
}

void status_add_counters(json_t *json, const struct lb_be_stats *stats)
{
	json_object_set_new(json, "packets", status_integer(stats->packets));
	json_object_set_new(json, "bytes", status_integer(stats->bytes));
	json_object_set_new(json, "connections", status_integer(stats->connections));
	json_object_set_new(json, "replies", status_integer(stats->replies));
	json_object_set_new(json, "reply_bytes", status_integer(stats->reply_bytes));
}

/* Whole weights stay whole numbers. */
static json_t *weight_of(uint32_t effective)
{
	return effective % WEIGH_UNIT ? json_real((double)effective / WEIGH_UNIT)
				      : json_integer(effective / WEIGH_UNIT);
}

static json_t *percent_or_null(bool applies, unsigned permille)
{
	return applies ? json_real(permille / 10.0) : json_null();
}

/* As the file writes it; null where the service does not go by ids. */
static json_t *describe_server_id(const struct control_service *s, const struct control_backend *b)
{
	const int digits = 2 * (int)s->model->quic.server_id_length;

	if (!model_service_is_quic(s->model) || !b->has_server_id)
		return json_null();
	return json_sprintf("%0*llx", digits, (unsigned long long)b->server_id);
}

static void add_weight(json_t *json, const struct control_service *s,
		       const struct control_backend *b)
{
	const struct model_service *model = s->model;
	const bool is_grouped = b->group < model->group_count;
	const bool is_scaled = b->agent.has_percent && !model->is_adaptive;

	json_object_set_new(json, "group",
			    text_or_null(is_grouped ? model->groups[b->group].name : NULL));
	json_object_set_new(json, "weight", json_integer(b->weight));
	json_object_set_new(json, "effective_weight", weight_of(b->effective));
	json_object_set_new(json, "agent_percent", integer_or_null(is_scaled, b->agent.percent));
	json_object_set_new(json, "slow_start_percent",
			    percent_or_null(b->ramp_from_ms != 0, b->ramp_permille));
	json_object_set_new(json, "adaptive_percent",
			    percent_or_null(model->is_adaptive, b->factor_permille));
}

int64_t status_live(const struct control *ctl, const struct control_service *s,
		    const struct control_backend *b)
{
	int32_t live;

	if (!(s->row.flags & LB_SVC_TRACKED))
		return -1;
	if (!ctl->features.has_counts || dataplane_backends(ctl->dp)[b->id].generation & 1)
		return ctl->flows.live[b->id];
	live = (int32_t)__atomic_load_n(&dataplane_loads(ctl->dp)[b->id].live, __ATOMIC_RELAXED);
	return live < 0 ? 0 : live;
}

static void add_load(json_t *json, struct control *ctl, const struct control_service *s,
		     const struct control_backend *b)
{
	static const char *const timings[] = {
		[TIMING_NONE] = NULL,
		[TIMING_ANSWER] = "requests",
		[TIMING_CONNECT] = "connects",
		[TIMING_PROBE] = "probes",
	};
	const int64_t live = status_live(ctl, s, b);
	const bool is_timed = b->response.average_us != 0;

	json_object_set_new(json, "live", integer_or_null(live >= 0, (uint64_t)live));
	json_object_set_new(json, "flows", json_integer(b->flows));
	json_object_set_new(json, "response_us", integer_or_null(is_timed, b->response.average_us));
	json_object_set_new(json, "response_samples", status_integer(b->response.samples));
	json_object_set_new(json, "response_by",
			    text_or_null(is_timed ? timings[b->timing] : NULL));
}

static void add_slots(json_t *json, const struct control_service *s,
		      const struct control_backend *b)
{
	json_object_set_new(json, "slots", json_integer(b->slots));
	json_object_set_new(json, "share", json_real((double)b->slots / s->row.table_size));
	json_object_set_new(json, "moving", json_integer(b->moving));
}

static void add_probe(json_t *json, const struct control *ctl, const struct control_backend *b)
{
	struct health_state probe = {};

	if (b->is_probed)
		health_get(ctl->health, b->id, &probe);
	json_object_set_new(json, "probes", status_integer(probe.probes));
	json_object_set_new(json, "probe", json_string(probe.reason));
	json_object_set_new(json, "latency_us", json_integer(probe.latency_us));
	json_object_set_new(json, "probe_failures", status_integer(probe.failures));
	json_object_set_new(json, "next_probe_ms",
			    integer_or_null(b->is_probed && probe.next_ms, probe.next_ms));
	json_object_set_new(json, "flaps", status_integer(probe.flaps));
	json_object_set_new(json, "held_until_ms",
			    integer_or_null(probe.held_until_ms != 0, probe.held_until_ms));
}

static json_t *describe_agent(const struct control_service *s, const struct control_backend *b)
{
	static const char *const states[] = {
		[AGENT_STATE_NONE] = NULL, [AGENT_UP] = "up",	  [AGENT_DRAIN] = "drain",
		[AGENT_MAINT] = "maint",   [AGENT_DOWN] = "down",
	};
	const struct control_agent *agent = &b->agent;

	if (!s->model->agent_check.port)
		return json_null();
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "state",
			 text_or_null(states[agent->state]), "percent",
			 integer_or_null(agent->has_percent, agent->percent), "since_ms",
			 integer_or_null(agent->since_ms != 0, agent->since_ms), "heard_ms",
			 integer_or_null(agent->heard_ms != 0, agent->heard_ms), "reason",
			 text_or_null(agent->reason), "error", text_or_null(agent->error));
}

static json_t *describe_passive(const struct control_service *s, const struct control_backend *b)
{
	struct outlier_counts window;

	if (!s->model->passive.is_on)
		return json_null();
	window = outlier_window(&b->outlier, &s->model->passive, control_monotonic_ms());
	return json_pack("{s:b, s:o, s:i, s:I, s:I, s:I}", "ejected", (int)b->is_ejected,
			 "until_ms", integer_or_null(b->is_ejected, b->ejected_until_ms),
			 "ejections", (int)b->outlier.ejections, "total", (json_int_t)b->ejections,
			 "good", (json_int_t)window.good, "bad", (json_int_t)window.bad);
}

static json_t *describe_samples(const struct control *ctl, const struct control_service *s,
				const struct control_backend *b)
{
	const struct lb_load *load = &dataplane_loads(ctl->dp)[b->id];

	if (!(s->row.flags & LB_SVC_SAMPLED))
		return json_null();
	return json_pack("{s:I, s:I, s:I, s:I, s:I}", "connects", (json_int_t)load->connects,
			 "connected", (json_int_t)load->connected, "requests",
			 (json_int_t)load->requests, "answered", (json_int_t)load->answered,
			 "resets", (json_int_t)load->resets);
}

json_t *status_describe_backend(struct control *ctl, const struct control_service *s,
				const struct control_backend *b, const struct lb_be_stats *stats)
{
	char address[ADDR_PORT_STRLEN];
	json_t *json = json_pack("{s:s, s:i, s:s, s:s, s:s, s:I}", "name", b->name, "id", b->id,
				 "address", addr_format_port(&b->address, b->port, address),
				 "state", lifecycle_name(b->state), "reason", b->reason, "since_ms",
				 (json_int_t)b->since_ms);

	json_object_set_new(json, "server_id", describe_server_id(s, b));
	add_weight(json, s, b);
	add_slots(json, s, b);
	add_load(json, ctl, s, b);
	status_add_counters(json, stats);
	json_object_set_new(json, "next_hop",
			    json_string(*b->hop_reason ? b->hop_reason : b->hop_text));
	add_probe(json, ctl, b);
	json_object_set_new(json, "agent", describe_agent(s, b));
	json_object_set_new(json, "passive", describe_passive(s, b));
	json_object_set_new(json, "samples", describe_samples(ctl, s, b));
	return json;
}
