/* SPDX-License-Identifier: GPL-2.0-only */
#include "cli/render.h"

#include <inttypes.h>
#include <string.h>

#include "cli/fields.h"

static char render_change_sign(const char *kind)
{
	if (strcmp(kind, "added") == 0)
		return '+';
	return strcmp(kind, "removed") == 0 ? '-' : '~';
}

static void render_change(const json_t *change, FILE *out)
{
	const char *detail = json_string_value(json_object_get(change, "detail"));

	fprintf(out, "  %c %s", render_change_sign(field_text(change, "kind")),
		field_text(change, "object"));
	if (detail && *detail)
		fprintf(out, ": %s", detail);
	fputc('\n', out);
	if (!field_is_null(change, "risk"))
		fprintf(out, "      risk: %s\n", field_text(change, "risk"));
	if (!field_is_null(change, "refusal"))
		fprintf(out, "      refused: %s\n", field_text(change, "refusal"));
}

static bool render_reload_errors(const json_t *reload, FILE *err)
{
	const json_t *errors = json_object_get(reload, "errors"), *error;
	size_t i;

	json_array_foreach (errors, i, error) {
		int64_t line = field_number(error, "line");

		fprintf(err, "%s:", field_text(error, "file"));
		if (line)
			fprintf(err, "%" PRId64 ":%" PRId64 ":", line,
				field_number(error, "column"));
		fprintf(err, " %s\n", field_text(error, "text"));
	}
	return json_array_size(errors) > 0;
}

static bool render_needs_force(const json_t *changes)
{
	const json_t *change;
	bool has_risk = false;
	size_t i;

	json_array_foreach (changes, i, change) {
		if (!field_is_null(change, "refusal"))
			return false;
		has_risk |= !field_is_null(change, "risk");
	}
	return has_risk;
}

static void render_reload_slots(const json_t *reload, FILE *out)
{
	char moved[FIELD_STRLEN], total[FIELD_STRLEN], connections[FIELD_STRLEN];

	fprintf(out, "%s of %s slots move; %s recorded connections are lost\n",
		format_count(field_number(reload, "slots_moved"), moved),
		format_count(field_number(reload, "slots_total"), total),
		format_count(field_number(reload, "connections_affected"), connections));
}

void render_reload(const json_t *reload, FILE *out, FILE *err)
{
	const json_t *changes = json_object_get(reload, "changes"), *change;
	bool is_applied = field_flag(reload, "applied"), is_dry = field_flag(reload, "dry_run");
	bool has_errors = render_reload_errors(reload, err);
	size_t i;

	json_array_foreach (changes, i, change) {
		render_change(change, out);
	}
	if (json_array_size(changes) > 0)
		render_reload_slots(reload, out);
	else if (!has_errors && field_is_null(reload, "error"))
		fprintf(out, "the file says what is running already\n");
	if (!field_is_null(reload, "error"))
		fprintf(err, "leat reload: %s\n", field_text(reload, "error"));
	else if (!is_applied && !is_dry && render_needs_force(changes))
		fprintf(err, "leat reload: --force accepts the risks named above\n");
	if (is_applied)
		fprintf(out, "applied\n");
	else if (!has_errors)
		fprintf(out, "%snothing was changed\n", is_dry ? "dry run: " : "");
}
