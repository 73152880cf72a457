/* Bytes over a serial port or a socket, non-blocking underneath, each call with its deadline on
 * CLOCK_MONOTONIC. Any thread; descriptors of any number.
 *
 * A line that is gone gives a negative errno that is never -ETIMEDOUT nor -EBADMSG. */
#ifndef BINDERY_LINE_IO_H
#define BINDERY_LINE_IO_H

#include <stddef.h>
#include <stdint.h>

/* Connects to the first of the host's addresses that answers. Name resolution blocks and is not
 * bound by the deadline. 0 with a non-blocking socket, or negative errno. */
int line_io_dial(const char *host, uint16_t port, int64_t until_ns, int *ret_fd);

/* What there is, once there is something. The number of bytes, 0 at the deadline, or the line is
 * gone. What waits already is read even when the deadline has passed. */
int line_io_read(int fd, int64_t until_ns, uint8_t *ret_bytes, size_t room);

/* All of it. 0, -ETIMEDOUT at the deadline, or the line is gone. */
int line_io_write(int fd, int64_t until_ns, const uint8_t *bytes, size_t length);

#endif
