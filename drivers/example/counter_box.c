/* A whole line driver, as small as one gets, for an imagined counter box: asked "T07\r", it answers
 * "T07=0012345\r", the reading of its seventh totalizer. A tag's address is the totalizer's number:
 * `at: holding:7`. It is built and tested, and in no table: see README.md beside lines.c. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "line.h"
#include "line_port.h"
#include "memory.h"

extern const struct line_driver counter_box_driver;

enum { TOTALIZERS = 100, DIGITS = 7, ANSWER_BYTES = sizeof "T07=0012345\r" - 1 };

struct line {
    struct line_port *port;
    int64_t timeout_ns;
};

static struct line_plan *box_prepare(const struct machine *machine, const bool *refused)
{
    (void)machine;
    (void)refused;
    return NULL; /* tag by tag: nothing to plan */
}

static void box_discard(struct line_plan *plan)
{
    (void)plan;
}

static int box_open(const struct link *link, struct line **ret_line)
{
    struct line_port *port;
    int error = line_port_open(link, &port);
    if (error < 0)
        return error;
    *ret_line = mem_alloc(sizeof(**ret_line));
    **ret_line = (struct line){port, link->timeout_ms * NS_PER_MS};
    return 0;
}

static void box_close(struct line *line)
{
    if (line == NULL)
        return;
    line_port_close(line->port);
    free(line);
}

/* What came too late is not taken for the next answer. 0, or the line is gone. */
static int throw_away(struct line *line, uint32_t *discarded)
{
    uint8_t bytes[64];
    int count;
    while ((count = line_port_read(line->port, 0, bytes, sizeof(bytes))) > 0)
        ++*discarded;
    return count;
}

/* Until the whole answer is there. 0, -ETIMEDOUT, or the line is gone. */
static int hear(struct line *line, int64_t until_ns, char ret_answer[ANSWER_BYTES + 1])
{
    size_t length = 0;
    while (length < ANSWER_BYTES) {
        int count = line_port_read(line->port, until_ns, (uint8_t *)ret_answer + length,
                                   ANSWER_BYTES - length);
        if (count <= 0)
            return count < 0 ? count : -ETIMEDOUT;
        length += (size_t)count;
    }
    ret_answer[length] = '\0';
    return 0;
}

/* An answer to another question, or a damaged one, is no number. 0 or -EBADMSG. */
static int take(const char *answer, unsigned number, uint32_t *ret_total)
{
    char expected[sizeof "T07="];
    snprintf(expected, sizeof(expected), "T%02u=", number % TOTALIZERS);
    const char *digits = answer + strlen(expected);
    if (strncmp(answer, expected, strlen(expected)) != 0 ||
        strspn(digits, "0123456789") != DIGITS || strcmp(digits + DIGITS, "\r") != 0)
        return -EBADMSG;
    *ret_total = (uint32_t)strtoul(digits, NULL, 10);
    return 0;
}

/* One question: 0, -EBADMSG, -ETIMEDOUT, or the line is gone. */
static int ask(struct line *line, unsigned number, struct line_answer *answer, uint32_t *ret_total)
{
    char bytes[ANSWER_BYTES + 1];
    int error = throw_away(line, &answer->discarded);
    if (error < 0)
        return error;
    int64_t until_ns = clock_mono_ns() + line->timeout_ns;
    int length = snprintf(bytes, sizeof(bytes), "T%02u\r", number % TOTALIZERS);
    answer->requests++;
    error = line_port_write(line->port, until_ns, (const uint8_t *)bytes, (size_t)length);
    if (error == 0)
        error = hear(line, until_ns, bytes);
    if (error == 0) {
        error = take(bytes, number, ret_total);
        answer->arrived_ns = clock_mono_ns();
    }
    answer->timeouts += error == -ETIMEDOUT;
    answer->discarded += error == -EBADMSG;
    return error;
}

static enum quality quality_of(int result)
{
    if (result == 0)
        return QUALITY_GOOD;
    if (result == -ETIMEDOUT)
        return QUALITY_TIMEOUT;
    return result == -EBADMSG ? QUALITY_FRAME : QUALITY_LINK;
}

static int box_poll(struct line *line, const struct machine *machine, struct line_plan *plan,
                    bool (*due)(const void *context, int64_t every_ms), const void *context,
                    struct line_answer *answer)
{
    bool answered = false;
    int result = 0;
    (void)plan;
    answer->count = 0;
    answer->arrived_ns = 0;
    for (size_t i = 0; i < machine->tag_count; i++) {
        const struct tag *tag = &machine->tags[i];
        struct sample *sample = &answer->samples[answer->count];
        uint32_t total = 0;
        if (!due(context, tag->every_ms))
            continue;
        /* after silence, or without a line, the rest is not asked for */
        if (result == 0 || result == -EBADMSG)
            result = ask(line, tag->address, answer, &total);
        answered = answered || result == 0;
        *sample = (struct sample){.tag = (uint16_t)i, .quality = (uint8_t)quality_of(result)};
        if (result == 0 && decimal_scale(total, tag->scale, tag->offset, &sample->value) < 0)
            sample->quality = QUALITY_RANGE;
        answer->count++;
    }
    if (result < 0 && result != -EBADMSG && result != -ETIMEDOUT)
        return result;
    return answered || answer->count == 0 ? 0 : -ETIMEDOUT;
}

const struct line_driver counter_box_driver = {
    .name = "counter-box",
    .prepare = box_prepare,
    .discard = box_discard,
    .open = box_open,
    .poll = box_poll,
    .close = box_close,
};
