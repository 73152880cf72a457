#include "machine_again.h"

#include <string.h>

#include "decode.h"

static struct sample *find_sample(const struct machine_run *run)
{
    const struct line_answer *answer = &run->answer;
    for (size_t i = 0; i < answer->count; i++)
        if (answer->samples[i].tag == run->config->job->id)
            return &answer->samples[i];
    return NULL;
}

bool machine_again_wanted(const struct machine_run *run)
{
    if (run->jobs == NULL || run->again.same || run->again.asked == MACHINE_AGAIN_MOST)
        return false;
    return run->again.asked > 0 || jobs_is_other(run->jobs, run->answer.samples, run->answer.count);
}

static void replace(struct machine_run *run, struct sample *sample, const struct value *value)
{
    sample->value = *value;
    if (value->kind != VALUE_TEXT)
        return;
    char *text = run->answer.texts + (size_t)sample->tag * DECODE_TEXT_BYTES;
    memcpy(text, value->text, value->length);
    sample->value.text = text;
}

void machine_again_heard(struct machine_run *run, const struct sample *sample)
{
    struct sample *last = find_sample(run);
    run->again.asked++;
    if (last == NULL || sample->quality != QUALITY_GOOD) {
        run->again.asked = MACHINE_AGAIN_MOST;
        return;
    }
    run->again.same = value_equal(&last->value, &sample->value);
    if (!run->again.same)
        replace(run, last, &sample->value);
}
