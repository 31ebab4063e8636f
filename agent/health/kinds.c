/* SPDX-License-Identifier: GPL-2.0-only */
#include <stddef.h>

#include "health/health.h"
#include "health/probe.h"

static const struct probe_kind *const kinds[] = {
	[PROBE_TCP] = &probe_tcp,   [PROBE_HTTP] = &probe_http, [PROBE_HTTPS] = &probe_https,
	[PROBE_GRPC] = &probe_grpc, [PROBE_UDP] = &probe_udp,	[PROBE_DNS] = &probe_dns,
	[PROBE_ICMP] = &probe_icmp, [PROBE_EXEC] = &probe_exec,
};

const struct probe_kind *probe_kind_of(enum model_probe type)
{
	return (size_t)type < sizeof(kinds) / sizeof(kinds[0]) ? kinds[type] : NULL;
}

bool health_kind_has_via_vip(enum model_probe type)
{
	const struct probe_kind *kind = probe_kind_of(type);

	return kind && kind->has_via_vip;
}
