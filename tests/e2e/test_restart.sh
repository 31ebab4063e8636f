#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The agent dies, at any moment, and another one comes: with the file changed meanwhile, with
# drains under way, or not at all
set -u

# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

PINS=/sys/fs/bpf/leat

# one SERVICE FILTER - of its status
one() {
	status ".services[] | select(.name == \"$1\") | $2"
}

# state_of SERVICE BACKEND STATE
state_of() {
	equal "$(one "$1" ".backends[] | select(.name == \"$2\" or (.address | startswith(\"$2\"))) | .state")" "$3"
}

# share_of_web4 BACKEND SHARE
share_of_web4() {
	[ "$(one web4 ".backends[] | select(.name == \"$1\") | .share > $2 - 0.01 and .share < $2 + 0.01")" = true ]
}

# served VIP... - some new connections in a row
served() {
	local i vip
	for vip in "$@"; do
		for ((i = 0; i < 6; i++)); do get "http://$vip/" --max-time 2 || return; done
	done
}

# orphans - pinned backends that status does not know, by bpftool
orphans() {
	local pinned known
	bpftool -j map dump pinned "$PINS/lb_tables" >"$LAB/tables.json" || return
	pinned=$(/usr/bin/python3 - "$LAB/tables.json" <<-'PYTHON'
		import json, sys
		def find(tree, name):
		    if isinstance(tree, dict):
		        return tree[name] if name in tree else find(list(tree.values()), name)
		    if isinstance(tree, list):
		        return next(filter(None, (find(item, name) for item in tree)), None)
		rows = find(json.load(open(sys.argv[1])), "lb_backends")
		print(sum(row["service"] != 0 for row in rows))
	PYTHON
	)
	known=$(status '[.services[].backends[]] | length')
	echo "$pinned pinned, $known known"
	equal "$pinned" "$known"
}

left_behind() {
	local programs vips
	programs=$(on gateway ip -d link show | grep -c prog/xdp)
	vips=$(on gateway ip -o addr show | grep -cE '198\.51\.100\.|2001:db8:100::')
	equal "$programs programs, $vips VIPs, pins: $(ls -d "$PINS" 2>/dev/null)" "0 programs, 0 VIPs, pins: "
}

# fails STATUS COMMAND...
fails() {
	local expected=$1 rc=0
	shift
	"$@" || rc=$?
	equal "$rc" "$expected"
}

# in_service NAME KEY VALUE - set or add a key of one service of $CONFIG
in_service() {
	sed -i "/- name: $1\$/,/backends:/{/^    $2:/d}; s/^  - name: $1\$/&\n    $2: $3/" "$CONFIG"
}

# large_service - 5,000 backends, so that a reload takes its time
large_service() {
	local i
	printf '  - name: large\n    vip: 198.51.100.30:80\n    health: {type: none}\n    backends:\n'
	for ((i = 0; i < 5000; i++)); do
		echo "      - {address: 10.9.$((i / 250)).$((1 + i % 250))}"
	done
}

# killed_in_mid_reload - ten times, a little later each time
killed_in_mid_reload() {
	local i
	for i in 1 2 3 4 5 6 7 8 9 10; do
		cp "$TOP/lb.yaml" "$CONFIG"
		if [ $((i % 2)) -eq 1 ]; then
			in_service app4 table_size 8191
			in_service app6 table_size 8191
			configure web3 remove
			large_service >>"$CONFIG"
		fi
		leat reload --force >/dev/null 2>&1 &
		sleep "0.0$i"
		agent_kill
		wait $!
		agent_start
		served 198.51.100.20 '[2001:db8:100::20]' || {
			echo "round $i"
			return 1
		}
	done
}

lab_enter "$@"
lab_up two_arm

# ---- a first start that fails leaves nothing ------------------------------------------
on gateway ip link set dev gw1 xdpgeneric obj "$BUILD/e2e/pass.bpf.o" sec xdp
check "somebody else's program on an interface: refused" fails 1 leat run -c "$CONFIG"
on gateway ip link set dev gw1 xdpgeneric off
check "  and nothing is left" left_behind

# ---- one agent at a time ------------------------------------------------------------------
agent_start
check "every backend comes up" wait_for 20 backends_up 3
check "a second agent by another socket: refused" fails 1 leat run -c "$CONFIG" -s /run/leat/other.sock
check "  the first goes on" served 198.51.100.10 198.51.100.20

# ---- TERM --------------------------------------------------------------------------------
kill -TERM "$AGENT_PID"
wait "$AGENT_PID"
check "SIGTERM: the data path goes on" served 198.51.100.10 198.51.100.20

# ---- the file changes while no agent runs -----------------------------------------------------
configure web3 remove
configure web1 weight 3
sed -i '/- name: dns-nat4/,$d' "$CONFIG"
cat >>"$CONFIG" <<-YAML
	  - name: new4
	    vip: 198.51.100.20:8080
	    forward: nat
	    health: {type: tcp, interval: 1s}
	    backends: [{name: web2, address: "10.0.0.12:80"}]
YAML
agent_start
check "adopted" equal "$(status .adopted)" true
check "  who is not in the file any more drains" state_of web4 10.0.0.13 leaving
check "  a service that is not has gone" equal "$(status '[.services[].name] | sort | join(" ")')" \
	"app4 app6 dns4 new4 web4 web6"
check "  a new one is served" wait_for 10 get http://198.51.100.20:8080/
check "  weights are the file's" wait_for 15 share_of_web4 web1 0.75
cp "$TOP/lb.yaml" "$CONFIG"
check "back to the first file" leat reload
check "  all are up" wait_for 20 backends_up 3

# ---- a drain's deadline outlives the agent ---------------------------------------------------
sed -i 's/drain_timeout: 10m/drain_timeout: 8s/' "$CONFIG"
leat reload >/dev/null
configure web2 drain true
check "a drain begins" leat reload
check "  draining" wait_for 5 state_of web4 web2 draining
agent_kill
agent_start
check "the next agent goes on draining" state_of web4 web2 draining
check "  to the old deadline" wait_for 16 state_of web4 web2 drained
configure web2 drain false
check "it returns" leat reload
check "  and is up" wait_for 10 state_of web4 web2 up
cp "$TOP/lb.yaml" "$CONFIG"
check "back to the first file" leat reload

# ---- killed in mid-reload -----------------------------------------------------------------------
check "killed in mid-reload, ten times: served after each" killed_in_mid_reload
cp "$TOP/lb.yaml" "$CONFIG"
check "the last file comes to stand" leat reload --force
check "  all are up" wait_for 20 backends_up 3
check "  no row is left behind" orphans
check "  all are served" served 198.51.100.10 '[2001:db8:100::10]' 198.51.100.20 '[2001:db8:100::20]'

# ---- nobody is left to ask ----------------------------------------------------------------------
agent_kill
check "stop --detach without an agent" leat stop --detach
check "  leaves nothing" left_behind
check "  a second time there is nothing" fails 3 leat stop --detach
lab_finish
