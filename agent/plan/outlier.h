/* SPDX-License-Identifier: GPL-2.0-only */
/* Passive detection: which backends do much worse than the others. Pure. */
#ifndef LEAT_PLAN_OUTLIER_H
#define LEAT_PLAN_OUTLIER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/config.h"

#define OUTLIER_BUCKETS 10 /* of a window */

/** struct outlier_counts - of one span of time */
struct outlier_counts {
	uint32_t good; /* handshakes and requests that went on */
	uint32_t bad;  /* that did not in time, were retransmitted twice, or were reset */
};

/** struct outlier - what is remembered of one backend; zero at start */
struct outlier {
	struct outlier_counts buckets[OUTLIER_BUCKETS];
	uint64_t bucket;	   /* number of the newest */
	unsigned ejections;	   /* in a row; falls by one for each eject_ms without */
	uint64_t ejected_until_ms; /* 0: not */
	uint64_t calm_since_ms;	   /* what the forgiving of ejections counts from; 0: unknown */
};

/** outlier_count - add to the window; @now_ms: any clock that only grows */
void outlier_count(struct outlier *o, const struct model_passive *settings,
		   struct outlier_counts more, uint64_t now_ms);

/** outlier_window - the sum over the window */
struct outlier_counts outlier_window(const struct outlier *o, const struct model_passive *settings,
				     uint64_t now_ms);

/** struct outlier_candidate - one backend of the service, for one judgement */
struct outlier_candidate {
	struct outlier *outlier;
	bool is_used;	 /* takes newcomers, or would if it were not ejected */
	bool is_ejected; /* out: from now on, or still */
	bool is_news;	 /* out: ejected by this call: probe it at once */
};

/**
 * outlier_judge - eject, and let back
 * Ejected: at least `minimum` in the window, `threshold_percent` of them bad, and a share of bad at
 * least twice that of all others together (trouble that all have is the clients' or the network's);
 * the worst first, at most `max_ejected_percent` of those used at a time, but one where there are
 * two or more, and never the last. For eject_ms x ejections in a row (up to 10), or until nobody
 * else is used; then its window begins anew. Others are those that are used and not ejected.
 */
void outlier_judge(struct outlier_candidate *candidates, size_t n,
		   const struct model_passive *settings, uint64_t now_ms);

/** enum sample_verdict - what an entry of lb_samples says by now */
enum sample_verdict { SAMPLE_OPEN, SAMPLE_BAD };

/**
 * sample_judge - a SYN or request that waits
 * @state, @retransmits: as in struct lb_sample; @age_ms: since it was sent
 * Bad: older than @timeout_ms, or retransmitted twice and older than 500 ms.
 */
enum sample_verdict sample_judge(unsigned state, unsigned retransmits, uint64_t age_ms,
				 unsigned timeout_ms);

/**
 * sample_counts - what samples have shown since @was, and @failed of them judged bad
 * Good: requests answered, and handshakes that went on without a request so far. A handshake alone
 * says little of a server: its kernel completes it for one that hangs, so where requests followed
 * they decide. Bad: failed and reset ones.
 */
struct outlier_counts sample_counts(const struct lb_load *was, const struct lb_load *now,
				    uint32_t failed);

#endif
