#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What schedulers, groups, slow start, agent checks and passive detection do with live traffic
set -u

# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

VIP=198.51.100.10
HEALTH="{type: tcp, interval: 500ms, timeout: 400ms, rise: 1, fall: 2}"
WORDS=$LAB/words # what the agent of each backend says, a file per backend

# one_service [LINE...] - $CONFIG becomes one dsr service with these keys and three backends
one_service() {
	{
		printf 'interfaces:\n  - {name: gw0}\n  - {name: gw1}\ntimers: {warm_up: 1s}\nservices:\n'
		printf '  - name: web\n    vip: %s:80\n    forward: dsr\n' "$VIP"
		printf '    health: %s\n' "$HEALTH"
		[ $# = 0 ] || printf '    %s\n' "$@"
		printf '    backends:\n'
		printf '      - {name: web1, address: 10.0.0.11%s}\n' "${WEB1:-}"
		printf '      - {name: web2, address: 10.0.0.12%s}\n' "${WEB2:-}"
		printf '      - {name: web3, address: 10.0.0.13%s}\n' "${WEB3:-}"
	} >"$CONFIG"
}

# reload [LINE...] - the same, made to run
reload() {
	one_service "$@"
	leat reload --force
}

# answers N - who answers N connections, one after the other: "web1=3 web2=3"
answers() {
	local i
	for ((i = 0; i < $1; i++)); do get "http://$VIP/" --max-time 3; done |
		sort | uniq -c | awk '{ printf "%s%s=%s", (NR > 1 ? " " : ""), $2, $1 }'
}

# effective BACKEND, field BACKEND NAME
field() {
	status ".services[0].backends[] | select(.name == \"$1\") | .$2"
}

effective_is() {
	equal "$(field "$1" effective_weight)" "$2"
}

state_is() {
	equal "$(field "$1" state)" "$2"
}

# said PATTERN - the agent's log has it
said() {
	grep -qE -- "$1" "$AGENT_LOG"
}

# how_often PATTERN N - exactly so many lines of log
how_often() {
	equal "$(grep -cE -- "$1" "$AGENT_LOG")" "$2"
}

# say BACKEND WORDS - its agent answers with these from now on
say() {
	printf '%s\n' "$2" >"$WORDS/$1"
}

# agents_start - one on each backend, at port 8081
agents_start() {
	local h
	mkdir -p "$WORDS"
	for h in $WEBS; do
		say "$h" up
		on "$h" /usr/bin/python3 - "$WORDS/$h" <<-'PY' &
			import socket, sys
			s = socket.create_server(("0.0.0.0", 8081))
			while True:
			    c, _ = s.accept()
			    with c, open(sys.argv[1], "rb") as words:
			        c.sendall(words.read())
		PY
	done
}

lab_enter "$@"
lab_up two_arm
agents_start

# ---- round robin --------------------------------------------------------------------
one_service "scheduler: round_robin"
agent_start
check "round robin: every backend comes up" wait_for 20 backends_up 3
check "  each gets every third connection" equal "$(answers 30)" "web1=10 web2=10 web3=10"
WEB1=", weight: 4"
check "a weight changes, live" reload "scheduler: round_robin"
sleep 0.3
check "  exactly by weight" equal "$(answers 30)" "web1=20 web2=5 web3=5"
lab_web_stop web3
check "one fails" wait_for 5 state_is web3 down
check "  the others get its turns" equal "$(answers 20)" "web1=16 web2=4"
lab_web_start web3
check "and returns" wait_for 10 backends_up 3
sleep 0.3
check "  to its share" equal "$(answers 30)" "web1=20 web2=5 web3=5"

# ---- least connections ------------------------------------------------------------------
unset WEB1
check "least_conn instead, live" reload "scheduler: least_conn"
check "  no backend goes down for it" backends_up 3
lab_file blob 24
CURLS=()
for i in 1 2 3 4 5 6 7 8 9; do
	# not `on`: that would be a shell's pid
	nsenter --net=/run/netns/client curl -s --limit-rate 100k -o /dev/null --max-time 60 \
		"http://$VIP/slow/blob" &
	CURLS+=($!)
	sleep 0.05
done
sleep 2.5
check "  nine long connections: three each" equal \
	"$(status '[.services[0].backends[].live] | join(" ")')" "3 3 3"
kill "${CURLS[@]}"

# one_answers N - all N go to one backend
one_answers() {
	equal "$(answers "$1" | sed -E 's/^web[123]=/webN=/')" "webN=$1"
}

# ---- who keeps a client ------------------------------------------------------------------
check "affinity, live" reload "scheduler: round_robin" "affinity: 3s"
sleep 0.3
check "  the client stays where it is" one_answers 8
check "source_hash" reload "scheduler: source_hash"
check "  comes up" wait_for 5 new_share web1 0.333
check "  the client stays where it is" one_answers 8

# ---- groups -------------------------------------------------------------------------------
group_share() {
	status "[.services[0].groups[].share * 1000 | round] | join(\" \")"
}

shares_are() {
	equal "$(group_share)" "$1"
}

WEB1=", group: near" WEB2=", group: near" WEB3=", group: far"
GROUPED=("scheduler: round_robin"
	"groups: [{name: near, priority: 0}, {name: far, priority: 1}, {name: sorry, backup: true}]")
check "groups, live" reload "${GROUPED[@]}"
check "  all goes to the first" wait_for 5 shares_are "1000 0 0"
sleep 0.3
check "  packets too" equal "$(answers 10)" "web1=5 web2=5"
lab_web_stop web1
check "half of it fails: the rest takes 50 / 70 of it, the next group the remainder" \
	wait_for 5 shares_are "714 286 0"
check "  said once" how_often "traffic spills to the next priority service=web" 1
lab_web_start web1
check "  and back" wait_for 5 shares_are "1000 0 0"

WEB3=", group: sorry"
GROUPED=("scheduler: maglev" "churn: {max_moves: 100%}"
	"groups: [{name: near, priority: 0}, {name: sorry, backup: true}]")
check "a hash scheduler and a backup group" reload "${GROUPED[@]}"
lab_web_stop web1
lab_web_stop web2
check "all else fails: the backup group" wait_for 5 shares_are "0 1000"
check "  serves" equal "$(answers 5)" "web3=5"
lab_web_start web1
lab_web_start web2
check "  and rests again" wait_for 5 shares_are "1000 0"
unset WEB1 WEB2 WEB3

# ---- panic ---------------------------------------------------------------------------------
panic_is() {
	equal "$(status '.services[0].panic')" "$1"
}

check "panic open, below half" reload "panic: {threshold: 50%, mode: open}" \
	"scheduler: round_robin"
lab_web_stop web1
check "  one of three down is no panic" wait_for 5 state_is web1 down
check "    none" panic_is none
lab_web_stop web2
check "  two are" wait_for 5 panic_is open
check "  everyone is used" wait_for 5 backends_up 3
check "  and says why" equal "$(field web2 reason)" "panic: connection refused"
check "panic closed, live" reload "panic: {threshold: 50%, mode: closed}" \
	"scheduler: round_robin"
check "  begins" wait_for 5 panic_is closed
sleep 0.3
check "  nobody takes newcomers" eval "! get http://$VIP/ --max-time 2"
lab_web_start web1
check "  ends" wait_for 5 panic_is none
sleep 0.3
check "  the healthy serve" equal "$(answers 10)" "web1=5 web3=5"
lab_web_start web2
check "  all do" wait_for 5 backends_up 3

# ---- slow start ------------------------------------------------------------------------------
between_percent() {
	between "$(status ".services[0].backends[] | select(.name == \"$1\") | .effective_weight * 1000 | round")" "$2" "$3"
}

check "slow start, live" reload "slow_start: {duration: 20s, minimum: 10%}" \
	"scheduler: round_robin"
check "  nobody who serves begins anew" between_percent web1 1000 1000
lab_web_stop web1
check "  one goes" wait_for 5 state_is web1 down
lab_web_start web1
check "  and returns" wait_for 5 state_is web1 up
check "  small" between_percent web1 100 300
sleep 8
check "  it grows" between_percent web1 350 700
agent_kill
agent_start
check "  another agent goes on with it" wait_for 5 between_percent web1 350 800
check "  and says so nowhere anew" how_often "slow start begins" 1
check "  until it has its weight" wait_for 20 between_percent web1 1000 1000
check "  said once" how_often "slow start ends.*reason=.over" 1

# ---- agent checks ------------------------------------------------------------------------------
check "agent checks, live" reload "scheduler: round_robin" \
	"agent_check: {port: 8081, interval: 200ms, timeout: 150ms}"
say web1 "up 50%"
check "half the weight" wait_for 5 effective_is web1 0.5
sleep 0.3
check "  half the turns" equal "$(answers 20)" "web1=4 web2=8 web3=8"
say web1 "maint #a new disk"
check "maint takes no newcomers" wait_for 5 state_is web1 draining
check "  for a reason" equal "$(field web1 reason)" "agent check: maint, a new disk"
sleep 0.3
check "  none come" equal "$(answers 10)" "web2=5 web3=5"
say web1 "ready 100%"
check "ready lifts it" wait_for 5 state_is web1 up
say web2 "down #no database"
check "down is a failure" wait_for 5 state_is web2 down
check "  its reason is shown" equal "$(field web2 reason)" "agent check: down, no database"
agent_kill
agent_start
check "  another agent knows" state_is web2 down
say web2 "up"
check "up lifts it" wait_for 10 state_is web2 up
check "checks no longer asked for: nothing stays of them" reload "scheduler: round_robin"
check "  the whole weight" wait_for 5 effective_is web1 1

# ---- bounded churn -------------------------------------------------------------------------------
moved() {
	status '.services[0].slots_moved'
}

check "a hash scheduler, one tenth a second" reload "scheduler: maglev" \
	"churn: {max_moves: 10%, interval: 1s}"
check "  all slots are filled" wait_for 10 new_share web1 0.333
WEB1=", weight: 4" check "another weight" reload "scheduler: maglev" \
	"churn: {max_moves: 10%, interval: 1s}"
WEB1=
sleep 1
check "  slots wait" between "$(status '.services[0].slots_waiting')" 500 1400
check "  in the end all have moved" wait_for 20 new_share web1 0.667
check "  nobody was at risk" equal "$(status '.services[0].connections_at_risk')" 0

# ---- passive detection -------------------------------------------------------------------------------
# signal_web2 SIGNAL - to the master of its nginx, and to its worker
signal_web2() {
	local pid
	pid=$(cat "$LAB/web2/nginx.pid")
	kill "-$1" "$pid"
	pkill "-$1" -P "$pid"
}

HEALTH="{type: tcp, interval: 10s, timeout: 1s}"
unset WEB1
check "passive detection, live" reload "scheduler: round_robin" \
	"passive: {sample: 1, timeout: 1s, window: 5s, eject: 8s}"
signal_web2 STOP
for i in $(seq 60); do
	get "http://$VIP/" --max-time 3 -o /dev/null 2>/dev/null &
	sleep 0.1
done
check "a server that hangs is ejected before its probe" wait_for 1 said "backend ejected service=web backend=web2"
check "  state and reason" equal "$(field web2 state): $(field web2 reason | sed 's/[0-9]* of [0-9]*/N of N/')" \
	"ejected: N of N sampled connections without progress"
sleep 0.3
check "  it takes no newcomers" equal "$(answers 10)" "web1=5 web3=5"
signal_web2 CONT
check "  and comes back" wait_for 15 state_is web2 up
check "nobody else was ejected" how_often "backend ejected" 1

lab_finish
