/* SPDX-License-Identifier: GPL-2.0-only */
#include "model/config.h"

#include <stdlib.h>
#include <string.h>

static void free_health(struct model_health *h)
{
	for (size_t i = 0; h->command && h->command[i]; i++)
		free(h->command[i]);
	free(h->command);
	free(h->query_name);
	free(h->expect.bytes);
	free(h->send.bytes);
	free(h->grpc_service);
	free(h->tls.key_file);
	free(h->tls.cert_file);
	free(h->tls.sni);
	free(h->tls.ca_file);
	free(h->body);
	free(h->host);
	free(h->path);
	free(h->method);
}

static void free_service(struct model_service *s)
{
	for (size_t i = 0; i < s->backend_count; i++)
		free(s->backends[i].name);
	for (size_t i = 0; i < s->group_count; i++)
		free(s->groups[i].name);
	free(s->backends);
	free(s->groups);
	free_health(&s->health);
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

static bool is_same_bytes(const struct model_bytes *a, const struct model_bytes *b)
{
	if (!a->bytes || !b->bytes)
		return a->bytes == b->bytes;
	return a->size == b->size && memcmp(a->bytes, b->bytes, a->size) == 0;
}

static bool is_same_command(char *const *a, char *const *b)
{
	if (!a || !b)
		return a == b;
	for (; *a && *b; a++, b++) {
		if (strcmp(*a, *b) != 0)
			return false;
	}
	return !*a && !*b;
}

static bool is_same_tls(const struct model_tls *a, const struct model_tls *b)
{
	return a->is_on == b->is_on && a->verify == b->verify &&
	       is_same_text(a->ca_file, b->ca_file) && is_same_text(a->sni, b->sni) &&
	       is_same_text(a->cert_file, b->cert_file) && is_same_text(a->key_file, b->key_file);
}

static bool is_same_timing(const struct model_health *a, const struct model_health *b)
{
	return a->interval_ms == b->interval_ms && a->fast_interval_ms == b->fast_interval_ms &&
	       a->timeout_ms == b->timeout_ms && a->rise == b->rise && a->fall == b->fall &&
	       a->jitter_percent == b->jitter_percent && a->backoff_ms == b->backoff_ms &&
	       a->flap_limit == b->flap_limit && a->flap_window_ms == b->flap_window_ms &&
	       a->flap_hold_ms == b->flap_hold_ms;
}

static bool is_same_http(const struct model_health *a, const struct model_health *b)
{
	return is_same_text(a->method, b->method) && is_same_text(a->path, b->path) &&
	       is_same_text(a->host, b->host) && is_same_text(a->body, b->body) &&
	       memcmp(a->expect_status, b->expect_status, sizeof(a->expect_status)) == 0;
}

static bool is_same_dns(const struct model_health *a, const struct model_health *b)
{
	return is_same_text(a->query_name, b->query_name) && a->query_type == b->query_type &&
	       a->expect_rcodes == b->expect_rcodes;
}

bool model_health_equal(const struct model_health *a, const struct model_health *b)
{
	return a->type == b->type && a->via_vip == b->via_vip && a->port == b->port &&
	       is_same_timing(a, b) && is_same_http(a, b) && is_same_tls(&a->tls, &b->tls) &&
	       is_same_text(a->grpc_service, b->grpc_service) &&
	       is_same_bytes(&a->send, &b->send) && is_same_bytes(&a->expect, &b->expect) &&
	       is_same_dns(a, b) && is_same_command(a->command, b->command);
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
