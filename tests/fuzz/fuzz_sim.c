/* Requests to `bindery simulate`: the streams of daemon/cli/sim_server.c and the answers of
 * sim_plant.c.
 *
 * Input: the framing, four sizes of pieces that are used in turn, then the stream. The answers are
 * the same whatever the pieces, and each answers a request. */
#include "fuzz.h"
#include "modbus_frame.h"

#include "sim_server.c"

enum { PIECES = 4, TIME_MS = 123456789 };

static struct sim_bus bus;

static void make_bus(void)
{
    static const struct decimal one = {.mantissa = 1};
    static const struct link link = {.name = "l", .host = "h", .max_registers = 125, .gap = 16};
    static struct tag tags[] = {
        {.name = "good_count", .area = AREA_HOLDING, .address = 100, .bit = -1, .type = TYPE_U32},
        {.name = "job", .area = AREA_HOLDING, .address = 102, .bit = -1, .type = TYPE_STRING},
        {.name = "jam", .area = AREA_HOLDING, .address = 110, .bit = 3, .type = TYPE_BOOL},
        {.name = "power", .area = AREA_INPUT, .address = 65532, .bit = -1, .type = TYPE_F64},
        {.name = "temp", .area = AREA_INPUT, .address = 5, .bit = -1, .type = TYPE_BCD16},
        {.name = "running", .area = AREA_COIL, .address = 0, .bit = -1, .type = TYPE_BOOL},
        {.name = "open", .area = AREA_DISCRETE, .address = 65535, .bit = -1, .type = TYPE_BOOL},
    };
    static const struct machine machine = {.name = "m",
                                           .link = &link,
                                           .unit = 1,
                                           .every_ms = 1000,
                                           .tags = tags,
                                           .tag_count = sizeof tags / sizeof *tags};

    for (size_t i = 0; i < machine.tag_count; i++) {
        tags[i].scale = one;
        tags[i].string_bytes = 12;
        tags[i].every_ms = 1000;
    }
    bus.link = &link;
    sim_bus_add(&bus, &machine, 1);
    sim_bus_settle(&bus);
}

/* Feeds the stream as a connection would; false where the server gives it up. */
static bool feed(struct port *port, const struct input *stream, const uint8_t pieces[PIECES])
{
    struct sim_server server = {0};
    size_t at = 0;

    for (unsigned piece = 0; at < stream->left; piece++) {
        size_t room = (size_t)INPUT_BYTES - port->have;
        size_t count = pieces[piece % PIECES] + 1U;
        CLAIM(port->have < INPUT_BYTES);
        count = count < room ? count : room;
        count = count < stream->left - at ? count : stream->left - at;
        memcpy(port->in + port->have, stream->at + at, count);
        port->have = (uint16_t)(port->have + count);
        at += count;
        if (!answer_all(&server, port, TIME_MS))
            return false;
    }
    return true;
}

/* Every answer is one to something that can be read, or an exception. */
static void check_pdu(const uint8_t *pdu, size_t length)
{
    CLAIM(length >= 2 && length <= MODBUS_MAX_PDU);
    if (pdu[0] & 0x80)
        CLAIM(length == 2 && pdu[1] >= 1 && pdu[1] <= 3);
    else
        CLAIM(pdu[0] >= 1 && pdu[0] <= 4 && length == 2U + pdu[1]);
}

static void check_tcp_answers(const struct text *out)
{
    const uint8_t *bytes = (const uint8_t *)out->data;
    struct modbus_frame frame;
    size_t at = 0;

    while (at < out->length) {
        int length = modbus_tcp_parse(bytes + at, out->length - at, &frame);
        CLAIM(length > 0 && frame.unit == 1);
        check_pdu(frame.pdu, frame.pdu_length);
        at += (size_t)length;
    }
}

static void check_rtu_answers(const struct text *out)
{
    const uint8_t *bytes = (const uint8_t *)out->data;
    size_t at = 0;

    while (at < out->length) {
        CLAIM(out->length - at >= 5);
        size_t length = bytes[at + 1] & 0x80 ? 2 : 2U + bytes[at + 2];
        CLAIM(length + 3 <= out->length - at);
        CLAIM(modbus_crc(bytes + at, length + 3) == 0 && bytes[at] == 1);
        check_pdu(bytes + at + 1, length);
        at += length + 3;
    }
}

static void check_ascii_answers(const struct text *out)
{
    const uint8_t *bytes = (const uint8_t *)out->data;
    uint8_t room[MODBUS_ASCII_MAX_BYTES];
    struct modbus_frame frame;
    size_t at = 0;

    while (at < out->length) {
        int length = modbus_ascii_parse(bytes + at, out->length - at, room, &frame);
        CLAIM(length > 0 && frame.unit == 1);
        check_pdu(frame.pdu, frame.pdu_length);
        at += (size_t)length;
    }
}

static void check_stream(const struct input *stream, enum link_driver driver,
                         const uint8_t pieces[PIECES])
{
    static const uint8_t ones[PIECES] = {0};
    const struct link link = {.driver = driver};
    struct port port = {.kind = PORT_STREAM, .fd = -1, .framing = framing_of(&link), .bus = &bus};
    struct port slow = port;

    port.in = malloc(INPUT_BYTES);
    slow.in = malloc(INPUT_BYTES);
    bool kept = feed(&port, stream, pieces);
    CLAIM(feed(&slow, stream, ones) == kept);
    CLAIM(port.out.length == slow.out.length);
    CLAIM(port.out.length == 0 || memcmp(port.out.data, slow.out.data, port.out.length) == 0);
    CLAIM(port.out.length <= (stream->left / 8) * MODBUS_TCP_MAX_FRAME);
    if (driver == DRIVER_MODBUS_RTU)
        check_rtu_answers(&port.out);
    else if (driver == DRIVER_MODBUS_ASCII)
        check_ascii_answers(&port.out);
    else
        check_tcp_answers(&port.out);
    text_free(&port.out);
    text_free(&slow.out);
    free(port.in);
    free(slow.in);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {data, size};
    uint8_t kind = input_byte(&input);
    enum link_driver driver = DRIVER_MODBUS_TCP;
    uint8_t pieces[PIECES];

    if (bus.unit_count == 0)
        make_bus();
    for (size_t i = 0; i < PIECES; i++)
        pieces[i] = input_byte(&input);
    if (kind & 1)
        driver = DRIVER_MODBUS_RTU;
    else if (kind == 2)
        driver = DRIVER_MODBUS_ASCII;
    check_stream(&input, driver, pieces);
    return 0;
}
