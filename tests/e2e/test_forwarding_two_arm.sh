#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Forwarding, backends behind another interface than the clients (XDP_REDIRECT)
set -u

# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/e2e/forwarding.sh
. "$(dirname "$0")/forwarding.sh"

lab_enter "$@"
lab_up two_arm
forwarding_checks
lab_finish
