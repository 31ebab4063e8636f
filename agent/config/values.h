/* SPDX-License-Identifier: GPL-2.0-only */
/* The kinds of scalar values in lb.yaml. */
#ifndef LEAT_CONFIG_VALUES_H
#define LEAT_CONFIG_VALUES_H

#include "config/keys.h"

extern const struct config_type value_number;	/* unsigned; min..max */
extern const struct config_type value_duration; /* unsigned, milliseconds; min..max; or a word */
extern const struct config_type value_percent;	/* unsigned; min..max */
extern const struct config_type value_word;	/* one of words; bool, uint8_t or an enum */
extern const struct config_type value_bool;
extern const struct config_type value_name; /* char *, allocated: [a-z0-9._-], at most max */
extern const struct config_type value_text; /* char *, allocated: printable, at most max */
extern const struct config_type
	value_token;			    /* the same without blanks: what goes on an HTTP line */
extern const struct config_type value_path; /* the same, beginning with / */
extern const struct config_type value_method;	/* char *, allocated: one of words */
extern const struct config_type value_ifname;	/* char[IFNAMSIZ] */
extern const struct config_type value_hash_key; /* of struct model_config */
extern const struct config_type value_vip;	/* of struct model_service: vip and port */
extern const struct config_type value_address;	/* of struct model_backend: address and port */
extern const struct config_type value_statuses; /* bitmap of MODEL_STATUS_WORDS */

#define VALUES_DURATION_LEN 16

/** values_format_duration - as one would write it: "500ms", "2s", "15m"; returns @buf */
char *values_format_duration(char *buf, unsigned ms);

/** values_text - the scalar's text, or NULL (an error is added): not a scalar, or has a NUL in it
 */
const char *values_text(struct reader *r, const struct config_key *key,
			const struct config_value *value);

/** values_word - the word of the key that the value is, or NULL (an error is added) */
const struct config_word *values_word(struct reader *r, const struct config_key *key,
				      const struct config_value *value);

/** values_field - the key's field in @object */
static inline void *values_field(const struct config_key *key, void *object)
{
	return (char *)object + key->offset;
}

#endif
