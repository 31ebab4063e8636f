#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Whatever changes weights, existing connections stay where they are: none is reset or moved, in
# dsr and in nat, of hash schedulers and of the others
set -u

# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

URLS=(http://198.51.100.10/files/blob http://198.51.100.20/files/blob
	'http://[2001:db8:100::10]/files/blob' 'http://[2001:db8:100::20]/files/blob')
COUNT=200
WORDS=$LAB/words # what the agent of each backend says, a file per backend
declare -A ROW=([web1]="" [web2]="" [web3]="")

# service NAME VIP FORWARD SCHEDULER ADDRESS-FORMAT [LINE...]
service() {
	local name=$1 vip=$2 forward=$3 scheduler=$4 format=$5 h
	shift 5
	printf '  - name: %s\n    vip: "%s"\n    forward: %s\n    scheduler: %s\n' \
		"$name" "$vip" "$forward" "$scheduler"
	printf '    health: {type: tcp, interval: 500ms, timeout: 400ms, rise: 1, fall: 2}\n'
	printf '    %s\n' "$@" "backends:"
	for h in $WEBS; do
		# shellcheck disable=SC2059
		printf "      - {name: $h, address: \"$format\"${ROW[$h]}}\n" "${h#web}"
	done
}

# four_services [LINE...] - dsr and nat, IPv4 and IPv6, three schedulers, with these keys
four_services() {
	{
		printf 'interfaces:\n  - {name: gw0}\n  - {name: gw1}\ntimers: {warm_up: 1s}\nservices:\n'
		service web4 198.51.100.10:80 dsr maglev '10.0.0.1%s' "$@"
		service app4 198.51.100.20:80 nat least_conn '10.0.0.1%s:8080' "$@"
		service web6 '[2001:db8:100::10]:80' dsr round_robin 'fd00::1%s' "$@"
		service app6 '[2001:db8:100::20]:80' nat maglev '[fd00::1%s]:8080' "$@"
	} >"$CONFIG"
}

reload() {
	four_services "$@"
	leat reload
}

# everywhere FILTER VALUE - the figure is the same in each service
everywhere() {
	equal "$(status "[.services[] | $1] | unique | map(tostring) | join(\" \")")" "$2"
}

# of BACKEND FIELD - filter for everywhere
of() {
	echo "(.backends[] | select(.name == \"$1\") | .$2)"
}

# settled - nothing waits for an interval of churn
settled() {
	everywhere .slots_waiting 0
}

# agents_start - one on each backend, at port 8081, IPv4 and IPv6
agents_start() {
	local h
	mkdir -p "$WORDS"
	for h in $WEBS; do
		echo up >"$WORDS/$h"
		on "$h" /usr/bin/python3 - "$WORDS/$h" <<-'PY' &
			import socket, sys
			s = socket.create_server(("::", 8081), family=socket.AF_INET6, dualstack_ipv6=True)
			while True:
			    try:
			        c, _ = s.accept()
			        with c, open(sys.argv[1], "rb") as words:
			            c.sendall(words.read())
			    except ConnectionError:
			        pass
		PY
	done
}

lab_enter "$@"
lab_up two_arm
head -c 16000 /dev/urandom >"$LAB/files/blob"
agents_start

four_services
agent_start
check "every backend comes up" wait_for 20 backends_up 3
coproc HOLD {
	on client /usr/bin/python3 "$TOP/tests/e2e/hold.py" "$COUNT" "$LAB/files/blob" "${URLS[@]}" \
		2>"$LAB/hold.log"
}
check "$COUNT connections to each of ${#URLS[@]} VIPs" all_hold

ROW[web1]=", weight: 5"
check "a weight is changed" reload
check "  it takes effect" wait_for 20 settled
check "  all connections live" all_hold
ROW[web1]=

AGENTS="agent_check: {port: 8081, interval: 500ms, timeout: 400ms}"
check "agent checks" reload "$AGENTS"
echo "up 25%" >"$WORDS/web2"
check "  one says 25 %" wait_for 5 everywhere "$(of web2 effective_weight)" 0.25
check "  it takes effect" wait_for 20 settled
echo "maint" >"$WORDS/web3"
check "  one says maint" wait_for 5 everywhere "$(of web3 state)" draining
sleep 2
check "  all connections live" all_hold
echo "ready" >"$WORDS/web3"
check "  it is back" wait_for 5 everywhere "$(of web3 state)" up

check "controllers instead" reload "$AGENTS" "weights: adaptive" \
	"adaptive: {interval: 500ms, step: 50%, target: 30%}"
echo "up 0%" >"$WORDS/web1"
check "  one is overloaded" wait_for 10 everywhere "$(of web1 "adaptive_percent < 60")" true
check "  all connections live" all_hold
check "no controllers any more" reload

ROW=([web1]=", group: a" [web2]=", group: a" [web3]=", group: b")
check "groups" reload "groups: [{name: a, priority: 0}, {name: b, priority: 1}]"
check "  the second group gets nothing" wait_for 5 everywhere "$(of web3 effective_weight)" 0
check "  its slots go" wait_for 25 settled
check "  all connections live" all_hold
ROW=([web1]=", drain: true" [web2]="" [web3]="")
check "a drain" reload "slow_start: 5s"
check "  is one" wait_for 5 everywhere "$(of web1 state)" draining
sleep 2
check "  all connections live" all_hold
ROW[web1]=
check "  it ends in a slow start" reload "slow_start: 5s"
check "  that begins" wait_for 5 everywhere "$(of web1 "slow_start_percent > 0")" true
check "  and ends" wait_for 15 everywhere "$(of web1 slow_start_percent)" null
check "  all connections live" all_hold
check "nobody was put at risk" everywhere .connections_at_risk 0

lab_finish
