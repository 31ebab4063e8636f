/* SPDX-License-Identifier: GPL-2.0-only */
#include "config/sections.h"

#include <stdlib.h>
#include <string.h>

#include "config/errors.h"
#include "config/schema.h"
#include "config/values.h"

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
		keys_preset(r, &schema_interface, marks, &config->interfaces[i]);
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

/* ---- sections that need no more than their table -------------------------- */

static void complete(struct reader *r, const struct config_table *table,
		     const struct config_mark *marks, void *section)
{
	keys_preset(r, table, marks, section);
	if (table->finish)
		table->finish(r, marks, section);
}

static void preset_section(struct reader *r, const struct config_key *key, void *object)
{
	static const struct config_mark no_marks[KEYS_MAX];

	complete(r, key->table, no_marks, values_field(key, object));
}

static bool read_section(struct reader *r, const struct config_key *key,
			 const struct config_value *value, void *object)
{
	struct config_mark marks[KEYS_MAX] = {};
	void *section = values_field(key, object);

	if (!keys_section(r, key, value, marks, section))
		return false;
	complete(r, key->table, marks, section);
	return true;
}

static bool is_mapping(const struct config_value *value)
{
	return value->node && value->node->type == YAML_MAPPING_NODE;
}

/* A bare duration is a section of that duration. */
static bool read_slow_start(struct reader *r, const struct config_key *key,
			    const struct config_value *value, void *object)
{
	struct config_key duration = key->table->keys[SLOW_START_DURATION];

	if (!value->text)
		return is_mapping(value) ? read_section(r, key, value, object)
					 : keys_expected(r, key, value);
	duration.name = key->name;
	duration.words = key->words;
	preset_section(r, key, object);
	return duration.type->read(r, &duration, value, values_field(key, object));
}

static bool read_passive(struct reader *r, const struct config_key *key,
			 const struct config_value *value, void *object)
{
	struct model_passive *passive = values_field(key, object);
	const struct config_word *word;

	if (is_mapping(value)) {
		passive->is_on = true;
		return read_section(r, key, value, object);
	}
	word = value->text ? values_find_word(key, value->text) : NULL;
	if (!word)
		return keys_expected(r, key, value);
	preset_section(r, key, object);
	passive->is_on = word->value;
	return true;
}

static bool read_tls(struct reader *r, const struct config_key *key,
		     const struct config_value *value, void *object)
{
	struct model_tls *tls = values_field(key, object);

	tls->is_on = true;
	return read_section(r, key, value, object);
}

/* Its fields are the health check's own, all 0 where there is none. */
static bool read_damping(struct reader *r, const struct config_key *key,
			 const struct config_value *value, void *object)
{
	if (is_mapping(value))
		return read_section(r, key, value, object);
	if (!value->text || !values_find_word(key, value->text))
		return keys_expected(r, key, value);
	return true;
}

const struct config_type value_section = { .expects = "a mapping of keys to values",
					   .read = read_section,
					   .absent = preset_section };
const struct config_type value_slow_start = {
	.expects = "a duration, a mapping such as {duration: 30s, minimum: 10%}",
	.before_words = ", or ",
	.read = read_slow_start
};
const struct config_type value_passive = { .expects = "a mapping such as {sample: 64}",
					   .before_words = ", or one of ",
					   .read = read_passive };
const struct config_type value_tls = { .expects = "a mapping such as {verify: full}",
				       .read = read_tls };
const struct config_type value_damping = {
	.expects = "a mapping such as {changes: 6, window: 5m, hold: 1m}",
	.before_words = ", or ",
	.read = read_damping
};
const struct config_type value_interfaces = { .expects = "a list of interfaces",
					      .read = read_interfaces };
const struct config_type value_limits = { .expects = "a mapping such as {max_flows: 262144}",
					  .read = read_limits };
const struct config_type value_timers = { .expects = "a mapping such as {warm_up: 5s}",
					  .read = read_timers };
