/* SPDX-License-Identifier: GPL-2.0-only */
#include "config/groups.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/errors.h"
#include "config/schema.h"
#include "config/values.h"
#include "model/nearest.h"

static void check_repeated(struct reader *r, const struct config_mark *name,
			   const struct model_group *groups, size_t i)
{
	for (size_t j = 0; j < i; j++) {
		if (!groups[j].name || strcmp(groups[j].name, groups[i].name) != 0)
			continue;
		reader_add(r, name->pos, "name: group \"%s\" is already given on line %u",
			   groups[i].name, groups[j].pos.line);
		return;
	}
}

static void read_group(struct reader *r, yaml_node_t *node, struct model_group *groups, size_t i)
{
	struct config_mark marks[KEYS_MAX] = {};

	groups[i].pos = keys_value(node).pos;
	if (!keys_read(r, &schema_group, node, marks, &groups[i]))
		return;
	keys_preset(r, &schema_group, marks, &groups[i]);
	if (!marks[GROUP_NAME].is_wrong)
		check_repeated(r, &marks[GROUP_NAME], groups, i);
}

static bool read_groups(struct reader *r, const struct config_key *key,
			const struct config_value *value, void *object)
{
	struct model_service *service = object;
	const yaml_node_item_t *items;
	size_t count;

	if (!keys_list(r, key, value, GROUPS_MAX, &items, &count))
		return false;
	if (count == 0)
		return reader_add(r, value->pos,
				  "%s: an empty list has no effect; remove it, or name some as in "
				  "%s",
				  key->name, key->example);
	service->groups = calloc(count, sizeof(service->groups[0]));
	if (!service->groups)
		return reader_no_memory(r);
	service->group_count = count;
	for (size_t i = 0; i < count && !r->is_full; i++)
		read_group(r, yaml_document_get_node(r->document, items[i]), service->groups, i);
	return true;
}

static bool check_group(struct reader *r, const struct config_key *key,
			const struct config_value *value, void *object)
{
	const char *text = values_text(r, key, value);

	(void)object;
	if (text && value->length == 0)
		return keys_expected(r, key, value);
	return text != NULL;
}

/* "zone-a, zone-b"; cut where there are many */
static const char *list_names(const struct model_service *service, char *buf, size_t size)
{
	size_t used = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < service->group_count && used < size; i++) {
		if (service->groups[i].name)
			used += (size_t)snprintf(buf + used, size - used, "%s%s", used ? ", " : "",
						 service->groups[i].name);
	}
	if (used >= size)
		memcpy(buf + size - 4, "...", 4);
	return buf;
}

#define NAMES_LEN 256

static void add_unknown(struct reader *r, const struct model_service *service,
			const struct config_mark *mark)
{
	char names[NAMES_LEN], quoted[ERRORS_QUOTED];
	struct nearest nearest;

	errors_quote(quoted, mark->text, strlen(mark->text));
	list_names(service, names, sizeof(names));
	nearest_begin(&nearest, mark->text);
	for (size_t i = 0; i < service->group_count; i++) {
		if (service->groups[i].name)
			nearest_offer(&nearest, service->groups[i].name);
	}
	if (nearest.best)
		reader_add(r, mark->pos,
			   "group: %s is no group of this service; did you mean \"%s\"? Its groups "
			   "are: %s",
			   quoted, nearest.best, names);
	else
		reader_add(r, mark->pos,
			   "group: %s is no group of this service; its groups are: %s", quoted,
			   names);
}

static bool find_group(const struct model_service *service, const char *name, unsigned *out)
{
	for (size_t i = 0; i < service->group_count; i++) {
		if (!service->groups[i].name || strcmp(service->groups[i].name, name) != 0)
			continue;
		*out = (unsigned)i;
		return true;
	}
	return false;
}

static bool has_unnamed(const struct model_service *service)
{
	for (size_t i = 0; i < service->group_count; i++) {
		if (!service->groups[i].name)
			return true;
	}
	return false;
}

static void finish_backend(struct reader *r, const struct model_service *service,
			   struct model_backend *backend, const struct config_mark *mark)
{
	char names[NAMES_LEN];

	if (mark->is_wrong)
		return;
	if (mark->is_given && !service->groups)
		reader_add(r, mark->key_pos,
			   "group: has no effect, because the service has no groups; for example "
			   "groups: [{name: %.63s}]",
			   mark->text);
	else if (!mark->is_given && service->groups)
		reader_add(r, backend->pos,
			   "missing key \"group\" in backend; the service's groups are: %s",
			   list_names(service, names, sizeof(names)));
	else if (mark->is_given && !find_group(service, mark->text, &backend->group))
		add_unknown(r, service, mark);
}

static void check_backups(struct reader *r, const struct model_service *service,
			  const struct config_mark *mark)
{
	for (size_t i = 0; i < service->group_count; i++) {
		if (!service->groups[i].is_backup)
			return;
	}
	reader_add(r, mark->pos, "groups: all are backups; at least one must serve before them");
}

void groups_finish(struct reader *r, struct model_service *service,
		   const struct service_source *source)
{
	const struct config_mark *mark = &source->keys[SERVICE_GROUPS];
	const struct config_mark *spill = &source->keys[SERVICE_SPILL_BELOW];

	if (mark->is_wrong || has_unnamed(service))
		return;
	for (size_t i = 0; i < service->backend_count && source->backends; i++) {
		if (!source->backends[i].is_wrong)
			finish_backend(r, service, &service->backends[i],
				       &source->backends[i].keys[BACKEND_GROUP]);
	}
	if (spill->is_given && !mark->is_given)
		reader_add(r, spill->key_pos,
			   "spill_below: has no effect, because the service has no groups");
	if (mark->is_given)
		check_backups(r, service, mark);
}

const struct config_type value_groups = { .expects = "a list of groups", .read = read_groups };
const struct config_type value_group = { .expects = "the name of a group", .read = check_group };
