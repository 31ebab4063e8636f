/* SPDX-License-Identifier: GPL-2.0-only */
#include "backend/load.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* fields of a "cpu" line, proc(5); guest time is part of user and nice time */
enum { USER, NICE, SYSTEM, IDLE, IOWAIT, IRQ, SOFTIRQ, STEAL, FIELDS };

int load_parse_stat(const char *text, struct load_reading *out)
{
	struct load_reading reading = {};
	unsigned long long field;
	char *end;

	if (strncmp(text, "cpu ", 4) != 0)
		return -EINVAL;
	text += 4;
	for (unsigned i = 0; i < FIELDS; i++) {
		field = strtoull(text, &end, 10);
		if (end == text)
			return -EINVAL;
		text = end;
		reading.offered += field;
		if (i != IDLE && i != IOWAIT)
			reading.used += field;
	}
	*out = reading;
	return 0;
}

/* Digits up to a blank or the end of the line. */
static int parse_number(const char *text, unsigned long long *out)
{
	unsigned long long number;
	char *end;

	if (*text < '0' || *text > '9')
		return -EINVAL;
	errno = 0;
	number = strtoull(text, &end, 10);
	if (errno || (*end && *end != ' ' && *end != '\n'))
		return -EINVAL;
	*out = number;
	return 0;
}

/* A limit below a thousandth of a CPU counts as that. */
static int set_limit(const char *quota, const char *period, unsigned *milli)
{
	unsigned long long quota_us, period_us, limit;

	if (parse_number(quota, &quota_us) || parse_number(period, &period_us) || !period_us ||
	    quota_us > UINT32_MAX)
		return -EINVAL;
	limit = quota_us * 1000 / period_us;
	*milli = limit ? (unsigned)limit : 1;
	return 0;
}

int load_parse_max(const char *text, unsigned *milli)
{
	const char *period = strchr(text, ' ');

	if (!period)
		return -EINVAL;
	if (strncmp(text, "max ", 4) == 0) {
		*milli = LOAD_UNLIMITED;
		return 0;
	}
	return set_limit(text, period + 1, milli);
}

int load_parse_quota(const char *quota, const char *period, unsigned *milli)
{
	if (strncmp(quota, "-1", 2) == 0) {
		*milli = LOAD_UNLIMITED;
		return 0;
	}
	return set_limit(quota, period, milli);
}

int load_parse_usage(const char *text, uint64_t *usage_us)
{
	static const char key[] = "usage_usec ";
	const char *line = strncmp(text, key, sizeof(key) - 1) == 0 ? text : NULL;
	unsigned long long number;

	if (!line) {
		line = strstr(text, "\nusage_usec ");
		line = line ? line + 1 : NULL;
	}
	if (!line || parse_number(line + sizeof(key) - 1, &number))
		return -EINVAL;
	*usage_us = number;
	return 0;
}

int load_parse_acct(const char *text, uint64_t *usage_us)
{
	unsigned long long number;

	if (parse_number(text, &number))
		return -EINVAL;
	*usage_us = number / 1000;
	return 0;
}

static const struct load_reading *last_of(const struct load_meter *meter)
{
	return &meter->ring[(meter->next + LOAD_READINGS - 1) % LOAD_READINGS];
}

void load_meter_add(struct load_meter *meter, const struct load_reading *reading)
{
	if (meter->count &&
	    (reading->used < last_of(meter)->used || reading->offered < last_of(meter)->offered))
		*meter = (struct load_meter) {};
	meter->ring[meter->next] = *reading;
	meter->next = (meter->next + 1) % LOAD_READINGS;
	if (meter->count < LOAD_READINGS)
		meter->count++;
}

bool load_meter_percent(const struct load_meter *meter, unsigned *percent)
{
	unsigned first = (meter->next + LOAD_READINGS - meter->count) % LOAD_READINGS;
	uint64_t used, offered;

	used = last_of(meter)->used - meter->ring[first].used;
	offered = last_of(meter)->offered - meter->ring[first].offered;
	if (!offered) /* one reading, or none */
		return false;
	*percent = used >= offered ? 100 : (unsigned)((used * 100 + offered / 2) / offered);
	return true;
}
