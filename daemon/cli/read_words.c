#include "read_words.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "decode.h"
#include "line.h"
#include "memory.h"

/* Modbus Application Protocol V1.1b3, 7 */
static const char *const exceptions[] = {
    [1] = "illegal function (the machine has no such table)",
    [2] = "illegal data address (the machine has no such address, or not that many)",
    [3] = "illegal data value (so many at once are refused)",
    [4] = "server device failure",
    [5] = "acknowledge (it is busy with a long command)",
    [6] = "server device busy",
    [8] = "memory parity error",
    [10] = "gateway path unavailable",
    [11] = "gateway target device failed to respond (no such unit behind the gateway?)",
};

void read_add_exception(struct text *out, int code)
{
    const char *meaning = NULL;
    if (code >= 0 && (size_t)code < sizeof(exceptions) / sizeof(exceptions[0]))
        meaning = exceptions[code];
    text_addf(out, "exception %d: %s", code, meaning ? meaning : "of the maker's own");
}

void read_add_silence(struct text *out, const struct link *link, uint8_t unit)
{
    text_addf(out, "unit %u did not answer within %" PRId64 " ms; is the unit's number right%s",
              unit, link->timeout_ms,
              link->device ? ", and are baud and format those of the machine?" : "?");
}

static bool always_due(const void *context, int64_t every_ms)
{
    (void)context;
    (void)every_ms;
    return true;
}

static enum area area_of(uint8_t function)
{
    static const enum area areas[] = {AREA_COIL, AREA_COIL, AREA_DISCRETE, AREA_HOLDING,
                                      AREA_INPUT};
    return areas[function];
}

/* A line driver reads tags: here a tag is a word. */
static struct machine words_machine(const struct link *link, uint8_t unit, const struct span *span)
{
    bool bits = span->function <= 2;
    struct machine machine = {.name = "read",
                              .link = link,
                              .unit = unit,
                              .every_ms = 1000,
                              .tags = mem_array(span->count, sizeof(*machine.tags)),
                              .tag_count = span->count};
    for (uint16_t i = 0; i < span->count; i++)
        machine.tags[i] = (struct tag){.name = "word",
                                       .area = area_of(span->function),
                                       .address = (uint16_t)(span->start + i),
                                       .bit = -1,
                                       .type = bits ? TYPE_BOOL : TYPE_U16,
                                       .scale = {.mantissa = 1},
                                       .every_ms = 1000};
    return machine;
}

static void add_quality(const struct sample *sample, const struct link *link, uint8_t unit,
                        struct text *ret_trouble)
{
    switch ((enum quality)sample->quality) {
    case QUALITY_EXCEPTION:
        read_add_exception(ret_trouble, sample->exception);
        break;
    case QUALITY_TIMEOUT:
        read_add_silence(ret_trouble, link, unit);
        break;
    case QUALITY_FRAME:
        text_add(ret_trouble, "the answer was damaged, or answers something else; are baud and "
                              "format right, and is the number of each unit its own?");
        break;
    case QUALITY_LINK:
        text_add(ret_trouble, "the line went down");
        break;
    case QUALITY_RANGE:
    case QUALITY_GOOD:
        break;
    }
}

/* 0, or -1 with the first sample's trouble. */
static int take_words(const struct line_answer *answer, const struct link *link, uint8_t unit,
                      uint16_t *ret_words, struct text *ret_trouble)
{
    for (size_t i = 0; i < answer->count; i++) {
        const struct sample *sample = &answer->samples[i];
        if (sample->quality != QUALITY_GOOD) {
            add_quality(sample, link, unit, ret_trouble);
            return -1;
        }
        bool boolean = sample->value.kind == VALUE_BOOL;
        ret_words[sample->tag] = boolean ? sample->value.boolean : (uint16_t)sample->value.mantissa;
    }
    if (answer->count == 0)
        text_add(ret_trouble, "no answer");
    return answer->count ? 0 : -1;
}

static int read_words_line(const struct link *link, uint8_t unit, const struct span *span,
                           uint16_t *ret_words, struct text *ret_trouble)
{
    const struct line_driver *driver = line_driver_find(link->driver);
    struct line *line = NULL;
    int result = driver->open(link, &line);
    if (result < 0) {
        text_addf(ret_trouble, "%s: %s", link->device ? link->device : link->host,
                  line_open_trouble(link, result));
        return -1;
    }
    struct machine machine = words_machine(link, unit, span);
    struct line_plan *plan = driver->prepare(&machine, NULL);
    struct line_answer answer = {.samples = mem_array(span->count, sizeof(*answer.samples))};
    driver->poll(line, &machine, plan, always_due, NULL, &answer);
    result = take_words(&answer, link, unit, ret_words, ret_trouble);
    driver->discard(plan);
    driver->close(line);
    free(answer.samples);
    free(machine.tags);
    return result;
}

int read_words(const struct link *link, uint8_t unit, const struct span *span, uint16_t *ret_words,
               struct text *ret_trouble)
{
    if (link->driver == DRIVER_MODBUS_TCP)
        return read_words_tcp(link, unit, span, ret_words, ret_trouble);
    return read_words_line(link, unit, span, ret_words, ret_trouble);
}
