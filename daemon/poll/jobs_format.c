/* What is told with a job, and when it changes while the job goes on. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "filter.h"
#include "jobs_internal.h"

/* A value has two numbers: which tag's and of which kind it is, and what it is. */
enum { KIND_BITS = 8, DECIMALS_BITS = 8, NUMBERS = 2 };

static const struct value none;

static const struct tag *tag_of(const struct jobs *jobs, size_t i)
{
    return &jobs->machine->tags[jobs->machine->job->format[i]];
}

/* Its total is told as it is at last, and that it rises is no change of format. */
static bool is_counter(const struct tag *tag)
{
    return tag->detail != NULL && tag->detail->counter != NULL;
}

static void report_change(const struct jobs *jobs, size_t i, jobs_report_fn *report, void *context)
{
    const struct jobs_record record = {
        .what = JOBS_FORMAT,
        .id = jobs->now.id,
        .at_ms = jobs->settling.seen_ms[i],
        .tag = jobs->machine->job->format[i],
        .before = jobs->now.format.values[i],
        .value = jobs->read.values[i],
    };
    report(context, &record);
}

static bool is_known(const struct jobs *jobs, size_t i)
{
    const struct value *read = &jobs->read.values[i];
    if (jobs->settling.kept[i] != 0)
        return read->kind == VALUE_TEXT && jobs_text_hash(read) == jobs->settling.kept[i];
    return !filter_moved(tag_of(jobs, i), &jobs->now.format.values[i], read);
}

static void take(struct jobs *jobs, size_t i, int64_t at_ms, jobs_report_fn *report, void *context)
{
    struct jobs_settling *settling = &jobs->settling;
    struct value *now = &jobs->now.format.values[i], *seen = &settling->seen.values[i];
    const struct value *read = &jobs->read.values[i];
    bool known = is_known(jobs, i);
    bool again = seen->kind != VALUE_NONE && !filter_moved(tag_of(jobs, i), seen, read);
    if (!known && !again) {
        jobs_value_set(seen, read);
        settling->seen_ms[i] = at_ms;
        if (!settling->settled[i])
            jobs_value_set(now, read);
        return;
    }
    if (!known)
        report_change(jobs, i, report, context);
    if (!known || settling->kept[i] != 0)
        jobs_value_set(now, read);
    jobs_value_set(seen, &none);
    jobs->should_keep = jobs->should_keep || !known || !settling->settled[i];
    settling->settled[i] = true;
    settling->kept[i] = 0;
}

void jobs_settle(struct jobs *jobs, int64_t at_ms, jobs_report_fn *report, void *context)
{
    for (size_t i = 0; i < jobs->machine->job->format_count; i++) {
        if (jobs->read.values[i].kind != VALUE_NONE && is_counter(tag_of(jobs, i)))
            jobs_value_set(&jobs->now.format.values[i], &jobs->read.values[i]);
        else if (jobs->read.values[i].kind != VALUE_NONE)
            take(jobs, i, at_ms, report, context);
        jobs_value_set(&jobs->read.values[i], &none);
    }
}

void jobs_unsettle(struct jobs *jobs)
{
    jobs_format_clear(&jobs->settling.seen);
    jobs->settling = (struct jobs_settling){0};
}

/* --- as numbers --- */

/* So that a value is not taken for that of another tag, as after a reload. */
static uint64_t mark_of(const struct tag *tag)
{
    return tally_hash(TALLY_HASH_BEGIN, tag->name, strlen(tag->name))
           << (KIND_BITS + DECIMALS_BITS);
}

static int64_t content_of(const struct value *value)
{
    double real = value_number(value);
    int64_t content = 0;
    switch (value->kind) {
    case VALUE_BOOL:
        return value->boolean;
    case VALUE_DECIMAL:
        return value->mantissa;
    case VALUE_UNSIGNED:
        return (int64_t)value->whole;
    case VALUE_REAL32:
    case VALUE_REAL64:
        memcpy(&content, &real, sizeof(content));
        return content;
    case VALUE_TEXT:
        return jobs_text_hash(value);
    default:
        return 0;
    }
}

void jobs_format_keep(const struct jobs *jobs, int64_t ret_numbers[JOB_FORMAT_VALUES])
{
    memset(ret_numbers, 0, JOB_FORMAT_VALUES * sizeof(*ret_numbers));
    for (size_t i = 0; i < jobs->machine->job->format_count; i++) {
        const struct value *value = &jobs->now.format.values[i];
        bool kept = jobs->settling.kept[i] != 0;
        if (!jobs->settling.settled[i])
            continue;
        uint64_t kind = kept ? VALUE_TEXT : value->kind;
        uint64_t decimals = value->kind == VALUE_DECIMAL ? value->decimals : 0;
        ret_numbers[NUMBERS * i] =
            (int64_t)(mark_of(tag_of(jobs, i)) | decimals << KIND_BITS | kind);
        ret_numbers[NUMBERS * i + 1] = kept ? jobs->settling.kept[i] : content_of(value);
    }
}

/* VALUE_NONE for a text, and what makes no sense. */
static struct value resume_value(uint8_t kind, uint8_t decimals, int64_t content)
{
    struct value value = {.kind = VALUE_NONE};
    double real = 0;
    memcpy(&real, &content, sizeof(real));
    if (kind == VALUE_BOOL)
        value = (struct value){.kind = VALUE_BOOL, .boolean = content != 0};
    else if (kind == VALUE_DECIMAL && decimals <= DECIMAL_MAX_DECIMALS)
        value = (struct value){.kind = VALUE_DECIMAL, .decimals = decimals, .mantissa = content};
    else if (kind == VALUE_UNSIGNED)
        value = (struct value){.kind = VALUE_UNSIGNED, .whole = (uint64_t)content};
    else if (kind == VALUE_REAL32 && isfinite(real) && fabs(real) <= (double)FLT_MAX)
        value = (struct value){.kind = VALUE_REAL32, .real32 = (float)real};
    else if (kind == VALUE_REAL64 && isfinite(real))
        value = (struct value){.kind = VALUE_REAL64, .real64 = real};
    return value;
}

void jobs_format_resume(struct jobs *jobs, const int64_t numbers[JOB_FORMAT_VALUES])
{
    for (size_t i = 0; i < jobs->machine->job->format_count; i++) {
        uint64_t word = (uint64_t)numbers[NUMBERS * i];
        int64_t content = numbers[NUMBERS * i + 1];
        uint8_t kind = (uint8_t)word, decimals = (uint8_t)(word >> KIND_BITS);
        if (word >> (KIND_BITS + DECIMALS_BITS) !=
            mark_of(tag_of(jobs, i)) >> (KIND_BITS + DECIMALS_BITS))
            continue;
        jobs->now.format.values[i] = resume_value(kind, decimals, content);
        jobs->settling.kept[i] = kind == VALUE_TEXT ? content : 0;
        jobs->settling.settled[i] =
            jobs->settling.kept[i] != 0 || jobs->now.format.values[i].kind != VALUE_NONE;
    }
}
