#include "status_view.h"

#include <inttypes.h>
#include <string.h>

#include "cli.h"

static const char *name_of(const struct node *node)
{
    return node_text(node_member(node, "name"), "?");
}

static uint64_t number_of(const struct node *node, const char *name)
{
    int64_t number = node_int(node_member(node, name), 0);
    return number < 0 ? 0 : (uint64_t)number;
}

static const char *trouble_of(const struct node *node)
{
    return node_text(node_member(node, "trouble"), "");
}

static const char *since_of(const struct node *node, int64_t now_ms, char words[CLI_WORDS])
{
    int64_t since_ms = node_int(node_member(node, "since_ms"), 0);
    return since_ms > 0 ? cli_duration(now_ms - since_ms, words) : "-";
}

/* What it is doing, where that is known; NULL where not, as while it is offline. */
static const struct node *state_of(const struct node *machine)
{
    bool online = node_bool(node_member(machine, "online"), false);
    return online ? node_member(machine, "state") : NULL;
}

/* A machine that was not asked yet is neither online nor offline. */
static const char *state_name(const struct node *machine)
{
    const struct node *state = state_of(machine);
    if (state != NULL)
        return name_of(state);
    if (node_bool(node_member(machine, "online"), false))
        return "online";
    return number_of(machine, "since_ms") ? "OFFLINE" : "-";
}

static void add_alarms(const struct node *alarms, int64_t now_ms, struct text *out)
{
    char words[CLI_WORDS];
    for (size_t i = 0; i < node_count(alarms); i++) {
        const struct node *alarm = node_item(alarms, i);
        text_addf(out, "  alarm %s, %s, for %s: %s\n", name_of(alarm),
                  node_text(node_member(alarm, "subject"), "?"), since_of(alarm, now_ms, words),
                  node_text(node_member(alarm, "text"), ""));
    }
}

static void add_own_trouble(const struct node *status, struct text *out)
{
    char words[CLI_WORDS];
    const struct node *store = node_member(status, "store");
    if (*trouble_of(store))
        text_addf(out, "  store: %s\n", trouble_of(store));
    uint64_t lost = number_of(node_member(status, "queue"), "lost");
    if (lost)
        text_addf(out, "  queue: %s lost since the start, declared as gaps\n",
                  cli_count(lost, "reading", words));
    if (!node_bool(node_member(node_member(status, "clock"), "synced"), true))
        text_add(out, "  clock: not synchronised; times will be corrected once it is\n");
}

static void add_uplink_trouble(const struct node *uplinks, struct text *out)
{
    char words[CLI_WORDS];
    for (size_t i = 0; i < node_count(uplinks); i++) {
        const struct node *uplink = node_item(uplinks, i);
        bool connected = node_bool(node_member(uplink, "connected"), false);
        if (connected && !*trouble_of(uplink))
            continue;
        text_addf(out, "  uplink %s: %s%s%s; %s waiting\n", name_of(uplink),
                  connected ? "" : "not connected", connected || !*trouble_of(uplink) ? "" : ", ",
                  trouble_of(uplink), cli_count(number_of(uplink, "pending"), "reading", words));
    }
}

static void add_link_trouble(const struct node *links, struct text *out)
{
    for (size_t i = 0; i < node_count(links); i++) {
        const struct node *link = node_item(links, i);
        bool up = node_bool(node_member(link, "up"), false);
        if (!up || *trouble_of(link))
            text_addf(out, "  link %s: %s%s%s\n", name_of(link), up ? "" : "down",
                      up || !*trouble_of(link) ? "" : ", ", trouble_of(link));
    }
}

static void add_machine_trouble(const struct node *machines, int64_t now_ms, struct text *out)
{
    char words[CLI_WORDS];
    for (size_t i = 0; i < node_count(machines); i++) {
        const struct node *machine = node_item(machines, i);
        const struct node *state = state_of(machine);
        bool fault = state != NULL && strcmp(name_of(state), "fault") == 0;
        bool online = node_bool(node_member(machine, "online"), false);
        if ((online && !fault) || !number_of(machine, "since_ms"))
            continue;
        const struct node *what = fault ? state : machine;
        const char *reason = node_text(node_member(what, "reason"), "");
        text_addf(out, "  machine %s: %s, %s%s%s\n", name_of(machine), fault ? "fault" : "offline",
                  since_of(what, now_ms, words), *reason ? ": " : "", reason);
    }
}

/* What is asked for in vain tells of a wrong address, or of another model. */
static void add_refused(const struct node *machines, struct text *out)
{
    for (size_t i = 0; i < node_count(machines); i++) {
        const struct node *machine = node_item(machines, i),
                          *refused = node_member(machine, "refused");
        if (node_count(refused) == 0)
            continue;
        text_addf(out, "  machine %s: has no register for", name_of(machine));
        for (size_t j = 0; j < node_count(refused); j++)
            text_addf(out, "%s %s", j > 0 ? "," : "", node_text(node_item(refused, j), "?"));
        text_add(out, " (exception 2)\n");
    }
}

static void add_trouble(const struct node *status, int64_t now_ms, struct text *out)
{
    struct text trouble = {0};
    add_alarms(node_member(status, "alarms"), now_ms, &trouble);
    add_own_trouble(status, &trouble);
    add_uplink_trouble(node_member(status, "uplinks"), &trouble);
    add_link_trouble(node_member(status, "links"), &trouble);
    add_machine_trouble(node_member(status, "machines"), now_ms, &trouble);
    add_refused(node_member(status, "machines"), &trouble);
    if (trouble.length) {
        text_add(out, "TROUBLE\n");
        text_add_bytes(out, trouble.data, trouble.length);
        text_add_char(out, '\n');
    }
    text_free(&trouble);
}

static void add_gateway(const struct node *status, int64_t now_ms, struct text *out)
{
    char words[CLI_WORDS];
    const struct node *store = node_member(status, "store");
    uint64_t started_ms = number_of(status, "started_ms");
    text_addf(out, "gateway %s, site %s: binderyd %s, up for %s, pid %" PRIu64 "\n",
              node_text(node_member(status, "gateway"), "?"),
              node_text(node_member(status, "site"), "?"),
              node_text(node_member(status, "version"), "?"),
              cli_duration(started_ms > 0 ? now_ms - (int64_t)started_ms : 0, words),
              number_of(status, "pid"));
    text_addf(out, "store %s: %s, ", node_text(node_member(store, "id"), "?"),
              cli_bytes(number_of(store, "bytes"), words));
    text_addf(out, "next seq %" PRIu64 "\n", number_of(store, "next_seq"));
    const struct node *poll = node_member(status, "poll");
    if (number_of(poll, "polls"))
        text_addf(out, "polls: 99 %% of %s at most %" PRIu64 " ms late\n",
                  cli_number(number_of(poll, "polls"), words), number_of(poll, "lateness_p99_ms"));
}

static int widest_name(const struct node *list)
{
    size_t widest = 7;
    for (size_t i = 0; i < node_count(list); i++) {
        size_t length = strlen(name_of(node_item(list, i)));
        widest = length > widest ? length : widest;
    }
    return (int)widest;
}

static void add_uplinks(const struct node *uplinks, struct text *out)
{
    int width = widest_name(uplinks);
    char pending[CLI_WORDS], acknowledged[CLI_WORDS];
    text_addf(out, "\n%-*s  %-13s %14s %16s\n", width, "UPLINK", "state", "waiting",
              "acknowledged");
    for (size_t i = 0; i < node_count(uplinks); i++) {
        const struct node *uplink = node_item(uplinks, i);
        bool connected = node_bool(node_member(uplink, "connected"), false);
        text_addf(out, "%-*s  %-13s %14s %16s\n", width, name_of(uplink),
                  connected ? "connected" : "not connected",
                  cli_number(number_of(uplink, "pending"), pending),
                  cli_number(number_of(uplink, "acknowledged"), acknowledged));
    }
}

static void add_links(const struct node *links, struct text *out)
{
    int width = widest_name(links);
    char requests[CLI_WORDS];
    text_addf(out, "\n%-*s  %-15s %-5s %14s %9s %10s %11s\n", width, "LINK", "driver", "state",
              "requests", "timeouts", "discarded", "reconnects");
    for (size_t i = 0; i < node_count(links); i++) {
        const struct node *link = node_item(links, i);
        text_addf(out, "%-*s  %-15s %-5s %14s %9" PRIu64 " %10" PRIu64 " %11" PRIu64 "\n", width,
                  name_of(link), node_text(node_member(link, "driver"), "?"),
                  node_bool(node_member(link, "up"), false) ? "up" : "down",
                  cli_number(number_of(link, "requests"), requests), number_of(link, "timeouts"),
                  number_of(link, "discarded"), number_of(link, "reconnects"));
    }
}

static bool have_shifts(const struct node *machines)
{
    for (size_t i = 0; i < node_count(machines); i++)
        if (node_member(node_item(machines, i), "shift") != NULL)
            return true;
    return false;
}

static const char *quantity_of(const struct node *shift, const char *name, char words[CLI_WORDS])
{
    int64_t quantity = node_int(node_member(shift, name), -1);
    return quantity >= 0 ? cli_number((uint64_t)quantity, words) : "-";
}

static void add_shift(const struct node *machine, struct text *out)
{
    const struct node *shift = node_member(machine, "shift");
    char good[CLI_WORDS], waste[CLI_WORDS];
    text_addf(out, " %12s %9s  %-18s", quantity_of(shift, "good", good),
              quantity_of(shift, "waste", waste), node_text(node_member(shift, "key"), "-"));
}

struct columns {
    int name, link;
    bool shifts;
};

static void add_machine(const struct node *machine, const struct columns *columns, int64_t now_ms,
                        struct text *out)
{
    char since[CLI_WORDS], last[CLI_WORDS], polls[CLI_WORDS];
    int64_t last_ms = node_int(node_member(machine, "last_ms"), 0);
    const struct node *state = state_of(machine);
    const char *reason = node_text(node_member(state, "reason"), "");
    text_addf(out, "%-*s  %-*s %4" PRIu64 " %-11s %12s %12s %14s %9" PRIu64, columns->name,
              name_of(machine), columns->link, node_text(node_member(machine, "link"), "?"),
              number_of(machine, "unit"), state_name(machine),
              since_of(state != NULL ? state : machine, now_ms, since),
              last_ms > 0 ? cli_duration(now_ms - last_ms, last) : "never",
              cli_number(number_of(machine, "polls"), polls), number_of(machine, "failed"));
    if (columns->shifts)
        add_shift(machine, out);
    text_addf(out, "%s%s\n", *reason ? "  " : "", reason);
}

static void add_machines(const struct node *status, int64_t now_ms, struct text *out)
{
    const struct node *machines = node_member(status, "machines");
    const struct columns columns = {
        .name = widest_name(machines),
        .link = widest_name(node_member(status, "links")),
        .shifts = have_shifts(machines),
    };
    text_addf(out, "\n%-*s  %-*s unit %-11s %12s %12s %14s %9s", columns.name, "MACHINE",
              columns.link, "link", "state", "for", "last answer", "polls", "failed");
    if (columns.shifts)
        text_addf(out, " %12s %9s  %s", "good", "waste", "shift");
    text_add_char(out, '\n');
    for (size_t i = 0; i < node_count(machines); i++)
        add_machine(node_item(machines, i), &columns, now_ms, out);
}

static void add_line(const struct node *line, int width, int64_t now_ms, struct text *out)
{
    char since[CLI_WORDS];
    const char *cause = node_text(node_member(line, "cause"), "");
    const char *reason = node_text(node_member(line, "reason"), "");
    bool known = number_of(line, "since_ms") > 0;
    text_addf(out, "%-*s  %-11s %12s  %-*s", width, name_of(line),
              known ? node_text(node_member(line, "state"), "?") : "-",
              since_of(line, now_ms, since), width,
              node_text(node_member(line, "bottleneck"), "-"));
    add_shift(line, out);
    if (*reason)
        text_addf(out, "  %s: %s", cause, reason);
    text_add_char(out, '\n');
}

/* As people think of them: what they do, and what comes out in the shift. */
static void add_lines(const struct node *status, int64_t now_ms, struct text *out)
{
    const struct node *lines = node_member(status, "lines");
    int machine = widest_name(node_member(status, "machines")), line = widest_name(lines);
    int width = machine > line ? machine : line;
    if (node_count(lines) == 0)
        return;
    text_addf(out, "\n%-*s  %-11s %12s  %-*s %12s %9s  %s\n", width, "LINE", "state", "for", width,
              "bottleneck", "good", "waste", "shift");
    for (size_t i = 0; i < node_count(lines); i++)
        add_line(node_item(lines, i), width, now_ms, out);
}

void status_view(const struct node *status, int64_t now_ms, struct text *out)
{
    add_trouble(status, now_ms, out);
    add_gateway(status, now_ms, out);
    add_uplinks(node_member(status, "uplinks"), out);
    add_links(node_member(status, "links"), out);
    add_machines(status, now_ms, out);
    add_lines(status, now_ms, out);
}
