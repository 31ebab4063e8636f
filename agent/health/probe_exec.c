/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The exec probe: a program's word; status 0 is a success.
 *
 * The program runs as the agent's user, in / and a process group of its own, with PATH,
 * LEAT_ADDRESS and LEAT_PORT and no other environment, /dev/null as its input, no descriptor of the
 * agent's, no way to gain privileges (set-user-id bits do not count), default signals, and the
 * usual limit of 1,024 open files rather than the agent's. What it prints is read; the first line
 * shows as the reason. It is killed with its group when its time is over, and what it leaves
 * running in its group when it ends is killed too. The agent's end kills it as well.
 *
 * Its end is seen by a pidfd in the loop: a SIGCHLD handler would be one for the whole process.
 */
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "health/probe.h"
#include "health/reason.h"
#include "model/addr.h"

#define OPEN_FILES    1024
#define LINE_MAX_SIZE 72

/** struct exec_run - one run of a program; without a target it was killed and is to be reaped */
struct exec_run {
	struct exec_run *next; /* in health's list, without a target */
	struct health *health;
	struct target *target;
	pid_t pid; /* of the program and of its group */
	int pidfd;
	struct event end_event;
	bool is_line_over;
	size_t line_size;
	char line[LINE_MAX_SIZE];
};

/** struct exec_probe - what a target keeps */
struct exec_probe {
	char address[sizeof("LEAT_ADDRESS=") + ADDR_STRLEN];
	char port[sizeof("LEAT_PORT=65535")];
	struct exec_run *run; /* in flight */
};

/* ---- becoming the program ----------------------------------------------- */

/** struct exec_plan - all that the child needs, made before it is there */
struct exec_plan {
	char *const *command;
	char *const *environment;
	int input_fd;
	int output_fd;
	volatile int err; /* what the child could not do; its memory is ours until then */
};

static void reset_signals(void)
{
	const struct sigaction plain = { .sa_handler = SIG_DFL };
	sigset_t none;

	for (int number = 1; number < NSIG; number++)
		sigaction(number, &plain, NULL); /* some cannot be, and need not */
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* In the child of vfork(): the parent waits, and its memory is not to be written. */
static _Noreturn void become_program(struct exec_plan *plan)
{
	const struct rlimit files = { .rlim_cur = OPEN_FILES, .rlim_max = OPEN_FILES };

	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setrlimit(RLIMIT_NOFILE, &files);
	reset_signals();
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && chdir("/") == 0 &&
	    dup2(plan->input_fd, STDIN_FILENO) >= 0 && dup2(plan->output_fd, STDOUT_FILENO) >= 0 &&
	    dup2(plan->output_fd, STDERR_FILENO) >= 0 && close_range(3, ~0U, 0) == 0)
		execve(plan->command[0], plan->command, plan->environment);
	plan->err = errno;
	_exit(127);
}

/*
 * vfork(): fork() would copy the page tables of the agent's mapping of the flow table, and
 * posix_spawn() knows nothing of PR_SET_NO_NEW_PRIVS. Signals wait, lest a handler of ours runs in
 * the child. Returns the pid, or -errno.
 */
static pid_t spawn(struct exec_plan *plan)
{
	sigset_t all, before;
	pid_t pid;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	pid = vfork(); /* NOLINT(clang-analyzer-security.insecureAPI.vfork): see above */
	if (pid == 0)
		become_program(plan); /* NOLINT(clang-analyzer-unix.Vfork): see above */
	if (pid < 0)
		pid = -errno;
	sigprocmask(SIG_SETMASK, &before, NULL);
	if (pid > 0 && plan->err) {
		waitpid(pid, NULL, 0); /* it has ended */
		return -plan->err;
	}
	return pid;
}

/* ---- the end of a run --------------------------------------------------- */

/* Its pid, and so the name of its group, stays its own until it is reaped. */
static void kill_group(const struct exec_run *run)
{
	kill(-run->pid, SIGKILL);
}

/* Whether it has ended. Without a pid in @end somebody else has reaped it, and has its status. */
static bool reap(struct exec_run *run, siginfo_t *end)
{
	*end = (siginfo_t) {};
	return waitid(P_PIDFD, (id_t)run->pidfd, end, WEXITED | WNOHANG) || end->si_pid;
}

static void free_run(struct exec_run *run)
{
	event_del(&run->end_event);
	close(run->pidfd);
	free(run);
}

/* @run has no target any more; what was killed is a zombie in a moment, seldom later */
static void leave_to_be_reaped(struct exec_run *run)
{
	siginfo_t end;

	run->target = NULL;
	if (reap(run, &end)) {
		free_run(run);
		return;
	}
	run->next = run->health->killed_runs;
	run->health->killed_runs = run;
}

static void end_killed(struct exec_run *run)
{
	struct exec_run **link = &run->health->killed_runs;
	siginfo_t end;

	if (!reap(run, &end))
		return;
	while (*link != run)
		link = &(*link)->next;
	*link = run->next;
	free_run(run);
}

void probe_exec_free(struct exec_run *killed)
{
	while (killed) {
		struct exec_run *next = killed->next;
		struct pollfd end = { .fd = killed->pidfd, .events = POLLIN };
		siginfo_t ignored;

		poll(&end, 1, 1000);
		reap(killed, &ignored);
		free_run(killed);
		killed = next;
	}
}

/* ---- its output --------------------------------------------------------- */

/* Reasons go to logs and JSON: printable ASCII. */
static void keep_first_line(struct exec_run *run, const char *text, size_t size)
{
	for (size_t i = 0; i < size && !run->is_line_over; i++) {
		run->is_line_over = text[i] == '\n' || run->line_size == LINE_MAX_SIZE - 1;
		if (!run->is_line_over)
			run->line[run->line_size++] =
				text[i] >= ' ' && text[i] <= '~' ? text[i] : '?';
	}
}

/* Returns whether there may be more. */
static bool read_output(struct target *t, struct exec_run *run)
{
	char text[4096];
	ssize_t size;

	errno = 0; /* its end sets none */
	size = read(t->fd, text, sizeof(text));
	if (size > 0)
		keep_first_line(run, text, (size_t)size);
	return size > 0 || (size < 0 && errno == EINTR);
}

static void on_output(evutil_socket_t fd, short what, void *arg)
{
	struct target *t = arg;
	struct exec_probe *exec = t->of_kind;

	(void)fd;
	(void)what;
	/* closed by all: the program's end is what counts now */
	if (!read_output(t, exec->run) && errno != EAGAIN)
		event_del(&t->socket_event);
}

static void close_output(struct target *t)
{
	event_del(&t->socket_event);
	close(t->fd);
	t->fd = -1;
}

/* ---- the verdict -------------------------------------------------------- */

static enum probe_outcome judge(const struct exec_run *run, const siginfo_t *end, char *reason,
				size_t size)
{
	const char *colon = run->line_size ? ": " : "";
	int line_size = (int)run->line_size;

	if (!end->si_pid) {
		snprintf(reason, size, "ended, and its status was lost");
		return OUTCOME_NOT_SENT;
	}
	if (end->si_code != CLD_EXITED) {
		snprintf(reason, size, "killed by signal %d (%s)%s%.*s", end->si_status,
			 sigabbrev_np(end->si_status) ?: "?", colon, line_size, run->line);
		return OUTCOME_FAILED;
	}
	snprintf(reason, size, "exit status %d%s%.*s", end->si_status, colon, line_size, run->line);
	return end->si_status ? OUTCOME_FAILED : OUTCOME_PASSED;
}

static void end_run(struct exec_run *run)
{
	struct target *t = run->target;
	struct exec_probe *exec = t->of_kind;
	char reason[sizeof(t->state.reason)];
	enum probe_outcome outcome;
	siginfo_t end;

	for (unsigned reads = 0; reads < 16 && read_output(t, run); reads++)
		;
	kill_group(run); /* what it has left behind */
	if (!reap(run, &end))
		return;
	close_output(t);
	outcome = judge(run, &end, reason, sizeof(reason));
	exec->run = NULL;
	free_run(run);
	health_end_probe(t, outcome, reason);
}

static void on_end(evutil_socket_t fd, short what, void *arg)
{
	struct exec_run *run = arg;

	(void)fd;
	(void)what;
	if (run->target)
		end_run(run);
	else
		end_killed(run);
}

/* ---- the beginning of a run --------------------------------------------- */

/* The program's pid, and the end of a pipe that it writes to in @output_fd; or -errno. */
static pid_t start_program(const struct target *t, int *output_fd)
{
	static char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
	struct exec_probe *exec = t->of_kind;
	char *const environment[] = { path, exec->address, exec->port, NULL };
	struct exec_plan plan = { .command = t->settings.command, .environment = environment };
	int ends[2];
	pid_t pid;

	plan.input_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (plan.input_fd < 0)
		return -errno;
	if (pipe2(ends, O_CLOEXEC)) {
		pid = -errno;
		close(plan.input_fd);
		return pid;
	}
	plan.output_fd = ends[1];
	pid = spawn(&plan);
	close(ends[1]);
	close(plan.input_fd);
	if (pid < 0) {
		close(ends[0]);
		return pid;
	}
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	*output_fd = ends[0];
	return pid;
}

static struct exec_run *new_run(struct target *t, pid_t pid)
{
	struct exec_run *run = calloc(1, sizeof(*run));

	if (!run)
		return NULL;
	run->health = t->health;
	run->target = t;
	run->pid = pid;
	run->pidfd = pidfd_open(pid, 0);
	if (run->pidfd < 0) {
		free(run);
		return NULL;
	}
	event_assign(&run->end_event, t->health->base, run->pidfd, EV_READ | EV_PERSIST, on_end,
		     run);
	if (!event_add(&run->end_event, NULL))
		return run;
	free_run(run);
	return NULL;
}

/* Nothing watches it: as short as can be, then forgotten. */
static void give_up(struct target *t, pid_t pid)
{
	kill(-pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(t->fd);
	t->fd = -1;
	health_end_probe(t, OUTCOME_NOT_SENT, "no memory or descriptor to watch the program");
}

static void refuse(struct target *t, int err)
{
	char reason[sizeof(t->state.reason)];
	enum probe_outcome ignored;

	if (err == EMFILE || err == ENFILE)
		snprintf(reason, sizeof(reason), "%s", reason_errno(err, &ignored));
	else
		snprintf(reason, sizeof(reason), "cannot run %.48s: %s", t->settings.command[0],
			 strerror(err));
	health_end_probe(t, OUTCOME_NOT_SENT, reason);
}

static void exec_start(struct target *t)
{
	struct exec_probe *exec = t->of_kind;
	pid_t pid = start_program(t, &t->fd);

	if (pid < 0) {
		refuse(t, -pid);
		return;
	}
	event_assign(&t->socket_event, t->health->base, t->fd, EV_READ | EV_PERSIST, on_output, t);
	exec->run = event_add(&t->socket_event, NULL) ? NULL : new_run(t, pid);
	if (exec->run)
		return;
	event_del(&t->socket_event);
	give_up(t, pid);
}

static void exec_cancel(struct target *t)
{
	struct exec_probe *exec = t->of_kind;
	struct exec_run *run = exec->run;

	exec->run = NULL;
	close_output(t);
	kill_group(run);
	leave_to_be_reaped(run);
}

/* ---- the kind ----------------------------------------------------------- */

static int check_program(const char *path)
{
	struct stat st;

	if (stat(path, &st))
		return errno == EACCES ? -EACCES : -ENOENT;
	return S_ISREG(st.st_mode) && access(path, X_OK) == 0 ? 0 : -EACCES;
}

static int exec_open(struct target *t)
{
	unsigned port = t->settings.port ? t->settings.port : t->at.port;
	char address[ADDR_STRLEN];
	struct exec_probe *exec;
	int err;

	if (!t->settings.command || !t->settings.command[0])
		return -EINVAL;
	err = check_program(t->settings.command[0]);
	if (err)
		return err;
	exec = calloc(1, sizeof(*exec));
	if (!exec)
		return -ENOMEM;
	snprintf(exec->address, sizeof(exec->address), "LEAT_ADDRESS=%s",
		 addr_format(&t->at.address, address));
	snprintf(exec->port, sizeof(exec->port), "LEAT_PORT=%u", port & 0xffff);
	t->of_kind = exec;
	signal(SIGCHLD, SIG_DFL); /* where it was ignored, the kernel would reap before us */
	return 0;
}

static void exec_close(struct target *t)
{
	free(t->of_kind);
	t->of_kind = NULL;
}

static const char *exec_stage(const struct target *t)
{
	(void)t;
	return "running";
}

const struct probe_kind probe_exec = {
	.open = exec_open,
	.start = exec_start,
	.cancel = exec_cancel,
	.close = exec_close,
	.stage = exec_stage,
};
