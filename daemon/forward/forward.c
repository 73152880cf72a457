#include "forward.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "clock.h"
#include "delivery.h"
#include "ledger.h"
#include "log.h"
#include "mailbox.h"
#include "memory.h"

enum { REPORT_MS = 1000 };

struct forward {
    pthread_t thread;
    struct mailbox *mailbox;
    const struct plant *plant; /* retained */
    struct ledger *ledger;
    struct delivery_context context;
    struct delivery **deliveries;
    size_t delivery_count;
    char store_id[40];
    int64_t report_ns;
    bool stopping;
    _Atomic int64_t back_by_ns;
};

static struct live_line line_now(const struct forward *forward, const struct line_status *status)
{
    const struct production_line *line = plant_line(forward->plant, status->name);
    struct live_line now = {.state = status->state, .good = status->good, .waste = status->waste};
    if (status->since_ms != LINE_TIME_UNKNOWN)
        now.since_ms = status->since_ms;
    snprintf(now.name, sizeof(now.name), "%s", status->name);
    snprintf(now.delivery, sizeof(now.delivery), "%s", line->machines[line->delivery]->name);
    snprintf(now.cause, sizeof(now.cause), "%s", status->cause != NULL ? status->cause : "");
    snprintf(now.reason, sizeof(now.reason), "%s", status->reason);
    if (status->bottleneck != NULL)
        snprintf(now.bottleneck, sizeof(now.bottleneck), "%s", status->bottleneck);
    return now;
}

static void report_lines(struct forward *forward)
{
    const struct lines *lines = ledger_lines(forward->ledger);
    size_t count = lines_count(lines);
    struct live_line *now = mem_array(count, sizeof(*now));
    for (size_t i = 0; i < count; i++)
        now[i] = line_now(forward, lines_status(lines, i));
    live_set_lines(forward->context.live, now, count);
    free(now);
}

static void report(struct forward *forward)
{
    struct live_uplink *uplinks = mem_array(forward->delivery_count, sizeof(*uplinks));
    struct live_store store;
    ledger_report(forward->ledger, &store);
    for (size_t i = 0; i < forward->delivery_count; i++)
        delivery_report(forward->deliveries[i], store.next_seq, &uplinks[i]);
    live_set_uplinks(forward->context.live, uplinks, forward->delivery_count);
    live_set_store(forward->context.live, &store);
    free(uplinks);
    report_lines(forward);
}

static struct audience audience(const struct forward *forward)
{
    return (struct audience){forward->deliveries, forward->delivery_count};
}

/* What the deliveries need to know of the ledger changes with each batch. */
static void refresh_context(struct forward *forward)
{
    forward->context.recent = ledger_recent(forward->ledger);
    forward->context.next_seq = ledger_next_seq(forward->ledger);
    forward->context.stored_end = ledger_stored_end(forward->ledger);
    forward->context.lines = ledger_lines(forward->ledger);
    forward->context.loads = ledger_loads(forward->ledger);
}

/* Where another store was begun: the uplinks tell its id. */
static void follow_store(struct forward *forward)
{
    const char *id = store_id(forward->context.store);
    if (strcmp(id, forward->store_id) == 0 || id[0] == '\0')
        return;
    for (size_t i = 0; i < forward->delivery_count && forward->store_id[0] != '\0'; i++)
        delivery_reopen(forward->deliveries[i], &forward->context);
    snprintf(forward->store_id, sizeof(forward->store_id), "%s", id);
}

/* One round of the loop; returns when the next is due. */
static int64_t step(struct forward *forward)
{
    int64_t now_ns = clock_mono_ns();
    int64_t next_ns = ledger_step(forward->ledger, audience(forward), now_ns);
    refresh_context(forward);
    follow_store(forward);
    lines_step(ledger_lines(forward->ledger));
    loads_step(ledger_loads(forward->ledger), now_ns);
    for (size_t i = 0; i < forward->delivery_count; i++) {
        int64_t delivery_ns = delivery_step(forward->deliveries[i], &forward->context, now_ns);
        if (delivery_ns < next_ns)
            next_ns = delivery_ns;
    }
    if (now_ns >= forward->report_ns) {
        report(forward);
        forward->report_ns = now_ns + REPORT_MS * NS_PER_MS;
    }
    return next_ns < forward->report_ns ? next_ns : forward->report_ns;
}

static void *run(void *argument)
{
    struct forward *forward = argument;
    pthread_setname_np(pthread_self(), "forward");
    while (!forward->stopping) {
        int64_t next_ns = step(forward);
        atomic_store(&forward->back_by_ns, next_ns);
        mailbox_wait(forward->mailbox, next_ns);
    }
    ledger_finish(forward->ledger, audience(forward));
    return NULL;
}

/* --- the plant's uplinks --- */

static struct delivery *find_delivery(const struct forward *forward, const char *name)
{
    for (size_t i = 0; i < forward->delivery_count; i++)
        if (forward->deliveries[i] != NULL &&
            strcmp(delivery_settings(forward->deliveries[i])->name, name) == 0)
            return forward->deliveries[i];
    return NULL;
}

static void take_out(struct forward *forward, const struct delivery *delivery)
{
    for (size_t i = 0; i < forward->delivery_count; i++)
        if (forward->deliveries[i] == delivery)
            forward->deliveries[i] = NULL;
}

/* An uplink whose settings stayed as they were goes on undisturbed. */
static void set_uplinks(struct forward *forward, const struct plant *plant)
{
    struct delivery **deliveries = mem_array(plant->uplink_count, sizeof(struct delivery *));
    ledger_save_cursors(forward->ledger, audience(forward));
    for (size_t i = 0; i < plant->uplink_count; i++) {
        const struct uplink_settings *settings = &plant->uplinks[i];
        struct delivery *old = find_delivery(forward, settings->name);
        if (old != NULL && uplink_settings_equal(delivery_settings(old), settings)) {
            take_out(forward, old);
            delivery_set_plant(old, plant);
            deliveries[i] = old;
            continue;
        }
        if (old != NULL) {
            take_out(forward, old);
            delivery_free(old, &forward->context);
        }
        int error = delivery_new(&forward->context, plant, settings, &deliveries[i]);
        if (error < 0) {
            log_error("uplink %s: its cursor can't be read: %s", settings->name,
                      strerrordesc_np(-error));
            exit(EX_OSERR);
        }
    }
    for (size_t i = 0; i < forward->delivery_count; i++)
        delivery_free(forward->deliveries[i], &forward->context);
    free(forward->deliveries);
    forward->deliveries = deliveries;
    forward->delivery_count = plant->uplink_count;
    ledger_drop_cursors(forward->ledger, plant);
}

/* --- starting, reloading, stopping --- */

static void release(struct forward *forward)
{
    for (size_t i = 0; i < forward->delivery_count; i++)
        delivery_free(forward->deliveries[i], &forward->context);
    free(forward->deliveries);
    ledger_close(forward->ledger);
    text_free(&forward->context.topic);
    text_free(&forward->context.payload);
    mailbox_free(forward->mailbox);
    plant_release(forward->plant);
    free(forward);
}

/* Whether every uplink's cursor can be read: before anything is changed. */
static int check_cursors(struct forward *forward, const struct plant *plant)
{
    int error = 0;
    for (size_t i = 0; i < plant->uplink_count && error == 0; i++) {
        struct ranges owed = {0};
        error = store_load_cursor(forward->context.store, plant->uplinks[i].name, &owed);
        ranges_free(&owed);
        if (error == -ENOENT)
            error = 0;
    }
    ledger_note_error(forward->ledger, error);
    if (error < 0)
        log_error("store: the cursors can't be read: %s", strerrordesc_np(-error));
    return error;
}

static int number_machines(struct forward *forward, const struct plant *plant,
                           uint32_t *ret_sources)
{
    int error = ledger_sources(forward->ledger, plant, ret_sources);
    return error == 0 ? check_cursors(forward, plant) : error;
}

/* What a plant needs of the store, before anything is changed. Damage that is found thereby is no
 * obstacle. */
static int prepare(struct forward *forward, const struct plant *plant, uint32_t *ret_sources)
{
    int error = number_machines(forward, plant, ret_sources);
    if (error < 0 && ledger_mend(forward->ledger, audience(forward))) {
        refresh_context(forward);
        follow_store(forward);
        error = number_machines(forward, plant, ret_sources);
    }
    return error;
}

int forward_start(const struct plant *plant, struct queue *queue, struct live *live,
                  uint32_t *ret_sources, struct standings *ret_standings,
                  struct forward **ret_forward)
{
    struct forward *forward = mem_alloc(sizeof(*forward));
    forward->mailbox = mailbox_new();
    forward->plant = plant_retain(plant);
    int error = ledger_open(plant, queue, &forward->ledger);
    if (error < 0)
        goto failed;
    forward->context = (struct delivery_context){
        .store = ledger_store(forward->ledger),
        .live = live,
        .wake_fd = mailbox_fd(forward->mailbox),
        .declare = ledger_declare,
        .declare_argument = forward->ledger,
    };
    ledger_wake_by(forward->ledger, mailbox_fd(forward->mailbox));
    refresh_context(forward);
    error = prepare(forward, plant, ret_sources);
    if (error < 0)
        goto failed;
    ledger_copy_standings(forward->ledger, ret_standings);
    set_uplinks(forward, plant);
    report(forward);
    atomic_store(&forward->back_by_ns, clock_mono_ns());
    error = -pthread_create(&forward->thread, NULL, run, forward);
    if (error < 0) {
        log_error("no thread can be started for the forward loop: %s", strerrordesc_np(-error));
        goto failed;
    }
    *ret_forward = forward;
    return 0;
failed:
    release(forward);
    return error;
}

static void do_stop(void *argument)
{
    struct forward *forward = argument;
    forward->stopping = true;
}

void forward_stop(struct forward *forward)
{
    if (forward == NULL)
        return;
    mailbox_call(forward->mailbox, do_stop, forward);
    pthread_join(forward->thread, NULL);
    release(forward);
}

/* Machines that go on undisturbed tell new lines nothing. */
static void set_lines(struct forward *forward, const struct plant *plant)
{
    struct live_status status;
    struct instant now;
    size_t index = 0;
    ledger_set_lines(forward->ledger, plant);
    clock_now(&now);
    while (live_next_change(forward->context.live, 0, &index, &status))
        lines_seed(ledger_lines(forward->ledger), &status, &now);
    ledger_keep_lines(forward->ledger);
}

struct reload {
    struct forward *forward;
    const struct plant *plant;
    uint32_t *sources;
    int error;
};

static void do_reload(void *argument)
{
    struct reload *reload = argument;
    struct forward *forward = reload->forward;
    reload->error = prepare(forward, reload->plant, reload->sources);
    if (reload->error < 0)
        return;
    set_lines(forward, reload->plant);
    refresh_context(forward);
    set_uplinks(forward, reload->plant);
    plant_release(forward->plant);
    forward->plant = plant_retain(reload->plant);
    report(forward); /* the report before names uplinks of the plant that goes */
}

int forward_reload(struct forward *forward, const struct plant *plant, uint32_t *ret_sources)
{
    struct reload reload = {.forward = forward, .plant = plant};
    reload.sources = ret_sources;
    mailbox_call(forward->mailbox, do_reload, &reload);
    return reload.error;
}

int64_t forward_back_by(const struct forward *forward)
{
    return atomic_load(&forward->back_by_ns);
}
