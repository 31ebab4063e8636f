/* SPDX-License-Identifier: GPL-2.0-only */
#include "config/probe.h"

#include <netinet/in.h>
#include <string.h>

#include "config/schema.h"
#include "config/values.h"

static bool is_usable(const struct config_mark *mark)
{
	return mark->is_given && !mark->is_wrong;
}

/* Keys that would do nothing are mistakes, not decoration. */
static void refuse_useless(struct reader *r, enum model_probe type, const struct config_mark *marks)
{
	for (size_t i = 0; i < schema_health.count; i++) {
		const struct config_key *key = &schema_health.keys[i];

		if (!marks[i].is_given || i == HEALTH_TYPE)
			continue;
		if (type == PROBE_NONE)
			reader_add(r, marks[i].key_pos,
				   "%s: has no effect with type: none; remove it, or choose "
				   "type: tcp or http",
				   key->name);
		else if (key->is_http)
			reader_add(r, marks[i].key_pos,
				   "%s: only a check of type: http has it; this one is tcp",
				   key->name);
	}
}

static void finish_timeout(struct reader *r, struct model_health *health,
			   const struct config_mark *marks)
{
	char timeout[VALUES_DURATION_LEN];
	char interval[VALUES_DURATION_LEN];

	if (!marks[HEALTH_TIMEOUT].is_given) {
		health->timeout_ms = health->interval_ms < DEFAULT_PROBE_TIMEOUT_MS
					     ? health->interval_ms
					     : DEFAULT_PROBE_TIMEOUT_MS;
		return;
	}
	if (marks[HEALTH_TIMEOUT].is_wrong || marks[HEALTH_INTERVAL].is_wrong ||
	    health->timeout_ms <= health->interval_ms)
		return;
	reader_add(r, marks[HEALTH_TIMEOUT].pos,
		   "timeout: %s is longer than the interval of %s; it must be at most that",
		   values_format_duration(timeout, health->timeout_ms),
		   values_format_duration(interval, health->interval_ms));
}

static void finish_http(struct reader *r, struct model_health *health,
			const struct config_mark *marks)
{
	keys_preset(r, &schema_health, true, marks, health);
	if (is_usable(&marks[HEALTH_BODY]) && is_usable(&marks[HEALTH_METHOD]) &&
	    strcmp(health->method, "HEAD") == 0)
		reader_add(r, marks[HEALTH_BODY].key_pos,
			   "body: a reply to HEAD has no body; choose method: GET");
}

void probe_finish(struct reader *r, struct model_service *service, struct service_source *source)
{
	const struct config_mark *given = &source->keys[SERVICE_HEALTH];
	const struct config_mark *marks = source->health;
	struct model_health *health = &service->health;

	if (given->is_wrong || marks[HEALTH_TYPE].is_wrong)
		return;
	if (!given->is_given && service->proto != IPPROTO_TCP)
		return; /* PROBE_NONE */
	if (marks[HEALTH_TYPE].is_given && health->type == PROBE_NONE) {
		refuse_useless(r, PROBE_NONE, marks);
		return;
	}
	keys_preset(r, &schema_health, false, marks, health);
	finish_timeout(r, health, marks);
	if (health->type == PROBE_HTTP)
		finish_http(r, health, marks);
	else
		refuse_useless(r, health->type, marks);
}
