/* SPDX-License-Identifier: GPL-2.0-only */
#include "health/target.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model/addr.h"

static const struct probe_kind *const kinds[] = {
	[PROBE_TCP] = &probe_tcp,
	[PROBE_HTTP] = &probe_http,
};

static int copy_text(char **text)
{
	if (!*text)
		return 0;
	*text = strdup(*text);
	return *text ? 0 : -ENOMEM;
}

static void free_settings(struct model_health *s)
{
	free(s->method);
	free(s->path);
	free(s->host);
	free(s->body);
}

static int copy_settings(struct model_health *to, const struct model_health *from)
{
	int err = 0;

	*to = *from;
	/* all four, whatever fails: none may be left pointing at the caller's */
	err |= copy_text(&to->method);
	err |= copy_text(&to->path);
	err |= copy_text(&to->host);
	err |= copy_text(&to->body);
	if (!err)
		return 0;
	free_settings(to);
	return -ENOMEM;
}

static void set_socket_address(struct target *t)
{
	in_port_t port_be = htons((uint16_t)(t->settings.port ? t->settings.port : t->port));

	if (addr_is_v4(&t->address)) {
		t->to.v4 = (struct sockaddr_in) { .sin_family = AF_INET, .sin_port = port_be };
		t->to.v4.sin_addr.s_addr = t->address.words[3];
		t->to_len = sizeof(t->to.v4);
	} else {
		t->to.v6 = (struct sockaddr_in6) { .sin6_family = AF_INET6, .sin6_port = port_be };
		memcpy(&t->to.v6.sin6_addr, t->address.bytes, sizeof(t->address.bytes));
		t->to_len = sizeof(t->to.v6);
	}
}

int target_new(struct health *h, const struct lb_addr *address, unsigned port,
	       const struct model_health *settings, struct target **out)
{
	struct target *t;
	int err;

	if (settings->type != PROBE_TCP && settings->type != PROBE_HTTP)
		return -EINVAL;
	t = calloc(1, sizeof(*t));
	if (!t)
		return -ENOMEM;
	err = copy_settings(&t->settings, settings);
	if (err) {
		free(t);
		return err;
	}
	t->health = h;
	t->address = *address;
	t->port = port;
	t->kind = kinds[settings->type];
	set_socket_address(t);
	err = t->kind->open(t);
	if (err) {
		free_settings(&t->settings);
		free(t);
		return err;
	}
	*out = t;
	return 0;
}

void target_free(struct target *t)
{
	t->kind->close(t);
	free_settings(&t->settings);
	free(t);
}

bool target_is_at(const struct target *t, const struct lb_addr *address, unsigned port)
{
	return t->port == port && addr_compare(&t->address, address) == 0;
}

void target_inherit(struct target *t, const struct target *old)
{
	t->state = old->state;
	t->is_adopted = old->is_adopted;
	t->is_phased = old->is_phased;
}
