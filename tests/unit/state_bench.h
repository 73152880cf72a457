/* A machine's state, poll by poll, and what is told of it as text. */
#ifndef BINDERY_STATE_BENCH_H
#define BINDERY_STATE_BENCH_H

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "state.h"
#include "text.h"

enum { SECOND_MS = 1000, MINUTE_MS = 60000 };

#define MAKING STATE_PRODUCTION

/* Reports are written as they are read here:
 *   I STATE FROM-UNCERTAIN..TO-UNCERTAIN =DURATION   an interval; so for S, a stop
 *   B STATE FROM-UNCERTAIN                           production or a fault begins
 * with /REASON behind the state, #CODE, ? for uncertain, ! for a micro-stop, * for an unknown time,
 * and without -UNCERTAIN where it is 0. */
struct bench {
    struct state_config config;
    struct state_run run;
    struct text told;
};

static inline struct bench bench_of(int64_t debounce_ms)
{
    return (struct bench){.config = {.from = STATE_NO_TAG,
                                     .reason = STATE_NO_TAG,
                                     .debounce_ms = debounce_ms,
                                     .offline_after_ms = 5 * SECOND_MS,
                                     .micro_stop_ms = MINUTE_MS}};
}

static inline void write_edge(struct text *told, int64_t ms, int64_t uncertain_ms)
{
    if (ms == STATE_TIME_UNKNOWN)
        text_add(told, "*");
    else
        text_add_int(told, ms);
    if (uncertain_ms != 0)
        text_addf(told, "-%" PRId64, uncertain_ms);
}

static inline void write_report(struct text *told, const struct state_report *report)
{
    static const char letters[] = {[STATE_REPORT_INTERVAL] = 'I',
                                   [STATE_REPORT_STOP] = 'S',
                                   [STATE_REPORT_START] = 'B',
                                   [STATE_REPORT_FAULT] = 'B'};
    bool lasted = report->kind == STATE_REPORT_INTERVAL || report->kind == STATE_REPORT_STOP;

    text_addf(told, "%s%c %s", told->length > 0 ? "; " : "", letters[report->kind],
              machine_state_name(report->state));
    if (report->reason != 0)
        text_addf(told, "/%u", report->reason);
    if (report->has_code)
        text_addf(told, "#%" PRId64, report->code);
    text_addf(told, "%s%s ", report->uncertain ? "?" : "", report->micro ? "!" : "");
    write_edge(told, report->from_ms, report->from_uncertain_ms);
    if (lasted) {
        text_add(told, "..");
        write_edge(told, report->to_ms, report->to_uncertain_ms);
        text_addf(told, " =%" PRId64, report->duration_ms);
    }
    if (report->kind == STATE_REPORT_START)
        assert_int_equal(report->state, STATE_PRODUCTION);
    if (report->kind == STATE_REPORT_FAULT)
        assert_int_equal(report->state, STATE_FAULT);
}

static inline void observe(struct bench *bench, int64_t at_ms, const struct state_observation *seen,
                           const char *expected)
{
    struct state_report reports[STATE_MAX_REPORTS];
    size_t count = state_take(&bench->config, &bench->run, seen, at_ms, reports);

    text_clear(&bench->told);
    for (size_t i = 0; i < count; i++)
        write_report(&bench->told, &reports[i]);
    const char *told = bench->told.length > 0 ? bench->told.data : "";
    if (strcmp(told, expected) != 0)
        fail_msg("at %" PRId64 "\nexpected %s\n    told %s", at_ms, expected, told);
}

static inline void see(struct bench *bench, int64_t at_ms, enum machine_state state,
                       uint32_t reason, const char *expected)
{
    observe(bench, at_ms, &(struct state_observation){.state = state, .reason = reason}, expected);
}

static inline void miss(struct bench *bench, int64_t at_ms, const char *expected)
{
    observe(bench, at_ms, NULL, expected);
}

/* The gateway goes, and comes back on a clock that is so much ahead. */
static inline void restart(struct bench *bench, int64_t ahead_ms)
{
    struct state_kept kept = state_keep(&bench->run);

    if (ahead_ms == STATE_TIME_UNKNOWN)
        kept.at_ms = STATE_TIME_UNKNOWN;
    else
        kept.at_ms += ahead_ms;
    bench->run = state_resume(&kept);
}

static inline void end(struct bench *bench)
{
    text_free(&bench->told);
}

#endif
