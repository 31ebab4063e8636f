/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How a key of lb.yaml is defined, and how a mapping is read by such definitions.
 * One row a key (schema.c): what is read, checked, suggested, defaulted and documented
 * comes from there.
 */
#ifndef LEAT_CONFIG_KEYS_H
#define LEAT_CONFIG_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <yaml.h>

#include "config/config.h"

#define KEYS_MAX	 32 /* in one mapping */
#define BACKEND_KEYS_MAX 6  /* there are many backends */

struct reader;
struct config_key;
struct config_mark;
struct config_table;

/** struct config_value - what stands behind a key in the file, or a default */
struct config_value {
	const char *text; /* NULL where it is no scalar */
	size_t length;
	yaml_node_t *node; /* NULL for a default */
	struct model_pos pos;
};

/** struct config_type - a kind of value */
struct config_type {
	const char *expects;	  /* as in "expected ..." */
	const char *before_words; /* what leads on to the words of the key; NULL: it has none */
	/*
	 * @object: the struct that the key's offset counts from. Returns whether the value is
	 * right; where it is not, errors have been added.
	 */
	bool (*read)(struct reader *r, const struct config_key *key,
		     const struct config_value *value, void *object);
	/* absent - what it means that the key is not given; NULL: what its preset says */
	void (*absent)(struct reader *r, const struct config_key *key, void *object);
};

/** struct config_word - one of the words that a value may be; a list of them ends with NULL */
struct config_word {
	const char *text;
	unsigned value;
	bool is_later; /* known, but not in this release */
};

/** struct config_key - one row */
struct config_key {
	const char *name;
	const struct config_type *type;
	size_t offset; /* of the field, and its size; 0 where the type knows its fields */
	size_t size;
	unsigned min; /* of numbers, milliseconds, percent; of texts, max is their length */
	unsigned max;
	bool is_required;	  /* where the mapping's choice has it */
	bool is_tcp;		  /* of a service: only one of protocol tcp has it */
	unsigned only;		  /* bit n: the choice n has it; 0: all have */
	const char *preset;	  /* the default, as one would write it; NULL: none, or by code */
	const char *preset_words; /* the default in words, where code makes it */
	const struct config_word *words;
	const struct config_table *table; /* of the mapping, or of the mappings of the list */
	const char *example;		  /* for the message that it is missing */
	const char *expects;		  /* instead of the type's; NULL */
	const char *help;
};

/** struct config_table - all keys of one kind of mapping */
struct config_table {
	const char *what; /* "service" */
	const struct config_key *keys;
	size_t count;
	const struct config_key *choice; /* the word that decides which keys there are; NULL */
	/* finish - judge and complete what no key of a section can by itself; NULL: nothing to do
	 */
	void (*finish)(struct reader *r, const struct config_mark *marks, void *object);
};

/** KEYS_ONLY - a bit of config_key.only */
#define KEYS_ONLY(choice) (1u << (choice))

/** struct config_mark - whether and where a key was given */
struct config_mark {
	struct model_pos pos; /* of the value */
	struct model_pos key_pos;
	const char *text; /* of the document; NULL where it is no scalar */
	bool is_given;
	bool is_wrong; /* an error has been said; do not judge further by this value */
};

/** struct backend_source, service_source - where things of the model were said */
struct backend_source {
	struct config_mark keys[BACKEND_KEYS_MAX];
	bool is_wrong; /* not even a mapping */
};

struct service_source {
	struct config_mark keys[KEYS_MAX];
	struct config_mark health[KEYS_MAX];
	struct backend_source *backends; /* as many as the service has */
	bool is_wrong;
};

/** struct reader - one reading of one file */
struct reader {
	yaml_document_t *document;
	struct config_errors *errors;
	struct model_config *config;
	struct config_mark keys[KEYS_MAX];   /* of the file itself */
	struct config_mark limits[KEYS_MAX]; /* of limits: */
	struct config_mark timers[KEYS_MAX];
	struct service_source *services; /* as many as the configuration has */
	size_t backend_count;		 /* of all services */
	bool is_full;			 /* no memory, or no room for errors: stop */
};

/** reader_add - an error at @pos; always returns false, so that checks can end with it */
bool reader_add(struct reader *r, struct model_pos pos, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/** reader_no_memory - always returns false */
bool reader_no_memory(struct reader *r);

/**
 * keys_read - read a mapping by a table
 * @node:   of the mapping; anything else is an error
 * @marks:  table->count of them, zeroed; filled
 * @object: what the offsets of the table count from
 * Unknown, repeated and missing keys are errors, and so are those that the choice made does not
 * have. Returns whether it was a mapping.
 */
bool keys_read(struct reader *r, const struct config_table *table, yaml_node_t *node,
	       struct config_mark *marks, void *object);

/** keys_preset - give the keys that were not given, and that the choice made has, their defaults */
void keys_preset(struct reader *r, const struct config_table *table,
		 const struct config_mark *marks, void *object);

/** keys_applies - whether the choice made in @object has the key */
bool keys_applies(const struct config_table *table, const struct config_key *key,
		  const void *object);

/** keys_is_usable - whether a key was given and is right */
static inline bool keys_is_usable(const struct config_mark *mark)
{
	return mark->is_given && !mark->is_wrong;
}

/** keys_value - a node as a value */
struct config_value keys_value(yaml_node_t *node);

/**
 * keys_list - the items of a list, at most @max of them
 * Returns whether it is one; where it is not, an error has been added.
 */
bool keys_list(struct reader *r, const struct config_key *key, const struct config_value *value,
	       size_t max, const yaml_node_item_t **items, size_t *count);

/** keys_section - read the mapping behind @key by the key's table; returns whether it is one */
bool keys_section(struct reader *r, const struct config_key *key, const struct config_value *value,
		  struct config_mark *marks, void *object);

#define KEYS_WORDS_LEN 128

/** keys_list_words - the words that are possible, "auto, native"; returns @buf */
char *keys_list_words(const struct config_key *key, char *buf, size_t size);

/** keys_expects - what a value of @key is, as in "expected ..." */
const char *keys_expects(const struct config_key *key);

/** keys_expected - the error of a value of the wrong type; always returns false */
bool keys_expected(struct reader *r, const struct config_key *key,
		   const struct config_value *value);

#endif
