/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A reload is one transaction: all that is new is made first; only when that has worked is
 * changed what runs, and that cannot fail.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/state.h"
#include "log.h"

/** struct transaction - what has been made so far */
struct transaction {
	struct control *ctl;
	struct model_config *next;
	struct control_service **created; /* by index of next->services; NULL: not new */
	struct control_backend **added;	  /* to services that go on */
	struct control_service **added_to;
	size_t added_count;
	struct dataplane_features features; /* before it */
	char error[512];
};

static int fail(struct transaction *t, const char *object, const char *name, int err)
{
	const char *hint = err == -ENOSPC ? " (limits: max_slots, 4096 services and VIPs, 32767 "
					    "backends)"
					  : "";

	snprintf(t->error, sizeof(t->error), "%s %s: %s%s; nothing was changed", object, name,
		 strerror(-err), hint);
	return err;
}

/* ---- made beside what runs -------------------------------------------------- */

static int set_features(struct control *ctl, const struct dataplane_features *features,
			struct dataplane_error *error)
{
	int err = dataplane_set_features(ctl->dp, features, error);

	if (!err)
		ctl->features = *features;
	return err;
}

static int make_features(struct transaction *t)
{
	struct dataplane_features wanted = config_features(t->next);
	struct dataplane_features both = features_union(&t->ctl->features, &wanted);
	struct dataplane_error error = {};
	int err;

	t->features = t->ctl->features;
	err = set_features(t->ctl, &both, &error);
	if (err)
		snprintf(t->error, sizeof(t->error), "%.500s", error.text);
	return err;
}

/* What is known of the health of a service that is made anew goes with it. */
static void inherit_health(const struct control *ctl, struct control_service *to,
			   const struct control_service *from)
{
	for (size_t i = 0; i < to->backend_count; i++) {
		struct control_backend *b = to->backends[i];
		const struct control_backend *was = backend_find(from, &b->address, b->port);

		if (!was)
			continue;
		b->is_decided = was->is_decided;
		b->is_healthy = was->is_healthy;
		b->agent = was->agent;
		b->memo = memory_of(ctl, was);
		dataplane_put_memo(ctl->dp, b->id, &b->memo); /* nothing of it need change soon */
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
		inherit_health(t->ctl, created, s);
		return 0;
	}
	err = dataplane_put_service(t->ctl->dp, &created->row);
	return err ? fail(t, "service", model->name, err) : 0;
}

static int make_vips(struct transaction *t)
{
	int err = vips_place(t->ctl, t->next);

	return err ? fail(t, "services'", "VIPs", err) : 0;
}

static int make_links(struct transaction *t)
{
	struct control *ctl = t->ctl;
	int err = links_apply(ctl, t->next->interfaces, t->next->interface_count, false);

	if (!err)
		return 0;
	for (size_t i = 0; i < ctl->interface_count; i++) {
		if (!ctl->interfaces[i].is_attached)
			snprintf(t->error, sizeof(t->error),
				 "interface %s: %s; nothing was changed", ctl->interfaces[i].name,
				 ctl->interfaces[i].trouble);
	}
	links_apply(ctl, ctl->config->interfaces, ctl->config->interface_count, true);
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
	vips_apply(t->ctl);
	set_features(t->ctl, &t->features, NULL);
}

static int make_all(struct transaction *t)
{
	int err = make_features(t);

	for (size_t i = 0; i < t->next->service_count && !err; i++)
		err = make_service(t, i);
	if (!err)
		err = make_vips(t);
	if (!err)
		err = make_links(t);
	if (err)
		undo(t);
	return err;
}

/* ---- changed: from here on nothing can fail ----------------------------------- */

static void commit_service(struct transaction *t, size_t index, struct control_service **list)
{
	const struct model_service *model = &t->next->services[index];
	struct control *ctl = t->ctl;

	list[index] = t->created[index] ?: service_find(ctl, model);
	if (t->created[index])
		dataplane_put_service(ctl->dp, &list[index]->row);
	ctl->by_service_id[list[index]->row.id] = list[index];
	service_update(ctl, list[index], model);
}

/* A service that is in the configuration no more, or whose row is its successor's by now. */
static void retire(struct control *ctl, struct control_service *s)
{
	const struct lb_service *row = dataplane_find_service(ctl->dp, &s->row);

	if (row && row->id != s->row.id)
		service_discard(ctl, s);
	else
		service_remove(ctl, s);
}

static void retire_others(struct control *ctl, struct control_service **list, size_t count)
{
	for (size_t i = 0; i < ctl->service_count; i++)
		ctl->services[i]->is_kept = false;
	for (size_t i = 0; i < count; i++)
		list[i]->is_kept = true;
	for (size_t i = 0; i < ctl->service_count; i++) {
		if (!ctl->services[i]->is_kept)
			retire(ctl, ctl->services[i]);
	}
}

static void drop_features(struct control *ctl)
{
	struct dataplane_features wanted = config_features(ctl->config);
	struct dataplane_error error = {};

	if (set_features(ctl, &wanted, &error))
		log_warn("features stay loaded reason=\"%s\"", log_escape(error.text));
}

static void commit(struct transaction *t, struct control_service **list)
{
	struct control *ctl = t->ctl;
	struct model_config *was = ctl->config;

	ctl->config = t->next;
	for (size_t i = 0; i < t->next->service_count; i++)
		commit_service(t, i, list);
	retire_others(ctl, list, t->next->service_count);
	free(ctl->services);
	ctl->services = list;
	ctl->service_count = t->next->service_count;
	config_note_node(ctl);
	drop_features(ctl);
	if (passive_arm(ctl))
		log_error("passive detection does not run error=\"out of memory\"");
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

int transaction_apply(struct control *ctl, struct model_config *next, char *error, size_t size)
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
