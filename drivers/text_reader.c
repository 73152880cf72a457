#include "text_reader.h"

#include <stdlib.h>
#include <string.h>

#include "decode.h"
#include "memory.h"
#include "pattern.h"
#include "text_value.h"

enum { CHECKSUM_DIGITS = 2 };

struct text_reader {
    const struct machine *machine;
    struct pattern **patterns;
    int *groups; /* of each tag in each pattern, -1: none */
};

static int *groups_of(const struct text_reader *reader, size_t pattern)
{
    return reader->groups + pattern * reader->machine->tag_count;
}

struct text_reader *text_reader_new(const struct machine *machine)
{
    const struct text_config *config = machine->text;
    struct text_reader *reader = mem_alloc(sizeof *reader);

    reader->machine = machine;
    reader->patterns = mem_array(config->pattern_count, sizeof(struct pattern *));
    reader->groups = mem_array(config->pattern_count * machine->tag_count, sizeof *reader->groups);
    for (size_t i = 0; i < config->pattern_count; i++) {
        struct pattern_fault fault;
        /* The configuration has seen to it that it compiles. */
        if (pattern_new(config->patterns[i].match, &reader->patterns[i], &fault) != 0)
            abort();
        for (size_t k = 0; k < machine->tag_count; k++)
            groups_of(reader, i)[k] =
                pattern_group(reader->patterns[i], machine->tags[k].detail->group);
    }
    return reader;
}

void text_reader_free(struct text_reader *reader)
{
    if (reader == NULL)
        return;
    for (size_t i = 0; i < reader->machine->text->pattern_count; i++)
        pattern_free(reader->patterns[i]);
    free(reader->patterns);
    free(reader->groups);
    free(reader);
}

uint8_t text_checksum(enum text_checksum checksum, const char *bytes, size_t length)
{
    uint8_t sum = 0;

    for (size_t i = 0; i < length; i++) {
        if (checksum == CHECKSUM_XOR8)
            sum ^= (uint8_t)bytes[i];
        else
            sum = (uint8_t)(sum + (uint8_t)bytes[i]);
    }
    return sum;
}

static int digit_of(char c)
{
    const char *digits = "0123456789abcdef0123456789ABCDEF";
    const char *at = c != '\0' ? strchr(digits, c) : NULL;

    return at != NULL ? (int)((at - digits) % 16) : -1;
}

/* Takes the checksum off the line; false where it is wrong. */
static bool check_sum(enum text_checksum checksum, const char *line, size_t *length)
{
    if (checksum == CHECKSUM_NONE)
        return true;
    if (*length < CHECKSUM_DIGITS)
        return false;
    size_t rest = *length - CHECKSUM_DIGITS;
    int high = digit_of(line[rest]), low = digit_of(line[rest + 1]);
    if (high < 0 || low < 0 || high * 16 + low != text_checksum(checksum, line, rest))
        return false;
    *length = rest;
    return true;
}

static bool is_no_read(const struct text_config *config, const char *line, size_t length)
{
    while (length > 0 && line[length - 1] == ' ')
        length--;
    while (length > 0 && line[0] == ' ') {
        line++;
        length--;
    }
    for (size_t i = 0; i < config->no_read_count; i++) {
        const char *word = config->no_read[i];
        size_t from = strspn(word, " "), to = strlen(word);
        while (to > from && word[to - 1] == ' ')
            to--;
        if (to - from == length && memcmp(word + from, line, length) == 0)
            return true;
    }
    return false;
}

static void add_values(const struct text_reader *reader, size_t pattern, const char *line,
                       struct line_answer *answer)
{
    const struct machine *machine = reader->machine;

    for (size_t i = 0; i < machine->tag_count; i++) {
        int group = groups_of(reader, pattern)[i];
        size_t from = 0, length = 0;
        char *text = answer->texts;
        if (group < 0 || !pattern_span(reader->patterns[pattern], group, &from, &length))
            continue;
        if (text != NULL)
            text += i * DECODE_TEXT_BYTES;
        struct sample *sample = &answer->samples[answer->count++];
        sample->tag = (uint16_t)i;
        text_value(&machine->tags[i], line + from, length, text, sample);
    }
}

void text_reader_fail(const struct text_reader *reader, enum quality quality,
                      struct line_answer *answer)
{
    for (size_t i = 0; i < reader->machine->tag_count; i++)
        answer->samples[answer->count++] =
            (struct sample){.tag = (uint16_t)i, .quality = (uint8_t)quality};
}

enum text_meaning text_reader_take(struct text_reader *reader, const char *line, size_t length,
                                   struct line_answer *answer)
{
    const struct text_config *config = reader->machine->text;
    bool whole = check_sum(config->checksum, line, &length);

    if (whole && is_no_read(config, line, length)) {
        text_reader_fail(reader, QUALITY_RANGE, answer);
        return TEXT_NO_READ;
    }
    for (size_t i = 0; whole && i < config->pattern_count; i++) {
        if (pattern_match(reader->patterns[i], line, length)) {
            add_values(reader, i, line, answer);
            return TEXT_READ;
        }
    }
    text_reader_fail(reader, QUALITY_FRAME, answer);
    return TEXT_STRANGE;
}
