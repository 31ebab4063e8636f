/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A reload is one transaction: read, check, compare, (say what would change,) make all that
 * is new, and only when that has worked change what runs.
 */
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

/** struct transaction - what has been made so far */
struct transaction {
	struct control *ctl;
	struct model_config *next;
	struct control_service **created; /* by index of next->services; NULL: not new */
	struct control_backend **added;	  /* to services that go on */
	struct control_service **added_to;
	size_t added_count;
	char error[512];
};

/* ---- how many slots would move --------------------------------------------- */

static uint16_t planned_id(const struct control_backend *b, size_t index)
{
	return b ? b->id : (uint16_t)(LB_MAX_BACKENDS - 1 - index % (LB_MAX_BACKENDS - 1));
}

/* A new backend is expected to be up; one that is known and dead takes nothing. */
static uint32_t planned_weight(const struct control *ctl, const struct control_backend *b,
			       const struct model_backend *model)
{
	if (model->drain || (b && b->is_decided && (ctl->generations[b->id] & 1) && !b->is_healthy))
		return 0;
	return model->weight;
}

static uint32_t count_moves(const struct control *ctl, const struct control_service *s,
			    const struct model_service *model)
{
	const uint32_t *words = dataplane_words(ctl->dp) + s->row.table_base;
	struct maglev_backend *be = calloc(model->backend_count + 1, sizeof(*be));
	uint16_t *table = calloc(s->row.table_size, sizeof(*table));
	uint32_t moves = 0;

	for (size_t i = 0; be && i < model->backend_count; i++) {
		const struct model_backend *mb = &model->backends[i];
		const struct control_backend *b = backend_find(s, &mb->address, mb->port);

		be[i] = (struct maglev_backend) {
			.address = mb->address,
			.port = (uint16_t)mb->port,
			.id = planned_id(b, i),
			.weight = planned_weight(ctl, b, mb),
		};
	}
	if (be && table)
		maglev_build(be, model->backend_count, table, s->row.table_size);
	for (uint32_t i = 0; table && i < s->row.table_size; i++)
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

static void describe_moves(const struct control *ctl, const struct model_config *next,
			   json_t *answer)
{
	json_int_t moved = 0, total = 0, affected = 0;

	for (size_t i = 0; i < next->service_count; i++) {
		const struct model_service *model = &next->services[i];
		const struct control_service *s = service_find(ctl, model);

		total += model->table_size;
		if (s && service_fits(s, model)) {
			if (!service_weighs_as(s, model))
				moved += count_moves(ctl, s, model);
		} else if (s) {
			moved += model->table_size;
			affected += recorded_flows(s);
		}
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

/* ---- the transaction --------------------------------------------------------- */

static bool needs_nat(const struct model_config *config)
{
	for (size_t i = 0; i < config->service_count; i++) {
		if (config->services[i].forward == LB_FORWARD_NAT)
			return true;
	}
	return false;
}

static int fail(struct transaction *t, const char *object, const char *name, int err)
{
	const char *hint = err == -ENOSPC ? " (limits: max_slots, 4096 services and VIPs, 32767 "
					    "backends)"
					  : "";

	snprintf(t->error, sizeof(t->error), "%s %s: %s%s; nothing was changed", object, name,
		 strerror(-err), hint);
	return err;
}

/* What is known of the health of a service that is made anew goes with it. */
static void inherit_health(struct control_service *to, const struct control_service *from)
{
	for (size_t i = 0; i < to->backend_count; i++) {
		struct control_backend *b = to->backends[i];
		const struct control_backend *was = backend_find(from, &b->address, b->port);

		if (!was)
			continue;
		b->is_decided = was->is_decided;
		b->is_healthy = was->is_healthy;
		snprintf(b->reason, sizeof(b->reason), "%s", was->reason);
	}
}

static int add_backends(struct transaction *t, struct control_service *s,
			const struct model_service *model)
{
	for (size_t i = 0; i < model->backend_count; i++) {
		const struct model_backend *mb = &model->backends[i];
		int err;

		if (backend_find(s, &mb->address, mb->port))
			continue;
		err = backend_create(t->ctl, s, mb);
		if (err)
			return fail(t, "backend", mb->name, err);
		t->added[t->added_count] = s->backends[s->backend_count - 1];
		t->added_to[t->added_count++] = s;
	}
	return 0;
}

static int make_service(struct transaction *t, size_t index)
{
	const struct model_service *model = &t->next->services[index];
	struct control_service *s = service_find(t->ctl, model);
	struct control_service *created;
	int err;

	if (s && service_fits(s, model))
		return add_backends(t, s, model);
	err = service_create(t->ctl, model, &created);
	if (err)
		return fail(t, "service", model->name, err);
	t->created[index] = created;
	if (s) { /* the row stays the old one's until all else has worked */
		inherit_health(created, s);
		return 0;
	}
	err = dataplane_put_service(t->ctl->dp, &created->row);
	return err ? fail(t, "service", model->name, err) : 0;
}

static int make_links(struct transaction *t)
{
	struct control *ctl = t->ctl;
	int err = links_apply(ctl, t->next->interfaces, t->next->interface_count);

	if (!err)
		return 0;
	for (size_t i = 0; i < ctl->interface_count; i++) {
		if (!ctl->interfaces[i].is_attached)
			snprintf(t->error, sizeof(t->error),
				 "interface %s: %s; nothing was changed", ctl->interfaces[i].name,
				 ctl->interfaces[i].trouble);
	}
	links_apply(ctl, ctl->config->interfaces, ctl->config->interface_count);
	return err;
}

static int make_features(struct transaction *t)
{
	struct dataplane_error error = {};
	int err;

	if (t->ctl->has_nat || !needs_nat(t->next))
		return 0;
	err = dataplane_set_features(t->ctl->dp, true, &error);
	if (err)
		snprintf(t->error, sizeof(t->error), "%.500s", error.text);
	else
		t->ctl->has_nat = true;
	return err;
}

static void undo(struct transaction *t)
{
	for (size_t i = 0; i < t->next->service_count; i++) {
		struct control_service *s = t->created[i];

		if (s && service_find(t->ctl, s->model))
			service_discard(t->ctl, s);
		else if (s)
			service_remove(t->ctl, s);
	}
	for (size_t i = 0; i < t->added_count; i++)
		backend_remove(t->ctl, t->added_to[i], t->added[i]);
}

static int make_all(struct transaction *t)
{
	int err = make_features(t);

	for (size_t i = 0; i < t->next->service_count && !err; i++)
		err = make_service(t, i);
	if (!err)
		err = make_links(t);
	if (err)
		undo(t);
	return err;
}

/* From here on nothing can fail. */
static void commit_service(struct transaction *t, size_t index, struct control_service **list)
{
	const struct model_service *model = &t->next->services[index];
	struct control *ctl = t->ctl;
	struct control_service *s = service_find(ctl, model);

	if (t->created[index]) {
		list[index] = t->created[index];
		if (s)
			dataplane_put_service(ctl->dp, &list[index]->row);
	} else {
		list[index] = s;
	}
	service_update(ctl, list[index], model);
}

static void retire(struct control *ctl, struct control_service *s, struct control_service **list,
		   size_t count)
{
	bool is_replaced = false;

	for (size_t i = 0; i < count; i++) {
		if (list[i] == s)
			return;
		is_replaced |= !addr_compare(&list[i]->row.vip, &s->row.vip) &&
			       list[i]->row.key_word == s->row.key_word;
	}
	if (is_replaced)
		service_discard(ctl, s);
	else
		service_remove(ctl, s);
}

static void commit(struct transaction *t, struct control_service **list)
{
	struct control *ctl = t->ctl;
	struct model_config *was = ctl->config;
	struct dataplane_error error = {};

	ctl->config = t->next;
	for (size_t i = 0; i < t->next->service_count; i++)
		commit_service(t, i, list);
	for (size_t i = 0; i < ctl->service_count; i++)
		retire(ctl, ctl->services[i], list, t->next->service_count);
	free(ctl->services);
	ctl->services = list;
	ctl->service_count = t->next->service_count;
	if (ctl->has_nat && !needs_nat(t->next)) {
		if (dataplane_set_features(ctl->dp, false, &error))
			log_warn("nat stays loaded reason=\"%s\"", error.text);
		else
			ctl->has_nat = false;
	}
	vips_apply(ctl);
	model_config_free(was);
	control_soon(ctl);
}

static size_t count_backends(const struct model_config *config)
{
	size_t count = 0;

	for (size_t i = 0; i < config->service_count; i++)
		count += config->services[i].backend_count;
	return count;
}

/* Takes @next over on success; on failure nothing has changed, and @error says why. */
static int apply(struct control *ctl, struct model_config *next, char *error, size_t size)
{
	size_t services = next->service_count + 1, backends = count_backends(next) + 1;
	struct transaction t = {
		.ctl = ctl,
		.next = next,
		.created = calloc(services, sizeof(struct control_service *)),
		.added = calloc(backends, sizeof(struct control_backend *)),
		.added_to = calloc(backends, sizeof(struct control_service *)),
		.error = "out of memory",
	};
	struct control_service **list = calloc(services, sizeof(struct control_service *));
	int err = -ENOMEM;

	if (t.created && t.added && t.added_to && list)
		err = make_all(&t);
	if (err) {
		snprintf(error, size, "%s", t.error);
		free(list);
	} else {
		commit(&t, list);
	}
	free(t.created);
	free(t.added);
	free(t.added_to);
	return err;
}

/* ---- the API's reload --------------------------------------------------------- */

static json_t *compare_and_apply(struct control *ctl, struct model_config **next, json_t *answer,
				 bool is_forced, int *status)
{
	bool is_dry_run = json_is_true(json_object_get(answer, "dry_run"));
	unsigned risks = 0, refusals = 0;
	struct diff diff = {};
	char error[512];

	*status = 500;
	if (diff_configs(ctl->config, *next, &diff)) {
		set_error(answer, "out of memory");
		return answer;
	}
	json_object_set_new(answer, "changes", describe_diff(&diff, &risks, &refusals));
	diff_free(&diff);
	describe_moves(ctl, *next, answer);
	*status = 409;
	if (refusals) {
		set_error(answer, "some changes cannot be made while the data path runs");
	} else if (risks && !is_forced && !is_dry_run) {
		set_error(answer, "some changes break connections: `leat reload --force` makes "
				  "them all the same");
	} else if (is_dry_run) {
		*status = 200;
	} else if (apply(ctl, *next, error, sizeof(error))) {
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
			  json_string_value(json_object_get(answer, "error")));
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
