/* Values that a job keeps: its id, and what is told with it. */
#include <stdlib.h>
#include <string.h>

#include "jobs_internal.h"
#include "memory.h"

void jobs_value_set(struct value *to, const struct value *from)
{
    struct value copy = *from;
    if (copy.kind == VALUE_TEXT) {
        char *text = mem_alloc((size_t)copy.length + 1);
        memcpy(text, from->text, copy.length);
        copy.text = text;
    }
    if (to->kind == VALUE_TEXT)
        free((char *)to->text);
    *to = copy;
}

int64_t jobs_value_hash(const struct value *value)
{
    uint64_t hash = TALLY_HASH_BEGIN;
    if (value->kind == VALUE_TEXT && value->length > 0) {
        hash = tally_hash(hash, value->text, value->length);
    } else if ((value->kind == VALUE_DECIMAL && value->mantissa != 0) ||
               (value->kind == VALUE_UNSIGNED && value->whole != 0)) {
        uint64_t number = value->kind == VALUE_DECIMAL ? (uint64_t)value->mantissa : value->whole;
        hash = tally_hash(hash, &number, sizeof(number));
    } else {
        return 0;
    }
    return hash != 0 ? (int64_t)hash : 1;
}

void jobs_format_merge(struct jobs_format *to, const struct jobs_format *from)
{
    for (size_t i = 0; i < JOB_MAX_FORMAT; i++)
        if (from->values[i].kind != VALUE_NONE)
            jobs_value_set(&to->values[i], &from->values[i]);
}

void jobs_format_clear(struct jobs_format *format)
{
    static const struct value none;
    for (size_t i = 0; i < JOB_MAX_FORMAT; i++)
        jobs_value_set(&format->values[i], &none);
}

void jobs_clear(struct job *job)
{
    if (job->id.kind == VALUE_TEXT)
        free((char *)job->id.text);
    jobs_format_clear(&job->format);
    *job = (struct job){0};
}
