# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# The lab: a client, a gateway and three web servers in network namespaces.
# Sourced by the end-to-end tests and by tools/demo; README.md draws the network.
#
#   . tests/e2e/lib.sh
#   lab_enter "$@"        from here on in namespaces of its own (root)
#   lab_up two_arm        or one_arm
#   agent_start           leat on $LAB/lb.yaml, the shipped file
#   check "what" command  one line of TAP
#   lab_finish            the plan, and the exit status
#
# Mounts, processes and networks are namespaces of this one run: whatever ends it, the
# kernel takes all of it back, and no other run or real leat on the machine is met.

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
BUILD=${BUILD:-build}
case $BUILD in /*) ;; *) BUILD=$TOP/$BUILD ;; esac
LAB=/run/lab
LEAT=$BUILD/leat
WEBS="web1 web2 web3"
AGENT_LOG=$LAB/leat.log
AGENT_PID=
CONFIG=$LAB/lb.yaml
AGENT=$LEAT # what runs; the commands are always $LEAT's

# ---- namespaces ---------------------------------------------------------------

# lab_enter ARGS... - start this script once more, inside; returns only there
lab_enter() {
	if [ "${LAB_INSIDE:-}" = 1 ]; then
		lab_mount
		return
	fi
	[ "$(id -u)" -eq 0 ] || lab_die "needs root"
	lab_inside "$0" "$@" &
	trap 'kill -KILL $!' INT TERM HUP
	wait $!
	exit $?
}

# lab_inside COMMAND... - in new namespaces, which end with the caller (unshare alone takes no TERM)
lab_inside() {
	LAB_INSIDE=1 exec setpriv --pdeathsig KILL \
		unshare --mount --pid --net --fork --kill-child --mount-proc "$@"
}

lab_mount() {
	mount -t tmpfs lab /run || lab_die "cannot mount /run"
	mkdir -p "$LAB" /run/netns
	# a bpffs of its own where the machine has one; where not, the agent must see to it
	if mountpoint -q /sys/fs/bpf; then
		mount -t bpf bpf /sys/fs/bpf || lab_die "cannot mount bpffs"
	fi
}

lab_die() {
	echo "not ok - lab: $*"
	exit 1
}

# on NAME COMMAND... - in the network of one host
on() {
	local host=$1
	shift
	nsenter --net="/run/netns/$host" "$@"
}

# ---- network ------------------------------------------------------------------

# host NAME - a host with nothing but lo
host() {
	ip netns add "$1" || lab_die "cannot make namespace $1"
	on "$1" ip link set lo up
	on "$1" sysctl -q -w net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0 \
		net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0 \
		net.ipv6.conf.default.router_solicitations=0
}

# wire HOST IF HOST2 IF2 - a cable
wire() {
	ip link add "$2" netns "$1" type veth peer name "$4" netns "$3" || lab_die "cannot make $2"
	on "$1" ip link set "$2" up
	on "$3" ip link set "$4" up
}

# plug HOST IF - a cable into the switch
plug() {
	wire "$1" "$2" switch "$1-$2"
	on switch ip link set "$1-$2" master br0
}

# addr HOST IF ADDRESS...
addr() {
	local host=$1 link=$2 a
	shift 2
	for a in "$@"; do
		case $a in
		*:*) on "$host" ip addr add "$a" dev "$link" nodad ;;
		*) on "$host" ip addr add "$a" dev "$link" ;;
		esac || lab_die "cannot add $a to $host $link"
	done
}

# far_end HOST IF - the other side of one of the gateway's veths: it must finish
# checksums (XDP sees frames before that) and run an XDP program (to take what XDP sends)
far_end() {
	on "$1" ethtool -K "$2" tx off >/dev/null || lab_die "ethtool $2"
	on "$1" ip link set dev "$2" xdpdrv obj "$BUILD/e2e/pass.bpf.o" sec xdp ||
		lab_die "no XDP program on $2"
}

# lab_up TOPOLOGY - two_arm: clients at gw0, backends at gw1; one_arm: all at gw0
lab_up() {
	local h
	for h in client gateway switch $WEBS; do
		host "$h"
	done
	on switch ip link add br0 type bridge forward_delay 0
	on switch ip link set br0 up

	"lab_wire_$1"
	on gateway sysctl -q -w net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
	lab_client_routes
	for h in $WEBS; do
		lab_web_network "$h"
		lab_web_start "$h"
	done
	cp "$TOP/lb.yaml" "$LAB/lb.yaml"
	[ "$1" = two_arm ] || sed -i '/name: gw1/d' "$LAB/lb.yaml"
	lab_wait_links
}

lab_wire_two_arm() {
	wire gateway gw0 client c0
	addr gateway gw0 192.0.2.1/24 2001:db8:1::1/64
	addr client c0 192.0.2.2/24 192.0.2.3/24 2001:db8:1::2/64 2001:db8:1::3/64
	plug gateway gw1
	addr gateway gw1 10.0.0.1/24 fd00::1/64
	plug client c1
	addr client c1 10.0.0.2/24 fd00::2/64
	far_end client c0
	far_end switch gateway-gw1
}

lab_wire_one_arm() {
	plug gateway gw0
	addr gateway gw0 192.0.2.1/24 2001:db8:1::1/64 10.0.0.1/24 fd00::1/64
	plug client c0
	addr client c0 192.0.2.2/24 192.0.2.3/24 2001:db8:1::2/64 2001:db8:1::3/64 \
		10.0.0.2/24 fd00::2/64
	far_end switch gateway-gw0
	on client ethtool -K c0 tx off >/dev/null
}

# the addresses that end in .3 talk to the nat services: their way back is the gateway
lab_client_routes() {
	on client ip route add 198.51.100.0/24 via 192.0.2.1 src 192.0.2.2
	on client ip route add 198.51.100.20/32 via 192.0.2.1 src 192.0.2.3
	on client ip route add 2001:db8:100::/64 via 2001:db8:1::1 src 2001:db8:1::2
	on client ip route add 2001:db8:100::20/128 via 2001:db8:1::1 src 2001:db8:1::3
}

# lab_web_network NAME - addresses of one backend, the VIP of dsr on its lo, two ways back
lab_web_network() {
	local n=${1#web}
	plug "$1" eth0
	addr "$1" eth0 "10.0.0.1$n/24" "fd00::1$n/64"
	on "$1" sysctl -q -w net.ipv4.conf.all.arp_ignore=1 net.ipv4.conf.all.arp_announce=2 \
		net.ipv6.conf.all.keep_addr_on_down=1
	addr "$1" lo 198.51.100.10/32 2001:db8:100::10/128
	lab_web_routes "$1"
	on "$1" ethtool -K eth0 tx off >/dev/null
}

lab_web_routes() {
	on "$1" ip route replace 192.0.2.0/24 via 10.0.0.2
	on "$1" ip route replace 192.0.2.3/32 via 10.0.0.1
	on "$1" ip route replace 2001:db8:1::/64 via fd00::2
	on "$1" ip route replace 2001:db8:1::3/128 via fd00::1
}

# every link of the gateway answers before anything is measured
lab_wait_links() {
	local a
	for a in 192.0.2.2 2001:db8:1::2 10.0.0.11 10.0.0.12 10.0.0.13 fd00::11 fd00::12 fd00::13; do
		wait_for 10 on gateway ping -q -c 1 -W 1 "$a" || lab_die "gateway cannot reach $a"
	done
}

# ---- web servers --------------------------------------------------------------

# lab_web_start NAME - nginx on ports 80 and 8080, and a UDP server on ports 53 and 5353
#   /            the server's name
#   /files/X     $LAB/files/X; /slow/X the same at 8 MB/s
#   /upload      the body goes to $LAB/NAME/body/
lab_web_start() {
	local dir=$LAB/$1
	mkdir -p "$dir/body" "$dir/tmp" "$LAB/files"
	cat >"$dir/nginx.conf" <<-CONF
		user root;
		worker_processes 1;
		pid $dir/nginx.pid;
		error_log $dir/error.log;
		events { worker_connections 4096; }
		http {
			access_log off;
			default_type application/octet-stream;
			keepalive_requests 10000000;
			keepalive_timeout 600;
			client_max_body_size 0;
			client_body_temp_path $dir/body;
			proxy_temp_path $dir/tmp;
			fastcgi_temp_path $dir/tmp;
			scgi_temp_path $dir/tmp;
			uwsgi_temp_path $dir/tmp;
			add_header X-Backend $1 always;
			server {
				listen 80;
				listen [::]:80;
				listen 8080;
				listen [::]:8080;
				location / { return 200 "$1\n"; }
				location /files/ { alias $LAB/files/; }
				location /slow/ { alias $LAB/files/; limit_rate 8m; }
				location /upload {
					client_body_in_file_only on;
					proxy_pass http://127.0.0.1:8079/;
				}
			}
			server {
				listen 127.0.0.1:8079;
				location / { return 200 "$1\n"; }
			}
		}
	CONF
	on "$1" nginx -c "$dir/nginx.conf" -p "$dir" -e "$dir/error.log" || lab_die "nginx of $1"
	if [ ! -e "$dir/udp.pid" ]; then
		on "$1" /usr/bin/python3 "$TOP/tests/e2e/udp_server.py" "$1" \
			198.51.100.10 2001:db8:100::10 "10.0.0.1${1#web}" "fd00::1${1#web}" &
		echo $! >"$dir/udp.pid"
		wait_for 5 lab_listens_udp "$1" || lab_die "UDP server of $1"
	fi
}

lab_listens_udp() {
	[ "$(on "$1" ss -Hlun | wc -l)" -ge 8 ]
}

# lab_web_stop NAME - the process is gone, as after a crash: its port refuses
lab_web_stop() {
	local pid
	pid=$(cat "$LAB/$1/nginx.pid") || return
	kill -TERM "$pid"
	wait_for 5 gone "$pid"
}

# lab_file NAME MEGABYTES - random bytes to fetch from /files/NAME
lab_file() {
	mkdir -p "$LAB/files"
	head -c "$(($2 << 20))" /dev/urandom >"$LAB/files/$1"
}

# ---- the agent ----------------------------------------------------------------

# agent_start - $AGENT in the gateway, on $CONFIG; returns when its API answers
agent_start() {
	# not `on`: that would be a shell's pid, and not the agent's
	nsenter --net=/run/netns/gateway "$AGENT" run -c "$CONFIG" >>"$AGENT_LOG" 2>&1 &
	AGENT_PID=$!
	wait_for 30 agent_answers || {
		sed 's/^/# /' "$AGENT_LOG"
		lab_die "the agent does not answer"
	}
}

# leat VERB... - a command of leat, in the gateway
leat() {
	on gateway "$LEAT" "$@"
}

agent_answers() {
	[ "$(status .pid)" = "$AGENT_PID" ]
}

# agent_kill - as by a crash: kill -9
agent_kill() {
	kill -KILL "$AGENT_PID"
	wait "$AGENT_PID" 2>/dev/null
	AGENT_PID=
}

# status FILTER - one figure of the agent's status, by jq
status() {
	leat status --json | jq -r "$1"
}

# backend_is NAME STATE - in every service
backend_is() {
	equal "$(status "[.services[].backends[] | select(.name == \"$1\") | .state] | unique | join(\",\")")" "$2"
}

# next_hop_is SERVICE BACKEND MAC
next_hop_is() {
	status ".services[] | select(.name == \"$1\") | .backends[] | select(.name == \"$2\") | .next_hop" |
		grep -q "$3"
}

# new_share BACKEND SHARE - that share of the slots, to 1 %, gives its new connections to it
# (tcp alone: udp has no SYN to tell a new flow by, its slots move when they have been quiet)
new_share() {
	status "[.services[] | select(.protocol == \"tcp\") | .backends[] |
		select(.name == \"$1\") | .share] |
		length > 0 and all(. > $2 - 0.01 and . < $2 + 0.01)" | grep -q true
}

# configure BACKEND KEY VALUE, configure BACKEND remove - in every service of $CONFIG
configure() {
	/usr/bin/python3 "$TOP/tests/e2e/edit.py" "$CONFIG" "$@"
}

# backends_up N [SERVICE] - that many backends are up, in each service or in one
backends_up() {
	local which='.services[]'
	[ $# -lt 2 ] || which=".services[] | select(.name == \"$2\")"
	leat status --json | jq -e "[$which | [.backends[] | select(.state == \"up\")] | length] |
		length > 0 and all(. == $1)" >/dev/null
}

# ---- held connections -----------------------------------------------------------
#
# of tests that run hold.py: COUNT connections to each of URLS, as the coprocess HOLD

# held - a report of every URL, after each connection has been served anew
held() {
	local url line
	echo >&"${HOLD[1]}"
	for url in "${URLS[@]}"; do
		read -r -t 60 line <&"${HOLD[0]}" || return
		echo "$line"
	done
}

# all_hold - every connection lives, at its backend; the report stays in $LAB/held.all
all_hold() {
	held >"$LAB/held" || return
	cat "$LAB/held"
	tail -n 20 "$LAB/hold.log"
	[ "$(grep -c " alive=$COUNT broken=0 moved=0 corrupted=0 " "$LAB/held")" -eq ${#URLS[@]} ] &&
		cp "$LAB/held" "$LAB/held.all"
}

# ---- small tools --------------------------------------------------------------

gone() {
	! kill -0 "$1" 2>/dev/null
}

# wait_for SECONDS COMMAND... - try until it succeeds
wait_for() {
	local end=$((SECONDS + $1))
	shift
	while ! "$@" >/dev/null 2>&1; do
		[ "$SECONDS" -lt "$end" ] || return 1
		sleep 0.05
	done
}

# get URL [CURL OPTIONS...] - by the client, one connection
get() {
	local url=$1
	shift
	on client curl -sS -g --max-time 10 "$@" "$url"
}

# ---- results ------------------------------------------------------------------

CHECKS=0
FAILURES=0

# check NAME COMMAND... - ok where the command succeeds; its output is shown where not
check() {
	local name=$1 output
	shift
	CHECKS=$((CHECKS + 1))
	if output=$("$@" 2>&1); then
		echo "ok $CHECKS - $name"
	else
		FAILURES=$((FAILURES + 1))
		echo "not ok $CHECKS - $name"
		printf '%s\n' "$output" | tail -n 20 | sed 's/^/#   /'
	fi
}

# equal GOT EXPECTED - for check
equal() {
	[ "$1" = "$2" ] || {
		echo "got '$1', expected '$2'"
		return 1
	}
}

# between NUMBER LOW HIGH
between() {
	[ "$1" -ge "$2" ] && [ "$1" -le "$3" ]
}

lab_finish() {
	echo "1..$CHECKS"
	if [ "$FAILURES" -gt 0 ] && [ -s "$AGENT_LOG" ]; then
		echo "# the agent said:"
		tail -n 40 "$AGENT_LOG" | sed 's/^/#   /'
	fi
	[ "$FAILURES" -eq 0 ]
	exit
}
