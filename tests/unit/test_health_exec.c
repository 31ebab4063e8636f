/* SPDX-License-Identifier: GPL-2.0-only */
/* The exec probe with small shell programs. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "health_fixture.h"

/** struct scene - the fixture, a directory for what programs leave, and a script */
struct scene {
	struct fixture *fx;
	char directory[64];
	char shell[16], option[4], script[512];
	char *command[4];
	struct model_health settings;
};

static int scene_setup(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));
	void *fx = NULL;

	strcpy(s->directory, "/tmp/leat-exec-XXXXXX");
	if (!mkdtemp(s->directory) || fixture_setup(&fx))
		return -1;
	s->fx = fx;
	strcpy(s->shell, "/bin/sh");
	strcpy(s->option, "-c");
	s->command[0] = s->shell;
	s->command[1] = s->option;
	s->command[2] = s->script;
	s->settings = tcp_settings();
	s->settings.type = PROBE_EXEC;
	s->settings.timeout_ms = 10000;
	s->settings.command = s->command;
	*state = s;
	return 0;
}

static int scene_teardown(void **state)
{
	struct scene *s = *state;
	void *fx = s->fx;
	char command[128];
	int err;

	snprintf(command, sizeof(command), "rm -r %s", s->directory);
	err = system(command);
	free(s);
	if (fixture_teardown(&fx))
		return -1;
	/* nobody is left to be reaped */
	return err || waitpid(-1, NULL, WNOHANG) != -1 ? -1 : 0;
}

/* token 1 with @script; % stands for the directory */
static void set_script(struct scene *s, const char *script)
{
	size_t used = 0;

	for (; *script; script++) {
		if (*script == '%')
			used += (size_t)sprintf(s->script + used, "%s", s->directory);
		else
			s->script[used++] = *script;
	}
	s->script[used] = '\0';
	assert_int_equal(fixture_set(s->fx, 1, "192.0.2.10", 8080, &s->settings, 0), 0);
}

/* the same, until its first probe decides */
static struct health_state decide(struct scene *s, const char *script)
{
	set_script(s, script);
	fixture_run_until(s->fx, has_changes, 1);
	return s->fx->changes[0].state;
}

/* what a program wrote into @name of the directory; one static buffer */
static const char *left_in(const struct scene *s, const char *name)
{
	static char text[4096];
	char path[128];
	size_t size = 0;
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", s->directory, name);
	file = fopen(path, "r");
	if (file) {
		size = fread(text, 1, sizeof(text) - 1, file);
		fclose(file);
	}
	text[size] = '\0';
	return text;
}

/* ---- the verdict -------------------------------------------------------- */

static void test_health_exec_status_0_is_up(void **state)
{
	struct scene *s = *state;
	struct health_state seen = decide(s, "exit 0");

	assert_true(seen.is_up);
	assert_string_equal(seen.reason, "exit status 0");
	assert_true(seen.latency_us > 0);
}

static void test_health_exec_other_status_is_down_with_the_first_line(void **state)
{
	struct scene *s = *state;
	struct health_state seen = decide(s, "echo replica lags 40 s; echo more; exit 2");

	assert_false(seen.is_up);
	assert_string_equal(seen.reason, "exit status 2: replica lags 40 s");
}

static void test_health_exec_first_line_may_be_of_stderr(void **state)
{
	struct scene *s = *state;
	struct health_state seen = decide(s, "echo broken >&2; exit 1");

	assert_string_equal(seen.reason, "exit status 1: broken");
}

static void test_health_exec_line_is_cut_and_printable(void **state)
{
	struct scene *s = *state;
	struct health_state seen =
		decide(s, "printf '\\033[31m'; head -c 500 /dev/zero | tr '\\0' x; exit 1");

	assert_false(seen.is_up);
	assert_memory_equal(seen.reason, "exit status 1: ?[31mxxx", 23);
	assert_true(strlen(seen.reason) < sizeof(seen.reason));
}

static void test_health_exec_signal_is_named(void **state)
{
	struct scene *s = *state;
	struct health_state seen = decide(s, "kill -SEGV $$");

	assert_false(seen.is_up);
	assert_string_equal(seen.reason, "killed by signal 11 (SEGV)");
}

static void test_health_exec_much_output_does_not_block_it(void **state)
{
	struct scene *s = *state;
	struct health_state seen = decide(s, "head -c 1000000 /dev/zero | tr '\\0' y; exit 0");

	assert_true(seen.is_up);
}

static void test_health_exec_closed_output_is_not_its_end(void **state)
{
	struct scene *s = *state;
	struct health_state seen = decide(s, "exec >&- 2>&-; sleep 0.1; exit 3");

	assert_false(seen.is_up);
	assert_string_equal(seen.reason, "exit status 3");
}

/* ---- its surroundings --------------------------------------------------- */

static void test_health_exec_environment_is_address_port_and_path(void **state)
{
	struct scene *s = *state;

	setenv("LEAT_TEST_SECRET", "x", 1);
	decide(s, "/usr/bin/env | grep -vE '^(PWD|_|SHLVL)=' | sort > %/env");

	assert_string_equal(left_in(s, "env"),
			    "LEAT_ADDRESS=192.0.2.10\nLEAT_PORT=8080\n"
			    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n");
}

static void test_health_exec_port_of_settings_wins(void **state)
{
	struct scene *s = *state;

	s->settings.port = 99;
	decide(s, "echo $LEAT_PORT > %/port");

	assert_string_equal(left_in(s, "port"), "99\n");
}

static void test_health_exec_inherits_no_descriptor(void **state)
{
	struct scene *s = *state;
	int fd = fcntl(0, F_DUPFD, 100); /* without close-on-exec */

	/* ls has a descriptor of its own on the directory, number 3 */
	decide(s, "exec ls /proc/self/fd > %/fds");

	assert_true(fd >= 100);
	assert_string_equal(left_in(s, "fds"), "0\n1\n2\n3\n");
	close(fd);
}

static void test_health_exec_input_is_empty_and_directory_the_root(void **state)
{
	struct scene *s = *state;
	struct health_state seen = decide(s, "cat > %/input; pwd > %/pwd; exit 0");

	assert_true(seen.is_up);
	assert_string_equal(left_in(s, "input"), "");
	assert_string_equal(left_in(s, "pwd"), "/\n");
}

static void test_health_exec_cannot_gain_privileges(void **state)
{
	struct scene *s = *state;

	decide(s, "grep NoNewPrivs /proc/self/status > %/status");

	assert_string_equal(left_in(s, "status"), "NoNewPrivs:\t1\n");
}

#define C_LIBRARY_SIGNALS (3ULL << 31) /* 32 and 33: whoever began the test may ignore them */

static void test_health_exec_signals_are_default_and_unblocked(void **state)
{
	struct scene *s = *state;
	unsigned long long blocked = 1, ignored = 1;
	sigset_t usr1, before;

	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	sigprocmask(SIG_BLOCK, &usr1, &before);
	signal(SIGPIPE, SIG_IGN);
	decide(s, "grep -E '^Sig(Blk|Ign)' /proc/self/status > %/status");

	signal(SIGPIPE, SIG_DFL);
	sigprocmask(SIG_SETMASK, &before, NULL);
	assert_int_equal(
		sscanf(left_in(s, "status"), "SigBlk: %llx SigIgn: %llx", &blocked, &ignored), 2);
	assert_true(blocked == 0);
	assert_true((ignored & ~C_LIBRARY_SIGNALS) == 0);
}

static void test_health_exec_files_are_limited_as_usual(void **state)
{
	struct scene *s = *state;

	decide(s, "ulimit -n > %/limit");

	assert_string_equal(left_in(s, "limit"), "1024\n");
}

/* ---- its end ------------------------------------------------------------ */

static bool is_alive(pid_t pid)
{
	char path[64], state = 'X';
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	file = fopen(path, "r");
	if (!file)
		return false;
	if (fscanf(file, "%*d (%*[^)]) %c", &state) != 1)
		state = 'X';
	fclose(file);
	return state != 'X' && state != 'Z';
}

static bool is_sleeper_gone(struct fixture *fx, unsigned pid)
{
	(void)fx;
	return !is_alive((pid_t)pid);
}

static void test_health_exec_timeout_kills_the_whole_group(void **state)
{
	struct scene *s = *state;
	struct health_state seen;
	unsigned pid;

	s->settings.timeout_ms = 300;
	seen = decide(s, "sleep 1000 & echo $! > %/pid; wait");

	assert_false(seen.is_up);
	assert_string_equal(seen.reason, "timeout after 300 ms running");
	pid = (unsigned)atoi(left_in(s, "pid"));
	assert_true(pid > 0);
	fixture_run_until(s->fx, is_sleeper_gone, pid);
}

static void test_health_exec_what_it_leaves_running_is_killed(void **state)
{
	struct scene *s = *state;
	struct health_state seen = decide(s, "sleep 1000 & echo $! > %/pid; exit 0");
	unsigned pid = (unsigned)atoi(left_in(s, "pid"));

	assert_true(seen.is_up);
	assert_true(pid > 0);
	fixture_run_until(s->fx, is_sleeper_gone, pid);
}

static const struct scene *current;

static bool has_written_pid(struct fixture *fx, unsigned n)
{
	(void)fx;
	(void)n;
	return *left_in(current, "pid");
}

static void test_health_exec_removed_target_kills_its_program(void **state)
{
	struct scene *s = *state;
	unsigned pid;

	current = s;
	set_script(s, "echo $$ > %/new; mv %/new %/pid; exec sleep 1000");
	fixture_run_until(s->fx, has_written_pid, 0);
	pid = (unsigned)atoi(left_in(s, "pid"));
	assert_true(pid > 0 && is_alive((pid_t)pid));
	health_remove(s->fx->health, 1);
	fixture_run_until(s->fx, is_sleeper_gone, pid);
	fixture_run_for(s->fx, 50);

	/* and it was reaped: see the teardown */
	assert_int_equal(s->fx->change_count, 0);
}

static void test_health_exec_free_while_running_kills_its_program(void **state)
{
	struct scene *s = *state;
	unsigned pid;

	current = s;
	set_script(s, "echo $$ > %/new; mv %/new %/pid; exec sleep 1000");
	fixture_run_until(s->fx, has_written_pid, 0);
	pid = (unsigned)atoi(left_in(s, "pid"));
	health_free(s->fx->health);
	s->fx->health = NULL;

	assert_false(is_alive((pid_t)pid));
}

/* ---- no program --------------------------------------------------------- */

static void test_health_exec_program_that_is_not_there_is_refused(void **state)
{
	static char missing[] = "/nonexistent/check", directory[] = "/tmp", plain[] = "/etc/passwd";
	struct scene *s = *state;
	struct fixture *fx = s->fx;

	s->command[0] = missing;
	assert_int_equal(fixture_set(fx, 1, "192.0.2.10", 80, &s->settings, 0), -ENOENT);
	s->command[0] = directory;
	assert_int_equal(fixture_set(fx, 1, "192.0.2.10", 80, &s->settings, 0), -EACCES);
	s->command[0] = plain;
	assert_int_equal(fixture_set(fx, 1, "192.0.2.10", 80, &s->settings, 0), -EACCES);
}

static bool has_a_reason(struct fixture *fx, unsigned n)
{
	return strstr(fixture_state(fx, n).reason, "cannot run");
}

static void test_health_exec_program_that_goes_away_says_nothing_of_the_backend(void **state)
{
	struct scene *s = *state;
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/check", s->directory);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs("#!/nonexistent/interpreter\n", file);
	fclose(file);
	assert_int_equal(chmod(path, 0755), 0);
	s->command[0] = path;
	assert_int_equal(fixture_set(s->fx, 1, "192.0.2.10", 80, &s->settings, 0), 0);
	fixture_run_until(s->fx, has_a_reason, 1);

	assert_non_null(strstr(fixture_state(s->fx, 1).reason, "No such file or directory"));
	assert_int_equal(fixture_state(s->fx, 1).probes, 0);
	assert_int_equal(s->fx->change_count, 0);
}

static bool has_lost_a_status(struct fixture *fx, unsigned n)
{
	return strcmp(fixture_state(fx, n).reason, "ended, and its status was lost") == 0;
}

static void test_health_exec_status_that_is_lost_says_nothing_of_the_backend(void **state)
{
	struct scene *s = *state;

	set_script(s, "exit 0");
	signal(SIGCHLD, SIG_IGN); /* the kernel reaps */
	fixture_run_until(s->fx, has_lost_a_status, 1);
	signal(SIGCHLD, SIG_DFL);

	assert_int_equal(fixture_state(s->fx, 1).probes, 0);
	assert_int_equal(s->fx->change_count, 0);
}

static void test_health_exec_goes_down_and_up_with_its_program(void **state)
{
	struct scene *s = *state;
	char path[128];
	FILE *file;

	decide(s, "test ! -e %/broken");
	assert_true(s->fx->changes[0].state.is_up);
	snprintf(path, sizeof(path), "%s/broken", s->directory);
	file = fopen(path, "w");
	assert_non_null(file);
	fclose(file);
	fixture_run_until(s->fx, has_changes, 2);
	assert_false(s->fx->changes[1].state.is_up);
	unlink(path);
	fixture_run_until(s->fx, has_changes, 3);

	assert_true(s->fx->changes[2].state.is_up);
}

#define EXEC_TEST(name) cmocka_unit_test_setup_teardown(name, scene_setup, scene_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		EXEC_TEST(test_health_exec_status_0_is_up),
		EXEC_TEST(test_health_exec_other_status_is_down_with_the_first_line),
		EXEC_TEST(test_health_exec_first_line_may_be_of_stderr),
		EXEC_TEST(test_health_exec_line_is_cut_and_printable),
		EXEC_TEST(test_health_exec_signal_is_named),
		EXEC_TEST(test_health_exec_much_output_does_not_block_it),
		EXEC_TEST(test_health_exec_closed_output_is_not_its_end),
		EXEC_TEST(test_health_exec_environment_is_address_port_and_path),
		EXEC_TEST(test_health_exec_port_of_settings_wins),
		EXEC_TEST(test_health_exec_inherits_no_descriptor),
		EXEC_TEST(test_health_exec_input_is_empty_and_directory_the_root),
		EXEC_TEST(test_health_exec_cannot_gain_privileges),
		EXEC_TEST(test_health_exec_signals_are_default_and_unblocked),
		EXEC_TEST(test_health_exec_files_are_limited_as_usual),
		EXEC_TEST(test_health_exec_timeout_kills_the_whole_group),
		EXEC_TEST(test_health_exec_what_it_leaves_running_is_killed),
		EXEC_TEST(test_health_exec_removed_target_kills_its_program),
		EXEC_TEST(test_health_exec_free_while_running_kills_its_program),
		EXEC_TEST(test_health_exec_program_that_is_not_there_is_refused),
		EXEC_TEST(test_health_exec_program_that_goes_away_says_nothing_of_the_backend),
		EXEC_TEST(test_health_exec_status_that_is_lost_says_nothing_of_the_backend),
		EXEC_TEST(test_health_exec_goes_down_and_up_with_its_program),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
