#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What an operator types: check, reload, explain, status, stop, curl on the API's socket, bpftool
set -u

# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

PINS=/sys/fs/bpf/leat

# fails STATUS TEXT COMMAND... - exits so, and says that
fails() {
	local expected=$1 text=$2 rc=0 output
	shift 2
	output=$("$@" 2>&1) || rc=$?
	printf '%s\n' "$output"
	[ "$rc" -eq "$expected" ] && grep -qF -- "$text" <<<"$output"
}

# says TEXT COMMAND... - succeeds, and says that
says() {
	local text=$1 output
	shift
	output=$("$@" 2>&1) || return
	printf '%s\n' "$output"
	grep -qF -- "$text" <<<"$output"
}

# slots_of SERVICE - its target's digest: another table, another digest
slots_of() {
	status ".services[] | select(.name == \"$1\") | .digest_target"
}

# explained CLIENT VIP PORTS... - explain names the backend that then answers, each time
explained() {
	local client=$1 vip=$2 port told served
	shift 2
	for port in "$@"; do
		told=$(leat explain --json "${client}:$port" "$vip" | jq -r .backend.name) || return
		served=$(get "http://$vip/" --local-port "$port") || return
		equal "port $port: $served" "port $port: $told" || return
	done
}

# fields MAP FIELD... - bpftool shows the map's fields by name
fields() {
	local map=$1 name
	shift
	bpftool map dump pinned "$PINS/$map" >"$LAB/dump" || return
	for name in "$@"; do
		grep -q "\"$name\"" "$LAB/dump" || {
			echo "$map: no $name"
			return 1
		}
	done
}

vips_on_lo() {
	on gateway ip -o addr show dev lo | grep -cE '198\.51\.100\.|2001:db8:100::'
}

programs() {
	on gateway ip -d link show "$1" | grep -c prog/xdp
}

lab_enter "$@"
lab_up two_arm

# ---- check: everything wrong is said, nothing is touched ------------------------
sed 's/interval: 1s/intervall: 1s/; s/10.0.0.13:8080/10.0.0.300:8080/' "$TOP/lb.yaml" >"$LAB/wrong.yaml"
check "check: the shipped file is right" leat check -c "$CONFIG"
check "check: an unknown key, with the nearest" fails 1 'did you mean "interval"?' leat check -c "$LAB/wrong.yaml"
check "check: a wrong address in the same go" fails 1 10.0.0.300 leat check -c "$LAB/wrong.yaml"
check "check: says where" fails 1 "$LAB/wrong.yaml:" leat check -c "$LAB/wrong.yaml"
check "run: refuses a wrong file" fails 1 "$LAB/wrong.yaml:" leat run -c "$LAB/wrong.yaml"
check "run: and has touched nothing" equal "$(programs gw0) $(vips_on_lo) $(ls $PINS 2>/dev/null)" "0 0 "
check "status: says that nothing runs" fails 3 "leat" leat status

# ---- run ------------------------------------------------------------------------
agent_start
check "every backend comes up" wait_for 20 backends_up 3
check "each interface has the program" equal "$(programs gw0) $(programs gw1)" "1 1"
check "run: a second agent is refused" fails 1 "" leat run -c "$CONFIG"
check "  and the first still answers" leat status
check "lo has the VIPs" equal "$(vips_on_lo)" 4
check "the socket is root's alone" equal "$(stat -c '%a %U' /run/leat/leat.sock)" "600 root"
check "curl --unix-socket works too" says '"services"' curl -sS --unix-socket /run/leat/leat.sock http://leat/v1/status
check "status: a table for people" says "web4" leat status

# ---- explain ----------------------------------------------------------------------
check "explain is right, dsr" explained 192.0.2.2 198.51.100.10:80 {41000..41011}
check "explain is right, dsr IPv6" explained '[2001:db8:1::2]' '[2001:db8:100::10]:80' {41100..41111}
check "explain is right, nat" explained 192.0.2.3 198.51.100.20:80 {41200..41211}
check "explain is right, nat IPv6" explained '[2001:db8:1::3]' '[2001:db8:100::20]:80' {41300..41311}
check "explain: what is no service" says "not_service" leat explain 192.0.2.2:40000 198.51.100.99:80
check "explain: what is no address" fails 2 "" leat explain 192.0.2.2:40000 web4

# ---- reload -----------------------------------------------------------------------
before=$(slots_of web4)
check "reload: nothing changed" leat reload
check "  and no slot moves" equal "$(slots_of web4) $(status '[.services[].moving] | add')" "$before 0"
configure web1 weight 3
check "reload --dry-run: tells the change" says "weight 1 -> 3" leat reload --dry-run
check "  and changes nothing" equal "$(slots_of web4)" "$before"
kill -HUP "$AGENT_PID"
check "SIGHUP reloads" wait_for 15 new_share web1 0.6
cp "$LAB/wrong.yaml" "$CONFIG"
before=$(slots_of web4)
check "reload: a wrong file is refused" fails 1 "$CONFIG:" leat reload
check "  and what runs stays" equal "$(slots_of web4) $(get http://198.51.100.20/ | cut -c1-3)" "$before web"
sed 's/max_flows: 262144/max_flows: 1048576/' "$TOP/lb.yaml" >"$CONFIG"
check "reload: what does not fit is refused" fails 1 "max_flows" leat reload
sed '0,/forward: dsr/s//forward: nat/' "$TOP/lb.yaml" >"$CONFIG"
check "reload: what breaks connections wants --force" fails 1 "--force" leat reload
check "  and is done when told twice" leat reload --force
cp "$TOP/lb.yaml" "$CONFIG"
check "  and undone" leat reload --force

# ---- bpftool ----------------------------------------------------------------------
check "bpftool: lb_slots" fields lb_slots current origin moving
check "bpftool: lb_stamps" fields lb_stamps stamps
check "bpftool: lb_flows4" fields lb_flows4 client port service class generation last_use
check "bpftool: lb_flows6" fields lb_flows6 client port service class generation last_use
check "bpftool: lb_be_stats" fields lb_be_stats packets bytes connections
check "bpftool: lb_reasons" fields lb_reasons no_backend not_service
check "bpftool: lb_node" fields lb_node layout hash_key
check "bpftool: lb_tables" fields lb_tables lb_services lb_backends lb_hops vip address mac

# ---- stop -------------------------------------------------------------------------
check "stop: the data path goes on" leat stop
check "  and serves" equal "$(get http://198.51.100.10/ | cut -c1-3)" web
check "  and status says so" fails 3 "goes on forwarding" leat status
agent_start
check "the next agent takes over" equal "$(status .adopted)" true
check "stop --detach" leat stop --detach
check "  leaves no program, VIP, pin or socket" equal \
	"$(programs gw0) $(programs gw1) $(vips_on_lo) $(ls -d $PINS /run/leat/leat.sock 2>/dev/null)" "0 0 0 "
agent_start
check "  and a new start finds a clean machine" wait_for 20 backends_up 3
check "  not adopted" equal "$(status .adopted)" false
lab_finish
