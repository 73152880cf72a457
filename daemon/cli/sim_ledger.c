#include "sim_ledger.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "text.h"

struct page {
    struct sim_tale *tale;
    struct sim_told told; /* what was written last */
    double job;           /* likewise, as its tag shows it */
};

struct sim_ledger {
    const struct sim_clock *clock;
    FILE *file;
    struct page *pages;
    size_t count;
    struct text line;
};

struct sim_ledger *sim_ledger_open(const char *path, const struct sim_clock *clock)
{
    FILE *file = fopen(path, "we");
    if (!file)
        return NULL;
    struct sim_ledger *ledger = mem_alloc(sizeof(*ledger));
    ledger->clock = clock;
    ledger->file = file;
    return ledger;
}

static void begin_line(struct sim_ledger *ledger, const struct page *page, int64_t time_ms)
{
    const char *name = sim_tale_machine(page->tale)->name;
    text_clear(&ledger->line);
    text_addf(&ledger->line,
              "{\"t_ms\":%" PRId64 ",\"machine\":", sim_clock_wall(ledger->clock, time_ms));
    text_add_json(&ledger->line, name, strlen(name));
}

static void end_line(struct sim_ledger *ledger)
{
    text_add(&ledger->line, "}\n");
    fwrite(ledger->line.data, 1, ledger->line.length, ledger->file);
}

static void write_state(struct sim_ledger *ledger, const struct page *page, int64_t time_ms)
{
    const char *reason = page->told.reason;
    if (page->told.restarts) {
        begin_line(ledger, page, time_ms);
        text_add(&ledger->line, ",\"restart\":true");
        end_line(ledger);
    }
    begin_line(ledger, page, time_ms);
    text_addf(&ledger->line, ",\"state\":\"%s\",\"reason\":", machine_state_name(page->told.state));
    if (reason)
        text_add_json(&ledger->line, reason, strlen(reason));
    else
        text_add(&ledger->line, "null");
    end_line(ledger);
}

static void write_job(struct sim_ledger *ledger, struct page *page, int64_t time_ms)
{
    const struct machine *machine = sim_tale_machine(page->tale);
    if (!machine->job || machine->job->id == JOB_NO_TAG)
        return;
    const struct tag *id = &machine->tags[machine->job->id];
    double job = sim_tale_raw(page->tale, machine->job->id, sim_kind_of(id), time_ms);
    if (job == page->job)
        return;
    page->job = job;
    begin_line(ledger, page, time_ms);
    text_addf(&ledger->line, ",\"job\":%.0f", job);
    end_line(ledger);
}

static void write_totals(struct sim_ledger *ledger, const struct page *page, int64_t time_ms,
                         const char *at)
{
    const struct machine *machine = sim_tale_machine(page->tale);
    for (size_t i = 0; i < machine->tag_count; i++) {
        uint64_t total = 0;
        if (!sim_tale_total(page->tale, i, time_ms, &total))
            continue;
        begin_line(ledger, page, time_ms);
        text_add(&ledger->line, ",\"counter\":");
        text_add_json(&ledger->line, machine->tags[i].name, strlen(machine->tags[i].name));
        text_addf(&ledger->line, ",\"total\":%" PRIu64 ",\"at\":\"%s\"", total, at);
        end_line(ledger);
    }
}

static bool is_same(const struct sim_told *a, const struct sim_told *b)
{
    return a->state == b->state && (a->reason == b->reason ||
                                    (a->reason && b->reason && strcmp(a->reason, b->reason) == 0));
}

/* What follows the segment that was written last, while that is over. */
static void update_page(struct sim_ledger *ledger, struct page *page, int64_t now_ms)
{
    while (page->told.until_ms <= now_ms) {
        int64_t at_ms = page->told.until_ms;
        struct sim_told next = sim_tale_told(page->tale, at_ms);
        bool same = is_same(&next, &page->told);
        bool halts = page->told.produces && !next.produces;
        page->told = next;
        if (halts)
            write_totals(ledger, page, at_ms, next.job_ended ? "job end" : "stop");
        write_job(ledger, page, at_ms);
        if (!same)
            write_state(ledger, page, at_ms);
    }
}

void sim_ledger_add(struct sim_ledger *ledger, struct sim_tale *tale)
{
    int64_t now_ms = sim_clock_now(ledger->clock);
    ledger->pages = mem_resize(ledger->pages, (ledger->count + 1) * sizeof(*ledger->pages));
    struct page *page = &ledger->pages[ledger->count++];
    *page = (struct page){.tale = tale, .told = sim_tale_told(tale, now_ms), .job = -1};
    write_job(ledger, page, now_ms);
    write_state(ledger, page, now_ms);
}

void sim_ledger_update(struct sim_ledger *ledger)
{
    int64_t now_ms = sim_clock_now(ledger->clock);
    for (size_t i = 0; i < ledger->count; i++)
        update_page(ledger, &ledger->pages[i], now_ms);
    fflush(ledger->file);
}

int sim_ledger_close(struct sim_ledger *ledger)
{
    if (!ledger)
        return 0;
    sim_ledger_update(ledger);
    int64_t now_ms = sim_clock_now(ledger->clock);
    for (size_t i = 0; i < ledger->count; i++)
        write_totals(ledger, &ledger->pages[i], now_ms, "exit");
    bool failed = ferror(ledger->file) != 0;
    failed |= fclose(ledger->file) != 0;
    free(ledger->pages);
    text_free(&ledger->line);
    free(ledger);
    return failed ? -1 : 0;
}
