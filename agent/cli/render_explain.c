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

static void render_word(const json_t *explain, FILE *out)
{
	const json_t *word = json_object_get(explain, "word");
	int64_t current = field_number(word, "current"), origin = field_number(word, "origin");

	render_label("slot", out);
	fprintf(out, "%" PRId64 " of %" PRId64 ", ", field_number(explain, "slot"),
		field_number(explain, "table_size"));
	if (!field_flag(word, "moving")) {
		if (current)
			fprintf(out, "settled: it is backend %" PRId64 "'s\n", current);
		else
			fprintf(out, "settled: it is nobody's\n");
	} else if (current == origin) {
		fprintf(out,
			"warming up: backend %" PRId64 " owns it, new connections are recorded\n",
			current);
	} else {
		fprintf(out,
			"moving: new connections go to backend %" PRId64
			" and are recorded,\n%-10swhat nobody recorded belongs to backend %" PRId64
			"\n",
			current, "", origin);
	}
}

static void render_stamp(const json_t *explain, FILE *out)
{
	char text[FIELD_STRLEN];

	if (!field_flag(json_object_get(explain, "word"), "moving"))
		return;
	render_label("stamp", out);
	if (field_is_null(explain, "stamp"))
		fprintf(out, "closed: nothing has gone elsewhere than to the slot's current "
			     "backend\n");
	else
		fprintf(out, "%s ago a packet went elsewhere than to the slot's current backend\n",
			format_duration(field_number(explain, "stamp"), text));
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
	fprintf(out, "backend %" PRId64 ", %s, last used %s ago%s\n",
		field_number(record, "backend"), field_text(record, "class"),
		format_duration(field_number(record, "age_ms"), age),
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
			render_word(explain, out);
			render_stamp(explain, out);
		}
		render_record(explain, out);
		render_backend_line(explain, out);
	}
	render_label("verdict", out);
	fprintf(out, "%s (%s): %s\n", field_text(explain, "verdict"), field_text(explain, "reason"),
		field_text(explain, "text"));
}
