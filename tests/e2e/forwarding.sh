# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Every mode and family carries what it should. Sourced by test_forwarding_*.sh, after lib.sh.

# spread VIP - 300 connections, none fails, each backend gets some
spread() {
	local answers
	local vip=${1/\[/\\[}
	answers=$(on client timeout 60 curl -sS --max-time 5 -H 'Connection: close' "http://${vip/]/\\]}/?[1-300]") ||
		return
	printf '%s\n' "$answers" | sort | uniq -c | awk '
		{ print; total += $1; if ($2 ~ /^web[123]$/ && $1 >= 60) hosts++ }
		END { exit !(total == 300 && hosts == 3) }'
}

# download VIP - 100 MB arrive as they are
download() {
	local sum
	sum=$(get "http://$1/files/large" --max-time 120 | sha256sum) || return
	equal "${sum%% *}" "$LARGE_SUM"
}

# upload VIP - 100 MB arrive at one backend as they are
upload() {
	local sum
	find "$LAB"/web*/body -type f -delete
	get "http://$1/upload" --max-time 120 -H 'Expect:' -T "$LAB/files/large" || return
	sum=$(find "$LAB"/web*/body -type f -exec sha256sum {} +)
	equal "${sum%% *}" "$LARGE_SUM"
}

# udp_answers VIP - 100 datagrams from 100 ports, all answered
udp_answers() {
	on client /usr/bin/python3 - "$1" <<-'PYTHON'
		import socket, sys
		family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
		answered = {}
		for i in range(100):
		    sock = socket.socket(family, socket.SOCK_DGRAM)
		    sock.settimeout(2)
		    sock.connect((sys.argv[1], 53))
		    sock.send(b"%d" % i)
		    name, number = sock.recv(100).split()
		    assert int(number) == i
		    answered[name] = answered.get(name, 0) + 1
		print(answered)
		assert len(answered) == 3
	PYTHON
}

# checksum_errors - of all receivers since their start
checksum_errors() {
	local host
	for host in client $WEBS; do
		on "$host" nstat -asz TcpInCsumErrors UdpInCsumErrors Udp6InCsumErrors IcmpInCsumErrors
	done | awk '/CsumErrors/ { n += $2 } END { print n + 0 }'
}

forwarding_checks() {
	local vip family
	lab_file large 100
	LARGE_SUM=$(sha256sum <"$LAB/files/large")
	LARGE_SUM=${LARGE_SUM%% *}

	agent_start
	check "every backend comes up" wait_for 20 backends_up 3

	for vip in 198.51.100.10 '[2001:db8:100::10]' 198.51.100.20 '[2001:db8:100::20]'; do
		case $vip in *10 | *10]) family=dsr ;; *) family=nat ;; esac
		check "$family $vip: 300 connections over three backends" spread "$vip"
		check "$family $vip: 100 MB down" download "$vip"
		check "$family $vip: 100 MB up" upload "$vip"
	done
	for vip in 198.51.100.10 2001:db8:100::10 198.51.100.20 2001:db8:100::20; do
		check "$vip answers ping" on client ping -q -c 3 -i 0.2 -W 2 "$vip"
	done
	check "udp, dsr: 100 datagrams, all answered" udp_answers 198.51.100.10
	check "udp, nat: 100 datagrams, all answered" udp_answers 198.51.100.20
	check "no receiver saw a wrong checksum" equal "$(checksum_errors)" 0

	check "the gateway itself is reached" on client ping -q -c 1 -W 2 192.0.2.1
	check "the gateway itself is reached, IPv6" on client ping -q -c 1 -W 2 2001:db8:1::1
	check "what is not a service is routed" equal "$(get http://10.0.0.11:8080/ --interface 192.0.2.3)" web1
	check "a closed port of a VIP is refused" refused 198.51.100.10:81
}

# refused ADDRESS:PORT - at once, with a reset: the kernel saw it, nobody listens
refused() {
	local rc=0
	get "http://$1/" || rc=$?
	equal "$rc" 7
}
