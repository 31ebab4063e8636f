/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The agent with 1,000 services of 10 backends each, every one probed by TCP: the real binary, a
 * real data path and a veth pair in namespaces of this run. The backends are one host that
 * takes 10.1.0.0/16 for itself. "Forwarding" is when the attached program sends a SYN of every
 * service to a backend, asked by BPF_PROG_TEST_RUN.
 */
#include "control_scale.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/tcp.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <jansson.h>

#include "leat_abi.h"

#define SERVICES 1000
#define BACKENDS 10
#define CONFIG	 "/run/lb.yaml"
#define SOCKET	 "/run/leat.sock"
#define PINS	 "/sys/fs/bpf/leat-bench"
#define LOG	 "/run/leat.log"
#define WARM_MS	 1000 /* warm_up of the file */

static const char *leat;

static double now_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void pause_ms(unsigned ms)
{
	struct timespec ts = { ms / 1000, (long)(ms % 1000) * 1000000 };

	nanosleep(&ts, NULL);
}

/* Whether a shell's command succeeds. */
static bool run(const char *format, ...) __attribute__((format(printf, 1, 2)));

static bool run(const char *format, ...)
{
	char command[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	if (system(command) == 0)
		return true;
	fprintf(stderr, "scale: failed: %s\n", command);
	return false;
}

/* ---- the place ------------------------------------------------------------- */

static bool write_neighbours(void)
{
	FILE *batch = fopen("/run/neigh", "we");

	for (int i = 0; batch && i < SERVICES * BACKENDS; i++)
		fprintf(batch,
			"neigh add 10.1.%d.%d lladdr 02:00:00:00:00:02 dev gw0 nud permanent\n",
			i / 250, 1 + i % 250);
	return batch && !fclose(batch) && run("ip -batch /run/neigh");
}

static bool make_network(void)
{
	return run("mkdir -p /run/netns && ip netns add backends && ip link set lo up &&"
		   "ip link add gw0 type veth peer name be0 netns backends &&"
		   "ip addr add 10.1.255.254/16 dev gw0 && ip link set gw0 up &&"
		   "nsenter --net=/run/netns/backends sh -c 'ip link set lo up;"
		   "ip link set be0 address 02:00:00:00:00:02 up; sysctl -qw "
		   "net.core.somaxconn=16384;"
		   "ip addr add 10.1.255.253/32 dev be0; ip route add 10.1.255.254/32 dev be0;"
		   "ip route add local 10.1.0.0/17 dev lo'") &&
	       write_neighbours();
}

static bool enter_place(void)
{
	return !unshare(CLONE_NEWNET | CLONE_NEWNS) &&
	       !mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) &&
	       !mount("bench", "/run", "tmpfs", 0, NULL) &&
	       !mount("bpf", "/sys/fs/bpf", "bpf", 0, NULL) && make_network();
}

/* Accepts and closes for all backends. */
static void serve(void)
{
	struct sockaddr_in any = { .sin_family = AF_INET, .sin_port = htons(80) };
	int netns = open("/run/netns/backends", O_RDONLY | O_CLOEXEC);
	int fd, one = 1;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (netns < 0 || setns(netns, CLONE_NEWNET))
		_exit(1);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (fd < 0 || bind(fd, (struct sockaddr *)&any, sizeof(any)) || listen(fd, 16384))
		_exit(1);
	for (;;) {
		int client = accept(fd, NULL, NULL);

		if (client >= 0)
			close(client);
	}
}

/* The first backend of service 500 has @weight. */
static bool write_config(int weight)
{
	FILE *file = fopen(CONFIG, "we");

	if (!file)
		return false;
	fprintf(file, "interfaces: [{name: gw0}]\ntimers: {warm_up: %dms}\nservices:\n", WARM_MS);
	for (int i = 0; i < SERVICES; i++) {
		fprintf(file,
			"  - name: s%d\n    vip: 198.18.%d.%d:80\n"
			"    health: {type: tcp, interval: 5s, timeout: 2s}\n    backends:\n",
			i, i / 250, 1 + i % 250);
		for (int k = 0; k < BACKENDS; k++) {
			int n = i * BACKENDS + k;

			fprintf(file, "      - {name: b%d, address: 10.1.%d.%d, weight: %d}\n", k,
				n / 250, 1 + n % 250, i == 500 && k == 0 ? weight : 1);
		}
	}
	return !fclose(file);
}

/* ---- the agent ------------------------------------------------------------- */

static pid_t start_agent(void)
{
	pid_t pid = fork();
	int fd;

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	fd = open(LOG, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	dup2(fd, STDERR_FILENO);
	execl(leat, "leat", "run", "-c", CONFIG, "-s", SOCKET, "-p", PINS, NULL);
	_exit(127);
}

/* What a verb prints with --json, or NULL. */
static json_t *ask(const char *verb)
{
	char command[512];
	json_t *reply;
	FILE *pipe;

	snprintf(command, sizeof(command), "%s %s --json -s " SOCKET, leat, verb);
	pipe = popen(command, "re");
	if (!pipe)
		return NULL;
	reply = json_loadf(pipe, 0, NULL);
	pclose(pipe);
	return reply;
}

static long long figure(const char *verb, const char *key)
{
	json_t *reply = ask(verb);
	long long value = reply ? json_integer_value(json_object_get(reply, key)) : -1;

	json_decref(reply);
	return value;
}

/* ---- the data path --------------------------------------------------------- */

/* The program that is attached to gw0, or -1. */
static int program_fd(void)
{
	struct bpf_link_info link = {};
	__u32 length = sizeof(link);
	int fd = bpf_obj_get(PINS "/links/gw0");
	int err;

	if (fd < 0)
		return -1;
	err = bpf_obj_get_info_by_fd(fd, &link, &length);
	close(fd);
	return err ? -1 : bpf_prog_get_fd_by_id(link.prog_id);
}

struct syn {
	struct ethhdr eth;
	struct iphdr ip;
	struct tcphdr tcp;
} __attribute__((packed));

static bool is_forwarded(int prog, int service)
{
	struct syn syn = {
		.eth.h_proto = htons(ETH_P_IP),
		.ip = { .version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_TCP },
		.tcp = { .source = htons(12345), .dest = htons(80), .doff = 5, .syn = 1 },
	};
	struct xdp_md context = { .data_end = sizeof(syn),
				  .ingress_ifindex = if_nametoindex("gw0") };
	LIBBPF_OPTS(bpf_test_run_opts, test, .data_in = &syn, .data_size_in = sizeof(syn),
		    .ctx_in = &context, .ctx_size_in = sizeof(context));

	syn.ip.tot_len = htons(sizeof(syn.ip) + sizeof(syn.tcp));
	syn.ip.saddr = htonl(0xc0000202);
	syn.ip.daddr = htonl((198U << 24) + (18 << 16) + ((__u32)service / 250 << 8) + 1 +
			     (__u32)service % 250);
	return !bpf_prog_test_run_opts(prog, &test) &&
	       (test.retval == XDP_TX || test.retval == XDP_REDIRECT);
}

/* Seconds until each service has forwarded a packet; negative: 30 s were not enough. */
static double wait_forwarding(double since)
{
	int prog = -1, done = 0;

	while (done < SERVICES && now_s() - since < 30) {
		if (prog < 0)
			prog = program_fd();
		if (prog >= 0 && is_forwarded(prog, done))
			done++;
		else
			pause_ms(5);
	}
	if (prog >= 0)
		close(prog);
	return done == SERVICES ? now_s() - since : -1;
}

/* A copy of all words or stamps. */
static uint32_t *snapshot(const char *map, size_t *count)
{
	struct bpf_map_info info = {};
	__u32 length = sizeof(info);
	int fd = bpf_obj_get(map);
	uint32_t *live, *copy;
	size_t size;

	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &length))
		return NULL;
	size = (size_t)info.max_entries * info.value_size;
	live = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
	close(fd);
	copy = malloc(size);
	if (live == MAP_FAILED || !copy)
		return NULL;
	memcpy(copy, live, size);
	munmap(live, size);
	*count = size / sizeof(*copy);
	return copy;
}

static size_t differences(const uint32_t *a, const uint32_t *b, size_t count)
{
	size_t different = 0;

	for (size_t i = 0; i < count; i++)
		different += a[i] != b[i];
	return different;
}

/* ---- the figures ------------------------------------------------------------ */

static bool time_check(void)
{
	double start = now_s();
	bool is_good = run("%s check -c " CONFIG " >/dev/null", leat);

	printf("check: %d services x %d backends: %.3f s (to reach: 0.5)\n", SERVICES, BACKENDS,
	       now_s() - start);
	return is_good;
}

static bool time_start(const char *what, double since)
{
	double took = wait_forwarding(since);

	printf("%s: every service forwards after %.2f s (to reach: 5)\n", what, took);
	return took >= 0;
}

/* Until the probes have all decided and nothing moves any more. */
static bool wait_settled(void)
{
	for (int i = 0; i < 600; i++) {
		json_t *reply = ask("status"), *service;
		bool is_settled = reply != NULL;
		size_t k;

		json_array_foreach (json_object_get(reply, "services"), k, service) {
			const json_t *live = json_object_get(service, "digest_live");
			const json_t *target = json_object_get(service, "digest_target");

			is_settled &= json_equal(live, target) &&
				      !json_integer_value(json_object_get(service, "moving"));
		}
		json_decref(reply);
		if (is_settled)
			return true;
		pause_ms(200);
	}
	return false;
}

static long long timed_reload(double *took)
{
	double start = now_s();
	long long moves = figure("reload", "slots_moved");

	*took = now_s() - start;
	return moves;
}

static bool time_reload(void)
{
	size_t count = 0;
	uint32_t *words = snapshot(PINS "/lb_slots", &count);
	uint32_t *stamps = snapshot(PINS "/lb_stamps", &count);
	uint32_t *words_after, *stamps_after;
	long long planned, before = figure("status", "slot_writes"), warming, moved;
	double took;

	if (!words || !stamps || before < 0 || !write_config(2))
		return false;
	planned = timed_reload(&took);
	pause_ms(WARM_MS / 2);
	warming = figure("status", "slot_writes") - before;
	pause_ms(WARM_MS * 2);
	moved = figure("status", "slot_writes") - before;
	words_after = snapshot(PINS "/lb_slots", &count);
	stamps_after = snapshot(PINS "/lb_stamps", &count);
	if (!words_after || !stamps_after)
		return false;
	printf("reload: one weight of %d: %.3f s (to reach: 0.5); %lld slots to move; stores: %lld "
	       "to "
	       "begin, %lld in all (to reach: 3 a slot); words changed %zu, stamps changed "
	       "%zu, "
	       "of %zu\n",
	       SERVICES * BACKENDS, took, planned, warming, moved,
	       differences(words, words_after, count), differences(stamps, stamps_after, count),
	       count);
	free(words);
	free(stamps);
	free(words_after);
	free(stamps_after);
	/* max_moves lets so many begin at a time; the rest follow within the next intervals */
	return planned > 0 && warming > 0 && warming <= planned && moved == 3 * planned;
}

/* The agent's part, and all of it: while the agent answers it does nothing else. */
static bool time_status(void)
{
	double start = now_s(), answered;
	bool is_good = run("curl -sS -o /dev/null --unix-socket " SOCKET " http://leat/v1/status");

	answered = now_s();
	is_good &= run("%s status -s " SOCKET " >/dev/null", leat);
	printf("status: the agent answers after %.3f s; `leat status` takes %.3f s\n",
	       answered - start, now_s() - answered);
	return is_good;
}

/* A new agent over what is pinned: until its own program is attached and it answers. */
static bool time_restart(pid_t *agent)
{
	char command[512];
	double start;

	kill(*agent, SIGKILL);
	waitpid(*agent, NULL, 0);
	start = now_s();
	*agent = start_agent();
	snprintf(command, sizeof(command), "%s version -s " SOCKET " | grep -q 'running agent'",
		 leat);
	while (*agent > 0 && system(command) != 0) { /* the API answers when all is taken over */
		if (now_s() - start > 30)
			return false;
	}
	return *agent > 0 && time_start("taken over after kill -9", start);
}

static bool measure(pid_t *agent)
{
	if (!write_config(1) || !time_check())
		return false;
	*agent = start_agent();
	if (*agent < 0 || !time_start("start", now_s()))
		return false;
	if (!wait_settled() || !time_status() || !time_reload())
		return false;
	return time_restart(agent);
}

static int measure_inside(void)
{
	pid_t server, agent = -1;
	bool is_good = false;

	if (!enter_place()) {
		fprintf(stderr, "scale: no namespaces: %s\n", strerror(errno));
		return 1;
	}
	server = fork();
	if (!server)
		serve();
	if (server > 0)
		is_good = measure(&agent);
	if (!is_good)
		run("tail -n 5 " LOG " >&2");
	if (agent > 0)
		kill(agent, SIGKILL);
	if (server > 0)
		kill(server, SIGKILL);
	return !is_good;
}

int control_scale_run(const char *binary)
{
	int status = 1;
	pid_t pid = fork();

	leat = binary;
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		status = measure_inside();
		fflush(stdout);
		_exit(status);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return 1;
	return !WIFEXITED(status) || WEXITSTATUS(status);
}
