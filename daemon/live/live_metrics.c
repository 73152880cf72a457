/* The snapshot in Prometheus's text format. Pure. */
#include "clock.h"
#include "live_internal.h"

static void begin(struct text *out, const char *name, const char *type, const char *help)
{
    text_addf(out, "# HELP bindery_%s %s\n# TYPE bindery_%s %s\n", name, help, name, type);
}

static void add_escaped(struct text *out, const char *value)
{
    for (; *value != '\0'; value++) {
        if (*value == '\n') {
            text_add(out, "\\n");
            continue;
        }
        if (*value == '\\' || *value == '"')
            text_add_char(out, '\\');
        text_add_char(out, *value);
    }
}

/* A sample is its name, its labels, its value. */
static void add_name(struct text *out, const char *name)
{
    text_addf(out, "bindery_%s", name);
}

static bool has_labels(const struct text *out)
{
    return out->data[out->length - 1] == '"';
}

static void add_label(struct text *out, const char *label, const char *value)
{
    text_addf(out, "%c%s=\"", has_labels(out) ? ',' : '{', label);
    add_escaped(out, value);
    text_add_char(out, '"');
}

static void add_value(struct text *out, uint64_t value)
{
    text_add(out, has_labels(out) ? "} " : " ");
    text_add_uint(out, value);
    text_add_char(out, '\n');
}

static void add(struct text *out, const char *name, uint64_t value)
{
    add_name(out, name);
    add_value(out, value);
}

static void add_of(struct text *out, const char *name, const char *label, const char *whose,
                   uint64_t value)
{
    add_name(out, name);
    add_label(out, label, whose);
    add_value(out, value);
}

static void add_seconds(struct text *out, const char *name, int64_t ns)
{
    text_addf(out, "bindery_%s %lld.%09lld\n", name, (long long)(ns / NS_PER_S),
              (long long)(ns % NS_PER_S));
}

/* --- the gateway and its store --- */

static void add_gateway(const struct live *live, const struct plant *plant,
                        const struct instant *now, struct text *out)
{
    begin(out, "info", "gauge", "What runs here; always 1.");
    add_name(out, "info");
    add_label(out, "gateway", plant->gateway);
    add_label(out, "site", plant->site);
    add_label(out, "version", BINDERY_VERSION);
    add_value(out, 1);
    begin(out, "start_time_seconds", "gauge", "When the daemon started, by the clock of then.");
    add_seconds(out, "start_time_seconds", live->started_ms * NS_PER_MS);
    begin(out, "clock_synchronised", "gauge", "Whether the system clock is synchronised.");
    add(out, "clock_synchronised", now->synced);
}

static void add_alarms(struct alarm_table *table, struct text *out)
{
    begin(out, "alarm", "gauge", "1 for each alarm that is raised.");
    pthread_mutex_lock(&table->lock);
    for (size_t i = 0; i < table->count; i++) {
        struct text subject = {0};
        alarm_add_subject(&table->items[i], &subject);
        add_name(out, "alarm");
        add_label(out, "name", live_alarm_name(table->items[i].alarm));
        add_label(out, "subject", subject.data);
        add_value(out, 1);
        text_free(&subject);
    }
    pthread_mutex_unlock(&table->lock);
}

static void add_store(const struct live_store *store, struct text *out)
{
    begin(out, "readings_taken_total", "counter",
          "Sequence numbers given out by this store: readings, events and gaps.");
    add(out, "readings_taken_total", store->next_seq > 0 ? store->next_seq - 1 : 0);
    begin(out, "readings_dropped_total", "counter",
          "Readings declared lost since the start, by reason.");
    for (int why = 0; why < LIVE_GAP_WHYS; why++)
        add_of(out, "readings_dropped_total", "reason", gap_why_name((enum gap_why)why),
               store->dropped[why]);
    begin(out, "store_bytes", "gauge", "What the store holds.");
    add(out, "store_bytes", (uint64_t)store->bytes);
    begin(out, "store_writable", "gauge", "Whether the last commit succeeded.");
    add(out, "store_writable", store->error == 0);
}

/* --- uplinks, links, machines --- */

static const struct {
    const char *name, *type, *help;
    size_t offset; /* of a uint64_t in struct live_uplink */
} uplink_families[] = {
    {"readings_acknowledged_total", "counter", "Records the broker has acknowledged.",
     offsetof(struct live_uplink, acknowledged)},
    {"readings_pending", "gauge", "Records the broker has yet to acknowledge.",
     offsetof(struct live_uplink, pending)},
    {"uplink_connects_total", "counter", "Times the broker let us in.",
     offsetof(struct live_uplink, connects)},
    {"uplink_stray_acknowledgements_total", "counter",
     "Acknowledgements of nothing that was on its way.", offsetof(struct live_uplink, strays)},
};

static void add_uplinks(const struct live *live, struct text *out)
{
    begin(out, "uplink_connected", "gauge", "Whether the uplink is connected.");
    for (size_t i = 0; i < live->uplink_count; i++)
        add_of(out, "uplink_connected", "uplink", live->uplinks[i].name,
               live->uplinks[i].connected);
    for (size_t f = 0; f < sizeof(uplink_families) / sizeof(uplink_families[0]); f++) {
        begin(out, uplink_families[f].name, uplink_families[f].type, uplink_families[f].help);
        for (size_t i = 0; i < live->uplink_count; i++) {
            const char *uplink = (const char *)&live->uplinks[i];
            add_of(out, uplink_families[f].name, "uplink", live->uplinks[i].name,
                   *(const uint64_t *)(uplink + uplink_families[f].offset));
        }
    }
}

static const struct {
    const char *name, *help;
    size_t offset; /* of an atomic counter in struct live_link */
} link_families[] = {
    {"requests_total", "Requests sent.", offsetof(struct live_link, requests)},
    {"request_timeouts_total", "Requests that nobody answered in time.",
     offsetof(struct live_link, timeouts)},
    {"frames_discarded_total", "Answers thrown away: late, damaged, or not ours.",
     offsetof(struct live_link, discarded)},
    {"link_reconnects_total", "Times the link had to be made anew.",
     offsetof(struct live_link, reconnects)},
};

static void add_link_polls(const struct live_link *link, struct text *out)
{
    for (int result = 0; result < LIVE_QUALITIES; result++) {
        /* an exception or a value out of range is an answer all the same */
        bool usual = result != QUALITY_EXCEPTION && result != QUALITY_RANGE;
        if (!usual && link->polls[result] == 0)
            continue;
        add_name(out, "polls_total");
        add_label(out, "link", link->config->name);
        add_label(out, "result", quality_name((enum quality)result));
        add_value(out, link->polls[result]);
    }
}

static void add_links(const struct live *live, struct text *out)
{
    begin(out, "link_up", "gauge", "Whether the line or connection is there.");
    for (size_t i = 0; i < live->link_count; i++)
        add_of(out, "link_up", "link", live->links[i]->config->name,
               atomic_load(&live->links[i]->up));
    begin(out, "polls_total", "counter", "Polls of machines, by what came of them.");
    for (size_t i = 0; i < live->link_count; i++)
        add_link_polls(live->links[i], out);
    for (size_t f = 0; f < sizeof(link_families) / sizeof(link_families[0]); f++) {
        begin(out, link_families[f].name, "counter", link_families[f].help);
        for (size_t i = 0; i < live->link_count; i++) {
            char *link = (char *)live->links[i];
            add_of(out, link_families[f].name, "link", live->links[i]->config->name,
                   atomic_load((atomic_uint_fast64_t *)(link + link_families[f].offset)));
        }
    }
}

static void add_machines(const struct live *live, struct text *out)
{
    uint64_t online = 0, offline = 0;
    begin(out, "machine_online", "gauge", "Whether the machine answered its last poll.");
    for (size_t i = 0; i < live->machine_count; i++) {
        const struct live_machine *machine = live->machines[i];
        if (!machine->known)
            continue;
        online += machine->online;
        offline += !machine->online;
        add_of(out, "machine_online", "machine", machine->config->name, machine->online);
    }
    begin(out, "machines", "gauge", "How many machines there are of each state.");
    add_of(out, "machines", "state", "online", online);
    add_of(out, "machines", "state", "offline", offline);
    add_of(out, "machines", "state", "unknown", live->machine_count - online - offline);
}

/* --- histograms --- */

static void add_bucket(struct text *out, const char *name, uint64_t most_us, uint64_t count)
{
    text_addf(out, "bindery_%s_bucket{le=\"%g\"} %llu\n", name, (double)most_us / 1e6,
              (unsigned long long)count);
}

static void end_histogram(struct text *out, const char *name, uint64_t count, int64_t sum_ns)
{
    text_addf(out, "bindery_%s_bucket{le=\"+Inf\"} %llu\nbindery_%s_sum %.9f\n", name,
              (unsigned long long)count, name, (double)sum_ns / NS_PER_S);
    text_addf(out, "bindery_%s_count %llu\n", name, (unsigned long long)count);
}

static void add_lateness(struct live *live, struct text *out)
{
    static const uint32_t most_ms[] = {1, 2, 5, 10, 20, 50, 100, 200, 500, LATENESS_BUCKETS - 1};
    static const char name[] = "poll_lateness_seconds";
    uint64_t count = 0;
    size_t next = 0;
    begin(out, name, "histogram", "How late polls began, against their schedule.");
    for (uint32_t ms = 0; ms < LATENESS_BUCKETS; ms++) {
        if (next < sizeof(most_ms) / sizeof(most_ms[0]) && ms == most_ms[next])
            add_bucket(out, name, most_ms[next++] * UINT64_C(1000), count);
        count += atomic_load_explicit(&live->lateness[ms], memory_order_relaxed);
    }
    end_histogram(out, name, count, atomic_load(&live->lateness_sum_ns));
}

static void add_duration(struct live *live, struct text *out)
{
    static const char name[] = "poll_duration_seconds";
    uint64_t count = 0;
    begin(out, name, "histogram", "From a poll's first request to its last answer.");
    for (int i = 0; i < DURATION_BUCKETS; i++) {
        count += atomic_load_explicit(&live->duration[i], memory_order_relaxed);
        if (i < DURATION_BUCKETS - 1)
            add_bucket(out, name, live_duration_us[i], count);
    }
    end_histogram(out, name, count, atomic_load(&live->duration_sum_ns));
}

void live_metrics(struct live *live, const struct plant *plant, const struct instant *now,
                  struct text *out)
{
    add_alarms(&live->alarms, out);
    pthread_mutex_lock(&live->lock);
    add_gateway(live, plant, now, out);
    add_store(&live->store, out);
    add_uplinks(live, out);
    add_links(live, out);
    add_machines(live, out);
    pthread_mutex_unlock(&live->lock);
    add_lateness(live, out);
    add_duration(live, out);
}
