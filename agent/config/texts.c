/* SPDX-License-Identifier: GPL-2.0-only */
/* Names, texts, keys in hexadecimal and addresses. */
#include <net/if.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "config/errors.h"
#include "config/values.h"
#include "model/addr.h"
#include "model/config.h"

#define NAME_CHARACTERS "abcdefghijklmnopqrstuvwxyz0123456789._-"

static bool store_copy(struct reader *r, const struct config_key *key, const char *text,
		       void *object)
{
	char *copy = strdup(text);

	if (!copy)
		return reader_no_memory(r);
	memcpy(values_field(key, object), &copy, sizeof(copy));
	return true;
}

bool values_is_too_long(struct reader *r, const struct config_key *key,
			const struct config_value *value)
{
	char quoted[ERRORS_QUOTED];

	if (value->length <= key->max)
		return false;
	reader_add(r, value->pos, "%s: %s has %zu characters; at most %u are possible", key->name,
		   errors_quote(quoted, value->text, value->length), value->length, key->max);
	return true;
}

/* A text that is there, is one, and is not too long; else an error and NULL. */
static const char *some_text(struct reader *r, const struct config_key *key,
			     const struct config_value *value)
{
	const char *text = values_text(r, key, value);

	if (text && value->length == 0)
		keys_expected(r, key, value);
	else if (text && !values_is_too_long(r, key, value))
		return text;
	return NULL;
}

static bool read_name(struct reader *r, const struct config_key *key,
		      const struct config_value *value, void *object)
{
	const char *text = some_text(r, key, value);
	char quoted[ERRORS_QUOTED];

	if (!text)
		return false;
	if (text[strspn(text, NAME_CHARACTERS)])
		return reader_add(r, value->pos,
				  "%s: %s has characters other than a-z, 0-9, dot, underscore and "
				  "hyphen",
				  key->name, errors_quote(quoted, text, value->length));
	return store_copy(r, key, text, object);
}

static bool has_control(const char *text, bool is_blank_wrong)
{
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c < ' ' || c == 0x7f || (is_blank_wrong && c == ' '))
			return true;
	}
	return false;
}

static bool read_text(struct reader *r, const struct config_key *key,
		      const struct config_value *value, void *object)
{
	const char *text = some_text(r, key, value);
	char quoted[ERRORS_QUOTED];

	if (!text)
		return false;
	if (has_control(text, false))
		return reader_add(r, value->pos,
				  "%s: %s has control characters; it must be one line of "
				  "text",
				  key->name, errors_quote(quoted, text, value->length));
	return store_copy(r, key, text, object);
}

/* What goes into a request must not be able to end its line. */
static bool read_token(struct reader *r, const struct config_key *key,
		       const struct config_value *value, void *object)
{
	const char *text = some_text(r, key, value);
	char quoted[ERRORS_QUOTED];

	if (!text)
		return false;
	if (has_control(text, true))
		return reader_add(r, value->pos,
				  "%s: %s has blanks or control characters; it must "
				  "have none",
				  key->name, errors_quote(quoted, text, value->length));
	return store_copy(r, key, text, object);
}

static bool read_path(struct reader *r, const struct config_key *key,
		      const struct config_value *value, void *object)
{
	char quoted[ERRORS_QUOTED];

	if (value->text && value->length > 0 && value->text[0] != '/')
		return reader_add(r, value->pos,
				  "%s: %s does not begin with /; for example /health", key->name,
				  errors_quote(quoted, value->text, value->length));
	return read_token(r, key, value, object);
}

static bool read_file(struct reader *r, const struct config_key *key,
		      const struct config_value *value, void *object)
{
	char quoted[ERRORS_QUOTED];

	if (value->text && value->length > 0 && value->text[0] != '/')
		return reader_add(r, value->pos,
				  "%s: %s does not begin with /; give an absolute path such as "
				  "/etc/leat/%s.pem",
				  key->name, errors_quote(quoted, value->text, value->length),
				  key->name);
	return read_text(r, key, value, object);
}

static bool read_server_name(struct reader *r, const struct config_key *key,
			     const struct config_value *value, void *object)
{
	struct lb_addr address;

	if (value->text && addr_parse(value->text, &address) == 0)
		return reader_add(r, value->pos,
				  "%s: %s is an address; it must be a name such as www.example.com",
				  key->name, value->text);
	return read_token(r, key, value, object);
}

/* What is wrong with a name in the DNS; NULL: nothing. RFC 1035, section 2.3.4. */
static const char *dns_name_fault(const char *name)
{
	size_t length = strlen(name);

	if (strcmp(name, ".") == 0)
		return NULL;
	if (length - (name[length - 1] == '.') > 253)
		return "is longer than 253 characters";
	while (*name) {
		size_t label = strcspn(name, ".");

		if (label == 0)
			return "has an empty label";
		if (label > 63)
			return "has a label of more than 63 characters";
		name += label + (name[label] == '.');
	}
	return NULL;
}

static bool read_dns_name(struct reader *r, const struct config_key *key,
			  const struct config_value *value, void *object)
{
	const char *text = some_text(r, key, value);
	const char *fault = text ? dns_name_fault(text) : NULL;
	char quoted[ERRORS_QUOTED];

	if (!text)
		return false;
	if (fault)
		return reader_add(r, value->pos, "%s: %s %s; for example www.example.com",
				  key->name, errors_quote(quoted, text, value->length), fault);
	return read_token(r, key, value, object);
}

static bool read_method(struct reader *r, const struct config_key *key,
			const struct config_value *value, void *object)
{
	const struct config_word *word = values_word(r, key, value);

	return word && store_copy(r, key, word->text, object);
}

static bool read_ifname(struct reader *r, const struct config_key *key,
			const struct config_value *value, void *object)
{
	const char *text = some_text(r, key, value);
	char quoted[ERRORS_QUOTED];

	if (!text)
		return false;
	if (has_control(text, true) || strpbrk(text, "/:") || strcmp(text, ".") == 0 ||
	    strcmp(text, "..") == 0)
		return reader_add(r, value->pos,
				  "%s: %s cannot be the name of an interface; `ip link` shows them",
				  key->name, errors_quote(quoted, text, value->length));
	memcpy(values_field(key, object), text, value->length + 1);
	return true;
}

static bool read_hash_key(struct reader *r, const struct config_key *key,
			  const struct config_value *value, void *object)
{
	const char *text = values_text(r, key, value);
	struct model_config *config = object;
	char quoted[ERRORS_QUOTED];
	char half[17] = "";

	if (!text)
		return false;
	if (value->length != 32 || text[strspn(text, "0123456789abcdefABCDEF")])
		return reader_add(r, value->pos,
				  "%s: %s is not a key of 32 hexadecimal digits; "
				  "`openssl rand -hex 16` makes one",
				  key->name, errors_quote(quoted, text, value->length));
	memcpy(half, text, 16);
	config->hash_key[0] = strtoull(half, NULL, 16);
	config->hash_key[1] = strtoull(text + 16, NULL, 16);
	config->has_hash_key = true;
	return true;
}

#define SERVER_ID_MAX 8 /* bytes */

static bool read_server_id(struct reader *r, const struct config_key *key,
			   const struct config_value *value, void *object)
{
	const char *text = values_text(r, key, value);
	struct model_backend *backend = object;
	char quoted[ERRORS_QUOTED];

	if (!text)
		return false;
	if (value->length == 0)
		return keys_expected(r, key, value);
	if (value->length % 2 || value->length > 2 * SERVER_ID_MAX ||
	    text[strspn(text, "0123456789abcdefABCDEF")])
		return reader_add(r, value->pos,
				  "%s: %s is not 1 to %d bytes of two hexadecimal digits each; for "
				  "example \"0a0b\"",
				  key->name, errors_quote(quoted, text, value->length),
				  SERVER_ID_MAX);
	backend->server_id = strtoull(text, NULL, 16);
	backend->server_id_length = (unsigned)value->length / 2;
	return true;
}

/* Why packets can neither go to nor come from @a; NULL: they can. */
static const char *address_fault(const struct lb_addr *a)
{
	static const struct lb_addr unspecified, loopback = { .bytes = { [15] = 1 } };
	const __u8 *v4 = &a->bytes[12];

	if (!addr_is_v4(a)) {
		if (addr_compare(a, &unspecified) == 0)
			return "unspecified";
		if (addr_compare(a, &loopback) == 0)
			return "a loopback address";
		return a->bytes[0] == 0xff ? "a multicast address" : NULL;
	}
	if (v4[0] == 0)
		return "unspecified";
	if (v4[0] == 127)
		return "a loopback address";
	if (v4[0] == 255 && v4[1] == 255 && v4[2] == 255 && v4[3] == 255)
		return "the broadcast address";
	return v4[0] >= 224 && v4[0] < 240 ? "a multicast address" : NULL;
}

static bool check_address(struct reader *r, const struct config_key *key,
			  const struct config_value *value, const struct lb_addr *a)
{
	const char *fault = address_fault(a);
	char buf[ADDR_STRLEN];

	if (fault)
		return reader_add(r, value->pos, "%s: %s is %s; give the address of one host",
				  key->name, addr_format(a, buf), fault);
	return true;
}

static bool read_vip(struct reader *r, const struct config_key *key,
		     const struct config_value *value, void *object)
{
	const char *text = values_text(r, key, value);
	struct model_service *service = object;
	char quoted[ERRORS_QUOTED];
	char suggestion[ADDR_PORT_STRLEN];
	struct lb_addr address;
	unsigned port;

	if (!text)
		return false;
	if (addr_parse_port(text, true, &address, &port))
		return keys_expected(r, key, value);
	if (port == 0 && !addr_is_v4(&address) && text[0] != '[')
		return reader_add(r, value->pos,
				  "%s: %s has no brackets and port; IPv6 is written as in "
				  "\"[2001:db8::10]:80\"",
				  key->name, errors_quote(quoted, text, value->length));
	if (port == 0)
		return reader_add(r, value->pos, "%s: %s has no port; for example \"%s\"",
				  key->name, errors_quote(quoted, text, value->length),
				  addr_format_port(&address, 80, suggestion));
	if (!check_address(r, key, value, &address))
		return false;
	service->vip = address;
	service->port = port;
	return true;
}

static bool read_address(struct reader *r, const struct config_key *key,
			 const struct config_value *value, void *object)
{
	const char *text = values_text(r, key, value);
	struct model_backend *backend = object;
	struct lb_addr address;
	unsigned port;

	if (!text)
		return false;
	if (addr_parse_port(text, true, &address, &port))
		return keys_expected(r, key, value);
	if (!check_address(r, key, value, &address))
		return false;
	backend->address = address;
	backend->port = port;
	return true;
}

const struct config_type value_name = { .expects = "a name", .read = read_name };
const struct config_type value_text = { .expects = "a text", .read = read_text };
const struct config_type value_token = { .expects = "a text without blanks", .read = read_token };
const struct config_type value_path = { .expects = "a path such as /health", .read = read_path };
const struct config_type value_file = { .expects = "an absolute path", .read = read_file };
const struct config_type value_server_name = { .expects = "a name such as www.example.com",
					       .read = read_server_name };
const struct config_type value_dns_name = { .expects = "a name such as www.example.com",
					    .read = read_dns_name };
const struct config_type value_method = { .expects = "one of",
					  .before_words = " ",
					  .read = read_method };
const struct config_type value_ifname = { .expects = "the name of an interface",
					  .read = read_ifname };
const struct config_type value_hash_key = { .expects = "32 hexadecimal digits in quotes",
					    .read = read_hash_key };
const struct config_type value_server_id = {
	.expects = "hexadecimal digits in quotes such as \"0a0b\"", .read = read_server_id
};
const struct config_type value_vip = {
	.expects = "an address and port such as 198.51.100.10:80 or, in quotes, "
		   "\"[2001:db8::10]:80\"",
	.read = read_vip,
};
const struct config_type value_address = {
	.expects = "an address, with or without a port, such as 10.0.0.11, 10.0.0.11:8080, "
		   "fd00::11 or, in quotes, \"[fd00::11]:8080\"",
	.read = read_address,
};
