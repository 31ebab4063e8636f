#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# 200 connections to a dsr and 200 to a nat service, with data flowing, live through what changes
# weights by observation: slow start, agent checks, ejection, groups, panic; and through a reload
# or a killed agent in the midst of it. Where a backend dies its own connections go, and no others.
set -u

# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

URLS=(http://198.51.100.10/files/blob http://198.51.100.20/files/blob)
COUNT=200
MOVES=410 # 10 % of a table's slots
PERIOD_MS=300
ALL=(web1 web2 web3)

# write_config LINE... - a dsr and a nat service of $BACKENDS, with these lines
write_config() {
	local service
	cat >"$CONFIG" <<-CONF
		interfaces: [{name: gw0}, {name: gw1}]
		hash_key: "000102030405060708090a0b0c0d0e0f"
		timers: {warm_up: 500ms, handshake: 2s}
		services:
	CONF
	for service in "dsr 198.51.100.10 " "nat 198.51.100.20 :8080"; do
		# shellcheck disable=SC2086
		write_service "$@" <<<"$service"
	done
}

write_service() {
	local name vip port web group
	read -r name vip port
	{
		printf '  - name: %s\n    vip: %s:80\n    forward: %s\n' "$name" "$vip" "$name"
		printf '    %s\n' "health: {type: tcp, port: 8081, interval: 200ms, rise: 2, fall: 2}" \
			"agent_check: {port: 8081, interval: 200ms}" "idle_timeout: 15s" \
			"churn: {max_moves: 10%, interval: ${PERIOD_MS}ms, hysteresis: 1%}" "$@" backends:
		for web in "${BACKENDS[@]}"; do
			group=${GROUP_OF[$web]:-}
			echo "      - {name: $web, address: \"10.0.0.1${web#web}$port\"${group:+, group: $group}}"
		done
	} >>"$CONFIG"
}

configured() {
	write_config "$@"
	leat reload
}

# ---- the backends' agents ----------------------------------------------------------------

# says WEB WORDS
says() {
	echo "$2" >"$LAB/$1/words.new"
	mv "$LAB/$1/words.new" "$LAB/$1/words"
}

backend_start() {
	nsenter --net="/run/netns/$1" "$LEAT" backend --agent-check 8081 --state "$LAB/$1/words" \
		>>"$LAB/$1/backend.log" 2>&1 &
	echo $! >"$LAB/$1/backend.pid"
}

# backend_stop WEB - nothing answers its checks any more; its web server goes on
backend_stop() {
	kill "$(cat "$LAB/$1/backend.pid")"
}

# ---- what status says ------------------------------------------------------------------------

# all_are WEB FILTER [VALUE...] - true of that backend, as .backend, in both services
all_are() {
	leat status --json >"$LAB/status" &&
		jq -e "[.services[] | . as \$service | .backends[] | select(.name == \"$1\") | $2] |
			length == 2 and all" "$LAB/status" >/dev/null && return
	jq -c "[.services[].backends[] | select(.name == \"$1\") | {state, reason, share, agent,
		effective_weight, agent_percent, slow_start_percent, since_ms}]" "$LAB/status"
	return 1
}

# becomes WEB FILTER
becomes() {
	wait_for 15 all_are "$@" || all_are "$@"
}

# share_is WEB SHARE - and stays so: nothing waits to move
share_is() {
	becomes "$1" "(.share - $2 | fabs) < 0.01 and \$service.slots_waiting == 0"
}

# shares_are SHARE1 SHARE2 SHARE3
shares_are() {
	share_is web1 "$1" && share_is web2 "$2" && share_is web3 "$3"
}

# services FILTER - true of both services
services() {
	leat status --json | jq -e "[.services[] | $1] | length == 2 and all" >/dev/null
}

# split_is WEB LOW HIGH - of 300 new connections to each service
split_is() {
	on client /usr/bin/python3 "$TOP/tests/e2e/balance_client.py" spread 300 \
		"${URLS[@]%files/blob}" >"$LAB/split" || return
	cat "$LAB/split"
	grep -o "$1:[0-9]*" "$LAB/split" | cut -d : -f 2 |
		jq -se "length == 2 and all(. >= $2 and . <= $3)" >/dev/null
}

# ---- connections that last -----------------------------------------------------------------------

hold_begins() {
	coproc HOLD {
		REPLY_LIMIT_S=5 on client /usr/bin/python3 "$TOP/tests/e2e/hold.py" "$COUNT" "$LAB/files/blob" "${URLS[@]}" \
			2>"$LAB/hold.log"
	}
}

# those_of WEB FILE
those_of() {
	grep -o "$1:[0-9]*" "$2"
}

# hold_at WEB... - the connections of these backends live, as many as at the last all_hold
hold_at() {
	local web
	held >"$LAB/held" && [ "$(grep -c " moved=0 corrupted=0 " "$LAB/held")" -eq ${#URLS[@]} ] || return
	for web; do
		equal "$(those_of "$web" "$LAB/held")" "$(those_of "$web" "$LAB/held.all")" || return
	done
}

# ---- bounded churn -----------------------------------------------------------------------------

now_ms() {
	date +%s%3N
}

# churn_is_bounded COMMAND... - while the command's changes are made, no more slots change hands
# than max_moves per interval, and the others wait. By the nat service, whose slots change as they
# are planned; those of dsr follow when they have warmed up.
churn_is_bounded() {
	local i asked
	"$@" || return
	for ((i = 0; i < 12; i++)); do
		asked=$(now_ms)
		leat status --json >"$LAB/status"
		jq -c "{asked: $asked, answered: $(now_ms)} +
			(.services[1] | {slots_moved, slots_waiting})" "$LAB/status"
		sleep 0.1
	done >"$LAB/churn"
	cat "$LAB/churn"
	# moves of an interval come together: a span of time touches one interval more than it is long
	jq -se --argjson moves "$MOVES" --argjson period "$PERIOD_MS" '
		def may_move($from; $to): (($to.answered - $from.asked) / $period | floor + 1) * $moves;
		([.[].slots_waiting] | max > 0) and .[-1].slots_moved > .[0].slots_moved and
		([range(1; length) as $i | range(0; $i) as $k |
			.[$i].slots_moved - .[$k].slots_moved <= may_move(.[$k]; .[$i])] | all)' \
		"$LAB/churn" >/dev/null
}

# ---- the agent restarts ----------------------------------------------------------------------------

agent_restarts() {
	agent_kill
	agent_start
}

# memory FILTER [WEB] - of that backend in both services
memory() {
	status "[.services[].backends[] | select(.name == \"${2:-web3}\") | $1] | tojson"
}

SINCE='.since_ms / 1000 | floor' # what one agent tells the next is of whole seconds
declare -A GROUP_OF=()

lab_enter "$@"
lab_up two_arm
mkdir -p "$LAB/files"
head -c 1000 /dev/urandom >"$LAB/files/blob"
for web in "${ALL[@]}"; do
	says "$web" "up 100%"
	backend_start "$web"
done

# ---- slow start -------------------------------------------------------------------------------------
BACKENDS=(web1 web2)
write_config
agent_start
check "two backends come up" wait_for 20 backends_up 2
hold_begins
check "$COUNT connections to each of two VIPs" all_hold
BACKENDS=("${ALL[@]}")
SLOW='slow_start: {duration: 6s, minimum: 10%}'
check "slow start: web3 is added" configured "$SLOW"
check "  and begins small" becomes web3 '.slow_start_percent != null and .share > 0 and .share < 0.2'
before=$(memory .slow_start_percent)
check "  a reload in mid-ramp" configured "$SLOW" "panic: {threshold: 10%}"
check "    does not begin anew" all_are web3 ".slow_start_percent >= ($before | min)"
since=$(memory "$SINCE")
before=$(memory .slow_start_percent)
agent_restarts
check "  the agent is killed in mid-ramp: it goes on" becomes web3 \
	".slow_start_percent != null and .slow_start_percent >= ($before | min) and .slow_start_percent < 100"
check "    up since the same moment" equal "$(memory "$SINCE")" "$since"
check "  in the end it has its third" shares_are 0.333 0.333 0.333
check "  and the ramp is over" all_are web3 '.slow_start_percent == null'
check "  all connections hold" all_hold

# ---- every word of an agent that ends connections: web3 has none yet ------------------------------
for words in "down 100% #disk full" "stopped #upgrade"; do
	says web3 "$words"
	check "an agent says $words: down" becomes web3 '.state == "down" and .agent.state == "down" and .share == 0'
	check "  with its reason" all_are web3 "(.agent.reason // \"\") == \"$(sed -n 's/.*#//p' <<<"$words")\""
	says web3 "up 100%"
	check "  and up: back" becomes web3 '.state == "up" and .share > 0.2'
done

# from now on all three have some
eval "exec ${HOLD[1]}>&-"
wait "$HOLD_PID"
hold_begins
check "$COUNT connections more to each" all_hold

# ---- agent checks ------------------------------------------------------------------------------------
PERIOD_MS=1000
check "reload: no slow start, 10 % of the slots a second" configured
check "  and all are in their places" shares_are 0.333 0.333 0.333
check "an agent says 25%: no more slots move than may, the others wait" churn_is_bounded says web1 "25%"
check "  its share follows" shares_are 0.111 0.444 0.444
PERIOD_MS=300
check "  and status says why" all_are web1 '.agent_percent == 25 and .effective_weight == 0.25 and .agent.state == "up"'
check "  new connections too" split_is web1 15 55
check "  all connections hold" all_hold
check "reload: more often" configured
says web1 "ready 50%"
check "ready 50%" shares_are 0.2 0.4 0.4
says web1 "drain 50% #patching"
check "drain" becomes web1 '.state == "draining" and .share == 0 and .agent.reason == "patching"'
check "  all connections hold" all_hold
says web1 "maint"
check "maint" becomes web1 '.state == "draining" and .share == 0 and .agent.state == "maint"'
since=$(memory "$SINCE" web1)
agent_restarts
check "  the agent is killed and starts again: still so" all_are web1 '.state == "draining" and .agent.state == "maint"'
check "    since the same moment" equal "$(memory "$SINCE" web1)" "$since"
says web1 "up 100%"
check "up again" becomes web1 '.state == "up"'
check "  with its third" shares_are 0.333 0.333 0.333
check "  all connections hold" all_hold

# ---- ejection ------------------------------------------------------------------------------------------
check "passive: on" configured "passive: {sample: 1, timeout: 1s, window: 5s, eject: 6s, max_ejected: 40%}"
for vip in 198.51.100.10 198.51.100.20; do
	on client "$TOP/tests/e2e/passive_client.py" 40 3 "http://$vip/" >"$LAB/answers.$vip" 2>&1 &
	CLIENTS="${CLIENTS:-} $!"
done
pids=$(pgrep -P "$(cat "$LAB/web3/nginx.pid")")
# shellcheck disable=SC2086
kill -STOP $pids
check "  a server that hangs is ejected" becomes web3 '.state == "ejected" and .share == 0'
# shellcheck disable=SC2086
kill -CONT $pids
before=$(memory .passive.until_ms)
agent_restarts
check "  the agent is killed and starts again: still ejected" all_are web3 '.state == "ejected" and .passive.ejected'
check "    for as long" equal "$(memory .passive.until_ms)" "$before"
check "  all connections hold" all_hold
# shellcheck disable=SC2086
wait $CLIENTS
check "  it comes back" becomes web3 '.state == "up" and .share > 0.32'
check "  all connections hold" all_hold

# ---- groups ------------------------------------------------------------------------------------------------
GROUP_OF=([web1]=near [web2]=near [web3]=far)
check "groups: two backends near, one far" configured \
	"groups: [{name: near}, {name: far, priority: 1}]" "spill_below: 70%"
check "  all goes to the near ones" shares_are 0.5 0.5 0
check "  all connections hold" all_hold
backend_stop web2
# 1/2 of 70 % is what near can still take: 0.714
check "one of them fails: a part spills over" shares_are 0.714 0 0.286
check "  as its groups' shares say" services '.spilling and
	(.groups[0].share - 0.7143 | fabs) < 0.001 and (.groups[1].share - 0.2857 | fabs) < 0.001'
check "  new connections too" split_is web3 60 115
check "  the others' connections hold" hold_at web1 web3
backend_start web2
check "it is back" shares_are 0.5 0.5 0
GROUP_OF=([web1]=near [web2]=near [web3]=sorry)
check "the far group is a backup" configured "groups: [{name: near}, {name: sorry, backup: true}]"
backend_stop web2
check "one fails: no need of it" shares_are 1 0 0
backend_stop web1
check "all fail: it serves" shares_are 0 0 1
check "  and status says so" services .on_backup
check "  its connections hold" hold_at web3
backend_start web1
backend_start web2
check "they are back" shares_are 0.5 0.5 0
check "  its connections hold" hold_at web3

# ---- panic -----------------------------------------------------------------------------------------------------
GROUP_OF=()
check "panic: closed below 40 %" configured "panic: {threshold: 40%, mode: closed}"
check "  calm while all are healthy" shares_are 0.333 0.333 0.333
backend_stop web1
backend_stop web2
check "a third is healthy: nobody takes newcomers" shares_are 0 0 0
check "  and status says so" services '.panic == "closed" and .panic_since_ms'
check "  the last one's connections hold" hold_at web3
check "panic: open" configured "panic: {threshold: 40%, mode: open}"
check "  all are used, healthy or not" shares_are 0.333 0.333 0.333
check "  and status says so" services '.panic == "open" and ([.backends[].state] | unique) == ["up"]'
check "  each serves" split_is web1 60 140
check "  the healthy one's connections hold" hold_at web3
backend_start web1
backend_start web2
check "they are back: calm" wait_for 10 services '.panic == "none"'
check "  the healthy one's connections hold" hold_at web3

lab_finish
