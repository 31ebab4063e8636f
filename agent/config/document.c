/* SPDX-License-Identifier: GPL-2.0-only */
#include "config/document.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "config/errors.h"

struct model_pos document_pos(yaml_mark_t mark)
{
	return (struct model_pos) { .line = (unsigned)mark.line + 1,
				    .column = (unsigned)mark.column + 1 };
}

static void parser_open(yaml_parser_t *parser, const char *text, size_t size)
{
	yaml_parser_set_input_string(parser, (const unsigned char *)text, size);
}

/* The reader knows bytes, not lines. */
static struct model_pos pos_of_offset(const char *text, size_t size, size_t offset)
{
	struct model_pos pos = { .line = 1, .column = 1 };

	for (size_t i = 0; i < offset && i < size; i++) {
		pos.column += ((unsigned char)text[i] & 0xc0) != 0x80; /* characters */
		if (text[i] == '\n')
			pos = (struct model_pos) { .line = pos.line + 1, .column = 1 };
	}
	return pos;
}

/* libyaml counts characters. */
static const char *find_character(const char *text, const char *end, size_t index)
{
	const char *at = text;

	for (; at < end; at++) {
		if (((unsigned char)*at & 0xc0) != 0x80 && index-- == 0)
			break;
	}
	return at;
}

/* What people get wrong most, told by what the offending place looks like. */
static const char *syntax_hint(const char *text, size_t size, yaml_mark_t mark)
{
	const char *at = find_character(text, text + size, mark.index);
	const char *begin = at;

	if (at == text + size)
		return "";
	if (*at == '\t')
		return "; indent with spaces, not with tabs";
	if (*at != ':' || at == text || at[-1] != ']')
		return "";
	while (begin > text && *begin != '[' && *begin != '\n')
		begin--;
	if (*begin != '[' || !memchr(begin, ':', (size_t)(at - begin)))
		return "";
	return "; an IPv6 address in brackets needs quotes: \"[2001:db8::10]:80\"";
}

static int add_syntax_error(const yaml_parser_t *parser, const char *text, size_t size,
			    struct config_errors *errors)
{
	const char *problem = parser->problem ? parser->problem : "cannot be read";
	char context[128] = "";

	if (parser->error == YAML_MEMORY_ERROR)
		return -ENOMEM;
	if (parser->error == YAML_READER_ERROR) {
		errors_add(errors, pos_of_offset(text, size, parser->problem_offset),
			   "not valid YAML: %s; write the file in UTF-8", problem);
		return -EINVAL;
	}
	if (parser->context && parser->context_mark.line != parser->problem_mark.line)
		snprintf(context, sizeof(context), " %s that began on line %u", parser->context,
			 (unsigned)parser->context_mark.line + 1);
	errors_add(errors, document_pos(parser->problem_mark), "not valid YAML: %s%s%s", problem,
		   context, syntax_hint(text, size, parser->problem_mark));
	return -EINVAL;
}

/* Steps through the events up to the end of the stream, or to an error of ours. */
static int check_events(yaml_parser_t *parser, const char *text, size_t size,
			struct config_errors *errors)
{
	unsigned depth = 0;
	unsigned documents = 0;
	unsigned anchors = 0;
	yaml_event_type_t type = YAML_NO_EVENT;

	while (type != YAML_STREAM_END_EVENT) {
		struct model_pos pos;
		yaml_event_t event;

		if (!yaml_parser_parse(parser, &event))
			return add_syntax_error(parser, text, size, errors);
		type = event.type;
		pos = document_pos(event.start_mark);
		documents += type == YAML_DOCUMENT_START_EVENT;
		if (type == YAML_SEQUENCE_START_EVENT || type == YAML_MAPPING_START_EVENT)
			depth++;
		if (type == YAML_SEQUENCE_END_EVENT || type == YAML_MAPPING_END_EVENT)
			depth--;
		anchors +=
			(type == YAML_SCALAR_EVENT && event.data.scalar.anchor) ||
			(type == YAML_SEQUENCE_START_EVENT && event.data.sequence_start.anchor) ||
			(type == YAML_MAPPING_START_EVENT && event.data.mapping_start.anchor);
		yaml_event_delete(&event);
		if (depth > DOCUMENT_MAX_DEPTH)
			return errors_add(errors, pos, "nested deeper than %d levels",
					  DOCUMENT_MAX_DEPTH)
				       ?: -EINVAL;
		if (anchors > DOCUMENT_MAX_ANCHORS)
			return errors_add(errors, pos, "more than %d anchors", DOCUMENT_MAX_ANCHORS)
				       ?: -EINVAL;
		if (documents > 1)
			return errors_add(errors, pos,
					  "a second document begins here; "
					  "a configuration is one document")
				       ?: -EINVAL;
	}
	return 0;
}

/*
 * A pass of its own over the events, before the tree is built: libyaml's time is quadratic in the
 * depth of [[[[ and in the number of anchors, and it builds any number of documents.
 */
static int check_shape(const char *text, size_t size, struct config_errors *errors)
{
	yaml_parser_t parser;
	int err;

	if (!yaml_parser_initialize(&parser))
		return -ENOMEM;
	parser_open(&parser, text, size);
	err = check_events(&parser, text, size, errors);
	yaml_parser_delete(&parser);
	return err;
}

static int load_tree(yaml_parser_t *parser, const char *text, size_t size, yaml_document_t *out,
		     struct config_errors *errors)
{
	yaml_document_t document;

	if (!yaml_parser_load(parser, &document))
		return add_syntax_error(parser, text, size, errors);
	if (!yaml_document_get_root_node(&document)) {
		yaml_document_delete(&document);
		return errors_add(errors, (struct model_pos) { 1, 1 },
				  "the file is empty; it needs interfaces and services")
			       ?: -EINVAL;
	}
	*out = document;
	return 0;
}

int document_load(const char *text, size_t size, yaml_document_t *out, struct config_errors *errors)
{
	yaml_parser_t parser;
	int err;

	err = check_shape(text, size, errors);
	if (err)
		return err;
	if (!yaml_parser_initialize(&parser))
		return -ENOMEM;
	parser_open(&parser, text, size);
	err = load_tree(&parser, text, size, out, errors);
	yaml_parser_delete(&parser);
	return err;
}
