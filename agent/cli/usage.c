/* SPDX-License-Identifier: GPL-2.0-only */
#include "cli/usage.h"

#include "cli/options.h"

void usage_print_all(const struct cli_verb *const *verbs, FILE *out)
{
	fprintf(out, "leat - a layer-4 load balancer: an XDP data path and its agent\n\n"
		     "usage: leat COMMAND [OPTIONS]\n\n");
	for (; *verbs; verbs++)
		fprintf(out, "  %-9s%s\n", (*verbs)->name, (*verbs)->summary);
	fprintf(out, "  %-9s%s\n", "help", "this text, or that of one command: leat help COMMAND");
	fprintf(out, "\nEvery command explains itself: leat COMMAND --help\n");
}

static void usage_print_option(const struct cli_option *option, FILE *out)
{
	char words[32];

	snprintf(words, sizeof(words), "-%c, --%s%s%s", option->letter, option->name,
		 option->value ? " " : "", option->value ? option->value : "");
	fprintf(out, "  %-24s%s\n", words, option->text);
}

void usage_print_verb(const struct cli_verb *verb, FILE *out)
{
	fprintf(out, "usage: leat %s [OPTIONS]%s%s\n\n%s\nOptions:\n", verb->name,
		*verb->operands ? " " : "", verb->operands, verb->about);
	for (const char *letter = verb->options; *letter; letter++)
		usage_print_option(options_find(*letter), out);
	usage_print_option(options_find('h'), out);
	fprintf(out, "\nExit status:\n%s\nExample:\n%s", verb->statuses, verb->example);
}
