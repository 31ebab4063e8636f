/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Agent checks: a backend tells weight and state itself, over TCP, in the words of HAProxy's
 * protocol (its Configuration Manual, "agent-check"): one line of ASCII words, then the end.
 */
#ifndef LEAT_HEALTH_AGENT_CHECK_H
#define LEAT_HEALTH_AGENT_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/config.h"

struct agent_checks;
struct event_base;

/** struct agent_report - what one line says, added to what was said before */
struct agent_report {
	bool has_state;
	enum model_agent_state
		state; /* up and ready: AGENT_UP; stopped, fail and down: AGENT_DOWN */
	bool has_percent;
	unsigned percent; /* of the weight, 0..1000; "50%" */
	bool has_maxconn; /* understood, not used */
	char reason[96];  /* after '#'; or why there is no answer */
};

/**
 * agent_check_parse - one line, without its end
 * Words apart by blanks, tabs or commas: up, ready, drain, maint, down, fail, stopped, N%,
 * maxconn:N; '#' begins a text that goes to the end. Of several words of a kind the last counts.
 * Returns 0 or -EINVAL: a word that is none of these (@out->reason names it). Pure.
 */
int agent_check_parse(const char *line, size_t length, struct agent_report *out);

/**
 * agent_check_fn - a check has ended
 * @report: NULL: nobody answered in time, or not in the protocol; HAProxy keeps what it knew, and
 * so must the caller. @error says why ("connection refused"), "" where @report is given
 */
typedef void (*agent_check_fn)(void *arg, uint32_t token, const struct agent_report *report,
			       const char *error);

struct agent_checks *agent_checks_new(struct event_base *base, agent_check_fn on_report, void *arg);

/** agent_checks_set - check @token's agent at @address from now on; equal settings disturb nothing;
 * tokens with the same address and settings share one check. 0, -ENOMEM */
int agent_checks_set(struct agent_checks *checks, uint32_t token, const struct lb_addr *address,
		     const struct model_agent_check *settings);
void agent_checks_remove(struct agent_checks *checks, uint32_t token);

/** agent_checks_free - NULL is allowed */
void agent_checks_free(struct agent_checks *checks);

#endif
