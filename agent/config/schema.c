/* SPDX-License-Identifier: GPL-2.0-only */
#include "config/schema.h"

#include <netinet/in.h>

#include "config/sections.h"
#include "config/services.h"
#include "config/values.h"

#define FIELD(type, field)                                                                         \
	.offset = offsetof(struct type, field), .size = sizeof(((struct type *)0)->field)
#define TABLE(name, rows)                                                                          \
	_Static_assert(sizeof(rows) / sizeof((rows)[0]) <= KEYS_MAX, "marks");                     \
	const struct config_table name = { .keys = (rows),                                         \
					   .count = sizeof(rows) / sizeof((rows)[0]),              \
					   .what = WHAT_##name }

#define SECOND 1000u
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)

#define NAME_MAX_LENGTH 63
#define TEXT_MAX_LENGTH 1023
#define HOST_MAX_LENGTH 255
#define SLOTS_MAX	(1u << 26)
#define FLOWS_MAX	(1u << 26)

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
	{ "source_hash", 0, true },
	{ "round_robin", 0, true },
	{ "least_conn", 0, true },
	{ "least_response", 0, true },
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

static const struct config_word drain_timeout_words[] = {
	{ "none", 0, false },
	{},
};

static const struct config_word probe_words[] = {
	{ "tcp", PROBE_TCP, false },
	{ "http", PROBE_HTTP, false },
	{ "none", PROBE_NONE, false },
	{},
};

static const struct config_word method_words[] = {
	{ "GET", 0, false },
	{ "HEAD", 0, false },
	{ "OPTIONS", 0, false },
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

#define WHAT_schema_health "health"
static const struct config_key health_keys[] = {
	[HEALTH_TYPE] = { "type", &value_word, FIELD(model_health, type), .words = probe_words,
			  .preset = "tcp",
			  .help = "tcp: a connection is accepted; http: a request is answered as "
				  "expected; none: always healthy" },
	[HEALTH_INTERVAL] = { "interval", &value_duration, FIELD(model_health, interval_ms),
			      .min = 50, .max = HOUR, .preset = "2s",
			      .help = "from the start of one probe to the start of the next" },
	[HEALTH_TIMEOUT] = { "timeout", &value_duration, FIELD(model_health, timeout_ms), .min = 10,
			     .max = HOUR,
			     .preset_words = "1s, or the interval where that is shorter",
			     .help = "a probe that takes longer has failed; at most the interval" },
	[HEALTH_RISE] = { "rise", &value_number, FIELD(model_health, rise), .min = 1, .max = 100,
			  .preset = "2", .help = "successes in a row that bring a backend back" },
	[HEALTH_FALL] = { "fall", &value_number, FIELD(model_health, fall), .min = 1, .max = 100,
			  .preset = "3", .help = "failures in a row that take a backend out" },
	[HEALTH_JITTER] = { "jitter", &value_percent, FIELD(model_health, jitter_percent), .min = 0,
			    .max = 50, .preset = "10%",
			    .help = "share of the interval by which a probe may come early or "
				    "late, drawn each time, so that probes do not march in step" },
	[HEALTH_PORT] = { "port", &value_number, FIELD(model_health, port), .min = 1, .max = 65535,
			  .preset_words = "the backend's", .help = "port to probe" },
	[HEALTH_METHOD] = { "method", &value_method, FIELD(model_health, method),
			    .words = method_words, .is_http = true, .preset = "GET",
			    .help = "request method" },
	[HEALTH_PATH] = { "path", &value_path, FIELD(model_health, path), .max = TEXT_MAX_LENGTH,
			  .is_http = true, .preset = "/", .help = "path and query to ask for" },
	[HEALTH_HOST] = { "host", &value_token, FIELD(model_health, host), .max = HOST_MAX_LENGTH,
			  .is_http = true, .preset_words = "the backend's address",
			  .help = "Host header" },
	[HEALTH_EXPECT] = { "expect", &value_statuses, FIELD(model_health, expect_status),
			    .is_http = true, .preset = "200-399",
			    .help = "status codes that count as success: one, a range, or a list "
				    "of both" },
	[HEALTH_BODY] = { "body", &value_text, FIELD(model_health, body), .max = TEXT_MAX_LENGTH,
			  .is_http = true, .preset_words = "anything",
			  .help = "text that the reply must contain" },
};
TABLE(schema_health, health_keys);

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
				.help = "how a backend is picked; maglev: by a hash of the "
					"connection" },
	[SERVICE_FORWARD] = { "forward", &value_word, FIELD(model_service, forward),
			      .words = forward_words, .preset = "dsr",
			      .help = "dsr: packets keep their addresses, backends have the VIP on "
				      "lo and answer clients directly; nat: the destination is "
				      "rewritten, replies come back through here" },
	[SERVICE_TRACK] = { "track", &value_word, FIELD(model_service, track_all),
			    .words = track_words, .preset = "exceptions",
			    .help = "all: every connection has a record (exact counts, more "
				    "memory); "
				    "exceptions: only those that need one; nat always records "
				    "all" },
	[SERVICE_TABLE_SIZE] = { "table_size", &value_number, FIELD(model_service, table_size),
				 .min = 2, .max = MODEL_TABLE_MAX,
				 .preset_words = "the first of 4093, 8191, 16381, 32749, 65537, "
						 "131071, 262139, 524287, 1048573 that is at least "
						 "100 x the backends",
				 .help = "slots; a prime, at least the number of backends; "
					 "changing "
					 "it moves connections" },
	[SERVICE_IDLE_TIMEOUT] = { "idle_timeout", &value_duration,
				   FIELD(model_service, idle_timeout_ms), .min = SECOND,
				   .max = 24 * HOUR, .preset_words = "15m for tcp, 60s for udp",
				   .help = "a connection without packets for longer is forgotten" },
	[SERVICE_DRAIN_TIMEOUT] = { "drain_timeout", &value_duration,
				    FIELD(model_service, drain_timeout_ms), .min = SECOND,
				    .max = 24 * HOUR, .words = drain_timeout_words, .preset = "10m",
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
	[SERVICE_BACKENDS] = { "backends", &value_backends, .is_required = true,
			       .table = &schema_backend,
			       .example = "backends: [{address: 10.0.0.11}]",
			       .help = "who serves; with an empty list packets are dropped and "
				       "counted as no_backend" },
};
TABLE(schema_service, service_keys);

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
