/* SPDX-License-Identifier: GPL-2.0-only */
/* Names, types and meanings of all metrics that are one field of the status each. */
#include "api/families.h"

#include <stddef.h>

#define SECONDS_OF_MS 1e3
#define SECONDS_OF_US 1e6
#define RATIO	      100.0 /* of percent */

const struct family families_node[] = {
	{ "leat_start_time_seconds", "gauge", "When the agent started, since 1970.", "started_ms",
	  SECONDS_OF_MS },
	{ "leat_slots_used", "gauge", "Slots that services have.", "slots.used", 0 },
	{ "leat_slots_capacity", "gauge", "Slots there are.", "slots.capacity", 0 },
	{ "leat_slot_writes_total", "counter", "Stores into slots and their stamps.", "slot_writes",
	  0 },
	{ "leat_counts_corrected_total", "counter",
	  "Counts of live connections that had drifted and were set right.", "counts_corrected",
	  0 },
	{},
};

const struct family families_flows[] = {
	{ "leat_flow_table_used", "gauge", "Records in the flow table.", "used", 0 },
	{ "leat_flow_table_capacity", "gauge", "Records that the flow table has room for.",
	  "capacity", 0 },
	{},
};

const struct family families_reason[] = {
	{ "leat_packets_total", "counter", "Packets by what became of them, and why.", "packets",
	  0 },
	{},
};

const struct family families_service[] = {
	{ "leat_service_packets_total", "counter", "Packets sent to backends.", "packets", 0 },
	{ "leat_service_bytes_total", "counter", "Bytes of frames sent to backends.", "bytes", 0 },
	{ "leat_service_connections_total", "counter",
	  "New connections; SYNs where not every connection is recorded.", "connections", 0 },
	{ "leat_service_replies_total", "counter", "Packets from backends (nat).", "replies", 0 },
	{ "leat_service_reply_bytes_total", "counter", "Bytes of frames from backends (nat).",
	  "reply_bytes", 0 },
	{ "leat_service_live_connections", "gauge", "Open connections, where all are recorded.",
	  "live", 0 },
	{ "leat_service_flows", "gauge", "Valid records of connections.", "flows", 0 },
	{ "leat_service_slots", "gauge", "Slots of the service.", "table_size", 0 },
	{ "leat_service_slots_moving", "gauge", "Slots that are changing hands.", "moving", 0 },
	{ "leat_service_slots_waiting", "gauge", "Slots whose move waits (churn: max_moves).",
	  "slots_waiting", 0 },
	{ "leat_service_slots_moved_total", "counter", "Slots that got another backend.",
	  "slots_moved", 0 },
	{ "leat_service_slots_forced_total", "counter",
	  "Slots moved at once, since their backend was dead.", "slots_forced", 0 },
	{ "leat_service_connections_at_risk_total", "counter",
	  "Recorded connections whose backend was declared dead.", "connections_at_risk", 0 },
	{ "leat_service_spilling", "gauge",
	  "1 where traffic goes to another group than priorities would have it.", "spilling", 0 },
	{ "leat_service_on_backup", "gauge", "1 where backup groups have all traffic.", "on_backup",
	  0 },
	{},
};

const struct family families_group[] = {
	{ "leat_group_share_ratio", "gauge", "Share of the service's new connections.", "share",
	  0 },
	{ "leat_group_weight", "gauge", "Configured weight of the group's backends that count.",
	  "total", 0 },
	{ "leat_group_healthy_weight", "gauge", "Of that, the weight of those that are healthy.",
	  "healthy", 0 },
	{},
};

const struct family families_backend[] = {
	{ "leat_backend_packets_total", "counter", "Packets sent to the backend.", "packets", 0 },
	{ "leat_backend_bytes_total", "counter", "Bytes of frames sent to the backend.", "bytes",
	  0 },
	{ "leat_backend_connections_total", "counter",
	  "New connections; SYNs where not every connection is recorded.", "connections", 0 },
	{ "leat_backend_replies_total", "counter", "Packets from the backend (nat).", "replies",
	  0 },
	{ "leat_backend_reply_bytes_total", "counter", "Bytes of frames from the backend (nat).",
	  "reply_bytes", 0 },
	{ "leat_backend_live_connections", "gauge", "Open connections, where all are recorded.",
	  "live", 0 },
	{ "leat_backend_flows", "gauge", "Valid records that name the backend.", "flows", 0 },
	{ "leat_backend_weight", "gauge", "Configured weight.", "weight", 0 },
	{ "leat_backend_effective_weight", "gauge", "Weight that the table is built with.",
	  "effective_weight", 0 },
	{ "leat_backend_slots", "gauge", "Slots that give it new connections.", "slots", 0 },
	{ "leat_backend_slots_moving", "gauge", "Of these, slots that are changing hands.",
	  "moving", 0 },
	{ "leat_backend_response_seconds", "gauge", "Moving average of response times.",
	  "response_us", SECONDS_OF_US },
	{ "leat_backend_probes_total", "counter", "Health probes that have ended.", "probes", 0 },
	{ "leat_backend_probe_failures", "gauge", "Probes in a row that have failed.",
	  "probe_failures", 0 },
	{ "leat_backend_probe_duration_seconds", "gauge", "Of the last probe that succeeded.",
	  "latency_us", SECONDS_OF_US },
	{ "leat_backend_agent_ratio", "gauge", "What its agent check reports, 1 being 100 %.",
	  "agent.percent", RATIO },
	{ "leat_backend_ejected", "gauge", "1 while ejected by passive detection.",
	  "passive.ejected", 0 },
	{ "leat_backend_ejections_total", "counter", "Ejections by passive detection.",
	  "passive.total", 0 },
	{ "leat_backend_passive_good", "gauge", "Samples within the window that went on.",
	  "passive.good", 0 },
	{ "leat_backend_passive_bad", "gauge", "Samples within the window that failed.",
	  "passive.bad", 0 },
	{ "leat_backend_sampled_connects_total", "counter", "Sampled: SYNs of new connections.",
	  "samples.connects", 0 },
	{ "leat_backend_sampled_connected_total", "counter", "Of these, connections that went on.",
	  "samples.connected", 0 },
	{ "leat_backend_sampled_requests_total", "counter", "Sampled: requests sent.",
	  "samples.requests", 0 },
	{ "leat_backend_sampled_answered_total", "counter", "Of these, requests with an answer.",
	  "samples.answered", 0 },
	{ "leat_backend_sampled_resets_total", "counter", "Sampled: RSTs in answer (nat).",
	  "samples.resets", 0 },
	{},
};
