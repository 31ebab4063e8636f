/* SPDX-License-Identifier: GPL-2.0-only */
#include "config/sections.h"

#include <stdlib.h>
#include <string.h>

#include "config/errors.h"
#include "config/schema.h"

static void check_repeated(struct reader *r, const struct config_mark *name,
			   const struct model_interface *interfaces, size_t i)
{
	for (size_t j = 0; j < i; j++) {
		if (interfaces[j].name[0] == '\0' ||
		    strcmp(interfaces[j].name, interfaces[i].name) != 0)
			continue;
		reader_add(r, name->pos, "name: interface \"%s\" is already given on line %u",
			   interfaces[i].name, interfaces[j].pos.line);
		return;
	}
}

static bool read_interfaces(struct reader *r, const struct config_key *key,
			    const struct config_value *value, void *object)
{
	struct model_config *config = object;
	const yaml_node_item_t *items;
	size_t count;

	if (!keys_list(r, key, value, LB_MAX_PORTS, &items, &count))
		return false;
	if (count == 0)
		return reader_add(r, value->pos, "%s: at least one is needed; for example %s",
				  key->name, key->example);
	config->interfaces = calloc(count, sizeof(config->interfaces[0]));
	if (!config->interfaces)
		return reader_no_memory(r);
	config->interface_count = count;
	for (size_t i = 0; i < count && !r->is_full; i++) {
		yaml_node_t *node = yaml_document_get_node(r->document, items[i]);
		struct config_mark marks[KEYS_MAX] = {};

		config->interfaces[i].pos = keys_value(node).pos;
		if (!keys_read(r, &schema_interface, node, marks, &config->interfaces[i]))
			continue;
		keys_preset(r, &schema_interface, false, marks, &config->interfaces[i]);
		if (!marks[INTERFACE_NAME].is_wrong)
			check_repeated(r, &marks[INTERFACE_NAME], config->interfaces, i);
	}
	return true;
}

static bool read_limits(struct reader *r, const struct config_key *key,
			const struct config_value *value, void *object)
{
	return keys_section(r, key, value, r->limits, object);
}

static bool read_timers(struct reader *r, const struct config_key *key,
			const struct config_value *value, void *object)
{
	return keys_section(r, key, value, r->timers, object);
}

const struct config_type value_interfaces = { .expects = "a list of interfaces",
					      .read = read_interfaces };
const struct config_type value_limits = { .expects = "a mapping such as {max_flows: 262144}",
					  .read = read_limits };
const struct config_type value_timers = { .expects = "a mapping such as {warm_up: 5s}",
					  .read = read_timers };
