/* SPDX-License-Identifier: GPL-2.0-only */
/* What a change of hash, and of what `hash: quic` goes by, does to connections. */
#include <stdio.h>

#include "plan/diff_parts.h"

#define RISK_NO_IDS                                                                                \
	"connections go by the hash of address and port from now on; those of clients whose "      \
	"address has changed, or whose slot has moved, break"
#define RISK_OTHER_IDS                                                                             \
	"connections whose ids were chosen before go by the hash of address and port; where that " \
	"names another backend, they break"
#define RISK_TAKEN_ID                                                                              \
	"connections of the backend that had it go to this one, and break; give it one that is "   \
	"not "                                                                                     \
	"in use"

#define SERVER_ID_LEN 17 /* 8 bytes as digits, and the zero */

static const char *hash_name(const struct model_service *s)
{
	if (model_service_is_masked(s))
		return "source";
	return model_service_is_quic(s) ? "quic" : "source_port";
}

/*
 * To quic and what it goes by: nobody's slot is another, and ids that name a backend were chosen
 * by that backend, so nothing breaks. Back: what went by its id may have no record.
 */
void diff_hash(struct changes *c, struct changes_nature pick, const struct model_service *from,
	       const struct model_service *to)
{
	struct changes_nature hash = pick;
	struct changes_nature ids = { .kind = DIFF_CHANGED, .risk = RISK_OTHER_IDS };
	bool was_quic = model_service_is_quic(from), is_quic = model_service_is_quic(to);

	if (was_quic != is_quic && model_service_is_tracked(from) == model_service_is_tracked(to) &&
	    model_service_is_masked(from) == model_service_is_masked(to))
		hash = (struct changes_nature) { .kind = DIFF_CHANGED,
						 .risk = was_quic ? RISK_NO_IDS : NULL };
	if (from->scheduler == to->scheduler) /* else that has said it */
		changes_add_text(c, hash, "hash", hash_name(from), hash_name(to));
	if (!was_quic || !is_quic)
		return;
	changes_add_number(c, ids, "quic.config", from->quic.config, to->quic.config);
	changes_add_number(c, ids, "quic.server_id_length", from->quic.server_id_length,
			   to->quic.server_id_length);
}

static const struct model_backend *find_owner(const struct model_service *service,
					      const struct model_backend *like)
{
	for (size_t i = 0; i < service->backend_count; i++) {
		const struct model_backend *b = &service->backends[i];

		if (b->server_id_length == like->server_id_length &&
		    b->server_id == like->server_id)
			return b;
	}
	return NULL;
}

static const char *format_id(const struct model_backend *backend, char *buf)
{
	snprintf(buf, SERVER_ID_LEN, "%0*llx", 2 * (int)backend->server_id_length,
		 (unsigned long long)backend->server_id);
	return buf;
}

void diff_server_id(struct changes *c, const struct model_service *running,
		    const struct model_backend *from, const struct model_service *next,
		    const struct model_backend *to)
{
	struct changes_nature nature = { .kind = DIFF_CHANGED };
	char old[SERVER_ID_LEN], new[SERVER_ID_LEN];
	const struct model_backend *owner;

	if (!model_service_is_quic(running) || !model_service_is_quic(next))
		return;
	owner = find_owner(running, to);
	if (owner && owner != from) {
		nature.risk = RISK_TAKEN_ID;
		changes_add(c, nature, "server_id %s, which %s has", format_id(to, new),
			    owner->name);
	} else if (from) {
		nature.risk = RISK_OTHER_IDS;
		changes_add_text(c, nature, "server_id", format_id(from, old), format_id(to, new));
	}
}
