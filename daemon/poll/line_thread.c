#include "line_thread_internal.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#include "backoff.h"
#include "clock.h"
#include "decode.h"
#include "machine_again.h"
#include "mailbox.h"
#include "memory.h"
#include "transaction.h"

enum { SILENT_PART = 5 };

enum { TO_ALL = 0 }; /* no unit: it speaks to all, and none answers */

struct poll {
    const struct schedule *schedule;
    struct schedule_due due;
};

static bool covers(const void *context, int64_t every_ms)
{
    const struct poll *poll = context;
    return schedule_covers(poll->schedule, &poll->due, every_ms);
}

static void count(struct line_thread *thread, struct line_answer *answer)
{
    atomic_fetch_add(&thread->live->requests, answer->requests);
    atomic_fetch_add(&thread->live->timeouts, answer->timeouts);
    atomic_fetch_add(&thread->live->discarded, answer->discarded);
    answer->requests = answer->timeouts = answer->discarded = 0;
}

/* The moment of the last good answer, which lies a little before now. */
static struct instant arrival(const struct line_answer *answer)
{
    struct instant at;
    /* The first: what comes between the two clocks would make it too early. */
    int64_t now_ns = clock_mono_ns();
    clock_now(&at);
    if (answer->arrived_ns > 0) {
        int64_t ago_ms = (now_ns - answer->arrived_ns) / NS_PER_MS;
        at.wall_ms -= ago_ms;
        at.boot_ms -= ago_ms;
    }
    return at;
}

/* The line may have to fall silent first, for which a driver waits two time-outs. */
static int64_t longest_request_ns(const struct line_thread *thread)
{
    return (3 * thread->config->timeout_ms + thread->config->pause_ms) * NS_PER_MS;
}

/* There are at most as many requests as there are tags. */
static int64_t longest_poll_ns(const struct line_thread *thread, const struct machine_run *run)
{
    return (int64_t)(run->config->tag_count + 1 + MACHINE_AGAIN_MOST) * longest_request_ns(thread);
}

/* Several silent machines together take at most one part in so many of a line where others answer;
 * one alone is held to that by its growing waits. A time-out costs twice its length: the line has
 * to fall silent after it. */
static int64_t least_silence_ns(const struct line_thread *thread, const struct machine_run *run)
{
    size_t silent = 1;
    for (size_t i = 0; i < thread->machine_count; i++)
        silent += thread->machines[i] != run && thread->machines[i]->schedule.silent;
    if (silent == 1 || silent == thread->machine_count)
        return 0;
    return (int64_t)silent * SILENT_PART * 2 * thread->config->timeout_ms * NS_PER_MS;
}

static void ask_again(struct line_thread *thread, struct machine_run *run)
{
    char text[DECODE_TEXT_BYTES];
    while (thread->driver->again != NULL && thread->line != NULL && machine_again_wanted(run)) {
        struct sample sample = {.quality = QUALITY_FRAME};
        int result = thread->driver->again(thread->line, run->config, run->line_plan,
                                           run->config->job->id, text, &run->answer, &sample);
        count(thread, &run->answer);
        machine_again_heard(run, &sample);
        if (result < 0 && result != -EBADMSG && result != -ETIMEDOUT)
            line_link_close(thread, result);
    }
}

/* Why a poll came to nothing: what is an exception may be so since long before. */
static enum quality reason_of(const struct line_answer *answer)
{
    for (size_t i = 0; i < answer->count; i++)
        if (answer->samples[i].quality != QUALITY_EXCEPTION)
            return answer->samples[i].quality;
    return QUALITY_LINK;
}

static enum quality poll_open(struct line_thread *thread, struct machine_run *run,
                              const struct poll *poll)
{
    int result =
        thread->driver->poll(thread->line, run->config, run->line_plan, covers, poll, &run->answer);
    count(thread, &run->answer);
    if (result == 0) {
        schedule_answered(&run->schedule);
        ask_again(thread, run);
        return QUALITY_GOOD;
    }
    enum quality reason = reason_of(&run->answer);
    if (result == -ETIMEDOUT)
        schedule_unanswered(&run->schedule, clock_mono_ns(), thread->machine_count > 1,
                            least_silence_ns(thread, run));
    else
        line_link_close(thread, result);
    return reason;
}

static void poll_machine(struct line_thread *thread, struct machine_run *run)
{
    int64_t now_ns = clock_mono_ns();
    struct poll poll = {&run->schedule, schedule_take(&run->schedule, now_ns)};
    live_lateness(thread->output->live, now_ns - poll.due.since_ns);
    enum quality reason = QUALITY_LINK;
    line_promise_return(thread, longest_poll_ns(thread, run));
    if (thread->line != NULL)
        reason = poll_open(thread, run, &poll);
    else
        machine_run_fail(run, &poll.due, QUALITY_LINK);
    if (reason == QUALITY_GOOD && run->answer.arrived_ns > now_ns)
        live_duration(thread->output->live, run->answer.arrived_ns - now_ns);
    struct instant at = arrival(&run->answer);
    machine_run_finish(run, thread->output, &at, reason);
}

/* Whether its one machine speaks of its own accord. */
static bool is_listening(const struct line_thread *thread)
{
    return thread->line != NULL && thread->machine_count == 1 &&
           machine_speaks(thread->machines[0]->config);
}

/* What a machine that is not asked has said; nothing, mostly, is no poll. */
static void hear_machine(struct line_thread *thread, struct machine_run *run)
{
    const struct poll nothing = {.schedule = &run->schedule};
    line_promise_return(thread, longest_poll_ns(thread, run));
    enum quality reason = poll_open(thread, run, &nothing);
    struct instant at = arrival(&run->answer);
    if (run->answer.count > 0)
        machine_run_finish(run, thread->output, &at, reason);
}

static void watch_line(struct line_thread *thread)
{
    bool wanted = is_listening(thread);
    if (wanted && !thread->watched)
        mailbox_watch(thread->mailbox, thread->driver->descriptor(thread->line));
    else if (!wanted && thread->watched)
        mailbox_unwatch(thread->mailbox, thread->driver->descriptor(thread->line));
    thread->watched = wanted;
}

static void poll_next(struct line_thread *thread)
{
    int64_t now_ns = clock_mono_ns();
    struct machine_run *run = machine_run_next(thread->machines, thread->machine_count, now_ns);
    if (schedule_next(&run->schedule) <= now_ns)
        poll_machine(thread, run);
    else if (is_listening(thread))
        hear_machine(thread, run);
}

static int transact_open(struct line_thread *thread, struct transaction *transaction)
{
    struct line_answer answer = {0};
    line_promise_return(thread, longest_request_ns(thread));
    int result = thread->driver->transact(thread->line, transaction->unit, transaction->request,
                                          transaction->length, transaction->answer, &answer);
    count(thread, &answer);
    if (result < 0 && result != -ETIMEDOUT && result != -EBADMSG)
        line_link_close(thread, result);
    return result;
}

/* What a silent unit costs: the time-out, and another one until the line counts as quiet again. */
static void transact_next(struct line_thread *thread)
{
    struct transaction *transaction = atomic_load(&thread->transaction);
    int64_t silent_ns = 2 * thread->config->timeout_ms * NS_PER_MS;
    if (transaction == NULL ||
        !transaction_may_begin(transaction, thread->machines, thread->machine_count,
                               clock_mono_ns(), silent_ns))
        return;
    int result = thread->line != NULL ? transact_open(thread, transaction) : -ENOTCONN;
    atomic_store(&thread->transaction, NULL);
    transaction_end(transaction, result);
}

/* When there is something to do, or a second from now. */
static int64_t next_step(struct line_thread *thread)
{
    int64_t next_ns = clock_mono_ns() + NS_PER_S;
    if (thread->machine_count == 0)
        return next_ns;
    const struct transaction *transaction = atomic_load(&thread->transaction);
    if (transaction != NULL) {
        int64_t most_ns = transaction->since_ns + TRANSACTION_PATIENCE_MS * NS_PER_MS;
        next_ns = most_ns < next_ns ? most_ns : next_ns;
    }
    if (is_listening(thread) && thread->machines[0]->answer.more)
        return clock_mono_ns();
    int64_t due_ns = schedule_next(
        &machine_run_next(thread->machines, thread->machine_count, INT64_MIN)->schedule);
    if (due_ns < next_ns)
        next_ns = due_ns;
    if (thread->line == NULL && thread->open_at_ns < next_ns)
        next_ns = thread->open_at_ns;
    return next_ns;
}

/* Opens the line if it is time, asks one machine if one is due, puts in what others ask, and
 * returns when to come again. */
static int64_t step(struct line_thread *thread)
{
    bool idle = thread->machine_count == 0 && atomic_load(&thread->transaction) == NULL;
    if (thread->line == NULL && clock_mono_ns() >= thread->open_at_ns && !idle)
        line_link_open(thread);
    if (thread->machine_count > 0)
        poll_next(thread);
    transact_next(thread);
    return next_step(thread);
}

static void *run_line(void *argument)
{
    struct line_thread *thread = argument;
    char name[16];
    snprintf(name, sizeof(name), "%s", thread->config->name);
    pthread_setname_np(pthread_self(), name);
    tap_use(thread->live->tap);
    while (!thread->stopping) {
        int64_t next_ns = step(thread);
        watch_line(thread);
        atomic_store(&thread->back_by_ns, next_ns);
        mailbox_wait(thread->mailbox, next_ns);
    }
    thread->driver->close(thread->line);
    return NULL;
}

static void release(struct line_thread *thread)
{
    mailbox_free(thread->mailbox);
    plant_release(thread->plant);
    free(thread);
}

int line_thread_start(const struct poll_output *output, const struct plant *plant,
                      const struct link *link, struct live_link *live,
                      struct machine_run **machines, size_t machine_count,
                      struct line_thread **ret_thread)
{
    struct line_thread *thread = mem_alloc(sizeof(*thread));
    *thread = (struct line_thread){
        .mailbox = mailbox_new(),
        .output = output,
        .plant = plant_retain(plant),
        .config = link,
        .driver = line_driver_find(link->driver),
        .live = live,
        .machines = machines,
        .machine_count = machine_count,
        .back_by_ns = clock_mono_ns(),
    };
    backoff_init(&thread->backoff, NS_PER_S, 60 * NS_PER_S, (uint32_t)(uintptr_t)thread | 1);
    int error = -pthread_create(&thread->thread, NULL, run_line, thread);
    if (error < 0) {
        release(thread);
        return error;
    }
    *ret_thread = thread;
    return 0;
}

void line_thread_hurry(struct line_thread *thread)
{
    atomic_store(&thread->stopping, true);
    eventfd_write(mailbox_fd(thread->mailbox), 1);
}

void line_thread_stop(struct line_thread *thread)
{
    if (thread == NULL)
        return;
    line_thread_hurry(thread);
    pthread_join(thread->thread, NULL);
    struct transaction *transaction = atomic_exchange(&thread->transaction, NULL);
    if (transaction != NULL)
        transaction_end(transaction, -ECANCELED);
    release(thread);
}

struct change {
    struct line_thread *thread;
    struct machine_run **machines;
    size_t count;
};

static void do_set_machines(void *argument)
{
    struct change *change = argument;
    change->thread->machines = change->machines;
    change->thread->machine_count = change->count;
}

void line_thread_set_machines(struct line_thread *thread, struct machine_run **machines,
                              size_t machine_count)
{
    struct change change = {thread, machines, machine_count};
    mailbox_call(thread->mailbox, do_set_machines, &change);
}

void line_thread_call(struct line_thread *thread, void (*fn)(void *argument), void *argument)
{
    mailbox_call(thread->mailbox, fn, argument);
}

int line_thread_transact(struct line_thread *thread, struct transaction *transaction)
{
    struct transaction *none = NULL;
    if (thread->driver->transact == NULL || transaction->unit == TO_ALL)
        return -EOPNOTSUPP;
    if (!atomic_compare_exchange_strong(&thread->transaction, &none, transaction))
        return -EBUSY;
    eventfd_write(mailbox_fd(thread->mailbox), 1);
    return 0;
}

int64_t line_thread_back_by(const struct line_thread *thread)
{
    return atomic_load(&thread->back_by_ns);
}
