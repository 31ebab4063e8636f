/* SPDX-License-Identifier: GPL-2.0-only */
/* Every key of lb.yaml, one row each. */
#ifndef LEAT_CONFIG_SCHEMA_H
#define LEAT_CONFIG_SCHEMA_H

#include "config/keys.h"

/* Indices of the rows, and of the marks that keys_read makes. */
enum { TOP_INTERFACES, TOP_LIMITS, TOP_TIMERS, TOP_HASH_KEY, TOP_SERVICES };

enum { INTERFACE_NAME, INTERFACE_MODE };

enum { LIMITS_MAX_FLOWS, LIMITS_MAX_SLOTS };

enum { TIMERS_WARM_UP, TIMERS_HANDSHAKE };

enum {
	SERVICE_NAME,
	SERVICE_VIP,
	SERVICE_PROTOCOL,
	SERVICE_SCHEDULER,
	SERVICE_FORWARD,
	SERVICE_TRACK,
	SERVICE_TABLE_SIZE,
	SERVICE_IDLE_TIMEOUT,
	SERVICE_DRAIN_TIMEOUT,
	SERVICE_INIT,
	SERVICE_VIP_ADDRESS,
	SERVICE_HEALTH,
	SERVICE_BACKENDS,
};

enum {
	HEALTH_TYPE,
	HEALTH_INTERVAL,
	HEALTH_TIMEOUT,
	HEALTH_RISE,
	HEALTH_FALL,
	HEALTH_JITTER,
	HEALTH_PORT,
	HEALTH_METHOD,
	HEALTH_PATH,
	HEALTH_HOST,
	HEALTH_EXPECT,
	HEALTH_BODY,
};

enum { BACKEND_NAME, BACKEND_ADDRESS, BACKEND_WEIGHT, BACKEND_DRAIN };

/* The defaults that depend on the protocol, or on another key. */
#define DEFAULT_IDLE_TIMEOUT_TCP_MS (15 * 60 * 1000)
#define DEFAULT_IDLE_TIMEOUT_UDP_MS (60 * 1000)
#define DEFAULT_PROBE_TIMEOUT_MS    1000 /* the interval, where that is shorter */

extern const struct config_table schema_top;
extern const struct config_table schema_interface;
extern const struct config_table schema_limits;
extern const struct config_table schema_timers;
extern const struct config_table schema_service;
extern const struct config_table schema_health;
extern const struct config_table schema_backend;

#endif
