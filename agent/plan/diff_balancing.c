/* SPDX-License-Identifier: GPL-2.0-only */
#include <stdio.h>
#include <string.h>

#include "plan/diff_parts.h"

static const struct changes_nature plain_change = { .kind = DIFF_CHANGED };

/* ---- settings ------------------------------------------------------------------ */

enum unit {
	UNIT_NUMBER,
	UNIT_PORT,     /* 0: none */
	UNIT_PERCENT,  /* 70: 70% */
	UNIT_PERMILLE, /* 55: 5.5% */
	UNIT_MILLI,    /* 300: 0.3 */
	UNIT_DURATION, /* ms; 0: none */
};

/* Numbers of a service that may change at any time: where they are, and how the file says them. */
struct setting {
	const char *name;
	size_t offset;
	enum unit unit;
};

#define SETTING(name, field, unit)                                                                 \
	{                                                                                          \
		name, offsetof(struct model_service, field), unit                                  \
	}

static const struct setting settings[] = {
	SETTING("draws", draws, UNIT_NUMBER),
	SETTING("affinity", affinity_ms, UNIT_DURATION),
	SETTING("response.decay", response.decay_permille, UNIT_MILLI),
	SETTING("response.window", response.window_ms, UNIT_DURATION),
	SETTING("response.explore", response.explore_percent, UNIT_PERCENT),
	SETTING("adaptive.target", adaptive.target_percent, UNIT_PERCENT),
	SETTING("adaptive.kp", adaptive.kp_milli, UNIT_MILLI),
	SETTING("adaptive.ki", adaptive.ki_milli, UNIT_MILLI),
	SETTING("adaptive.kd", adaptive.kd_milli, UNIT_MILLI),
	SETTING("adaptive.minimum", adaptive.minimum_percent, UNIT_PERCENT),
	SETTING("adaptive.maximum", adaptive.maximum_percent, UNIT_PERCENT),
	SETTING("adaptive.step", adaptive.step_percent, UNIT_PERCENT),
	SETTING("adaptive.interval", adaptive.interval_ms, UNIT_DURATION),
	SETTING("churn.max_moves", churn.max_moves_permille, UNIT_PERMILLE),
	SETTING("churn.interval", churn.interval_ms, UNIT_DURATION),
	SETTING("churn.hysteresis", churn.hysteresis_percent, UNIT_PERCENT),
	SETTING("slow_start", slow_start.duration_ms, UNIT_DURATION),
	SETTING("slow_start.minimum", slow_start.minimum_percent, UNIT_PERCENT),
	SETTING("slow_start.curve", slow_start.curve_milli, UNIT_MILLI),
	SETTING("panic.threshold", panic.threshold_percent, UNIT_PERCENT),
	SETTING("spill_below", spill_percent, UNIT_PERCENT),
	SETTING("agent_check.port", agent_check.port, UNIT_PORT),
	SETTING("agent_check.interval", agent_check.interval_ms, UNIT_DURATION),
	SETTING("agent_check.timeout", agent_check.timeout_ms, UNIT_DURATION),
	SETTING("passive.sample", passive.sample, UNIT_NUMBER),
	SETTING("passive.timeout", passive.timeout_ms, UNIT_DURATION),
	SETTING("passive.window", passive.window_ms, UNIT_DURATION),
	SETTING("passive.minimum", passive.minimum, UNIT_NUMBER),
	SETTING("passive.threshold", passive.threshold_percent, UNIT_PERCENT),
	SETTING("passive.max_ejected", passive.max_ejected_percent, UNIT_PERCENT),
	SETTING("passive.eject", passive.eject_ms, UNIT_DURATION),
};

/* @value / @whole as a decimal number without needless digits; @whole is a power of ten */
static int format_decimal(unsigned value, unsigned whole, char *buf, size_t size)
{
	int digits = 0;

	while (value % whole == 0 ? 0 : value % 10 == 0) {
		value /= 10;
		whole /= 10;
	}
	for (unsigned power = whole; value % whole && power > 1; power /= 10)
		digits++;
	if (!digits)
		return snprintf(buf, size, "%u", value / whole);
	return snprintf(buf, size, "%u.%0*u", value / whole, digits, value % whole);
}

static const char *format_setting(unsigned value, enum unit unit, char *buf)
{
	const size_t size = CHANGES_DURATION_LEN;
	int length;

	switch (unit) {
	case UNIT_DURATION:
		return changes_format_duration(value, buf);
	case UNIT_MILLI:
		format_decimal(value, 1000, buf, size);
		return buf;
	case UNIT_PERMILLE:
		length = format_decimal(value, 10, buf, size);
		snprintf(buf + length, size - length, "%%");
		return buf;
	case UNIT_PERCENT:
		snprintf(buf, size, "%u%%", value);
		return buf;
	case UNIT_PORT:
		if (!value)
			return "none";
		break;
	case UNIT_NUMBER:
		break;
	}
	snprintf(buf, size, "%u", value);
	return buf;
}

static unsigned value_of(const struct model_service *service, const struct setting *setting)
{
	unsigned value;

	memcpy(&value, (const char *)service + setting->offset, sizeof(value));
	return value;
}

static const char *panic_mode_name(const struct model_panic *panic)
{
	return panic->mode == PANIC_OPEN ? "open" : "closed";
}

void diff_balancing(struct changes *c, const struct model_service *from,
		    const struct model_service *to)
{
	char old[CHANGES_DURATION_LEN], new[CHANGES_DURATION_LEN];

	changes_add_text(c, plain_change, "weights", from->is_adaptive ? "adaptive" : "static",
			 to->is_adaptive ? "adaptive" : "static");
	changes_add_text(c, plain_change, "passive", from->passive.is_on ? "on" : "off",
			 to->passive.is_on ? "on" : "off");
	changes_add_text(c, plain_change, "panic.mode", panic_mode_name(&from->panic),
			 panic_mode_name(&to->panic));
	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
		const struct setting *s = &settings[i];

		changes_add_text(c, plain_change, s->name,
				 format_setting(value_of(from, s), s->unit, old),
				 format_setting(value_of(to, s), s->unit, new));
	}
}

/* ---- groups -------------------------------------------------------------------- */

static const struct model_group *find_group(const struct model_service *service, const char *name)
{
	for (size_t i = 0; i < service->group_count; i++) {
		if (strcmp(service->groups[i].name, name) == 0)
			return &service->groups[i];
	}
	return NULL;
}

static const char *format_weight(const struct model_group *group, char *buf)
{
	if (!group->weight)
		return "of its backends";
	return format_setting(group->weight, UNIT_NUMBER, buf);
}

static void diff_group(struct changes *c, const struct model_group *from,
		       const struct model_group *to)
{
	struct changes_nature shares = { .kind = DIFF_CHANGED, .changes_slots = true };
	char old[CHANGES_DURATION_LEN], new[CHANGES_DURATION_LEN];

	changes_add_number(c, shares, "priority", from->priority, to->priority);
	changes_add_text(c, shares, "weight", format_weight(from, old), format_weight(to, new));
	changes_add_text(c, shares, "backup", from->is_backup ? "true" : "false",
			 to->is_backup ? "true" : "false");
}

void diff_groups(struct changes *c, const struct model_service *running,
		 const struct model_service *next)
{
	struct changes_nature removed = { .kind = DIFF_REMOVED, .changes_slots = true };
	struct changes_nature added = { .kind = DIFF_ADDED, .changes_slots = true };
	char weight[CHANGES_DURATION_LEN];

	for (size_t i = 0; i < running->group_count; i++) {
		changes_set_object(c, "group %s/%s", next->name, running->groups[i].name);
		if (!find_group(next, running->groups[i].name))
			changes_add(c, removed, "%s", "");
	}
	for (size_t i = 0; i < next->group_count; i++) {
		const struct model_group *to = &next->groups[i];
		const struct model_group *from = find_group(running, to->name);

		changes_set_object(c, "group %s/%s", next->name, to->name);
		if (from)
			diff_group(c, from, to);
		else
			changes_add(c, added, "priority %u, weight %s%s", to->priority,
				    format_weight(to, weight), to->is_backup ? ", backup" : "");
	}
}

const char *diff_group_name(const struct model_service *service,
			    const struct model_backend *backend)
{
	return backend->group < service->group_count ? service->groups[backend->group].name
						     : "none";
}
