#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What status and metrics say, beside what the backends themselves know: live connections above all
set -u

# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

VIP=198.51.100.20

# one_service LINE... - $CONFIG becomes one nat service with these keys
one_service() {
	{
		printf 'interfaces:\n  - {name: gw0}\n  - {name: gw1}\ntimers: {warm_up: 1s}\nservices:\n'
		printf '  - name: shop\n    vip: %s:80\n    forward: nat\n' "$VIP"
		printf '    health: {type: tcp, interval: 500ms, timeout: 400ms, rise: 1, fall: 1}\n'
		printf '    %s\n' "$@"
		printf '    backends:\n'
		printf '      - {name: web1, address: 10.0.0.11:8080}\n'
		printf '      - {name: web2, address: 10.0.0.12:8080, weight: 2}\n'
		printf '      - {name: web3, address: 10.0.0.13:8080}\n'
	} >"$CONFIG"
}

# hold N - so many more connections of the client that stay
hold() {
	local i
	for ((i = 0; i < $1; i++)); do
		# not `on`: that would be a shell's pid
		nsenter --net=/run/netns/client curl -s --limit-rate 50k -o /dev/null --max-time 120 \
			"http://$VIP/files/blob" &
		HELD+=($!)
	done
}

# open_at BACKEND - connections of clients that its kernel has
open_at() {
	on "$1" ss -Htn state established "( sport = :8080 )" | awk '$4 !~ /^(\[::ffff:)?10\.0\.0\.1[]:]/' | wc -l
}

opened() {
	echo "$(open_at web1) $(open_at web2) $(open_at web3)"
}

live() {
	status '[.services[0].backends[].live] | join(" ")'
}

# live_is BACKEND N
live_is() {
	equal "$(status ".services[0].backends[] | select(.name == \"$1\") | .live")" "$2"
}

# counts_agree TOTAL - status and the backends' kernels, and so many in all
counts_agree() {
	equal "$(live)" "$(opened)" && equal "$(status '.services[0].live')" "$1"
}

# metric NAME... - its value
metric() {
	leat metrics | awk -v name="$1" 'index($0, name) == 1 { print $NF }'
}

# says TEXT COMMAND... - it is in what the command prints
says() {
	local text=$1
	shift
	"$@" | grep -F -- "$text"
}

HELD=()
lab_enter "$@"
lab_up two_arm
lab_file blob 24
one_service "scheduler: round_robin"
agent_start
check "three backends come up" wait_for 20 backends_up 3

# ---- counts ---------------------------------------------------------------------
hold 12
check "in turn: no packet counts, the sweep does" wait_for 10 counts_agree 12

one_service "scheduler: least_conn"
check "least_conn instead, live" leat reload
check "  those that were there are counted" wait_for 10 counts_agree 12
check "  which is no drift" equal "$(status .counts_corrected)" 0
hold 24
check "  new ones at once" wait_for 5 counts_agree 36
check "  by weight: nobody has more than a quarter, or half, and one" equal \
	"$(status '[.services[0].backends[] | .live / .weight <= 10] | all')" true

kill "${HELD[@]:0:20}"
check "orderly closes are subtracted" wait_for 5 counts_agree 16

agent_kill
agent_start
check "another agent goes on counting" wait_for 10 counts_agree 16
sleep 5 # two sweeps more
check "  and finds nothing to correct" equal "$(status .counts_corrected)" 0
check "  counts agree" counts_agree 16

# ---- metrics --------------------------------------------------------------------
check "metrics: live connections" equal "$(metric leat_service_live_connections)" 16
check "  weights" equal "$(metric 'leat_backend_weight{service="shop",backend="web2",address="10.0.0.12:8080"}')" 2
check "  the flow table" equal "$(metric 'leat_flow_table_used{family="ipv4"}')" \
	"$(status .flows.ipv4.used)"
check "  by curl too" says "# TYPE leat_backend_up gauge" \
	on gateway curl -s --unix-socket /run/leat/leat.sock http://leat/metrics
check "  no series twice" equal "$(leat metrics | grep -v '^#' | sed 's/ [^ ]*$//' | sort | uniq -d)" ""

# ---- a backend fails --------------------------------------------------------------
at_risk=$(status '.services[0].backends[] | select(.name == "web2") | .flows')
lab_web_stop web2
check "one fails" wait_for 10 backend_is web2 down
check "  its connections were at risk" equal \
	"$(metric leat_service_connections_at_risk_total) $(status .services[0].connections_at_risk)" \
	"$at_risk $at_risk"
check "  and count no more" wait_for 5 live_is web2 0
check "  metrics" equal \
	"$(metric 'leat_backend_state{service="shop",backend="web2",address="10.0.0.12:8080",state="down"')" 1
check "  a note below the table" says "probes in a row failed, next in" leat status

kill "${HELD[@]:20}" 2>/dev/null
lab_finish
