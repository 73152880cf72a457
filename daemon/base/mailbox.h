/* "Do this on your thread, I wait": how one thread changes what another owns. The owner sleeps on
 * the mailbox's descriptor and serves it; the same descriptor may be written to by whoever else
 * wants to wake the owner. */
#ifndef BINDERY_MAILBOX_H
#define BINDERY_MAILBOX_H

#include <stdbool.h>
#include <stdint.h>

struct mailbox;

struct mailbox *mailbox_new(void);
void mailbox_free(struct mailbox *mailbox);

/* An eventfd, non-blocking. */
int mailbox_fd(const struct mailbox *mailbox);

/* Runs fn(argument) on the owner's thread and returns when it has. Not from the owner itself. */
void mailbox_call(struct mailbox *mailbox, void (*fn)(void *argument), void *argument);

/* The owner: another descriptor that wakes it when it is readable, from now on (again and again),
 * or no more. Closing it ends that, too. */
void mailbox_watch(struct mailbox *mailbox, int fd);
void mailbox_unwatch(struct mailbox *mailbox, int fd);

/* The owner: sleeps until someone writes or until_ns (CLOCK_MONOTONIC) has come, then runs what
 * was posted. Returns whether someone wrote. */
bool mailbox_wait(struct mailbox *mailbox, int64_t until_ns);

#endif
