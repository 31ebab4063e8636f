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

/* What a case says begins on line 3 (TOP), 6 (SERVICE, HEALTH, HTTP, BACKENDS) or 7 (NAT). */
#define TOP(text)      "interfaces: [{name: gw0}]\nservices: []\n" text
#define SERVICES       "interfaces: [{name: gw0}]\nservices:\n"
#define WEB	       "  - name: web\n    vip: 198.51.100.10:80\n    backends: []\n"
#define NAMED(name)    SERVICES "  - {name: " name ", vip: \"198.51.100.10:80\", backends: []}\n"
#define VIP(vip)       SERVICES "  - name: web\n    vip: " vip "\n    backends: []\n"
#define SERVICE(text)  SERVICES WEB "    " text "\n"
#define HEALTH(text)   SERVICE("health: {" text "}")
#define HTTP(text)     HEALTH("type: http, " text)
#define BACKENDS(list) SERVICES "  - name: web\n    vip: 198.51.100.10:80\n    backends:\n" list
#define NAT(list)                                                                                  \
	SERVICES "  - name: web\n    vip: 198.51.100.10:80\n    forward: nat\n    "                \
		 "backends:\n" list
#define BACKEND(text) "      - {" text "}\n"

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
	  "6:16: scheduler: \"magleev\" is not known; did you mean \"maglev\"? Known are: maglev" },
	{ "service.scheduler", SERVICE("scheduler: round_robin"),
	  "6:16: scheduler: \"round_robin\" is not in this release; known are: maglev" },
	{ "service.scheduler", SERVICE("scheduler: least_conn"),
	  "6:16: scheduler: \"least_conn\" is not in this release; known are: maglev" },
	{ "service.scheduler", SERVICE("scheduler: source_hash"),
	  "6:16: scheduler: \"source_hash\" is not in this release; known are: maglev" },
	{ "service.scheduler", SERVICE("scheduler: least_response"),
	  "6:16: scheduler: \"least_response\" is not in this release; known are: maglev" },
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
	{ "health.type", HEALTH("type: https"),
	  "6:20: type: \"https\" is not known; did you mean \"http\"? Known are: tcp, http, none" },
	{ "health.type", HEALTH("type: icmp"),
	  "6:20: type: \"icmp\" is not known; known are: tcp, http, none" },
	{ "health.type", HEALTH("type: none, interval: 1s"),
	  "6:26: interval: has no effect with type: none; remove it, or choose type: tcp or http" },
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
	  "6:14: path: only a check of type: http has it; this one is tcp" },
	{ "health.method", HEALTH("type: tcp, method: GET, expect: 200, host: a, body: b"),
	  "6:25: method: only a check of type: http has it; this one is tcp\n"
	  "6:38: expect: only a check of type: http has it; this one is tcp\n"
	  "6:51: host: only a check of type: http has it; this one is tcp\n"
	  "6:60: body: only a check of type: http has it; this one is tcp" },
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
	(void)state;
	for (size_t i = 0; i < CASE_COUNT; i++) {
		struct config_errors errors = {};
		struct model_config *config = NULL;
		AUTO_FREE char *got = NULL;

		int err = config_parse(cases[i].text, strlen(cases[i].text), &config, &errors);

		got = list_errors(&errors);
		if (err == 0 || strcmp(got, cases[i].expected) != 0)
			print_error("of this file:\n%s\n", cases[i].text);
		assert_string_equal(got, cases[i].expected);
		assert_int_equal(err, -EINVAL);
		assert_null(config);
		config_errors_free(&errors);
	}
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

static void check_table(const struct config_table *table, const char *name)
{
	for (size_t i = 0; i < table->count; i++) {
		const struct config_key *key = &table->keys[i];

		assert_true(has_case(name, key->name));
		if (key->table)
			check_table(key->table, key->table->what);
	}
}

static void test_config_every_key_has_a_bad_case(void **state)
{
	(void)state;

	check_table(&schema_top, "file");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_config_bad_file_says_what_and_where),
		cmocka_unit_test(test_config_every_key_has_a_bad_case),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
