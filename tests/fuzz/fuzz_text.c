/* What machines of text say: drivers/serial_text.c on a line that does as the input says, with
 * text_frame.c, text_reader.c, text_value.c and pattern.c below it.
 *
 * Input: a byte for the machine (asked or not, acknowledged or not, checksum), one for the framing,
 * a pattern of its own up to a zero byte, then what the line does whenever it is read: a byte of
 * length, a byte of delay in ms, that many bytes. Length 0 is silence, 255 a line that is gone.
 * Time passes only by delays.
 *
 * A value may be good only if it was heard, whole; no poll may last longer than it is allowed to;
 * and the same bytes in other pieces are the same lines. */
#include <errno.h>

#include "clock.h"
#include "decode.h"
#include "fuzz.h"
#include "line_port.h"
#include "text.h"
#include "text_value.h"

enum { GONE = 255, TIMEOUT_MS = 50, PAUSE_MS = 5, MOST_HEARD = 65536, TAGS = 2 };

struct wire {
    struct input script;
    int64_t now_ns, due_ns;
    bool pending, breaks, gone;
    uint8_t unread[GONE];
    size_t unread_length;
    char heard[MOST_HEARD]; /* since the machine was asked or the line was opened */
    size_t heard_length;
    unsigned written;
};

static struct wire wire;
static struct line_port *const line_port = (void *)&wire;

static int64_t wire_clock(void)
{
    return wire.now_ns;
}

static int wire_open(const struct link *link, struct line_port **ret_port)
{
    CLAIM(link->timeout_ms == TIMEOUT_MS);
    *ret_port = line_port;
    return 0;
}

static void wire_play(void)
{
    uint8_t length = input_byte(&wire.script);

    wire.due_ns = wire.now_ns + input_byte(&wire.script) * NS_PER_MS;
    wire.pending = true;
    wire.unread_length = 0;
    wire.breaks = length == GONE;
    while (length != GONE && wire.unread_length < length && wire.script.left > 0)
        wire.unread[wire.unread_length++] = input_byte(&wire.script);
}

/* As line_port_read. */
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
    if (wire.heard_length + count <= sizeof wire.heard) {
        memcpy(wire.heard + wire.heard_length, ret_bytes, count);
        wire.heard_length += count;
    }
    memmove(wire.unread, wire.unread + count, wire.unread_length - count);
    wire.unread_length -= count;
    wire.pending = wire.unread_length > 0;
    if (count == 0 && wire.now_ns < until_ns)
        wire.now_ns = until_ns;
    return (int)count;
}

static int wire_write(struct line_port *port, int64_t until_ns, const uint8_t *bytes, size_t length)
{
    CLAIM(port == line_port && until_ns == wire.now_ns + TIMEOUT_MS * NS_PER_MS);
    CLAIM(length == 1 && (bytes[0] == 'W' || bytes[0] == '\x06'));
    wire.written++;
    if (bytes[0] == 'W')
        wire.heard_length = 0;
    return 0;
}

static void wire_flush(struct line_port *port)
{
    CLAIM(port == line_port);
}

static int wire_descriptor(const struct line_port *port)
{
    CLAIM(port == line_port);
    return -1;
}

static void wire_close(struct line_port *port)
{
    CLAIM(port == line_port);
}

#define clock_mono_ns wire_clock
#define line_port_open wire_open
#define line_port_read wire_read
#define line_port_write wire_write
#define line_port_flush wire_flush
#define line_port_descriptor wire_descriptor
#define line_port_close wire_close
#include "serial_text.c"
#undef clock_mono_ns

#include "pattern.h"

static const struct tag_detail details[TAGS] = {{.group = "v"}, {.group = "s"}};
static const struct tag tags[TAGS] = {
    {.name = "v",
     .area = AREA_TEXT,
     .bit = -1,
     .type = TYPE_DECIMAL,
     .scale = {.mantissa = 1},
     .detail = &details[0]},
    {.name = "s",
     .area = AREA_TEXT,
     .bit = -1,
     .type = TYPE_STRING,
     .string_bytes = 20,
     .scale = {.mantissa = 1},
     .detail = &details[1]},
};

/* All of a line's periods are due. */
static bool is_due(const void *context, int64_t every_ms)
{
    (void)context;
    (void)every_ms;
    return true;
}

/* The number that was told is one that is read the same again. */
static void check_number(const struct value *value)
{
    struct text out = {0};
    struct sample again = {0};

    value_to_json(value, &out);
    text_value(&tags[0], out.data, out.length, NULL, &again);
    CLAIM(again.quality == QUALITY_GOOD);
    CLAIM(value_number(&again.value) == value_number(value));
    text_free(&out);
}

static void check_samples(const struct line_answer *answer, int result)
{
    bool seen[TAGS] = {false};

    CLAIM(result == 0 || result == -ETIMEDOUT || result == -ENXIO);
    CLAIM((result == -ENXIO) == wire.gone);
    CLAIM(result == 0 || answer->count == TAGS);
    for (size_t i = 0; i < answer->count; i++) {
        const struct sample *sample = &answer->samples[i];
        CLAIM(sample->tag < TAGS && !seen[sample->tag]);
        seen[sample->tag] = true;
        CLAIM((sample->quality == QUALITY_GOOD) == (sample->value.kind != VALUE_NONE));
        if (sample->quality != QUALITY_GOOD)
            continue;
        CLAIM(result == 0 && !answer->no_read);
        CLAIM(answer->arrived_ns > 0 && answer->arrived_ns <= wire.now_ns);
        if (sample->value.kind == VALUE_TEXT)
            CLAIM(sample->value.length <= 20 &&
                  memmem(wire.heard, wire.heard_length, sample->value.text, sample->value.length));
        else
            check_number(&sample->value);
    }
}

static void poll_machine(struct line *line, const struct machine *machine, struct line_plan *plan)
{
    struct sample *samples = calloc(TAGS, sizeof *samples);
    char *texts = malloc(TAGS * DECODE_TEXT_BYTES);
    struct line_answer answer = {.samples = samples, .texts = texts};
    int64_t began_ns = wire.now_ns;
    bool asked = machine->text->ask != NULL;

    int result = serial_text_driver.poll(line, machine, plan, is_due, NULL, &answer);
    check_samples(&answer, result);
    CLAIM(!asked || !answer.more);
    int64_t most_ms =
        asked ? 3 * TIMEOUT_MS + PAUSE_MS : TIMEOUT_MS + machine->link->framing.idle_ms;
    CLAIM(wire.now_ns - began_ns <= most_ms * NS_PER_MS);
    free(samples);
    free(texts);
}

/* Lines, with a character behind each. */
static void add_heard(struct text_frame *frame, enum text_heard heard, size_t length,
                      struct text *out)
{
    if (heard == TEXT_LINE) {
        CLAIM(length >= 1 && length <= TEXT_MAX_LINE);
        text_add_bytes(out, frame->line, length);
    }
    if (heard != TEXT_NOTHING)
        text_add(out, heard == TEXT_LINE ? "|" : "!");
}

static void take_pieces(const struct text_framing *framing, const struct input *input, size_t piece,
                        struct text *out)
{
    struct text_frame *frame = malloc(sizeof *frame);

    text_frame_begin(frame, framing, NS_PER_S, true, 0);
    for (size_t from = 0; from < input->left; from += piece) {
        size_t count = input->left - from < piece ? input->left - from : piece, taken = 0;
        while (taken < count) {
            size_t length = 0;
            enum text_heard heard =
                text_frame_take(frame, input->at + from, count, &taken, 1, &length);
            add_heard(frame, heard, length, out);
        }
    }
    free(frame);
}

static void check_pieces(const struct text_framing *framing, const struct input *input)
{
    struct text whole = {0}, pieces = {0};

    text_add(&whole, "");
    text_add(&pieces, "");
    take_pieces(framing, input, input->left + 1, &whole);
    take_pieces(framing, input, 1, &pieces);
    CLAIM(whole.length == pieces.length);
    CLAIM(whole.length == 0 || memcmp(whole.data, pieces.data, whole.length) == 0);
    text_free(&whole);
    text_free(&pieces);
}

static void run_machine(const struct machine *machine)
{
    struct line_plan *plan = serial_text_driver.prepare(machine, NULL);
    struct line *line = NULL;

    int error = serial_text_driver.open(machine->link, &line);
    CLAIM((error == 0) == !wire.gone);
    for (int i = 0; i < 64 && !wire.gone && wire.script.left > 0; i++) {
        poll_machine(line, machine, plan);
        wire.now_ns += NS_PER_MS;
    }
    serial_text_driver.close(line);
    serial_text_driver.discard(plan);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const no_read[] = {"NO", " Error "};
    static const struct text_framing framings[] = {{0},           {.end = "\r\n"}, {.end = "\x03"},
                                                   {.length = 5}, {.idle_ms = 20}, {.end = "abab"}};
    struct input input = {data, size};
    uint8_t shape = input_byte(&input), framing = input_byte(&input);
    struct input own = input_part(&input, '\0');
    char *match = input_string(&own);
    struct pattern *pattern = NULL;
    struct pattern_fault fault = {0};
    bool compiles = pattern_new(match, &pattern, &fault) == 0;
    CLAIM(compiles || fault.offset <= strlen(match));
    pattern_free(pattern);

    const struct text_pattern patterns[] = {
        {.match = "ST,(?<v>[-+ ]? *\\d+\\.?\\d*)(?<s>kg|g)?"},
        {.match = compiles ? match : "(?<s>.+)"},
        {.match = "(?<s>[^\\x00]*)"},
    };
    const struct text_config text = {.ask = shape & 1 ? "W" : NULL,
                                     .ack = shape & 2 ? "\x06" : NULL,
                                     .patterns = patterns,
                                     .pattern_count = sizeof patterns / sizeof *patterns,
                                     .no_read = no_read,
                                     .no_read_count = 2,
                                     .checksum = (enum text_checksum)(shape >> 2 & 3) % 3,
                                     .event = TEXT_NO_TAG,
                                     .silent_after_ms = shape & 16 ? 1000 : 0};
    struct link link = {.driver = DRIVER_SERIAL_TEXT,
                        .timeout_ms = TIMEOUT_MS,
                        .pause_ms = PAUSE_MS,
                        .framing = framings[framing % (sizeof framings / sizeof *framings)]};
    const struct machine machine = {
        .name = "m", .link = &link, .tags = (struct tag *)tags, .tag_count = TAGS, .text = &text};

    check_pieces(&link.framing, &input);
    wire = (struct wire){.script = input, .now_ns = NS_PER_S};
    run_machine(&machine);
    free(match);
    return 0;
}
