/* SPDX-License-Identifier: GPL-2.0-only */
/* Health checks. */
#include "config/probe.h"
#include "config/row.h"
#include "config/schema.h"
#include "config/sections.h"
#include "config/values.h"

#define BYTES_MAX_LENGTH 1023
#define DNS_MAX_LENGTH	 254

static const struct config_word probe_words[] = {
	{ "tcp", PROBE_TCP, false },	 { "http", PROBE_HTTP, false },
	{ "https", PROBE_HTTPS, false }, { "grpc", PROBE_GRPC, false },
	{ "udp", PROBE_UDP, false },	 { "dns", PROBE_DNS, false },
	{ "icmp", PROBE_ICMP, false },	 { "exec", PROBE_EXEC, false },
	{ "none", PROBE_NONE, false },	 {},
};

#define ONLY_HTTP  (KEYS_ONLY(PROBE_HTTP) | KEYS_ONLY(PROBE_HTTPS))
#define ONLY_GRPC  KEYS_ONLY(PROBE_GRPC)
#define ONLY_TLS   (KEYS_ONLY(PROBE_HTTPS) | ONLY_GRPC)
#define ONLY_UDP   KEYS_ONLY(PROBE_UDP)
#define ONLY_DNS   KEYS_ONLY(PROBE_DNS)
#define ONLY_ICMP  KEYS_ONLY(PROBE_ICMP)
#define ONLY_EXEC  KEYS_ONLY(PROBE_EXEC)
#define ONLY_PATHS (KEYS_ONLY(PROBE_TCP) | ONLY_HTTP | ONLY_GRPC | ONLY_UDP | ONLY_DNS | ONLY_ICMP)
#define ONLY_PORTS ((ONLY_PATHS & ~ONLY_ICMP) | ONLY_EXEC)
#define ONLY_ANY   (ONLY_PATHS | ONLY_EXEC)

static const struct config_word via_words[] = {
	{ "backend", false, false },
	{ "vip", true, false },
	{},
};

static const struct config_word none_words[] = {
	{ "none", 0, false },
	{},
};

static const struct config_word method_words[] = {
	{ "GET", 0, false },
	{ "HEAD", 0, false },
	{ "OPTIONS", 0, false },
	{},
};

static const struct config_word verify_words[] = {
	{ "full", VERIFY_FULL, false },
	{ "ca", VERIFY_CA, false },
	{ "none", VERIFY_NONE, false },
	{},
};

/* RFC 1035, section 3.2.2; RFC 3596; RFC 2782 */
static const struct config_word query_type_words[] = {
	{ "A", 1, false },     { "AAAA", 28, false },
	{ "CNAME", 5, false }, { "MX", 15, false },
	{ "NS", 2, false },    { "PTR", 12, false },
	{ "SOA", 6, false },   { "SRV", 33, false },
	{ "TXT", 16, false },  {},
};

/* RFC 1035, section 4.1.1 */
static const struct config_word rcode_words[] = {
	{ "noerror", 0, false },
	{ "formerr", 1, false },
	{ "servfail", 2, false },
	{ "nxdomain", 3, false },
	{ "notimp", 4, false },
	{ "refused", 5, false },
	{},
};

#define WHAT_schema_damping "damping"
static const struct config_key damping_keys[] = {
	[DAMPING_CHANGES] = { "changes", &value_number, FIELD(model_health, flap_limit), .min = 2,
			      .max = 100, .preset = "6",
			      .help = "so many changes between up and down within the window" },
	[DAMPING_WINDOW] = { "window", &value_duration, FIELD(model_health, flap_window_ms),
			     .min = SECOND, .max = DAY, .preset = "5m",
			     .help = "in which changes are counted" },
	[DAMPING_HOLD] = { "hold", &value_duration, FIELD(model_health, flap_hold_ms),
			   .min = SECOND, .max = DAY, .preset = "1m",
			   .help = "keep the backend down for so long, whatever probes say" },
};
TABLE(schema_damping, damping_keys);

#define WHAT_schema_tls "tls"
static const struct config_key tls_keys[] = {
	[TLS_VERIFY] = { "verify", &value_word, FIELD(model_tls, verify), .words = verify_words,
			 .preset = "full",
			 .help = "what of the backend's certificate is verified: chain and name, "
				 "the chain alone, or nothing" },
	[TLS_CA] = { "ca", &value_file, FIELD(model_tls, ca_file), .max = FILE_MAX_LENGTH,
		     .preset_words = "the system's",
		     .help = "PEM file of the authorities that are trusted" },
	[TLS_SNI] = { "sni", &value_server_name, FIELD(model_tls, sni), .max = HOST_MAX_LENGTH,
		      .preset_words = "`host`, where that is a name",
		      .help = "name that the server is asked for, and that is verified" },
	[TLS_CERT] = { "cert", &value_file, FIELD(model_tls, cert_file), .max = FILE_MAX_LENGTH,
		       .preset_words = "none",
		       .help = "PEM file of the client certificate; with `key`" },
	[TLS_KEY] = { "key", &value_file, FIELD(model_tls, key_file), .max = FILE_MAX_LENGTH,
		      .preset_words = "none", .help = "PEM file of its private key; with `cert`" },
};
TABLE(schema_tls, tls_keys, .finish = probe_finish_tls);

#define WHAT_schema_health "health"
static const struct config_key health_keys[] = {
	[HEALTH_TYPE] = { "type", &value_word, FIELD(model_health, type), .words = probe_words,
			  .preset = "tcp",
			  .help = "tcp: a connection is accepted; http, https: a request is "
				  "answered "
				  "as expected; grpc: grpc.health.v1 says SERVING; udp: a datagram "
				  "is answered, or at least not refused; dns: a query is answered; "
				  "icmp: an echo request is; exec: a program exits with 0; none: "
				  "always healthy" },
	[HEALTH_VIA] = { "via", &value_word, FIELD(model_health, via_vip), .words = via_words,
			 .only = ONLY_PATHS, .preset = "backend",
			 .help = "backend: to the backend's address; vip: the way packets go, with "
				 "the VIP as the destination, so that a backend without it is "
				 "found down; not with `forward: nat`" },
	[HEALTH_INTERVAL] = { "interval", &value_duration, FIELD(model_health, interval_ms),
			      .min = 50, .max = HOUR, .only = ONLY_ANY, .preset = "2s",
			      .help = "from the start of one probe to the start of the next" },
	[HEALTH_FAST_INTERVAL] = { "fast_interval", &value_duration,
				   FIELD(model_health, fast_interval_ms), .min = 50, .max = HOUR,
				   .only = ONLY_ANY, .preset_words = "the interval",
				   .help = "the same while the last probe contradicts the state; "
					   "at "
					   "most the interval" },
	[HEALTH_TIMEOUT] = { "timeout", &value_duration, FIELD(model_health, timeout_ms), .min = 10,
			     .max = HOUR, .only = ONLY_ANY,
			     .preset_words = "1s, or the interval where that is shorter",
			     .help = "a probe that takes longer has failed; at most the interval" },
	[HEALTH_RISE] = { "rise", &value_number, FIELD(model_health, rise), .min = 1, .max = 100,
			  .only = ONLY_ANY, .preset = "2",
			  .help = "successes in a row that bring a backend back" },
	[HEALTH_FALL] = { "fall", &value_number, FIELD(model_health, fall), .min = 1, .max = 100,
			  .only = ONLY_ANY, .preset = "3",
			  .help = "failures in a row that take a backend out" },
	[HEALTH_JITTER] = { "jitter", &value_percent, FIELD(model_health, jitter_percent), .min = 0,
			    .max = 50, .only = ONLY_ANY, .preset = "10%",
			    .help = "share of the interval by which a probe may come early or "
				    "late, drawn each time, so that probes do not march in step" },
	[HEALTH_BACKOFF] = { "backoff", &value_duration, FIELD(model_health, backoff_ms),
			     .min = SECOND, .max = DAY, .words = none_words, .only = ONLY_ANY,
			     .preset = "none",
			     .help = "the interval of a backend that stays down doubles up to "
				     "this; "
				     "longer than the interval" },
	[HEALTH_DAMPING] = { "damping", &value_damping, .table = &schema_damping,
			     .words = none_words, .only = ONLY_ANY, .preset = "none",
			     .help = "what keeps changing between up and down is held down" },
	[HEALTH_PORT] = { "port", &value_number, FIELD(model_health, port), .min = 1, .max = 65535,
			  .only = ONLY_PORTS, .preset_words = "the backend's",
			  .help = "port to probe; exec: LEAT_PORT of its environment" },
	[HEALTH_METHOD] = { "method", &value_method, FIELD(model_health, method),
			    .words = method_words, .only = ONLY_HTTP, .preset = "GET",
			    .help = "request method" },
	[HEALTH_PATH] = { "path", &value_path, FIELD(model_health, path), .max = TEXT_MAX_LENGTH,
			  .only = ONLY_HTTP, .preset = "/", .help = "path and query to ask for" },
	[HEALTH_HOST] = { "host", &value_token, FIELD(model_health, host), .max = HOST_MAX_LENGTH,
			  .only = ONLY_HTTP | ONLY_GRPC, .preset_words = "the backend's address",
			  .help = "Host header; the authority of grpc" },
	[HEALTH_EXPECT_STATUS] = { "expect", &value_statuses, FIELD(model_health, expect_status),
				   .only = ONLY_HTTP, .preset = "200-399",
				   .help = "status codes that count as success: one, a range, or a "
					   "list of both" },
	[HEALTH_EXPECT] = { "expect", &value_bytes, FIELD(model_health, expect),
			    .max = BYTES_MAX_LENGTH, .only = ONLY_UDP,
			    .preset_words = "any reply, or none and no ICMP error",
			    .help = "what the reply must begin with" },
	[HEALTH_BODY] = { "body", &value_text, FIELD(model_health, body), .max = TEXT_MAX_LENGTH,
			  .only = ONLY_HTTP, .preset_words = "anything",
			  .help = "text that the reply must contain" },
	[HEALTH_TLS] = { "tls", &value_tls, FIELD(model_health, tls), .table = &schema_tls,
			 .only = ONLY_TLS, .preset_words = "that of each key; grpc: no TLS",
			 .help = "how TLS is spoken" },
	[HEALTH_SERVICE] = { "service", &value_token, FIELD(model_health, grpc_service),
			     .max = HOST_MAX_LENGTH, .only = ONLY_GRPC,
			     .preset_words = "the server as a whole",
			     .help = "name of the service that is asked for" },
	[HEALTH_SEND] = { "send", &value_bytes, FIELD(model_health, send), .max = BYTES_MAX_LENGTH,
			  .only = ONLY_UDP, .preset_words = "an empty datagram",
			  .help = "the datagram" },
	[HEALTH_QUERY] = { "query", &value_dns_name, FIELD(model_health, query_name),
			   .max = DNS_MAX_LENGTH, .only = ONLY_DNS, .is_required = true,
			   .example = "query: www.example.com", .help = "name that is asked for" },
	[HEALTH_QUERY_TYPE] = { "query_type", &value_word, FIELD(model_health, query_type),
				.words = query_type_words, .only = ONLY_DNS, .preset = "A",
				.help = "type of record that is asked for" },
	[HEALTH_RCODES] = { "rcodes", &value_rcodes, FIELD(model_health, expect_rcodes),
			    .words = rcode_words, .only = ONLY_DNS, .preset = "noerror",
			    .help = "response codes that count as success: one, or a list" },
	[HEALTH_COMMAND] = { "command", &value_command, FIELD(model_health, command),
			     .max = TEXT_MAX_LENGTH, .only = ONLY_EXEC, .is_required = true,
			     .example = "command: [/usr/local/bin/check, --quick]",
			     .help = "program and arguments, at most 64 in all, without a shell" },
};
TABLE(schema_health, health_keys, .choice = &health_keys[HEALTH_TYPE]);
