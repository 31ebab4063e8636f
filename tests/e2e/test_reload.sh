#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A reload is one transaction: what cannot be done changes nothing; what can goes on as it was
set -u

# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

# refused TEXT ARGS... - a reload that fails and says so
refused() {
	local text=$1 output
	shift
	output=$(leat reload "$@" 2>&1) && return 1
	printf '%s\n' "$output"
	grep -qF -- "$text" <<<"$output"
}

# shape - all that a refused reload must leave alone
shape() {
	status '[.interfaces[].name], [.services[] | [.name, .id, .table_size, .digest_target,
		[.backends[] | [.name, .id, .state, .since_ms]]]] | tojson'
}

# service NAME VIP [LINE...] - one more in $CONFIG
service() {
	local name=$1 vip=$2
	shift 2
	{
		printf '  - name: %s\n    vip: "%s"\n' "$name" "$vip"
		printf '    %s\n' "$@"
	} >>"$CONFIG"
}

# in_service NAME KEY VALUE - set or add a key of one service of $CONFIG
in_service() {
	sed -i "/- name: $1\$/,/backends:/{/^    $2:/d}; s/^  - name: $1\$/&\n    $2: $3/" "$CONFIG"
}

vips_on_lo() {
	on gateway ip -o addr show dev lo | grep -oE '198\.51\.100\.[0-9]+' | sort | tr '\n' ' '
}

# interface_is NAME STATE
interface_is() {
	equal "$(status ".interfaces[] | select(.name == \"$1\") | .state")" "$2"
}

# served N URL - so many new connections in a row
served() {
	local i
	for ((i = 0; i < $1; i++)); do get "$2" --max-time 2 || return; done
}

# download URL COMMAND... - goes on, and arrives whole, while the command runs
download() {
	local url=$1 pid
	shift
	get "$url/slow/blob" --max-time 40 -o "$LAB/got" &
	pid=$!
	sleep 1
	"$@" || return
	wait "$pid" && cmp "$LAB/files/blob" "$LAB/got"
}

many_backends() {
	local i
	cp "$TOP/lb.yaml" "$CONFIG"
	for ((i = 21; i < 60; i++)); do
		sed -i "0,/      - {name: web3, address: 10.0.0.13}/s//&\n      - {name: more$i, address: 10.0.0.$i}/" "$CONFIG"
	done
}

lab_enter "$@"
lab_up two_arm
lab_file blob 24
agent_start
check "every backend comes up" wait_for 20 backends_up 3

# ---- what fails changes nothing ---------------------------------------------------
before=$(shape)
service more 198.51.100.30:80 "backends: [{address: 10.0.0.11}]"
in_service app4 table_size 8191
in_service web4 table_size 8191
sed -i '0,/      - {name: web3, address: 10.0.0.13}/s//&\n      - {name: web9, address: 10.0.0.19}/' "$CONFIG"
sed -i 's/^  - name: gw1/  - name: nosuch\n&/' "$CONFIG"
check "an interface that is not there: refused, nat connections go on" \
	download http://198.51.100.20 refused "nosuch" --force
check "  and nothing has changed" equal "$(shape)" "$before"
check "  no VIP came" equal "$(vips_on_lo)" "198.51.100.10 198.51.100.20 "
check "  new nat connections are served" get http://198.51.100.20/
cp "$TOP/lb.yaml" "$CONFIG"
in_service web4 table_size 1048573
check "slots that do not fit: refused" refused "do not fit" --force
check "  and nothing has changed" equal "$(shape)" "$before"

# ---- what the file does not give stays -----------------------------------------------
sed '/max_flows/d; s/^limits:/limits: {}/' "$TOP/lb.yaml" >"$CONFIG"
check "limits that are not given stay" leat reload
sed 's/max_flows: 262144/max_flows: 200000/' "$TOP/lb.yaml" >"$CONFIG"
check "as many in powers of two is no change" equal "$(leat reload --dry-run --json | jq '.changes | length')" 0
many_backends
check "a table keeps its size as backends come" leat reload
check "  42 backends in 4093 slots" equal \
	"$(status '.services[] | select(.name == "web4") | "\(.backends | length) \(.table_size)"')" "42 4093"
id=$(status '.services[] | select(.name == "web4") | .id')
agent_kill
agent_start
check "  and over a restart" equal \
	"$(status '.services[] | select(.name == "web4") | "\(.id) \(.table_size)"')" "$id 4093"
cp "$TOP/lb.yaml" "$CONFIG"
check "  they leave again" leat reload
check "  which are up by then" wait_for 20 backends_up 3

# ---- health goes on --------------------------------------------------------------------
lab_web_stop web2
check "web2 fails" wait_for 10 backend_is web2 down
before=$(status '[.services[].backends[] | select(.name == "web2") | .since_ms] | tojson')
configure web1 weight 2
check "a reload leaves it down" leat reload
check "  since the same moment" equal \
	"$(status '[.services[].backends[] | select(.name == "web2") | .since_ms] | tojson')" "$before"
in_service app4 table_size 8191
check "a service made anew knows it too" leat reload --force
check "  at once" equal \
	"$(status '.services[] | select(.name == "app4") | [.backends[].state] | sort | join(" ")')" "down up up"
lab_web_start web2
check "  and when it is back" wait_for 15 backends_up 3
cp "$TOP/lb.yaml" "$CONFIG"
check "back to the first file" leat reload --force

# ---- services and VIPs come and go --------------------------------------------------------
sed '/- name: web4/,/- name: web6/{/- name: web6/!d}' "$TOP/lb.yaml" | sed '/IPv6 is written/d' >"$CONFIG"
check "a service goes" leat reload
check "  its VIP stays for the other service there" equal "$(vips_on_lo)" "198.51.100.10 198.51.100.20 "
check "  udp there is still balanced" equal \
	"$(leat explain --json 192.0.2.2:4000 198.51.100.10:53 udp | jq -r .verdict)" forward
sed -i '/- name: dns4/,/- name: dns-nat4/{/- name: dns-nat4/!d}' "$CONFIG"
sed -i 's/health: \*quick_tcp/health: {type: tcp, port: 80, interval: 1s}/' "$CONFIG"
check "the other goes" leat reload
check "  and the VIP with it" equal "$(vips_on_lo)" "198.51.100.20 "
service http-alt 198.51.100.20:8080 "forward: nat" "backends: [{address: \"10.0.0.11:8080\"}]"
sed -i '/- name: app4/,/backends:/{/backends:/n}; 0,/      - {name: web1, address: "10.0.0.11:8080"}/{/address: "10.0.0.11:8080"/d}' "$CONFIG"
check "a nat backend moves to another service: that wants --force" refused "--force"
check "  and is done" leat reload --force
check "  served there" wait_for 10 get http://198.51.100.20:8080/
cp "$TOP/lb.yaml" "$CONFIG"
check "all come back" leat reload --force
check "  and serve" wait_for 20 backends_up 3
check "  web4 too" served 9 http://198.51.100.10/
check "  and app4, by each backend" served 9 http://198.51.100.20/

# ---- weights of 0 -----------------------------------------------------------------------
for web in $WEBS; do configure "$web" weight 0; done
check "all weights 0" leat reload
no_new_connection() {
	! get http://198.51.100.20/ --max-time 1 >/dev/null 2>&1
}
check "  nobody is served" wait_for 15 no_new_connection
configure web2 weight 1
check "one weight returns" leat reload
check "  and is served" wait_for 5 get http://198.51.100.20/
check "  in dsr as well" wait_for 10 get http://198.51.100.10/
cp "$TOP/lb.yaml" "$CONFIG"
check "back to the first file" leat reload
check "  which all serve" wait_for 15 new_share web1 0.333

# ---- slots in motion --------------------------------------------------------------------
moving_reloads() {
	local i
	for i in 5 1 3; do
		configure web1 weight "$i"
		leat reload || return
		sleep 0.5
	done
}
check "reloads while slots move, dsr connections go on" download http://198.51.100.10 moving_reloads
cp "$TOP/lb.yaml" "$CONFIG"
check "back to the first file" leat reload

# ---- an interface goes and comes ------------------------------------------------------------
# (as a driver that is loaded anew: the backends' neighbour entries stay right)
mac=$(on gateway ip -j link show gw1 | jq -r ".[].address")
on gateway ip link del gw1
check "an interface is deleted" wait_for 5 interface_is gw1 absent
check "  a reload is not refused for that" leat reload
check "  and the other stays" interface_is gw0 attached
plug gateway gw1
on gateway ip link set gw1 address "$mac"
addr gateway gw1 10.0.0.1/24 fd00::1/64
far_end switch gateway-gw1
check "it is made anew: attached again" wait_for 10 interface_is gw1 attached
lab_wait_links
check "  its backends are up" wait_for 20 backends_up 3
check "  and serves, nat" wait_for 30 get http://198.51.100.20/
check "  and dsr" wait_for 30 get http://198.51.100.10/
lab_finish
