/* SPDX-License-Identifier: GPL-2.0-only */
#include "real_server.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "health_fixture.h"

#define PATIENCE_MS 20000

void real_directory_new(char *path)
{
	strcpy(path, "/tmp/leat-test-XXXXXX");
	assert_non_null(mkdtemp(path));
}

void real_directory_free(const char *path)
{
	char line[128];

	snprintf(line, sizeof(line), "rm -rf %s", path);
	real_run(line);
}

unsigned real_port(void)
{
	unsigned port = 0;

	close(open_port("127.0.0.1", -1, &port));
	return port;
}

void real_run(const char *line)
{
	int status = system(line);

	if (status)
		fail_msg("status %d: %s", status, line);
}

pid_t real_start(const char *line)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	execl("/bin/sh", "sh", "-c", line, NULL);
	_exit(127);
}

static bool accepts(unsigned port)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int err;

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	err = connect(fd, (struct sockaddr *)&to, sizeof(to));
	close(fd);
	return !err;
}

void real_wait(unsigned port)
{
	unsigned waited_ms = 0;

	while (!accepts(port)) {
		assert_true(waited_ms < PATIENCE_MS);
		usleep(20000);
		waited_ms += 20;
	}
}

void real_stop(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* ---- certificates ------------------------------------------------------- */

#define NEW_KEY "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
#define SIGNED	"-CA ca.crt -CAkey ca.key -CAcreateserial"

void real_authority_new(const char *dir)
{
	char line[512];

	snprintf(line, sizeof(line),
		 "cd %s && openssl req -x509 " NEW_KEY
		 " -keyout ca.key -out ca.crt -days 30 -subj /CN=test-ca 2>/dev/null",
		 dir);
	real_run(line);
}

static void make_request(const char *dir, const char *name, const char *subject_alt)
{
	char line[512];

	snprintf(line, sizeof(line),
		 "cd %s && printf 'subjectAltName=%s\n' > %s.ext && openssl req -new " NEW_KEY
		 " -keyout %s.key -out %s.csr -subj /CN=%s 2>/dev/null",
		 dir, subject_alt, name, name, name, name);
	real_run(line);
}

static void sign_request(const char *dir, const char *name, const char *how)
{
	char line[512];

	snprintf(line, sizeof(line),
		 "cd %s && openssl x509 -req -in %s.csr -extfile %s.ext -out %s.crt %s 2>/dev/null",
		 dir, name, name, name, how);
	real_run(line);
}

void real_certificate_new(const char *dir, const char *name, const char *subject_alt)
{
	make_request(dir, name, subject_alt);
	sign_request(dir, name, SIGNED " -days 30");
}

void real_certificate_expired_new(const char *dir, const char *name, const char *subject_alt)
{
	make_request(dir, name, subject_alt);
	sign_request(dir, name, SIGNED " -days -1");
}

void real_certificate_stranger_new(const char *dir, const char *name, const char *subject_alt)
{
	char how[128];

	snprintf(how, sizeof(how), "-signkey %s.key -days 30", name);
	make_request(dir, name, subject_alt);
	sign_request(dir, name, how);
}
