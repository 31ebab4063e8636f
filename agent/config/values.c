/* SPDX-License-Identifier: GPL-2.0-only */
/* Whole numbers, durations, percentages and words. */
#include "config/values.h"

#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "config/document.h"
#include "config/errors.h"
#include "model/nearest.h"

struct unit {
	const char *name;
	unsigned ms;
};

static const struct unit units[] = { { "h", 3600000 }, { "m", 60000 }, { "s", 1000 }, { "ms", 1 } };

const char *values_text(struct reader *r, const struct config_key *key,
			const struct config_value *value)
{
	if (!value->text) {
		keys_expected(r, key, value);
		return NULL;
	}
	if (strlen(value->text) != value->length) {
		reader_add(r, value->pos, "%s: contains a NUL character", key->name);
		return NULL;
	}
	return value->text;
}

void values_store(const struct config_key *key, void *object, unsigned number)
{
	void *field = values_field(key, object);
	uint8_t byte = (uint8_t)number;

	if (key->size == sizeof(byte))
		memcpy(field, &byte, sizeof(byte));
	else
		memcpy(field, &number, sizeof(number));
}

uint64_t values_leading_number(const char *text, const char **rest)
{
	uint64_t number = 0;

	for (; *text >= '0' && *text <= '9'; text++) {
		if (number < UINT64_MAX / 20)
			number = number * 10 + (uint64_t)(*text - '0');
	}
	*rest = text;
	return number;
}

bool values_has_leading_zero(struct reader *r, const struct config_key *key,
			     const struct config_value *value)
{
	const char *plain = value->text;
	char quoted[ERRORS_QUOTED];

	while (plain[0] == '0' && plain[1] >= '0' && plain[1] <= '9')
		plain++;
	if (plain == value->text)
		return false;
	reader_add(r, value->pos, "%s: %s begins with a zero; write %.40s", key->name,
		   errors_quote(quoted, value->text, value->length), plain);
	return true;
}

static bool read_number(struct reader *r, const struct config_key *key,
			const struct config_value *value, void *object)
{
	const char *text = values_text(r, key, value);
	const char *rest;
	uint64_t number;

	if (!text)
		return false;
	number = values_leading_number(text, &rest);
	if (rest == text || *rest)
		return keys_expected(r, key, value);
	if (values_has_leading_zero(r, key, value))
		return false;
	if (number < key->min || number > key->max)
		return reader_add(r, value->pos, "%s: %.40s is out of range; it must be %u to %u",
				  key->name, text, key->min, key->max);
	values_store(key, object, (unsigned)number);
	return true;
}

char *values_format_duration(char *buf, unsigned ms)
{
	const struct unit *unit = units;

	while (unit->ms > 1 && (ms == 0 || ms % unit->ms))
		unit++;
	snprintf(buf, VALUES_DURATION_LEN, "%u%s", ms / unit->ms, unit->name);
	return buf;
}

const struct config_word *values_find_word(const struct config_key *key, const char *text)
{
	for (const struct config_word *word = key->words; word && word->text; word++) {
		if (strcmp(word->text, text) == 0)
			return word;
	}
	return NULL;
}

static const struct unit *find_unit(const char *name)
{
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(units[i].name, name) == 0)
			return &units[i];
	}
	return NULL;
}

static bool add_bad_unit(struct reader *r, const struct config_key *key,
			 const struct config_value *value, const char *unit)
{
	char quoted[ERRORS_QUOTED];
	char quoted_unit[ERRORS_QUOTED];

	errors_quote(quoted, value->text, value->length);
	if (*unit == '\0')
		return reader_add(r, value->pos, "%s: %s has no unit; %.20sms or %.20ss?",
				  key->name, quoted, value->text, value->text);
	if (*unit == '.' || *unit == ',')
		return reader_add(r, value->pos,
				  "%s: %s is not a whole number; use a smaller unit: ms, s, m or h",
				  key->name, quoted);
	return reader_add(r, value->pos, "%s: %s has the unknown unit %s; known are ms, s, m and h",
			  key->name, quoted, errors_quote(quoted_unit, unit, strlen(unit)));
}

static bool read_duration(struct reader *r, const struct config_key *key,
			  const struct config_value *value, void *object)
{
	const char *text = values_text(r, key, value);
	const struct config_word *word = text ? values_find_word(key, text) : NULL;
	char min[VALUES_DURATION_LEN], max[VALUES_DURATION_LEN];
	const struct unit *unit;
	const char *rest;
	uint64_t number;

	if (!text)
		return false;
	if (word) {
		values_store(key, object, word->value);
		return true;
	}
	number = values_leading_number(text, &rest);
	if (rest == text)
		return keys_expected(r, key, value);
	unit = find_unit(number == 0 && *rest == '\0' ? "s" : rest);
	if (!unit)
		return add_bad_unit(r, key, value, rest);
	if (values_has_leading_zero(r, key, value))
		return false;
	if (number > key->max / unit->ms || number * unit->ms < key->min)
		return reader_add(r, value->pos,
				  "%s: %.40s is out of range; it must be %s to %s%s%s", key->name,
				  text, values_format_duration(min, key->min),
				  values_format_duration(max, key->max), key->words ? ", or " : "",
				  key->words ? key->words->text : "");
	values_store(key, object, (unsigned)(number * unit->ms));
	return true;
}

static bool read_percent(struct reader *r, const struct config_key *key,
			 const struct config_value *value, void *object)
{
	const char *text = values_text(r, key, value);
	char quoted[ERRORS_QUOTED];
	const char *rest;
	uint64_t number;

	if (!text)
		return false;
	number = values_leading_number(text, &rest);
	if (rest != text && *rest == '\0')
		return reader_add(r, value->pos, "%s: %s has no unit; write %.40s%%", key->name,
				  errors_quote(quoted, text, value->length), text);
	if (rest == text || strcmp(rest, "%") != 0)
		return keys_expected(r, key, value);
	if (values_has_leading_zero(r, key, value))
		return false;
	if (number < key->min || number > key->max)
		return reader_add(r, value->pos,
				  "%s: %.40s is out of range; it must be %u%% to %u%%", key->name,
				  text, key->min, key->max);
	values_store(key, object, (unsigned)number);
	return true;
}

static bool add_unknown_word(struct reader *r, const struct config_key *key,
			     const struct config_value *value, bool is_later)
{
	struct nearest nearest;
	char quoted[ERRORS_QUOTED];
	char known[KEYS_WORDS_LEN];

	errors_quote(quoted, value->text, value->length);
	keys_list_words(key, known, sizeof(known));
	if (is_later)
		return reader_add(r, value->pos, "%s: %s is not in this release; known are: %s",
				  key->name, quoted, known);
	nearest_begin(&nearest, value->text);
	for (const struct config_word *word = key->words; word->text; word++) {
		if (!word->is_later)
			nearest_offer(&nearest, word->text);
	}
	if (nearest.best)
		return reader_add(r, value->pos,
				  "%s: %s is not known; did you mean \"%s\"? Known are: %s",
				  key->name, quoted, nearest.best, known);
	return reader_add(r, value->pos, "%s: %s is not known; known are: %s", key->name, quoted,
			  known);
}

const struct config_word *values_word(struct reader *r, const struct config_key *key,
				      const struct config_value *value)
{
	const char *text = values_text(r, key, value);
	const struct config_word *word = text ? values_find_word(key, text) : NULL;

	if (word && !word->is_later)
		return word;
	if (text)
		add_unknown_word(r, key, value, word != NULL);
	return NULL;
}

static bool read_word(struct reader *r, const struct config_key *key,
		      const struct config_value *value, void *object)
{
	const struct config_word *word = values_word(r, key, value);

	if (word)
		values_store(key, object, word->value);
	return word != NULL;
}

static bool read_bool(struct reader *r, const struct config_key *key,
		      const struct config_value *value, void *object)
{
	const char *text = values_text(r, key, value);

	if (!text)
		return false;
	if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
		return keys_expected(r, key, value);
	values_store(key, object, text[0] == 't');
	return true;
}

const struct config_type value_number = { .expects = "a whole number", .read = read_number };
const struct config_type value_duration = { .expects = "a duration such as 500ms, 2s, 15m or 1h",
					    .before_words = ", or ",
					    .read = read_duration };
const struct config_type value_percent = { .expects = "a percentage such as 10%",
					   .read = read_percent };
const struct config_type value_word = { .expects = "one of",
					.before_words = " ",
					.read = read_word };
const struct config_type value_bool = { .expects = "true or false", .read = read_bool };
