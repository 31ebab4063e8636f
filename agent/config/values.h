/* SPDX-License-Identifier: GPL-2.0-only */
/* The kinds of scalar values in lb.yaml. */
#ifndef LEAT_CONFIG_VALUES_H
#define LEAT_CONFIG_VALUES_H

#include <stdint.h>

#include "config/keys.h"

extern const struct config_type value_number;	/* unsigned; min..max */
extern const struct config_type value_duration; /* unsigned, milliseconds; min..max; or a word */
extern const struct config_type value_percent;	/* unsigned; min..max */
extern const struct config_type value_permille; /* unsigned, a percentage to a tenth; min..max */
extern const struct config_type value_decimal;	/* unsigned, thousandths; min..max */
extern const struct config_type value_word;	/* one of words; bool, uint8_t or an enum */
extern const struct config_type value_bool;
extern const struct config_type value_name; /* char *, allocated: [a-z0-9._-], at most max */
extern const struct config_type value_text; /* char *, allocated: printable, at most max */
extern const struct config_type
	value_token;			    /* the same without blanks: what goes on an HTTP line */
extern const struct config_type value_path; /* the same, beginning with / */
extern const struct config_type value_file; /* the same, with blanks */
extern const struct config_type value_server_name; /* a token that is no address */
extern const struct config_type value_dns_name;
extern const struct config_type value_method;	 /* char *, allocated: one of words */
extern const struct config_type value_ifname;	 /* char[IFNAMSIZ] */
extern const struct config_type value_hash_key;	 /* of struct model_config */
extern const struct config_type value_server_id; /* of struct model_backend: and its length */
extern const struct config_type value_vip;	 /* of struct model_service: vip and port */
extern const struct config_type value_address;	 /* of struct model_backend: address and port */
extern const struct config_type value_bytes;	 /* struct model_bytes; escapes are resolved */
extern const struct config_type value_statuses;	 /* bitmap of MODEL_STATUS_WORDS */
extern const struct config_type value_rcodes;	 /* uint16_t, a bitmap of words */
extern const struct config_type value_command;	 /* char **, allocated, ends with NULL */

#define VALUES_DURATION_LEN 16

/** values_format_duration - as one would write it: "500ms", "2s", "15m"; returns @buf */
char *values_format_duration(char *buf, unsigned ms);

#define VALUES_DECIMAL_LEN 16

/** values_format_decimal - @number of 10^-@places: "0.5", "1"; returns @buf */
char *values_format_decimal(char *buf, unsigned number, unsigned places);

/** values_store - @number into the key's field of one or four bytes */
void values_store(const struct config_key *key, void *object, unsigned number);

/** values_leading_number - the digits at the beginning of @text; UINT64_MAX / 20 and more is as
 * good as that; @rest: what follows them */
uint64_t values_leading_number(const char *text, const char **rest);

/** values_has_leading_zero - 010 is eight to some and ten to others: an error is added */
bool values_has_leading_zero(struct reader *r, const struct config_key *key,
			     const struct config_value *value);

/** values_is_too_long - more than key->max characters: an error is added */
bool values_is_too_long(struct reader *r, const struct config_key *key,
			const struct config_value *value);

/** values_text - the scalar's text, or NULL (an error is added): not a scalar, or has a NUL in it
 */
const char *values_text(struct reader *r, const struct config_key *key,
			const struct config_value *value);

/** values_find_word - the word of the key that @text is, or NULL; the key may have none */
const struct config_word *values_find_word(const struct config_key *key, const char *text);

/** values_word - the word of the key that the value is, or NULL (an error is added) */
const struct config_word *values_word(struct reader *r, const struct config_key *key,
				      const struct config_value *value);

/** values_field - the key's field in @object */
static inline void *values_field(const struct config_key *key, void *object)
{
	return (char *)object + key->offset;
}

#endif
