/* SPDX-License-Identifier: GPL-2.0-only */
/* A service: how its slots stand, what it has seen, its groups, its backends. */
#include "cli/render.h"

#include <inttypes.h>
#include <string.h>

#include "cli/fields.h"
#include "cli/table.h"

static void render_service_table_state(const json_t *service, bool is_verbose, FILE *out)
{
	const char *target = field_text(service, "digest_target");
	const char *live = field_text(service, "digest_live");
	int64_t moving = field_number(service, "moving");
	int64_t size = field_number(service, "table_size");
	char text[FIELD_STRLEN];

	fprintf(out, "  table: %s slots, ", format_count(size, text));
	if (moving)
		fprintf(out, "%s moving (%.1f %%)", format_count(moving, text),
			percent_of(moving, size));
	else
		fprintf(out, "none moving");
	if (field_number(service, "slots_waiting"))
		fprintf(out, ", %s waiting",
			format_count(field_number(service, "slots_waiting"), text));
	fputs(strcmp(live, target) == 0 ? ", as wanted" : ", on the way to what is wanted", out);
	if (is_verbose)
		fprintf(out, " (digest %s, wanted %s)", live, target);
	fputc('\n', out);
}

static void render_traffic(const json_t *object, const char *what, const char *bytes, FILE *out)
{
	char count[FIELD_STRLEN], size[FIELD_STRLEN];

	fprintf(out, ", %s %s (%s)", format_count(field_number(object, what), count), what,
		format_bytes(field_number(object, bytes), size));
}

static void render_service_counters(const json_t *service, FILE *out)
{
	char text[FIELD_STRLEN];

	fprintf(out, "  seen: %s connections",
		format_count(field_number(service, "connections"), text));
	render_traffic(service, "packets", "bytes", out);
	if (field_number(service, "replies"))
		render_traffic(service, "replies", "reply_bytes", out);
	fprintf(out, "; %s flows recorded", format_count(field_number(service, "flows"), text));
	if (!field_is_null(service, "live"))
		fprintf(out, ", %s live", format_count(field_number(service, "live"), text));
	fputc('\n', out);
}

static void render_service_moves(const json_t *service, bool is_verbose, FILE *out)
{
	int64_t moved = field_number(service, "slots_moved");
	int64_t forced = field_number(service, "slots_forced");
	int64_t at_risk = field_number(service, "connections_at_risk");
	char text[FIELD_STRLEN];

	if (!moved && !at_risk && !is_verbose)
		return;
	fprintf(out, "  moved: %s slots", format_count(moved, text));
	if (forced)
		fprintf(out, ", %s of them from dead backends", format_count(forced, text));
	fprintf(out, "; %s connections at risk\n", format_count(at_risk, text));
}

static void render_service_times(const json_t *service, FILE *out)
{
	const char *source = field_text(service, "response_source");

	if (strcmp(source, "data_path") == 0)
		fputs("  response times: by the data path, sampled\n", out);
	else if (strcmp(source, "probes") == 0)
		fputs("  response times: by health probes, replies are not seen\n", out);
}

static void render_panic(const json_t *service, int64_t now_ms, FILE *out)
{
	const char *panic = field_text(service, "panic");
	char since[FIELD_STRLEN];

	if (strcmp(panic, "open") != 0 && strcmp(panic, "closed") != 0)
		return;
	format_duration(now_ms - field_number(service, "panic_since_ms"), since);
	fprintf(out, "  panic for %s: too few backends are healthy, so %s\n", since,
		strcmp(panic, "open") == 0 ? "all are used" : "none takes new connections");
}

static void render_groups(const json_t *service, FILE *out)
{
	static const char *const headings[] = { "GROUP",    ">PRIORITY", ">WEIGHT",
						">HEALTHY", ">SHARE",	 NULL };
	const json_t *groups = json_object_get(service, "groups"), *group;
	struct table table;
	size_t i;

	if (json_array_size(groups) == 0)
		return;
	table_begin(&table, headings);
	json_array_foreach (groups, i, group) {
		int64_t total = field_number(group, "total");
		int64_t weight = field_number(group, "weight");

		table_add(&table, "%s%s", field_text(group, "name"),
			  field_flag(group, "backup") ? " (backup)" : "");
		table_add(&table, "%" PRId64, field_number(group, "priority"));
		table_add(&table, "%" PRId64, weight ? weight : total);
		table_add(&table, "%.1f %%", percent_of(field_number(group, "healthy"), total));
		table_add(&table, "%.1f %%", 100 * field_real(group, "share"));
	}
	table_print(&table, 2, out);
	table_free(&table);
	if (field_flag(service, "on_backup"))
		fputs("  all others are down: backup groups have the traffic\n", out);
	else if (field_flag(service, "spilling"))
		fputs("  spilling: some of it goes where priorities would not put it\n", out);
}

static void render_service_head(const json_t *service, int64_t now_ms, bool is_verbose, FILE *out)
{
	fprintf(out, "\nservice %s: %s %s, %s%s, %s%s%s", field_text(service, "name"),
		field_text(service, "vip"), field_text(service, "protocol"),
		field_text(service, "scheduler"),
		strcmp(field_text(service, "hash"), "source") == 0 ? " by source" : "",
		field_text(service, "forward"), field_flag(service, "tracked") ? ", tracked" : "",
		strcmp(field_text(service, "weights"), "adaptive") == 0 ? ", adaptive weights"
									: "");
	if (is_verbose)
		fprintf(out, ", id %" PRId64, field_number(service, "id"));
	fputc('\n', out);
	render_service_table_state(service, is_verbose, out);
	render_service_moves(service, is_verbose, out);
	render_service_counters(service, out);
	render_service_times(service, out);
	render_panic(service, now_ms, out);
	render_groups(service, out);
}

static void render_backend_weight(struct table *table, const json_t *backend)
{
	int64_t weight = field_number(backend, "weight");
	double effective = field_real(backend, "effective_weight");

	if (effective == (double)weight)
		table_add(table, "%" PRId64, weight);
	else
		table_add(table, "%.3g of %" PRId64, effective, weight);
}

/** struct columns - which a service's table has beside those that all have */
struct columns {
	bool has_groups;
	bool has_live; /* else records */
	bool has_times;
	bool is_verbose;
};

static struct columns choose_columns(const json_t *service, bool is_verbose)
{
	return (struct columns) {
		.has_groups = json_array_size(json_object_get(service, "groups")) > 0,
		.has_live = !field_is_null(service, "live"),
		.has_times = !field_is_null(service, "response_source"),
		.is_verbose = is_verbose,
	};
}

static void begin_backends(struct table *table, const struct columns *columns)
{
	const char *headings[TABLE_MAX_COLUMNS + 1] = { "BACKEND" };
	size_t n = 1;

	if (columns->has_groups)
		headings[n++] = "GROUP";
	headings[n++] = "ADDRESS";
	headings[n++] = "STATE";
	headings[n++] = "SINCE";
	headings[n++] = ">WEIGHT";
	headings[n++] = ">SHARE";
	if (columns->is_verbose)
		headings[n++] = ">MOVING";
	if (columns->has_live)
		headings[n++] = ">LIVE";
	if (columns->is_verbose || !columns->has_live)
		headings[n++] = ">FLOWS";
	headings[n++] = ">CONNS";
	if (columns->has_times)
		headings[n++] = ">AVERAGE";
	if (columns->is_verbose)
		headings[n++] = ">PACKETS";
	headings[n++] = ">BYTES";
	headings[n++] = "REASON";
	table_begin(table, headings);
}

static void add_count(struct table *table, const json_t *backend, const char *field)
{
	char text[FIELD_STRLEN];

	table_add(table, "%s", format_count(field_number(backend, field), text));
}

static void add_average(struct table *table, const json_t *backend)
{
	if (field_is_null(backend, "response_us"))
		table_add(table, "-");
	else
		table_add(table, "%.3g ms", (double)field_number(backend, "response_us") / 1000);
}

static void render_backend(struct table *table, const json_t *backend, int64_t now_ms,
			   const struct columns *columns)
{
	char text[FIELD_STRLEN];

	table_add(table, "%s", field_text(backend, "name"));
	if (columns->has_groups)
		table_add(table, "%s", field_text(backend, "group"));
	table_add(table, "%s", field_text(backend, "address"));
	table_add(table, "%s", field_text(backend, "state"));
	if (field_is_null(backend, "since_ms"))
		table_add(table, "-");
	else
		table_add(table, "%s",
			  format_duration(now_ms - field_number(backend, "since_ms"), text));
	render_backend_weight(table, backend);
	table_add(table, "%.1f %%", 100 * field_real(backend, "share"));
	if (columns->is_verbose)
		add_count(table, backend, "moving");
	if (columns->has_live)
		add_count(table, backend, "live");
	if (columns->is_verbose || !columns->has_live)
		add_count(table, backend, "flows");
	add_count(table, backend, "connections");
	if (columns->has_times)
		add_average(table, backend);
	if (columns->is_verbose)
		add_count(table, backend, "packets");
	table_add(table, "%s", format_bytes(field_number(backend, "bytes"), text));
	table_add(table, "%s", field_text(backend, "reason"));
}

static void render_backends(const json_t *service, int64_t now_ms, bool is_verbose, FILE *out)
{
	const json_t *backends = json_object_get(service, "backends"), *backend;
	const struct columns columns = choose_columns(service, is_verbose);
	struct table table;
	size_t i;

	if (json_array_size(backends) == 0) {
		fprintf(out, "  no backends\n");
		return;
	}
	begin_backends(&table, &columns);
	json_array_foreach (backends, i, backend) {
		render_backend(&table, backend, now_ms, &columns);
	}
	table_print(&table, 2, out);
	table_free(&table);
	json_array_foreach (backends, i, backend) {
		render_backend_notes(service, backend, now_ms, is_verbose, out);
	}
}

void render_service(const json_t *service, int64_t now_ms, bool is_verbose, FILE *out)
{
	render_service_head(service, now_ms, is_verbose, out);
	render_backends(service, now_ms, is_verbose, out);
}
