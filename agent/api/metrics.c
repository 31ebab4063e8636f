/* SPDX-License-Identifier: GPL-2.0-only */
#include "api/metrics.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>

#include "api/families.h"

/* ---- lines ------------------------------------------------------------------ */

static void print_head(const struct family *family, FILE *out)
{
	fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", family->name, family->help, family->name,
		family->type);
}

static void print_label(const char *name, const char *value, bool is_first, FILE *out)
{
	size_t plain;

	fputs(is_first ? "" : ",", out);
	fputs(name, out);
	fputs("=\"", out);
	while (value && *value) {
		plain = strcspn(value, "\n\"\\");
		fwrite(value, 1, plain, out);
		value += plain;
		if (*value)
			fprintf(out, "\\%c", *value == '\n' ? 'n' : *value);
		value += *value != '\0';
	}
	fputc('"', out);
}

static const char *text_of(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

static const json_t *find(const json_t *object, const char *field)
{
	const char *dot = strchr(field, '.');
	char name[32];

	if (!dot)
		return json_object_get(object, field);
	snprintf(name, sizeof(name), "%.*s", (int)(dot - field), field);
	return json_object_get(json_object_get(object, name), dot + 1);
}

static bool is_number(const json_t *value)
{
	return json_is_number(value) || json_is_boolean(value);
}

static void print_value(const json_t *value, double divisor, FILE *out)
{
	if (json_is_boolean(value))
		fprintf(out, " %d\n", json_is_true(value));
	else if (json_is_integer(value) && divisor == 0)
		fprintf(out, " %" JSON_INTEGER_FORMAT "\n", json_integer_value(value));
	else
		fprintf(out, " %.12g\n", json_number_value(value) / (divisor == 0 ? 1 : divisor));
}

/* ---- the node ---------------------------------------------------------------- */

static void print_node(const json_t *status, FILE *out)
{
	const struct family build = { "leat_build_info", "gauge", "The agent's version.", "", 0 };
	const struct family warnings = { "leat_warnings", "gauge",
					 "Warnings that leat status shows.", "", 0 };

	print_head(&build, out);
	fprintf(out, "%s{", build.name);
	print_label("version", text_of(status, "version"), true, out);
	fputs("} 1\n", out);
	for (const struct family *family = families_node; family->name; family++) {
		const json_t *value = find(status, family->field);

		if (!is_number(value))
			continue;
		print_head(family, out);
		fputs(family->name, out);
		print_value(value, family->divisor, out);
	}
	print_head(&warnings, out);
	fprintf(out, "%s %zu\n", warnings.name,
		json_array_size(json_object_get(status, "warnings")));
}

static void print_flows(const json_t *status, FILE *out)
{
	static const char *const names[] = { "ipv4", "ipv6" };
	const json_t *flows = json_object_get(status, "flows");

	for (const struct family *family = families_flows; family->name; family++) {
		print_head(family, out);
		for (size_t k = 0; k < 2; k++) {
			const json_t *value = find(json_object_get(flows, names[k]), family->field);

			if (!is_number(value))
				continue;
			fprintf(out, "%s{family=\"%s\"}", family->name, names[k]);
			print_value(value, family->divisor, out);
		}
	}
}

static void print_reasons(const json_t *status, FILE *out)
{
	const struct family *family = families_reason;
	const json_t *reason;
	size_t i;

	print_head(family, out);
	json_array_foreach (json_object_get(status, "reasons"), i, reason) {
		const json_t *value = find(reason, family->field);

		if (!is_number(value))
			continue;
		fprintf(out, "%s{", family->name);
		print_label("reason", text_of(reason, "name"), true, out);
		print_label("verdict", text_of(reason, "verdict"), false, out);
		fputc('}', out);
		print_value(value, family->divisor, out);
	}
}

static void print_interfaces(const json_t *status, FILE *out)
{
	const struct family family = { "leat_interface_attached", "gauge",
				       "1 where the program meets the interface's packets.", "",
				       0 };
	const json_t *interface;
	size_t i;

	print_head(&family, out);
	json_array_foreach (json_object_get(status, "interfaces"), i, interface) {
		const char *state = text_of(interface, "state");

		fprintf(out, "%s{", family.name);
		print_label("interface", text_of(interface, "name"), true, out);
		print_label("mode", text_of(interface, "mode"), false, out);
		fprintf(out, "} %d\n", state && strcmp(state, "attached") == 0);
	}
}

/* ---- services, groups, backends ------------------------------------------------ */

static void print_service_labels(const json_t *service, FILE *out)
{
	fputc('{', out);
	print_label("service", text_of(service, "name"), true, out);
}

static void print_services(const json_t *services, FILE *out)
{
	const json_t *service;
	size_t i;

	for (const struct family *family = families_service; family->name; family++) {
		print_head(family, out);
		json_array_foreach (services, i, service) {
			const json_t *value = find(service, family->field);

			if (!is_number(value))
				continue;
			fputs(family->name, out);
			print_service_labels(service, out);
			fputc('}', out);
			print_value(value, family->divisor, out);
		}
	}
}

static void print_service_info(const json_t *services, FILE *out)
{
	static const char *const labels[] = { "vip", "protocol", "scheduler", "forward" };
	const struct family family = { "leat_service_info", "gauge", "What a service is.", "", 0 };
	const json_t *service;
	size_t i;

	print_head(&family, out);
	json_array_foreach (services, i, service) {
		fputs(family.name, out);
		print_service_labels(service, out);
		for (size_t k = 0; k < sizeof(labels) / sizeof(labels[0]); k++)
			print_label(labels[k], text_of(service, labels[k]), false, out);
		fputs("} 1\n", out);
	}
}

static void print_panic(const json_t *services, FILE *out)
{
	static const char *const modes[] = { "open", "closed" };
	const struct family family = { "leat_service_panic", "gauge",
				       "1 where too few backends are healthy.", "", 0 };
	const json_t *service;
	size_t i;

	print_head(&family, out);
	json_array_foreach (services, i, service) {
		const char *panic = text_of(service, "panic");

		for (size_t k = 0; panic && k < 2; k++) {
			fputs(family.name, out);
			print_service_labels(service, out);
			print_label("mode", modes[k], false, out);
			fprintf(out, "} %d\n", strcmp(panic, modes[k]) == 0);
		}
	}
}

static void print_groups_of(const json_t *service, const struct family *family, FILE *out)
{
	const json_t *group;
	size_t i;

	json_array_foreach (json_object_get(service, "groups"), i, group) {
		const json_t *value = find(group, family->field);

		if (!is_number(value))
			continue;
		fputs(family->name, out);
		print_service_labels(service, out);
		print_label("group", text_of(group, "name"), false, out);
		fputc('}', out);
		print_value(value, family->divisor, out);
	}
}

static void print_backend_labels(const json_t *service, const json_t *backend, FILE *out)
{
	print_service_labels(service, out);
	print_label("backend", text_of(backend, "name"), false, out);
	print_label("address", text_of(backend, "address"), false, out);
}

static void print_backends_of(const json_t *service, const struct family *family, FILE *out)
{
	const json_t *backend;
	size_t i;

	json_array_foreach (json_object_get(service, "backends"), i, backend) {
		const json_t *value = find(backend, family->field);

		if (!is_number(value))
			continue;
		fputs(family->name, out);
		print_backend_labels(service, backend, out);
		fputc('}', out);
		print_value(value, family->divisor, out);
	}
}

static void print_each_service(const json_t *services, const struct family *family,
			       void (*print)(const json_t *, const struct family *, FILE *),
			       FILE *out)
{
	const json_t *service;
	size_t i;

	for (; family->name; family++) {
		print_head(family, out);
		json_array_foreach (services, i, service) {
			print(service, family, out);
		}
	}
}

static void print_up_of(const json_t *service, const struct family *family, FILE *out)
{
	const json_t *backend;
	size_t i;

	json_array_foreach (json_object_get(service, "backends"), i, backend) {
		const char *state = text_of(backend, "state");

		fputs(family->name, out);
		print_backend_labels(service, backend, out);
		fprintf(out, "} %d\n", state && strcmp(state, "up") == 0);
	}
}

static void print_state_of(const json_t *service, const struct family *family, FILE *out)
{
	static const char *const labels[] = { "state", "group" };
	const json_t *backend;
	size_t i;

	json_array_foreach (json_object_get(service, "backends"), i, backend) {
		fputs(family->name, out);
		print_backend_labels(service, backend, out);
		for (size_t k = 0; k < sizeof(labels) / sizeof(labels[0]); k++)
			print_label(labels[k], text_of(backend, labels[k]), false, out);
		fputs("} 1\n", out);
	}
}

static void print_all(const json_t *status, FILE *out)
{
	static const struct family up[] = {
		{ "leat_backend_up", "gauge", "1 where its state is up.", "", 0 },
		{},
	};
	static const struct family state[] = {
		{ "leat_backend_state", "gauge",
		  "1 for the state that it is in; other states have no series.", "", 0 },
		{},
	};
	const json_t *services = json_object_get(status, "services");

	print_node(status, out);
	print_flows(status, out);
	print_interfaces(status, out);
	print_reasons(status, out);
	print_service_info(services, out);
	print_services(services, out);
	print_panic(services, out);
	print_each_service(services, families_group, print_groups_of, out);
	print_each_service(services, up, print_up_of, out);
	print_each_service(services, state, print_state_of, out);
	print_each_service(services, families_backend, print_backends_of, out);
}

char *api_metrics_format(const json_t *status)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	__fsetlocking(out, FSETLOCKING_BYCALLER); /* nobody else writes to it */
	print_all(status, out);
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}
