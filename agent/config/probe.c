/* SPDX-License-Identifier: GPL-2.0-only */
#include "config/probe.h"

#include <netinet/in.h>
#include <string.h>

#include "config/schema.h"
#include "config/values.h"

void probe_finish_timeout(struct reader *r, unsigned *timeout_ms, unsigned interval_ms,
			  const struct config_mark *timeout, const struct config_mark *interval)
{
	char is[VALUES_DURATION_LEN];
	char most[VALUES_DURATION_LEN];

	if (!timeout->is_given) {
		*timeout_ms = interval_ms < DEFAULT_PROBE_TIMEOUT_MS ? interval_ms
								     : DEFAULT_PROBE_TIMEOUT_MS;
		return;
	}
	if (timeout->is_wrong || interval->is_wrong || *timeout_ms <= interval_ms)
		return;
	reader_add(r, timeout->pos,
		   "timeout: %s is longer than the interval of %s; it must be at most that",
		   values_format_duration(is, *timeout_ms),
		   values_format_duration(most, interval_ms));
}

/* What is twice as often must not be longer, and what backs off must not be shorter. */
static void check_intervals(struct reader *r, const struct model_health *health,
			    const struct config_mark *marks)
{
	char is[VALUES_DURATION_LEN];
	char interval[VALUES_DURATION_LEN];

	if (marks[HEALTH_INTERVAL].is_wrong)
		return;
	values_format_duration(interval, health->interval_ms);
	if (keys_is_usable(&marks[HEALTH_FAST_INTERVAL]) &&
	    health->fast_interval_ms > health->interval_ms)
		reader_add(r, marks[HEALTH_FAST_INTERVAL].pos,
			   "fast_interval: %s is longer than the interval of %s; it must be at "
			   "most that",
			   values_format_duration(is, health->fast_interval_ms), interval);
	if (keys_is_usable(&marks[HEALTH_BACKOFF]) && health->backoff_ms &&
	    health->backoff_ms <= health->interval_ms)
		reader_add(r, marks[HEALTH_BACKOFF].pos,
			   "backoff: %s is not longer than the interval of %s; it must be, or none",
			   values_format_duration(is, health->backoff_ms), interval);
}

static void check_body(struct reader *r, const struct model_health *health,
		       const struct config_mark *marks)
{
	if (keys_is_usable(&marks[HEALTH_BODY]) && keys_is_usable(&marks[HEALTH_METHOD]) &&
	    strcmp(health->method, "HEAD") == 0)
		reader_add(r, marks[HEALTH_BODY].key_pos,
			   "body: a reply to HEAD has no body; choose method: GET");
}

static void check_via(struct reader *r, const struct model_service *service,
		      const struct config_mark *via)
{
	if (keys_is_usable(via) && service->health.via_vip && service->forward == LB_FORWARD_NAT)
		reader_add(r, via->pos,
			   "via: a backend of forward: nat does not have the VIP; choose via: "
			   "backend, or forward: dsr");
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
	keys_preset(r, &schema_health, marks, health);
	if (health->type == PROBE_NONE)
		return;
	if (health->type == PROBE_HTTPS && !marks[HEALTH_TLS].is_given)
		health->tls.is_on = true; /* with the zeros that are the defaults of its keys */
	probe_finish_timeout(r, &health->timeout_ms, health->interval_ms, &marks[HEALTH_TIMEOUT],
			     &marks[HEALTH_INTERVAL]);
	check_intervals(r, health, marks);
	check_body(r, health, marks);
	check_via(r, service, &marks[HEALTH_VIA]);
}

void probe_finish_tls(struct reader *r, const struct config_mark *marks, void *tls)
{
	const struct config_mark *cert = &marks[TLS_CERT];
	const struct config_mark *key = &marks[TLS_KEY];
	const struct model_tls *settings = tls;

	if (cert->is_given && !key->is_given)
		reader_add(r, cert->key_pos, "cert: needs its private key; give key as well");
	if (key->is_given && !cert->is_given)
		reader_add(r, key->key_pos, "key: needs its certificate; give cert as well");
	if (marks[TLS_CA].is_given && settings->verify == VERIFY_NONE)
		reader_add(r, marks[TLS_CA].key_pos,
			   "ca: has no effect with verify: none; remove it, or choose verify: full "
			   "or ca");
}
