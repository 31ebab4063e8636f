/* SPDX-License-Identifier: GPL-2.0-only */
/* Programs that tests of probes talk to: real servers, started on loopback ports of their own. */
#ifndef LEAT_TESTS_REAL_SERVER_H
#define LEAT_TESTS_REAL_SERVER_H

#include <sys/types.h>

/** real_directory_new, real_directory_free - under /tmp, @path of 64 bytes; freed with all in it */
void real_directory_new(char *path);
void real_directory_free(const char *path);

/** real_port - a port of 127.0.0.1 that nobody listened on a moment ago */
unsigned real_port(void);

/** real_run - run @line by the shell and wait; the test fails unless it succeeds */
void real_run(const char *line);

/** real_start - start @line by the shell (begin it with exec); it dies with the test */
pid_t real_start(const char *line);

/** real_wait - until 127.0.0.1:@port accepts connections */
void real_wait(unsigned port);

/** real_stop - end what real_start() started */
void real_stop(pid_t pid);

/** real_authority_new - @dir/ca.crt and ca.key, for those to come */
void real_authority_new(const char *dir);

/**
 * real_certificate_new - @dir/@name.crt and @name.key, signed by ca
 * @subject_alt: "DNS:www.example.com", "IP:127.0.0.1"
 * ..._expired: since yesterday; ..._stranger: signed by itself
 */
void real_certificate_new(const char *dir, const char *name, const char *subject_alt);
void real_certificate_expired_new(const char *dir, const char *name, const char *subject_alt);
void real_certificate_stranger_new(const char *dir, const char *name, const char *subject_alt);

#endif
