/* SPDX-License-Identifier: GPL-2.0-only */
#include "cli/render.h"

#include <inttypes.h>
#include <string.h>

#include "cli/fields.h"
#include "cli/table.h"

static double percent_of(int64_t part, int64_t whole)
{
	return whole > 0 ? 100.0 * (double)part / (double)whole : 0;
}

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
	fprintf(out, "; %s flows recorded\n", format_count(field_number(service, "flows"), text));
}

static void render_service_head(const json_t *service, bool is_verbose, FILE *out)
{
	fprintf(out, "\nservice %s: %s %s, %s, %s%s", field_text(service, "name"),
		field_text(service, "vip"), field_text(service, "protocol"),
		field_text(service, "scheduler"), field_text(service, "forward"),
		field_flag(service, "tracked") ? ", tracked" : "");
	if (is_verbose)
		fprintf(out, ", id %" PRId64, field_number(service, "id"));
	fputc('\n', out);
	render_service_table_state(service, is_verbose, out);
	render_service_counters(service, out);
}

static void render_backend_weight(struct table *table, const json_t *backend)
{
	int64_t weight = field_number(backend, "weight");
	int64_t effective = field_number(backend, "effective_weight");

	if (weight == effective)
		table_add(table, "%" PRId64, weight);
	else
		table_add(table, "%" PRId64 " of %" PRId64, effective, weight);
}

static void render_backend(struct table *table, const json_t *backend, int64_t now_ms,
			   bool is_verbose)
{
	char text[FIELD_STRLEN];
	static const char *const counts[] = { "moving", "flows", "connections", "packets" };

	table_add(table, "%s", field_text(backend, "name"));
	table_add(table, "%s", field_text(backend, "address"));
	table_add(table, "%s", field_text(backend, "state"));
	if (field_is_null(backend, "since_ms"))
		table_add(table, "-");
	else
		table_add(table, "%s",
			  format_duration(now_ms - field_number(backend, "since_ms"), text));
	render_backend_weight(table, backend);
	table_add(table, "%.1f %%", 100 * field_real(backend, "share"));
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
		table_add(table, "%s", format_count(field_number(backend, counts[i]), text));
	table_add(table, "%s", format_bytes(field_number(backend, "bytes"), text));
	if (is_verbose) {
		table_add(table, "%" PRId64, field_number(backend, "id"));
		table_add(table, "%s", field_text(backend, "next_hop"));
	}
	table_add(table, "%s", field_text(backend, "reason"));
}

static void render_backends(const json_t *service, int64_t now_ms, bool is_verbose, FILE *out)
{
	static const char *const brief[] = {
		"BACKEND", "ADDRESS", "STATE",	  "SINCE",  ">WEIGHT", ">SHARE", ">MOVING",
		">FLOWS",  ">CONNS",  ">PACKETS", ">BYTES", "REASON",  NULL,
	};
	static const char *const verbose[] = {
		"BACKEND", "ADDRESS",  "STATE",	 "SINCE", ">WEIGHT",  ">SHARE", ">MOVING", ">FLOWS",
		">CONNS",  ">PACKETS", ">BYTES", ">ID",	  "NEXT HOP", "REASON", NULL,
	};
	const json_t *backends = json_object_get(service, "backends"), *backend;
	struct table table;
	size_t i;

	if (json_array_size(backends) == 0) {
		fprintf(out, "  no backends\n");
		return;
	}
	table_begin(&table, is_verbose ? verbose : brief);
	json_array_foreach (backends, i, backend) {
		render_backend(&table, backend, now_ms, is_verbose);
	}
	table_print(&table, 2, out);
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
		render_service_head(service, is_verbose, out);
		render_backends(service, now_ms, is_verbose, out);
	}
	if (json_array_size(services) == 0)
		fprintf(out, "\nno services\n");
	render_reasons(status, is_verbose, out);
}
