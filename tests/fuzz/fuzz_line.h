/* What comes over a line: drivers/modbus_line.c and a framing, from a machine's poll down to each
 * read. The harness of a framing says how its frames are made and found again.
 *
 * Input: the machine (unit, shape of its tags, limits, pause), then what the line does whenever it
 * is read: a byte of length, a byte of delay, that many bytes. Length 0 is silence, 255 a line that
 * is gone, 254 the right answer to the last request (its length and the delay stand alone). Time
 * passes only by delays.
 *
 * No value may be good that does not come from a whole answer, with its check, that was heard after
 * its request and before the deadline; and no poll may last longer than it is allowed to. */
#ifndef BINDERY_FUZZ_LINE_H
#define BINDERY_FUZZ_LINE_H

#include <errno.h>

#include "clock.h"
#include "decode.h"
#include "fuzz.h"
#include "line_port.h"
#include "modbus_frame.h"
#include "modbus_line.h"

enum { GONE = 255, ANSWER = 254, MOST_TAGS = 12, MOST_REQUESTS = 2 * MOST_TAGS, TIMEOUT_MS = 50 };

#define TICK_NS INT64_C(1000000) /* a delay of 1 */

/* Longer than what any framing needs to hear an answer, noise apart. */
enum { MOST_HEARD = 2048 };

/* A request, and what was heard from then until the next one. */
struct request {
    uint8_t asked[1 + MODBUS_READ_PDU]; /* unit and PDU */
    uint8_t heard[MOST_HEARD];
    size_t heard_length; /* above MOST_HEARD: the rest was not noted */
};

/* Of each framing. */

/* Takes a request's frame apart, or claims that it is none. */
static void framing_open(const uint8_t *frame, size_t length, uint8_t ret_asked[6]);

/* Goes through the whole frames that were heard and may be answers: the unit, the PDU and nothing
 * behind them, *ret_length of them. NULL after the last. */
static const uint8_t *framing_next(const struct request *request, size_t *at, size_t *ret_length);

static const struct modbus_framing *framing_of_harness(void);

struct wire {
    struct input script;
    int64_t now_ns, first_ns; /* first: when the poll began */
    /* What comes next, at due_ns; `pending` until it has been taken. */
    bool pending, breaks;
    int64_t due_ns;
    uint8_t unread[MODBUS_ASCII_MAX_FRAME];
    size_t unread_length;
    struct request requests[MOST_REQUESTS]; /* of this poll */
    size_t request_count;
    bool gone; /* and it was told */
};

static struct wire wire;
static struct line_port *const line_port = (void *)&wire;

static int64_t wire_clock(void)
{
    return wire.now_ns;
}

static size_t right_answer(uint8_t *ret_frame)
{
    uint16_t words[MODBUS_MAX_BITS];
    uint8_t pdu[MODBUS_MAX_PDU];
    struct span span;

    if (wire.request_count == 0)
        return 0;
    const uint8_t *asked = wire.requests[wire.request_count - 1].asked;
    CLAIM(modbus_parse_read(asked + 1, MODBUS_READ_PDU, &span) == 0);
    for (size_t i = 0; i < span.count; i++)
        words[i] = (uint16_t)(span.start + i);
    size_t length = modbus_build_answer(&span, words, pdu);
    return framing_of_harness()->wrap(asked[0], pdu, length, ret_frame);
}

/* The next thing to happen on the line. */
static void wire_play(void)
{
    uint8_t length = input_byte(&wire.script);

    wire.due_ns = wire.now_ns + input_byte(&wire.script) * TICK_NS;
    wire.pending = true;
    wire.unread_length = 0;
    wire.breaks = length == GONE;
    if (length == ANSWER)
        wire.unread_length = right_answer(wire.unread);
    else
        while (length != GONE && wire.unread_length < length && wire.script.left > 0)
            wire.unread[wire.unread_length++] = input_byte(&wire.script);
}

static void note_heard(const uint8_t *bytes, size_t count)
{
    if (wire.request_count == 0)
        return;
    struct request *last = &wire.requests[wire.request_count - 1];

    if (last->heard_length + count <= MOST_HEARD)
        memcpy(last->heard + last->heard_length, bytes, count);
    last->heard_length += count;
}

/* As line_port_read: what is there, 0 at the deadline, or gone. */
static int wire_read(struct line_port *port, int64_t until_ns, uint8_t *ret_bytes, size_t room)
{
    CLAIM(port == line_port && room > 0);
    if (!wire.pending)
        wire_play();
    if (wire.due_ns > wire.now_ns && wire.due_ns > until_ns) {
        wire.now_ns = wire.now_ns > until_ns ? wire.now_ns : until_ns;
        return 0;
    }
    wire.now_ns = wire.now_ns > wire.due_ns ? wire.now_ns : wire.due_ns;
    wire.gone = wire.breaks;
    if (wire.gone)
        return -ENXIO;
    size_t count = wire.unread_length < room ? wire.unread_length : room;
    memcpy(ret_bytes, wire.unread, count);
    note_heard(ret_bytes, count);
    memmove(wire.unread, wire.unread + count, wire.unread_length - count);
    wire.unread_length -= count;
    wire.pending = wire.unread_length > 0;
    if (count == 0 && wire.now_ns < until_ns)
        wire.now_ns = until_ns;
    return (int)count;
}

static int wire_write(struct line_port *port, int64_t until_ns, const uint8_t *bytes, size_t length)
{
    CLAIM(port == line_port && wire.request_count < MOST_REQUESTS);
    CLAIM(until_ns == wire.now_ns + TIMEOUT_MS * TICK_NS);
    /* What came before is not there any more to be taken for the answer. */
    CLAIM(!wire.pending || wire.due_ns > wire.now_ns);
    struct request *request = &wire.requests[wire.request_count++];
    request->heard_length = 0;
    framing_open(bytes, length, request->asked);
    /* An adapter that is about to go takes no bytes any more. */
    wire.gone = wire.pending && wire.breaks;
    return wire.gone ? -ENXIO : 0;
}

static void wire_flush(struct line_port *port)
{
    CLAIM(port == line_port);
}

static void wire_close(struct line_port *port)
{
    CLAIM(port == line_port);
}

#define clock_mono_ns wire_clock
#define line_port_read wire_read
#define line_port_write wire_write
#define line_port_flush wire_flush
#define line_port_close wire_close
#include "modbus_line.c"

static const enum area areas[] = {AREA_HOLDING, AREA_INPUT, AREA_COIL, AREA_DISCRETE};
static const enum tag_type types[] = {TYPE_U16, TYPE_U32, TYPE_F64, TYPE_STRING};

static void take_tag(struct input *input, struct tag *tag, uint16_t *address)
{
    uint8_t shape = input_byte(input);
    enum area area = areas[shape & 3];
    bool bit = area == AREA_COIL || area == AREA_DISCRETE;

    *address = (uint16_t)(*address + (shape >> 5));
    *tag = (struct tag){.name = "t",
                        .area = area,
                        .address = *address,
                        .bit = -1,
                        .type = bit ? TYPE_BOOL : types[shape >> 2 & 3],
                        .string_bytes = 20,
                        .scale = {.mantissa = 1},
                        .every_ms = shape & 16 ? 1000 : 500};
    *address = (uint16_t)(*address + tag_width(tag));
}

/* Only what is due is asked. */
static bool is_due(const void *context, int64_t every_ms)
{
    return every_ms == 500 || *(const bool *)context;
}

static uint8_t area_function(enum area area)
{
    static const uint8_t functions[] = {
        [AREA_COIL] = 1, [AREA_DISCRETE] = 2, [AREA_HOLDING] = 3, [AREA_INPUT] = 4};

    return functions[area];
}

/* Whether the value is in this unit and PDU, which answer the request. */
static bool holds(const uint8_t *asked, const uint8_t *answer, size_t length, const struct tag *tag,
                  const struct value *value)
{
    struct span span;

    CLAIM(modbus_parse_read(asked + 1, MODBUS_READ_PDU, &span) == 0);
    size_t data = span.function <= 2 ? (span.count + 7u) / 8 : span.count * 2u;
    if (span.function != area_function(tag->area) || tag->address < span.start ||
        tag->address + tag_width(tag) > span.start + span.count || length != data + 3 ||
        memcmp(answer, asked, 2) != 0 || answer[2] != data)
        return false;
    size_t offset = tag->address - span.start;
    if (value->kind == VALUE_BOOL)
        return value->boolean == (answer[3 + offset / 8] >> offset % 8 & 1);
    return tag->type != TYPE_U16 ||
           value->mantissa == (answer[3 + 2 * offset] << 8 | answer[4 + 2 * offset]);
}

/* Whether the value is in what was heard after this request: a whole answer to it. */
static bool answers(const struct request *request, const struct tag *tag, const struct value *value)
{
    const uint8_t *answer;
    size_t at = 0, length;

    if (request->heard_length > MOST_HEARD)
        return true;
    while ((answer = framing_next(request, &at, &length)) != NULL)
        if (holds(request->asked, answer, length, tag, value))
            return true;
    return false;
}

static bool was_heard(const struct tag *tag, const struct value *value)
{
    for (size_t i = 0; i < wire.request_count; i++)
        if (answers(&wire.requests[i], tag, value))
            return true;
    return false;
}

/* Tags that the machine refused before the poll, which are told so and not asked for. */
static size_t count_aside(const struct modbus_plan *plan)
{
    size_t count = 0;

    for (size_t i = 0; i < plan->span_count; i++)
        count += plan->spans[i].aside ? plan->spans[i].tag_count : 0;
    return count;
}

static void check_samples(const struct machine *machine, const struct line_answer *answer,
                          int result, bool all_due, size_t aside)
{
    bool seen[MOST_TAGS] = {0};
    size_t due = 0, exceptions = 0;

    for (size_t i = 0; i < machine->tag_count; i++)
        due += machine->tags[i].every_ms == 500 || all_due;
    CLAIM(answer->count == due);
    for (size_t i = 0; i < answer->count; i++) {
        const struct sample *sample = &answer->samples[i];
        CLAIM(sample->tag < machine->tag_count && !seen[sample->tag]);
        seen[sample->tag] = true;
        CLAIM((sample->quality == QUALITY_EXCEPTION) == (sample->exception != 0));
        CLAIM(sample->quality == QUALITY_GOOD || sample->value.kind == VALUE_NONE);
        if (sample->quality == QUALITY_GOOD)
            CLAIM(was_heard(&machine->tags[sample->tag], &sample->value));
        exceptions += sample->quality == QUALITY_EXCEPTION;
        CLAIM(result != -ETIMEDOUT || sample->quality == QUALITY_TIMEOUT ||
              sample->quality == QUALITY_FRAME || sample->exception == EXCEPTION_ILLEGAL_ADDRESS);
    }
    CLAIM(result != -ETIMEDOUT || exceptions <= aside);
    CLAIM(result == 0 || result == -ETIMEDOUT || result == -ENXIO);
    CLAIM((result == -ENXIO) == wire.gone);
}

/* Settling lasts two time-outs or the pause, an answer one. */
static void check_time(const struct line_answer *answer, int64_t pause_ms, int64_t spans)
{
    int64_t settle_ms = pause_ms > 2 * TIMEOUT_MS ? pause_ms : 2 * TIMEOUT_MS;
    int64_t most_ms = (answer->requests + spans) * (settle_ms + TIMEOUT_MS);

    CLAIM(wire.now_ns - wire.first_ns <= most_ms * TICK_NS);
    CLAIM(answer->requests == wire.request_count);
    CLAIM(answer->arrived_ns == 0 ||
          (answer->arrived_ns >= wire.first_ns && answer->arrived_ns <= wire.now_ns));
}

static char *texts_of(const struct machine *machine)
{
    for (size_t i = 0; i < machine->tag_count; i++)
        if (machine->tags[i].type == TYPE_STRING)
            return malloc(machine->tag_count * DECODE_TEXT_BYTES);
    return NULL;
}

static void poll_machine(struct line *line, const struct machine *machine, struct line_plan *plan)
{
    struct line_answer answer = {.samples = calloc(machine->tag_count, sizeof(struct sample)),
                                 .texts = texts_of(machine)};
    bool all_due = input_byte(&wire.script) & 1;

    wire.request_count = 0;
    wire.first_ns = wire.now_ns;
    size_t aside = count_aside(plan->reads);
    int result = modbus_line_poll(line, machine, plan, is_due, &all_due, &answer);
    check_samples(machine, &answer, result, all_due, aside);
    check_time(&answer, line->silence_ns / TICK_NS, (int64_t)plan->reads->span_count);
    free(answer.samples);
    free(answer.texts);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tag tags[MOST_TAGS];
    uint16_t address = 0;

    wire = (struct wire){.script = {data, size}, .now_ns = NS_PER_S};
    struct link link = {.driver = DRIVER_MODBUS_RTU_TCP, .timeout_ms = TIMEOUT_MS};
    struct machine machine = {.name = "m", .link = &link, .tags = tags};
    link.pause_ms = input_between(&wire.script, 0, 200);
    link.max_registers = (uint16_t)input_between(&wire.script, 10, 125);
    link.gap = (uint16_t)input_between(&wire.script, 0, 16);
    machine.unit = (uint8_t)input_between(&wire.script, 1, 247);
    machine.tag_count = (size_t)input_between(&wire.script, 1, MOST_TAGS);
    for (size_t i = 0; i < machine.tag_count; i++)
        take_tag(&wire.script, &tags[i], &address);
    struct line *line = line_new(&link, framing_of_harness(), 0, line_port);
    struct line_plan *plan = modbus_line_prepare(&machine, NULL);
    for (int polls = 0; polls < 8 && wire.script.left > 0 && !wire.gone; polls++)
        poll_machine(line, &machine, plan);
    modbus_line_discard(plan);
    modbus_line_close(line);
    return 0;
}

#endif
