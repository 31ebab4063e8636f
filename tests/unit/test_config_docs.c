/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * docs/configuration.md has a row for every key, and it says what the schema says.
 * After a change of the schema, this test prints the rows that the page should have.
 * lb.yaml shows every key, and what it shows in comments is right.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "config/config.h"
#include "config/schema.h"
#include "config/values.h"
#include "model/cleanup.h"

static void print_words(FILE *out, const struct config_key *key)
{
	bool is_first = true;

	for (const struct config_word *word = key->words; word->text; word++) {
		if (word->is_later)
			continue;
		fprintf(out, "%s`%s`", is_first ? "" : ", ", word->text);
		is_first = false;
	}
}

static void print_possible(FILE *out, const struct config_key *key)
{
	char min[VALUES_DURATION_LEN], max[VALUES_DURATION_LEN];

	if (key->type == &value_duration) {
		fprintf(out, "%s to %s", values_format_duration(min, key->min),
			values_format_duration(max, key->max));
		if (key->words) {
			fprintf(out, ", or ");
			print_words(out, key);
		}
	} else if (key->words && (key->table || key->type == &value_rcodes)) {
		fprintf(out, "%s%s", keys_expects(key), key->type->before_words);
		print_words(out, key);
	} else if (key->words) {
		print_words(out, key);
	} else if (key->type == &value_decimal) {
		fprintf(out, "%s to %s, with up to 3 decimal places",
			values_format_decimal(min, key->min, 3),
			values_format_decimal(max, key->max, 3));
	} else if (key->type == &value_permille) {
		fprintf(out, "%s%% to %s%%, with up to 1 decimal place",
			values_format_decimal(min, key->min, 1),
			values_format_decimal(max, key->max, 1));
	} else if (key->type == &value_number) {
		fprintf(out, "%u to %u", key->min, key->max);
	} else if (key->type == &value_percent) {
		fprintf(out, "%u%% to %u%%", key->min, key->max);
	} else if (key->type == &value_bool) {
		fprintf(out, "`true`, `false`");
	} else {
		fprintf(out, "%s", keys_expects(key));
		if (key->max)
			fprintf(out, ", at most %u characters", key->max);
	}
}

static void print_default(FILE *out, const struct config_key *key)
{
	if (key->is_required)
		fprintf(out, "required");
	else if (key->preset)
		fprintf(out, "`%s`", key->preset);
	else
		fprintf(out, "%s", key->preset_words ? key->preset_words : "that of each key");
}

/* " (http, https)", for keys that only a few of the choices have; " (tcp; maglev)" */
static void print_choices(FILE *out, const struct config_table *table, const struct config_key *key)
{
	bool is_few = key->only && __builtin_popcount(key->only) <= 5;
	const struct config_word *word = table->choice ? table->choice->words : NULL;
	const char *between = key->is_tcp ? "; " : "";

	if (!key->is_tcp && !is_few)
		return;
	fprintf(out, " (%s", key->is_tcp ? "tcp" : "");
	for (; is_few && word->text; word++) {
		if (word->is_later || !(key->only >> word->value & 1))
			continue;
		fprintf(out, "%s%s", between, word->text);
		between = ", ";
	}
	fprintf(out, ")");
}

/* | `key` | possible values | default | meaning | */
static char *make_row(const struct config_table *table, const struct config_key *key)
{
	size_t size = 0;
	char *row = NULL;
	FILE *out = open_memstream(&row, &size);

	fprintf(out, "| `%s` | ", key->name);
	print_possible(out, key);
	fprintf(out, " | ");
	print_default(out, key);
	fprintf(out, " | %s", key->help);
	print_choices(out, table, key);
	fprintf(out, " |\n");
	fclose(out);
	return row;
}

static char *read_text(const char *path)
{
	enum { MOST = 1 << 20 };
	FILE *in = fopen(path, "re");
	char *page = calloc(1, MOST + 1);

	assert_non_null(in);
	assert_non_null(page);
	assert_true(fread(page, 1, MOST, in) > 0);
	fclose(in);
	return page;
}

static unsigned count_missing(const struct config_table *table, const char *page)
{
	unsigned missing = 0;

	for (size_t i = 0; i < table->count; i++) {
		AUTO_FREE char *row = make_row(table, &table->keys[i]);

		if (!strstr(page, row)) {
			print_error("%s", row);
			missing++;
		}
		if (table->keys[i].table)
			missing += count_missing(table->keys[i].table, page);
	}
	return missing;
}

static void test_config_docs_have_every_key_as_the_schema_says(void **state)
{
	AUTO_FREE char *page = read_text("docs/configuration.md");
	(void)state;

	assert_int_equal(count_missing(&schema_top, page), 0);
}

/* Cuts out what stands between the next line that is @fence and the next ```. */
static char *cut_block(char **page, const char *fence)
{
	char *begin = strstr(*page, fence);
	char *end;

	assert_non_null(begin);
	begin += strlen(fence);
	end = strstr(begin, "```");
	assert_non_null(end);
	*end = '\0';
	*page = end + 3;
	return begin;
}

static void test_config_docs_example_gives_the_errors_shown(void **state)
{
	AUTO_FREE char *page = read_text("docs/configuration.md");
	char *rest = strstr(page, "## Errors");
	struct config_errors errors = {};
	struct model_config *config = NULL;
	AUTO_FREE char *got = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&got, &size);
	const char *text = cut_block(&rest, "```yaml\n");
	const char *expected = cut_block(&rest, "```\n");
	(void)state;

	config_parse(text, strlen(text), &config, &errors);

	for (size_t i = 0; i < errors.count; i++)
		fprintf(out, "lb.yaml:%u:%u: %s\n", errors.list[i].pos.line,
			errors.list[i].pos.column, errors.list[i].text);
	fclose(out);
	assert_string_equal(got, expected);
	config_errors_free(&errors);
}

/* ---- lb.yaml ---- */

/* Whether @key stands in @text as a key: "key:", with no longer word around it. */
static bool has_key(const char *text, const char *key)
{
	size_t length = strlen(key);

	for (const char *at = strstr(text, key); at; at = strstr(at + 1, key)) {
		if (at > text && strchr(" {\n", at[-1]) && at[length] == ':')
			return true;
	}
	return false;
}

static unsigned count_not_shown(const struct config_table *table, const char *text)
{
	unsigned missing = 0;

	for (size_t i = 0; i < table->count; i++) {
		if (!has_key(text, table->keys[i].name)) {
			print_error("lb.yaml does not show %s of %s\n", table->keys[i].name,
				    table->what);
			missing++;
		}
		if (table->keys[i].table)
			missing += count_not_shown(table->keys[i].table, text);
	}
	return missing;
}

static void test_config_shipped_file_shows_every_key(void **state)
{
	AUTO_FREE char *text = read_text("lb.yaml");
	(void)state;

	assert_int_equal(count_not_shown(&schema_top, text), 0);
}

static void assert_right(const char *text, const char *what)
{
	struct config_errors errors = {};
	struct model_config *config = NULL;
	int err = config_parse(text, strlen(text), &config, &errors);

	for (size_t i = 0; i < errors.count; i++)
		print_error("lb.yaml:%u:%u: %s, with this no comment: %.60s\n",
			    errors.list[i].pos.line, errors.list[i].pos.column, errors.list[i].text,
			    what);
	assert_int_equal(err, 0);
	model_config_free(config);
	config_errors_free(&errors);
}

/* The "# " of a line that is an option behind a #: "# word: ..."; NULL: it is none. */
static char *find_option(char *line)
{
	char *mark = line + strspn(line, " ");
	size_t length;

	if (strncmp(mark, "# ", 2) != 0)
		return NULL;
	length = strspn(mark + 2, "abcdefghijklmnopqrstuvwxyz_0123456789");
	return length && mark[2 + length] == ':' ? mark : NULL;
}

/* Each alone, because some stand for the same key. */
static void test_config_shipped_file_options_behind_a_hash_are_right(void **state)
{
	AUTO_FREE char *text = read_text("lb.yaml");
	unsigned options = 0;
	(void)state;

	for (char *line = text; line; line = strchr(line, '\n')) {
		char *mark;

		line += *line == '\n';
		mark = find_option(line);
		if (!mark)
			continue;
		memmove(mark, mark + 2, strlen(mark + 2) + 1);
		assert_right(text, mark);
		memmove(mark + 2, mark, strlen(mark) + 1);
		mark[0] = '#';
		mark[1] = ' ';
		options++;
	}
	assert_true(options > 10);
}

static void test_config_shipped_file_services_behind_a_hash_are_right(void **state)
{
	static const char begin[] = "\n  # # ";
	AUTO_FREE char *text = read_text("lb.yaml");
	char *line = strstr(text, begin);
	(void)state;

	assert_non_null(line);
	for (; line; line = strchr(line + 1, '\n')) {
		if (strncmp(line, "\n  # ", 5) == 0)
			memmove(line + 3, line + 5, strlen(line + 5) + 1);
	}

	assert_non_null(strstr(text, "\n  - name: mail4"));
	assert_right(text, "services at the end");
}

/* ---- the schema itself ---- */

static void test_config_schema_rows_are_whole(void **state)
{
	static const struct config_table *const tables[] = {
		&schema_top,	    &schema_interface, &schema_limits,	    &schema_timers,
		&schema_service,    &schema_health,    &schema_backend,	    &schema_damping,
		&schema_tls,	    &schema_response,  &schema_adaptive,    &schema_churn,
		&schema_slow_start, &schema_panic,     &schema_agent_check, &schema_passive,
		&schema_group,	    &schema_quic,
	};
	(void)state;

	for (size_t t = 0; t < sizeof(tables) / sizeof(tables[0]); t++) {
		for (size_t i = 0; i < tables[t]->count; i++) {
			const struct config_key *key = &tables[t]->keys[i];

			assert_non_null(key->name);
			assert_non_null(key->type);
			assert_non_null(key->help);
			assert_true(key->example || !key->is_required);
			assert_true(key->type->before_words || !key->words);
			assert_true(tables[t]->choice || !key->only);
			assert_true(tables[t] == &schema_service || !key->is_tcp);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_config_docs_have_every_key_as_the_schema_says),
		cmocka_unit_test(test_config_docs_example_gives_the_errors_shown),
		cmocka_unit_test(test_config_shipped_file_shows_every_key),
		cmocka_unit_test(test_config_shipped_file_options_behind_a_hash_are_right),
		cmocka_unit_test(test_config_shipped_file_services_behind_a_hash_are_right),
		cmocka_unit_test(test_config_schema_rows_are_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
