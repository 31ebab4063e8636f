#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What each scheduler promises, by real connections to dsr and nat services of IPv4 and IPv6; and
# what a reload from one scheduler to another may do without --force
set -u

# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

URLS=(http://198.51.100.10/ 'http://[2001:db8:100::10]/' http://198.51.100.20/ 'http://[2001:db8:100::20]/')

# the clients besides: thirty each for dsr and nat; of IPv6 two in each of thirty /64
DSR4=$(printf '192.0.2.%d,' {33..62})
NAT4=$(printf '192.0.2.%d,' {129..158})
DSR6=$(printf '2001:db8:d:%x::1,' {1..30})
NAT6=$(printf '2001:db8:a:%x::1,' {1..30})

# write_config LINE... - four services with these lines in each
write_config() {
	cat >"$CONFIG" <<-CONF
		interfaces: [{name: gw0}, {name: gw1}]
		hash_key: "000102030405060708090a0b0c0d0e0f"
		timers: {warm_up: 500ms, handshake: 2s}
		services:
	CONF
	service dsr4 198.51.100.10:80 dsr 10.0.0.1 "" "$@"
	service dsr6 '"[2001:db8:100::10]:80"' dsr 'fd00::1' "" "$@"
	service nat4 198.51.100.20:80 nat 10.0.0.1 :8080 "$@"
	service nat6 '"[2001:db8:100::20]:80"' nat '[fd00::1' ']:8080' "$@"
}

# service NAME VIP FORWARD PREFIX SUFFIX LINE... - PREFIX and SUFFIX of the backends' addresses,
# which end in 1, 2 and 3; weights from WEIGHTS
service() {
	local name=$1 vip=$2 forward=$3 prefix=$4 suffix=$5 i
	shift 5
	{
		printf '  - name: %s\n    vip: %s\n    forward: %s\n' "$name" "$vip" "$forward"
		printf '    %s\n' "health: {type: http, interval: 500ms, rise: 1}" "idle_timeout: 30s" "$@" backends:
		for i in 1 2 3; do
			printf '      - {name: web%d, address: "%s%d%s", weight: %d}\n' \
				"$i" "$prefix" "$i" "$suffix" "${WEIGHTS[i - 1]}"
		done
	} >>"$CONFIG"
}

client() {
	on client /usr/bin/python3 "$TOP/tests/e2e/balance_client.py" "$@"
}

# more_clients - addresses, and the backends' ways back to them: of nat through the gateway
more_clients() {
	local a web
	for a in ${DSR4//,/ } ${NAT4//,/ }; do addr client c0 "$a/32"; done
	for a in ${DSR6//,/ } ${NAT6//,/ }; do addr client c0 "$a/128" "${a%1}2/128"; done
	for web in $WEBS; do
		on "$web" ip route add 192.0.2.128/25 via 10.0.0.1
		on "$web" ip route add 2001:db8:d::/48 via fd00::2
		on "$web" ip route add 2001:db8:a::/48 via fd00::1
	done
}

# all_split SPLIT COUNT - that many connections to each VIP are split like this
all_split() {
	local url
	client spread "$2" "${URLS[@]}" >"$LAB/split" || return
	cat "$LAB/split"
	for url in "${URLS[@]}"; do
		grep -qxF "$url $1" "$LAB/split" || return
	done
}

# each_has_one ADDRESSES URL - several connections of an address all go to one backend; > $LAB/from
each_has_one() {
	client from "${1%,}" 3 "$2" >"$LAB/from" || return
	cat "$LAB/from"
	[ "$(wc -w <"$LAB/from")" -eq $((2 * $(wc -l <"$LAB/from"))) ]
}

# of_all_webs - those of the last each_has_one, taken together, use each backend for a good part
of_all_webs() {
	local web
	for web in $WEBS; do
		between "$(grep -c "$web" "$LAB/from")" 3 20 || return
	done
}

# by_source URL ADDRESSES
by_source() {
	check "  an address has one backend: $1" each_has_one "$2" "$1"
	check "  and all addresses have all backends" of_all_webs
}

# by_prefix URL ADDRESSES - addresses that differ in the last 64 bits alone have the same one
by_prefix() {
	by_source "$1" "$2"
	cut -d ' ' -f 2 "$LAB/from" >"$LAB/from.1"
	check "  others of a /64 have it as well: $1" each_has_one "${2//::1,/::2,}" "$1"
	check "    all of them" cmp <(cut -d ' ' -f 2 "$LAB/from") "$LAB/from.1"
}

four_by_source() {
	by_source "${URLS[0]}" "$DSR4"
	by_source "${URLS[2]}" "$NAT4"
	by_prefix "${URLS[1]}" "$DSR6"
	by_prefix "${URLS[3]}" "$NAT6"
}

# refused LINE... - a reload of such a service is refused without --force and changes nothing
refused() {
	local before
	before=$(status '[.services[].scheduler] | join(" ")')
	write_config "$@"
	leat reload && return 1
	equal "$(status '[.services[].scheduler] | join(" ")')" "$before"
}

# becomes SCHEDULER [reload's options...]
becomes() {
	local scheduler=$1
	shift
	leat reload "$@" || return
	equal "$(status '[.services[].scheduler] | unique | join(" ")')" "$scheduler" &&
		wait_for 20 backends_up 3
}

# ---- affinity ------------------------------------------------------------------------------

# remembered - where each of seven addresses goes, by one connection each
remembered() {
	client from "$(cut -d , -f 1-7 <<<"$2")" 1 "$1"
}

# has_affinity URL ADDRESSES
has_affinity() {
	check "  a client comes back to its backend: $1" each_has_one "$(cut -d , -f 1-7 <<<"$2")" "$1"
	sed 's/:3$/:1/' "$LAB/from" >"$LAB/affine.${1//\//_}"
}

is_free() {
	! cmp <(remembered "$1" "$2") "$LAB/affine.${1//\//_}"
}

# ---- live connections ----------------------------------------------------------------------

# even URL - of what is open nobody has more than 1.05 x mean + 1
even() {
	grep -F "$1 " "$LAB/storm" | tr ' ' '\n' | sed -n 's/^web.://p' |
		jq -se 'length == 3 and max <= 1.05 * add / 3 + 1'
}

# sockets WEB ADDRESS PORT CLIENT - established there, as the backend itself counts
sockets() {
	on "$1" ss -Htn state established "src $2 and sport = :$3 and dst $4" | wc -l
}

# counts_agree - status and each backend's own sockets, in every service
counts_agree() {
	local i got own
	got=$(status '[.services[].backends[].live] | join(" ")')
	own=$({
		for i in 1 2 3; do sockets "web$i" 198.51.100.10 80 192.0.2.2; done
		for i in 1 2 3; do sockets "web$i" '[2001:db8:100::10]' 80 '[2001:db8:1::2]'; done
		for i in 1 2 3; do sockets "web$i" "10.0.0.1$i" 8080 192.0.2.3; done
		for i in 1 2 3; do sockets "web$i" "[fd00::1$i]" 8080 '[2001:db8:1::3]'; done
	} | paste -sd ' ')
	equal "$got" "$own" && jq -ne "[${got// /,}] | add > 100" >/dev/null
}

# storm_passes - until what is open stays open
storm_passes() {
	local url line
	for url in "${URLS[@]}"; do
		read -r -t 60 line <&"${STORM[0]}" || { cat "$LAB/storm.log"; return 1; }
		echo "$line"
	done >"$LAB/storm"
}

live_is_zero() {
	equal "$(status '[.services[].live] | add')" 0
}

# timed_by SERVICE HOW - every backend has a response time, measured that way
timed_by() {
	equal "$(status ".services[] | select(.name == \"$1\") |
		[.backends[] | select(.response_us > 0) | .response_by] | join(\" \")")" "$2 $2 $2"
}

# ---- here it goes --------------------------------------------------------------------------

lab_enter "$@"
lab_up two_arm
more_clients
WEIGHTS=(3 2 1)
write_config "scheduler: round_robin"
agent_start
check "round_robin: every backend comes up" wait_for 20 backends_up 3
check "  600 connections by weights of 3, 2, 1: exactly" all_split "web1:300 web2:200 web3:100" 600

WEIGHTS=(1 1 1)
write_config "scheduler: round_robin" "affinity: 3s"
check "affinity: reloaded" becomes round_robin
has_affinity "${URLS[0]}" "$DSR4"
has_affinity "${URLS[1]}" "$DSR6"
has_affinity "${URLS[2]}" "$NAT4"
has_affinity "${URLS[3]}" "$NAT6"
sleep 4
check "  and is free after 3 s: dsr" is_free "${URLS[0]}" "$DSR4"
check "  dsr, IPv6" is_free "${URLS[1]}" "$DSR6"
check "  nat" is_free "${URLS[2]}" "$NAT4"
check "  nat, IPv6" is_free "${URLS[3]}" "$NAT6"

write_config "scheduler: least_conn"
check "least_conn: wants no --force after round_robin" becomes least_conn
coproc STORM { client storm 900 150 "${URLS[@]}" 2>"$LAB/storm.log"; }
check "  a storm of short and long connections" storm_passes
for url in "${URLS[@]}"; do
	check "  nobody has above 1.05 x mean + 1: $url" even "$url"
done
check "  live counts are those of the backends' sockets" wait_for 15 counts_agree
status '"# live: \([.services[].backends[].live] | join(" ")); set right: \(.counts_corrected)"'
echo >&"${STORM[1]}"
check "  and 0 when all are closed" wait_for 15 live_is_zero

write_config "scheduler: least_response"
check "least_response: wants no --force after least_conn" becomes least_response
check "  300 connections of each" client spread 300 "${URLS[@]}"
check "  nat: by requests in the data path" wait_for 5 timed_by nat4 requests
check "  nat, IPv6" wait_for 5 timed_by nat6 requests
check "  dsr: by probes" wait_for 5 timed_by dsr4 probes
check "  dsr, IPv6" wait_for 5 timed_by dsr6 probes
check "  status names the source" equal "$(status '[.services[].response_source] | join(" ")')" \
	"probes probes data_path data_path"

check "source_hash: refused without --force" refused "scheduler: source_hash"
check "  and done with it" becomes source_hash --force
four_by_source
write_config "scheduler: maglev" "hash: source"
check "maglev, hash: source: the same table, no --force" becomes maglev
by_source "${URLS[0]}" "$DSR4"
by_prefix "${URLS[3]}" "$NAT6"
check "maglev, hash: source_port: refused without --force" refused "scheduler: maglev"
check "  and done with it" becomes maglev --force
check "round_robin: refused without --force" refused "scheduler: round_robin"
check "  and done with it" becomes round_robin --force
check "  30 connections in turn" all_split "web1:10 web2:10 web3:10" 30

lab_finish
