/* SPDX-License-Identifier: GPL-2.0-only */
/* Command lines against a real API on a unix socket, whose agent gives canned replies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "api/api.h"
#include "cli/cli.h"
#include "loop_thread.h"
#include "model/addr.h"

#define MAX_WORDS 12

static const struct cli_verb *const verbs[] = {
	&cli_run_verb,	   &cli_check_verb, &cli_reload_verb,  &cli_status_verb,  &cli_metrics_verb,
	&cli_explain_verb, &cli_stop_verb,  &cli_backend_verb, &cli_version_verb, NULL,
};

struct fixture {
	char directory[64];
	char socket[100];
	char pins[100];
	struct loop_thread loop;
	struct api *api;
	/* the agent's next reply, and what it was asked */
	const char *reply;
	int reply_status;
	bool is_dry_run, is_forced, is_detaching;
	struct api_explain_query query;
	/* of the last command */
	int exit_status;
	char *out;
	char *err;
};

/* ---- the agent ----------------------------------------------------------- */

static json_t *agent_reply(const struct fixture *f, int *status)
{
	*status = f->reply_status;
	return json_loads(f->reply, 0, NULL);
}

static json_t *agent_plain(void *arg, int *status)
{
	return agent_reply(arg, status);
}

static json_t *agent_reload(void *arg, bool is_dry_run, bool is_forced, int *status)
{
	struct fixture *f = arg;

	f->is_dry_run = is_dry_run;
	f->is_forced = is_forced;
	return agent_reply(f, status);
}

static json_t *agent_explain(void *arg, const struct api_explain_query *query, int *status)
{
	struct fixture *f = arg;

	f->query = *query;
	return agent_reply(f, status);
}

static json_t *agent_stop(void *arg, bool is_detaching, int *status)
{
	struct fixture *f = arg;

	f->is_detaching = is_detaching;
	return agent_reply(f, status);
}

static void agent_stop_replied(void *arg)
{
	struct fixture *f = arg;

	event_base_loopbreak(f->loop.base);
}

static void agent_listen(struct fixture *f)
{
	const struct api_ops ops = {
		.version = agent_plain,
		.status = agent_plain,
		.reload = agent_reload,
		.explain = agent_explain,
		.stop = agent_stop,
		.stop_replied = agent_stop_replied,
		.arg = f,
	};

	assert_int_equal(api_new(f->loop.base, f->socket, &ops, &f->api), 0);
}

/* ---- fixture ------------------------------------------------------------- */

static int setup_without_agent(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	signal(SIGPIPE, SIG_IGN);
	strcpy(f->directory, "/tmp/leat-cli-XXXXXX");
	assert_non_null(mkdtemp(f->directory));
	snprintf(f->socket, sizeof(f->socket), "%s/leat.sock", f->directory);
	snprintf(f->pins, sizeof(f->pins), "%s/pins", f->directory);
	f->reply = "{}";
	f->reply_status = 200;
	loop_thread_open(&f->loop);
	*state = f;
	return 0;
}

static int teardown_without_agent(void **state)
{
	struct fixture *f = *state;
	char command[128];

	api_free(f->api);
	loop_thread_close(&f->loop);
	snprintf(command, sizeof(command), "rm -r %s", f->directory);
	assert_int_equal(system(command), 0);
	free(f->out);
	free(f->err);
	free(f);
	return 0;
}

static int setup_agent(void **state)
{
	struct fixture *f;

	setup_without_agent(state);
	f = *state;
	agent_listen(f);
	loop_thread_run(&f->loop);
	return 0;
}

static int teardown_agent(void **state)
{
	struct fixture *f = *state;

	loop_thread_halt(&f->loop);
	return teardown_without_agent(state);
}

/* @line: words separated by single spaces; @ stands for the socket, % for the pin directory */
static void leat(struct fixture *f, const char *line)
{
	char copy[256], *argv[MAX_WORDS + 1] = {};
	FILE *out, *err;
	size_t size;
	int argc = 0;

	free(f->out);
	free(f->err);
	snprintf(copy, sizeof(copy), "%s", line);
	for (char *word = strtok(copy, " "); word && argc < MAX_WORDS; word = strtok(NULL, " ")) {
		if (strcmp(word, "@") == 0)
			word = f->socket;
		if (strcmp(word, "%") == 0)
			word = f->pins;
		argv[argc++] = word;
	}
	out = open_memstream(&f->out, &size);
	err = open_memstream(&f->err, &size);
	f->exit_status = cli_main(verbs, argc, argv, out, err);
	fclose(out);
	fclose(err);
}

static void assert_contains(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("no \"%s\" in: %s", part, text);
}

/* ---- which verb, which options ------------------------------------------- */

static void test_cli_without_a_verb_is_a_usage_error(void **state)
{
	struct fixture *f = *state;

	leat(f, "leat");

	assert_int_equal(f->exit_status, 2);
	assert_contains(f->err, "usage: leat COMMAND");
	assert_string_equal(f->out, "");
}

static void test_cli_help_lists_every_verb(void **state)
{
	static const char *const lines[] = { "leat --help", "leat -h", "leat help" };
	struct fixture *f = *state;

	for (size_t i = 0; i < 3; i++) {
		leat(f, lines[i]);

		assert_int_equal(f->exit_status, 0);
		for (const struct cli_verb *const *verb = verbs; *verb; verb++)
			assert_contains(f->out, (*verb)->summary);
	}
}

static void test_cli_help_of_a_verb_has_every_part(void **state)
{
	struct fixture *f = *state;
	char line[64], usage[64];

	for (const struct cli_verb *const *verb = verbs; *verb; verb++) {
		snprintf(usage, sizeof(usage), "usage: leat %s [OPTIONS]", (*verb)->name);
		snprintf(line, sizeof(line), "leat %s --help", (*verb)->name);

		leat(f, line);

		assert_int_equal(f->exit_status, 0);
		assert_contains(f->out, usage);
		assert_contains(f->out, "\nOptions:\n");
		assert_contains(f->out, "--help");
		assert_contains(f->out, "\nExit status:\n  0  ");
		assert_contains(f->out, "\nExample:\n  leat ");
		assert_string_equal(f->err, "");

		char *by_option = f->out;

		f->out = NULL;
		snprintf(line, sizeof(line), "leat help %s", (*verb)->name);
		leat(f, line);
		assert_string_equal(f->out, by_option);
		free(by_option);
	}
}

static void test_cli_wrong_command_line_says_what_is_right(void **state)
{
	static const struct {
		const char *line, *part;
	} cases[] = {
		{ "leat stauts", "unknown command \"stauts\": did you mean `leat status`?" },
		{ "leat rel", "did you mean `leat reload`?" },
		{ "leat frobnicate", "`leat help` lists" },
		{ "leat help stat", "did you mean `leat status`?" },
		{ "leat status --jsn", "unknown option \"--jsn\": did you mean --json?" },
		{ "leat status --dry-run", "`leat status --help` lists its options" },
		{ "leat reload --dryrun=1",
		  "unknown option \"--dryrun\": did you mean --dry-run?" },
		{ "leat reload --force=1", "--force takes no value" },
		{ "leat reload -x", "unknown option \"-x\"" },
		{ "leat status --socket", "--socket needs a value: --socket PATH" },
		{ "leat status -w", "--watch needs a value: --watch SECONDS" },
		{ "leat status --watch 0", "write whole seconds, 1 to 3600" },
		{ "leat status --watch 2s", "write whole seconds, 1 to 3600" },
		{ "leat status --watch -1", "write whole seconds, 1 to 3600" },
		{ "leat status web", "\"web\" is one operand too many" },
		{ "leat explain 192.0.2.7:1",
		  "usage: leat explain [OPTIONS] CLIENT:PORT VIP:PORT" },
		{ "leat explain a b c d", "\"d\" is one operand too many" },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		leat(f, cases[i].line);

		assert_int_equal(f->exit_status, 2);
		assert_contains(f->err, cases[i].part);
		assert_string_equal(f->out, "");
	}
}

/* ---- no agent ------------------------------------------------------------ */

static void test_cli_without_an_agent_every_verb_that_asks_says_so(void **state)
{
	static const char *const lines[] = {
		"leat status -s @ -p %", "leat metrics -s @",
		"leat reload -s @",	 "leat explain -s @ 192.0.2.7:1 198.51.100.10:80",
		"leat stop -s @",
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		leat(f, lines[i]);

		assert_int_equal(f->exit_status, 3);
		assert_contains(f->err, "leat: no agent answers on ");
		assert_contains(f->err, "is `leat run` running? (No such file or directory)\n");
		assert_string_equal(f->out, "");
	}
}

static void bind_socket(const struct fixture *f, int fd)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", f->socket);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 4), 0);
}

static void test_cli_socket_of_a_dead_agent_is_refused(void **state)
{
	struct fixture *f = *state;
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	bind_socket(f, fd);
	close(fd);

	leat(f, "leat reload -s @");

	assert_int_equal(f->exit_status, 3);
	assert_contains(f->err, "is `leat run` running? (Connection refused)\n");
}

static void test_cli_without_permission_names_root(void **state)
{
	struct fixture *f = *state;
	bool is_root = geteuid() == 0;
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	bind_socket(f, fd);
	assert_int_equal(chmod(f->socket, 0), 0);
	if (is_root)
		assert_int_equal(seteuid(65534), 0);

	leat(f, "leat status -s @ -p %");

	if (is_root)
		assert_int_equal(seteuid(0), 0);
	close(fd);
	assert_int_equal(f->exit_status, 3);
	assert_contains(f->err, "permission denied on ");
	assert_contains(f->err, "only root may talk to the agent");
}

static void *hang_up(void *arg)
{
	int fd = accept(*(int *)arg, NULL, NULL);
	char request[1024];

	assert_true(read(fd, request, sizeof(request)) > 0);
	close(fd);
	return NULL;
}

static void test_cli_something_that_is_no_agent_is_told_apart(void **state)
{
	struct fixture *f = *state;
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	pthread_t thread;

	bind_socket(f, fd);
	assert_int_equal(pthread_create(&thread, NULL, hang_up, &fd), 0);

	leat(f, "leat reload -s @");

	pthread_join(thread, NULL);
	close(fd);
	assert_int_equal(f->exit_status, 3);
	assert_contains(f->err, "is not a leat agent, or broke off");
}

/* ---- status -------------------------------------------------------------- */

static void pin(const struct fixture *f, const char *name)
{
	char path[200], *slash;
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", f->pins, name);
	for (slash = path + strlen(f->pins); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(path, 0700);
		*slash = '/';
	}
	file = fopen(path, "w");
	assert_non_null(file);
	fclose(file);
}

static void test_cli_status_of_an_orphaned_data_path_says_that_it_goes_on(void **state)
{
	struct fixture *f = *state;
	char expected[256];

	pin(f, "lb_slots");
	pin(f, "links/gw0:100");
	snprintf(expected, sizeof(expected),
		 "the agent is not running; the data path pinned at %s goes on forwarding on "
		 "gw0.100\n",
		 f->pins);

	leat(f, "leat status -s @ -p %");

	assert_int_equal(f->exit_status, 3);
	assert_contains(f->out, expected);
	assert_contains(f->err, "no agent answers");
}

static void test_cli_status_of_pinned_maps_alone_says_that_nothing_is_forwarded(void **state)
{
	struct fixture *f = *state;

	pin(f, "lb_slots");

	leat(f, "leat status -s @ -p %");

	assert_int_equal(f->exit_status, 3);
	assert_contains(f->out, "no interface is attached: nothing is forwarded\n");
}

static const char *json_out(const struct fixture *f, const char *name)
{
	static char text[256];
	json_t *body = json_loads(f->out, 0, NULL);
	const char *value = json_string_value(json_object_get(body, name));

	snprintf(text, sizeof(text), "%s", value ? value : "(absent)");
	json_decref(body);
	return text;
}

static void test_cli_status_json_without_an_agent_names_the_data_path(void **state)
{
	struct fixture *f = *state;

	leat(f, "leat status --json -s @ -p %");
	assert_int_equal(f->exit_status, 3);
	assert_string_equal(json_out(f, "data_path"), "absent");

	pin(f, "links/gw0");
	leat(f, "leat status --json -s @ -p %");
	assert_string_equal(json_out(f, "data_path"), "running");
	assert_contains(json_out(f, "error"), "no agent answers");
}

static void test_cli_status_prints_text_or_the_raw_json(void **state)
{
	struct fixture *f = *state;

	f->reply = "{\"version\":\"0.1.0\",\"config\":\"\\u001b[31mlb.yaml\"}";

	leat(f, "leat status -s @");
	assert_int_equal(f->exit_status, 0);
	assert_contains(f->out, "leat 0.1.0, pid 0, up ");
	assert_contains(f->out, ", ?[31mlb.yaml\n");

	leat(f, "leat status --json -s @");
	assert_int_equal(f->exit_status, 0);
	assert_string_equal(json_out(f, "config"), "\033[31mlb.yaml");
}

static void test_cli_metrics_prints_the_text_as_it_came(void **state)
{
	struct fixture *f = *state;

	f->reply = "{\"version\":\"0.1.0\",\"slot_writes\":12}";
	leat(f, "leat metrics -s @");

	assert_int_equal(f->exit_status, CLI_EXIT_OK);
	assert_contains(f->out, "# TYPE leat_slot_writes_total counter\n"
				"leat_slot_writes_total 12\n");
	assert_string_equal(f->err, "");
}

static void test_cli_metrics_error_of_the_agent_is_exit_1(void **state)
{
	struct fixture *f = *state;

	f->reply = "{\"error\":\"the counters cannot be read\"}";
	f->reply_status = 500;
	leat(f, "leat metrics -s @");

	assert_int_equal(f->exit_status, CLI_EXIT_REFUSED);
	assert_string_equal(f->out, "");
	assert_string_equal(f->err, "leat metrics: the counters cannot be read\n");
}

static void test_cli_status_error_of_the_agent_is_exit_1(void **state)
{
	struct fixture *f = *state;

	f->reply = "{\"error\":\"out of memory\"}";
	f->reply_status = 500;

	leat(f, "leat status -s @");

	assert_int_equal(f->exit_status, 1);
	assert_string_equal(f->err, "leat status: out of memory\n");
}

/* ---- reload -------------------------------------------------------------- */

static void test_cli_reload_passes_its_options_on(void **state)
{
	struct fixture *f = *state;

	f->reply = "{\"applied\":true,\"changes\":[]}";

	leat(f, "leat reload -s @");
	assert_int_equal(f->exit_status, 0);
	assert_false(f->is_dry_run);
	assert_false(f->is_forced);

	leat(f, "leat reload --force -s @");
	assert_false(f->is_dry_run);
	assert_true(f->is_forced);

	leat(f, "leat reload -n -s @");
	assert_true(f->is_dry_run);
	assert_false(f->is_forced);
}

static void test_cli_reload_refused_is_exit_1(void **state)
{
	struct fixture *f = *state;

	f->reply = "{\"applied\":false,\"errors\":[{\"file\":\"lb.yaml\",\"line\":12,\"column\":5,"
		   "\"text\":\"unknown key\"}]}";
	f->reply_status = 400;
	leat(f, "leat reload -s @");
	assert_int_equal(f->exit_status, 1);
	assert_contains(f->err, "lb.yaml:12:5: unknown key\n");

	f->reply =
		"{\"applied\":false,\"changes\":[{\"kind\":\"changed\",\"object\":\"service web\","
		"\"detail\":\"table_size\",\"risk\":\"all move\"}]}";
	f->reply_status = 409;
	leat(f, "leat reload -s @");
	assert_int_equal(f->exit_status, 1);
	assert_contains(f->err, "--force accepts the risks");
	leat(f, "leat reload --json -s @");
	assert_int_equal(f->exit_status, 1);
	assert_contains(f->out, "\"risk\": \"all move\"");
}

/* ---- explain, stop, version ---------------------------------------------- */

static void assert_endpoint(const struct lb_addr *address, unsigned port, const char *expected)
{
	char text[ADDR_PORT_STRLEN];

	assert_string_equal(addr_format_port(address, port, text), expected);
}

static void test_cli_explain_asks_for_the_packet_of_its_operands(void **state)
{
	struct fixture *f = *state;

	f->reply = "{\"service\":\"dns\",\"verdict\":\"forward\"}";

	leat(f, "leat explain -s @ [2001:db8::7]:5000 [2001:db8::10]:53 udp");

	assert_int_equal(f->exit_status, 0);
	assert_endpoint(&f->query.client, f->query.client_port, "[2001:db8::7]:5000");
	assert_endpoint(&f->query.vip, f->query.vip_port, "[2001:db8::10]:53");
	assert_int_equal(f->query.proto, IPPROTO_UDP);
	assert_contains(
		f->out,
		"packet    udp from [2001:db8::7]:5000 to [2001:db8::10]:53\nservice   dns");

	leat(f, "leat explain -s @ 192.0.2.7:40000 198.51.100.10:80");
	assert_int_equal(f->query.proto, IPPROTO_TCP);
}

static void test_cli_explain_of_no_packet_is_a_usage_error(void **state)
{
	struct fixture *f = *state;

	leat(f, "leat explain -s @ 192.0.2.7 198.51.100.10:80");
	assert_int_equal(f->exit_status, 2);
	assert_contains(f->err, "leat explain: client=192.0.2.7 is not an address and port");

	leat(f, "leat explain -s @ 192.0.2.7:1&x=%20 198.51.100.10:80");
	assert_int_equal(f->exit_status, 2);
	assert_contains(f->err, "client=192.0.2.7:1&x=%20 is not");

	leat(f, "leat explain -s @ 192.0.2.7:1 198.51.100.10:80 sctp");
	assert_int_equal(f->exit_status, 2);
	assert_contains(f->err, "write tcp or udp");
}

static void test_cli_stop_says_what_becomes_of_the_data_path(void **state)
{
	struct fixture *f = *state;

	f->reply = "{\"stopping\":true,\"detached\":false}";
	leat(f, "leat stop -s @");
	assert_int_equal(f->exit_status, 0);
	assert_false(f->is_detaching);
	assert_string_equal(f->out, "stopped; the data path goes on forwarding\n");
}

static void test_cli_stop_detach_is_passed_on(void **state)
{
	struct fixture *f = *state;

	f->reply = "{\"stopping\":true,\"detached\":true}";
	leat(f, "leat stop --detach -s @");
	assert_int_equal(f->exit_status, 0);
	assert_true(f->is_detaching);
	assert_string_equal(f->out, "stopped; the data path is removed\n");
}

/* with pins it removes them: tests/e2e/test_restart.sh */
static void test_cli_stop_without_an_agent_touches_nothing(void **state)
{
	struct fixture *f = *state;
	char path[256];

	leat(f, "leat stop --detach -s @ -p %");
	assert_int_equal(f->exit_status, 3);

	pin(f, "lb_slots");
	leat(f, "leat stop -s @ -p %");
	assert_int_equal(f->exit_status, 3);
	assert_contains(f->err, "no agent answers");
	snprintf(path, sizeof(path), "%s/lb_slots", f->pins);
	assert_int_equal(access(path, F_OK), 0);
}

/* an agent in a process of its own, which removes its socket some time before it ends */
static pid_t fork_agent(struct fixture *f)
{
	int ready[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		event_reinit(f->loop.base);
		agent_listen(f);
		(void)!write(ready[1], "x", 1);
		event_base_dispatch(f->loop.base);
		api_free(f->api);
		usleep(200000);
		_exit(0);
	}
	assert_true(pid > 0);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	close(ready[1]);
	return pid;
}

static void test_cli_stop_returns_when_the_agent_has_ended(void **state)
{
	struct fixture *f = *state;
	pid_t pid;

	f->reply = "{\"stopping\":true,\"detached\":false}";
	pid = fork_agent(f);

	leat(f, "leat stop -s @");

	assert_int_equal(waitpid(pid, NULL, WNOHANG), pid);
	assert_int_equal(f->exit_status, 0);
}

static void test_cli_version_tells_of_the_agent_where_one_runs(void **state)
{
	struct fixture *f = *state;

	f->reply = "{\"version\":\"0.0.9\",\"layout\":7}";

	leat(f, "leat version -s @");
	assert_int_equal(f->exit_status, 0);
	assert_contains(f->out, "leat 0.");
	assert_contains(f->out, "the running agent: 0.0.9, map layout 7\nto let this version");

	leat(f, "leat version --json -s @");
	assert_contains(f->out, "\"version\": \"0.0.9\"");
}

static void test_cli_version_without_an_agent_is_no_failure(void **state)
{
	struct fixture *f = *state;

	leat(f, "leat version -s @");
	assert_int_equal(f->exit_status, 0);
	assert_null(strstr(f->out, "agent"));
	assert_string_equal(f->err, "");

	leat(f, "leat version --json -s @");
	assert_contains(f->out, "\"agent\": null");
}

/* ---- check --------------------------------------------------------------- */

static void write_config(const struct fixture *f, char *path, size_t size, const char *text)
{
	FILE *file;

	snprintf(path, size, "%s/lb.yaml", f->directory);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void test_cli_check_prints_every_error_with_its_place(void **state)
{
	struct fixture *f = *state;
	char path[100], line[128], place[128];

	write_config(f, path, sizeof(path), "interfacs: []\nservices: []\nservces: []\n");
	snprintf(line, sizeof(line), "leat check %s", path);

	leat(f, line);

	assert_int_equal(f->exit_status, 1);
	snprintf(place, sizeof(place), "%s:1:1: ", path);
	assert_contains(f->err, place);
	snprintf(place, sizeof(place), "%s:3:1: ", path);
	assert_contains(f->err, place);
	assert_string_equal(f->out, "");

	snprintf(line, sizeof(line), "leat check --json -c %s", path);
	leat(f, line);
	assert_int_equal(f->exit_status, 1);
	assert_contains(f->out, "\"ok\": false");
	assert_contains(f->out, "\"line\": 3");
}

static void test_cli_check_of_an_absent_file_names_it(void **state)
{
	struct fixture *f = *state;

	leat(f, "leat check /nonexistent/lb.yaml");

	assert_int_equal(f->exit_status, 1);
	assert_contains(f->err, "/nonexistent/lb.yaml: ");
	assert_contains(f->err, "No such file or directory");
}

static void test_cli_check_of_a_right_file_counts(void **state)
{
	struct fixture *f = *state;
	char path[100], line[128], expected[160];

	write_config(f, path, sizeof(path),
		     "interfaces:\n  - name: gw0\n"
		     "services:\n"
		     "  - name: web\n    vip: 198.51.100.10:80\n    protocol: tcp\n"
		     "    forward: dsr\n    backends:\n"
		     "      - name: web1\n        address: 203.0.113.11\n"
		     "      - name: web2\n        address: 203.0.113.12\n");
	snprintf(line, sizeof(line), "leat check -c %s", path);
	snprintf(expected, sizeof(expected), "%s: ok: 1 service, 2 backends\n", path);

	leat(f, line);

	assert_string_equal(f->err, "");
	assert_string_equal(f->out, expected);
	assert_int_equal(f->exit_status, 0);
}

#define ASKING(test) cmocka_unit_test_setup_teardown(test, setup_agent, teardown_agent)
#define ALONE(test)                                                                                \
	cmocka_unit_test_setup_teardown(test, setup_without_agent, teardown_without_agent)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ALONE(test_cli_without_a_verb_is_a_usage_error),
		ALONE(test_cli_help_lists_every_verb),
		ALONE(test_cli_help_of_a_verb_has_every_part),
		ALONE(test_cli_wrong_command_line_says_what_is_right),
		ALONE(test_cli_without_an_agent_every_verb_that_asks_says_so),
		ALONE(test_cli_socket_of_a_dead_agent_is_refused),
		ALONE(test_cli_without_permission_names_root),
		ALONE(test_cli_something_that_is_no_agent_is_told_apart),
		ALONE(test_cli_status_of_an_orphaned_data_path_says_that_it_goes_on),
		ALONE(test_cli_status_of_pinned_maps_alone_says_that_nothing_is_forwarded),
		ALONE(test_cli_status_json_without_an_agent_names_the_data_path),
		ASKING(test_cli_status_prints_text_or_the_raw_json),
		ASKING(test_cli_status_error_of_the_agent_is_exit_1),
		ASKING(test_cli_metrics_prints_the_text_as_it_came),
		ASKING(test_cli_metrics_error_of_the_agent_is_exit_1),
		ASKING(test_cli_reload_passes_its_options_on),
		ASKING(test_cli_reload_refused_is_exit_1),
		ASKING(test_cli_explain_asks_for_the_packet_of_its_operands),
		ASKING(test_cli_explain_of_no_packet_is_a_usage_error),
		ASKING(test_cli_stop_says_what_becomes_of_the_data_path),
		ASKING(test_cli_stop_detach_is_passed_on),
		ALONE(test_cli_stop_without_an_agent_touches_nothing),
		ALONE(test_cli_stop_returns_when_the_agent_has_ended),
		ASKING(test_cli_version_tells_of_the_agent_where_one_runs),
		ALONE(test_cli_version_without_an_agent_is_no_failure),
		ALONE(test_cli_check_prints_every_error_with_its_place),
		ALONE(test_cli_check_of_an_absent_file_names_it),
		ALONE(test_cli_check_of_a_right_file_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
