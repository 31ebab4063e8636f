/* SPDX-License-Identifier: GPL-2.0-only */
#include "config/config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/check.h"
#include "config/document.h"
#include "config/errors.h"
#include "config/schema.h"
#include "model/cleanup.h"

static void free_sources(struct reader *r)
{
	for (size_t i = 0; r->services && i < r->config->service_count; i++)
		free(r->services[i].backends);
	free(r->services);
}

static void read_root(struct reader *r)
{
	if (!keys_read(r, &schema_top, yaml_document_get_root_node(r->document), r->keys,
		       r->config))
		return;
	keys_preset(r, &schema_limits, r->limits, r->config);
	keys_preset(r, &schema_timers, r->timers, r->config);
	if (!r->is_full)
		check_all(r);
}

/* The tree to @out; -EINVAL where there are errors, old ones included. */
static int read_document(yaml_document_t *document, struct model_config **out,
			 struct config_errors *errors)
{
	struct reader r = { .document = document, .errors = errors };
	size_t before = errors->count;

	r.config = calloc(1, sizeof(*r.config));
	if (!r.config)
		return -ENOMEM;
	read_root(&r);
	free_sources(&r);
	if (r.is_full || errors->count > before) {
		model_config_free(r.config);
		return errors->count > before ? -EINVAL : -ENOMEM;
	}
	*out = r.config;
	return 0;
}

int config_parse(const char *text, size_t size, struct model_config **out,
		 struct config_errors *errors)
{
	yaml_document_t document;
	int err;

	if (size > DOCUMENT_MAX_BYTES)
		return errors_add(errors, (struct model_pos) {}, "is larger than %u MiB",
				  DOCUMENT_MAX_BYTES >> 20)
			       ?: -EINVAL;
	err = document_load(text, size, &document, errors);
	if (!err) {
		err = read_document(&document, out, errors);
		yaml_document_delete(&document);
	}
	if (err == -ENOMEM)
		errors_add(errors, (struct model_pos) {}, "no memory to read it");
	errors_sort(errors);
	return err;
}

/* One byte more than is allowed is read, so that config_parse sees the excess. */
static int read_stream(FILE *file, char **text, size_t *size)
{
	AUTO_FREE char *buf = malloc(DOCUMENT_MAX_BYTES + 1);
	size_t got;

	if (!buf)
		return -ENOMEM;
	errno = 0;
	got = fread(buf, 1, DOCUMENT_MAX_BYTES + 1, file);
	if (ferror(file))
		return errno ? -errno : -EIO;
	*text = TAKE(buf);
	*size = got;
	return 0;
}

static int read_file(const char *path, char **text, size_t *size)
{
	FILE *file = fopen(path, "re");
	int err;

	if (!file)
		return -errno;
	err = read_stream(file, text, size);
	fclose(file);
	return err;
}

int config_load(const char *path, struct model_config **out, struct config_errors *errors)
{
	AUTO_FREE char *text = NULL;
	size_t size = 0;
	int err = read_file(path, &text, &size);

	if (err) {
		errors_add(errors, (struct model_pos) {}, "cannot be read: %s", strerror(-err));
		return err;
	}
	return config_parse(text, size, out, errors);
}
