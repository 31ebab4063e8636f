#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# hash: quic: a client that changes its address and port keeps its backend, by the server id in its
# packets' connection id; what names no server goes by the hash; a backend that drains, leaves, or
# outlives the agent keeps its connections. IPv4 and IPv6
set -u

# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

N=24 # connections each
VIP4=198.51.100.10
VIP6=2001:db8:100::10

write_config() {
	cat >"$CONFIG" <<-CONF
		interfaces: [{name: gw0}, {name: gw1}]
		timers: {warm_up: 200ms}
		services:
		  - name: quic4
		    vip: 198.51.100.10:443
		    protocol: udp
		    hash: quic
		    quic: {config: 0, server_id_length: 3}
		    idle_timeout: 1s
		    drain_timeout: 1m
		    health: &tcp {type: tcp, port: 80, interval: 200ms, timeout: 150ms, fall: 2, rise: 1}
		    backends:
		      - {name: web1, address: 10.0.0.11, server_id: "0a0001"}
		      - {name: web2, address: 10.0.0.12, server_id: "0a0002"}
		      - {name: web3, address: 10.0.0.13, server_id: "0a0003"}
		  - name: quic6
		    vip: "[2001:db8:100::10]:443"
		    protocol: udp
		    hash: quic
		    quic: {server_id_length: 3}
		    idle_timeout: 1s
		    drain_timeout: 1m
		    health: *tcp
		    backends:
		      - {name: web1, address: "fd00::11", server_id: "0a0001"}
		      - {name: web2, address: "fd00::12", server_id: "0a0002"}
		      - {name: web3, address: "fd00::13", server_id: "0a0003"}
	CONF
}

# serve NAME NUMBER
serve() {
	on "$1" "$TOP/tests/e2e/quic.py" server "$1" "0a000$2" "$VIP4" "$VIP6" 2>"$LAB/quic.$1.log" &
	wait_for 5 listens "$1" || lab_die "QUIC server of $1"
}

listens() {
	[ "$(on "$1" ss -Hlun 'sport = :443' | wc -l)" = 2 ]
}

# client FAMILY VIP OWN OTHER - in the background, between two pipes
client() {
	mkfifo "$LAB/in$1" "$LAB/out$1"
	on client "$TOP/tests/e2e/quic.py" client "$2" "$3" "$4" "$N" \
		<"$LAB/in$1" >"$LAB/out$1" 2>"$LAB/client$1.log" &
}

# ask FAMILY COMMAND - one line of answer
ask() {
	local line
	echo "$2" >&"1$1"
	read -r -t 20 line <&"2$1" || line="no answer: $(tail -n 3 "$LAB/client$1.log")"
	echo "$line"
}

all_stay() {
	equal "$(ask "$1" "$2")" "same:$N other:0 lost:0 foreign:0"
}

# began_at FAMILY NAME - how many connections
began_at() {
	ask "$1" servers | tr ' ' '\n' | sed -n "s/^$2://p"
}

each_has_some() {
	local n
	for n in web1 web2 web3; do
		[ "$(began_at "$1" "$n")" -gt 0 ] || return 1
	done
}

# unknown_spread FAMILY - ids of no server: by the hash, so each client's port has its backend
unknown_spread() {
	local first
	first=$(ask "$1" unknown)
	echo "$first"
	[ "${first##*foreign:}" = "$N" ] && [[ "$first" == *lost:0* ]] &&
		equal "$(ask "$1" unknown)" "$first"
}

backend_of() {
	status ".services[] | select(.name == \"$1\") | .backends[] | select(.name == \"$2\") | $3"
}

no_slots() {
	all_stay 4 move && all_stay 6 move || return 1
	equal "$(backend_of quic4 "$1" .slots),$(backend_of quic6 "$1" .slots)" 0,0
}

# left FILTER - of web1 in both services; one that is in no file is called by its address
left() {
	status "[.services[].backends[] | select(.address == (\"10.0.0.11:443\", \"[fd00::11]:443\")) | $1] | join(\",\")"
}

is_removed() {
	equal "$(left .id)" ""
}

ids_in_map() {
	on gateway bpftool map dump pinned /sys/fs/bpf/leat/lb_quic_servers -j | jq length
}

lab_enter "$@"
lab_up two_arm
write_config
for n in 1 2 3; do
	serve "web$n" "$n"
done
agent_start
check "three backends come up" wait_for 20 backends_up 3
check "status shows server ids" equal "$(backend_of quic6 web2 .server_id)" 0a0002

addr client c0 192.0.2.4/24 2001:db8:1::4/64
client 4 "$VIP4" 192.0.2.2 192.0.2.4
client 6 "$VIP6" 2001:db8:1::2 2001:db8:1::4
exec 14>"$LAB/in4" 24<"$LAB/out4" 16>"$LAB/in6" 26<"$LAB/out6"

for v in 4 6; do
	check "IPv$v: each server has connections" each_has_some $v
	check "IPv$v: from where they began, they stay" all_stay $v say
	check "IPv$v: from another address and port, they stay" all_stay $v move
	check "IPv$v: and with long headers" all_stay $v long
	check "IPv$v: ids of no server go by the hash" unknown_spread $v
done

configure web1 drain true
leat reload >/dev/null
check "a backend that drains, while packets come, loses its slots" wait_for 15 no_slots web1
for v in 4 6; do
	check "IPv$v: it keeps its connections" all_stay $v move
done

configure web1 remove
leat reload >/dev/null
for _ in 1 2 3; do
	sleep 0.7
	all_stay 4 move && all_stay 6 move
done
check "one that leaves stays for as long as packets come to it" equal "$(left .state)" leaving,leaving
agent_kill
agent_start
check "IPv4: and after the agent has been killed" all_stay 4 move
check "IPv6: and after the agent has been killed" all_stay 6 move
check "  with its id" equal "$(left .server_id)" 0a0001,0a0001
check "without packets it is removed" wait_for 15 is_removed
check "  and its ids are forgotten" equal "$(ids_in_map)" 4

cp "$CONFIG" "$LAB/quic.yaml"
sed -i 's/hash: quic/hash: source_port/; /quic: {/d; s/, server_id: "[^"]*"//' "$CONFIG"
check "taking hash: quic back needs force" bash -c "! nsenter --net=/run/netns/gateway $LEAT reload"
check "  and works with it" leat reload --force
check "  no id is left" equal "$(ids_in_map)" 0
cp "$LAB/quic.yaml" "$CONFIG"
check "giving it needs none" leat reload
check "  and the ids are there" equal "$(ids_in_map)" 4

lab_finish
