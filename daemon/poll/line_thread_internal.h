/* A line's thread in two parts: line_link.c opens and closes the line, line_thread.c polls. */
#ifndef BINDERY_LINE_THREAD_INTERNAL_H
#define BINDERY_LINE_THREAD_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "backoff.h"
#include "clock.h"
#include "line_thread.h"

struct line_thread {
    pthread_t thread;
    struct mailbox *mailbox;
    const struct poll_output *output;
    const struct plant *plant; /* retained */
    const struct link *config;
    const struct line_driver *driver;
    struct live_link *live;
    struct machine_run **machines;
    size_t machine_count;
    struct line *line; /* NULL while closed */
    bool watched;      /* it wakes the thread when something comes */
    struct backoff backoff;
    int64_t open_at_ns;
    bool failed; /* known to be down */
    int64_t failed_since_ns;
    _Atomic(struct transaction *) transaction; /* waits for its turn; NULL: none */
    atomic_bool stopping;
    _Atomic int64_t back_by_ns;
};

static inline void line_promise_return(struct line_thread *thread, int64_t within_ns)
{
    atomic_store(&thread->back_by_ns, clock_mono_ns() + within_ns);
}

/* Tries to open the line; where that fails, says when to try again. */
void line_link_open(struct line_thread *thread);

/* The line is gone: `error` says how. */
void line_link_close(struct line_thread *thread, int error);

#endif
