/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The words of an agent check. There are two kinds of state: what the operator wants (ready, drain,
 * maint) and what the service is (up, down, stopped, failed). A line may say both, in any order:
 * "drain 40% up" drains. HAProxy goes on draining after a later "up" until it hears "ready"; here
 * each line that names a state names the whole of it.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "health/agent_check.h"

#define PERCENT_MAX 1000

enum word_kind { WORD_WANTED, WORD_OBSERVED };

static const struct {
	const char *word;
	enum word_kind kind;
	enum model_agent_state state;
} words[] = {
	{ "ready", WORD_WANTED, AGENT_UP },	  { "drain", WORD_WANTED, AGENT_DRAIN },
	{ "maint", WORD_WANTED, AGENT_MAINT },	  { "up", WORD_OBSERVED, AGENT_UP },
	{ "down", WORD_OBSERVED, AGENT_DOWN },	  { "fail", WORD_OBSERVED, AGENT_DOWN },
	{ "failed", WORD_OBSERVED, AGENT_DOWN },  { "stop", WORD_OBSERVED, AGENT_DOWN },
	{ "stopped", WORD_OBSERVED, AGENT_DOWN },
};

/** struct states - the last word of each kind */
struct states {
	enum model_agent_state of[WORD_OBSERVED + 1];
};

/* Not isspace() and the like: a line means the same in every locale. */
static bool is_separator(char c)
{
	return c == ' ' || c == '\t' || c == ',';
}

static bool is_end(char c)
{
	return c == '\r' || c == '\n' || c == '\0';
}

static bool word_is(const char *word, size_t length, const char *known)
{
	return strlen(known) == length && strncasecmp(word, known, length) == 0;
}

/* Digits alone; what is too large is no number either. */
static bool parse_number(const char *text, size_t length, unsigned max, unsigned *out)
{
	unsigned value = 0;

	if (!length)
		return false;
	for (size_t i = 0; i < length; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		value = value * 10 + (unsigned)(text[i] - '0');
		if (value > max)
			return false;
	}
	*out = value;
	return true;
}

static bool take_state(const char *word, size_t length, struct states *states)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (!word_is(word, length, words[i].word))
			continue;
		states->of[words[i].kind] = words[i].state;
		return true;
	}
	return false;
}

static bool take_number(const char *word, size_t length, struct agent_report *report)
{
	static const char maxconn[] = "maxconn:";
	const size_t prefix = sizeof(maxconn) - 1;
	unsigned ignored;

	if (word[length - 1] == '%') {
		if (!parse_number(word, length - 1, PERCENT_MAX, &report->percent))
			return false;
		report->has_percent = true;
		return true;
	}
	if (length <= prefix || !word_is(word, prefix, maxconn) ||
	    !parse_number(word + prefix, length - prefix, 100000000, &ignored))
		return false;
	report->has_maxconn = true;
	return true;
}

/* The text goes to logs and JSON: one line, printable, ASCII. */
static void set_reason(struct agent_report *report, const char *before, const char *text,
		       size_t length)
{
	size_t used = (size_t)snprintf(report->reason, sizeof(report->reason), "%s", before);

	for (size_t i = 0; i < length && used < sizeof(report->reason) - 1; i++) {
		bool is_printable = text[i] >= ' ' && text[i] <= '~';

		report->reason[used++] = is_printable ? text[i] : '?';
	}
	report->reason[used] = '\0';
}

static void set_description(struct agent_report *report, const char *text, size_t length)
{
	while (length && is_separator(*text)) {
		text++;
		length--;
	}
	while (length && is_separator(text[length - 1]))
		length--;
	set_reason(report, "", text, length);
}

/* An operator's maint beats all; what is down need not drain. */
static void set_state(struct agent_report *report, const struct states *states)
{
	enum model_agent_state wanted = states->of[WORD_WANTED];
	enum model_agent_state observed = states->of[WORD_OBSERVED];

	report->has_state = wanted != AGENT_STATE_NONE || observed != AGENT_STATE_NONE;
	if (!report->has_state)
		return;
	if (wanted == AGENT_MAINT || observed == AGENT_STATE_NONE)
		report->state = wanted;
	else if (observed == AGENT_DOWN || wanted == AGENT_STATE_NONE)
		report->state = observed;
	else
		report->state = wanted;
}

static int refuse(struct agent_report *out, const char *before, const char *word, size_t length)
{
	*out = (struct agent_report) {};
	set_reason(out, before, word, length);
	return -EINVAL;
}

int agent_check_parse(const char *line, size_t length, struct agent_report *out)
{
	struct agent_report report = {};
	struct states states = {};
	size_t end = 0, at = 0;

	while (end < length && !is_end(line[end]))
		end++;
	while (at < end && line[at] != '#') {
		size_t word = at;

		while (at < end && !is_separator(line[at]) && line[at] != '#')
			at++;
		if (at == word)
			at++;
		else if (!take_state(line + word, at - word, &states) &&
			 !take_number(line + word, at - word, &report))
			return refuse(out, "unknown word ", line + word, at - word);
	}
	set_state(&report, &states);
	if (!report.has_state && !report.has_percent && !report.has_maxconn)
		return refuse(out, "a line without a word", "", 0);
	if (at < end)
		set_description(&report, line + at + 1, end - at - 1);
	*out = report;
	return 0;
}
