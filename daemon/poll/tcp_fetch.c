/* What serving a link touches lies in many places, each known from the one before. */
#include <assert.h>

#include "fetch.h"
#include "tcp_link_internal.h"

static const struct machine_run *run_of(const struct tcp_link *link)
{
    if (link->current != NULL)
        return link->current;
    return link->machine_count > 0 ? link->machines[0] : NULL;
}

void tcp_links_fetch(struct tcp_link *const *links, size_t count, bool answers)
{
    const struct machine_run *runs[TCP_LINKS_AT_ONCE];
    size_t run_count = 0;
    assert(count <= TCP_LINKS_AT_ONCE);
    for (size_t i = 0; i < count; i++)
        fetch(links[i], sizeof(*links[i]));
    for (size_t i = 0; i < count; i++) {
        fetch(links[i]->config, sizeof(*links[i]->config));
        fetch(links[i]->live, sizeof(*links[i]->live));
        fetch(links[i]->machines, 1);
    }
    for (size_t i = 0; i < count; i++) {
        const struct machine_run *run = run_of(links[i]);
        if (run == NULL)
            continue;
        runs[run_count++] = run;
        fetch(run, sizeof(*run));
        fetch(links[i]->tcp.tap, sizeof(*links[i]->tcp.tap));
    }
    for (size_t i = 0; i < run_count; i++)
        machine_run_fetch(runs[i]);
    for (size_t i = 0; i < run_count; i++)
        machine_run_fetch_values(runs[i], answers);
}
