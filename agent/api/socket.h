/* SPDX-License-Identifier: GPL-2.0-only */
/* The listening unix socket and its file. */
#ifndef LEAT_API_SOCKET_H
#define LEAT_API_SOCKET_H

#include <sys/types.h>
#include <sys/un.h>

/** struct api_socket - a listening socket, and what tells its file from a successor's */
struct api_socket {
	int fd;
	dev_t device;
	ino_t inode;
	struct sockaddr_un address;
};

/**
 * api_socket_open - bind and listen on @path, non-blocking, mode 0600
 * The last directory of @path is made where absent. A socket that refuses connections is replaced.
 * Returns 0; -EADDRINUSE: another agent answers there, or is just starting; -ENOTSOCK: @path is
 * something else, which is left alone; -ENAMETOOLONG; else -errno.
 */
int api_socket_open(const char *path, struct api_socket *out);

/** api_socket_unlink - remove the file, unless another socket took its place; does not close fd */
void api_socket_unlink(const struct api_socket *socket);

#endif
