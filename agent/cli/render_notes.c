/* SPDX-License-Identifier: GPL-2.0-only */
/* What a backend's row has no room for: a line for each thing that is not ordinary. */
#include "cli/render.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "cli/fields.h"

/** struct notes - of one backend; a line begins with its name */
struct notes {
	const json_t *service;
	const json_t *backend;
	int64_t now_ms;
	bool is_verbose;
	FILE *out;
};

static void note(const struct notes *notes, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void note(const struct notes *notes, const char *format, ...)
{
	va_list args;

	fprintf(notes->out, "    %s: ", field_text(notes->backend, "name"));
	va_start(args, format);
	vfprintf(notes->out, format, args);
	va_end(args);
	fputc('\n', notes->out);
}

/* a moment as the time until or since it */
static const char *span_of(const struct notes *notes, const json_t *object, const char *field,
			   char *buf)
{
	int64_t span = field_number(object, field) - notes->now_ms;

	return format_duration(span < 0 ? -span : span, buf);
}

static bool is_state(const struct notes *notes, const char *state)
{
	return strcmp(field_text(notes->backend, "state"), state) == 0;
}

/* ---- weight ------------------------------------------------------------------ */

static void add_part(char *text, size_t size, const json_t *backend, const char *field,
		     const char *what)
{
	size_t used = strlen(text);

	if (field_is_null(backend, field) || field_real(backend, field) == 100)
		return;
	snprintf(text + used, size - used, "%s%s %.3g %%", used ? ", " : "", what,
		 field_real(backend, field));
}

/* The backend's group, where it does not have all of the traffic. */
static const json_t *partial_group(const struct notes *notes)
{
	const char *name = field_text(notes->backend, "group");
	const json_t *group;
	size_t i;

	json_array_foreach (json_object_get(notes->service, "groups"), i, group) {
		if (strcmp(field_text(group, "name"), name) == 0)
			return field_real(group, "share") < 1 ? group : NULL;
	}
	return NULL;
}

static void note_weight(const struct notes *notes)
{
	const json_t *backend = notes->backend;
	int64_t weight = field_number(backend, "weight");
	double effective = field_real(backend, "effective_weight");
	const json_t *group = partial_group(notes);
	char parts[160] = "";

	if (!is_state(notes, "up") || effective == (double)weight)
		return;
	add_part(parts, sizeof(parts), backend, "slow_start_percent", "slow start");
	add_part(parts, sizeof(parts), backend, "agent_percent", "agent check");
	add_part(parts, sizeof(parts), backend, "adaptive_percent", "adaptive");
	if (group)
		snprintf(parts + strlen(parts), sizeof(parts) - strlen(parts),
			 "%sits group has %.3g %% of the traffic", *parts ? ", " : "",
			 100 * field_real(group, "share"));
	if (*parts)
		note(notes, "weighs %.3g of %" PRId64 ": %s", effective, weight, parts);
}

/* ---- agent check -------------------------------------------------------------- */

static void note_agent(const struct notes *notes)
{
	const json_t *agent = json_object_get(notes->backend, "agent");
	const char *state = field_text(agent, "state");
	char percent[FIELD_STRLEN] = "", heard[FIELD_STRLEN];

	if (!json_is_object(agent))
		return;
	if (!field_is_null(agent, "error"))
		note(notes, "agent check: no answer (%s)", field_text(agent, "error"));
	if (field_is_null(agent, "heard_ms") || (!notes->is_verbose && strcmp(state, "up") == 0))
		return;
	if (!field_is_null(agent, "percent"))
		snprintf(percent, sizeof(percent), " %" PRId64 " %%",
			 field_number(agent, "percent"));
	note(notes, "agent check: %s%s%s%s, heard %s ago", strcmp(state, "-") == 0 ? "" : state,
	     percent, field_is_null(agent, "reason") ? "" : ", ",
	     field_is_null(agent, "reason") ? "" : field_text(agent, "reason"),
	     span_of(notes, agent, "heard_ms", heard));
}

/* ---- passive detection --------------------------------------------------------- */

static void note_passive(const struct notes *notes)
{
	const json_t *passive = json_object_get(notes->backend, "passive");
	int64_t bad = field_number(passive, "bad"), good = field_number(passive, "good");
	char left[FIELD_STRLEN];

	if (!json_is_object(passive))
		return;
	if (field_flag(passive, "ejected"))
		note(notes, "ejected for %s more (%" PRId64 " in a row)",
		     span_of(notes, passive, "until_ms", left), field_number(passive, "ejections"));
	if (bad || notes->is_verbose)
		note(notes, "passive: %" PRId64 " of %" PRId64 " samples failed", bad, bad + good);
}

/* ---- probes --------------------------------------------------------------------- */

static void note_probes(const struct notes *notes)
{
	const json_t *backend = notes->backend;
	int64_t failures = field_number(backend, "probe_failures");
	char next[FIELD_STRLEN];

	if (!field_is_null(backend, "held_until_ms"))
		note(notes, "held down for %s more: %" PRId64 " changes of late",
		     span_of(notes, backend, "held_until_ms", next),
		     field_number(backend, "flaps"));
	if (field_is_null(backend, "next_probe_ms"))
		return;
	span_of(notes, backend, "next_probe_ms", next);
	if (failures)
		note(notes, "%" PRId64 " probes in a row failed, next in %s", failures, next);
	if (notes->is_verbose)
		note(notes, "%" PRId64 " probes, the last: %s, %.3g ms; next in %s",
		     field_number(backend, "probes"), field_text(backend, "probe"),
		     (double)field_number(backend, "latency_us") / 1000, next);
}

/* ---- all of them ------------------------------------------------------------------ */

static void note_identity(const struct notes *notes)
{
	note(notes, "id %" PRId64 ", next hop %s", field_number(notes->backend, "id"),
	     field_text(notes->backend, "next_hop"));
}

static void note_times(const struct notes *notes)
{
	const json_t *backend = notes->backend;

	if (!field_is_null(backend, "response_us"))
		note(notes, "average of %s: %.3g ms, %" PRId64 " samples",
		     field_text(backend, "response_by"),
		     (double)field_number(backend, "response_us") / 1000,
		     field_number(backend, "response_samples"));
}

static void note_samples(const struct notes *notes)
{
	const json_t *samples = json_object_get(notes->backend, "samples");

	if (json_is_object(samples))
		note(notes,
		     "sampled: %" PRId64 " of %" PRId64 " connects went on, %" PRId64 " of %" PRId64
		     " requests were answered, %" PRId64 " resets",
		     field_number(samples, "connected"), field_number(samples, "connects"),
		     field_number(samples, "answered"), field_number(samples, "requests"),
		     field_number(samples, "resets"));
}

void render_backend_notes(const json_t *service, const json_t *backend, int64_t now_ms,
			  bool is_verbose, FILE *out)
{
	const struct notes notes = { service, backend, now_ms, is_verbose, out };

	note_weight(&notes);
	note_agent(&notes);
	note_passive(&notes);
	note_probes(&notes);
	if (!is_verbose)
		return;
	note_times(&notes);
	note_samples(&notes);
	note_identity(&notes);
}
