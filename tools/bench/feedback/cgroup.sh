# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# CPU cgroups of this run, below $CGROUP, one for each server: version 2 where it has the cpu
# controller, else version 1, whose cpu and cpuacct may be hierarchies of their own.
# Sourced by run.

CGROUP_PERIOD_US=100000 # the kernel's default, and that of container platforms

# cgroup_mounts - the mount points in use, one or two
cgroup_mounts() {
	awk '
		$3 == "cgroup2" && !two {
			getline controllers < ($2 "/cgroup.controllers")
			if (controllers ~ /(^| )cpu( |$)/) two = $2
		}
		$3 == "cgroup" && ("," $4 ",") ~ /,cpu,/ && !cpu { cpu = $2 }
		$3 == "cgroup" && ("," $4 ",") ~ /,cpuacct,/ && !acct { acct = $2 }
		END {
			if (two) print two
			else if (cpu && acct) print cpu == acct ? cpu : cpu "\n" acct
		}' /proc/mounts
}

cgroup_version() {
	[ -e "$(cgroup_path web1)/cpu.max" ] && echo 2 || echo 1
}

# cgroup_path NAME - where its limit is
cgroup_path() {
	echo "$(cgroup_mounts | head -n 1)/$CGROUP/$1"
}

# cgroup_make NAME...
cgroup_make() {
	local mount name
	[ -n "$(cgroup_mounts)" ] || return 1
	for mount in $(cgroup_mounts); do
		mkdir "$mount/$CGROUP" || return 1
		cgroup_delegate "$mount" || return 1
		cgroup_prefer "$mount/$CGROUP"
		for name in "$@"; do
			mkdir "$mount/$CGROUP/$name" || return 1
		done
	done
}

# cgroup_prefer PATH - before what else runs on the machine: a server's limit shall slow it, not that
cgroup_prefer() {
	[ ! -e "$1/cpu.weight" ] || echo 10000 >"$1/cpu.weight"
	[ ! -e "$1/cpu.shares" ] || echo 262144 >"$1/cpu.shares"
}

# cgroup_delegate MOUNT - version 2: the cpu controller must be switched on level by level
cgroup_delegate() {
	[ -e "$1/cgroup.controllers" ] || return 0
	if ! grep -qw cpu "$1/cgroup.subtree_control"; then
		echo +cpu >"$1/cgroup.subtree_control" || return 1
		CGROUP_DELEGATED=$1
	fi
	echo +cpu >"$1/$CGROUP/cgroup.subtree_control"
}

# cgroup_remove NAME... - their processes may still be ending
cgroup_remove() {
	local mount name
	for mount in $(cgroup_mounts); do
		for name in "$@"; do
			[ ! -d "$mount/$CGROUP/$name" ] || wait_for 5 rmdir "$mount/$CGROUP/$name"
		done
		[ ! -d "$mount/$CGROUP" ] || wait_for 5 rmdir "$mount/$CGROUP"
	done
	[ -z "${CGROUP_DELEGATED:-}" ] || echo -cpu >"$CGROUP_DELEGATED/cgroup.subtree_control"
}

# cgroup_remove_left - what runs that were killed by -9 could not remove
cgroup_remove_left() {
	local mount left
	for mount in $(cgroup_mounts); do
		for left in "$mount"/leat-feedback-*/; do
			[ ! -d "$left" ] || kill -0 "$(basename "${left##*-}")" 2>/dev/null ||
				rmdir "$left"*/ "$left"
		done
	done
}

# cgroup_run NAME COMMAND... - in that cgroup
cgroup_run() {
	local name=$1
	shift
	(
		for mount in $(cgroup_mounts); do
			echo "$BASHPID" >"$mount/$CGROUP/$name/cgroup.procs" || exit 1
		done
		exec "$@"
	)
}

# cgroup_limit NAME PERCENT - of one core
cgroup_limit() {
	local path quota=$((CGROUP_PERIOD_US * $2 / 100))
	path=$(cgroup_path "$1")
	if [ -e "$path/cpu.max" ]; then
		echo "$quota $CGROUP_PERIOD_US" >"$path/cpu.max"
	else
		echo "$CGROUP_PERIOD_US" >"$path/cpu.cfs_period_us" &&
			echo "$quota" >"$path/cpu.cfs_quota_us"
	fi
}

# cgroup_usage_us NAME - CPU time used, ever
cgroup_usage_us() {
	local path
	path=$(cgroup_mounts | tail -n 1)/$CGROUP/$1
	if [ -e "$path/cpuacct.usage" ]; then
		echo $(($(cat "$path/cpuacct.usage") / 1000))
	else
		awk '$1 == "usage_usec" { print $2 }' "$path/cpu.stat"
	fi
}

# cgroup_idle NAME - it used less than 2 ms in the last 300
cgroup_idle() {
	local before
	before=$(cgroup_usage_us "$1")
	sleep 0.3
	[ $(($(cgroup_usage_us "$1") - before)) -lt 2000 ]
}
