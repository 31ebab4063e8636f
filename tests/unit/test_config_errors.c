/* SPDX-License-Identifier: GPL-2.0-only */
/* One wrong configuration after another: each message to the letter, with its place. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "config/config.h"
#include "config/schema.h"
#include "model/cleanup.h"

/*
 * What a case says begins on line 3 (TOP), 6 (SERVICE, HEALTH, HTTP, BACKENDS), 7 (NAT, GROUPED,
 * and services of another scheduler or protocol) or 8 (ADAPTIVE).
 */
#define TOP(text)	 "interfaces: [{name: gw0}]\nservices: []\n" text
#define SERVICES	 "interfaces: [{name: gw0}]\nservices:\n"
#define WEB		 "  - name: web\n    vip: 198.51.100.10:80\n    backends: []\n"
#define NAMED(name)	 SERVICES "  - {name: " name ", vip: \"198.51.100.10:80\", backends: []}\n"
#define VIP(vip)	 SERVICES "  - name: web\n    vip: " vip "\n    backends: []\n"
#define SERVICE(text)	 SERVICES WEB "    " text "\n"
#define HEALTH(text)	 SERVICE("health: {" text "}")
#define HTTP(text)	 HEALTH("type: http, " text)
#define TYPE_HTTPS(text) HEALTH("type: https, " text)
#define TYPE_GRPC(text)	 HEALTH("type: grpc, " text)
#define TYPE_UDP(text)	 HEALTH("type: udp, " text)
#define TYPE_DNS(text)	 HEALTH("type: dns, " text)
#define TYPE_ICMP(text)	 HEALTH("type: icmp, " text)
#define TYPE_EXEC(text)	 HEALTH("type: exec, " text)
#define BACKENDS(list)	 SERVICES "  - name: web\n    vip: 198.51.100.10:80\n    backends:\n" list
#define NAT(list)                                                                                  \
	SERVICES "  - name: web\n    vip: 198.51.100.10:80\n    forward: nat\n    "                \
		 "backends:\n" list
#define QUIC(list)                                                                                 \
	SERVICES "  - name: web\n    vip: 198.51.100.10:80\n    protocol: udp\n    hash: quic\n  " \
		 "  "                                                                              \
		 "backends:\n" list
#define BACKEND(text)	 "      - {" text "}\n"
#define WEB6		 "  - name: web\n    vip: \"[2001:db8::10]:80\"\n    backends: []\n"
#define SERVICE6(text)	 SERVICES WEB6 "    " text "\n"
#define UDP(text)	 SERVICE("protocol: udp\n    " text)
#define LR(text)	 SERVICE("scheduler: least_response\n    " text)
#define LC(text)	 SERVICE("scheduler: least_conn\n    " text)
#define RR(text)	 SERVICE("scheduler: round_robin\n    " text)
#define NAT_HEALTH(text) SERVICE("forward: nat\n    health: {" text "}")
#define ADAPTIVE(text)                                                                             \
	SERVICE("weights: adaptive\n    agent_check: {port: 8081}\n    adaptive: {" text "}")
#define UNGROUPED(text) BACKENDS(BACKEND(text))
#define GROUPED(text)                                                                              \
	SERVICES "  - name: web\n    vip: 198.51.100.10:80\n    groups: [{name: zone-a}, {name: "  \
		 "zone-b}]\n    backends:\n" BACKEND(text)

#define LABEL	   "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa." /* 62 and a dot */
#define SCHEDULERS "maglev, source_hash, round_robin, least_conn, least_response"
#define PROBES	   "tcp, http, https, grpc, udp, dns, icmp, exec, none"

struct bad_case {
	const char *key; /* "table.key" that it is about; "": none in particular */
	const char *text;
	const char *expected; /* line:column: message, one a line */
};

static const struct bad_case cases[] = {

	{ "", "", "1:1: the file is empty; it needs interfaces and services" },
	{ "", "# nothing\n", "1:1: the file is empty; it needs interfaces and services" },
	{ "", "- a\n", "1:1: the file: expected a mapping of keys to values, found a list" },
	{ "", "just words\n",
	  "1:1: the file: expected a mapping of keys to values, found \"just words\"" },
	{ "file.interfaces", "services: []\n",
	  "1:1: missing key \"interfaces\" in the file; for example interfaces: [{name: gw0}]" },
	{ "file.services", "interfaces: [{name: gw0}]\n",
	  "1:1: missing key \"services\" in the file; for example services: []" },
	{ "", TOP("servces: []\n"),
	  "3:1: unknown key \"servces\" in the file; did you mean \"services\"?" },
	{ "", TOP("zzz: 1\n"),
	  "3:1: unknown key \"zzz\" in the file; known are interfaces, limits, timers, hash_key, "
	  "services" },
	{ "", TOP("Timers: {}\n"),
	  "3:1: unknown key \"Timers\" in the file; did you mean \"timers\"?" },
	{ "", TOP("[a]: 1\n"), "3:1: a key must be a word, not a list or a mapping" },
	{ "", TOP("<<: {}\n"),
	  "3:1: merge keys (<<) are not supported; write the keys out, or give the whole mapping "
	  "an anchor (&name) and use it as *name" },
	{ "", TOP("services: []\n"),
	  "3:1: duplicate key \"services\" in the file; it is already given on line 2" },
	{ "", TOP("timers: [\n"), "4:1: not valid YAML: did not find expected node content" },
	{ "", TOP("\ttimers: {}\n"),
	  "3:1: not valid YAML: found character that cannot start any token; indent with spaces, "
	  "not with tabs" },
	{ "", TOP("timers: \"x\n"),
	  "4:1: not valid YAML: found unexpected end of stream while scanning a quoted scalar that "
	  "began on line 3" },
	{ "", TOP("timers: *x\n"), "3:9: not valid YAML: found undefined alias" },
	{ "", TOP("---\na: 1\n"),
	  "3:1: a second document begins here; a configuration is one document" },
	{ "", TOP("a: [[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]\n"),
	  "3:19: nested deeper than 16 levels" },
	{ "", TOP("# caf\xe9 au lait\n"),
	  "3:7: not valid YAML: invalid trailing UTF-8 octet; write the file in UTF-8" },
	{ "", TOP("timers: \x01\n"),
	  "3:9: not valid YAML: control characters are not allowed; write the file in UTF-8" },
	{ "file.interfaces", "interfaces: gw0\nservices: []\n",
	  "1:13: interfaces: expected a list of interfaces, found \"gw0\"" },
	{ "file.interfaces", "interfaces:\nservices: []\n",
	  "1:12: interfaces: expected a list of interfaces, found nothing" },
	{ "file.interfaces", "interfaces: []\nservices: []\n",
	  "1:13: interfaces: at least one is needed; for example interfaces: [{name: gw0}]" },
	{ "file.interfaces", "interfaces: [gw0]\nservices: []\n",
	  "1:14: interface: expected a mapping of keys to values, found \"gw0\"" },
	{ "interface.name", "interfaces: [{mode: auto}]\nservices: []\n",
	  "1:14: missing key \"name\" in interface; for example name: gw0" },
	{ "interface.name", "interfaces: [{name: a234567890123456}]\nservices: []\n",
	  "1:21: name: \"a234567890123456\" has 16 characters; at most 15 are possible" },
	{ "interface.name", "interfaces: [{name: a/b}]\nservices: []\n",
	  "1:21: name: \"a/b\" cannot be the name of an interface; `ip link` shows them" },
	{ "interface.name", "interfaces: [{name: \"\"}]\nservices: []\n",
	  "1:21: name: expected the name of an interface, found nothing" },
	{ "interface.name", "interfaces: [{name: [gw0]}]\nservices: []\n",
	  "1:21: name: expected the name of an interface, found a list" },
	{ "interface.name", "interfaces:\n- name: gw0\n- name: gw1\n- name: gw0\nservices: []\n",
	  "4:9: name: interface \"gw0\" is already given on line 2" },
	{ "interface.mode", "interfaces: [{name: gw0, mode: nativ}]\nservices: []\n",
	  "1:32: mode: \"nativ\" is not known; did you mean \"native\"? Known are: auto, native, "
	  "generic" },
	{ "interface.mode", "interfaces: [{name: gw0, mode: skb}]\nservices: []\n",
	  "1:32: mode: \"skb\" is not known; known are: auto, native, generic" },
	{ "interface.mode", "interfaces: [{name: gw0, mode: {}}]\nservices: []\n",
	  "1:32: mode: expected one of auto, native, generic, found a mapping" },
	{ "file.limits", TOP("limits:\n"),
	  "3:8: limits: expected a mapping such as {max_flows: 262144}, found nothing" },
	{ "file.limits", TOP("limits: {max_flow: 1024}\n"),
	  "3:10: unknown key \"max_flow\" in limits; did you mean \"max_flows\"?" },
	{ "limits.max_flows", TOP("limits: {max_flows: 1023}\n"),
	  "3:21: max_flows: 1023 is out of range; it must be 1024 to 67108864" },
	{ "limits.max_flows", TOP("limits: {max_flows: 99999999999999999999999}\n"),
	  "3:21: max_flows: 99999999999999999999999 is out of range; it must be 1024 to 67108864" },
	{ "limits.max_flows", TOP("limits: {max_flows: 256k}\n"),
	  "3:21: max_flows: expected a whole number, found \"256k\"" },
	{ "limits.max_slots", TOP("limits: {max_slots: 4092}\n"),
	  "3:21: max_slots: 4092 is out of range; it must be 4093 to 67108864" },
	{ "limits.max_slots", TOP("limits: {max_slots: -1}\n"),
	  "3:21: max_slots: expected a whole number, found \"-1\"" },
	{ "limits.max_slots",
	  "limits: {max_slots: 4093}\ninterfaces: [{name: gw0}]\nservices:\n  - name: web\n    "
	  "vip: 198.51.100.10:80\n    backends: []\n    table_size: 8191\n",
	  "1:21: max_slots: 4093 is less than the services' tables need; at least 8192" },
	{ "file.timers", TOP("timers: 5s\n"),
	  "3:9: timers: expected a mapping such as {warm_up: 5s}, found \"5s\"" },
	{ "timers.warm_up", TOP("timers: {warm_up: 2}\n"),
	  "3:19: warm_up: \"2\" has no unit; 2ms or 2s?" },
	{ "timers.warm_up", TOP("timers: {warm_up: 99ms}\n"),
	  "3:19: warm_up: 99ms is out of range; it must be 100ms to 1m" },
	{ "timers.warm_up", TOP("timers: {warm-up: 5s}\n"),
	  "3:10: unknown key \"warm-up\" in timers; did you mean \"warm_up\"?" },
	{ "timers.handshake", TOP("timers: {handshake: 2m}\n"),
	  "3:21: handshake: 2m is out of range; it must be 100ms to 1m" },
	{ "timers.handshake", TOP("timers: {handshake: 10sec}\n"),
	  "3:21: handshake: \"10sec\" has the unknown unit \"sec\"; known are ms, s, m and h" },
	{ "file.hash_key", TOP("hash_key: 1234\n"),
	  "3:11: hash_key: \"1234\" is not a key of 32 hexadecimal digits; `openssl rand -hex 16` "
	  "makes one" },
	{ "file.hash_key", TOP("hash_key: \"0001020304050607 8090a0b0c0d0e0f\"\n"),
	  "3:11: hash_key: \"0001020304050607 8090a0b0c0d0e0f\" is not a key of 32 hexadecimal "
	  "digits; `openssl rand -hex 16` makes one" },
	{ "file.hash_key", TOP("hash_key: []\n"),
	  "3:11: hash_key: expected 32 hexadecimal digits in quotes, found a list" },
	{ "file.services", SERVICES "",
	  "2:10: services: expected a list of services, found nothing; an empty one is []" },
	{ "file.services", "interfaces: [{name: gw0}]\nservices: {name: web}\n",
	  "2:11: services: expected a list of services, found a mapping" },
	{ "file.services", "interfaces: [{name: gw0}]\nservices: [web]\n",
	  "2:12: service: expected a mapping of keys to values, found \"web\"" },
	{ "service.name", SERVICES "  - vip: 198.51.100.10:80\n    backends: []\n",
	  "3:5: missing key \"name\" in service; for example name: web" },
	{ "service.name", NAMED("Web"),
	  "3:12: name: \"Web\" has characters other than a-z, 0-9, dot, underscore and hyphen" },
	{ "service.name", NAMED("\"\""), "3:12: name: expected a name, found nothing" },
	{ "service.name",
	  NAMED("\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\""),
	  "3:12: name: \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa...\" has 64 characters; "
	  "at most 63 are possible" },
	{ "service.name", NAMED("\"a\\0b\""), "3:12: name: contains a NUL character" },
	{ "service.name", SERVICES WEB "  - {name: web, vip: \"198.51.100.11:80\", backends: []}\n",
	  "6:12: name: service \"web\" is already given on line 3" },
	{ "service.vip", SERVICES "  - name: web\n    backends: []\n",
	  "3:5: missing key \"vip\" in service; for example vip: \"198.51.100.10:80\"" },
	{ "service.vip", VIP("198.51.100.10"),
	  "4:10: vip: \"198.51.100.10\" has no port; for example \"198.51.100.10:80\"" },
	{ "service.vip", VIP("2001:db8::10"),
	  "4:10: vip: \"2001:db8::10\" has no brackets and port; IPv6 is written as in "
	  "\"[2001:db8::10]:80\"" },
	{ "service.vip", VIP("\"2001:db8::10:80\""),
	  "4:10: vip: \"2001:db8::10:80\" has no brackets and port; IPv6 is written as in "
	  "\"[2001:db8::10]:80\"" },
	{ "service.vip", VIP("198.51.100.10:0"),
	  "4:10: vip: expected an address and port such as 198.51.100.10:80 or, in quotes, "
	  "\"[2001:db8::10]:80\", found \"198.51.100.10:0\"" },
	{ "service.vip", VIP("198.51.100.10:65536"),
	  "4:10: vip: expected an address and port such as 198.51.100.10:80 or, in quotes, "
	  "\"[2001:db8::10]:80\", found \"198.51.100.10:65536\"" },
	{ "service.vip", VIP("198.51.100.256:80"),
	  "4:10: vip: expected an address and port such as 198.51.100.10:80 or, in quotes, "
	  "\"[2001:db8::10]:80\", found \"198.51.100.256:80\"" },
	{ "service.vip", VIP("[2001:db8::10]:80"),
	  "4:24: not valid YAML: did not find expected key while parsing a block mapping that "
	  "began on line 3; an IPv6 address in brackets needs quotes: \"[2001:db8::10]:80\"" },
	{ "service.vip", "# café\n" VIP("[2001:db8::10]:80"),
	  "5:24: not valid YAML: did not find expected key while parsing a block mapping that "
	  "began on line 4; an IPv6 address in brackets needs quotes: \"[2001:db8::10]:80\"" },
	{ "service.vip", VIP("[2001:db8::10]"),
	  "4:10: vip: expected an address and port such as 198.51.100.10:80 or, in quotes, "
	  "\"[2001:db8::10]:80\", found a list" },
	{ "service.vip", VIP("\"[2001:db8::10]\""),
	  "4:10: vip: \"[2001:db8::10]\" has no port; for example \"[2001:db8::10]:80\"" },
	{ "service.vip", VIP("\"[198.51.100.10]:80\""),
	  "4:10: vip: expected an address and port such as 198.51.100.10:80 or, in quotes, "
	  "\"[2001:db8::10]:80\", found \"[198.51.100.10]:80\"" },
	{ "service.vip", VIP("web.example:80"),
	  "4:10: vip: expected an address and port such as 198.51.100.10:80 or, in quotes, "
	  "\"[2001:db8::10]:80\", found \"web.example:80\"" },
	{ "service.vip", VIP("0.0.0.0:80"),
	  "4:10: vip: 0.0.0.0 is unspecified; give the address of one host" },
	{ "service.vip", VIP("127.0.0.1:80"),
	  "4:10: vip: 127.0.0.1 is a loopback address; give the address of one host" },
	{ "service.vip", VIP("255.255.255.255:80"),
	  "4:10: vip: 255.255.255.255 is the broadcast address; give the address of one host" },
	{ "service.vip", VIP("224.0.0.1:80"),
	  "4:10: vip: 224.0.0.1 is a multicast address; give the address of one host" },
	{ "service.vip", VIP("\"[::]:80\""),
	  "4:10: vip: :: is unspecified; give the address of one host" },
	{ "service.vip", VIP("\"[::1]:80\""),
	  "4:10: vip: ::1 is a loopback address; give the address of one host" },
	{ "service.vip", VIP("\"[ff02::1]:80\""),
	  "4:10: vip: ff02::1 is a multicast address; give the address of one host" },
	{ "service.vip", VIP("\"[::ffff:192.0.2.1]:80\""),
	  "4:10: vip: expected an address and port such as 198.51.100.10:80 or, in quotes, "
	  "\"[2001:db8::10]:80\", found \"[::ffff:192.0.2.1]:80\"" },
	{ "service.vip", VIP(""),
	  "4:9: vip: expected an address and port such as 198.51.100.10:80 or, in quotes, "
	  "\"[2001:db8::10]:80\", found nothing" },
	{ "service.vip", SERVICES WEB "  - {name: web2, vip: \"198.51.100.10:80\", backends: []}\n",
	  "6:23: vip: 198.51.100.10:80 tcp is already served by the service on line 4" },
	{ "service.protocol", SERVICE("protocol: sctp"),
	  "6:15: protocol: \"sctp\" is not known; known are: tcp, udp" },
	{ "service.protocol", SERVICE("proto: tcp"),
	  "6:5: unknown key \"proto\" in service; did you mean \"protocol\"?" },
	{ "service.protocol", SERVICE("protocol: TCP"),
	  "6:15: protocol: \"TCP\" is not known; did you mean \"tcp\"? Known are: tcp, udp" },
	{ "service.scheduler", SERVICE("scheduler: magleev"),
	  "6:16: scheduler: \"magleev\" is not known; did you mean \"maglev\"? Known "
	  "are: " SCHEDULERS },
	{ "service.scheduler", SERVICE("scheduler: rr"),
	  "6:16: scheduler: \"rr\" is not known; known are: " SCHEDULERS },
	{ "service.scheduler", SERVICE("scheduler: [maglev]"),
	  "6:16: scheduler: expected one of " SCHEDULERS ", found a list" },
	{ "limits.max_affinities", TOP("limits: {max_affinities: 1023}\n"),
	  "3:26: max_affinities: 1023 is out of range; it must be 1024 to 4194304" },
	{ "limits.max_affinities", TOP("limits: {max_affinities: lots}\n"),
	  "3:26: max_affinities: expected a whole number, found \"lots\"" },
	{ "service.hash", SERVICE("hash: port"),
	  "6:11: hash: \"port\" is not known; known are: source_port, source, quic" },
	{ "service.hash", SERVICE("hash: quic"),
	  "6:11: hash: quic is only for protocol udp, and this one is tcp" },
	{ "service.hash", RR("hash: quic"),
	  "7:5: hash: belongs to scheduler: maglev; this one is round_robin" },
	{ "service.forward", UDP("hash: quic\n    forward: nat"),
	  "8:14: forward: nat needs a record of every connection, and with hash: quic packets go "
	  "by their ids, without one; choose dsr" },
	{ "service.track", UDP("hash: quic\n    track: all"),
	  "8:12: track: all does not go with hash: quic, whose packets go by their ids, without a "
	  "record; choose exceptions" },
	{ "service.quic", UDP("hash: quic\n    quic: 2"),
	  "8:11: quic: expected a mapping such as {server_id_length: 2}, found \"2\"" },
	{ "service.quic", UDP("hash: quic\n    quic: {lenght: 2}"),
	  "8:12: unknown key \"lenght\" in quic; known are config, server_id_length" },
	{ "service.quic", SERVICE("quic: {config: 1}"),
	  "6:5: quic: has no effect without hash: quic" },
	{ "service.quic", UDP("hash: source\n    quic: {}"),
	  "8:5: quic: has no effect without hash: quic" },
	{ "service.quic", RR("quic: {}"),
	  "7:5: quic: belongs to scheduler: maglev; this one is round_robin" },
	{ "quic.config", UDP("hash: quic\n    quic: {config: 7}"),
	  "8:20: config: 7 is out of range; it must be 0 to 6" },
	{ "quic.config", UDP("hash: quic\n    quic: {config: low}"),
	  "8:20: config: expected a whole number, found \"low\"" },
	{ "quic.server_id_length", UDP("hash: quic\n    quic: {server_id_length: 0}"),
	  "8:30: server_id_length: 0 is out of range; it must be 1 to 8" },
	{ "quic.server_id_length", UDP("hash: quic\n    quic: {server_id_length: 9}"),
	  "8:30: server_id_length: 9 is out of range; it must be 1 to 8" },
	{ "quic.server_id_length", UDP("hash: quic\n    quic: {server_id_length: 2b}"),
	  "8:30: server_id_length: expected a whole number, found \"2b\"" },
	{ "service.hash", SERVICE("hash: []"),
	  "6:11: hash: expected one of source_port, source, quic, found a list" },
	{ "service.hash", RR("hash: source"),
	  "7:5: hash: belongs to scheduler: maglev; this one is round_robin" },
	{ "service.hash", SERVICE("scheduler: source_hash\n    hash: source"),
	  "7:5: hash: belongs to scheduler: maglev; this one is source_hash" },
	{ "service.source_prefix6", SERVICE6("source_prefix6: 0"),
	  "6:21: source_prefix6: 0 is out of range; it must be 1 to 128" },
	{ "service.source_prefix6", SERVICE6("source_prefix6: 129"),
	  "6:21: source_prefix6: 129 is out of range; it must be 1 to 128" },
	{ "service.source_prefix6", SERVICE6("source_prefix6: /64"),
	  "6:21: source_prefix6: expected a whole number, found \"/64\"" },
	{ "service.source_prefix6", SERVICE6("source_prefix6: 56"),
	  "6:5: source_prefix6: has no effect without scheduler: source_hash, hash: source or "
	  "affinity" },
	{ "service.source_prefix6", SERVICE6("scheduler: round_robin\n    source_prefix6: 56"),
	  "7:5: source_prefix6: has no effect without scheduler: source_hash, hash: source or "
	  "affinity" },
	{ "service.source_prefix6", SERVICE("scheduler: source_hash\n    source_prefix6: 56"),
	  "7:5: source_prefix6: has no effect, because clients of the VIP 198.51.100.10 are IPv4" },
	{ "service.draws", LC("draws: 1"), "7:12: draws: 1 is out of range; it must be 2 to 8" },
	{ "service.draws", LC("draws: 9"), "7:12: draws: 9 is out of range; it must be 2 to 8" },
	{ "service.draws", LR("draws: two"),
	  "7:12: draws: expected a whole number, found \"two\"" },
	{ "service.draws", SERVICE("draws: 2"),
	  "6:5: draws: belongs to scheduler: least_conn or least_response; this one is maglev" },
	{ "service.draws", RR("draws: 2"),
	  "7:5: draws: belongs to scheduler: least_conn or least_response; this one is "
	  "round_robin" },
	{ "service.affinity", RR("affinity: 999ms"),
	  "7:15: affinity: 999ms is out of range; it must be 1s to 24h, or none" },
	{ "service.affinity", RR("affinity: 25h"),
	  "7:15: affinity: 25h is out of range; it must be 1s to 24h, or none" },
	{ "service.affinity", LC("affinity: 10"),
	  "7:15: affinity: \"10\" has no unit; 10ms or 10s?" },
	{ "service.affinity", LR("affinity: yes"),
	  "7:15: affinity: expected a duration such as 500ms, 2s, 15m or 1h, or none, found "
	  "\"yes\"" },
	{ "service.affinity", SERVICE("affinity: 10m"),
	  "6:5: affinity: belongs to scheduler: round_robin, least_conn or least_response; this "
	  "one is maglev" },
	{ "service.affinity", SERVICE("scheduler: source_hash\n    affinity: none"),
	  "7:5: affinity: belongs to scheduler: round_robin, least_conn or least_response; this "
	  "one is source_hash" },
	{ "service.response", LR("response: fast"),
	  "7:15: response: expected a mapping such as {decay: 0.3, window: 30s}, found \"fast\"" },
	{ "service.response", LR("response: {decai: 0.5}"),
	  "7:16: unknown key \"decai\" in response; did you mean \"decay\"?" },
	{ "service.response", SERVICE("response: {decay: 0.5}"),
	  "6:5: response: belongs to scheduler: least_response; this one is maglev" },
	{ "service.response", LC("response: {decay: 0.5}"),
	  "7:5: response: belongs to scheduler: least_response; this one is least_conn" },
	{ "response.decay", LR("response: {decay: 0.009}"),
	  "7:23: decay: 0.009 is out of range; it must be 0.01 to 1" },
	{ "response.decay", LR("response: {decay: 1.1}"),
	  "7:23: decay: 1.1 is out of range; it must be 0.01 to 1" },
	{ "response.decay", LR("response: {decay: 0.3333}"),
	  "7:23: decay: \"0.3333\" has more than 3 decimal places" },
	{ "response.decay", LR("response: {decay: 30%}"),
	  "7:23: decay: expected a number such as 0.5, found \"30%\"" },
	{ "response.decay", LR("response: {decay: .3}"),
	  "7:23: decay: expected a number such as 0.5, found \".3\"" },
	{ "response.decay", LR("response: {decay: 00.3}"),
	  "7:23: decay: \"00.3\" begins with a zero; write 0.3" },
	{ "response.window", LR("response: {window: 0}"),
	  "7:24: window: 0 is out of range; it must be 1s to 1h" },
	{ "response.window", LR("response: {window: 30}"),
	  "7:24: window: \"30\" has no unit; 30ms or 30s?" },
	{ "response.explore", LR("response: {explore: 91%}"),
	  "7:25: explore: 91% is out of range; it must be 0% to 90%" },
	{ "response.explore", LR("response: {explore: 0.2}"),
	  "7:25: explore: expected a percentage such as 10%, found \"0.2\"" },
	{ "service.scheduler", UDP("scheduler: least_response"),
	  "7:16: scheduler: least_response is only for protocol tcp, and this one is udp; choose "
	  "least_conn" },
	{ "service.weights", SERVICE("weights: dynamic"),
	  "6:14: weights: \"dynamic\" is not known; known are: static, adaptive" },
	{ "service.weights", SERVICE("weights: {}"),
	  "6:14: weights: expected one of static, adaptive, found a mapping" },
	{ "service.weights", SERVICE("weights: adaptive"),
	  "6:14: weights: adaptive needs the load that an agent check reports; for example "
	  "agent_check: {port: 8081}" },
	{ "service.weights", UDP("weights: adaptive\n    agent_check: {port: 8081}"),
	  "7:14: weights: adaptive is only for protocol tcp, and this one is udp; choose static" },
	{ "service.adaptive",
	  SERVICE("weights: adaptive\n    agent_check: {port: 8081}\n    adaptive: on"),
	  "8:15: adaptive: expected a mapping such as {target: 70%}, found \"on\"" },
	{ "service.adaptive", SERVICE("adaptive: {target: 50%}"),
	  "6:5: adaptive: has no effect with weights: static; choose weights: adaptive" },
	{ "service.adaptive", UDP("adaptive: {target: 50%}"),
	  "7:5: adaptive: only a service of protocol tcp has it; this one is udp" },
	{ "adaptive.target", ADAPTIVE("target: 0%"),
	  "8:24: target: 0% is out of range; it must be 1% to 100%" },
	{ "adaptive.target", ADAPTIVE("target: 70"),
	  "8:24: target: \"70\" has no unit; write 70%" },
	{ "adaptive.kp", ADAPTIVE("kp: -1"),
	  "8:20: kp: expected a number such as 0.5, found \"-1\"" },
	{ "adaptive.kp", ADAPTIVE("kp: 10.001"),
	  "8:20: kp: 10.001 is out of range; it must be 0 to 10" },
	{ "adaptive.kp", ADAPTIVE("kp: 18446744073709552"), /* x 1000 is 384 in 64 bits */
	  "8:20: kp: 18446744073709552 is out of range; it must be 0 to 10" },
	{ "adaptive.ki", ADAPTIVE("ki: 1e-3"),
	  "8:20: ki: expected a number such as 0.5, found \"1e-3\"" },
	{ "adaptive.ki", ADAPTIVE("ki: 11"), "8:20: ki: 11 is out of range; it must be 0 to 10" },
	{ "adaptive.kd", ADAPTIVE("kd: 0.0005"),
	  "8:20: kd: \"0.0005\" has more than 3 decimal places" },
	{ "adaptive.kd", ADAPTIVE("kd: 99999999999999999999"),
	  "8:20: kd: 99999999999999999999 is out of range; it must be 0 to 10" },
	{ "adaptive.minimum", ADAPTIVE("minimum: 0%"),
	  "8:25: minimum: 0% is out of range; it must be 1% to 100%" },
	{ "adaptive.minimum", ADAPTIVE("minimum: 101%"),
	  "8:25: minimum: 101% is out of range; it must be 1% to 100%" },
	{ "adaptive.maximum", ADAPTIVE("maximum: 99%"),
	  "8:25: maximum: 99% is out of range; it must be 100% to 1000%" },
	{ "adaptive.maximum", ADAPTIVE("maximum: double"),
	  "8:25: maximum: expected a percentage such as 10%, found \"double\"" },
	{ "adaptive.step", ADAPTIVE("step: 0%"),
	  "8:22: step: 0% is out of range; it must be 1% to 100%" },
	{ "adaptive.step", ADAPTIVE("step: []"),
	  "8:22: step: expected a percentage such as 10%, found a list" },
	{ "adaptive.interval", ADAPTIVE("interval: 99ms"),
	  "8:26: interval: 99ms is out of range; it must be 100ms to 1h" },
	{ "adaptive.interval", ADAPTIVE("interval: 1"),
	  "8:26: interval: \"1\" has no unit; 1ms or 1s?" },
	{ "service.churn", SERVICE("churn: 5%"),
	  "6:12: churn: expected a mapping such as {max_moves: 5%}, found \"5%\"" },
	{ "service.churn", SERVICE("churn: {moves: 5%}"),
	  "6:13: unknown key \"moves\" in churn; known are max_moves, interval, hysteresis" },
	{ "service.churn", RR("churn: {max_moves: 5%}"),
	  "7:5: churn: belongs to scheduler: maglev or source_hash; this one is round_robin" },
	{ "service.churn", LC("churn: {}"),
	  "7:5: churn: belongs to scheduler: maglev or source_hash; this one is least_conn" },
	{ "service.churn", UDP("churn: {max_moves: 5%}"),
	  "7:5: churn: only a service of protocol tcp has it; this one is udp" },
	{ "churn.max_moves", SERVICE("churn: {max_moves: 0%}"),
	  "6:24: max_moves: 0% is out of range; it must be 0.1% to 100%" },
	{ "churn.max_moves", SERVICE("churn: {max_moves: 100.1%}"),
	  "6:24: max_moves: 100.1% is out of range; it must be 0.1% to 100%" },
	{ "churn.max_moves", SERVICE("churn: {max_moves: 2.55%}"),
	  "6:24: max_moves: \"2.55%\" has more than 1 decimal place" },
	{ "churn.max_moves", SERVICE("churn: {max_moves: 5}"),
	  "6:24: max_moves: \"5\" has no unit; write 5%" },
	{ "churn.max_moves", SERVICE("churn: {max_moves: all}"),
	  "6:24: max_moves: expected a percentage such as 5% or 2.5%, found \"all\"" },
	{ "churn.interval", SERVICE("churn: {interval: 2h}"),
	  "6:23: interval: 2h is out of range; it must be 100ms to 1h" },
	{ "churn.interval", SERVICE("churn: {interval: often}"),
	  "6:23: interval: expected a duration such as 500ms, 2s, 15m or 1h, found \"often\"" },
	{ "churn.hysteresis", SERVICE("churn: {hysteresis: 51%}"),
	  "6:25: hysteresis: 51% is out of range; it must be 0% to 50%" },
	{ "churn.hysteresis", SERVICE("churn: {hysteresis: 5}"),
	  "6:25: hysteresis: \"5\" has no unit; write 5%" },
	{ "service.slow_start", SERVICE("slow_start: 30"),
	  "6:17: slow_start: \"30\" has no unit; 30ms or 30s?" },
	{ "service.slow_start", SERVICE("slow_start: 999ms"),
	  "6:17: slow_start: 999ms is out of range; it must be 1s to 1h, or none" },
	{ "service.slow_start", SERVICE("slow_start: off"),
	  "6:17: slow_start: expected a duration such as 500ms, 2s, 15m or 1h, or none, found "
	  "\"off\"" },
	{ "service.slow_start", SERVICE("slow_start: []"),
	  "6:17: slow_start: expected a duration, a mapping such as {duration: 30s, minimum: 10%}, "
	  "or none, found a list" },
	{ "service.slow_start", SERVICE("slow_start:"),
	  "6:16: slow_start: expected a duration such as 500ms, 2s, 15m or 1h, or none, found "
	  "nothing" },
	{ "service.slow_start", UDP("slow_start: 30s"),
	  "7:5: slow_start: only a service of protocol tcp has it; this one is udp" },
	{ "slow_start.duration", SERVICE("slow_start: {}"),
	  "6:17: missing key \"duration\" in slow_start; for example duration: 30s" },
	{ "slow_start.duration", SERVICE("slow_start: {duration: 2h}"),
	  "6:28: duration: 2h is out of range; it must be 1s to 1h" },
	{ "slow_start.duration", SERVICE("slow_start: {duration: none}"),
	  "6:28: duration: expected a duration such as 500ms, 2s, 15m or 1h, found \"none\"" },
	{ "slow_start.minimum", SERVICE("slow_start: {duration: 30s, minimum: 0%}"),
	  "6:42: minimum: 0% is out of range; it must be 1% to 100%" },
	{ "slow_start.minimum", SERVICE("slow_start: {duration: 30s, minimum: 10}"),
	  "6:42: minimum: \"10\" has no unit; write 10%" },
	{ "slow_start.curve", SERVICE("slow_start: {duration: 30s, curve: 0.01}"),
	  "6:40: curve: 0.01 is out of range; it must be 0.1 to 10" },
	{ "slow_start.curve", SERVICE("slow_start: {duration: 30s, curve: line}"),
	  "6:40: curve: expected a number such as 0.5, found \"line\"" },
	{ "service.panic", SERVICE("panic: 30%"),
	  "6:12: panic: expected a mapping such as {threshold: 30%}, found \"30%\"" },
	{ "service.panic", SERVICE("panic: {treshold: 30%}"),
	  "6:13: unknown key \"treshold\" in panic; did you mean \"threshold\"?" },
	{ "panic.threshold", SERVICE("panic: {threshold: 101%}"),
	  "6:24: threshold: 101% is out of range; it must be 0% to 100%" },
	{ "panic.threshold", SERVICE("panic: {threshold: 0.5}"),
	  "6:24: threshold: expected a percentage such as 10%, found \"0.5\"" },
	{ "panic.mode", SERVICE("panic: {threshold: 30%, mode: close}"),
	  "6:35: mode: \"close\" is not known; did you mean \"closed\"? Known are: open, closed" },
	{ "panic.mode", SERVICE("panic: {threshold: 30%, mode: []}"),
	  "6:35: mode: expected one of open, closed, found a list" },
	{ "panic.mode", SERVICE("panic: {mode: closed}"),
	  "6:13: mode: has no effect without a threshold; for example threshold: 30%" },
	{ "service.spill_below", SERVICE("groups: [{name: a}]\n    spill_below: 0%"),
	  "7:18: spill_below: 0% is out of range; it must be 1% to 100%" },
	{ "service.spill_below", SERVICE("groups: [{name: a}]\n    spill_below: 0.7"),
	  "7:18: spill_below: expected a percentage such as 10%, found \"0.7\"" },
	{ "service.spill_below", SERVICE("spill_below: 70%"),
	  "6:5: spill_below: has no effect, because the service has no groups" },
	{ "service.agent_check", SERVICE("agent_check: 8081"),
	  "6:18: agent_check: expected a mapping such as {port: 8081}, found \"8081\"" },
	{ "service.agent_check", SERVICE("agent_check: {interval: 1s}"),
	  "6:18: missing key \"port\" in agent_check; for example port: 8081" },
	{ "agent_check.port", SERVICE("agent_check: {}"),
	  "6:18: missing key \"port\" in agent_check; for example port: 8081" },
	{ "agent_check.port", SERVICE("agent_check: {port: 0}"),
	  "6:25: port: 0 is out of range; it must be 1 to 65535" },
	{ "agent_check.port", SERVICE("agent_check: {port: http}"),
	  "6:25: port: expected a whole number, found \"http\"" },
	{ "agent_check.interval", SERVICE("agent_check: {port: 8081, interval: 10ms}"),
	  "6:41: interval: 10ms is out of range; it must be 50ms to 1h" },
	{ "agent_check.interval", SERVICE("agent_check: {port: 8081, interval: 2}"),
	  "6:41: interval: \"2\" has no unit; 2ms or 2s?" },
	{ "agent_check.timeout", SERVICE("agent_check: {port: 8081, timeout: 3s}"),
	  "6:40: timeout: 3s is longer than the interval of 2s; it must be at most that" },
	{ "agent_check.timeout",
	  SERVICE("agent_check: {port: 8081, interval: 1s, timeout: 1001ms}"),
	  "6:54: timeout: 1001ms is longer than the interval of 1s; it must be at most that" },
	{ "agent_check.timeout", SERVICE("agent_check: {port: 8081, timeout: 5ms}"),
	  "6:40: timeout: 5ms is out of range; it must be 10ms to 1h" },
	{ "service.passive", SERVICE("passive: yes"),
	  "6:14: passive: expected a mapping such as {sample: 64}, or one of off, on, found "
	  "\"yes\"" },
	{ "service.passive", SERVICE("passive: of"),
	  "6:14: passive: expected a mapping such as {sample: 64}, or one of off, on, found "
	  "\"of\"" },
	{ "service.passive", SERVICE("passive: []"),
	  "6:14: passive: expected a mapping such as {sample: 64}, or one of off, on, found a "
	  "list" },
	{ "service.passive", SERVICE("passive:"),
	  "6:13: passive: expected a mapping such as {sample: 64}, or one of off, on, found "
	  "nothing" },
	{ "service.passive", UDP("passive: on"),
	  "7:5: passive: only a service of protocol tcp has it; this one is udp" },
	{ "passive.sample", SERVICE("passive: {sample: 0}"),
	  "6:23: sample: 0 is out of range; it must be 1 to 4096" },
	{ "passive.sample", SERVICE("passive: {sample: 48}"),
	  "6:23: sample: 48 is not a power of two; the nearest are 32 and 64" },
	{ "passive.sample", SERVICE("passive: {sample: 8192}"),
	  "6:23: sample: 8192 is out of range; it must be 1 to 4096" },
	{ "passive.sample", SERVICE("passive: {sample: 1/64}"),
	  "6:23: sample: expected a whole number, found \"1/64\"" },
	{ "passive.timeout", SERVICE("passive: {timeout: 2m}"),
	  "6:24: timeout: 2m is out of range; it must be 100ms to 1m" },
	{ "passive.timeout", SERVICE("passive: {timeout: 3}"),
	  "6:24: timeout: \"3\" has no unit; 3ms or 3s?" },
	{ "passive.window", SERVICE("passive: {window: 999ms}"),
	  "6:23: window: 999ms is out of range; it must be 1s to 1h" },
	{ "passive.window", SERVICE("passive: {window: long}"),
	  "6:23: window: expected a duration such as 500ms, 2s, 15m or 1h, found \"long\"" },
	{ "passive.minimum", SERVICE("passive: {minimum: 0}"),
	  "6:24: minimum: 0 is out of range; it must be 1 to 10000" },
	{ "passive.minimum", SERVICE("passive: {minimum: 5%}"),
	  "6:24: minimum: expected a whole number, found \"5%\"" },
	{ "passive.threshold", SERVICE("passive: {threshold: 101%}"),
	  "6:26: threshold: 101% is out of range; it must be 1% to 100%" },
	{ "passive.threshold", SERVICE("passive: {threshold: 50}"),
	  "6:26: threshold: \"50\" has no unit; write 50%" },
	{ "passive.max_ejected", SERVICE("passive: {max_ejected: 0%}"),
	  "6:28: max_ejected: 0% is out of range; it must be 1% to 100%" },
	{ "passive.max_ejected", SERVICE("passive: {max_ejected: 1}"),
	  "6:28: max_ejected: \"1\" has no unit; write 1%" },
	{ "passive.eject", SERVICE("passive: {eject: 0}"),
	  "6:22: eject: 0 is out of range; it must be 1s to 1h" },
	{ "passive.eject", SERVICE("passive: {eject: 2h}"),
	  "6:22: eject: 2h is out of range; it must be 1s to 1h" },
	{ "service.groups", SERVICE("groups: zone-a"),
	  "6:13: groups: expected a list of groups, found \"zone-a\"" },
	{ "service.groups", SERVICE("groups: []"),
	  "6:13: groups: an empty list has no effect; remove it, or name some as in groups: "
	  "[{name: zone-a}]" },
	{ "service.groups", SERVICE("groups:"),
	  "6:12: groups: expected a list of groups, found nothing" },
	{ "service.groups", SERVICE("groups: [zone-a]"),
	  "6:14: group: expected a mapping of keys to values, found \"zone-a\"" },
	{ "service.groups", SERVICE("groups: [{name: a, backup: true}, {name: b, backup: true}]"),
	  "6:13: groups: all are backups; at least one must serve before them" },
	{ "group.name", SERVICE("groups: [{priority: 1}]"),
	  "6:14: missing key \"name\" in group; for example name: zone-a" },
	{ "group.name", SERVICE("groups: [{name: Zone A}]"),
	  "6:21: name: \"Zone A\" has characters other than a-z, 0-9, dot, underscore and hyphen" },
	{ "group.name", SERVICE("groups: [{name: a}, {name: b}, {name: a}]"),
	  "6:43: name: group \"a\" is already given on line 6" },
	{ "group.priority", SERVICE("groups: [{name: a, priority: 256}]"),
	  "6:34: priority: 256 is out of range; it must be 0 to 255" },
	{ "group.priority", SERVICE("groups: [{name: a, priority: high}]"),
	  "6:34: priority: expected a whole number, found \"high\"" },
	{ "group.weight", SERVICE("groups: [{name: a, weight: 0}]"),
	  "6:32: weight: 0 is out of range; it must be 1 to 1000000" },
	{ "group.weight", SERVICE("groups: [{name: a, weight: 1000001}]"),
	  "6:32: weight: 1000001 is out of range; it must be 1 to 1000000" },
	{ "group.weight", SERVICE("groups: [{name: a, weight: 50%}]"),
	  "6:32: weight: expected a whole number, found \"50%\"" },
	{ "group.backup", SERVICE("groups: [{name: a}, {name: b, backup: yes}]"),
	  "6:43: backup: expected true or false, found \"yes\"" },
	{ "group.name",
	  SERVICES "  - name: web\n    vip: 198.51.100.10:80\n    groups: [{name: Zone A}]\n    "
		   "backends:\n" BACKEND("address: 10.0.0.11, group: zone-a"),
	  "5:21: name: \"Zone A\" has characters other than a-z, 0-9, dot, underscore and "
	  "hyphen" },
	{ "backend.group", GROUPED("address: 10.0.0.11, group: zone-c"),
	  "7:37: group: \"zone-c\" is no group of this service; did you mean \"zone-a\"? Its "
	  "groups are: zone-a, zone-b" },
	{ "backend.group", GROUPED("address: 10.0.0.11, group: rack"),
	  "7:37: group: \"rack\" is no group of this service; its groups are: zone-a, zone-b" },
	{ "backend.group", GROUPED("address: 10.0.0.11, group: \"\""),
	  "7:37: group: expected the name of a group, found nothing" },
	{ "backend.group", GROUPED("address: 10.0.0.11, group: [zone-a]"),
	  "7:37: group: expected the name of a group, found a list" },
	{ "backend.group", GROUPED("address: 10.0.0.11"),
	  "7:9: missing key \"group\" in backend; the service's groups are: zone-a, zone-b" },
	{ "backend.group", UNGROUPED("address: 10.0.0.11, group: zone-a"),
	  "6:30: group: has no effect, because the service has no groups; for example groups: "
	  "[{name: zone-a}]" },
	{ "service.forward", SERVICE("forward: ipip"),
	  "6:14: forward: \"ipip\" is not in this release; known are: dsr, nat" },
	{ "service.forward", SERVICE("forward: gue"),
	  "6:14: forward: \"gue\" is not in this release; known are: dsr, nat" },
	{ "service.forward", SERVICE("forward: full_nat"),
	  "6:14: forward: \"full_nat\" is not in this release; known are: dsr, nat" },
	{ "service.forward", SERVICE("forward: proxy"),
	  "6:14: forward: \"proxy\" is not known; known are: dsr, nat" },
	{ "service.track", SERVICE("track: some"),
	  "6:12: track: \"some\" is not known; known are: exceptions, all" },
	{ "service.track", SERVICE("track: true"),
	  "6:12: track: \"true\" is not known; known are: exceptions, all" },
	{ "service.table_size", SERVICE("table_size: 4096"),
	  "6:17: table_size: 4096 is not a prime; the nearest are 4093 and 4099" },
	{ "service.table_size", SERVICE("table_size: 1"),
	  "6:17: table_size: 1 is out of range; it must be 2 to 1048573" },
	{ "service.table_size", SERVICE("table_size: 1048574"),
	  "6:17: table_size: 1048574 is out of range; it must be 2 to 1048573" },
	{ "service.table_size", SERVICE("table_size: 04093"),
	  "6:17: table_size: \"04093\" begins with a zero; write 4093" },
	{ "service.table_size",
	  SERVICES
	  "  - name: web\n    vip: 198.51.100.10:80\n    backends:\n      - {address: 10.0.0.11}\n "
	  "     - {address: 10.0.0.12}\n      - {address: 10.0.0.13}\n    table_size: 2\n",
	  "9:17: table_size: 2 is less than the 3 backends; 100 times as many do well, for example "
	  "4093" },
	{ "service.idle_timeout", SERVICE("idle_timeout: 999ms"),
	  "6:19: idle_timeout: 999ms is out of range; it must be 1s to 24h" },
	{ "service.idle_timeout", SERVICE("idle_timeout: 25h"),
	  "6:19: idle_timeout: 25h is out of range; it must be 1s to 24h" },
	{ "service.idle_timeout", SERVICE("idle_timeout: 1.5h"),
	  "6:19: idle_timeout: \"1.5h\" is not a whole number; use a smaller unit: ms, s, m or h" },
	{ "service.idle_timeout", SERVICE("idle_timeout: soon"),
	  "6:19: idle_timeout: expected a duration such as 500ms, 2s, 15m or 1h, found \"soon\"" },
	{ "service.idle_timeout", SERVICE("idle_timeout:"),
	  "6:18: idle_timeout: expected a duration such as 500ms, 2s, 15m or 1h, found nothing" },
	{ "service.idle_timeout", SERVICE("idle_timeout: 99999999999999999999h"),
	  "6:19: idle_timeout: 99999999999999999999h is out of range; it must be 1s to 24h" },
	{ "service.drain_timeout", SERVICE("drain_timeout: 0"),
	  "6:20: drain_timeout: 0 is out of range; it must be 1s to 24h, or none" },
	{ "service.drain_timeout", SERVICE("drain_timeout: 0s"),
	  "6:20: drain_timeout: 0s is out of range; it must be 1s to 24h, or none" },
	{ "service.drain_timeout", SERVICE("drain_timeout: never"),
	  "6:20: drain_timeout: expected a duration such as 500ms, 2s, 15m or 1h, or none, found "
	  "\"never\"" },
	{ "service.init", SERVICE("init: down"),
	  "6:11: init: \"down\" is not known; known are: probe, up" },
	{ "service.vip_address", SERVICE("vip_address: lo"),
	  "6:18: vip_address: \"lo\" is not known; known are: add, none" },
	{ "service.health", SERVICE("health: tcp"),
	  "6:13: health: expected a mapping such as {type: tcp}, found \"tcp\"" },
	{ "service.health", SERVICE("health: [{type: tcp}]"),
	  "6:13: health: expected a mapping such as {type: tcp}, found a list" },
	{ "health.type", HEALTH("type: htps"),
	  "6:20: type: \"htps\" is not known; did you mean \"https\"? Known are: " PROBES },
	{ "health.type", HEALTH("type: ldap, interval: 2, expect: x, path: y"),
	  "6:20: type: \"ldap\" is not known; known are: " PROBES "\n"
	  "6:36: interval: \"2\" has no unit; 2ms or 2s?\n"
	  "6:56: path: \"y\" does not begin with /; for example /health" },
	{ "", HEALTH("zzzzzzzzz: 1"),
	  "6:14: unknown key \"zzzzzzzzz\" in health; known are type, via, interval, "
	  "fast_interval, timeout, rise, fall, jitter, backoff, damping, port, method, path, host, "
	  "expect, body, tls, service, send, query, query_type, rcodes, command" },
	{ "health.type", HEALTH("type: none, interval: 1s"),
	  "6:26: interval: has no effect with type: none; remove it, or choose another type" },
	{ "health.type", HEALTH("interval: 1s, type: none"),
	  "6:14: interval: has no effect with type: none; remove it, or choose another type" },
	{ "health.interval", HEALTH("interval: 10ms"),
	  "6:24: interval: 10ms is out of range; it must be 50ms to 1h" },
	{ "health.interval", HEALTH("interval: 2"),
	  "6:24: interval: \"2\" has no unit; 2ms or 2s?" },
	{ "health.interval", HEALTH("intervall: 2s"),
	  "6:14: unknown key \"intervall\" in health; did you mean \"interval\"?" },
	{ "health.timeout", HEALTH("timeout: 3s"),
	  "6:23: timeout: 3s is longer than the interval of 2s; it must be at most that" },
	{ "health.timeout", HEALTH("interval: 1s, timeout: 2s"),
	  "6:37: timeout: 2s is longer than the interval of 1s; it must be at most that" },
	{ "health.timeout", HEALTH("timeout: 1 s"),
	  "6:23: timeout: \"1 s\" has the unknown unit \" s\"; known are ms, s, m and h" },
	{ "health.rise", HEALTH("rise: 0"), "6:20: rise: 0 is out of range; it must be 1 to 100" },
	{ "health.rise", HEALTH("rise: two"),
	  "6:20: rise: expected a whole number, found \"two\"" },
	{ "health.fall", HEALTH("fall: 101"),
	  "6:20: fall: 101 is out of range; it must be 1 to 100" },
	{ "health.jitter", HEALTH("jitter: 10"), "6:22: jitter: \"10\" has no unit; write 10%" },
	{ "health.jitter", HEALTH("jitter: 51%"),
	  "6:22: jitter: 51% is out of range; it must be 0% to 50%" },
	{ "health.jitter", HEALTH("jitter: 100ms"),
	  "6:22: jitter: expected a percentage such as 10%, found \"100ms\"" },
	{ "health.port", HEALTH("port: 65536"),
	  "6:20: port: 65536 is out of range; it must be 1 to 65535" },
	{ "health.port", HEALTH("port: http"),
	  "6:20: port: expected a whole number, found \"http\"" },
	{ "health.path", HEALTH("path: /health"),
	  "6:14: path: belongs to type: http or https; this one is tcp" },
	{ "health.method", HEALTH("type: tcp, method: GET, expect: 200, host: a, body: b"),
	  "6:25: method: belongs to type: http or https; this one is tcp\n"
	  "6:38: expect: belongs to type: http, https or udp; this one is tcp\n"
	  "6:51: host: belongs to type: http, https or grpc; this one is tcp\n"
	  "6:60: body: belongs to type: http or https; this one is tcp" },
	{ "health.method", HTTP("method: POST"),
	  "6:34: method: \"POST\" is not known; known are: GET, HEAD, OPTIONS" },
	{ "health.method", HTTP("method: get"),
	  "6:34: method: \"get\" is not known; did you mean \"GET\"? Known are: GET, HEAD, "
	  "OPTIONS" },
	{ "health.path", HTTP("path: health"),
	  "6:32: path: \"health\" does not begin with /; for example /health" },
	{ "health.path", HTTP("path: \"/a b\""),
	  "6:32: path: \"/a b\" has blanks or control characters; it must have none" },
	{ "health.path", HTTP("path: \"/a\\r\\nX: y\""),
	  "6:32: path: \"/a??X: y\" has blanks or control characters; it must have none" },
	{ "health.host", HTTP("host: \"a\\nb\""),
	  "6:32: host: \"a?b\" has blanks or control characters; it must have none" },
	{ "health.host", HTTP("host: \"\""),
	  "6:32: host: expected a text without blanks, found nothing" },
	{ "health.expect", HTTP("expect: OK"),
	  "6:34: expect: \"OK\" is no status code or range within 100 to 599; write for example "
	  "200 or 200-299" },
	{ "health.expect", HTTP("expect: 99"),
	  "6:34: expect: \"99\" is no status code or range within 100 to 599; write for example "
	  "200 or 200-299" },
	{ "health.expect", HTTP("expect: 200-600"),
	  "6:34: expect: \"200-600\" is no status code or range within 100 to 599; write for "
	  "example 200 or 200-299" },
	{ "health.expect", HTTP("expect: 299-200"),
	  "6:34: expect: \"299-200\" is no status code or range within 100 to 599; write for "
	  "example 200 or 200-299" },
	{ "health.expect", HTTP("expect: []"),
	  "6:34: expect: an empty list expects nothing; for example [200]" },
	{ "health.expect", HTTP("expect: [200, x, [1]]"),
	  "6:40: expect: \"x\" is no status code or range within 100 to 599; write for example 200 "
	  "or 200-299\n"
	  "6:43: expect: expected status codes such as 200-399 or [200-299, 301], found a list" },
	{ "health.body", HTTP("method: HEAD, body: ok"),
	  "6:40: body: a reply to HEAD has no body; choose method: GET" },
	{ "health.body", HTTP("body: \"a\\nb\""),
	  "6:32: body: \"a?b\" has control characters; it must be one line of text" },
	{ "health.body", HTTP("body: {}"), "6:32: body: expected a text, found a mapping" },
	{ "health.via", HEALTH("via: tunnel"),
	  "6:19: via: \"tunnel\" is not known; known are: backend, vip" },
	{ "health.via", HEALTH("via: [vip]"),
	  "6:19: via: expected one of backend, vip, found a list" },
	{ "health.via", NAT_HEALTH("via: vip"),
	  "7:19: via: a backend of forward: nat does not have the VIP; choose via: backend, or "
	  "forward: dsr" },
	{ "health.via", TYPE_EXEC("command: [/bin/true], via: vip"),
	  "6:48: via: has no effect with type: exec; remove it, or choose another type" },
	{ "health.fast_interval", HEALTH("fast_interval: 3s"),
	  "6:29: fast_interval: 3s is longer than the interval of 2s; it must be at most that" },
	{ "health.fast_interval", HEALTH("fast_interval: 10ms"),
	  "6:29: fast_interval: 10ms is out of range; it must be 50ms to 1h" },
	{ "health.fast_interval", HEALTH("fast_interval: fast"),
	  "6:29: fast_interval: expected a duration such as 500ms, 2s, 15m or 1h, found \"fast\"" },
	{ "health.backoff", HEALTH("backoff: 2s"),
	  "6:23: backoff: 2s is not longer than the interval of 2s; it must be, or none" },
	{ "health.backoff", HEALTH("backoff: 25h"),
	  "6:23: backoff: 25h is out of range; it must be 1s to 24h, or none" },
	{ "health.backoff", HEALTH("backoff: off"),
	  "6:23: backoff: expected a duration such as 500ms, 2s, 15m or 1h, or none, found "
	  "\"off\"" },
	{ "health.damping", HEALTH("damping: on"),
	  "6:23: damping: expected a mapping such as {changes: 6, window: 5m, hold: 1m}, or none, "
	  "found \"on\"" },
	{ "health.damping", HEALTH("damping: []"),
	  "6:23: damping: expected a mapping such as {changes: 6, window: 5m, hold: 1m}, or none, "
	  "found a list" },
	{ "health.damping", HEALTH("damping: {change: 6}"),
	  "6:24: unknown key \"change\" in damping; did you mean \"changes\"?" },
	{ "damping.changes", HEALTH("damping: {changes: 1}"),
	  "6:33: changes: 1 is out of range; it must be 2 to 100" },
	{ "damping.changes", HEALTH("damping: {changes: 6/5m}"),
	  "6:33: changes: expected a whole number, found \"6/5m\"" },
	{ "damping.window", HEALTH("damping: {window: 0}"),
	  "6:32: window: 0 is out of range; it must be 1s to 24h" },
	{ "damping.window", HEALTH("damping: {window: 5}"),
	  "6:32: window: \"5\" has no unit; 5ms or 5s?" },
	{ "damping.hold", HEALTH("damping: {hold: 999ms}"),
	  "6:30: hold: 999ms is out of range; it must be 1s to 24h" },
	{ "damping.hold", HEALTH("damping: {hold: {}}"),
	  "6:30: hold: expected a duration such as 500ms, 2s, 15m or 1h, found a mapping" },
	{ "health.port", TYPE_ICMP("port: 80"),
	  "6:26: port: has no effect with type: icmp; remove it, or choose another type" },
	{ "health.expect", TYPE_UDP("expect: [200]"),
	  "6:33: expect: expected a text, with \\n, \\r, \\t, \\0, \\\\ and \\xNN for what cannot "
	  "be typed, found a list" },
	{ "health.expect", TYPE_UDP("expect: \"\""),
	  "6:33: expect: expected a text, with \\n, \\r, \\t, \\0, \\\\ and \\xNN for what cannot "
	  "be typed, found nothing" },
	{ "health.expect", TYPE_UDP("expect: '\\q'"),
	  "6:33: expect: \"\\q\" is no escape; known are \\n, \\r, \\t, \\0, \\\\ and \\xNN" },
	{ "health.expect", TYPE_DNS("query: a, expect: 200"),
	  "6:35: expect: belongs to type: http, https or udp; this one is dns" },
	{ "health.send", TYPE_UDP("send: {}"),
	  "6:31: send: expected a text, with \\n, \\r, \\t, \\0, \\\\ and \\xNN for what cannot be "
	  "typed, found a mapping" },
	{ "health.send", TYPE_UDP("send: 'a\\x0g'"),
	  "6:31: send: \"\\x0g\" is no escape; known are \\n, \\r, \\t, \\0, \\\\ and \\xNN" },
	{ "health.send", TYPE_UDP("send: 'a\\'"),
	  "6:31: send: \"\\\" is no escape; known are \\n, \\r, \\t, \\0, \\\\ and \\xNN" },
	{ "health.send", TYPE_UDP("send: \"\\xe9\""),
	  "6:31: send: has characters other than ASCII; write their bytes as \\xNN, in single "
	  "quotes" },
	{ "health.send", HEALTH("send: ping"),
	  "6:14: send: belongs to type: udp; this one is tcp" },
	{ "health.tls", TYPE_HTTPS("tls: off"),
	  "6:32: tls: expected a mapping such as {verify: full}, found \"off\"" },
	{ "health.tls", TYPE_HTTPS("tls: {verfy: none}"),
	  "6:33: unknown key \"verfy\" in tls; did you mean \"verify\"?" },
	{ "health.tls", HEALTH("tls: {verify: none}"),
	  "6:14: tls: belongs to type: https or grpc; this one is tcp" },
	{ "health.tls", HEALTH("type: http, tls: {}"),
	  "6:26: tls: belongs to type: https or grpc; this one is http" },
	{ "tls.verify", TYPE_HTTPS("tls: {verify: chain}"),
	  "6:41: verify: \"chain\" is not known; known are: full, ca, none" },
	{ "tls.verify", TYPE_HTTPS("tls: {verify: false}"),
	  "6:41: verify: \"false\" is not known; known are: full, ca, none" },
	{ "tls.verify", TYPE_GRPC("tls: {verify: [none]}"),
	  "6:40: verify: expected one of full, ca, none, found a list" },
	{ "tls.ca", TYPE_HTTPS("tls: {ca: ca.pem}"),
	  "6:37: ca: \"ca.pem\" does not begin with /; give an absolute path such as "
	  "/etc/leat/ca.pem" },
	{ "tls.ca", TYPE_HTTPS("tls: {ca: []}"),
	  "6:37: ca: expected an absolute path, found a list" },
	{ "tls.ca", TYPE_HTTPS("tls: {verify: none, ca: /etc/ca.pem}"),
	  "6:47: ca: has no effect with verify: none; remove it, or choose verify: full or ca" },
	{ "tls.ca", TYPE_HTTPS("tls: {ca: \"\"}"),
	  "6:37: ca: expected an absolute path, found nothing" },
	{ "tls.sni", TYPE_HTTPS("tls: {sni: 10.0.0.11}"),
	  "6:38: sni: 10.0.0.11 is an address; it must be a name such as www.example.com" },
	{ "tls.sni", TYPE_HTTPS("tls: {sni: \"a b\"}"),
	  "6:38: sni: \"a b\" has blanks or control characters; it must have none" },
	{ "tls.sni", TYPE_HTTPS("tls: {sni: {}}"),
	  "6:38: sni: expected a name such as www.example.com, found a mapping" },
	{ "tls.cert", TYPE_HTTPS("tls: {cert: /etc/cert.pem}"),
	  "6:33: cert: needs its private key; give key as well" },
	{ "tls.cert", TYPE_HTTPS("tls: {cert: cert.pem, key: /etc/key.pem}"),
	  "6:39: cert: \"cert.pem\" does not begin with /; give an absolute path such as "
	  "/etc/leat/cert.pem" },
	{ "tls.cert", TYPE_HTTPS("tls: {cert: 1, key: [2]}"),
	  "6:39: cert: \"1\" does not begin with /; give an absolute path such as "
	  "/etc/leat/cert.pem\n6:47: key: expected an absolute path, found a list" },
	{ "tls.key", TYPE_HTTPS("tls: {key: /etc/key.pem}"),
	  "6:33: key: needs its certificate; give cert as well" },
	{ "tls.key", TYPE_GRPC("tls: {cert: /etc/cert.pem, key: key.pem}"),
	  "6:58: key: \"key.pem\" does not begin with /; give an absolute path such as "
	  "/etc/leat/key.pem" },
	{ "health.service", TYPE_GRPC("service: \"a b\""),
	  "6:35: service: \"a b\" has blanks or control characters; it must have none" },
	{ "health.service", TYPE_GRPC("service: []"),
	  "6:35: service: expected a text without blanks, found a list" },
	{ "health.service", HEALTH("service: web"),
	  "6:14: service: belongs to type: grpc; this one is tcp" },
	{ "health.method", TYPE_GRPC("method: GET"),
	  "6:26: method: belongs to type: http or https; this one is grpc" },
	{ "health.query", HEALTH("type: dns"),
	  "6:13: missing key \"query\" in health; for example query: www.example.com" },
	{ "health.query", TYPE_DNS("query: \"\""),
	  "6:32: query: expected a name such as www.example.com, found nothing" },
	{ "health.query", TYPE_DNS("query: a..example"),
	  "6:32: query: \"a..example\" has an empty label; for example www.example.com" },
	{ "health.query", TYPE_DNS("query: \"a b.example\""),
	  "6:32: query: \"a b.example\" has blanks or control characters; it must have none" },
	{ "health.query",
	  TYPE_DNS("query: "
		   "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.example"),
	  "6:32: query: \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa...\" has a label of "
	  "more than 63 characters; for example www.example.com" },
	{ "health.query", TYPE_DNS("query: [a]"),
	  "6:32: query: expected a name such as www.example.com, found a list" },
	{ "health.query", TYPE_UDP("query: a"),
	  "6:25: query: belongs to type: dns; this one is udp" },
	{ "health.query", TYPE_DNS("query: " LABEL LABEL LABEL LABEL "aa"),
	  "6:32: query: \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa...\" is longer than 253 "
	  "characters; for example www.example.com" },
	{ "health.query_type", TYPE_DNS("query: a, query_type: aaaa"),
	  "6:47: query_type: \"aaaa\" is not known; did you mean \"AAAA\"? Known are: A, AAAA, "
	  "CNAME, MX, NS, PTR, SOA, SRV, TXT" },
	{ "health.query_type", TYPE_DNS("query: a, query_type: ANY"),
	  "6:47: query_type: \"ANY\" is not known; known are: A, AAAA, CNAME, MX, NS, PTR, SOA, "
	  "SRV, TXT" },
	{ "health.query_type", TYPE_DNS("query: a, query_type: []"),
	  "6:47: query_type: expected one of A, AAAA, CNAME, MX, NS, PTR, SOA, SRV, TXT, found a "
	  "list" },
	{ "health.query_type", HEALTH("query_type: A"),
	  "6:14: query_type: belongs to type: dns; this one is tcp" },
	{ "health.rcodes", TYPE_DNS("query: a, rcodes: ok"),
	  "6:43: rcodes: \"ok\" is not known; known are: noerror, formerr, servfail, nxdomain, "
	  "notimp, refused" },
	{ "health.rcodes", TYPE_DNS("query: a, rcodes: []"),
	  "6:43: rcodes: an empty list expects nothing; for example [noerror]" },
	{ "health.rcodes", TYPE_DNS("query: a, rcodes: [noerror, nxdomian, [3]]"),
	  "6:53: rcodes: \"nxdomian\" is not known; did you mean \"nxdomain\"? Known are: noerror, "
	  "formerr, servfail, nxdomain, notimp, refused\n6:63: rcodes: expected one or a list of "
	  "noerror, formerr, servfail, nxdomain, notimp, refused, found a list" },
	{ "health.rcodes", TYPE_DNS("query: a, rcodes: {}"),
	  "6:43: rcodes: expected one or a list of noerror, formerr, servfail, nxdomain, notimp, "
	  "refused, found a mapping" },
	{ "health.rcodes", TYPE_ICMP("rcodes: noerror"),
	  "6:26: rcodes: belongs to type: dns; this one is icmp" },
	{ "health.command", HEALTH("type: exec"),
	  "6:13: missing key \"command\" in health; for example command: [/usr/local/bin/check, "
	  "--quick]" },
	{ "health.command", TYPE_EXEC("command: /bin/true"),
	  "6:35: command: expected a list such as [/usr/local/bin/check, --quick], found "
	  "\"/bin/true\"" },
	{ "health.command", TYPE_EXEC("command: []"),
	  "6:35: command: an empty list runs nothing; for example command: [/usr/local/bin/check, "
	  "--quick]" },
	{ "health.command", TYPE_EXEC("command: [check, -q]"),
	  "6:36: command: \"check\" is not the absolute path of a program; for example command: "
	  "[/usr/local/bin/check, --quick]" },
	{ "health.command", TYPE_EXEC("command: [/bin/check, {}]"),
	  "6:48: command: expected a list such as [/usr/local/bin/check, --quick], found a "
	  "mapping" },
	{ "health.command", TYPE_EXEC("command: [\"/bin/check\", \"a\\0b\"]"),
	  "6:50: command: contains a NUL character" },
	{ "health.command", HEALTH("command: [/bin/true]"),
	  "6:14: command: belongs to type: exec; this one is tcp" },
	{ "service.backends", SERVICES "  - name: web\n    vip: 198.51.100.10:80\n",
	  "3:5: missing key \"backends\" in service; for example backends: [{address: "
	  "10.0.0.11}]" },
	{ "service.backends", SERVICES "  - name: web\n    vip: 198.51.100.10:80\n    backends:\n",
	  "5:14: backends: expected a list of backends, found nothing; an empty one is []" },
	{ "service.backends",
	  SERVICES "  - name: web\n    vip: 198.51.100.10:80\n    backends: [10.0.0.11]\n",
	  "5:16: backend: expected a mapping of keys to values, found \"10.0.0.11\"" },
	{ "backend.name", BACKENDS(BACKEND("name: a b, address: 10.0.0.11")),
	  "6:16: name: \"a b\" has characters other than a-z, 0-9, dot, underscore and hyphen" },
	{ "backend.name",
	  BACKENDS(BACKEND("name: a, address: 10.0.0.11") BACKEND("name: a, address: 10.0.0.12")),
	  "7:16: name: backend \"a\" is already given in this service, on line 6" },
	{ "backend.name",
	  BACKENDS(BACKEND("name: 10.0.0.12, address: 10.0.0.11") BACKEND("address: 10.0.0.12")),
	  "7:19: name: backend \"10.0.0.12\" is already given in this service, on line 6" },
	{ "backend.address", BACKENDS(BACKEND("name: web1")),
	  "6:9: missing key \"address\" in backend; for example address: 10.0.0.11" },
	{ "backend.address", BACKENDS(BACKEND("address: 10.0.0.300")),
	  "6:19: address: expected an address, with or without a port, such as 10.0.0.11, "
	  "10.0.0.11:8080, fd00::11 or, in quotes, \"[fd00::11]:8080\", found \"10.0.0.300\"" },
	{ "backend.address", BACKENDS(BACKEND("address: [fd00::11]")),
	  "6:19: address: expected an address, with or without a port, such as 10.0.0.11, "
	  "10.0.0.11:8080, fd00::11 or, in quotes, \"[fd00::11]:8080\", found a list" },
	{ "backend.address", BACKENDS(BACKEND("address: [fd00::11]:80")),
	  "6:29: not valid YAML: did not find expected ',' or '}'; an IPv6 address in brackets "
	  "needs quotes: \"[2001:db8::10]:80\"" },
	{ "backend.address", BACKENDS(BACKEND("address: 127.0.0.1")),
	  "6:19: address: 127.0.0.1 is a loopback address; give the address of one host" },
	{ "backend.address", BACKENDS(BACKEND("address: fd00::11")),
	  "6:19: address: fd00::11 is IPv6, but the VIP 198.51.100.10 is IPv4; both must be of one "
	  "family" },
	{ "backend.address", BACKENDS(BACKEND("address: 10.0.0.11:8080")),
	  "6:19: address: port 8080 is not the service's 80, and dsr cannot change the port; use "
	  "forward: nat, or port 80" },
	{ "backend.address", BACKENDS(BACKEND("address: 198.51.100.10")),
	  "6:19: address: 198.51.100.10 is the VIP itself; give the backend's own address" },
	{ "backend.address",
	  BACKENDS(BACKEND("address: 10.0.0.11") BACKEND("address: 10.0.0.11:80")),
	  "7:19: address: 10.0.0.11:80 is already given in this service, on line 6; a larger share "
	  "is a larger weight" },
	{ "backend.address", BACKENDS(BACKEND("address: 10.0.0.11") BACKEND("address: 10.0.0.11")),
	  "7:19: address: 10.0.0.11:80 is already given in this service, on line 6; a larger share "
	  "is a larger weight" },
	{ "backend.address", NAT(BACKEND("address: fd00::11")),
	  "7:19: address: fd00::11 is IPv6, but the VIP 198.51.100.10 is IPv4; both must be of one "
	  "family" },
	{ "backend.address", NAT(BACKEND("address: 198.51.100.10:8080")),
	  "7:19: address: 198.51.100.10 is the VIP itself; give the backend's own address" },
	{ "backend.address",
	  NAT(BACKEND("address: 10.0.0.11:8080") BACKEND("address: 10.0.0.11:8080, name: b")),
	  "8:19: address: 10.0.0.11:8080 is already given in this service, on line 7; a larger "
	  "share is a larger weight" },
	{ "backend.address",
	  SERVICES "  - name: web\n    vip: 198.51.100.10:80\n    forward: nat\n    backends:\n    "
		   "  - {address: 10.0.0.11:8080}\n  - {name: w, vip: \"198.51.100.20:80\", "
		   "forward: nat, backends: [{address: \"10.0.0.11:8080\"}]}\n",
	  "8:75: address: 10.0.0.11:8080 tcp is already a nat backend of service \"web\", on line "
	  "7; a reply could not be told apart: give the backend another port or address" },
	{ "backend.weight", BACKENDS(BACKEND("address: 10.0.0.11, weight: 1001")),
	  "6:38: weight: 1001 is out of range; it must be 0 to 1000" },
	{ "backend.weight", BACKENDS(BACKEND("address: 10.0.0.11, weight: -1")),
	  "6:38: weight: expected a whole number, found \"-1\"" },
	{ "backend.weight", BACKENDS(BACKEND("address: 10.0.0.11, weight: 10%")),
	  "6:38: weight: expected a whole number, found \"10%\"" },
	{ "backend.drain", BACKENDS(BACKEND("address: 10.0.0.11, drain: yes")),
	  "6:37: drain: expected true or false, found \"yes\"" },
	{ "backend.drain", BACKENDS(BACKEND("address: 10.0.0.11, drain: []")),
	  "6:37: drain: expected true or false, found a list" },
	{ "backend.server_id", BACKENDS(BACKEND("address: 10.0.0.11, server_id: \"0a0b\"")),
	  "6:30: server_id: has no effect without hash: quic" },
	{ "backend.server_id", QUIC(BACKEND("address: 10.0.0.11")),
	  "8:9: missing key \"server_id\" in backend; hash: quic finds it by that, for example "
	  "server_id: \"0001\"" },
	{ "backend.server_id", QUIC(BACKEND("address: 10.0.0.11, server_id: 0a0")),
	  "8:41: server_id: \"0a0\" is not 1 to 8 bytes of two hexadecimal digits each; for "
	  "example "
	  "\"0a0b\"" },
	{ "backend.server_id", QUIC(BACKEND("address: 10.0.0.11, server_id: web1")),
	  "8:41: server_id: \"web1\" is not 1 to 8 bytes of two hexadecimal digits each; for "
	  "example \"0a0b\"" },
	{ "backend.server_id", QUIC(BACKEND("address: 10.0.0.11, server_id: 0102030405060708ff")),
	  "8:41: server_id: \"0102030405060708ff\" is not 1 to 8 bytes of two hexadecimal digits "
	  "each; for example \"0a0b\"" },
	{ "backend.server_id", QUIC(BACKEND("address: 10.0.0.11, server_id: \"\"")),
	  "8:41: server_id: expected hexadecimal digits in quotes such as \"0a0b\", found "
	  "nothing" },
	{ "backend.server_id", QUIC(BACKEND("address: 10.0.0.11, server_id: [1]")),
	  "8:41: server_id: expected hexadecimal digits in quotes such as \"0a0b\", found a list" },
	{ "backend.server_id", QUIC(BACKEND("address: 10.0.0.11, server_id: 0a")),
	  "8:41: server_id: \"0a\" has 1 byte, and the service's server_id_length is 2" },
	{ "backend.server_id", QUIC(BACKEND("address: 10.0.0.11, server_id: 0a0b0c")),
	  "8:41: server_id: \"0a0b0c\" has 3 bytes, and the service's server_id_length is 2" },
	{ "backend.server_id",
	  QUIC(BACKEND("address: 10.0.0.11, server_id: 0a0b")
		       BACKEND("address: 10.0.0.12, server_id: 0a0c")
			       BACKEND("address: 10.0.0.13, server_id: 0A0B")),
	  "10:41: server_id: \"0A0B\" is already given in this service, on line 8" },
	{ "", BACKENDS(BACKEND("address: 10.0.0.11, wieght: 3")),
	  "6:30: unknown key \"wieght\" in backend; did you mean \"weight\"?" },
};

#define CASE_COUNT (sizeof(cases) / sizeof(cases[0]))

/* "line:column: message" of each error, one a line. */
static char *list_errors(const struct config_errors *errors)
{
	size_t size = 0;
	char *text = NULL;
	FILE *out = open_memstream(&text, &size);

	for (size_t i = 0; i < errors->count; i++)
		fprintf(out, "%s%u:%u: %s", i ? "\n" : "", errors->list[i].pos.line,
			errors->list[i].pos.column, errors->list[i].text);
	fclose(out);
	return text;
}

static void test_config_bad_file_says_what_and_where(void **state)
{
	unsigned failed = 0;
	(void)state;

	for (size_t i = 0; i < CASE_COUNT; i++) {
		struct config_errors errors = {};
		struct model_config *config = NULL;
		AUTO_FREE char *got = NULL;

		int err = config_parse(cases[i].text, strlen(cases[i].text), &config, &errors);

		got = list_errors(&errors);
		if (err != -EINVAL || config || strcmp(got, cases[i].expected) != 0) {
			print_error("of this file:\n%s\nexpected:\n%s\nfound:\n%s\n", cases[i].text,
				    cases[i].expected, got);
			failed++;
		}
		model_config_free(config);
		config_errors_free(&errors);
	}
	assert_int_equal(failed, 0);
}

static bool has_case(const char *table, const char *key)
{
	char name[64];

	snprintf(name, sizeof(name), "%s.%s", table, key);
	for (size_t i = 0; i < CASE_COUNT; i++) {
		if (strcmp(cases[i].key, name) == 0)
			return true;
	}
	print_error("no bad case of %s\n", name);
	return false;
}

static unsigned count_missing(const struct config_table *table, const char *name)
{
	unsigned missing = 0;

	for (size_t i = 0; i < table->count; i++) {
		const struct config_key *key = &table->keys[i];

		missing += !has_case(name, key->name);
		if (key->table)
			missing += count_missing(key->table, key->table->what);
	}
	return missing;
}

static void test_config_every_key_has_a_bad_case(void **state)
{
	(void)state;

	assert_int_equal(count_missing(&schema_top, "file"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_config_bad_file_says_what_and_where),
		cmocka_unit_test(test_config_every_key_has_a_bad_case),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
