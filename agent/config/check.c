/* SPDX-License-Identifier: GPL-2.0-only */
#include "config/check.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "config/claim.h"
#include "config/schema.h"
#include "model/addr.h"
#include "model/cleanup.h"

static const char *protocol_name(unsigned proto)
{
	return proto == IPPROTO_UDP ? "udp" : "tcp";
}

static bool has_vip(const struct service_source *source)
{
	return !source->is_wrong && !source->keys[SERVICE_VIP].is_wrong &&
	       !source->keys[SERVICE_PROTOCOL].is_wrong;
}

static bool has_address(const struct backend_source *source)
{
	return !source->is_wrong && !source->keys[BACKEND_ADDRESS].is_wrong;
}

/* ---- services ---- */

static void add_repeated_name(struct reader *r, const struct claim *claim,
			      const struct claim *first)
{
	reader_add(r, claim->pos, "name: service \"%s\" is already given on line %u", claim->name,
		   first->pos.line);
}

static void add_repeated_vip(struct reader *r, const struct claim *claim, const struct claim *first)
{
	char text[ADDR_PORT_STRLEN];

	reader_add(r, claim->pos, "vip: %s %s is already served by the service on line %u",
		   addr_format_port(&claim->address, claim->port, text),
		   protocol_name(claim->proto), first->pos.line);
}

static void check_service_names(struct reader *r, struct claim *claims)
{
	const struct model_config *config = r->config;
	size_t count = 0;

	for (size_t i = 0; i < config->service_count; i++) {
		const struct service_source *source = &r->services[i];

		if (source->is_wrong || source->keys[SERVICE_NAME].is_wrong)
			continue;
		claims[count] = (struct claim) { .name = config->services[i].name,
						 .pos = source->keys[SERVICE_NAME].pos,
						 .order = count };
		count++;
	}
	claim_find_repeated(r, claims, count, claim_compare_name, add_repeated_name);
}

/* Each service has a row in the data path, and so has each VIP, for what is no service of it. */
static void check_rows(struct reader *r, const struct claim *sorted, size_t count)
{
	size_t vips = 0;

	for (size_t i = 0; i < count; i++)
		vips += i == 0 || addr_compare(&sorted[i - 1].address, &sorted[i].address) != 0;
	if (count + vips > LB_MAX_SERVICES)
		reader_add(r, r->keys[TOP_SERVICES].pos,
			   "services: %zu services on %zu addresses need %zu rows; at most %d are "
			   "possible",
			   count, vips, count + vips, LB_MAX_SERVICES);
}

static void check_vips(struct reader *r, struct claim *claims)
{
	const struct model_config *config = r->config;
	size_t count = 0;

	for (size_t i = 0; i < config->service_count; i++) {
		const struct model_service *service = &config->services[i];

		if (!has_vip(&r->services[i]))
			continue;
		claims[count] = (struct claim) { .address = service->vip,
						 .port = service->port,
						 .proto = service->proto,
						 .pos = r->services[i].keys[SERVICE_VIP].pos,
						 .order = count };
		count++;
	}
	claim_find_repeated(r, claims, count, claim_compare_address, add_repeated_vip);
	check_rows(r, claims, count);
}

/* ---- the backends of one service ---- */

/* group: whether the name is one of its own; else it is the address as text. */
static void add_repeated_backend_name(struct reader *r, const struct claim *claim,
				      const struct claim *first)
{
	if (!claim->group && !first->group)
		return; /* add_repeated_address's case */
	reader_add(r, claim->pos,
		   "name: backend \"%s\" is already given in this service, on line %u", claim->name,
		   first->pos.line);
}

static void add_repeated_address(struct reader *r, const struct claim *claim,
				 const struct claim *first)
{
	char text[ADDR_PORT_STRLEN];

	reader_add(r, claim->pos,
		   "address: %s is already given in this service, on line %u; a larger share is "
		   "a larger weight",
		   addr_format_port(&claim->address, claim->port, text), first->pos.line);
}

static void check_backend_names(struct reader *r, size_t i, struct claim *claims)
{
	const struct model_service *service = &r->config->services[i];
	size_t count = 0;

	for (size_t j = 0; j < service->backend_count; j++) {
		const struct backend_source *source = &r->services[i].backends[j];
		const struct config_mark *name = &source->keys[BACKEND_NAME];

		if (source->is_wrong || name->is_wrong || !service->backends[j].name)
			continue;
		claims[count] =
			(struct claim) { .name = service->backends[j].name,
					 .pos = name->is_given ? name->pos
							       : source->keys[BACKEND_ADDRESS].pos,
					 .group = name->is_given,
					 .order = count };
		count++;
	}
	claim_find_repeated(r, claims, count, claim_compare_name, add_repeated_backend_name);
}

static void check_backend_addresses(struct reader *r, size_t i, struct claim *claims)
{
	const struct model_service *service = &r->config->services[i];
	size_t count = 0;

	for (size_t j = 0; j < service->backend_count; j++) {
		const struct backend_source *source = &r->services[i].backends[j];

		if (!has_address(source))
			continue;
		claims[count] = (struct claim) { .address = service->backends[j].address,
						 .port = service->backends[j].port,
						 .pos = source->keys[BACKEND_ADDRESS].pos,
						 .order = count };
		count++;
	}
	claim_find_repeated(r, claims, count, claim_compare_address, add_repeated_address);
}

static void check_backend(struct reader *r, const struct model_service *service,
			  const struct model_backend *backend, const struct model_pos pos)
{
	char address[ADDR_PORT_STRLEN];
	char vip[ADDR_PORT_STRLEN];

	if (addr_family(&backend->address) != addr_family(&service->vip))
		reader_add(
			r, pos,
			"address: %s is IPv%u, but the VIP %s is IPv%u; both must be of one family",
			addr_format(&backend->address, address), addr_family(&backend->address),
			addr_format(&service->vip, vip), addr_family(&service->vip));
	else if (addr_compare(&backend->address, &service->vip) == 0)
		reader_add(r, pos, "address: %s is the VIP itself; give the backend's own address",
			   addr_format(&backend->address, address));
	else if (service->forward == LB_FORWARD_DSR && backend->port != service->port)
		reader_add(r, pos,
			   "address: port %u is not the service's %u, and dsr cannot change the "
			   "port; use forward: nat, or port %u",
			   backend->port, service->port, service->port);
}

static void check_backends(struct reader *r, size_t i, struct claim *claims)
{
	const struct model_service *service = &r->config->services[i];
	const struct service_source *source = &r->services[i];

	check_backend_names(r, i, claims);
	if (!has_vip(source))
		return;
	check_backend_addresses(r, i, claims);
	for (size_t j = 0; j < service->backend_count; j++) {
		if (has_address(&source->backends[j]))
			check_backend(r, service, &service->backends[j],
				      source->backends[j].keys[BACKEND_ADDRESS].pos);
	}
}

/* ---- between services ---- */

static void add_shared_backend(struct reader *r, const struct claim *claim,
			       const struct claim *first)
{
	char text[ADDR_PORT_STRLEN];

	if (claim->group == first->group)
		return; /* within one service: add_repeated_address's case */
	reader_add(r, claim->pos,
		   "address: %s %s is already a nat backend of service \"%s\", on line %u; a reply "
		   "could not be told apart: give the backend another port or address",
		   addr_format_port(&claim->address, claim->port, text),
		   protocol_name(claim->proto), first->name ? first->name : "", first->pos.line);
}

static size_t claim_nat_backends(const struct reader *r, size_t i, struct claim *claims,
				 size_t count)
{
	const struct model_service *service = &r->config->services[i];

	for (size_t j = 0; j < service->backend_count; j++) {
		const struct backend_source *source = &r->services[i].backends[j];

		if (!has_address(source))
			continue;
		claims[count] = (struct claim) { .address = service->backends[j].address,
						 .port = service->backends[j].port,
						 .proto = service->proto,
						 .name = service->name,
						 .group = i,
						 .pos = source->keys[BACKEND_ADDRESS].pos,
						 .order = count };
		count++;
	}
	return count;
}

static void check_shared_backends(struct reader *r, struct claim *claims)
{
	const struct model_config *config = r->config;
	size_t count = 0;

	for (size_t i = 0; i < config->service_count; i++) {
		if (config->services[i].forward == LB_FORWARD_NAT && has_vip(&r->services[i]))
			count = claim_nat_backends(r, i, claims, count);
	}
	claim_find_repeated(r, claims, count, claim_compare_address, add_shared_backend);
}

static void check_slots(struct reader *r)
{
	uint64_t needed = model_slots_needed(r->config);
	const struct config_mark *mark = &r->limits[LIMITS_MAX_SLOTS];

	if (mark->is_given && !mark->is_wrong && needed > r->config->max_slots)
		reader_add(r, mark->pos,
			   "max_slots: %u is less than the services' tables need; at least %llu",
			   r->config->max_slots, (unsigned long long)needed);
}

void check_all(struct reader *r)
{
	size_t most = r->config->service_count > r->backend_count ? r->config->service_count
								  : r->backend_count;
	AUTO_FREE struct claim *claims = calloc(most + 1, sizeof(*claims));

	if (!claims) {
		reader_no_memory(r);
		return;
	}
	check_service_names(r, claims);
	check_vips(r, claims);
	for (size_t i = 0; i < r->config->service_count; i++)
		check_backends(r, i, claims);
	check_shared_backends(r, claims);
	check_slots(r);
}
