#include "watch_view.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "cli.h"
#include "status_view.h"

static const char *unit_of(const struct node *machine, const char *tag)
{
    return node_text(node_member(node_member(machine, "units"), tag), "");
}

static size_t widest_tag(const struct node *machines)
{
    static const char *const lists[] = {"values", "bad"};
    size_t widest = 8;
    const char *tag = NULL;
    const struct node *value = NULL;
    for (size_t i = 0; i < node_count(machines); i++)
        for (size_t list = 0; list < 2; list++)
            for (void *place = NULL;
                 node_each(node_member(node_item(machines, i), lists[list]), &place, &tag, &value);)
                widest = strlen(tag) > widest ? strlen(tag) : widest;
    return widest;
}

static void add_quantity(const struct node *shift, const char *name, const char *before,
                         struct text *out)
{
    char words[CLI_WORDS];
    int64_t quantity = node_int(node_member(shift, name), -1);
    if (quantity >= 0)
        text_addf(out, "%s%s %s", before, cli_number((uint64_t)quantity, words), name);
}

/* What it is doing, since when and why, as far as that is known. */
static void add_state(const struct node *machine, int64_t now_ms, struct text *out)
{
    char words[CLI_WORDS];
    const struct node *state = node_member(machine, "state");
    const char *reason = node_text(node_member(state, "reason"), "");
    if (state == NULL) {
        text_add(out, "online");
        return;
    }
    text_addf(out, "%s for %s%s%s", node_text(node_member(state, "name"), "?"),
              cli_duration(now_ms - node_int(node_member(state, "since_ms"), now_ms), words),
              *reason ? ": " : "", reason);
}

static void add_speed(const struct node *speed, struct text *out)
{
    struct text words = {0};
    status_view_speed(speed, &words);
    if (words.length > 0)
        text_addf(out, ", %s", words.data);
    text_free(&words);
}

static void add_shift(const struct node *shift, struct text *out)
{
    if (shift == NULL)
        return;
    text_addf(out, ", shift %s", node_text(node_member(shift, "key"), "?"));
    add_quantity(shift, "good", ": ", out);
    add_quantity(shift, "waste", node_int(node_member(shift, "good"), -1) >= 0 ? ", " : ": ", out);
}

static void add_machine_head(const struct node *machine, int64_t now_ms, struct text *out)
{
    char words[CLI_WORDS];
    int64_t ts_ms = node_int(node_member(machine, "ts"), 0);
    bool online = node_bool(node_member(machine, "online"), false);
    text_addf(out, "%s  ", node_text(node_member(machine, "machine"), "?"));
    if (online)
        add_state(machine, now_ms, out);
    else
        text_add(out, "OFFLINE");
    add_speed(node_member(machine, "speed"), out);
    if (ts_ms <= 0)
        text_add(out, ", no answer yet");
    else if (!online || now_ms - ts_ms >= 10000)
        text_addf(out, ", last reading %s ago", cli_duration(now_ms - ts_ms, words));
    add_shift(node_member(machine, "shift"), out);
    text_add_char(out, '\n');
}

static void add_machine_table(const struct node *machine, int width, struct text *out)
{
    const char *tag = NULL;
    const struct node *value = NULL;
    struct text written = {0};
    for (void *place = NULL; node_each(node_member(machine, "values"), &place, &tag, &value);) {
        text_clear(&written);
        node_to_json(value, false, &written);
        text_addf(out, "  %-*s %16s %s\n", width, tag, written.data, unit_of(machine, tag));
    }
    for (void *place = NULL; node_each(node_member(machine, "bad"), &place, &tag, &value);)
        text_addf(out, "  %-*s %16s  bad: %s\n", width, tag, "-", node_text(value, "?"));
    text_free(&written);
}

static void add_line(const struct node *line, int64_t now_ms, struct text *out)
{
    char words[CLI_WORDS];
    int64_t since_ms = node_int(node_member(line, "since_ms"), 0);
    const char *reason = node_text(node_member(line, "reason"), "");
    const char *bottleneck = node_text(node_member(line, "bottleneck"), "");
    text_addf(out, "%s  ", node_text(node_member(line, "name"), "?"));
    if (since_ms > 0)
        text_addf(out, "%s for %s", node_text(node_member(line, "state"), "?"),
                  cli_duration(now_ms - since_ms, words));
    else
        text_add(out, "nothing known yet");
    if (*reason)
        text_addf(out, ", %s: %s", node_text(node_member(line, "cause"), "?"), reason);
    if (*bottleneck)
        text_addf(out, ", bottleneck %s", bottleneck);
    add_shift(node_member(line, "shift"), out);
    text_add_char(out, '\n');
}

void watch_view_table(const struct node *values, int64_t now_ms, struct text *out)
{
    const struct node *machines = node_member(values, "machines");
    const struct node *lines = node_member(values, "lines");
    int width = (int)widest_tag(machines);
    for (size_t i = 0; i < node_count(lines); i++)
        add_line(node_item(lines, i), now_ms, out);
    for (size_t i = 0; i < node_count(machines); i++) {
        add_machine_head(node_item(machines, i), now_ms, out);
        add_machine_table(node_item(machines, i), width, out);
    }
}

static void add_time(int64_t ts_ms, struct text *out)
{
    time_t seconds = ts_ms / 1000;
    struct tm local;
    char written[32];
    if (ts_ms <= 0 || !localtime_r(&seconds, &local)) {
        text_add(out, "never");
        return;
    }
    strftime(written, sizeof(written), "%Y-%m-%d %H:%M:%S", &local);
    text_addf(out, "%s.%03d", written, (int)(ts_ms % 1000));
}

void watch_view_lines(const struct node *values, struct text *out)
{
    const struct node *machines = node_member(values, "machines");
    const char *tag = NULL;
    const struct node *value = NULL;
    for (size_t i = 0; i < node_count(machines); i++) {
        const struct node *machine = node_item(machines, i);
        add_time(node_int(node_member(machine, "ts"), 0), out);
        text_addf(out, " %s %s", node_text(node_member(machine, "machine"), "?"),
                  node_bool(node_member(machine, "online"), false) ? "online" : "offline");
        for (void *place = NULL; node_each(node_member(machine, "values"), &place, &tag, &value);) {
            text_addf(out, " %s=", tag);
            node_to_json(value, false, out);
        }
        for (void *place = NULL; node_each(node_member(machine, "bad"), &place, &tag, &value);)
            text_addf(out, " %s=bad:%s", tag, node_text(value, "?"));
        text_add_char(out, '\n');
    }
}
