/* SPDX-License-Identifier: GPL-2.0-only */
#include "api/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "model/cleanup.h"

#define BACKLOG 64

static int socket_fill_address(const char *path, struct sockaddr_un *out)
{
	size_t length = strlen(path);

	if (length == 0)
		return -EINVAL;
	if (length >= sizeof(out->sun_path))
		return -ENAMETOOLONG;
	*out = (struct sockaddr_un) { .sun_family = AF_UNIX };
	memcpy(out->sun_path, path, length + 1);
	return 0;
}

static void socket_directory(const char *path, char *buf, size_t size)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		snprintf(buf, size, ".");
	else if (slash == path)
		snprintf(buf, size, "/");
	else
		snprintf(buf, size, "%.*s", (int)(slash - path), path);
}

/*
 * The lock makes looking, removing and binding one step: of two agents that start
 * together and find the same dead socket, one must not remove the other's new one.
 * Returns a descriptor that holds the lock, or -errno.
 */
static int socket_lock_directory(const char *path)
{
	char directory[sizeof(((struct sockaddr_un *)0)->sun_path)];
	int fd;

	socket_directory(path, directory, sizeof(directory));
	if (mkdir(directory, 0755) != 0 && errno != EEXIST)
		return -errno;
	fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		int error = errno;

		close(fd);
		return error == EWOULDBLOCK ? -EADDRINUSE : -error;
	}
	return fd;
}

/* 0 where nothing stands in the way of bind any more */
static int socket_clear_path(const struct sockaddr_un *address)
{
	AUTO_CLOSE int fd = -1;
	struct stat st;

	if (lstat(address->sun_path, &st) != 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -ENOTSOCK;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	/* EAGAIN: somebody listens, and is busy */
	if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 || errno == EAGAIN)
		return -EADDRINUSE;
	if (errno != ECONNREFUSED)
		return -errno;
	return unlink(address->sun_path) == 0 ? 0 : -errno;
}

/* nobody can connect before listen(), so the mode is right before it matters */
static int socket_listen(int fd, const struct sockaddr_un *address, struct stat *st)
{
	const char *path = address->sun_path;
	int error;

	if (bind(fd, (const struct sockaddr *)address, sizeof(*address)) != 0)
		return -errno;
	if (chmod(path, 0600) == 0 && lstat(path, st) == 0 && listen(fd, BACKLOG) == 0)
		return 0;
	error = errno;
	unlink(path);
	return -error;
}

int api_socket_open(const char *path, struct api_socket *out)
{
	AUTO_CLOSE int lock = -1;
	AUTO_CLOSE int fd = -1;
	struct sockaddr_un address;
	struct stat st;
	int err;

	err = socket_fill_address(path, &address);
	if (err)
		return err;
	lock = socket_lock_directory(path);
	if (lock < 0)
		return lock;
	err = socket_clear_path(&address);
	if (err)
		return err;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	err = socket_listen(fd, &address, &st);
	if (err)
		return err;
	*out = (struct api_socket) {
		.fd = fd, .device = st.st_dev, .inode = st.st_ino, .address = address
	};
	fd = -1;
	return 0;
}

void api_socket_unlink(const struct api_socket *socket)
{
	struct stat st;

	if (lstat(socket->address.sun_path, &st) != 0)
		return;
	if (st.st_dev == socket->device && st.st_ino == socket->inode)
		unlink(socket->address.sun_path);
}
