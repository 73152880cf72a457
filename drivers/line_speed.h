/* What a serial port really runs at; apart, since the kernel's termios and libc's don't go
 * together. */
#ifndef BINDERY_LINE_SPEED_H
#define BINDERY_LINE_SPEED_H

#include <stdint.h>

/* The rate that its driver has settled on. 0 or negative errno. */
int line_speed_get(int fd, uint32_t *ret_baud);

#endif
