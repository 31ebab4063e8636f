/* SPDX-License-Identifier: GPL-2.0-only */
/* Every key of lb.yaml, one row each: schema.c, schema_balance.c, schema_health.c. */
#ifndef LEAT_CONFIG_SCHEMA_H
#define LEAT_CONFIG_SCHEMA_H

#include "config/keys.h"

/* Indices of the rows, and of the marks that keys_read makes. */
enum { TOP_INTERFACES, TOP_LIMITS, TOP_TIMERS, TOP_HASH_KEY, TOP_SERVICES };

enum { INTERFACE_NAME, INTERFACE_MODE };

enum { LIMITS_MAX_FLOWS, LIMITS_MAX_SLOTS, LIMITS_MAX_AFFINITIES };

enum { TIMERS_WARM_UP, TIMERS_HANDSHAKE };

enum {
	SERVICE_NAME,
	SERVICE_VIP,
	SERVICE_PROTOCOL,
	SERVICE_SCHEDULER,
	SERVICE_HASH,
	SERVICE_QUIC,
	SERVICE_SOURCE_PREFIX6,
	SERVICE_DRAWS,
	SERVICE_AFFINITY,
	SERVICE_RESPONSE,
	SERVICE_WEIGHTS,
	SERVICE_ADAPTIVE,
	SERVICE_CHURN,
	SERVICE_SLOW_START,
	SERVICE_PANIC,
	SERVICE_SPILL_BELOW,
	SERVICE_AGENT_CHECK,
	SERVICE_PASSIVE,
	SERVICE_FORWARD,
	SERVICE_TRACK,
	SERVICE_TABLE_SIZE,
	SERVICE_IDLE_TIMEOUT,
	SERVICE_DRAIN_TIMEOUT,
	SERVICE_INIT,
	SERVICE_VIP_ADDRESS,
	SERVICE_HEALTH,
	SERVICE_GROUPS,
	SERVICE_BACKENDS,
};

enum {
	HEALTH_TYPE,
	HEALTH_VIA,
	HEALTH_INTERVAL,
	HEALTH_FAST_INTERVAL,
	HEALTH_TIMEOUT,
	HEALTH_RISE,
	HEALTH_FALL,
	HEALTH_JITTER,
	HEALTH_BACKOFF,
	HEALTH_DAMPING,
	HEALTH_PORT,
	HEALTH_METHOD,
	HEALTH_PATH,
	HEALTH_HOST,
	HEALTH_EXPECT_STATUS, /* `expect` of http and https */
	HEALTH_EXPECT,	      /* `expect` of udp */
	HEALTH_BODY,
	HEALTH_TLS,
	HEALTH_SERVICE,
	HEALTH_SEND,
	HEALTH_QUERY,
	HEALTH_QUERY_TYPE,
	HEALTH_RCODES,
	HEALTH_COMMAND,
};

enum { DAMPING_CHANGES, DAMPING_WINDOW, DAMPING_HOLD };

enum { TLS_VERIFY, TLS_CA, TLS_SNI, TLS_CERT, TLS_KEY };

enum { QUIC_CONFIG, QUIC_SERVER_ID_LENGTH };

enum { RESPONSE_DECAY, RESPONSE_WINDOW, RESPONSE_EXPLORE };

enum {
	ADAPTIVE_TARGET,
	ADAPTIVE_KP,
	ADAPTIVE_KI,
	ADAPTIVE_KD,
	ADAPTIVE_MINIMUM,
	ADAPTIVE_MAXIMUM,
	ADAPTIVE_STEP,
	ADAPTIVE_INTERVAL,
};

enum { CHURN_MAX_MOVES, CHURN_INTERVAL, CHURN_HYSTERESIS };

enum { SLOW_START_DURATION, SLOW_START_MINIMUM, SLOW_START_CURVE };

enum { PANIC_THRESHOLD, PANIC_MODE };

enum { AGENT_CHECK_PORT, AGENT_CHECK_INTERVAL, AGENT_CHECK_TIMEOUT };

enum {
	PASSIVE_SAMPLE,
	PASSIVE_TIMEOUT,
	PASSIVE_WINDOW,
	PASSIVE_MINIMUM,
	PASSIVE_THRESHOLD,
	PASSIVE_MAX_EJECTED,
	PASSIVE_EJECT,
};

enum { GROUP_NAME, GROUP_PRIORITY, GROUP_WEIGHT, GROUP_BACKUP };

enum {
	BACKEND_NAME,
	BACKEND_ADDRESS,
	BACKEND_WEIGHT,
	BACKEND_DRAIN,
	BACKEND_GROUP,
	BACKEND_SERVER_ID
};

/* The defaults that depend on the protocol, or on another key; and limits that messages name. */
#define DEFAULT_IDLE_TIMEOUT_TCP_MS (15 * 60 * 1000)
#define DEFAULT_IDLE_TIMEOUT_UDP_MS (60 * 1000)
#define DEFAULT_PROBE_TIMEOUT_MS    1000 /* the interval, where that is shorter */

extern const struct config_table schema_top;
extern const struct config_table schema_interface;
extern const struct config_table schema_limits;
extern const struct config_table schema_timers;
extern const struct config_table schema_service;
extern const struct config_table schema_health;
extern const struct config_table schema_damping;
extern const struct config_table schema_tls;
extern const struct config_table schema_quic;
extern const struct config_table schema_response;
extern const struct config_table schema_adaptive;
extern const struct config_table schema_churn;
extern const struct config_table schema_slow_start;
extern const struct config_table schema_panic;
extern const struct config_table schema_agent_check;
extern const struct config_table schema_passive;
extern const struct config_table schema_group;
extern const struct config_table schema_backend;

#endif
