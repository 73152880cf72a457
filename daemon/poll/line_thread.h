/* A line's own loop: a thread that asks the machines of one slow, shared link through its driver,
 * one after the other. A stuck adapter holds up nobody else.
 *
 * All calls from the thread that owns it; they wait for the poll in progress, which is bounded by
 * the link's time-outs, where nothing else is said. */
#ifndef BINDERY_LINE_THREAD_H
#define BINDERY_LINE_THREAD_H

#include <stdint.h>

#include "machine.h"

struct line_thread;
struct transaction;

/* 0 or negative errno. */
int line_thread_start(const struct poll_output *output, const struct plant *plant,
                      const struct link *link, struct live_link *live,
                      struct machine_run **machines, size_t count, struct line_thread **ret_thread);
void line_thread_stop(struct line_thread *thread); /* accepts NULL */

/* Before stopping many: asks it to end, and does not wait. */
void line_thread_hurry(struct line_thread *thread);

/* Other machines in the place of the present ones; the array stays the caller's. */
void line_thread_set_machines(struct line_thread *thread, struct machine_run **machines,
                              size_t count);

/* Runs fn(argument) between two polls, and returns when it has. */
void line_thread_call(struct line_thread *thread, void (*fn)(void *argument), void *argument);

/* Takes a transaction over, and does not wait. 0; -EOPNOTSUPP where the driver has none, and
 * for unit 0, which is all of them; -EBUSY where there is one already. */
int line_thread_transact(struct line_thread *thread, struct transaction *transaction);

/* As poller_back_by. */
int64_t line_thread_back_by(const struct line_thread *thread);

#endif
