/* What the service manager is told (sd_notify(3)): a datagram to $NOTIFY_SOCKET, nothing without
 * one. Main thread. */
#ifndef BINDERY_NOTIFY_H
#define BINDERY_NOTIFY_H

#include <stdint.h>

/* "READY=1", "WATCHDOG=1", "STOPPING=1", "STATUS=…"; several lines at once are fine. */
void notify_send(const char *state);

/* How long the manager waits for the watchdog to be fed before it acts; 0: it does not. */
int64_t notify_watchdog_ns(void);

#endif
