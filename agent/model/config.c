/* SPDX-License-Identifier: GPL-2.0-only */
#include "model/config.h"

#include <stdlib.h>
#include <string.h>

static void free_service(struct model_service *s)
{
	for (size_t i = 0; i < s->backend_count; i++)
		free(s->backends[i].name);
	free(s->backends);
	free(s->health.method);
	free(s->health.path);
	free(s->health.host);
	free(s->health.body);
	free(s->name);
}

void model_config_free(struct model_config *config)
{
	if (!config)
		return;
	for (size_t i = 0; i < config->service_count; i++)
		free_service(&config->services[i]);
	free(config->services);
	free(config->interfaces);
	free(config);
}

static bool is_same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

bool model_health_equal(const struct model_health *a, const struct model_health *b)
{
	return a->type == b->type && a->interval_ms == b->interval_ms &&
	       a->timeout_ms == b->timeout_ms && a->rise == b->rise && a->fall == b->fall &&
	       a->jitter_percent == b->jitter_percent && a->port == b->port &&
	       is_same_text(a->method, b->method) && is_same_text(a->path, b->path) &&
	       is_same_text(a->host, b->host) && is_same_text(a->body, b->body) &&
	       memcmp(a->expect_status, b->expect_status, sizeof(a->expect_status)) == 0;
}

unsigned model_table_size(size_t backends)
{
	static const unsigned ladder[] = { LB_TABLE_MIN, 8191,	 16381,	 32749,		 65537,
					   131071,	 262139, 524287, MODEL_TABLE_MAX };
	size_t last = sizeof(ladder) / sizeof(ladder[0]) - 1;
	size_t step = 0;

	while (step < last && ladder[step] / 100 < backends)
		step++;
	return ladder[step];
}

uint64_t model_slots_needed(const struct model_config *config)
{
	uint64_t slots = 0;

	for (size_t i = 0; i < config->service_count; i++)
		slots += (config->services[i].table_size + LB_SLOTS_PER_ROW - 1) /
			 LB_SLOTS_PER_ROW * LB_SLOTS_PER_ROW;
	return slots;
}

bool model_is_prime(unsigned n)
{
	if (n < 4)
		return n >= 2;
	if (n % 2 == 0)
		return false;
	for (unsigned d = 3; (uint64_t)d * d <= n; d += 2) {
		if (n % d == 0)
			return false;
	}
	return true;
}
