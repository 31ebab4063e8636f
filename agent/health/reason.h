/* SPDX-License-Identifier: GPL-2.0-only */
/* What a probe's outcome is called when a person reads it. Pure. */
#ifndef LEAT_HEALTH_REASON_H
#define LEAT_HEALTH_REASON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "health/state.h"

/**
 * reason_errno - name what a socket call said
 * @err:     a positive errno
 * @outcome: OUTCOME_NOT_SENT where the trouble is this machine's own (no descriptors, no memory, no
 *           local port), else OUTCOME_FAILED
 * Returns a constant text.
 */
const char *reason_errno(int err, enum probe_outcome *outcome);

/** reason_status_is_expected - whether bit @status of @expect is set */
bool reason_status_is_expected(unsigned status, const uint64_t *expect);

/** reason_status - "status 503, expected 200-299,304" into @buf; @expect as in struct model_health
 */
void reason_status(unsigned status, const uint64_t *expect, char *buf, size_t size);

/** reason_body - "body does not contain "ok"" into @buf; a long or unprintable @text is abridged */
void reason_body(const char *text, char *buf, size_t size);

/**
 * reason_held - "held down until 2026-01-02 03:04:05 UTC, 6 changes: connected" into @buf
 * @until_ms: CLOCK_REALTIME
 * @last:     what the last probe said; what does not fit is cut
 */
void reason_held(unsigned changes, uint64_t until_ms, const char *last, char *buf, size_t size);

#endif
