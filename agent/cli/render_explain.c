/* SPDX-License-Identifier: GPL-2.0-only */
#include "cli/render.h"

#include <inttypes.h>
#include <string.h>

#include "cli/fields.h"

/* every line of the story: what, then how it is */
static void render_label(const char *label, FILE *out)
{
	fprintf(out, "%-10s", label);
}

/* a backend in a slot or a record is {"id", "name", "address"}, or null */
static const char *render_who(const json_t *object, const char *name)
{
	const json_t *backend = json_object_get(object, name);

	return json_is_object(backend) ? field_text(backend, "name") : "nobody";
}

static void render_slot(const json_t *explain, FILE *out)
{
	const json_t *word = json_object_get(explain, "word");
	const char *current = render_who(word, "current"), *origin = render_who(word, "origin");

	render_label("slot", out);
	fprintf(out, "%" PRId64 " of %" PRId64 ", ", field_number(explain, "slot"),
		field_number(explain, "table_size"));
	if (!field_flag(word, "moving"))
		fprintf(out, "settled: it belongs to %s\n", current);
	else if (strcmp(current, origin) == 0)
		fprintf(out, "warming up: it belongs to %s, new connections are recorded\n",
			current);
	else
		fprintf(out,
			"moving: new connections go to %s and are recorded,\n"
			"%-10swhat nobody recorded belongs to %s\n",
			current, "", origin);
}

static void render_stamp(const json_t *explain, FILE *out)
{
	if (!field_flag(json_object_get(explain, "word"), "moving"))
		return;
	render_label("stamp", out);
	if (field_number(explain, "stamp") == 0)
		fprintf(out, "closed: the slot has not been handed over yet\n");
	else
		fprintf(out,
			"open: the slot settles when, for longer than the idle timeout, no "
			"packet went\n%-10selsewhere than to its current backend\n",
			"");
}

static void render_record(const json_t *explain, FILE *out)
{
	const json_t *record = json_object_get(explain, "record");
	char age[FIELD_STRLEN];

	render_label("record", out);
	if (!json_is_object(record)) {
		fprintf(out, "none%s\n",
			field_flag(explain, "would_record") ? "; the packet would make one" : "");
		return;
	}
	fprintf(out, "%s, %s, last used %s ago%s\n", render_who(record, "backend"),
		field_text(record, "class"), format_duration(field_number(record, "age_ms"), age),
		field_flag(record, "generation_valid")
			? ""
			: "; void, the backend has died since it was made");
}

static void render_backend_line(const json_t *explain, FILE *out)
{
	const json_t *backend = json_object_get(explain, "backend");

	render_label("backend", out);
	if (!json_is_object(backend)) {
		fprintf(out, "none\n");
		return;
	}
	fprintf(out, "%s (id %" PRId64 "), %s\n", field_text(backend, "name"),
		field_number(backend, "id"), field_text(backend, "address"));
	if (field_is_null(explain, "next_hop"))
		return;
	render_label("next hop", out);
	fprintf(out, "%s\n", field_text(explain, "next_hop"));
}

void render_explain(const json_t *explain, FILE *out)
{
	render_label("service", out);
	if (field_is_null(explain, "service")) {
		fprintf(out, "none\n");
	} else {
		fprintf(out, "%s (id %" PRId64 ")\n", field_text(explain, "service"),
			field_number(explain, "service_id"));
		if (json_is_object(json_object_get(explain, "word"))) {
			render_slot(explain, out);
			render_stamp(explain, out);
		}
		render_record(explain, out);
		render_backend_line(explain, out);
	}
	render_label("verdict", out);
	fprintf(out, "%s (%s): %s\n", field_text(explain, "verdict"), field_text(explain, "reason"),
		field_text(explain, "text"));
}
