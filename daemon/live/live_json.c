#include <string.h>

#include "clock.h"
#include "live_internal.h"

static void add_bool(struct text *out, const char *key, bool on)
{
    text_addf(out, "\"%s\":%s,", key, on ? "true" : "false");
}

static void add_string(struct text *out, const char *key, const char *string)
{
    text_addf(out, "\"%s\":", key);
    text_add_json(out, string, strlen(string));
    text_add_char(out, ',');
}

static void add_number(struct text *out, const char *key, int64_t number)
{
    text_addf(out, "\"%s\":%lld,", key, (long long)number);
}

/* Turns the last comma into the closing bracket, or adds the bracket to what was just opened. */
static void end(struct text *out, char bracket)
{
    if (out->data[out->length - 1] == ',')
        out->length--;
    text_add_char(out, bracket);
}

static void add_alarm(const struct raised_alarm *raised, struct text *out)
{
    struct text subject = {0};
    alarm_add_subject(raised, &subject);
    text_add_char(out, '{');
    add_string(out, "name", live_alarm_name(raised->alarm));
    add_string(out, "subject", subject.data);
    add_number(out, "since_ms", raised->since.wall_ms);
    add_bool(out, "synced", raised->since.synced);
    add_string(out, "text", raised->text);
    end(out, '}');
    text_add_char(out, ',');
    text_free(&subject);
}

static void add_alarms(struct alarm_table *table, struct text *out)
{
    text_add(out, "\"alarms\":[");
    pthread_mutex_lock(&table->lock);
    for (size_t i = 0; i < table->count; i++)
        add_alarm(&table->items[i], out);
    pthread_mutex_unlock(&table->lock);
    end(out, ']');
    text_add_char(out, ',');
}

static void add_uplinks(const struct live *live, struct text *out)
{
    text_add(out, "\"uplinks\":[");
    for (size_t i = 0; i < live->uplink_count; i++) {
        const struct live_uplink *uplink = &live->uplinks[i];
        text_add_char(out, '{');
        add_string(out, "name", uplink->name);
        add_bool(out, "connected", uplink->connected);
        add_number(out, "pending", (int64_t)uplink->pending);
        add_number(out, "acknowledged", (int64_t)uplink->acknowledged);
        add_number(out, "connects", (int64_t)uplink->connects);
        add_number(out, "strays", (int64_t)uplink->strays);
        add_string(out, "trouble", uplink->trouble);
        end(out, '}');
        text_add_char(out, ',');
    }
    end(out, ']');
    text_add_char(out, ',');
}

static void add_links(const struct live *live, struct text *out)
{
    text_add(out, "\"links\":[");
    for (size_t i = 0; i < live->link_count; i++) {
        struct live_link *link = live->links[i];
        const char *trouble = atomic_load(&link->trouble);
        text_add_char(out, '{');
        add_string(out, "name", link->config->name);
        enum link_driver driver = link->config->recording ? DRIVER_RECORDING : link->config->driver;
        add_string(out, "driver", link_driver_name(driver));
        add_bool(out, "up", atomic_load(&link->up));
        add_string(out, "trouble", trouble == NULL ? "" : trouble);
        add_number(out, "requests", (int64_t)atomic_load(&link->requests));
        add_number(out, "timeouts", (int64_t)atomic_load(&link->timeouts));
        add_number(out, "discarded", (int64_t)atomic_load(&link->discarded));
        add_number(out, "reconnects", (int64_t)atomic_load(&link->reconnects));
        end(out, '}');
        text_add_char(out, ',');
    }
    end(out, ']');
    text_add_char(out, ',');
}

static void add_state(const struct live_machine *machine, struct text *out)
{
    text_add(out, "\"state\":{");
    add_string(out, "name", machine_state_name(machine->state));
    add_number(out, "since_ms", machine->state_since.wall_ms);
    add_string(out, "reason", machine->state_reason);
    end(out, '}');
    text_add_char(out, ',');
}

static void add_quantity(struct text *out, const char *key, int64_t quantity)
{
    if (quantity >= 0)
        add_number(out, key, quantity);
    else
        text_addf(out, "\"%s\":null,", key);
}

static void add_shift(const struct live_machine *machine, struct text *out)
{
    if (machine->shift[0] == '\0')
        return;
    text_add(out, "\"shift\":{");
    add_string(out, "key", machine->shift);
    add_quantity(out, "good", machine->shift_good);
    add_quantity(out, "waste", machine->shift_waste);
    end(out, '}');
    text_add_char(out, ',');
}

/* By name and place: "glue_temp holding:104". */
static void add_refused(const struct live_machine *machine, struct text *out)
{
    if (!live_refused_any(machine))
        return;
    text_add(out, "\"refused\":[");
    for (size_t i = 0; i < machine->config->tag_count; i++) {
        const struct tag *tag = &machine->config->tags[i];
        if (live_refused_tag(machine, i))
            text_addf(out, "\"%s %s:%u\",", tag->name, area_name(tag->area), tag->address);
    }
    end(out, ']');
    text_add_char(out, ',');
}

static void add_machines(const struct live *live, struct text *out)
{
    text_add(out, "\"machines\":[");
    for (size_t i = 0; i < live->machine_count; i++) {
        const struct live_machine *machine = live->machines[i];
        text_add_char(out, '{');
        add_string(out, "name", machine->config->name);
        add_string(out, "link", machine->config->link->name);
        add_number(out, "unit", machine->config->unit);
        add_bool(out, "online", machine->online);
        add_number(out, "since_ms", machine->since.wall_ms);
        if (machine->known && !machine->online)
            add_string(out, "reason", quality_name(machine->reason));
        else
            text_add(out, "\"reason\":null,");
        if (machine->state_since.wall_ms != 0)
            add_state(machine, out);
        add_shift(machine, out);
        add_refused(machine, out);
        add_number(out, "last_ms", machine->at.wall_ms);
        add_number(out, "polls", (int64_t)machine->polls);
        add_number(out, "failed", (int64_t)machine->failed);
        end(out, '}');
        text_add_char(out, ',');
    }
    end(out, ']');
    text_add_char(out, ',');
}

static void add_string_or_null(struct text *out, const char *key, const char *string)
{
    if (string[0] != '\0')
        add_string(out, key, string);
    else
        text_addf(out, "\"%s\":null,", key);
}

/* A line's shift is that of its delivery. */
static void add_line_shift(const struct live *live, const struct live_line *line, struct text *out)
{
    for (size_t i = 0; i < live->machine_count; i++)
        if (strcmp(live->machines[i]->config->name, line->delivery) == 0)
            add_shift(live->machines[i], out);
}

static void add_lines(const struct live *live, struct text *out)
{
    text_add(out, "\"lines\":[");
    for (size_t i = 0; i < live->line_count; i++) {
        const struct live_line *line = &live->lines[i];
        text_add_char(out, '{');
        add_string(out, "name", line->name);
        add_string(out, "delivery", line->delivery);
        add_string(out, "state", machine_state_name(line->state));
        add_number(out, "since_ms", line->since_ms);
        add_string_or_null(out, "cause", line->cause);
        add_string_or_null(out, "reason", line->reason);
        add_string_or_null(out, "bottleneck", line->bottleneck);
        add_quantity(out, "good", line->good);
        add_quantity(out, "waste", line->waste);
        add_line_shift(live, line, out);
        end(out, '}');
        text_add_char(out, ',');
    }
    end(out, ']');
    text_add_char(out, ',');
}

/* The lateness below which 99 % of the polls stayed, in milliseconds, rounded up. */
static int64_t lateness_p99_ms(struct live *live, uint64_t *ret_polls)
{
    uint64_t total = 0, sum = 0;
    int64_t bucket = 0;
    for (int i = 0; i < LATENESS_BUCKETS; i++)
        total += atomic_load_explicit(&live->lateness[i], memory_order_relaxed);
    *ret_polls = total;
    for (; bucket < LATENESS_BUCKETS && sum * 100 < total * 99; bucket++)
        sum += atomic_load_explicit(&live->lateness[bucket], memory_order_relaxed);
    return bucket;
}

static void add_poll(struct live *live, struct text *out)
{
    uint64_t polls;
    int64_t p99_ms = lateness_p99_ms(live, &polls);
    text_addf(out, "\"poll\":{\"polls\":%llu,\"lateness_p99_ms\":%lld,\"lateness_max_ms\":%.3f},",
              (unsigned long long)polls, (long long)p99_ms,
              (double)atomic_load(&live->lateness_max_ns) / NS_PER_MS);
}

void live_status_json(struct live *live, struct text *out)
{
    add_alarms(&live->alarms, out);
    pthread_mutex_lock(&live->lock);
    add_number(out, "started_ms", live->started_ms);
    text_add(out, "\"store\":{");
    add_string(out, "id", live->store.id);
    add_number(out, "bytes", live->store.bytes);
    add_number(out, "next_seq", (int64_t)live->store.next_seq);
    add_string(out, "trouble", live->store.trouble);
    end(out, '}');
    text_addf(out, ",\"queue\":{\"lost\":%llu},", (unsigned long long)live->store.lost);
    add_uplinks(live, out);
    add_links(live, out);
    add_machines(live, out);
    add_lines(live, out);
    add_poll(live, out);
    out->length--;
    pthread_mutex_unlock(&live->lock);
}

static void add_values(const struct live_machine *machine, struct text *out)
{
    text_add(out, "\"values\":{");
    for (size_t i = 0; i < machine->value_count; i++) {
        const struct sample *sample = &machine->last[i];
        if (sample->quality != QUALITY_GOOD || sample->value.kind == VALUE_NONE)
            continue;
        text_addf(out, "\"%s\":", machine_value_name(machine->config, i));
        value_to_json(&sample->value, out);
        text_add_char(out, ',');
    }
    end(out, '}');
    text_add(out, ",\"bad\":{");
    for (size_t i = 0; i < machine->value_count; i++) {
        const struct sample *sample = &machine->last[i];
        if (sample->quality == QUALITY_GOOD)
            continue;
        text_addf(out, "\"%s\":\"", machine_value_name(machine->config, i));
        sample_bad_to_text(sample, out);
        text_add(out, "\",");
    }
    end(out, '}');
    text_add_char(out, ',');
}

static void add_machine_values(struct live *live, const struct live_machine *machine,
                               struct text *out)
{
    text_add_char(out, '{');
    pthread_mutex_lock(&live->lock);
    add_string(out, "machine", machine->config->name);
    add_bool(out, "online", machine->online);
    add_number(out, "ts", machine->at.wall_ms);
    add_values(machine, out);
    add_shift(machine, out);
    pthread_mutex_unlock(&live->lock);
    text_add(out, "\"units\":{");
    for (size_t i = 0; i < machine->config->tag_count; i++)
        if (machine->config->tags[i].unit != NULL)
            add_string(out, machine->config->tags[i].name, machine->config->tags[i].unit);
    end(out, '}');
    text_add_char(out, '}');
}

/* Locks machine by machine, so that a long list does not hold up those who poll; the list itself
 * is changed only by the thread that calls this. */
bool live_values_json(struct live *live, const char *name, struct text *out)
{
    bool found = name == NULL;
    for (size_t i = 0; i < live->machine_count; i++) {
        const struct live_machine *machine = live->machines[i];
        if (name != NULL && strcmp(name, machine->config->name) != 0)
            continue;
        add_machine_values(live, machine, out);
        text_add_char(out, ',');
        found = true;
    }
    if (out->length > 0 && out->data[out->length - 1] == ',')
        out->length--;
    return found;
}
