/* What is asked of a link in service, from outside. */
#include <errno.h>
#include <string.h>

#include "clock.h"
#include "gateway_internal.h"

struct set_counter {
    struct machine_run *run;
    const struct poll_output *output;
    const char *tag;
    int64_t total;
    int result;
};

static void do_set_counter(void *argument)
{
    struct set_counter *set = argument;
    set->result = machine_run_set_counter(set->run, set->output, set->tag, set->total);
}

/* Whoever polls the link is overdue, as on a line that hangs. */
static bool hangs(const struct gateway *gateway, const struct link_run *run)
{
    int64_t back_by_ns =
        run->line != NULL ? line_thread_back_by(run->line) : poller_back_by(gateway->poller);
    return clock_mono_ns() > back_by_ns + NS_PER_S;
}

/* On the thread that polls the link; false where that hangs. */
static bool call_poller(struct gateway *gateway, const struct link_run *run,
                        void (*fn)(void *argument), void *argument)
{
    if (hangs(gateway, run))
        return false;
    if (run->tcp != NULL)
        poller_call(gateway->poller, fn, argument);
    else
        line_thread_call(run->line, fn, argument);
    return true;
}

int gateway_set_counter(struct gateway *gateway, const char *machine, const char *tag,
                        int64_t total)
{
    struct set_counter set = {.output = &gateway->output, .tag = tag, .total = total};
    for (size_t i = 0; i < gateway->link_count; i++) {
        struct link_run *link = gateway->links[i];
        for (size_t j = 0; j < link->machine_count; j++) {
            set.run = link->machines[j];
            if (strcmp(set.run->config->name, machine) != 0)
                continue;
            return call_poller(gateway, link, do_set_counter, &set) ? set.result : -EBUSY;
        }
    }
    return -ENODEV;
}

int gateway_transact(struct gateway *gateway, const char *link, struct transaction *transaction)
{
    for (size_t i = 0; i < gateway->link_count; i++) {
        const struct link_run *run = gateway->links[i];
        if (strcmp(run->config->name, link) != 0)
            continue;
        if (hangs(gateway, run))
            return -EBUSY;
        if (run->line != NULL)
            return line_thread_transact(run->line, transaction);
        return poller_transact(gateway->poller, run->tcp, transaction);
    }
    return -ENODEV;
}
