/* SPDX-License-Identifier: GPL-2.0-only */
#include "cli/render.h"

#include <inttypes.h>
#include <string.h>

#include "cli/fields.h"
#include "cli/table.h"

static void render_head(const json_t *status, int64_t now_ms, FILE *out)
{
	char up[FIELD_STRLEN];
	const json_t *warning;
	size_t i;

	format_duration(now_ms - field_number(status, "started_ms"), up);
	fprintf(out, "leat %s, pid %" PRId64 ", up %s, %s\n", field_text(status, "version"),
		field_number(status, "pid"), up, field_text(status, "config"));
	if (field_flag(status, "adopted"))
		fprintf(out, "adopted a data path that was already running\n");
	if (field_number(status, "counts_corrected"))
		fprintf(out, "counts of live connections set right: %" PRId64 "\n",
			field_number(status, "counts_corrected"));
	json_array_foreach (json_object_get(status, "warnings"), i, warning) {
		fprintf(out, "warning: %s\n", json_string_value(warning));
	}
}

static void render_interfaces(const json_t *status, FILE *out)
{
	static const char *const headings[] = {
		"INTERFACE", "STATE", "MODE", ">INDEX", "MAC", NULL
	};
	const json_t *interface;
	struct table table;
	size_t i;

	table_begin(&table, headings);
	json_array_foreach (json_object_get(status, "interfaces"), i, interface) {
		table_add(&table, "%s", field_text(interface, "name"));
		table_add(&table, "%s", field_text(interface, "state"));
		table_add(&table, "%s", field_text(interface, "mode"));
		table_add(&table, "%" PRId64, field_number(interface, "ifindex"));
		table_add(&table, "%s", field_text(interface, "mac"));
	}
	fputc('\n', out);
	table_print(&table, 0, out);
	table_free(&table);
}

static void render_room(struct table *table, const char *name, const json_t *room)
{
	int64_t used = field_number(room, "used"), capacity = field_number(room, "capacity");
	char text[FIELD_STRLEN];

	table_add(table, "%s", name);
	table_add(table, "%s", format_count(used, text));
	table_add(table, "%s", format_count(capacity, text));
	table_add(table, "%.1f %%", percent_of(used, capacity));
}

static void render_rooms(const json_t *status, FILE *out)
{
	static const char *const headings[] = { "ROOM", ">USED", ">CAPACITY", ">FULL", NULL };
	const json_t *flows = json_object_get(status, "flows");
	struct table table;

	table_begin(&table, headings);
	render_room(&table, "IPv4 flows", json_object_get(flows, "ipv4"));
	render_room(&table, "IPv6 flows", json_object_get(flows, "ipv6"));
	render_room(&table, "slots", json_object_get(status, "slots"));
	fputc('\n', out);
	table_print(&table, 0, out);
	table_free(&table);
}

static void render_reasons(const json_t *status, bool is_verbose, FILE *out)
{
	static const char *const headings[] = { "REASON", "VERDICT", ">PACKETS", "MEANING", NULL };
	const json_t *reason;
	struct table table;
	char text[FIELD_STRLEN];
	size_t i;

	table_begin(&table, headings);
	json_array_foreach (json_object_get(status, "reasons"), i, reason) {
		int64_t packets = field_number(reason, "packets");

		if (packets == 0 && !is_verbose)
			continue;
		table_add(&table, "%s", field_text(reason, "name"));
		table_add(&table, "%s", field_text(reason, "verdict"));
		table_add(&table, "%s", format_count(packets, text));
		table_add(&table, "%s", field_text(reason, "text"));
	}
	fputc('\n', out);
	if (table.count > table.columns)
		table_print(&table, 0, out);
	else
		fprintf(out, "no packets yet\n");
	table_free(&table);
}

void render_status(const json_t *status, int64_t now_ms, bool is_verbose, FILE *out)
{
	const json_t *services = json_object_get(status, "services"), *service;
	size_t i;

	render_head(status, now_ms, out);
	render_interfaces(status, out);
	render_rooms(status, out);
	json_array_foreach (services, i, service) {
		render_service(service, now_ms, is_verbose, out);
	}
	if (json_array_size(services) == 0)
		fprintf(out, "\nno services\n");
	render_reasons(status, is_verbose, out);
}
