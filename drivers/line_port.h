/* The bytes of a line: a serial port, or a serial server reached over TCP. Each call has its
 * deadline on CLOCK_MONOTONIC. One thread at a time.
 *
 * A line that is gone gives a negative errno that is never -ETIMEDOUT nor -EBADMSG. */
#ifndef BINDERY_LINE_PORT_H
#define BINDERY_LINE_PORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plant.h"

struct line_port;

/* As line_driver.open. A serial port is ours alone, and as the link wants it: rate, format, RS-485.
 * -EBUSY where another program has it, -ENOTTY where the device is no port, -EINVAL where it does
 * not take the rate or the format. */
int line_port_open(const struct link *link, struct line_port **ret_port);

/* What there is, once there is something. The number of bytes, 0 at the deadline, or the line is
 * gone. What waits already is read even when the deadline has passed. */
int line_port_read(struct line_port *port, int64_t until_ns, uint8_t *ret_bytes, size_t room);

/* All of it. 0, -ETIMEDOUT at the deadline, or the line is gone. */
int line_port_write(struct line_port *port, int64_t until_ns, const uint8_t *bytes, size_t length);

/* Throws away what waits on a serial port, both ways; nothing over TCP. */
void line_port_flush(struct line_port *port);

/* Readable when there is something to read, for poll(2) and the like. */
int line_port_descriptor(const struct line_port *port);

bool line_port_is_serial(const struct line_port *port);

/* As line_driver.remark. */
const char *line_port_remark(const struct line_port *port);

void line_port_close(struct line_port *port); /* accepts NULL */

#endif
