/* SPDX-License-Identifier: GPL-2.0-only */
#include <stdio.h>
#include <string.h>

#include "plan/diff_parts.h"

#define NAMES_LEN 256
#define PROBE_LEN 64

static const char *const probe_names[] = {
	[PROBE_NONE] = "none",	 [PROBE_TCP] = "tcp",	[PROBE_HTTP] = "http",
	[PROBE_HTTPS] = "https", [PROBE_GRPC] = "grpc", [PROBE_UDP] = "udp",
	[PROBE_DNS] = "dns",	 [PROBE_ICMP] = "icmp", [PROBE_EXEC] = "exec",
};

/* Keys of `health:` and where they are kept; those of more than one field have more than one row.
 */
struct health_key {
	const char *name;
	size_t offset;
	size_t size;
};

#define KEY(name, field)                                                                           \
	{                                                                                          \
		name, offsetof(struct model_health, field),                                        \
			sizeof(((struct model_health *)NULL)->field)                               \
	}

static const struct health_key keys[] = {
	KEY("via", via_vip),
	KEY("fast_interval", fast_interval_ms),
	KEY("timeout", timeout_ms),
	KEY("rise", rise),
	KEY("fall", fall),
	KEY("jitter", jitter_percent),
	KEY("backoff", backoff_ms),
	KEY("damping", flap_limit),
	KEY("damping", flap_window_ms),
	KEY("damping", flap_hold_ms),
	KEY("port", port),
	KEY("method", method),
	KEY("path", path),
	KEY("host", host),
	KEY("expect", expect_status),
	KEY("expect", expect),
	KEY("body", body),
	KEY("tls", tls),
	KEY("service", grpc_service),
	KEY("send", send),
	KEY("query", query_name),
	KEY("query_type", query_type),
	KEY("rcodes", expect_rcodes),
	KEY("command", command),
};

/* Whether @from would be another probe with this key of @to. */
static bool is_key_changed(const struct health_key *key, const struct model_health *from,
			   const struct model_health *to)
{
	struct model_health mixed = *from;

	memcpy((char *)&mixed + key->offset, (const char *)to + key->offset, key->size);
	return !model_health_equal(from, &mixed);
}

static void list_changed_keys(const struct model_health *from, const struct model_health *to,
			      char *buf)
{
	const char *last = "";
	size_t length = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (strcmp(keys[i].name, last) == 0 || !is_key_changed(&keys[i], from, to))
			continue;
		last = keys[i].name;
		length += (size_t)snprintf(buf + length, NAMES_LEN - length, "%s%s",
					   length ? ", " : "", last);
	}
}

static const char *format_probe(const struct model_health *health, char *buf)
{
	char interval[CHANGES_DURATION_LEN];

	if (health->type == PROBE_NONE)
		return "none";
	snprintf(buf, PROBE_LEN, "%s every %s", probe_names[health->type],
		 changes_format_duration(health->interval_ms, interval));
	return buf;
}

void diff_health(struct changes *c, const struct model_health *from, const struct model_health *to)
{
	static const struct changes_nature plain_change = { .kind = DIFF_CHANGED };
	char old_probe[PROBE_LEN], new_probe[PROBE_LEN], names[NAMES_LEN];
	const char *old = format_probe(from, old_probe), *new = format_probe(to, new_probe);

	if (model_health_equal(from, to))
		return;
	list_changed_keys(from, to, names);
	/* what another kind of probe asks for is not worth a word */
	if (from->type != to->type || !names[0])
		changes_add(c, plain_change, "health %s -> %s", old, new);
	else if (strcmp(old, new) != 0)
		changes_add(c, plain_change, "health %s -> %s; changed: %s", old, new, names);
	else
		changes_add(c, plain_change, "health %s; changed: %s", new, names);
}
