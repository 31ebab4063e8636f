#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Backends fail and return: found in time, nobody is sent to them meanwhile; the last one too
set -u

# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

# of lb.yaml: fall x interval with jitter + timeout + 1 s
FOUND_WITHIN_MS=$((2 * 1100 + 500 + 1000))

# clean N VIP - N new connections in a row, none fails, none goes to $FAILED
clean() {
	local i answer
	for ((i = 0; i < $1; i++)); do
		answer=$(get "http://$2/" --max-time 2) || return
		[ "$answer" != "$FAILED" ] || return
	done
}

# last_failure VIP - new connections for 6 s; milliseconds until the last one that failed began
last_failure() {
	local begun=${EPOCHREALTIME/./} last=0 now
	while now=${EPOCHREALTIME/./} && [ $((now - begun)) -lt 6000000 ]; do
		get "http://$1/" --max-time 2 >/dev/null 2>&1 || last=$(((now - begun) / 1000))
	done
	echo "$last"
}

# moved_in_time - from now on, until no new connection meets the failed backend
moved_in_time() {
	local vip bad=0 ms
	for vip in "${VIPS[@]}"; do
		last_failure "$vip" >"$LAB/last.$vip" &
	done
	for vip in "${VIPS[@]}"; do
		wait_for 15 [ -s "$LAB/last.$vip" ]
		ms=$(cat "$LAB/last.$vip")
		echo "$vip: the last failed after $ms ms, limit $FOUND_WITHIN_MS ms"
		between "$ms" 1 "$FOUND_WITHIN_MS" || bad=1
	done
	return "$bad"
}

# reason NAME - packets that met it
reason() {
	status ".reasons[] | select(.name == \"$1\") | .packets"
}

no_answer() {
	! get "http://$1/" --max-time 1
}

VIPS=(198.51.100.10 '[2001:db8:100::10]' 198.51.100.20 '[2001:db8:100::20]')

lab_enter "$@"
lab_up two_arm
agent_start
check "every backend comes up" wait_for 20 backends_up 3

FAILED=web1
lab_web_stop web1
check "web1 fails: new connections go elsewhere in time" moved_in_time
check "  status says so" wait_for 5 backend_is web1 down
check "  and why" equal "$(status '[.services[].backends[] | select(.name == "web1") | .reason] | unique[]')" \
	"connection refused"

lab_web_stop web2
lab_web_stop web3
check "all are down" wait_for 10 backends_up 0
for vip in "${VIPS[@]}"; do
	before=$(reason no_backend)
	check "$vip: no answer" no_answer "$vip"
	check "  dropped by reason" [ "$(reason no_backend)" -gt "$before" ]
done

lab_web_start web2
check "web2 alone returns" wait_for 10 backend_is web2 up
for vip in "${VIPS[@]}"; do
	check "  $vip: served at once" equal "$(get "http://$vip/" --max-time 2)" web2
done

lab_web_start web1
lab_web_start web3
check "all return" wait_for 10 backends_up 3
check "  and get their share" wait_for 20 new_share web1 0.333

# an interface goes and comes back with another address
on web1 ip link set eth0 down
FAILED=web1
check "web1's cable is pulled: new connections go elsewhere" wait_for 15 backend_is web1 down
check "  and none fails" clean 100 198.51.100.10
on web1 ip link set eth0 address 02:00:00:00:00:11 up
lab_web_routes web1
wait_for 10 on web1 ping -q -c 1 -W 1 10.0.0.1 # as any host talks to its gateway
wait_for 10 on web1 ping -q -c 1 -W 1 fd00::1
check "it returns with another MAC address" wait_for 30 backend_is web1 up
check "  which is known" wait_for 10 next_hop_is web4 web1 02:00:00:00:00:11
FAILED=none
check "  and every new connection is served" wait_for 20 clean 100 198.51.100.10
check "  by web1 too" wait_for 20 new_share web1 0.333
lab_finish
