/* SPDX-License-Identifier: GPL-2.0-only */
/* A reload: read, check, compare, say what would change, and make it so: transaction.c. */
#include <arpa/inet.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "control/state.h"
#include "log.h"
#include "model/addr.h"
#include "plan/diff.h"
#include "plan/maglev.h"

/* ---- how many slots would move --------------------------------------------- */

static uint16_t planned_id(const struct control_backend *b, size_t index)
{
	return b ? b->id : (uint16_t)(LB_MAX_BACKENDS - 1 - index % (LB_MAX_BACKENDS - 1));
}

/* A new backend, and one that no probe has decided on, is expected to be up. */
static struct weigh_backend planned_weight(const struct control_service *s,
					   const struct control_backend *b,
					   const struct model_backend *model)
{
	struct weigh_backend weight = { .is_healthy = true,
					.agent_percent = 100,
					.ramp_permille = 1000,
					.factor_permille = 1000 };

	if (b && b->is_decided)
		weight = weights_of(s, b);
	weight.weight = model->weight;
	weight.group = model->group;
	weight.counts = !model->drain && model->weight;
	return weight;
}

static int plan_weights(const struct control_service *s, const struct model_service *model,
			struct maglev_backend *be)
{
	const struct weigh_policy policy = weights_policy(model);
	struct weigh_backend *weights = calloc(model->backend_count + 1, sizeof(*weights));
	int err = weights ? 0 : -ENOMEM;

	for (size_t i = 0; weights && i < model->backend_count; i++) {
		const struct model_backend *mb = &model->backends[i];
		const struct control_backend *b = backend_find(s, &mb->address, mb->port);

		weights[i] = planned_weight(s, b, mb);
		be[i] = (struct maglev_backend) {
			.address = mb->address,
			.port = (uint16_t)mb->port,
			.id = planned_id(b, i),
		};
	}
	if (!err)
		err = weigh_backends(&policy, weigh_panic(&policy, weights, model->backend_count),
				     weights, model->backend_count, NULL);
	for (size_t i = 0; !err && i < model->backend_count; i++)
		be[i].weight = weights[i].effective;
	free(weights);
	return err;
}

/*
 * Slots of hash schedulers. The tables of the others are written anew at any change, and their
 * slots keep no connection.
 */
static uint32_t count_moves(const struct control *ctl, const struct control_service *s,
			    const struct model_service *model)
{
	const uint32_t *words = dataplane_words(ctl->dp) + s->row.table_base;
	uint32_t size = s->row.table_size, moves = 0, cycle;
	struct maglev_backend *be = calloc(model->backend_count + 1, sizeof(*be));
	uint16_t *table = calloc(size, sizeof(*table));
	int err = be && table ? plan_weights(s, model, be) : -ENOMEM;

	if (!err)
		err = schedule_build(model->scheduler, be, model->backend_count, table, size,
				     &cycle);
	for (uint32_t i = 0; !err && i < size; i++)
		moves += table[i] != LB_SLOT_CURRENT(words[i]);
	free(be);
	free(table);
	return moves;
}

static uint32_t recorded_flows(const struct control_service *s)
{
	uint32_t flows = 0;

	for (size_t i = 0; i < s->backend_count; i++)
		flows += s->backends[i]->flows;
	return flows;
}

/* Slots that a reload moves, and recorded connections that it breaks, of one service that runs. */
static uint32_t moves_of(const struct control *ctl, const struct control_service *s,
			 const struct model_service *model, uint32_t *affected)
{
	bool is_tracked = s->row.flags & LB_SVC_TRACKED;

	if (!service_fits(s, model)) {
		*affected = recorded_flows(s);
		return model->table_size;
	}
	if (!model_scheduler_is_hash(model->scheduler))
		return 0;
	/* other slots for the same clients: what has a record of its own does not care */
	*affected = is_tracked || service_hashes_as(s, model) ? 0 : recorded_flows(s);
	return service_weighs_as(s, model) ? 0 : count_moves(ctl, s, model);
}

static void describe_moves(const struct control *ctl, const struct model_config *next,
			   json_t *answer)
{
	json_int_t moved = 0, total = 0, affected = 0;

	for (size_t i = 0; i < next->service_count; i++) {
		const struct model_service *model = &next->services[i];
		const struct control_service *s = service_find(ctl, model);
		uint32_t connections = 0;

		total += model->table_size;
		if (s)
			moved += moves_of(ctl, s, model, &connections);
		affected += connections;
	}
	json_object_set_new(answer, "slots_moved", json_integer(moved));
	json_object_set_new(answer, "slots_total", json_integer(total));
	json_object_set_new(answer, "connections_affected", json_integer(affected));
}

/* ---- words ------------------------------------------------------------------ */

static json_t *string_or_null(const char *text)
{
	return text ? json_string(text) : json_null();
}

static json_t *describe_diff(const struct diff *diff, unsigned *risks, unsigned *refusals)
{
	static const char *const kinds[] = {
		[DIFF_ADDED] = "added", [DIFF_REMOVED] = "removed", [DIFF_CHANGED] = "changed"
	};
	json_t *list = json_array();

	for (size_t i = 0; i < diff->count; i++) {
		const struct diff_change *change = &diff->list[i];

		*risks += change->risk != NULL;
		*refusals += change->refusal != NULL;
		json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:o, s:o}", "kind",
						      kinds[change->kind], "object", change->object,
						      "detail", change->detail, "risk",
						      string_or_null(change->risk), "refusal",
						      string_or_null(change->refusal)));
	}
	return list;
}

static bool is_in(const struct model_config *config, const struct control_service *s)
{
	for (size_t i = 0; i < config->service_count; i++) {
		const struct model_service *model = &config->services[i];

		if (model->proto == s->row.proto && htons((uint16_t)model->port) == s->row.port &&
		    !addr_compare(&model->vip, &s->row.vip))
			return true;
	}
	return false;
}

/*
 * A nat backend's replies belong to one service. One that another service takes over, while it
 * still has connections here, loses their replies.
 */
static unsigned describe_takeovers(const struct control *ctl, const struct model_config *next,
				   const struct model_service *model, json_t *list)
{
	const struct control_service key = { .row = { .vip = model->vip, .proto = model->proto },
					     .model = model };
	const struct control_service *self = service_find(ctl, model);
	unsigned risks = 0;

	for (size_t i = 0; model->forward == LB_FORWARD_NAT && i < model->backend_count; i++) {
		const struct model_backend *mb = &model->backends[i];
		struct lb_backend row = backend_row(&key, &mb->address, mb->port);
		uint16_t owner = dataplane_reply_owner(ctl->dp, &row) % LB_MAX_BACKENDS;
		const struct control_service *from = ctl->service_of[owner];

		if (!from || from == self || !is_in(next, from))
			continue;
		json_array_append_new(
			list, json_pack("{s:s, s:s+++, s:s+, s:s, s:n}", "kind", "changed",
					"object", "backend ", model->name, "/", mb->name, "detail",
					"taken over from service ", from->model->name, "risk",
					"its connections through that service break; else wait "
					"until it has drained there",
					"refusal"));
		risks++;
	}
	return risks;
}

static json_t *describe_errors(const char *path, const struct config_errors *errors)
{
	json_t *list = json_array();

	for (size_t i = 0; i < errors->count; i++) {
		const struct config_error *error = &errors->list[i];

		json_array_append_new(list, json_pack("{s:s, s:i, s:i, s:s}", "file", path, "line",
						      (int)error->pos.line, "column",
						      (int)error->pos.column, "text", error->text));
	}
	return list;
}

static void set_error(json_t *answer, const char *text)
{
	json_object_set_new(answer, "error", string_or_null(text));
}

static json_t *new_answer(bool is_dry_run)
{
	return json_pack("{s:b, s:b, s:[], s:i, s:i, s:i, s:[], s:n}", "applied", 0, "dry_run",
			 (int)is_dry_run, "changes", "slots_moved", 0, "slots_total", 0,
			 "connections_affected", 0, "errors", "error");
}

/* ---- the API's reload --------------------------------------------------------- */

static json_t *compare_and_apply(struct control *ctl, struct model_config **next, json_t *answer,
				 bool is_forced, int *status)
{
	bool is_dry_run = json_is_true(json_object_get(answer, "dry_run"));
	unsigned risks = 0, refusals = 0;
	struct diff diff = {};
	json_t *changes;
	char error[512];

	config_keep(ctl, *next);
	*status = 500;
	if (diff_configs(ctl->config, *next, &diff)) {
		set_error(answer, "out of memory");
		return answer;
	}
	changes = describe_diff(&diff, &risks, &refusals);
	json_object_set_new(answer, "changes", changes);
	diff_free(&diff);
	for (size_t i = 0; i < (*next)->service_count; i++)
		risks += describe_takeovers(ctl, *next, &(*next)->services[i], changes);
	describe_moves(ctl, *next, answer);
	*status = 409;
	if (refusals) {
		set_error(answer, "some changes cannot be made while the data path runs");
	} else if (risks && !is_forced && !is_dry_run) {
		set_error(answer, "some changes break connections: `leat reload --force` makes "
				  "them all the same");
	} else if (is_dry_run) {
		*status = 200;
	} else if (transaction_apply(ctl, *next, error, sizeof(error))) {
		*status = 500;
		set_error(answer, error);
	} else {
		*next = NULL;
		*status = 200;
		json_object_set_new(answer, "applied", json_true());
	}
	return answer;
}

json_t *control_api_reload(void *arg, bool is_dry_run, bool is_forced, int *status)
{
	struct control *ctl = arg;
	struct config_errors errors = {};
	struct model_config *next = NULL;
	json_t *answer = new_answer(is_dry_run);

	if (!is_dry_run)
		notify_systemd("RELOADING=1");
	if (config_load(ctl->settings->config_path, &next, &errors)) {
		*status = 400;
		json_object_set_new(answer, "errors",
				    describe_errors(ctl->settings->config_path, &errors));
		set_error(answer, "the configuration has errors; nothing was changed");
	} else {
		answer = compare_and_apply(ctl, &next, answer, is_forced, status);
	}
	config_errors_free(&errors);
	model_config_free(next);
	if (!is_dry_run)
		notify_systemd("READY=1");
	if (*status == 200 && !is_dry_run)
		log_info("reloaded changes=%zu slots_moved=%lld",
			 json_array_size(json_object_get(answer, "changes")),
			 (long long)json_integer_value(json_object_get(answer, "slots_moved")));
	else if (*status != 200)
		log_error("not reloaded reason=\"%s\"",
			  log_escape(json_string_value(json_object_get(answer, "error"))));
	return answer;
}

void control_reload_signal(struct control *ctl)
{
	int status = 0;
	json_t *answer = control_api_reload(ctl, false, false, &status);
	json_t *error;
	size_t i;

	json_array_foreach (json_object_get(answer, "errors"), i, error) {
		log_error("%s:%lld:%lld: %s", json_string_value(json_object_get(error, "file")),
			  (long long)json_integer_value(json_object_get(error, "line")),
			  (long long)json_integer_value(json_object_get(error, "column")),
			  json_string_value(json_object_get(error, "text")));
	}
	json_decref(answer);
}
