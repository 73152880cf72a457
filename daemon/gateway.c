#include "gateway_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "clock.h"
#include "log.h"
#include "memory.h"

/* What readings may take of memory while the store can't have them. */
enum { QUEUE_BYTES = 16 * 1024 * 1024 };

enum { SAVE_S = 60 };

/* --- links --- */

static int start_polling(struct gateway *gateway, struct link_run *run)
{
    const struct link *link = run->config;
    int error = link->recording != NULL ? playback_start(link, &run->playback) : 0;
    if (error < 0)
        return error;
    if (run->playback != NULL)
        link = playback_link(run->playback);
    if (line_driver_find(link->driver) != NULL)
        return line_thread_start(&gateway->output, run->plant, link, run->live, run->machines,
                                 run->machine_count, &run->line);
    run->tcp =
        poller_add(gateway->poller, run->plant, link, run->live, run->machines, run->machine_count);
    return 0;
}

static void stop_polling(struct gateway *gateway, struct link_run *run)
{
    if (run->tcp != NULL)
        poller_remove(gateway->poller, run->tcp);
    line_thread_stop(run->line);
    playback_stop(run->playback);
}

static uint32_t source_of(const struct plant *plant, const uint32_t *sources,
                          const struct machine *machine)
{
    return sources[machine - plant->machines];
}

/* The one among those of a link that is exactly this machine; NULL where it has none. */
static struct machine_run *find_machine(const struct link_run *run, const struct machine *machine)
{
    for (size_t i = 0; i < run->machine_count; i++)
        if (machine_equal(run->machines[i]->config, machine))
            return run->machines[i];
    return NULL;
}

/* The machines that a link shall have: those that it has already, and new ones. */
static struct machine_run **gather_machines(struct gateway *gateway, const struct plant *plant,
                                            const struct link *link, const uint32_t *sources,
                                            const struct link_run *run)
{
    struct machine_run **machines = mem_array(link->machine_count, sizeof(struct machine_run *));
    for (size_t i = 0; i < link->machine_count; i++) {
        const struct machine *machine = link->machines[i];
        machines[i] = find_machine(run, machine);
        if (machines[i] == NULL)
            machines[i] = machine_run_new(plant, machine, source_of(plant, sources, machine),
                                          gateway->machine_number++, &gateway->output);
    }
    return machines;
}

static struct link_run *start_link(struct gateway *gateway, const struct plant *plant,
                                   const struct link *link, const uint32_t *sources)
{
    struct link_run *run = mem_alloc(sizeof(*run));
    run->plant = plant_retain(plant);
    run->config = link;
    run->live = live_add_link(gateway->live, link);
    run->machines = gather_machines(gateway, plant, link, sources, run);
    run->machine_count = link->machine_count;
    int error = start_polling(gateway, run);
    if (error < 0) {
        log_error("link %s: it can't be served: %s", link->name, strerrordesc_np(-error));
        exit(EX_OSERR);
    }
    return run;
}

static void stop_link(struct gateway *gateway, struct link_run *run)
{
    if (run == NULL)
        return;
    stop_polling(gateway, run);
    for (size_t i = 0; i < run->machine_count; i++)
        machine_run_free(run->machines[i], &gateway->output);
    live_remove_link(gateway->live, run->live);
    plant_release(run->plant);
    free(run->machines);
    free(run);
}

/* Takes over the array. */
static void set_machines(struct gateway *gateway, struct link_run *run,
                         struct machine_run **machines, size_t count)
{
    if (run->tcp != NULL)
        poller_set_machines(gateway->poller, run->tcp, machines, count);
    else
        line_thread_set_machines(run->line, machines, count);
    free(run->machines);
    run->machines = machines;
    run->machine_count = count;
}

/* Of a machine that refused something everything is asked for again. */
static bool wants(const struct gateway *gateway, const struct link *link,
                  const struct machine_run *run)
{
    if (live_refuses(gateway->live, run->live))
        return false;
    for (size_t i = 0; i < link->machine_count; i++)
        if (machine_equal(link->machines[i], run->config))
            return true;
    return false;
}

/* The link itself stays; machines that it shall not have, or not as they were, go. Their counters
 * and states stand still from here on. */
static void drop_machines(struct gateway *gateway, struct link_run *run, const struct link *link)
{
    size_t count = run->machine_count, kept = 0, gone = 0;
    struct machine_run **stay = mem_array(count, sizeof(struct machine_run *));
    struct machine_run **leave = mem_array(count, sizeof(struct machine_run *));
    for (size_t i = 0; i < count; i++)
        if (wants(gateway, link, run->machines[i]))
            stay[kept++] = run->machines[i];
        else
            leave[gone++] = run->machines[i];
    if (gone > 0)
        set_machines(gateway, run, stay, kept);
    else
        free(stay);
    for (size_t i = 0; i < gone; i++)
        machine_run_free(leave[i], &gateway->output);
    free(leave);
}

static void add_machines(struct gateway *gateway, struct link_run *run, const struct plant *plant,
                         const struct link *link, const uint32_t *sources)
{
    size_t count = link->machine_count;
    struct machine_run **machines = gather_machines(gateway, plant, link, sources, run);
    if (run->machine_count == count &&
        memcmp(run->machines, machines, count * sizeof(struct machine_run *)) == 0) {
        free(machines);
        return;
    }
    set_machines(gateway, run, machines, count);
    log_info("link %s: its machines have changed", link->name);
}

static struct link_run **find_unchanged(struct gateway *gateway, const struct link *link)
{
    for (size_t i = 0; i < gateway->link_count; i++)
        if (gateway->links[i] != NULL && link_equal(gateway->links[i]->config, link))
            return &gateway->links[i];
    return NULL;
}

/* First what is no more lets go of its port, device and counters, then others take them. */
static void set_links(struct gateway *gateway, const struct plant *plant, const uint32_t *sources)
{
    struct link_run **links = mem_array(plant->link_count, sizeof(struct link_run *));
    for (size_t i = 0; i < plant->link_count; i++) {
        struct link_run **unchanged = find_unchanged(gateway, &plant->links[i]);
        if (unchanged == NULL)
            continue;
        links[i] = *unchanged;
        *unchanged = NULL;
    }
    for (size_t i = 0; i < gateway->link_count; i++)
        stop_link(gateway, gateway->links[i]);
    for (size_t i = 0; i < plant->link_count; i++)
        if (links[i] != NULL)
            drop_machines(gateway, links[i], &plant->links[i]);
    for (size_t i = 0; i < plant->link_count; i++) {
        if (links[i] != NULL)
            add_machines(gateway, links[i], plant, &plant->links[i], sources);
        else
            links[i] = start_link(gateway, plant, &plant->links[i], sources);
    }
    free(gateway->links);
    gateway->links = links;
    gateway->link_count = plant->link_count;
}

/* --- the whole --- */

static int start_poller(struct gateway *gateway)
{
    int error = poller_start(&gateway->output, &gateway->poller);
    if (error == -EMFILE || error == -ENFILE)
        log_error("no descriptor is left to watch connections with: raise LimitNOFILE");
    else if (error < 0)
        log_error("the poll loop can't be started: %s", strerrordesc_np(-error));
    return error;
}

static int start(struct gateway *gateway, const struct plant *plant)
{
    gateway->queue = queue_new(QUEUE_BYTES);
    gateway->live = live_new();
    gateway->output = (struct poll_output){
        .queue = gateway->queue,
        .live = gateway->live,
        .standings = &gateway->standings,
        .refused = &gateway->refused,
        .tick_ns = plant->tick_ms * NS_PER_MS,
    };
    struct text path = {0};
    text_addf(&path, "%s.refused", plant->store.path);
    refused_load(&gateway->refused, path.data);
    text_free(&path);
    uint32_t *sources = mem_array(plant->machine_count, sizeof(*sources));
    int error = forward_start(plant, gateway->queue, gateway->live, sources, &gateway->standings,
                              &gateway->forward);
    if (error == 0)
        error = start_poller(gateway);
    if (error == 0)
        set_links(gateway, plant, sources);
    free(sources);
    return error;
}

int gateway_start(const struct plant *plant, struct gateway **ret_gateway)
{
    struct gateway *gateway = mem_alloc(sizeof(*gateway));
    gateway->plant = plant_retain(plant);
    int error = start(gateway, plant);
    if (error < 0) {
        gateway_stop(gateway);
        return error;
    }
    log_info("gateway %s: running, %zu links, %zu machines, %zu uplinks", plant->gateway,
             plant->link_count, plant->machine_count, plant->uplink_count);
    *ret_gateway = gateway;
    return 0;
}

static void save_refused(struct gateway *gateway)
{
    int error = refused_save(&gateway->refused, gateway->live);
    if (error < 0)
        log_warn("what machines refuse can't be written down: %s", strerrordesc_np(-error));
    gateway->save_ns = clock_mono_ns() + SAVE_S * NS_PER_S;
}

void gateway_tick(struct gateway *gateway)
{
    if (clock_mono_ns() >= gateway->save_ns)
        save_refused(gateway);
}

void gateway_stop(struct gateway *gateway)
{
    if (gateway == NULL)
        return;
    if (gateway->link_count > 0)
        save_refused(gateway);
    for (size_t i = 0; i < gateway->link_count; i++)
        if (gateway->links[i]->line != NULL)
            line_thread_hurry(gateway->links[i]->line);
    for (size_t i = 0; i < gateway->link_count; i++)
        stop_link(gateway, gateway->links[i]);
    free(gateway->links);
    poller_stop(gateway->poller);
    forward_stop(gateway->forward);
    live_free(gateway->live);
    queue_free(gateway->queue);
    standings_free(&gateway->standings);
    refused_free(&gateway->refused);
    plant_release(gateway->plant);
    free(gateway);
}

static bool same_zone(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static void warn_of_restart(const struct plant *before, const struct plant *after)
{
    const struct store_settings *a = &before->store, *b = &after->store;
    if (strcmp(a->path, b->path) != 0 || a->max_size != b->max_size ||
        a->commit_every_ms != b->commit_every_ms || a->durability != b->durability ||
        a->replay_window_ms != b->replay_window_ms)
        log_warn("store: what changed here takes effect after a restart");
    if (before->tick_ms != after->tick_ms)
        log_warn("tick: takes effect after a restart");
    if (strcmp(before->control, after->control) != 0)
        log_warn("control: takes effect after a restart");
    if (!same_zone(before->timezone, after->timezone))
        log_warn("timezone: takes effect after a restart");
}

int gateway_reload(struct gateway *gateway, const struct plant *plant)
{
    uint32_t *sources = mem_array(plant->machine_count, sizeof(*sources));
    int error = forward_reload(gateway->forward, plant, sources);
    if (error == 0) {
        refused_forget(&gateway->refused);
        set_links(gateway, plant, sources);
        warn_of_restart(gateway->plant, plant);
        plant_release(gateway->plant);
        gateway->plant = plant_retain(plant);
        log_info("gateway %s: reloaded, %zu links, %zu machines, %zu uplinks", plant->gateway,
                 plant->link_count, plant->machine_count, plant->uplink_count);
    }
    free(sources);
    return error;
}

const char *gateway_stalled(struct gateway *gateway, int64_t at_ns)
{
    if (at_ns > forward_back_by(gateway->forward))
        return "the forward loop";
    if (at_ns > poller_back_by(gateway->poller))
        return "the poll loop";
    for (size_t i = 0; i < gateway->link_count; i++) {
        const struct link_run *run = gateway->links[i];
        if (run->line == NULL || at_ns <= line_thread_back_by(run->line))
            continue;
        snprintf(gateway->stalled, sizeof(gateway->stalled), "link %s", run->config->name);
        return gateway->stalled;
    }
    return NULL;
}

void gateway_tell_clock_step(struct gateway *gateway, const struct instant *now, int64_t step_ms)
{
    const struct event event = {
        .count = 1,
        .at = *now,
        .name = "clock_step",
        .fields = {{"step_ms", {.kind = VALUE_DECIMAL, .mantissa = step_ms}}},
    };
    struct queue_events events = {0};
    queue_add_event(&events, &event);
    queue_put_all(gateway->queue, &events, &(const struct reading){.at = *now});
}

const struct plant *gateway_plant(const struct gateway *gateway)
{
    return gateway->plant;
}

struct live *gateway_live(const struct gateway *gateway)
{
    return gateway->live;
}
