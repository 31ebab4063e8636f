/* SPDX-License-Identifier: GPL-2.0-only */
#include "config/quic.h"

#include <netinet/in.h>
#include <stdlib.h>

#include "config/claim.h"
#include "config/schema.h"
#include "model/addr.h"

/* ---- the service ---- */

static void check_service(struct reader *r, const struct model_service *service,
			  const struct config_mark *keys)
{
	if (!keys[SERVICE_PROTOCOL].is_wrong && service->proto != IPPROTO_UDP)
		reader_add(r, keys[SERVICE_HASH].pos,
			   "hash: quic is only for protocol udp, and this one is tcp");
	if (!keys[SERVICE_FORWARD].is_wrong && service->forward == LB_FORWARD_NAT)
		reader_add(r, keys[SERVICE_FORWARD].pos,
			   "forward: nat needs a record of every connection, and with hash: quic "
			   "packets go by their ids, without one; choose dsr");
	if (keys_is_usable(&keys[SERVICE_TRACK]) && service->track_all)
		reader_add(r, keys[SERVICE_TRACK].pos,
			   "track: all does not go with hash: quic, whose packets go by their ids, "
			   "without a record; choose exceptions");
}

/* ---- its backends ---- */

static void check_backend(struct reader *r, const struct model_service *service,
			  const struct model_backend *backend, const struct config_mark *id)
{
	if (!id->is_given)
		reader_add(r, backend->pos,
			   "missing key \"server_id\" in backend; hash: quic finds it by that, for "
			   "example server_id: \"%0*x\"",
			   2 * (int)service->quic.server_id_length, 1);
	else if (!id->is_wrong && backend->server_id_length != service->quic.server_id_length)
		reader_add(r, id->pos,
			   "server_id: \"%s\" has %u byte%s, and the service's server_id_length is "
			   "%u",
			   id->text, backend->server_id_length,
			   backend->server_id_length == 1 ? "" : "s",
			   service->quic.server_id_length);
}

static int compare_server_id(const struct claim *a, const struct claim *b)
{
	return addr_compare(&a->address, &b->address);
}

static void add_repeated(struct reader *r, const struct claim *claim, const struct claim *first)
{
	reader_add(r, claim->pos, "server_id: \"%s\" is already given in this service, on line %u",
		   claim->name, first->pos.line);
}

static void check_repeated(struct reader *r, const struct model_service *service,
			   const struct backend_source *sources)
{
	struct claim *claims = calloc(service->backend_count + 1, sizeof(*claims));
	size_t count = 0;

	if (!claims) {
		reader_no_memory(r);
		return;
	}
	for (size_t i = 0; i < service->backend_count; i++) {
		const struct config_mark *id = &sources[i].keys[BACKEND_SERVER_ID];

		if (sources[i].is_wrong || !keys_is_usable(id))
			continue;
		claims[count] = (struct claim) {
			.name = id->text,
			.address.halves = { service->backends[i].server_id },
			.pos = id->pos,
			.order = count,
		};
		count++;
	}
	claim_find_repeated(r, claims, count, compare_server_id, add_repeated);
	free(claims);
}

static void check_backends(struct reader *r, const struct model_service *service,
			   const struct backend_source *sources)
{
	for (size_t i = 0; i < service->backend_count; i++) {
		if (!sources[i].is_wrong)
			check_backend(r, service, &service->backends[i],
				      &sources[i].keys[BACKEND_SERVER_ID]);
	}
	check_repeated(r, service, sources);
}

/* ---- without it ---- */

static void refuse(struct reader *r, const struct model_service *service,
		   const struct service_source *source)
{
	const struct config_mark *quic = &source->keys[SERVICE_QUIC];

	if (keys_is_usable(quic))
		reader_add(r, quic->key_pos, "quic: has no effect without hash: quic");
	for (size_t i = 0; i < service->backend_count && source->backends; i++) {
		const struct config_mark *id = &source->backends[i].keys[BACKEND_SERVER_ID];

		if (id->is_given && !source->backends[i].is_wrong)
			reader_add(r, id->key_pos, "server_id: has no effect without hash: quic");
	}
}

void quic_finish(struct reader *r, const struct model_service *service,
		 const struct service_source *source)
{
	const struct config_mark *keys = source->keys;

	if (keys[SERVICE_SCHEDULER].is_wrong || keys[SERVICE_HASH].is_wrong ||
	    keys[SERVICE_QUIC].is_wrong)
		return;
	if (!model_service_is_quic(service)) {
		refuse(r, service, source);
		return;
	}
	check_service(r, service, keys);
	if (source->backends)
		check_backends(r, service, source->backends);
}
