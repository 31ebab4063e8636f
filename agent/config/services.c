/* SPDX-License-Identifier: GPL-2.0-only */
#include "config/services.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "config/balance.h"
#include "config/errors.h"
#include "config/groups.h"
#include "config/probe.h"
#include "config/quic.h"
#include "config/schema.h"
#include "model/addr.h"

static struct service_source *source_of(struct reader *r, const struct model_service *service)
{
	return &r->services[service - r->config->services];
}

static bool read_health(struct reader *r, const struct config_key *key,
			const struct config_value *value, void *object)
{
	struct model_service *service = object;

	return keys_section(r, key, value, source_of(r, service)->health, &service->health);
}

/* A backend without a name is called by its address. */
static bool name_backend(struct reader *r, struct model_backend *backend)
{
	char text[ADDR_PORT_STRLEN];

	if (backend->port)
		addr_format_port(&backend->address, backend->port, text);
	else
		addr_format(&backend->address, text);
	backend->name = strdup(text);
	return backend->name || reader_no_memory(r);
}

static void read_backend(struct reader *r, yaml_node_t *node, struct model_backend *backend,
			 struct backend_source *source)
{
	struct config_mark *keys = source->keys;

	backend->pos = keys_value(node).pos;
	source->is_wrong = !keys_read(r, &schema_backend, node, keys, backend);
	if (source->is_wrong)
		return;
	keys_preset(r, &schema_backend, keys, backend);
	if (!keys[BACKEND_NAME].is_given && !keys[BACKEND_ADDRESS].is_wrong)
		name_backend(r, backend);
}

static bool read_backends(struct reader *r, const struct config_key *key,
			  const struct config_value *value, void *object)
{
	struct model_service *service = object;
	struct service_source *source = source_of(r, service);
	const yaml_node_item_t *items;
	size_t count;

	if (!keys_list(r, key, value, LB_MAX_BACKENDS - 1, &items, &count))
		return false;
	if (count > LB_MAX_BACKENDS - 1 - r->backend_count)
		return reader_add(r, value->pos,
				  "%s: these make more than %d in all services; at most that many "
				  "are possible",
				  key->name, LB_MAX_BACKENDS - 1);
	r->backend_count += count;
	service->backends = calloc(count + 1, sizeof(service->backends[0]));
	source->backends = calloc(count + 1, sizeof(source->backends[0]));
	if (!service->backends || !source->backends)
		return reader_no_memory(r);
	service->backend_count = count;
	for (size_t i = 0; i < count && !r->is_full; i++)
		read_backend(r, yaml_document_get_node(r->document, items[i]),
			     &service->backends[i], &source->backends[i]);
	return true;
}

static void add_not_prime(struct reader *r, const struct config_mark *mark, unsigned size)
{
	unsigned below = size;
	unsigned above = size;

	while (!model_is_prime(below))
		below--;
	while (!model_is_prime(above))
		above++;
	reader_add(r, mark->pos, "table_size: %u is not a prime; the nearest are %u and %u", size,
		   below, above);
}

static void finish_table_size(struct reader *r, struct model_service *service,
			      const struct config_mark *mark)
{
	service->has_table_size = mark->is_given;
	if (!mark->is_given)
		service->table_size = model_table_size(service->backend_count);
	else if (mark->is_wrong)
		return;
	else if (!model_is_prime(service->table_size))
		add_not_prime(r, mark, service->table_size);
	else if (service->table_size < service->backend_count)
		reader_add(
			r, mark->pos,
			"table_size: %u is less than the %zu backends; 100 times as many do well, "
			"for example %u",
			service->table_size, service->backend_count,
			model_table_size(service->backend_count));
}

static void finish_backends(struct model_service *service)
{
	for (size_t i = 0; i < service->backend_count; i++) {
		if (!service->backends[i].port)
			service->backends[i].port = service->port;
	}
}

static void read_service(struct reader *r, yaml_node_t *node, struct model_service *service,
			 struct service_source *source)
{
	struct config_mark *keys = source->keys;

	service->pos = keys_value(node).pos;
	source->is_wrong = !keys_read(r, &schema_service, node, keys, service);
	if (source->is_wrong)
		return;
	keys_preset(r, &schema_service, keys, service);
	if (!keys[SERVICE_IDLE_TIMEOUT].is_given)
		service->idle_timeout_ms = service->proto == IPPROTO_UDP
						   ? DEFAULT_IDLE_TIMEOUT_UDP_MS
						   : DEFAULT_IDLE_TIMEOUT_TCP_MS;
	finish_backends(service);
	finish_table_size(r, service, &keys[SERVICE_TABLE_SIZE]);
	probe_finish(r, service, source);
	balance_finish(r, service, source);
	quic_finish(r, service, source);
	groups_finish(r, service, source);
}

static bool read_services(struct reader *r, const struct config_key *key,
			  const struct config_value *value, void *object)
{
	struct model_config *config = object;
	const yaml_node_item_t *items;
	size_t count;

	if (!keys_list(r, key, value, LB_MAX_SERVICES, &items, &count))
		return false;
	config->services = calloc(count + 1, sizeof(config->services[0]));
	r->services = calloc(count + 1, sizeof(r->services[0]));
	if (!config->services || !r->services)
		return reader_no_memory(r);
	config->service_count = count;
	for (size_t i = 0; i < count && !r->is_full; i++)
		read_service(r, yaml_document_get_node(r->document, items[i]), &config->services[i],
			     &r->services[i]);
	return true;
}

const struct config_type value_services = { .expects = "a list of services",
					    .read = read_services };
const struct config_type value_backends = { .expects = "a list of backends",
					    .read = read_backends };
const struct config_type value_health = { .expects = "a mapping such as {type: tcp}",
					  .read = read_health };
