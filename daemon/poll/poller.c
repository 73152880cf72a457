#include "poller.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"
#include "mailbox.h"
#include "memory.h"
#include "tcp_link.h"

struct poller {
    pthread_t thread;
    struct mailbox *mailbox;
    struct tcp_loop loop;
    struct tcp_link **links;
    int64_t *wake_ns; /* one a link, side by side: each tick looks at all of them */
    size_t link_count;
    _Atomic int64_t back_by_ns;
    bool stopping;
};

static int64_t round_up_to_tick(const struct poller *poller, int64_t at_ns)
{
    int64_t tick_ns = poller->loop.output->tick_ns;
    return at_ns + (tick_ns - at_ns % tick_ns) % tick_ns;
}

/* The tick to wake at next: the first at which there is something to do, or one within a second. */
static int64_t next_tick(const struct poller *poller, int64_t now_ns, int64_t first_ns)
{
    int64_t next_ns = now_ns + (poller->loop.asking > 0 ? 1 : NS_PER_S);
    if (first_ns < next_ns)
        next_ns = first_ns;
    if (next_ns <= now_ns)
        next_ns = now_ns + 1;
    return round_up_to_tick(poller, next_ns);
}

static void serve_ready(struct poller *poller, const struct epoll_event *events, size_t count,
                        int64_t now_ns)
{
    struct tcp_link *ready[TCP_LINKS_AT_ONCE];
    for (size_t i = 0; i < count; i++)
        ready[i] = events[i].data.ptr;
    tcp_links_fetch(ready, count, true);
    for (size_t i = 0; i < count; i++)
        poller->wake_ns[ready[i]->index] = tcp_link_ready(ready[i], events[i].events, now_ns);
}

static void take_events(struct poller *poller, int64_t now_ns)
{
    struct epoll_event events[TCP_LINKS_AT_ONCE];
    int count;
    /* Each has its turn but once a tick, however much comes. */
    for (size_t seen = 0; seen <= poller->link_count; seen += (size_t)count) {
        count = epoll_wait(poller->loop.epoll_fd, events, TCP_LINKS_AT_ONCE, 0);
        clock_now(&poller->loop.now);
        if (count > 0)
            serve_ready(poller, events, (size_t)count, now_ns);
        if (count < TCP_LINKS_AT_ONCE)
            break;
    }
}

static void take_names(struct poller *poller, int64_t now_ns)
{
    struct resolver_answer answer;
    while (resolver_take(poller->loop.resolver, &answer)) {
        struct tcp_link *link = answer.context;
        poller->wake_ns[link->index] = tcp_link_resolved(link, &answer, now_ns);
    }
}

/* Steps the links whose time has come, and returns when the first of all wants that next. */
static int64_t step_links(struct poller *poller, int64_t now_ns)
{
    struct tcp_link *due[TCP_LINKS_AT_ONCE];
    int64_t first_ns = INT64_MAX;
    for (size_t i = 0; i < poller->link_count;) {
        size_t count = 0;
        for (; i < poller->link_count && count < TCP_LINKS_AT_ONCE; i++) {
            if (poller->wake_ns[i] <= now_ns)
                due[count++] = poller->links[i];
            else if (poller->wake_ns[i] < first_ns)
                first_ns = poller->wake_ns[i];
        }
        tcp_links_fetch(due, count, false);
        for (size_t j = 0; j < count; j++) {
            int64_t wake_ns = tcp_link_step(due[j], now_ns);
            poller->wake_ns[due[j]->index] = wake_ns;
            if (wake_ns < first_ns)
                first_ns = wake_ns;
        }
    }
    return first_ns;
}

static void *run(void *argument)
{
    struct poller *poller = argument;
    pthread_setname_np(pthread_self(), "poll");
    int64_t now_ns = clock_mono_ns(), first_ns = now_ns;
    while (!poller->stopping) {
        int64_t next_ns = next_tick(poller, now_ns, first_ns);
        atomic_store(&poller->back_by_ns, next_ns);
        bool woken = mailbox_wait(poller->mailbox, next_ns);
        now_ns = clock_mono_ns();
        if (woken)
            take_names(poller, now_ns);
        take_events(poller, now_ns);
        first_ns = step_links(poller, now_ns);
    }
    return NULL;
}

static int start(struct poller *poller, const struct poll_output *output)
{
    poller->loop.output = output;
    poller->mailbox = mailbox_new();
    poller->loop.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (poller->loop.epoll_fd < 0)
        return -errno;
    poller->loop.resolver = resolver_new(mailbox_fd(poller->mailbox));
    atomic_store(&poller->back_by_ns, clock_mono_ns());
    return -pthread_create(&poller->thread, NULL, run, poller);
}

static void release(struct poller *poller)
{
    resolver_free(poller->loop.resolver);
    if (poller->loop.epoll_fd >= 0)
        close(poller->loop.epoll_fd);
    mailbox_free(poller->mailbox);
    free(poller->links);
    free(poller->wake_ns);
    free(poller);
}

int poller_start(const struct poll_output *output, struct poller **ret_poller)
{
    struct poller *poller = mem_alloc(sizeof(*poller));
    int error = start(poller, output);
    if (error < 0) {
        release(poller);
        return error;
    }
    *ret_poller = poller;
    return 0;
}

static void do_stop(void *argument)
{
    struct poller *poller = argument;
    poller->stopping = true;
}

void poller_stop(struct poller *poller)
{
    if (poller == NULL)
        return;
    mailbox_call(poller->mailbox, do_stop, poller);
    pthread_join(poller->thread, NULL);
    release(poller);
}

struct change {
    struct poller *poller;
    struct tcp_link *link;
    struct machine_run **machines;
    size_t count;
};

static void do_add(void *argument)
{
    struct change *change = argument;
    struct poller *poller = change->poller;
    size_t count = poller->link_count + 1;
    poller->links = mem_resize(poller->links, count * sizeof(struct tcp_link *));
    poller->wake_ns = mem_resize(poller->wake_ns, count * sizeof(*poller->wake_ns));
    change->link->index = (unsigned)poller->link_count;
    poller->links[poller->link_count] = change->link;
    poller->wake_ns[poller->link_count++] = 0;
}

struct tcp_link *poller_add(struct poller *poller, const struct plant *plant,
                            const struct link *config, struct live_link *live,
                            struct machine_run **machines, size_t count)
{
    struct tcp_link *link = tcp_link_new(&poller->loop, plant, config, live);
    tcp_link_set_machines(link, machines, count);
    struct change change = {.poller = poller, .link = link};
    mailbox_call(poller->mailbox, do_add, &change);
    return link;
}

static void do_remove(void *argument)
{
    struct change *change = argument;
    struct poller *poller = change->poller;
    size_t index = change->link->index;
    size_t last = --poller->link_count;
    poller->links[index] = poller->links[last];
    poller->links[index]->index = (unsigned)index;
    poller->wake_ns[index] = poller->wake_ns[last];
    tcp_link_free(change->link);
}

void poller_remove(struct poller *poller, struct tcp_link *link)
{
    struct change change = {.poller = poller, .link = link};
    mailbox_call(poller->mailbox, do_remove, &change);
}

static void do_set_machines(void *argument)
{
    struct change *change = argument;
    tcp_link_set_machines(change->link, change->machines, change->count);
    change->poller->wake_ns[change->link->index] = 0;
}

void poller_set_machines(struct poller *poller, struct tcp_link *link,
                         struct machine_run **machines, size_t count)
{
    struct change change = {poller, link, machines, count};
    mailbox_call(poller->mailbox, do_set_machines, &change);
}

struct handover {
    struct poller *poller;
    struct tcp_link *link;
    struct transaction *transaction;
    int result;
};

static void do_transact(void *argument)
{
    struct handover *handover = argument;
    handover->result = tcp_link_transact(handover->link, handover->transaction);
    handover->poller->wake_ns[handover->link->index] = 0;
}

int poller_transact(struct poller *poller, struct tcp_link *link, struct transaction *transaction)
{
    struct handover handover = {poller, link, transaction, 0};
    mailbox_call(poller->mailbox, do_transact, &handover);
    return handover.result;
}

void poller_call(struct poller *poller, void (*fn)(void *argument), void *argument)
{
    mailbox_call(poller->mailbox, fn, argument);
}

int64_t poller_back_by(const struct poller *poller)
{
    return atomic_load(&poller->back_by_ns);
}
