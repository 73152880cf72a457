#include "live_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "fetch.h"
#include "memory.h"

struct live *live_new(void)
{
    struct live *live = mem_alloc(sizeof(*live));
    struct instant now;
    clock_now(&now);
    live->started_ms = now.wall_ms;
    pthread_mutex_init(&live->lock, NULL);
    pthread_mutex_init(&live->alarms.lock, NULL);
    return live;
}

void live_free(struct live *live)
{
    if (live == NULL)
        return;
    pthread_mutex_destroy(&live->lock);
    pthread_mutex_destroy(&live->alarms.lock);
    free(live->alarms.items);
    free(live->links);
    free(live->machines);
    free(live->uplinks);
    free(live->lines);
    free(live);
}

/* Appends to an array of pointers; the room doubles at each power of two. */
static void *push(void *array, size_t *count, void *item)
{
    if ((*count & (*count - 1)) == 0)
        array = mem_resize(array, (*count == 0 ? 1 : *count * 2) * sizeof(void *));
    ((void **)array)[(*count)++] = item;
    return array;
}

static void take_out(void *array, size_t *count, const void *item)
{
    void **items = array;
    size_t i = 0;
    while (i < *count && items[i] != item)
        i++;
    if (i == *count)
        return;
    (*count)--;
    memmove(items + i, items + i + 1, (*count - i) * sizeof(void *));
}

struct live_link *live_add_link(struct live *live, const struct link *link)
{
    struct live_link *item = mem_alloc(sizeof(*item));
    item->config = link;
    item->tap = tap_new();
    pthread_mutex_lock(&live->lock);
    live->links = push(live->links, &live->link_count, item);
    pthread_mutex_unlock(&live->lock);
    return item;
}

void live_remove_link(struct live *live, struct live_link *link)
{
    pthread_mutex_lock(&live->lock);
    take_out(live->links, &live->link_count, link);
    pthread_mutex_unlock(&live->lock);
    live_alarm_forget(live, SUBJECT_LINK, link->config->name);
    tap_free(link->tap);
    free(link);
}

struct live_link *live_find_link(struct live *live, const char *name)
{
    for (size_t i = 0; i < live->link_count; i++)
        if (strcmp(live->links[i]->config->name, name) == 0)
            return live->links[i];
    return NULL;
}

/* How long a value's text may be; 0: it is none. */
static size_t text_bytes(const struct machine *machine, size_t value)
{
    if (value < machine->tag_count)
        return machine->tags[value].type == TYPE_STRING ? machine->tags[value].string_bytes : 0;
    return value >= machine_state_value(machine) ? LIVE_REASON_BYTES : 0;
}

/* Room for a text's last value; most machines have none. */
static void add_text(struct live_machine *machine, size_t value)
{
    size_t bytes = text_bytes(machine->config, value);
    if (bytes == 0)
        return;
    if (machine->texts == NULL)
        machine->texts = mem_array(machine->value_count, sizeof(*machine->texts));
    machine->texts[value] = mem_alloc(bytes);
}

/* Machines are added after their link, mostly right after it. */
static struct live_link *link_of(const struct live *live, const struct machine *config)
{
    for (size_t i = live->link_count; i-- > 0;)
        if (strcmp(live->links[i]->config->name, config->link->name) == 0)
            return live->links[i];
    return NULL;
}

struct live_machine *live_add_machine(struct live *live, const struct machine *config)
{
    struct live_machine *machine = mem_alloc(sizeof(*machine));
    machine->config = config;
    machine->link = link_of(live, config);
    machine->value_count = machine_told_values(config);
    machine->speed = machine_speed_tag(config);
    machine->last = mem_array(machine->value_count, sizeof(*machine->last));
    for (size_t i = 0; i < machine->value_count; i++) {
        machine->last[i].tag = (uint16_t)i;
        add_text(machine, i);
    }
    pthread_mutex_lock(&live->lock);
    live->machines = push(live->machines, &live->machine_count, machine);
    pthread_mutex_unlock(&live->lock);
    return machine;
}

void live_remove_machine(struct live *live, struct live_machine *machine)
{
    pthread_mutex_lock(&live->lock);
    take_out(live->machines, &live->machine_count, machine);
    pthread_mutex_unlock(&live->lock);
    for (size_t i = 0; machine->texts != NULL && i < machine->value_count; i++)
        free(machine->texts[i]);
    free(machine->texts);
    free(machine->last);
    free(machine);
}

void live_fetch(const struct live_machine *machine)
{
    fetch(machine, offsetof(struct live_machine, since));
}

void live_fetch_values(const struct live_machine *machine)
{
    fetch(machine->last, machine->value_count * sizeof(*machine->last));
}

static void keep_sample(struct live_machine *machine, const struct sample *sample)
{
    if (sample->tag >= machine->value_count)
        return; /* it is kept, not told */
    struct sample *last = &machine->last[sample->tag];
    *last = *sample;
    if (sample->value.kind == VALUE_TEXT) {
        last->value.text = machine->texts[sample->tag];
        memcpy(machine->texts[sample->tag], sample->value.text, sample->value.length);
    }
}

static void keep_state(struct live *live, struct live_machine *machine, const struct instant *at,
                       enum quality reason)
{
    bool online = reason == QUALITY_GOOD;
    if (machine->known && machine->online == online && machine->reason == reason)
        return;
    if (!machine->known || machine->online != online)
        machine->since = *at;
    machine->known = true;
    machine->online = online;
    machine->reason = reason;
    machine->changed = atomic_fetch_add(&live->changes, 1) + 1;
}

void live_polled(struct live *live, struct live_machine *machine, const struct sample *samples,
                 size_t count, const struct instant *at, enum quality reason)
{
    pthread_mutex_lock(&live->lock);
    for (size_t i = 0; i < count; i++)
        keep_sample(machine, &samples[i]);
    keep_state(live, machine, at, reason);
    machine->polls++;
    if (machine->link != NULL)
        machine->link->polls[reason]++;
    if (reason == QUALITY_GOOD)
        machine->at = *at;
    else
        machine->failed++;
    pthread_mutex_unlock(&live->lock);
}

bool live_refused_tag(const struct live_machine *machine, size_t tag)
{
    const struct sample *last = &machine->last[tag];
    return last->quality == QUALITY_EXCEPTION && last->exception == EXCEPTION_ILLEGAL_ADDRESS;
}

bool live_refused_any(const struct live_machine *machine)
{
    for (size_t i = 0; i < machine->config->tag_count; i++)
        if (live_refused_tag(machine, i))
            return true;
    return false;
}

bool live_refuses(struct live *live, const struct live_machine *machine)
{
    pthread_mutex_lock(&live->lock);
    bool refuses = live_refused_any(machine);
    pthread_mutex_unlock(&live->lock);
    return refuses;
}

void live_each_refused(struct live *live, live_tag_fn *refused, live_tag_fn *unheard, void *context)
{
    for (size_t i = 0; i < live->machine_count; i++) {
        const struct live_machine *machine = live->machines[i];
        const struct machine *config = machine->config;
        pthread_mutex_lock(&live->lock);
        bool heard = machine->at.wall_ms != 0;
        for (size_t j = 0; j < config->tag_count; j++)
            if (live_refused_tag(machine, j))
                refused(context, config, &config->tags[j]);
            else if (!heard && unheard != NULL)
                unheard(context, config, &config->tags[j]);
        pthread_mutex_unlock(&live->lock);
    }
}

void live_set_state(struct live *live, struct live_machine *machine, enum machine_state state,
                    const char *reason, const struct instant *since)
{
    pthread_mutex_lock(&live->lock);
    bool same = machine->state_since.wall_ms != 0 && machine->state == state &&
                strcmp(machine->state_reason, reason != NULL ? reason : "") == 0;
    if (!same) {
        machine->state = state;
        snprintf(machine->state_reason, sizeof(machine->state_reason), "%s",
                 reason != NULL ? reason : "");
        machine->state_since = *since;
        machine->changed = atomic_fetch_add(&live->changes, 1) + 1;
    }
    pthread_mutex_unlock(&live->lock);
}

void live_set_shift(struct live *live, struct live_machine *machine, const char *shift,
                    int64_t good, int64_t waste)
{
    pthread_mutex_lock(&live->lock);
    snprintf(machine->shift, sizeof(machine->shift), "%s", shift != NULL ? shift : "");
    machine->shift_good = good;
    machine->shift_waste = waste;
    pthread_mutex_unlock(&live->lock);
}

static const struct sample *find_read(const struct live *live, const char *name)
{
    for (size_t i = 0; i < live->machine_count; i++) {
        const struct live_machine *machine = live->machines[i];
        if (strcmp(machine->config->name, name) != 0)
            continue;
        const struct text_config *text = machine->config->text;
        return text != NULL && text->event != TEXT_NO_TAG ? &machine->last[text->event] : NULL;
    }
    return NULL;
}

bool live_read_value(struct live *live, const char *name, char room[LIVE_TEXT_BYTES],
                     struct value *ret_value)
{
    pthread_mutex_lock(&live->lock);
    const struct sample *last = find_read(live, name);
    bool found = last != NULL && last->quality == QUALITY_GOOD && last->value.kind != VALUE_NONE;
    if (found) {
        *ret_value = last->value;
        if (last->value.kind == VALUE_TEXT)
            ret_value->text = memcpy(room, last->value.text, last->value.length);
    }
    pthread_mutex_unlock(&live->lock);
    return found;
}

void live_lateness(struct live *live, int64_t late_ns)
{
    if (late_ns < 0)
        late_ns = 0;
    int64_t late_ms = late_ns / NS_PER_MS;
    if (late_ms >= LATENESS_BUCKETS)
        late_ms = LATENESS_BUCKETS - 1;
    atomic_fetch_add_explicit(&live->lateness[late_ms], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&live->lateness_sum_ns, late_ns, memory_order_relaxed);
    int64_t most = atomic_load_explicit(&live->lateness_max_ns, memory_order_relaxed);
    while (late_ns > most &&
           !atomic_compare_exchange_weak_explicit(&live->lateness_max_ns, &most, late_ns,
                                                  memory_order_relaxed, memory_order_relaxed))
        continue;
}

const uint32_t live_duration_us[DURATION_BUCKETS - 1] = {
    1000, 2500, 5000, 10000, 25000, 50000, 100000, 250000, 500000, 1000000, 5000000};

void live_duration(struct live *live, int64_t took_ns)
{
    int bucket = 0;
    while (bucket < DURATION_BUCKETS - 1 && took_ns > live_duration_us[bucket] * INT64_C(1000))
        bucket++;
    atomic_fetch_add_explicit(&live->duration[bucket], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&live->duration_sum_ns, took_ns, memory_order_relaxed);
}

void live_set_uplinks(struct live *live, const struct live_uplink *uplinks, size_t count)
{
    pthread_mutex_lock(&live->lock);
    if (count != live->uplink_count) {
        free(live->uplinks);
        live->uplinks = mem_array(count, sizeof(*uplinks));
        live->uplink_count = count;
    }
    if (count > 0)
        memcpy(live->uplinks, uplinks, count * sizeof(*uplinks));
    pthread_mutex_unlock(&live->lock);
}

void live_set_lines(struct live *live, const struct live_line *lines, size_t count)
{
    pthread_mutex_lock(&live->lock);
    if (count != live->line_count) {
        free(live->lines);
        live->lines = mem_array(count, sizeof(*lines));
        live->line_count = count;
    }
    if (count > 0)
        memcpy(live->lines, lines, count * sizeof(*lines));
    pthread_mutex_unlock(&live->lock);
}

void live_set_store(struct live *live, const struct live_store *store)
{
    pthread_mutex_lock(&live->lock);
    struct live_store before = live->store;
    live->store = *store;
    pthread_mutex_unlock(&live->lock);
    alarm_watch_store(live, &before, store);
}

uint64_t live_changes(const struct live *live)
{
    return atomic_load(&live->changes);
}

bool live_next_change(struct live *live, uint64_t seen, size_t *index,
                      struct live_status *ret_status)
{
    bool found = false;
    pthread_mutex_lock(&live->lock);
    while (!found && *index < live->machine_count) {
        const struct live_machine *machine = live->machines[(*index)++];
        if (machine->changed <= seen)
            continue;
        *ret_status = (struct live_status){
            .changed = machine->changed,
            .online = machine->online,
            .quality = machine->reason,
            .state = machine->state,
            .since = machine->since,
        };
        if (machine->online && machine->state_since.wall_ms != 0)
            ret_status->since = machine->state_since;
        snprintf(ret_status->machine, sizeof(ret_status->machine), "%s", machine->config->name);
        snprintf(ret_status->reason, sizeof(ret_status->reason), "%s", machine->state_reason);
        found = true;
    }
    pthread_mutex_unlock(&live->lock);
    return found;
}
