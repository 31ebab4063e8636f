/* SPDX-License-Identifier: GPL-2.0-only */
#include "api/query.h"

#include <errno.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/queue.h>

#include "model/addr.h"

/* how much of a client's text a message repeats */
#define ECHO "%.64s"

__attribute__((format(printf, 2, 3))) static int query_refuse(struct api_query_error *error,
							      const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(error->text, sizeof(error->text), format, args);
	va_end(args);
	return -EINVAL;
}

static bool query_is_known(const char *name, const char *const *known)
{
	for (; *known; known++) {
		if (strcmp(*known, name) == 0)
			return true;
	}
	return false;
}

static void query_join(const char *const *names, char *buf, size_t size)
{
	size_t used = 0;

	buf[0] = '\0';
	for (const char *const *name = names; *name && used < size; name++)
		used += (size_t)snprintf(buf + used, size - used, "%s%s", used ? ", " : "", *name);
}

static int query_refuse_name(const char *name, const char *const *known,
			     struct api_query_error *error)
{
	char names[128];

	if (!known[0])
		return query_refuse(error, "unknown parameter \"" ECHO "\": this path takes none",
				    name);
	query_join(known, names, sizeof(names));
	return query_refuse(error, "unknown parameter \"" ECHO "\": this path takes %s", name,
			    names);
}

int api_query_parse(const char *query, const char *const *known, struct evkeyvalq *out,
		    struct api_query_error *error)
{
	struct evkeyval *one;

	TAILQ_INIT(out);
	if (!query || !*query)
		return 0;
	/* a decoded NUL would hide what follows it */
	if (strstr(query, "%00") || evhttp_parse_query_str(query, out) != 0)
		return query_refuse(error, "cannot read the query: write name=value&name=value");
	TAILQ_FOREACH (one, out, next) {
		if (!query_is_known(one->key, known))
			return query_refuse_name(one->key, known, error);
		for (struct evkeyval *other = TAILQ_NEXT(one, next); other;
		     other = TAILQ_NEXT(other, next)) {
			if (strcmp(one->key, other->key) == 0)
				return query_refuse(error, "parameter \"%s\" is given twice",
						    one->key);
		}
	}
	return 0;
}

/* parameter names here are lower case, and evhttp_find_header would not care */
static const char *query_find(const struct evkeyvalq *query, const char *name)
{
	struct evkeyval *one;

	TAILQ_FOREACH (one, query, next) {
		if (strcmp(one->key, name) == 0)
			return one->value;
	}
	return NULL;
}

int api_query_get_flag(const struct evkeyvalq *query, const char *name, bool *out,
		       struct api_query_error *error)
{
	const char *value = query_find(query, name);

	if (!value || strcmp(value, "0") == 0 || strcmp(value, "false") == 0) {
		*out = false;
		return 0;
	}
	if (strcmp(value, "1") == 0 || strcmp(value, "true") == 0) {
		*out = true;
		return 0;
	}
	return query_refuse(error, "%s=" ECHO " is neither yes nor no: write %s=1 or %s=0", name,
			    value, name, name);
}

static int query_get_address(const struct evkeyvalq *query, const char *name,
			     struct lb_addr *address, unsigned *port, struct api_query_error *error)
{
	const char *value = query_find(query, name);

	if (!value)
		return query_refuse(error, "parameter \"%s\" is missing: write %s=ADDRESS:PORT",
				    name, name);
	if (addr_parse_port(value, false, address, port) != 0 || *port == 0)
		return query_refuse(error,
				    "%s=" ECHO " is not an address and port: write 192.0.2.1:80 "
				    "or [2001:db8::1]:80",
				    name, value);
	return 0;
}

static int query_get_protocol(const struct evkeyvalq *query, unsigned *proto,
			      struct api_query_error *error)
{
	const char *value = query_find(query, "protocol");

	if (!value || strcmp(value, "tcp") == 0)
		*proto = IPPROTO_TCP;
	else if (strcmp(value, "udp") == 0)
		*proto = IPPROTO_UDP;
	else
		return query_refuse(error, "protocol=" ECHO " is unknown: write tcp or udp", value);
	return 0;
}

int api_query_get_explain(const struct evkeyvalq *query, struct api_explain_query *out,
			  struct api_query_error *error)
{
	struct api_explain_query packet = {};
	int err;

	err = query_get_address(query, "client", &packet.client, &packet.client_port, error);
	if (err)
		return err;
	err = query_get_address(query, "vip", &packet.vip, &packet.vip_port, error);
	if (err)
		return err;
	err = query_get_protocol(query, &packet.proto, error);
	if (err)
		return err;
	if (addr_is_v4(&packet.client) != addr_is_v4(&packet.vip))
		return query_refuse(error,
				    "client is IPv%u and vip is IPv%u: one packet has one "
				    "family",
				    addr_family(&packet.client), addr_family(&packet.vip));
	*out = packet;
	return 0;
}
