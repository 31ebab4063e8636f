/* SPDX-License-Identifier: GPL-2.0-only */
/* The sections of a service that say how weights come about. */
#include "config/balance.h"
#include "config/row.h"
#include "config/schema.h"
#include "config/sections.h"
#include "config/values.h"

static const struct config_word panic_words[] = {
	{ "open", PANIC_OPEN, false },
	{ "closed", PANIC_CLOSED, false },
	{},
};

#define WHAT_schema_quic "quic"
static const struct config_key quic_keys[] = {
	[QUIC_CONFIG] = { "config", &value_number, FIELD(model_quic, config), .min = 0, .max = 6,
			  .preset = "0",
			  .help = "the three bits that begin the backends' connection ids; 7 would "
				  "say that there is no server id" },
	[QUIC_SERVER_ID_LENGTH] = { "server_id_length", &value_number,
				    FIELD(model_quic, server_id_length), .min = 1, .max = 8,
				    .preset = "2", .help = "bytes, behind the first one" },
};
TABLE(schema_quic, quic_keys);

#define WHAT_schema_response "response"
static const struct config_key response_keys[] = {
	[RESPONSE_DECAY] = { "decay", &value_decimal, FIELD(model_response, decay_permille),
			     .min = 10, .max = 1000, .preset = "0.3",
			     .help = "share of the newest measurement in the moving average; the "
				     "rest is the average so far" },
	[RESPONSE_WINDOW] = { "window", &value_duration, FIELD(model_response, window_ms),
			      .min = SECOND, .max = HOUR, .preset = "30s",
			      .help = "a backend that was not timed for longer counts as unknown" },
	[RESPONSE_EXPLORE] = { "explore", &value_percent, FIELD(model_response, explore_percent),
			       .min = 0, .max = 90, .preset = "20%",
			       .help = "how much cheaper than the best a backend without any "
				       "sample looks, so that it is tried" },
};
TABLE(schema_response, response_keys);

#define WHAT_schema_adaptive "adaptive"
static const struct config_key adaptive_keys[] = {
	[ADAPTIVE_TARGET] = { "target", &value_percent, FIELD(model_adaptive, target_percent),
			      .min = 1, .max = 100, .preset = "70%",
			      .help = "the load that is aimed at; the load is 100% less what the "
				      "agent check says" },
	[ADAPTIVE_KP] = { "kp", &value_decimal, FIELD(model_adaptive, kp_milli), .min = 0,
			  .max = 10000, .preset = "0.5",
			  .help = "gain of the difference between target and load" },
	[ADAPTIVE_KI] = { "ki", &value_decimal, FIELD(model_adaptive, ki_milli), .min = 0,
			  .max = 10000, .preset = "0.1",
			  .help = "gain of its sum over time, per second" },
	[ADAPTIVE_KD] = { "kd", &value_decimal, FIELD(model_adaptive, kd_milli), .min = 0,
			  .max = 10000, .preset = "0.05",
			  .help = "gain of its change, in seconds" },
	[ADAPTIVE_MINIMUM] = { "minimum", &value_percent, FIELD(model_adaptive, minimum_percent),
			       .min = 1, .max = 100, .preset = "10%",
			       .help = "of the configured weight; never less" },
	[ADAPTIVE_MAXIMUM] = { "maximum", &value_percent, FIELD(model_adaptive, maximum_percent),
			       .min = 100, .max = 1000, .preset = "200%",
			       .help = "of the configured weight; never more" },
	[ADAPTIVE_STEP] = { "step", &value_percent, FIELD(model_adaptive, step_percent), .min = 1,
			    .max = 100, .preset = "10%",
			    .help = "of the configured weight; most that one interval changes" },
	[ADAPTIVE_INTERVAL] = { "interval", &value_duration, FIELD(model_adaptive, interval_ms),
				.min = 100, .max = HOUR, .preset = "1s",
				.help = "from one step of the controller to the next" },
};
TABLE(schema_adaptive, adaptive_keys);

#define WHAT_schema_churn "churn"
static const struct config_key churn_keys[] = {
	[CHURN_MAX_MOVES] = { "max_moves", &value_permille, FIELD(model_churn, max_moves_permille),
			      .min = 1, .max = 1000, .preset = "5%",
			      .help = "share of the slots that may move in one interval; 100%: no "
				      "bound; slots of a backend that is gone always move at "
				      "once" },
	[CHURN_INTERVAL] = { "interval", &value_duration, FIELD(model_churn, interval_ms),
			     .min = 100, .max = HOUR, .preset = "1s",
			     .help = "that `max_moves` is per" },
	[CHURN_HYSTERESIS] = { "hysteresis", &value_percent, FIELD(model_churn, hysteresis_percent),
			       .min = 0, .max = 50, .preset = "5%",
			       .help = "while no backend's share changes by more than this part of "
				       "itself, the table stays" },
};
TABLE(schema_churn, churn_keys);

#define WHAT_schema_slow_start "slow_start"
static const struct config_key slow_start_keys[] = {
	[SLOW_START_DURATION] = { "duration", &value_duration, FIELD(model_ramp, duration_ms),
				  .min = SECOND, .max = HOUR, .is_required = true,
				  .example = "duration: 30s",
				  .help = "until it has its whole share" },
	[SLOW_START_MINIMUM] = { "minimum", &value_percent, FIELD(model_ramp, minimum_percent),
				 .min = 1, .max = 100, .preset = "10%",
				 .help = "share of its weight that it begins with" },
	[SLOW_START_CURVE] = { "curve", &value_decimal, FIELD(model_ramp, curve_milli), .min = 100,
			       .max = 10000, .preset = "1",
			       .help = "1 is a straight line, more rises sooner, less rises later: "
				       "share = (time / duration) ^ (1 / curve)" },
};
TABLE(schema_slow_start, slow_start_keys);

#define WHAT_schema_panic "panic"
static const struct config_key panic_keys[] = {
	[PANIC_THRESHOLD] = { "threshold", &value_percent, FIELD(model_panic, threshold_percent),
			      .min = 0, .max = 100, .preset = "0%",
			      .help = "share of the weight, backup groups apart, below which too "
				      "few "
				      "are healthy; 0%: never" },
	[PANIC_MODE] = { "mode", &value_word, FIELD(model_panic, mode), .words = panic_words,
			 .preset = "open",
			 .help = "open: all backends are used, healthy or not; closed: none takes "
				 "new connections" },
};
TABLE(schema_panic, panic_keys, .finish = balance_finish_panic);

#define WHAT_schema_agent_check "agent_check"
static const struct config_key agent_check_keys[] = {
	[AGENT_CHECK_PORT] = { "port", &value_number, FIELD(model_agent_check, port), .min = 1,
			       .max = 65535, .is_required = true, .example = "port: 8081",
			       .help = "TCP port of the backend that its agent listens on" },
	[AGENT_CHECK_INTERVAL] = { "interval", &value_duration,
				   FIELD(model_agent_check, interval_ms), .min = 50, .max = HOUR,
				   .preset = "2s",
				   .help = "from the start of one check to the start of the next" },
	[AGENT_CHECK_TIMEOUT] = { "timeout", &value_duration, FIELD(model_agent_check, timeout_ms),
				  .min = 10, .max = HOUR,
				  .preset_words = "1s, or the interval where that is shorter",
				  .help = "an agent that takes longer has said nothing; at most "
					  "the "
					  "interval" },
};
TABLE(schema_agent_check, agent_check_keys, .finish = balance_finish_agent_check);

#define WHAT_schema_passive "passive"
static const struct config_key passive_keys[] = {
	[PASSIVE_SAMPLE] = { "sample", &value_number, FIELD(model_passive, sample), .min = 1,
			     .max = 4096, .preset = "64",
			     .help = "one connection in so many is followed; a power of two" },
	[PASSIVE_TIMEOUT] = { "timeout", &value_duration, FIELD(model_passive, timeout_ms),
			      .min = 100, .max = MINUTE, .preset = "3s",
			      .help = "a handshake or request without progress for longer has "
				      "failed" },
	[PASSIVE_WINDOW] = { "window", &value_duration, FIELD(model_passive, window_ms),
			     .min = SECOND, .max = HOUR, .preset = "10s",
			     .help = "what is older is not looked at" },
	[PASSIVE_MINIMUM] = { "minimum", &value_number, FIELD(model_passive, minimum), .min = 1,
			      .max = 10000, .preset = "5",
			      .help = "samples within the window that it takes to judge a "
				      "backend" },
	[PASSIVE_THRESHOLD] = { "threshold", &value_percent,
				FIELD(model_passive, threshold_percent), .min = 1, .max = 100,
				.preset = "50%",
				.help = "share of these that failed, from which on a backend is "
					"ejected" },
	[PASSIVE_MAX_EJECTED] = { "max_ejected", &value_percent,
				  FIELD(model_passive, max_ejected_percent), .min = 1, .max = 100,
				  .preset = "30%",
				  .help = "share of the backends that may be ejected at a time; "
					  "one "
					  "may always, where there are two" },
	[PASSIVE_EJECT] = { "eject", &value_duration, FIELD(model_passive, eject_ms), .min = SECOND,
			    .max = HOUR, .preset = "30s",
			    .help = "for how long, times the ejections in a row, up to 10" },
};
TABLE(schema_passive, passive_keys, .finish = balance_finish_passive);
