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

static int64_t hash_of(const void *bytes, size_t length)
{
    uint64_t hash = tally_hash(TALLY_HASH_BEGIN, bytes, length);
    return hash != 0 ? (int64_t)hash : 1;
}

int64_t jobs_text_hash(const struct value *text)
{
    return hash_of(text->text, text->length);
}

int64_t jobs_value_hash(const struct value *value)
{
    if (value->kind == VALUE_TEXT)
        return value->length > 0 ? jobs_text_hash(value) : 0;
    uint64_t number = 0;
    if (value->kind == VALUE_DECIMAL)
        number = (uint64_t)value->mantissa;
    else if (value->kind == VALUE_UNSIGNED)
        number = value->whole;
    return number != 0 ? hash_of(&number, sizeof(number)) : 0;
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
