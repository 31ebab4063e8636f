/* SPDX-License-Identifier: GPL-2.0-only */
/* Lists of scalars: status codes, response codes, the words of a command. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "config/errors.h"
#include "config/values.h"

#define STATUS_MIN    100
#define STATUS_MAX    599
#define STATUS_ITEMS  64 /* in one list */
#define COMMAND_ITEMS 64

static struct config_value item_value(struct reader *r, yaml_node_item_t item)
{
	return keys_value(yaml_document_get_node(r->document, item));
}

/* "200", "200-299" */
static bool add_statuses(const char *text, uint64_t *bitmap)
{
	const char *rest;
	uint64_t first = values_leading_number(text, &rest);
	uint64_t last = first;

	if (rest == text)
		return false;
	if (*rest == '-') {
		const char *second = rest + 1;

		last = values_leading_number(second, &rest);
		if (rest == second)
			return false;
	}
	if (*rest || first < STATUS_MIN || last > STATUS_MAX || first > last)
		return false;
	for (uint64_t status = first; status <= last; status++)
		bitmap[status / 64] |= (uint64_t)1 << (status % 64);
	return true;
}

static bool read_status_item(struct reader *r, const struct config_key *key,
			     const struct config_value *value, uint64_t *bitmap)
{
	const char *text = values_text(r, key, value);
	char quoted[ERRORS_QUOTED];

	if (!text)
		return false;
	if (!add_statuses(text, bitmap))
		return reader_add(r, value->pos,
				  "%s: %s is no status code or range within %d to %d; "
				  "write for example 200 or 200-299",
				  key->name, errors_quote(quoted, text, value->length), STATUS_MIN,
				  STATUS_MAX);
	return true;
}

static bool read_statuses(struct reader *r, const struct config_key *key,
			  const struct config_value *value, void *object)
{
	uint64_t *bitmap = values_field(key, object);
	const yaml_node_item_t *items;
	bool is_right = true;
	size_t count;

	if (value->text)
		return read_status_item(r, key, value, bitmap);
	if (!keys_list(r, key, value, STATUS_ITEMS, &items, &count))
		return false;
	if (count == 0)
		return reader_add(r, value->pos,
				  "%s: an empty list expects nothing; for example [200]",
				  key->name);
	for (size_t i = 0; i < count; i++) {
		struct config_value item = item_value(r, items[i]);

		is_right &= read_status_item(r, key, &item, bitmap);
	}
	return is_right;
}

static bool read_rcode(struct reader *r, const struct config_key *key,
		       const struct config_value *value, uint16_t *bitmap)
{
	const struct config_word *word = values_word(r, key, value);

	if (word)
		*bitmap |= (uint16_t)(1u << word->value);
	return word != NULL;
}

static bool read_rcodes(struct reader *r, const struct config_key *key,
			const struct config_value *value, void *object)
{
	uint16_t *bitmap = values_field(key, object);
	const yaml_node_item_t *items;
	bool is_right = true;
	size_t count;

	if (value->text)
		return read_rcode(r, key, value, bitmap);
	if (!keys_list(r, key, value, STATUS_ITEMS, &items, &count))
		return false;
	if (count == 0)
		return reader_add(r, value->pos,
				  "%s: an empty list expects nothing; for example [noerror]",
				  key->name);
	for (size_t i = 0; i < count; i++) {
		struct config_value item = item_value(r, items[i]);

		is_right &= read_rcode(r, key, &item, bitmap);
	}
	return is_right;
}

static bool read_argument(struct reader *r, const struct config_key *key,
			  const struct config_value *value, char **out)
{
	const char *text = values_text(r, key, value);

	if (!text || values_is_too_long(r, key, value))
		return false;
	*out = strdup(text);
	return *out || reader_no_memory(r);
}

static bool check_program(struct reader *r, const struct config_key *key,
			  const struct config_value *value)
{
	char quoted[ERRORS_QUOTED];

	if (value->text && value->text[0] != '/')
		return reader_add(r, value->pos,
				  "%s: %s is not the absolute path of a program; for example %s",
				  key->name, errors_quote(quoted, value->text, value->length),
				  key->example);
	return true;
}

static bool read_command(struct reader *r, const struct config_key *key,
			 const struct config_value *value, void *object)
{
	char ***command = values_field(key, object);
	const yaml_node_item_t *items;
	struct config_value program;
	size_t count;

	if (!keys_list(r, key, value, COMMAND_ITEMS, &items, &count))
		return false;
	if (count == 0)
		return reader_add(r, value->pos, "%s: an empty list runs nothing; for example %s",
				  key->name, key->example);
	program = item_value(r, items[0]);
	if (!check_program(r, key, &program))
		return false;
	*command = calloc(count + 1, sizeof(**command));
	if (!*command)
		return reader_no_memory(r);
	for (size_t i = 0; i < count; i++) {
		struct config_value item = item_value(r, items[i]);

		if (!read_argument(r, key, &item, &(*command)[i]))
			return false;
	}
	return true;
}

const struct config_type value_statuses = {
	.expects = "status codes such as 200-399 or [200-299, 301]", .read = read_statuses
};
const struct config_type value_rcodes = { .expects = "one or a list of",
					  .before_words = " ",
					  .read = read_rcodes };
const struct config_type value_command = { .expects =
						   "a list such as [/usr/local/bin/check, --quick]",
					   .read = read_command };
