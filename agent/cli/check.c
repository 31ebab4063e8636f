/* SPDX-License-Identifier: GPL-2.0-only */
#include <jansson.h>

#include "cli/cli.h"
#include "cli/client.h"
#include "config/config.h"

static const char *check_plural(size_t count)
{
	return count == 1 ? "" : "s";
}

static size_t check_count_backends(const struct model_config *config)
{
	size_t count = 0;

	for (size_t i = 0; i < config->service_count; i++)
		count += config->services[i].backend_count;
	return count;
}

static void check_print_errors(const char *path, const struct config_errors *errors, FILE *err)
{
	for (size_t i = 0; i < errors->count; i++) {
		const struct config_error *error = &errors->list[i];

		if (error->pos.line)
			fprintf(err, "%s:%u:%u: %s\n", path, error->pos.line, error->pos.column,
				error->text);
		else
			fprintf(err, "%s: %s\n", path, error->text);
	}
}

static void check_print_summary(const char *path, const struct model_config *config, FILE *out)
{
	size_t services = config->service_count, backends = check_count_backends(config);

	fprintf(out, "%s: ok: %zu service%s, %zu backend%s\n", path, services,
		check_plural(services), backends, check_plural(backends));
}

static void check_print_json(const struct cli_arguments *args, const char *path,
			     const struct model_config *config, const struct config_errors *errors)
{
	json_t *list = json_array(), *body;

	for (size_t i = 0; i < errors->count; i++) {
		const struct config_error *error = &errors->list[i];

		json_array_append_new(list, json_pack("{s:s, s:i, s:i, s:s}", "file", path, "line",
						      (int)error->pos.line, "column",
						      (int)error->pos.column, "text", error->text));
	}
	body = json_pack("{s:b, s:i, s:i, s:o}", "ok", config != NULL, "services",
			 config ? (int)config->service_count : 0, "backends",
			 config ? (int)check_count_backends(config) : 0, "errors", list);
	client_print_json(args, body);
	json_decref(body);
}

static int check_run(const struct cli_arguments *args)
{
	const char *path = args->operand_count ? args->operands[0] : args->config_path;
	struct config_errors errors = {};
	struct model_config *config = NULL;
	int err = config_load(path, &config, &errors);

	if (args->is_json)
		check_print_json(args, path, config, &errors);
	else if (err)
		check_print_errors(path, &errors, args->err);
	else
		check_print_summary(path, config, args->out);
	config_errors_free(&errors);
	model_config_free(config);
	return err ? CLI_EXIT_REFUSED : CLI_EXIT_OK;
}

const struct cli_verb cli_check_verb = {
	.name = "check",
	.summary = "find every error of a configuration file",
	.operands = "[FILE]",
	.options = "cj",
	.max_operands = 1,
	.about = "Reads and checks a configuration, touches nothing, and needs neither an agent "
		 "nor\n"
		 "root. Every error is one line: file:line:column: what is wrong, what would be "
		 "right.\n",
	.statuses = "  0  the file is right\n"
		    "  1  it is not, or cannot be read\n"
		    "  2  the command line is wrong\n",
	.example = "  leat check lb.yaml && leat reload\n",
	.run = check_run,
};
