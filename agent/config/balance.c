/* SPDX-License-Identifier: GPL-2.0-only */
#include "config/balance.h"

#include <netinet/in.h>

#include "config/probe.h"
#include "config/schema.h"
#include "model/addr.h"

#define NO_BOUND 1000 /* permille */

/* ---- sections ---- */

void balance_finish_panic(struct reader *r, const struct config_mark *marks, void *panic)
{
	(void)panic;
	if (marks[PANIC_MODE].is_given && !marks[PANIC_THRESHOLD].is_given)
		reader_add(r, marks[PANIC_MODE].key_pos,
			   "mode: has no effect without a threshold; for example threshold: 30%%");
}

void balance_finish_agent_check(struct reader *r, const struct config_mark *marks, void *check)
{
	struct model_agent_check *settings = check;

	probe_finish_timeout(r, &settings->timeout_ms, settings->interval_ms,
			     &marks[AGENT_CHECK_TIMEOUT], &marks[AGENT_CHECK_INTERVAL]);
}

void balance_finish_passive(struct reader *r, const struct config_mark *marks, void *passive)
{
	const struct model_passive *settings = passive;
	unsigned below = 1;

	if (marks[PASSIVE_SAMPLE].is_wrong || !(settings->sample & (settings->sample - 1)))
		return;
	while (below * 2 < settings->sample)
		below *= 2;
	reader_add(r, marks[PASSIVE_SAMPLE].pos,
		   "sample: %u is not a power of two; the nearest are %u and %u", settings->sample,
		   below, below * 2);
}

/* ---- a service ---- */

/* UDP has no handshake to time or to miss, and its clients do not come back by connections. */
static void refuse_tcp_keys(struct reader *r, const struct model_service *service,
			    const struct config_mark *keys)
{
	for (size_t i = 0; i < schema_service.count; i++) {
		const struct config_key *key = &schema_service.keys[i];

		if (key->is_tcp && keys[i].is_given && keys_applies(&schema_service, key, service))
			reader_add(r, keys[i].key_pos,
				   "%s: only a service of protocol tcp has it; this one is udp",
				   key->name);
	}
	if (keys_is_usable(&keys[SERVICE_WEIGHTS]) && service->is_adaptive)
		reader_add(r, keys[SERVICE_WEIGHTS].pos,
			   "weights: adaptive is only for protocol tcp, and this one is udp; "
			   "choose static");
	if (keys_is_usable(&keys[SERVICE_SCHEDULER]) &&
	    service->scheduler == SCHEDULER_LEAST_RESPONSE)
		reader_add(r, keys[SERVICE_SCHEDULER].pos,
			   "scheduler: least_response is only for protocol tcp, and this one is "
			   "udp; choose least_conn");
}

static void check_adaptive(struct reader *r, const struct model_service *service,
			   const struct config_mark *keys)
{
	if (keys[SERVICE_WEIGHTS].is_wrong)
		return;
	if (service->is_adaptive && !keys[SERVICE_AGENT_CHECK].is_given)
		reader_add(r, keys[SERVICE_WEIGHTS].pos,
			   "weights: adaptive needs the load that an agent check reports; for "
			   "example agent_check: {port: 8081}");
	if (!service->is_adaptive && keys[SERVICE_ADAPTIVE].is_given)
		reader_add(r, keys[SERVICE_ADAPTIVE].key_pos,
			   "adaptive: has no effect with weights: static; choose weights: "
			   "adaptive");
}

static void check_source_prefix(struct reader *r, const struct model_service *service,
				const struct config_mark *keys)
{
	const struct config_mark *mark = &keys[SERVICE_SOURCE_PREFIX6];
	char vip[ADDR_STRLEN];

	if (!keys_is_usable(mark) || keys[SERVICE_VIP].is_wrong ||
	    keys[SERVICE_SCHEDULER].is_wrong || keys[SERVICE_HASH].is_wrong ||
	    keys[SERVICE_AFFINITY].is_wrong)
		return;
	if (addr_is_v4(&service->vip))
		reader_add(r, mark->key_pos,
			   "source_prefix6: has no effect, because clients of the VIP %s are IPv4",
			   addr_format(&service->vip, vip));
	else if (!model_service_is_masked(service) && !service->affinity_ms)
		reader_add(r, mark->key_pos,
			   "source_prefix6: has no effect without scheduler: source_hash, hash: "
			   "source or affinity");
}

/* Where slots are not moved with care, there is no bound. */
static void finish_churn(struct model_service *service)
{
	if (service->proto == IPPROTO_TCP && model_scheduler_is_hash(service->scheduler))
		return;
	service->churn.max_moves_permille = NO_BOUND;
}

void balance_finish(struct reader *r, struct model_service *service,
		    const struct service_source *source)
{
	const struct config_mark *keys = source->keys;

	if (!keys[SERVICE_PROTOCOL].is_wrong && service->proto == IPPROTO_UDP)
		refuse_tcp_keys(r, service, keys);
	else
		check_adaptive(r, service, keys);
	check_source_prefix(r, service, keys);
	finish_churn(service);
}
