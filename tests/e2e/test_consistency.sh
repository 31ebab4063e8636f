#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# 200 connections of each mode and family, with data flowing, live through everything that an
# operator does: none is reset, moved or gets a wrong byte
set -u

# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

URLS=(http://198.51.100.10/files/blob 'http://[2001:db8:100::10]/files/blob'
	http://198.51.100.20/files/blob 'http://[2001:db8:100::20]/files/blob')
COUNT=200

reload() {
	leat reload && "$@"
}

program_of() {
	on gateway ip -d link show "$1" | grep -o 'prog/xdp id [0-9]*'
}

ten_weights() {
	local i
	for i in 3 1 7 2 9 1 5 8 2 4; do
		configure web1 weight "$i"
		configure web3 weight $((10 - i))
		leat reload || return
	done
	wait_for 15 new_share web1 0.364 # 4 of 4, 1 and 6
}

# others FILE - a report without web3 and what it says of it
others() {
	sed -E 's/(alive|broken)=[0-9]+ //g; s/,web3:[0-9]+//' "$1"
}

lab_enter "$@"
lab_up two_arm
mkdir -p "$LAB/files"
head -c 16000 /dev/urandom >"$LAB/files/blob"

configure web3 remove
agent_start
check "two backends come up" wait_for 20 backends_up 2
coproc HOLD {
	on client /usr/bin/python3 "$TOP/tests/e2e/hold.py" "$COUNT" "$LAB/files/blob" "${URLS[@]}" \
		2>"$LAB/hold.log"
}
check "$COUNT connections to each of ${#URLS[@]} VIPs" all_hold

cp "$TOP/lb.yaml" "$CONFIG"
check "a backend is added" reload wait_for 20 new_share web3 0.333
check "  and all connections hold" all_hold

configure web2 drain true
check "a backend is drained" reload wait_for 20 new_share web2 0
check "  and all connections hold" all_hold

configure web2 drain false
check "weights change ten times in a row" ten_weights
check "  and all connections hold" all_hold

check "an unchanged file is reloaded" leat reload
check "  and all connections hold" all_hold

agent_kill
check "the agent is killed, and all connections hold" all_hold
agent_start
check "  it starts again, and all connections hold" all_hold

before=$(program_of gw0)
leat stop >/dev/null
wait "$AGENT_PID"
cp "$LEAT" "$LAB/leat-next"
AGENT=$LAB/leat-next
agent_start
check "another binary takes over" equal "$(status .adopted)" true
check "  with a program of its own" [ "$(program_of gw0)" != "$before" ]
check "  and all connections hold" all_hold

# the last: a failure takes its own connections along, and no others
held >"$LAB/held"
lab_web_stop web3
check "a backend fails" wait_for 10 backend_is web3 down
held >"$LAB/held.failed"
check "  and the others' connections hold" cmp <(others "$LAB/held") <(others "$LAB/held.failed")

lab_finish
