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

const char *keys_expects(const struct config_key *key)
{
	return key->expects ? key->expects : key->type->expects;
}

bool keys_expected(struct reader *r, const struct config_key *key, const struct config_value *value)
{
	char quoted[ERRORS_QUOTED];
	char words[KEYS_WORDS_LEN] = "";

	if (key->words)
		keys_list_words(key, words, sizeof(words));
	return reader_add(r, value->pos, "%s: expected %s%s%s, found %s", key->name,
			  keys_expects(key), key->words ? key->type->before_words : "", words,
			  describe(value, quoted));
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
				  keys_expects(key));
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

static unsigned choice_of(const struct config_key *choice, const void *object)
{
	const char *field = (const char *)object + choice->offset;
	unsigned number = 0;

	memcpy(&number, field, choice->size); /* little-endian; an enum or a byte */
	return number;
}

bool keys_applies(const struct config_table *table, const struct config_key *key,
		  const void *object)
{
	return !key->only || !table->choice || (key->only >> choice_of(table->choice, object) & 1);
}

static bool has_name(const struct config_key *key, const struct config_value *name)
{
	return name->text && name->length == strlen(key->name) &&
	       memcmp(name->text, key->name, name->length) == 0;
}

/* Two choices may have a key of one name each: the row of the choice made, else the first. */
static const struct config_key *find_key(const struct config_table *table,
					 const struct config_value *name, const void *object)
{
	const struct config_key *found = NULL;

	for (size_t i = 0; i < table->count; i++) {
		const struct config_key *key = &table->keys[i];

		if (!has_name(key, name))
			continue;
		if (keys_applies(table, key, object))
			return key;
		if (!found)
			found = key;
	}
	return found;
}

/* All choices that have a key of this name. */
static unsigned choices_with(const struct config_table *table, const char *name)
{
	unsigned choices = 0;

	for (size_t i = 0; i < table->count; i++) {
		if (strcmp(table->keys[i].name, name) == 0)
			choices |= table->keys[i].only;
	}
	return choices;
}

/* "http, https or grpc"; returns how many */
static unsigned list_choices(const struct config_key *choice, unsigned choices, char *buf,
			     size_t size)
{
	unsigned left = (unsigned)__builtin_popcount(choices);
	unsigned count = 0;
	size_t used = 0;

	for (const struct config_word *word = choice->words; word->text && used < size; word++) {
		if (word->is_later || !(choices >> word->value & 1))
			continue;
		left--;
		used += (size_t)snprintf(buf + used, size - used, "%s%s",
					 count == 0 ? "" : (left ? ", " : " or "), word->text);
		count++;
	}
	return count;
}

static const char *choice_word(const struct config_key *choice, unsigned value)
{
	const struct config_word *word = choice->words;

	while (word->text && (word->is_later || word->value != value))
		word++;
	return word->text ? word->text : "";
}

#define CHOICES_WORTH_LISTING 5

/* Keys that would do nothing are mistakes, not decoration. */
static bool add_useless(struct reader *r, const struct config_table *table,
			const struct config_key *key, struct model_pos pos, const void *object)
{
	const struct config_key *choice = table->choice;
	const char *chosen = choice_word(choice, choice_of(choice, object));
	char others[KEYS_WORDS_LEN] = "";

	if (list_choices(choice, choices_with(table, key->name), others, sizeof(others)) >
	    CHOICES_WORTH_LISTING)
		return reader_add(r, pos,
				  "%s: has no effect with %s: %s; remove it, or choose another %s",
				  key->name, choice->name, chosen, choice->name);
	return reader_add(r, pos, "%s: belongs to %s: %s; this one is %s", key->name, choice->name,
			  others, chosen);
}

static void add_known(struct reader *r, const struct config_table *table,
		      const struct config_value *name, const char *quoted)
{
	char known[512] = "";
	size_t used = 0;

	for (size_t i = 0; i < table->count && used < sizeof(known); i++) {
		if (i && strcmp(table->keys[i - 1].name, table->keys[i].name) == 0)
			continue;
		used += (size_t)snprintf(known + used, sizeof(known) - used, "%s%s", i ? ", " : "",
					 table->keys[i].name);
	}
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

static void read_value(struct reader *r, const struct config_table *table,
		       const struct config_key *key, const struct config_value *value,
		       struct config_mark *marks, void *object)
{
	struct config_mark *mark = &marks[key - table->keys];
	bool has_choice = !key->only || !marks[table->choice - table->keys].is_wrong;

	if (!has_choice && choices_with(table, key->name) != key->only)
		mark->is_wrong = true; /* which of two kinds of value it is cannot be told */
	else if (!has_choice)
		mark->is_wrong = !key->type->read(r, key, value, object);
	else if (!keys_applies(table, key, object))
		mark->is_wrong = !add_useless(r, table, key, mark->key_pos, object);
	else
		mark->is_wrong = !key->type->read(r, key, value, object);
}

static void read_pair(struct reader *r, const struct config_table *table,
		      const yaml_node_pair_t *pair, struct config_mark *marks, void *object)
{
	struct config_value name = keys_value(yaml_document_get_node(r->document, pair->key));
	struct config_value value = keys_value(yaml_document_get_node(r->document, pair->value));
	const struct config_key *key;
	struct config_mark *mark;

	if (!name.text) {
		reader_add(r, name.pos, "a key must be a word, not a list or a mapping");
		return;
	}
	key = find_key(table, &name, object);
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
	*mark = (struct config_mark) {
		.pos = value.pos, .key_pos = name.pos, .text = value.text, .is_given = true
	};
	read_value(r, table, key, &value, marks, object);
}

static void preset_key(struct reader *r, const struct config_key *key, void *object)
{
	struct config_value value = { .text = key->preset };

	if (key->preset) {
		value.length = strlen(key->preset);
		key->type->read(r, key, &value, object);
	} else if (key->type->absent) {
		key->type->absent(r, key, object);
	}
}

/* First of all keys, because it says what the others mean; returns its pair, NULL: not given. */
static const yaml_node_pair_t *read_choice(struct reader *r, const struct config_table *table,
					   const yaml_node_t *node, struct config_mark *marks,
					   void *object)
{
	for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
	     table->choice && pair < node->data.mapping.pairs.top; pair++) {
		struct config_value name =
			keys_value(yaml_document_get_node(r->document, pair->key));

		if (!has_name(table->choice, &name))
			continue;
		read_pair(r, table, pair, marks, object);
		return pair;
	}
	if (table->choice)
		preset_key(r, table->choice, object);
	return NULL;
}

static void add_missing(struct reader *r, const struct config_table *table, struct model_pos pos,
			struct config_mark *marks, const void *object)
{
	for (size_t i = 0; i < table->count; i++) {
		const struct config_key *key = &table->keys[i];

		if (!key->is_required || marks[i].is_given || !keys_applies(table, key, object))
			continue;
		marks[i].is_wrong = true;
		reader_add(r, pos, "missing key \"%s\" in %s; for example %s", key->name,
			   table->what, key->example);
	}
}

bool keys_read(struct reader *r, const struct config_table *table, yaml_node_t *node,
	       struct config_mark *marks, void *object)
{
	struct config_value value = keys_value(node);
	const yaml_node_pair_t *chosen;
	char quoted[ERRORS_QUOTED];

	if (node->type != YAML_MAPPING_NODE)
		return reader_add(r, value.pos,
				  "%s: expected a mapping of keys to values, found %s", table->what,
				  describe(&value, quoted));
	chosen = read_choice(r, table, node, marks, object);
	for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
	     pair < node->data.mapping.pairs.top && !r->is_full; pair++) {
		if (pair != chosen)
			read_pair(r, table, pair, marks, object);
	}
	add_missing(r, table, value.pos, marks, object);
	return true;
}

void keys_preset(struct reader *r, const struct config_table *table,
		 const struct config_mark *marks, void *object)
{
	if (table->choice && !marks[table->choice - table->keys].is_given)
		preset_key(r, table->choice, object);
	for (size_t i = 0; i < table->count; i++) {
		const struct config_key *key = &table->keys[i];

		if (!marks[i].is_given && key != table->choice && keys_applies(table, key, object))
			preset_key(r, key, object);
	}
}
