#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Passive detection, in dsr and in nat: a backend that is cut off, one whose port refuses and one
# whose server hangs are ejected before an active probe at 10 s intervals would tell; slow clients
# are not held against anybody
set -u

# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

write_config() {
	cat >"$CONFIG" <<-CONF
		interfaces: [{name: gw0}, {name: gw1}]
		services:
		  - name: dsr
		    vip: 198.51.100.10:80
		    forward: dsr
		    health: &slow {type: http, interval: 10s, timeout: 2s, fall: 3, rise: 1, jitter: 0%}
		    passive: &passive {sample: 1, timeout: 2s, window: 10s, minimum: 5, threshold: 50%, max_ejected: 40%, eject: 8s}
		    backends: &direct
		      - {name: web1, address: 10.0.0.11}
		      - {name: web2, address: 10.0.0.12}
		      - {name: web3, address: 10.0.0.13}
		  - name: nat
		    vip: 198.51.100.20:80
		    forward: nat
		    health: *slow
		    passive: *passive
		    backends:
		      - {name: web1, address: "10.0.0.11:8080"}
		      - {name: web2, address: "10.0.0.12:8080"}
		      - {name: web3, address: "10.0.0.13:8080"}
	CONF
}

# traffic SECONDS [slow] - to both VIPs, in the background
traffic() {
	local seconds=$1
	shift
	CLIENTS=
	for vip in 198.51.100.10 198.51.100.20; do
		on client "$TOP/tests/e2e/passive_client.py" 40 "$seconds" "http://$vip/" "$@" \
			>"$LAB/answers.$vip" 2>&1 &
		CLIENTS="$CLIENTS $!"
	done
}

traffic_ends() {
	# shellcheck disable=SC2086
	wait $CLIENTS
}

# ejections SERVICE BACKEND - how often it has been ejected so far
ejections() {
	status ".services[] | select(.name == \"$1\") | .backends[] | select(.name == \"$2\") |
		.passive.total"
}

has_more_ejections() {
	[ "$(ejections "$1" "$2")" -gt "$3" ]
}

# found WHAT SECONDS - web2 is ejected in both services, within that time of what has been done
found() {
	local s
	for s in dsr nat; do
		check "$1 is found within $2 s in $s" wait_for "$2" has_more_ejections "$s" web2 "${WAS[$s]}"
	done
}

remember() {
	local s
	for s in dsr nat; do
		WAS[$s]=$(ejections "$s" web2)
	done
}

all_calm() {
	[ "$(status '[.services[].backends[] | select(.state != "up" or .passive.ejected)] | length')" = 0 ]
}

recovers() {
	check "  and comes back" wait_for 45 all_calm
}

declare -A WAS

lab_enter "$@"
lab_up two_arm
write_config
agent_start
check "three backends come up" wait_for 20 backends_up 3

remember
traffic 8 slow
sleep 3
traffic 8
traffic_ends
sleep 3
check "slow clients eject nobody" equal "$(status '[.services[].backends[].passive.total] | add')" 0

remember
traffic 9
sleep 1
on switch ip link set web2-eth0 down
found "a backend that is cut off" 8
on switch ip link set web2-eth0 up
lab_web_routes web2
traffic_ends
recovers

remember
traffic 9
sleep 1
lab_web_stop web2
found "a port that refuses" 8
lab_web_start web2
traffic_ends
recovers

remember
traffic 9
sleep 1
pids=$(pgrep -P "$(cat "$LAB/web2/nginx.pid")")
# shellcheck disable=SC2086
kill -STOP $pids
found "a server that hangs" 8
# shellcheck disable=SC2086
kill -CONT $pids
traffic_ends
recovers

check "nobody else was ejected" equal \
	"$(status '[.services[].backends[] | select(.name != "web2") | .passive.total] | add')" 0

lab_finish
