/* SPDX-License-Identifier: GPL-2.0-only */
#include "config/schema.h"

#include <netinet/in.h>

#include "config/groups.h"
#include "config/row.h"
#include "config/sections.h"
#include "config/services.h"
#include "config/values.h"

#define SLOTS_MAX      (1u << 26)
#define FLOWS_MAX      (1u << 26)
#define AFFINITIES_MAX (1u << 22)

static const struct config_word mode_words[] = {
	{ "auto", XDP_MODE_AUTO, false },
	{ "native", XDP_MODE_NATIVE, false },
	{ "generic", XDP_MODE_GENERIC, false },
	{},
};

static const struct config_word protocol_words[] = {
	{ "tcp", IPPROTO_TCP, false },
	{ "udp", IPPROTO_UDP, false },
	{},
};

static const struct config_word scheduler_words[] = {
	{ "maglev", SCHEDULER_MAGLEV, false },
	{ "source_hash", SCHEDULER_SOURCE_HASH, false },
	{ "round_robin", SCHEDULER_ROUND_ROBIN, false },
	{ "least_conn", SCHEDULER_LEAST_CONN, false },
	{ "least_response", SCHEDULER_LEAST_RESPONSE, false },
	{},
};

#define ONLY_MAGLEV	    KEYS_ONLY(SCHEDULER_MAGLEV)
#define ONLY_HASH	    (ONLY_MAGLEV | KEYS_ONLY(SCHEDULER_SOURCE_HASH))
#define ONLY_LEAST_RESPONSE KEYS_ONLY(SCHEDULER_LEAST_RESPONSE)
#define ONLY_LEAST	    (KEYS_ONLY(SCHEDULER_LEAST_CONN) | ONLY_LEAST_RESPONSE)
#define ONLY_PICKED	    (KEYS_ONLY(SCHEDULER_ROUND_ROBIN) | ONLY_LEAST)

static const struct config_word hash_words[] = {
	{ "source_port", HASH_SOURCE_PORT, false },
	{ "source", HASH_SOURCE, false },
	{ "quic", HASH_QUIC, false },
	{},
};

static const struct config_word weights_words[] = {
	{ "static", false, false },
	{ "adaptive", true, false },
	{},
};

static const struct config_word none_words[] = {
	{ "none", 0, false },
	{},
};

static const struct config_word passive_words[] = {
	{ "off", false, false },
	{ "on", true, false },
	{},
};

static const struct config_word forward_words[] = {
	{ "dsr", LB_FORWARD_DSR, false },
	{ "nat", LB_FORWARD_NAT, false },
	{ "ipip", 0, true },
	{ "gue", 0, true },
	{ "full_nat", 0, true },
	{},
};

static const struct config_word track_words[] = {
	{ "exceptions", false, false },
	{ "all", true, false },
	{},
};

static const struct config_word init_words[] = {
	{ "probe", false, false },
	{ "up", true, false },
	{},
};

static const struct config_word vip_address_words[] = {
	{ "add", true, false },
	{ "none", false, false },
	{},
};

#define WHAT_schema_interface "interface"
static const struct config_key interface_keys[] = {
	[INTERFACE_NAME] = { "name", &value_ifname, FIELD(model_interface, name),
			     .max = IFNAMSIZ - 1, .is_required = true, .example = "name: gw0",
			     .help = "as `ip link` shows it" },
	[INTERFACE_MODE] = { "mode", &value_word, FIELD(model_interface, mode), .words = mode_words,
			     .preset = "auto",
			     .help = "where packets are met: native is in the driver, generic in "
				     "the kernel (slow, works everywhere), auto tries native "
				     "first" },
};
TABLE(schema_interface, interface_keys);

#define WHAT_schema_limits "limits"
static const struct config_key limits_keys[] = {
	[LIMITS_MAX_FLOWS] = { "max_flows", &value_number, FIELD(model_config, max_flows),
			       .min = 1024, .max = FLOWS_MAX,
			       .preset_words = "262144 at the first start",
			       .help = "recorded connections of IPv4, and as many of IPv6; rounded "
				       "up to a power of two" },
	[LIMITS_MAX_SLOTS] = { "max_slots", &value_number, FIELD(model_config, max_slots),
			       .min = LB_TABLE_MIN, .max = SLOTS_MAX,
			       .preset_words = "chosen at the first start",
			       .help = "the sum of all services' table sizes that there is room "
				       "for" },
	[LIMITS_MAX_AFFINITIES] = { "max_affinities", &value_number,
				    FIELD(model_config, max_affinities), .min = 1024,
				    .max = AFFINITIES_MAX,
				    .preset_words = "65536 at the first start",
				    .help = "clients that services with `affinity` remember; the "
					    "one not seen for longest makes room" },
};
TABLE(schema_limits, limits_keys);

#define WHAT_schema_timers "timers"
static const struct config_key timers_keys[] = {
	[TIMERS_WARM_UP] = { "warm_up", &value_duration, FIELD(model_config, warm_up_ms),
			     .min = 100, .max = MINUTE, .preset = "5s",
			     .help = "how long new connections of a slot are recorded before it is "
				     "handed to another backend" },
	[TIMERS_HANDSHAKE] = { "handshake", &value_duration, FIELD(model_config, handshake_ms),
			       .min = 100, .max = MINUTE, .preset = "10s",
			       .help = "how long a record of an unfinished TCP handshake is kept" },
};
TABLE(schema_timers, timers_keys);

#define WHAT_schema_group "group"
static const struct config_key group_keys[] = {
	[GROUP_NAME] = { "name", &value_name, FIELD(model_group, name), .max = NAME_MAX_LENGTH,
			 .is_required = true, .example = "name: zone-a",
			 .help = "unique within the service; backends say it in `group`" },
	[GROUP_PRIORITY] = { "priority", &value_number, FIELD(model_group, priority), .min = 0,
			     .max = 255, .preset = "0",
			     .help = "0 is served first; a higher one gets what the lower ones "
				     "have no healthy capacity for" },
	[GROUP_WEIGHT] = { "weight", &value_number, FIELD(model_group, weight), .min = 1,
			   .max = 1000000, .preset_words = "the sum of its backends' weights",
			   .help = "share among the groups of its priority" },
	[GROUP_BACKUP] = { "backup", &value_bool, FIELD(model_group, is_backup), .preset = "false",
			   .help = "true: serves only when no other group has a healthy backend" },
};
TABLE(schema_group, group_keys);

#define WHAT_schema_backend "backend"
static const struct config_key backend_keys[] = {
	[BACKEND_NAME] = { "name", &value_name, FIELD(model_backend, name), .max = NAME_MAX_LENGTH,
			   .preset_words = "the address as text",
			   .help = "unique within the service" },
	[BACKEND_ADDRESS] = { "address", &value_address, FIELD(model_backend, address),
			      .is_required = true, .example = "address: 10.0.0.11",
			      .help = "of the same family as the VIP; the port is the service's "
				      "where none is given; `dsr` cannot change it" },
	[BACKEND_WEIGHT] = { "weight", &value_number, FIELD(model_backend, weight), .min = 0,
			     .max = 1000, .preset = "1",
			     .help = "share of the new connections, relative to the others'; 0 "
				     "takes none" },
	[BACKEND_DRAIN] = { "drain", &value_bool, FIELD(model_backend, drain), .preset = "false",
			    .help = "true: takes no new connections; those that exist go on, for "
				    "`drain_timeout` at most" },
	[BACKEND_GROUP] = { "group", &value_group, .preset_words = "none",
			    .help = "the name of one of the service's `groups`; required where it "
				    "has some" },
	[BACKEND_SERVER_ID] = { "server_id", &value_server_id, .preset_words = "none",
				.help = "for `hash: quic`, and required there: what the backend "
					"puts into its connection ids; `server_id_length` bytes, "
					"unique within the service" },
};
TABLE(schema_backend, backend_keys);
_Static_assert(sizeof(backend_keys) / sizeof(backend_keys[0]) <= BACKEND_KEYS_MAX, "marks");

#define WHAT_schema_service "service"
static const struct config_key service_keys[] = {
	[SERVICE_NAME] = { "name", &value_name, FIELD(model_service, name), .max = NAME_MAX_LENGTH,
			   .is_required = true, .example = "name: web",
			   .help = "unique; logs, metrics and `leat status` show it" },
	[SERVICE_VIP] = { "vip", &value_vip, FIELD(model_service, vip), .is_required = true,
			  .example = "vip: \"198.51.100.10:80\"",
			  .help = "address and port that clients connect to" },
	[SERVICE_PROTOCOL] = { "protocol", &value_word, FIELD(model_service, proto),
			       .words = protocol_words, .preset = "tcp",
			       .help = "what is balanced" },
	[SERVICE_SCHEDULER] = { "scheduler", &value_word, FIELD(model_service, scheduler),
				.words = scheduler_words, .preset = "maglev",
				.help = "how a backend is picked; maglev: by a consistent hash of "
					"the connection; source_hash: of the client's address; "
					"round_robin: in turn, interleaved by weight; least_conn: "
					"the fewest connections for its weight; least_response: "
					"the same, times the response time" },
	[SERVICE_HASH] = { "hash", &value_word, FIELD(model_service, hash), .words = hash_words,
			   .only = ONLY_MAGLEV, .preset = "source_port",
			   .help = "what of the client is hashed: address and port, or the address "
				   "alone; quic: address and port, but packets whose connection id "
				   "names a backend go there" },
	[SERVICE_QUIC] = { "quic", &value_section, FIELD(model_service, quic),
			   .table = &schema_quic,
			   .expects = "a mapping such as {server_id_length: 2}",
			   .only = ONLY_MAGLEV,
			   .help = "for `hash: quic`: where backends put their `server_id` in the "
				   "connection ids that they choose" },
	[SERVICE_SOURCE_PREFIX6] = { "source_prefix6", &value_number,
				     FIELD(model_service, source_prefix6), .min = 1, .max = 128,
				     .preset = "64",
				     .help = "leading bits of an IPv6 client's address that count "
					     "as the client; for source_hash, `hash: source` and "
					     "`affinity`" },
	[SERVICE_DRAWS] = { "draws", &value_number, FIELD(model_service, draws), .min = 2,
			    .max = LB_LEAST_DRAWS, .only = ONLY_LEAST, .preset = "2",
			    .help = "with more than 32 backends, the least loaded of so many drawn "
				    "ones is taken; up to 32, of all" },
	[SERVICE_AFFINITY] = { "affinity", &value_duration, FIELD(model_service, affinity_ms),
			       .min = SECOND, .max = DAY, .words = none_words, .only = ONLY_PICKED,
			       .preset = "none",
			       .help = "a client comes back to its backend until it has been away "
				       "for so long" },
	[SERVICE_RESPONSE] = { "response", &value_section, FIELD(model_service, response),
			       .table = &schema_response,
			       .expects = "a mapping such as {decay: 0.3, window: 30s}",
			       .only = ONLY_LEAST_RESPONSE,
			       .help = "how response times are averaged" },
	[SERVICE_WEIGHTS] = { "weights", &value_word, FIELD(model_service, is_adaptive),
			      .words = weights_words, .preset = "static",
			      .help = "static: as configured, times what an agent check says; "
				      "adaptive: a controller moves them toward a target load "
				      "(needs `agent_check`; tcp)" },
	[SERVICE_ADAPTIVE] = { "adaptive", &value_section, FIELD(model_service, adaptive),
			       .table = &schema_adaptive,
			       .expects = "a mapping such as {target: 70%}", .is_tcp = true,
			       .help = "the controller of `weights: adaptive`" },
	[SERVICE_CHURN] = { "churn", &value_section, FIELD(model_service, churn),
			    .table = &schema_churn, .expects = "a mapping such as {max_moves: 5%}",
			    .only = ONLY_HASH, .is_tcp = true,
			    .help = "how fast changes of weights may move slots" },
	[SERVICE_SLOW_START] = { "slow_start", &value_slow_start, FIELD(model_service, slow_start),
				 .table = &schema_slow_start, .words = none_words, .is_tcp = true,
				 .preset = "none",
				 .help = "a new or returning backend gets its share little by "
					 "little" },
	[SERVICE_PANIC] = { "panic", &value_section, FIELD(model_service, panic),
			    .table = &schema_panic, .expects = "a mapping such as {threshold: 30%}",
			    .help = "what is done when too few backends are healthy" },
	[SERVICE_SPILL_BELOW] = { "spill_below", &value_percent,
				  FIELD(model_service, spill_percent), .min = 1, .max = 100,
				  .preset = "70%",
				  .help = "below this share of healthy weight a group gives "
					  "traffic "
					  "away, in proportion; for services with `groups`" },
	[SERVICE_AGENT_CHECK] = { "agent_check", &value_section, FIELD(model_service, agent_check),
				  .table = &schema_agent_check,
				  .expects = "a mapping such as {port: 8081}",
				  .preset_words = "none",
				  .help = "backends tell their state and weight themselves, in the "
					  "words of HAProxy's agent-check" },
	[SERVICE_PASSIVE] = { "passive", &value_passive, FIELD(model_service, passive),
			      .table = &schema_passive, .words = passive_words, .is_tcp = true,
			      .preset = "off",
			      .help = "some connections are followed, and backends that fail much "
				      "more than the others take no new ones for a while" },
	[SERVICE_FORWARD] = { "forward", &value_word, FIELD(model_service, forward),
			      .words = forward_words, .preset = "dsr",
			      .help = "dsr: packets keep their addresses, backends have the VIP on "
				      "lo and answer clients directly; nat: the destination is "
				      "rewritten, replies come back through here" },
	[SERVICE_TRACK] = { "track", &value_word, FIELD(model_service, track_all),
			    .words = track_words, .preset = "exceptions",
			    .help = "all: every connection has a record (exact counts, more "
				    "memory); "
				    "exceptions: only those that need one; nat, and schedulers "
				    "that "
				    "do not hash, always record all" },
	[SERVICE_TABLE_SIZE] = { "table_size", &value_number, FIELD(model_service, table_size),
				 .min = 2, .max = MODEL_TABLE_MAX,
				 .preset_words = "the first of 4093, 8191, 16381, 32749, 65537, "
						 "131071, 262139, 524287, 1048573 that is at least "
						 "100 x the backends",
				 .help = "slots; a prime, at least the number of backends; "
					 "changing "
					 "it moves connections" },
	[SERVICE_IDLE_TIMEOUT] = { "idle_timeout", &value_duration,
				   FIELD(model_service, idle_timeout_ms), .min = SECOND, .max = DAY,
				   .preset_words = "15m for tcp, 60s for udp",
				   .help = "a connection without packets for longer is forgotten" },
	[SERVICE_DRAIN_TIMEOUT] = { "drain_timeout", &value_duration,
				    FIELD(model_service, drain_timeout_ms), .min = SECOND,
				    .max = DAY, .words = none_words, .preset = "10m",
				    .help = "how long a draining backend keeps its connections; "
					    "none: until they end" },
	[SERVICE_INIT] = { "init", &value_word, FIELD(model_service, init_up), .words = init_words,
			   .preset = "probe",
			   .help = "a new backend is used after its first good probe, or at once "
				   "(up)" },
	[SERVICE_VIP_ADDRESS] = { "vip_address", &value_word, FIELD(model_service, add_vip),
				  .words = vip_address_words, .preset = "add",
				  .help = "add: the VIP is put on lo, so that ARP and NDP are "
					  "answered; none: a route or something else does it" },
	[SERVICE_HEALTH] = { "health", &value_health, .table = &schema_health,
			     .preset_words = "`{type: tcp}` for tcp, `{type: none}` for udp",
			     .help = "how backends are probed" },
	[SERVICE_GROUPS] = { "groups", &value_groups, .min = 1, .table = &schema_group,
			     .preset_words = "none", .example = "groups: [{name: zone-a}]",
			     .help = "zones, tiers and backups; each backend is then in one" },
	[SERVICE_BACKENDS] = { "backends", &value_backends, .is_required = true,
			       .table = &schema_backend,
			       .example = "backends: [{address: 10.0.0.11}]",
			       .help = "who serves; with an empty list packets are dropped and "
				       "counted as no_backend" },
};
TABLE(schema_service, service_keys, .choice = &service_keys[SERVICE_SCHEDULER]);

#define WHAT_schema_top "the file"
static const struct config_key top_keys[] = {
	[TOP_INTERFACES] = { "interfaces", &value_interfaces, .min = 1, .is_required = true,
			     .table = &schema_interface, .example = "interfaces: [{name: gw0}]",
			     .help = "where packets come in and go out: towards clients and "
				     "towards backends; one may be both" },
	[TOP_LIMITS] = { "limits", &value_limits, .table = &schema_limits,
			 .help = "sizes of tables; fixed at the first start" },
	[TOP_TIMERS] = { "timers", &value_timers, .table = &schema_timers,
			 .help = "times of all services" },
	[TOP_HASH_KEY] = { "hash_key", &value_hash_key, .preset_words = "drawn at the first start",
			   .help = "balancers with the same key pick the same backends" },
	[TOP_SERVICES] = { "services", &value_services, .is_required = true,
			   .table = &schema_service, .example = "services: []",
			   .help = "what is balanced" },
};
TABLE(schema_top, top_keys);
