#include "modbus_line.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "decode.h"
#include "memory.h"
#include "modbus_plan.h"

struct line_plan {
    struct modbus_plan *reads;
};

int modbus_line_read(struct line *line, int64_t until_ns, uint8_t *ret_bytes, size_t room)
{
    int count = line_port_read(line->port, until_ns, ret_bytes, room);

    if (count > 0)
        line->last_ns = clock_mono_ns();
    return count;
}

/* What was asked may be answered yet, or what was answered goes on. */
static void distrust(struct line *line)
{
    line->owed = true;
    line_port_flush(line->port);
}

/* When the line will have been silent long enough for the next request: after a fault, or where a
 * frame came that nobody had asked for, a whole time-out long. */
static int64_t quiet_at(const struct line *line)
{
    if (line->owed && line->silence_ns < line->timeout_ns)
        return line->last_ns + line->timeout_ns;
    return line->last_ns + line->silence_ns;
}

/* How many of these bytes, behind so many others, may belong to a frame. */
static size_t count_strays(const struct modbus_framing *framing, size_t before,
                           const uint8_t *bytes, size_t count)
{
    if (before > 0 || framing->first_byte < 0)
        return count;
    const uint8_t *first = memchr(bytes, framing->first_byte, count);
    return first != NULL ? count - (size_t)(first - bytes) : 0;
}

/* Throws away what comes until the line is quiet, so that a late answer is never taken for the
 * next one. 0, -ETIMEDOUT where it stays loud for two time-outs, or the line is gone. */
static int settle(struct line *line, uint32_t *discarded)
{
    int64_t patience_ns = 2 * line->timeout_ns;
    int64_t give_up_ns =
        clock_mono_ns() + (patience_ns > line->silence_ns ? patience_ns : line->silence_ns);
    int64_t until_ns;
    size_t strays = 0;
    bool any = false;
    int count;

    do {
        uint8_t bytes[MODBUS_RTU_MAX_FRAME];
        until_ns = quiet_at(line) < give_up_ns ? quiet_at(line) : give_up_ns;
        count = modbus_line_read(line, until_ns, bytes, sizeof bytes);
        if (count > 0)
            strays += count_strays(line->framing, strays, bytes, (size_t)count);
        if (strays >= line->framing->shortest)
            line->owed = true;
        any = any || count > 0;
    } while (count > 0 && line->last_ns < give_up_ns);

    *discarded += any;
    if (count < 0)
        return count;
    if (count > 0 || until_ns < quiet_at(line))
        return -ETIMEDOUT;
    line->owed = false;
    return 0;
}

/* The length of the answering PDU, -EBADMSG, -ETIMEDOUT, or the line is gone. The deadline is the
 * request's own: what settling took is not in it. */
static int ask(struct line *line, const struct modbus_request *request, struct line_answer *answer,
               uint8_t *ret_pdu)
{
    uint8_t frame[MODBUS_ASCII_MAX_FRAME];
    int error = settle(line, &answer->discarded);

    if (error != 0)
        return error;
    size_t length = line->framing->wrap(request->unit, request->pdu, request->length, frame);
    int64_t until_ns = clock_mono_ns() + line->timeout_ns;
    answer->requests++;
    error = line_port_write(line->port, until_ns, frame, length);
    if (error != 0)
        return error;
    line->others = 0;
    int result = line->framing->hear(line, request, until_ns, ret_pdu);
    answer->discarded += line->others;
    return result;
}

/* Keeps account of how it ended; returns that. */
static int ended(struct line *line, int result, struct line_answer *answer)
{
    if (result == -ETIMEDOUT || result == -EBADMSG)
        distrust(line);
    /* Where something was heard, the silence has begun with the end of that. */
    if (result == -ETIMEDOUT)
        line->last_ns = clock_mono_ns();
    answer->timeouts += result == -ETIMEDOUT;
    answer->discarded += result == -EBADMSG;
    return result;
}

int modbus_line_transact(struct line *line, uint8_t unit, const uint8_t *pdu, size_t length,
                         uint8_t *ret_pdu, struct line_answer *answer)
{
    const struct modbus_request request = {unit, pdu, length};

    return ended(line, ask(line, &request, answer, ret_pdu), answer);
}

/* One span's request and answer: 0, an exception's code, -EBADMSG, -ETIMEDOUT, or the line is
 * gone. */
static int exchange(struct line *line, uint8_t unit, const struct span *span,
                    struct line_answer *answer, uint16_t *ret_words)
{
    uint8_t asked[MODBUS_READ_PDU], heard[MODBUS_MAX_PDU];
    const struct modbus_request request = {unit, asked, modbus_build_read(span, asked)};
    int result = ask(line, &request, answer, heard);

    if (result > 0)
        result = modbus_answer(heard, (size_t)result, span, ret_words);
    return ended(line, result, answer);
}

static void mark_sample(struct sample *sample, int result)
{
    if (result > 0) {
        sample->quality = QUALITY_EXCEPTION;
        sample->exception = (uint8_t)result;
    } else if (result == -ETIMEDOUT) {
        sample->quality = QUALITY_TIMEOUT;
    } else {
        sample->quality = result == -EBADMSG ? QUALITY_FRAME : QUALITY_LINK;
    }
}

/* The span's tags: from its words, or with what went wrong. */
static void add_samples(const struct machine *machine, const struct modbus_plan *plan,
                        const struct span *span, const uint16_t *words, int result,
                        struct line_answer *answer)
{
    for (size_t i = 0; i < span->tag_count; i++) {
        uint16_t index = plan->tags[span->first_tag + i];
        const struct tag *tag = &machine->tags[index];
        struct sample *sample = &answer->samples[answer->count++];
        char *text = answer->texts;

        if (text != NULL)
            text += (size_t)index * DECODE_TEXT_BYTES;
        *sample = (struct sample){.tag = index};
        if (result == 0)
            decode_tag(tag, words + (tag->address - span->start), text, sample);
        else
            mark_sample(sample, result);
    }
}

int modbus_line_poll(struct line *line, const struct machine *machine, struct line_plan *plan,
                     bool (*due)(const void *context, int64_t every_ms), const void *context,
                     struct line_answer *answer)
{
    bool asked = false, answered = false;
    int result = 0;

    answer->count = 0;
    answer->arrived_ns = 0;
    modbus_plan_begin(plan->reads, machine, clock_mono_ns());
    for (size_t i = 0; i < plan->reads->span_count; i++) {
        uint16_t words[MODBUS_MAX_BITS];

        if (!due(context, plan->reads->spans[i].every_ms))
            continue;
        if (plan->reads->spans[i].aside) {
            add_samples(machine, plan->reads, &plan->reads->spans[i], words,
                        EXCEPTION_ILLEGAL_ADDRESS, answer);
            continue;
        }
        asked = true;
        if (result >= 0 || result == -EBADMSG) {
            do
                result = exchange(line, machine->unit, &plan->reads->spans[i], answer, words);
            while (modbus_plan_heard(plan->reads, machine, i, result, clock_mono_ns()));
            answered = answered || result >= 0;
        }
        if (result == 0)
            answer->arrived_ns = line->last_ns;
        add_samples(machine, plan->reads, &plan->reads->spans[i], words, result, answer);
    }
    if (result < 0 && result != -EBADMSG && result != -ETIMEDOUT)
        return result;
    return asked && !answered ? -ETIMEDOUT : 0;
}

int modbus_line_again(struct line *line, const struct machine *machine, struct line_plan *plan,
                      uint16_t tag, char *text, struct line_answer *answer,
                      struct sample *ret_sample)
{
    const struct span *span = &plan->reads->spans[modbus_plan_find(plan->reads, tag)];
    uint16_t words[MODBUS_MAX_BITS];
    int result = exchange(line, machine->unit, span, answer, words);

    if (result != 0)
        return result;
    answer->arrived_ns = line->last_ns;
    *ret_sample = (struct sample){.tag = tag};
    decode_tag(&machine->tags[tag], words + (machine->tags[tag].address - span->start), text,
               ret_sample);
    return 0;
}

struct line_plan *modbus_line_prepare(const struct machine *machine, const bool *refused)
{
    struct line_plan *plan = mem_alloc(sizeof *plan);

    plan->reads = modbus_plan_new(machine, refused);
    return plan;
}

void modbus_line_discard(struct line_plan *plan)
{
    if (plan == NULL)
        return;
    modbus_plan_free(plan->reads);
    free(plan);
}

const char *modbus_line_remark(const struct line *line)
{
    return line_port_remark(line->port);
}

void modbus_line_close(struct line *line)
{
    if (line == NULL)
        return;
    line_port_close(line->port);
    free(line);
}

/* An answer to whoever had the line before us may be on its way. */
static struct line *line_new(const struct link *link, const struct modbus_framing *framing,
                             int64_t silence_ns, struct line_port *port)
{
    struct line *line = mem_alloc(sizeof *line);

    line->port = port;
    line->framing = framing;
    line->timeout_ns = link->timeout_ms * NS_PER_MS;
    line->silence_ns = link->pause_ms * NS_PER_MS;
    if (line->silence_ns < silence_ns)
        line->silence_ns = silence_ns;
    line->last_ns = clock_mono_ns();
    distrust(line);
    return line;
}

int modbus_line_open(const struct link *link, const struct modbus_framing *framing,
                     int64_t silence_ns, struct line **ret_line)
{
    struct line_port *port;
    int error = line_port_open(link, &port);

    if (error == 0)
        *ret_line = line_new(link, framing, silence_ns, port);
    return error;
}
