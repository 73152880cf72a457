#include "announce.h"

#include <string.h>

#include "clock.h"
#include "payload_about.h"
#include "payload_json.h"

void announce_will(struct text *payload, const struct instant *now, const char *store_id)
{
    payload_json_status(payload, false, now, store_id, clock_boot_id());
}

void announce_free(struct announce *announce)
{
    text_free(&announce->gone);
}

void announce_all(struct announce *announce)
{
    *announce = (struct announce){
        .gone = announce->gone, .gone_next = announce->gone_next, .gateway_due = true};
}

static bool tells_capacity(const struct plant *plant, const char *name)
{
    const struct machine *machine = plant_machine(plant, name);
    bool has_load = machine != NULL ? machine->state != NULL : plant_line(plant, name) != NULL;
    return plant->capacity.publish && has_load;
}

static void note_gone(struct announce *announce, const char *name, const struct plant *before,
                      const struct plant *after)
{
    if (plant_machine(after, name) == NULL && plant_line(after, name) == NULL)
        text_addf(&announce->gone, "%s/about%c%s/status%c", name, '\0', name, '\0');
    if (tells_capacity(before, name) && !tells_capacity(after, name))
        text_addf(&announce->gone, "%s/capacity%c", name, '\0');
}

void announce_plant(struct announce *announce, const struct plant *before,
                    const struct plant *after)
{
    announce->about_next = 0;
    announce->status_index = 0; /* the machines may have moved under the pass */
    announce->line_index = 0;
    announce->lines_seen = announce->lines_target = 0; /* they are counted anew */
    announce->load_index = 0;
    announce->loads_seen = announce->loads_target = 0;
    for (size_t i = 0; i < before->machine_count; i++)
        note_gone(announce, before->machines[i].name, before, after);
    for (size_t i = 0; i < before->line_count; i++)
        note_gone(announce, before->lines[i].name, before, after);
}

static int publish(struct uplink *uplink, const struct text *topic, const struct text *payload,
                   int64_t now_ns)
{
    return uplink_publish(uplink, topic->data, payload->data, payload->length, true, 0, now_ns);
}

static int send_gateway(const struct announce_context *context, bool online, struct uplink *uplink,
                        struct text *topic, struct text *payload, int64_t now_ns)
{
    struct instant now;
    clock_now(&now);
    text_clear(topic);
    text_clear(payload);
    text_addf(topic, "%s/status", context->settings->topic);
    payload_json_status(payload, online, &now, context->store_id, clock_boot_id());
    return publish(uplink, topic, payload, now_ns);
}

/* Of a machine, or behind them all of a line. */
static int send_about(const struct announce_context *context, size_t index, struct uplink *uplink,
                      struct text *topic, struct text *payload, int64_t now_ns)
{
    const struct plant *plant = context->plant;
    const char *name = NULL;
    text_clear(topic);
    text_clear(payload);
    if (index < plant->machine_count) {
        name = plant->machines[index].name;
        payload_about_machine(payload, &plant->machines[index]);
    } else {
        name = plant->lines[index - plant->machine_count].name;
        payload_about_line(payload, &plant->lines[index - plant->machine_count]);
    }
    text_addf(topic, "%s/%s/about", context->settings->topic, name);
    return publish(uplink, topic, payload, now_ns);
}

static int send_status(const struct announce_context *context, const struct live_status *status,
                       struct uplink *uplink, struct text *topic, struct text *payload,
                       int64_t now_ns)
{
    struct instant now;
    clock_now(&now);
    text_clear(topic);
    text_clear(payload);
    text_addf(topic, "%s/%s/status", context->settings->topic, status->machine);
    const char *reason = status->reason[0] != '\0' ? status->reason : NULL;
    payload_json_machine_status(payload, &now, status->online, status->since.wall_ms,
                                status->online ? status->state : STATE_OFFLINE,
                                status->online ? reason : quality_name(status->quality));
    return publish(uplink, topic, payload, now_ns);
}

/* A pass over all machines tells every change up to the moment it began; what changes meanwhile
 * is told by the next. */
static void send_changes(struct announce *announce, const struct announce_context *context,
                         struct uplink *uplink, struct text *topic, struct text *payload,
                         int64_t now_ns)
{
    struct live_status status;
    if (announce->status_index == 0)
        announce->status_target = live_changes(context->live);
    if (announce->status_target == announce->status_seen)
        return;
    while (uplink_room(uplink) > uplink_spare(uplink)) {
        size_t index = announce->status_index;
        if (!live_next_change(context->live, announce->status_seen, &index, &status)) {
            announce->status_seen = announce->status_target;
            announce->status_index = 0;
            return;
        }
        if (send_status(context, &status, uplink, topic, payload, now_ns) < 0)
            return;
        announce->status_index = index;
    }
}

static int send_line(const struct announce_context *context, const struct line_status *status,
                     struct uplink *uplink, struct text *topic, struct text *payload,
                     int64_t now_ns)
{
    struct instant now;
    clock_now(&now);
    text_clear(topic);
    text_clear(payload);
    text_addf(topic, "%s/%s/status", context->settings->topic, status->name);
    payload_json_line_status(payload, &now, status);
    return publish(uplink, topic, payload, now_ns);
}

/* As send_changes. */
static void send_lines(struct announce *announce, const struct announce_context *context,
                       struct uplink *uplink, struct text *topic, struct text *payload,
                       int64_t now_ns)
{
    if (announce->line_index == 0)
        announce->lines_target = lines_changes(context->lines);
    if (announce->lines_target == announce->lines_seen)
        return;
    for (; announce->line_index < lines_count(context->lines); announce->line_index++) {
        const struct line_status *status = lines_status(context->lines, announce->line_index);
        if (status->changed <= announce->lines_seen)
            continue;
        if (uplink_room(uplink) <= uplink_spare(uplink) ||
            send_line(context, status, uplink, topic, payload, now_ns) < 0)
            return;
    }
    announce->lines_seen = announce->lines_target;
    announce->line_index = 0;
}

static int send_load(const struct announce_context *context, const struct load_record *record,
                     struct uplink *uplink, struct text *topic, struct text *payload,
                     int64_t now_ns)
{
    text_clear(topic);
    text_clear(payload);
    text_addf(topic, "%s/%s/capacity", context->settings->topic, record->name);
    text_addf(payload, "{\"ts\":%lld,", (long long)record->at_ms);
    text_add_bytes(payload, record->json.data, record->json.length);
    return publish(uplink, topic, payload, now_ns);
}

/* As send_changes. */
static void send_loads(struct announce *announce, const struct announce_context *context,
                       struct uplink *uplink, struct text *topic, struct text *payload,
                       int64_t now_ns)
{
    if (announce->load_index == 0)
        announce->loads_target = loads_changes(context->loads);
    if (announce->loads_target == announce->loads_seen)
        return;
    for (; announce->load_index < loads_count(context->loads); announce->load_index++) {
        const struct load_record *record = loads_record(context->loads, announce->load_index);
        if (record->changed <= announce->loads_seen)
            continue;
        if (uplink_room(uplink) <= uplink_spare(uplink) ||
            send_load(context, record, uplink, topic, payload, now_ns) < 0)
            return;
    }
    announce->loads_seen = announce->loads_target;
    announce->load_index = 0;
}

/* An empty retained message takes the one before it away. */
static void clear_gone(struct announce *announce, const struct announce_context *context,
                       struct uplink *uplink, struct text *topic, int64_t now_ns)
{
    while (announce->gone_next < announce->gone.length &&
           uplink_room(uplink) > uplink_spare(uplink)) {
        const char *leaf = announce->gone.data + announce->gone_next;
        text_clear(topic);
        text_addf(topic, "%s/%s", context->settings->topic, leaf);
        if (uplink_publish(uplink, topic->data, "", 0, true, 0, now_ns) < 0)
            return;
        announce->gone_next += strlen(leaf) + 1;
    }
    if (announce->gone_next == announce->gone.length) {
        text_clear(&announce->gone);
        announce->gone_next = 0;
    }
}

void announce_step(struct announce *announce, const struct announce_context *context,
                   struct uplink *uplink, struct text *topic, struct text *payload, int64_t now_ns)
{
    const struct plant *plant = context->plant;
    clear_gone(announce, context, uplink, topic, now_ns);
    if (announce->gateway_due && uplink_room(uplink) > uplink_spare(uplink))
        announce->gateway_due = send_gateway(context, true, uplink, topic, payload, now_ns) < 0;
    while (announce->about_next < plant->machine_count + plant->line_count &&
           uplink_room(uplink) > uplink_spare(uplink)) {
        if (send_about(context, announce->about_next, uplink, topic, payload, now_ns) < 0)
            return;
        announce->about_next++;
    }
    send_changes(announce, context, uplink, topic, payload, now_ns);
    send_lines(announce, context, uplink, topic, payload, now_ns);
    send_loads(announce, context, uplink, topic, payload, now_ns);
}

void announce_offline(const struct announce_context *context, struct uplink *uplink,
                      struct text *topic, struct text *payload, int64_t now_ns)
{
    send_gateway(context, false, uplink, topic, payload, now_ns);
}
