/* SPDX-License-Identifier: GPL-2.0-only */
#include "health/settings.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define TEXTS 10

/* Where the texts of @s are. */
static void find_texts(struct model_health *s, char **texts[TEXTS])
{
	texts[0] = &s->method;
	texts[1] = &s->path;
	texts[2] = &s->host;
	texts[3] = &s->body;
	texts[4] = &s->tls.ca_file;
	texts[5] = &s->tls.sni;
	texts[6] = &s->tls.cert_file;
	texts[7] = &s->tls.key_file;
	texts[8] = &s->grpc_service;
	texts[9] = &s->query_name;
}

static bool copy_text(char **text)
{
	if (!*text)
		return true;
	*text = strdup(*text);
	return *text;
}

static bool copy_bytes(struct model_bytes *b)
{
	const uint8_t *from = b->bytes;

	if (!from)
		return true;
	b->bytes = malloc(b->size ? b->size : 1);
	if (b->bytes && b->size)
		memcpy(b->bytes, from, b->size);
	return b->bytes;
}

static bool copy_command(char ***command)
{
	char **from = *command;
	size_t count = 0;
	bool is_whole = true;

	if (!from)
		return true;
	while (from[count])
		count++;
	*command = calloc(count + 1, sizeof(**command));
	for (size_t i = 0; i < count && *command && is_whole; i++) {
		(*command)[i] = strdup(from[i]);
		is_whole = (*command)[i];
	}
	return *command && is_whole;
}

int settings_copy(struct model_health *to, const struct model_health *from)
{
	struct model_health copy = *from;
	char **texts[TEXTS];
	bool is_whole = true;

	find_texts(&copy, texts);
	/* each one, whatever fails: none may be left pointing at the caller's */
	for (size_t i = 0; i < TEXTS; i++)
		is_whole &= copy_text(texts[i]);
	is_whole &= copy_bytes(&copy.send);
	is_whole &= copy_bytes(&copy.expect);
	is_whole &= copy_command(&copy.command);
	if (!is_whole) {
		settings_free(&copy);
		return -ENOMEM;
	}
	*to = copy;
	return 0;
}

void settings_free(struct model_health *s)
{
	char **texts[TEXTS];

	find_texts(s, texts);
	for (size_t i = 0; i < TEXTS; i++) {
		free(*texts[i]);
		*texts[i] = NULL;
	}
	for (char **word = s->command; word && *word; word++)
		free(*word);
	free(s->command);
	free(s->send.bytes);
	free(s->expect.bytes);
	s->command = NULL;
	s->send = (struct model_bytes) {};
	s->expect = (struct model_bytes) {};
}
