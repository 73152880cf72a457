#include "sim_text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "pattern.h"
#include "sim_values.h"
#include "text_reader.h"

/* Where a tag stands in a line. */
struct place {
    size_t tag, from, length;
};

struct sim_line {
    const char *example;
    struct place *places;
    size_t place_count;
};

struct sim_speaker {
    const struct machine *machine;
    uint64_t seed;
    struct sim_tale *tale;
    struct sim_line *lines; /* those of its patterns that have an example */
    size_t line_count;
};

static void find_places(const struct machine *machine, const struct text_pattern *config,
                        struct sim_line *line)
{
    struct pattern *pattern = NULL;
    struct pattern_fault fault;

    if (pattern_new(config->match, &pattern, &fault) != 0 ||
        !pattern_match(pattern, config->example, strlen(config->example))) {
        pattern_free(pattern);
        return;
    }
    for (size_t i = 0; i < machine->tag_count; i++) {
        struct place *place = &line->places[line->place_count];
        int group = pattern_group(pattern, machine->tags[i].detail->group);
        if (machine->tags[i].type == TYPE_STRING || group < 0 ||
            !pattern_span(pattern, group, &place->from, &place->length))
            continue;
        place->tag = i;
        line->place_count++;
    }
    pattern_free(pattern);
}

struct sim_speaker *sim_speaker_new(const struct machine *machine, uint64_t seed,
                                    struct sim_tale *tale)
{
    const struct text_config *config = machine->text;
    struct sim_speaker *speaker = mem_alloc(sizeof *speaker);

    *speaker = (struct sim_speaker){.machine = machine, .seed = seed, .tale = tale};
    speaker->lines = mem_array(config->pattern_count, sizeof *speaker->lines);
    for (size_t i = 0; i < config->pattern_count; i++) {
        if (!config->patterns[i].example)
            continue;
        struct sim_line *line = &speaker->lines[speaker->line_count++];
        line->example = config->patterns[i].example;
        line->places = mem_array(machine->tag_count, sizeof *line->places);
        find_places(machine, &config->patterns[i], line);
    }
    return speaker;
}

void sim_speaker_free(struct sim_speaker *speaker)
{
    if (!speaker)
        return;
    for (size_t i = 0; i < speaker->line_count; i++)
        free(speaker->lines[i].places);
    free(speaker->lines);
    free(speaker);
}

const struct machine *sim_speaker_machine(const struct sim_speaker *speaker)
{
    return speaker->machine;
}

static double raw_of(const struct sim_speaker *speaker, size_t index, int64_t time_ms)
{
    const struct tag *tag = &speaker->machine->tags[index];
    enum sim_kind kind = sim_kind_of(tag);

    if (speaker->tale)
        return sim_tale_raw(speaker->tale, index, kind, time_ms);
    return sim_raw(kind, tag, sim_value(kind, tag, speaker->seed, time_ms));
}

/* Puts the number's digits in the place of those that stand there, as many as there are. */
static void put_number(char *at, size_t length, double number)
{
    const char *point = memchr(at, '.', length);
    size_t decimals = 0;

    for (size_t i = 0; point && i < length; i++)
        decimals += at + i > point && at[i] >= '0' && at[i] <= '9';
    double rest = round(fabs(number) * pow(10, (double)decimals));
    for (size_t i = length; i-- > 0;) {
        if (at[i] < '0' || at[i] > '9')
            continue;
        at[i] = (char)('0' + (int)fmod(rest, 10));
        rest = floor(rest / 10);
    }
}

static void add_end(const struct machine *machine, size_t begin, struct text *out)
{
    const struct text_framing *framing = &machine->link->framing;
    enum text_checksum checksum = machine->text->checksum;

    if (checksum != CHECKSUM_NONE)
        text_addf(out, "%02X", text_checksum(checksum, out->data + begin, out->length - begin));
    if (framing->length == 0 && framing->idle_ms == 0)
        text_add(out, framing->end ? framing->end : "\r\n");
}

void sim_speaker_say(const struct sim_speaker *speaker, uint64_t number, int64_t time_ms,
                     struct text *out)
{
    if (speaker->line_count == 0 ||
        (speaker->tale && sim_tale_told(speaker->tale, time_ms).restarts))
        return;
    const struct sim_line *line = &speaker->lines[number % speaker->line_count];
    size_t begin = out->length;
    text_add(out, line->example);
    for (size_t i = 0; i < line->place_count; i++) {
        const struct place *place = &line->places[i];
        put_number(out->data + begin + place->from, place->length,
                   raw_of(speaker, place->tag, time_ms));
    }
    add_end(speaker->machine, begin, out);
}

size_t sim_speaker_asked(const struct sim_speaker *speaker, const uint8_t *bytes, size_t length)
{
    const char *ask = speaker->machine->text->ask;
    const uint8_t *found = ask ? memmem(bytes, length, ask, strlen(ask)) : NULL;

    return found ? (size_t)(found - bytes) + strlen(ask) : 0;
}
