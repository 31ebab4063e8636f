#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Checks `via: vip`: a backend without its VIP is found down, whatever its own address answers
set -u

# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

VIP4=198.51.100.10
VIP6=2001:db8:100::10
QUICK="interval: 200ms, timeout: 150ms, rise: 2, fall: 2"

# service NAME VIP:PORT PROTOCOL CHECK BACKENDS - one of the configuration
service() {
	cat <<-YAML
		  - name: $1
		    vip: "$2"
		    protocol: $3
		    forward: dsr
		    vip_address: $VIP_ADDRESS
		    health: {$4, $QUICK}
		    backends:
		      - {name: web1, address: "${5}11"}
		      - {name: web2, address: "${5}12"}
		      - {name: web3, address: "${5}13"}
	YAML
}

# write_config - the kinds of check, both ways, on one VIP of each family
write_config() {
	local f vip net
	{
		printf 'interfaces: [{name: gw0}, {name: gw1}]\n'
		printf 'timers: {warm_up: 1s, handshake: 2s}\nservices:\n'
		for f in 4 6; do
			vip=$VIP4 net=10.0.0.
			[ $f = 4 ] || vip="[$VIP6]" net=fd00::
			service "http$f" "$vip:80" tcp "type: http, path: /health, via: vip" $net
			service "tcp$f" "$vip:81" tcp "type: tcp, port: 80, via: vip" $net
			service "icmp$f" "$vip:82" tcp "type: icmp, via: vip" $net
			service "udp$f" "$vip:53" udp 'type: udp, send: "x", expect: "web", via: vip' $net
			service "plain$f" "$vip:83" tcp "type: tcp, port: 80" $net
		done
	} >"$CONFIG"
}

# via_vip_is FAMILY BACKEND STATE - in every service whose check goes to the VIP
via_vip_is() {
	equal "$(status "[.services[] | select(.name | test(\"^(http|tcp|icmp|udp)$1\$\")) |
		.backends[] | select(.name == \"$2\") | .state] | unique | join(\",\")")" "$3"
}

# plain_is FAMILY BACKEND STATE - where it goes to the backend's own address
plain_is() {
	equal "$(status ".services[] | select(.name == \"plain$1\") | .backends[] |
		select(.name == \"$2\") | .state")" "$3"
}

# shown - state and reason of every backend, for the output of a failure
shown() {
	status '.services[] | [.name] + (.backends[] | [.name, .state, .reason]) | join(" ")'
	return 1
}

# is_refused FAMILY
is_refused() {
	equal "$(status ".services[] | select(.name == \"tcp$1\") | .backends[1].reason")" \
		"connection refused"
}

all_up() {
	backends_up 3 || shown
}

# stays COMMAND... - it holds for ten probes
stays() {
	local i
	for ((i = 0; i < 20; i++)); do
		"$@" || return
		sleep 0.1
	done
}

vip_off() {
	on "$1" ip addr del "$VIP4/32" dev lo && on "$1" ip addr del "$VIP6/128" dev lo
}

vip_on() {
	addr "$1" lo "$VIP4/32" "$VIP6/128"
}

gateway_has_vips() {
	on gateway ip addr show dev lo | grep -qF "$VIP4"
}

gateway_lacks_vips() {
	! gateway_has_vips
}

# dropped_for_age - packets that came back to the balancer
dropped_for_age() {
	[ "$(status '.reasons[] | select(.name == "ttl_expired") | .packets')" -gt 0 ]
}

# served VIP - clients get answers, and none from web1
served() {
	local i
	for ((i = 0; i < 10; i++)); do
		[ "$(get "http://$1/")" != web1 ] || return
	done
}

# spaces - network namespaces without a name that processes are in or hold open
spaces() {
	find /proc/[0-9]*/fd /proc/[0-9]*/ns/net -lname 'net:*' -printf '%l\n' 2>/dev/null | sort -u |
		grep -vcxF "$(stat -L -c 'net:[%i]' /run/netns/* /proc/self/ns/net)"
}

no_space() {
	equal "$(spaces)" 0
}

lab_enter "$@"
VIP_ADDRESS=add
lab_up two_arm
write_config
check "the configuration is right" "$LEAT" check -c "$CONFIG"
agent_start

check "http, tcp, icmp, udp via the VIP: up" wait_for 10 all_up
check "one namespace holds the probes" equal "$(spaces)" 1

vip_off web1
check "a backend without its VIP is found down: IPv4" wait_for 5 via_vip_is 4 web1 down
check "a backend without its VIP is found down: IPv6" wait_for 5 via_vip_is 6 web1 down
check "the others stay up" via_vip_is 4 web2 up
check "its own address answers still: IPv4" plain_is 4 web1 up
check "its own address answers still: IPv6" plain_is 6 web1 up
check "clients go elsewhere: IPv4" wait_for 5 served "$VIP4"
check "clients go elsewhere: IPv6" wait_for 5 served "[$VIP6]"

# it routes what it does not know back to the balancer, which would find another backend for it
on web1 sysctl -q -w net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
on web1 ip route add "$VIP4" via 10.0.0.1
on web1 ip route add "$VIP6" via fd00::1
check "probes that are sent back are dropped" wait_for 5 dropped_for_age
check "nobody else answers for it: IPv4" stays via_vip_is 4 web1 down
check "nobody else answers for it: IPv6" stays via_vip_is 6 web1 down
on web1 ip route del "$VIP4" via 10.0.0.1
on web1 ip route del "$VIP6" via fd00::1

vip_on web1
check "with its VIP it is up again" wait_for 10 all_up

lab_web_stop web2
check "a server that is gone is refused: IPv4" wait_for 5 \
	is_refused 4
check "a server that is gone is refused: IPv6" wait_for 5 is_refused 6
lab_web_start web2
check "a server that returns is up" wait_for 10 all_up

# as on a standby: the kernel knows nothing of the VIPs, and must keep silent
VIP_ADDRESS=none
write_config
check "a reload without the VIP's addresses" leat reload
check "the gateway has no VIP now" wait_for 5 gateway_lacks_vips
check "checks go on" stays all_up

on web3 ip link set dev eth0 address 02:00:00:00:33:33
wait_for 10 on web3 ping -q -c 1 -W 1 10.0.0.1 # as any host talks to its gateway
wait_for 10 on web3 ping -q -c 1 -W 1 fd00::1
check "a next hop that changes is followed" wait_for 15 next_hop_is http4 web3 02:00:00:00:33:33
check "and its backend is up" wait_for 15 all_up

agent_kill
check "a killed agent leaves no namespace" wait_for 5 no_space
lab_finish
