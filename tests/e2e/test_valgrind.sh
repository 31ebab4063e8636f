#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The agent's start, reload, adoption and stop under valgrind: no error, no leak
set -u

# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

# ended_well - the agent has ended, and valgrind found nothing
ended_well() {
	local rc=0
	wait "$AGENT_PID" || rc=$?
	AGENT_PID=
	cat "$LAB"/valgrind.*
	equal "$rc" 0
}

# a probe's failure and return, a reload with changes, one that is refused, a few questions
live() {
	wait_for 60 backends_up 3 || return
	leat explain 192.0.2.2:40000 198.51.100.10:80 || return
	lab_web_stop web2
	wait_for 30 backend_is web2 down || return
	lab_web_start web2
	configure web1 weight 3
	configure web3 remove
	leat reload || return
	echo 'wrong: file' >"$LAB/wrong.yaml"
	cp "$CONFIG" "$LAB/right.yaml"
	cp "$LAB/wrong.yaml" "$CONFIG"
	leat reload && return 1
	cp "$LAB/right.yaml" "$CONFIG"
	wait_for 60 backend_is web2 up || return
	get http://198.51.100.10/ && get http://198.51.100.20/
}

lab_enter "$@"
lab_up two_arm

cat >"$LAB/leat-valgrind" <<-SCRIPT
	#!/bin/sh
	exec valgrind -q --error-exitcode=99 --leak-check=full --show-leak-kinds=all \
		--errors-for-leak-kinds=all --log-file="$LAB/valgrind.%p" \
		--suppressions="$TOP/tests/e2e/valgrind.supp" "$LEAT" "\$@"
SCRIPT
chmod +x "$LAB/leat-valgrind"
AGENT=$LAB/leat-valgrind

agent_start
check "an agent's life" live
check "stop" leat stop
check "  clean" ended_well
agent_start
check "adoption" equal "$(status .adopted)" true
check "stop --detach" leat stop --detach
check "  clean" ended_well
lab_finish
