/* Whether a host takes connections, asked beside a library that does not say why it could not
 * connect. Nothing is sent. */
#ifndef BINDERY_REACH_H
#define BINDERY_REACH_H

#include <sys/socket.h>

/* Starts connecting. 0 with a descriptor to close, or -errno where it failed at once. */
int reach_start(const struct sockaddr *address, socklen_t length, int *ret_fd);

/* 0 when it is connected, -EINPROGRESS while it is not yet known, or why not, as -errno. */
int reach_result(int fd);

#endif
