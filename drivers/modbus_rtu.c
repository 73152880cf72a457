/* Modbus RTU on a serial port, or through a serial server reached over TCP. */
#include <errno.h>
#include <stdlib.h>

#include "clock.h"
#include "decode.h"
#include "line.h"
#include "line_port.h"
#include "memory.h"
#include "modbus_frame.h"
#include "modbus_plan.h"

enum {
    RTU_EXCEPTION = 5,      /* unit, function, code, CRC */
    RTU_AROUND_DATA = 5,    /* unit, function, count of bytes, CRC */
    RTU_SHORTEST_FRAME = 4, /* unit, function, CRC: anything less is noise of the wire */
};

struct line_plan {
    struct modbus_plan *reads;
};

struct line {
    struct line_port *port;
    int64_t timeout_ns, silence_ns;
    int64_t last_ns; /* when something was last heard, or should have been */
    bool owed;       /* an answer may still come that nobody waits for */
};

static int line_read(struct line *line, int64_t until_ns, uint8_t *ret_bytes, size_t room)
{
    int count = line_port_read(line->port, until_ns, ret_bytes, room);

    if (count > 0)
        line->last_ns = clock_mono_ns();
    return count;
}

/* What was asked may be answered yet, or what was answered goes on. */
static void line_distrust(struct line *line)
{
    line->owed = true;
    line->last_ns = clock_mono_ns();
    line_port_flush(line->port);
}

/* When the line will have been silent long enough for the next request: after a fault, or where
 * bytes came that nobody had asked for, a whole time-out long. */
static int64_t line_quiet_at(const struct line *line)
{
    if (line->owed && line->silence_ns < line->timeout_ns)
        return line->last_ns + line->timeout_ns;
    return line->last_ns + line->silence_ns;
}

/* Throws away what comes until the line is quiet, so that a late answer is never taken for the
 * next one. 0, -ETIMEDOUT where it stays loud for two time-outs, or the line is gone. */
static int line_settle(struct line *line, uint32_t *discarded)
{
    int64_t patience_ns = 2 * line->timeout_ns;
    int64_t give_up_ns =
        clock_mono_ns() + (patience_ns > line->silence_ns ? patience_ns : line->silence_ns);
    int64_t until_ns;
    size_t strays = 0;
    int count;

    do {
        uint8_t bytes[MODBUS_RTU_MAX_FRAME];
        until_ns = line_quiet_at(line) < give_up_ns ? line_quiet_at(line) : give_up_ns;
        count = line_read(line, until_ns, bytes, sizeof bytes);
        if (count > 0)
            strays += (size_t)count;
        if (strays >= RTU_SHORTEST_FRAME)
            line->owed = true;
    } while (count > 0 && line->last_ns < give_up_ns);

    *discarded += strays > 0;
    if (count < 0)
        return count;
    if (count > 0 || until_ns < line_quiet_at(line))
        return -ETIMEDOUT;
    line->owed = false;
    return 0;
}

static int ask(struct line *line, uint8_t unit, const struct span *span, int64_t until_ns)
{
    uint8_t request[MODBUS_TCP_REQUEST], frame[MODBUS_RTU_MAX_FRAME];
    size_t length = modbus_tcp_request(0, unit, span, request);

    length = modbus_rtu_wrap(unit, request + MODBUS_TCP_HEADER, length - MODBUS_TCP_HEADER, frame);
    return line_port_write(line->port, until_ns, frame, length);
}

/* How long the answer is that begins like this; 0 where it can't be the span's. */
static size_t answer_length(uint8_t unit, const struct span *span, const uint8_t *frame,
                            size_t length)
{
    size_t data = span->function <= 2 ? (span->count + 7u) / 8 : span->count * 2u;

    if (length > 0 && frame[0] != unit)
        return 0;
    if (length > 1 && frame[1] == (span->function | 0x80))
        return RTU_EXCEPTION;
    if ((length > 1 && frame[1] != span->function) || (length > 2 && frame[2] != data))
        return 0;
    return RTU_AROUND_DATA + data;
}

/* 0, an exception's code, -EBADMSG, -ETIMEDOUT, or the line is gone. */
static int hear(struct line *line, uint8_t unit, const struct span *span, int64_t until_ns,
                uint16_t *ret_words)
{
    uint8_t frame[MODBUS_RTU_MAX_FRAME];
    size_t length = 0, expected = RTU_EXCEPTION;

    while (length < expected) {
        int count = line_read(line, until_ns, frame + length, sizeof frame - length);
        if (count <= 0)
            return count < 0 ? count : -ETIMEDOUT;
        length += (size_t)count;
        expected = answer_length(unit, span, frame, length);
        /* A second frame behind the first: one of them is late, and nothing says which. */
        if (expected == 0 || length >= expected + RTU_SHORTEST_FRAME)
            return -EBADMSG;
    }
    uint16_t crc = modbus_crc(frame, expected - 2);
    if (frame[expected - 2] != (uint8_t)crc || frame[expected - 1] != crc >> 8)
        return -EBADMSG;
    return modbus_answer(frame + 1, expected - 3, span, ret_words);
}

/* One span's request and answer: 0, an exception's code, -EBADMSG, -ETIMEDOUT, or the line is
 * gone. The deadline is the request's own: what settling took is not in it. */
static int exchange(struct line *line, uint8_t unit, const struct span *span,
                    struct line_answer *answer, uint16_t *ret_words)
{
    int error = line_settle(line, &answer->discarded);

    if (error != 0)
        return error;
    int64_t until_ns = clock_mono_ns() + line->timeout_ns;
    answer->requests++;
    error = ask(line, unit, span, until_ns);
    if (error == 0)
        error = hear(line, unit, span, until_ns, ret_words);
    if (error == -ETIMEDOUT || error == -EBADMSG)
        line_distrust(line);
    answer->timeouts += error == -ETIMEDOUT;
    answer->discarded += error == -EBADMSG;
    return error;
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

static int rtu_poll(struct line *line, const struct machine *machine, struct line_plan *plan,
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

        if (plan->reads->spans[i].aside || !due(context, plan->reads->spans[i].every_ms))
            continue;
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

static int rtu_again(struct line *line, const struct machine *machine, struct line_plan *plan,
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

static struct line_plan *rtu_prepare(const struct machine *machine, const bool *refused)
{
    struct line_plan *plan = mem_alloc(sizeof *plan);

    plan->reads = modbus_plan_new(machine, refused);
    return plan;
}

static void rtu_discard(struct line_plan *plan)
{
    if (plan == NULL)
        return;
    modbus_plan_free(plan->reads);
    free(plan);
}

static void rtu_close(struct line *line)
{
    if (line == NULL)
        return;
    line_port_close(line->port);
    free(line);
}

/* Three and a half characters; above 19200 baud a fixed time (Modbus over Serial Line V1.02,
 * 2.5.1.1). */
static int64_t frame_silence_ns(const struct link *link)
{
    int64_t bits = 1 + link->data_bits + (link->parity != 'N') + link->stop_bits;

    return link->baud > 19200 ? 1750000 : bits * 7 * NS_PER_S / (2 * (int64_t)link->baud);
}

/* An answer to whoever had the line before us may be on its way. */
static struct line *line_new(const struct link *link, struct line_port *port)
{
    struct line *line = mem_alloc(sizeof *line);

    line->port = port;
    line->timeout_ns = link->timeout_ms * NS_PER_MS;
    line->silence_ns = link->pause_ms * NS_PER_MS;
    if (line_port_is_serial(port) && line->silence_ns < frame_silence_ns(link))
        line->silence_ns = frame_silence_ns(link);
    line_distrust(line);
    return line;
}

static int rtu_open(const struct link *link, struct line **ret_line)
{
    struct line_port *port;
    int error = line_port_open(link, &port);

    if (error == 0)
        *ret_line = line_new(link, port);
    return error;
}

const struct line_driver modbus_rtu_driver = {
    .name = "modbus-rtu",
    .prepare = rtu_prepare,
    .discard = rtu_discard,
    .open = rtu_open,
    .poll = rtu_poll,
    .again = rtu_again,
    .close = rtu_close,
};

const struct line_driver modbus_rtu_tcp_driver = {
    .name = "modbus-rtu-tcp",
    .prepare = rtu_prepare,
    .discard = rtu_discard,
    .open = rtu_open,
    .poll = rtu_poll,
    .again = rtu_again,
    .close = rtu_close,
};
