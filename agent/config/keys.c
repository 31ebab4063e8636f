/* SPDX-License-Identifier: GPL-2.0-only */
#include "config/keys.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "config/document.h"
#include "config/errors.h"
#include "model/cleanup.h"
#include "model/nearest.h"

bool reader_no_memory(struct reader *r)
{
	r->is_full = true;
	return false;
}

bool reader_add(struct reader *r, struct model_pos pos, const char *format, ...)
{
	AUTO_FREE char *text = NULL;
	va_list args;
	int length;

	va_start(args, format);
	length = vasprintf(&text, format, args);
	va_end(args);
	if (length < 0) {
		text = NULL;
		return reader_no_memory(r);
	}
	if (errors_add(r->errors, pos, "%s", text))
		r->is_full = true;
	return false;
}

struct config_value keys_value(yaml_node_t *node)
{
	struct config_value value = { .node = node, .pos = document_pos(node->start_mark) };

	if (node->type == YAML_SCALAR_NODE) {
		value.text = (const char *)node->data.scalar.value;
		value.length = node->data.scalar.length;
	}
	return value;
}

static const char *describe(const struct config_value *value, char *quoted)
{
	if (!value->text)
		return value->node->type == YAML_SEQUENCE_NODE ? "a list" : "a mapping";
	if (value->length == 0)
		return "nothing";
	return errors_quote(quoted, value->text, value->length);
}

char *keys_list_words(const struct config_key *key, char *buf, size_t size)
{
	size_t used = 0;

	buf[0] = '\0';
	for (const struct config_word *word = key->words; word->text && used < size; word++) {
		if (!word->is_later)
			used += (size_t)snprintf(buf + used, size - used, "%s%s", used ? ", " : "",
						 word->text);
	}
	return buf;
}

bool keys_expected(struct reader *r, const struct config_key *key, const struct config_value *value)
{
	const struct config_type *type = key->type;
	char quoted[ERRORS_QUOTED];
	char words[128] = "";

	if (key->words)
		keys_list_words(key, words, sizeof(words));
	return reader_add(r, value->pos, "%s: expected %s%s%s, found %s", key->name, type->expects,
			  key->words ? type->before_words : "", words, describe(value, quoted));
}

bool keys_section(struct reader *r, const struct config_key *key, const struct config_value *value,
		  struct config_mark *marks, void *object)
{
	if (value->node->type != YAML_MAPPING_NODE)
		return keys_expected(r, key, value);
	return keys_read(r, key->table, value->node, marks, object);
}

bool keys_list(struct reader *r, const struct config_key *key, const struct config_value *value,
	       size_t max, const yaml_node_item_t **items, size_t *count)
{
	const yaml_node_t *node = value->node;
	size_t given;

	if (node->type == YAML_SCALAR_NODE && value->length == 0 && key->min == 0)
		return reader_add(r, value->pos,
				  "%s: expected %s, found nothing; an empty one is []", key->name,
				  key->type->expects);
	if (node->type != YAML_SEQUENCE_NODE)
		return keys_expected(r, key, value);
	given = (size_t)(node->data.sequence.items.top - node->data.sequence.items.start);
	if (given > max)
		return reader_add(r, value->pos, "%s: %zu are given; at most %zu are possible",
				  key->name, given, max);
	*items = node->data.sequence.items.start;
	*count = given;
	return true;
}

static const struct config_key *find_key(const struct config_table *table,
					 const struct config_value *name)
{
	for (size_t i = 0; i < table->count; i++) {
		const struct config_key *key = &table->keys[i];

		if (name->length == strlen(key->name) &&
		    memcmp(name->text, key->name, name->length) == 0)
			return key;
	}
	return NULL;
}

static void add_known(struct reader *r, const struct config_table *table,
		      const struct config_value *name, const char *quoted)
{
	char known[256] = "";
	size_t used = 0;

	for (size_t i = 0; i < table->count && used < sizeof(known); i++)
		used += (size_t)snprintf(known + used, sizeof(known) - used, "%s%s", i ? ", " : "",
					 table->keys[i].name);
	reader_add(r, name->pos, "unknown key %s in %s; known are %s", quoted, table->what, known);
}

static void add_unknown(struct reader *r, const struct config_table *table,
			const struct config_value *name)
{
	struct nearest nearest;
	char quoted[ERRORS_QUOTED];

	errors_quote(quoted, name->text, name->length);
	if (strcmp(name->text, "<<") == 0) {
		reader_add(r, name->pos,
			   "merge keys (<<) are not supported; write the keys out, or give the "
			   "whole mapping an anchor (&name) and use it as *name");
		return;
	}
	nearest_begin(&nearest, name->text);
	for (size_t i = 0; i < table->count; i++)
		nearest_offer(&nearest, table->keys[i].name);
	if (nearest.best)
		reader_add(r, name->pos, "unknown key %s in %s; did you mean \"%s\"?", quoted,
			   table->what, nearest.best);
	else
		add_known(r, table, name, quoted);
}

static void read_pair(struct reader *r, const struct config_table *table,
		      const yaml_node_pair_t *pair, struct config_mark *marks, void *object)
{
	yaml_node_t *node = yaml_document_get_node(r->document, pair->value);
	struct config_value name = keys_value(yaml_document_get_node(r->document, pair->key));
	struct config_value value = keys_value(node);
	const struct config_key *key;
	struct config_mark *mark;

	if (!name.text) {
		reader_add(r, name.pos, "a key must be a word, not a list or a mapping");
		return;
	}
	key = find_key(table, &name);
	if (!key) {
		add_unknown(r, table, &name);
		return;
	}
	mark = &marks[key - table->keys];
	if (mark->is_given) {
		reader_add(r, name.pos,
			   "duplicate key \"%s\" in %s; it is already given on line %u", key->name,
			   table->what, mark->key_pos.line);
		return;
	}
	*mark = (struct config_mark) { .pos = value.pos, .key_pos = name.pos, .is_given = true };
	mark->is_wrong = !key->type->read(r, key, &value, object);
}

bool keys_read(struct reader *r, const struct config_table *table, yaml_node_t *node,
	       struct config_mark *marks, void *object)
{
	struct config_value value = keys_value(node);
	char quoted[ERRORS_QUOTED];

	if (node->type != YAML_MAPPING_NODE)
		return reader_add(r, value.pos,
				  "%s: expected a mapping of keys to values, found %s", table->what,
				  describe(&value, quoted));
	for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
	     pair < node->data.mapping.pairs.top && !r->is_full; pair++)
		read_pair(r, table, pair, marks, object);
	for (size_t i = 0; i < table->count; i++) {
		const struct config_key *key = &table->keys[i];

		if (!key->is_required || marks[i].is_given)
			continue;
		marks[i].is_wrong = true;
		reader_add(r, value.pos, "missing key \"%s\" in %s; for example %s", key->name,
			   table->what, key->example);
	}
	return true;
}

void keys_preset(struct reader *r, const struct config_table *table, bool is_http,
		 const struct config_mark *marks, void *object)
{
	for (size_t i = 0; i < table->count; i++) {
		const struct config_key *key = &table->keys[i];
		struct config_value value = { .text = key->preset };

		if (marks[i].is_given || !key->preset || key->is_http != is_http)
			continue;
		value.length = strlen(key->preset);
		key->type->read(r, key, &value, object);
	}
}
