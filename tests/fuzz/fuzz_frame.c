/* Modbus frames off the wire: drivers/modbus_frame.c, drivers/modbus_pdu.c.
 *
 * Input: function, start and count of what was asked, then bytes. These are taken for a TCP stream,
 * a PDU, an RTU stream, and for what is put into frames. */
#include <errno.h>

#include "fuzz.h"
#include "modbus_frame.h"
#include "modbus_pdu.h"

static struct span take_span(struct input *input)
{
    struct span span = {.function = (uint8_t)input_between(input, 1, 4)};

    span.start = (uint16_t)input_number(input, 2);
    span.count = (uint16_t)input_between(input, 1, span.function <= 2 ? 2000 : 125);
    return span;
}

static bool same_span(const struct span *a, const struct span *b)
{
    return a->function == b->function && a->start == b->start && a->count == b->count;
}

/* What was taken off the stream, wrapped again, is what stood there. */
static void check_tcp_frame(const uint8_t *bytes, int length, const struct modbus_frame *frame)
{
    uint8_t again[MODBUS_TCP_MAX_FRAME];

    CLAIM(length > MODBUS_TCP_HEADER && length <= MODBUS_TCP_MAX_FRAME);
    CLAIM(frame->pdu == bytes + MODBUS_TCP_HEADER);
    CLAIM(frame->pdu_length == (size_t)length - MODBUS_TCP_HEADER);
    CLAIM(modbus_tcp_wrap(frame->transaction, frame->unit, frame->pdu, frame->pdu_length, again) ==
          (size_t)length);
    CLAIM(memcmp(again, bytes, (size_t)length) == 0);
}

static void check_answer(const uint8_t *pdu, size_t length, const struct span *span)
{
    size_t size = span->count * sizeof(uint16_t);
    uint16_t *words = malloc(size), *before = malloc(size);
    uint8_t again[MODBUS_MAX_PDU];

    memset(words, 0xa5, size);
    memcpy(before, words, size);
    int result = modbus_answer(pdu, length, span, words);
    if (result == 0) {
        CLAIM(modbus_build_answer(span, words, again) == length);
        if (span->function <= 2 && span->count % 8 != 0)
            CLAIM(((again[length - 1] ^ pdu[length - 1]) & ((1 << span->count % 8) - 1)) == 0);
        else
            CLAIM(again[length - 1] == pdu[length - 1]);
        CLAIM(memcmp(again, pdu, length - 1) == 0);
    } else {
        CLAIM(memcmp(words, before, size) == 0);
        CLAIM(result == -EBADMSG || (result > 0 && result <= UINT8_MAX));
    }
    if (result > 0) {
        CLAIM(modbus_build_exception(span->function, (uint8_t)result, again) == length);
        CLAIM(memcmp(again, pdu, length) == 0);
    }
    free(words);
    free(before);
}

/* With fewer bytes it is the same, or not decided yet. */
static void check_tcp_stream(const uint8_t *bytes, size_t length, const struct span *span)
{
    struct modbus_frame frame = {.unit = 77}, shorter;
    int result = modbus_tcp_parse(bytes, length, &frame);

    for (size_t less = 0; less < length && less <= MODBUS_TCP_MAX_FRAME; less++) {
        int early = modbus_tcp_parse(bytes, less, &shorter);
        CLAIM(early == result || early == 0);
        CLAIM(early <= 0 || (size_t)early <= less);
    }
    if (result > 0) {
        CLAIM((size_t)result <= length);
        check_tcp_frame(bytes, result, &frame);
        check_answer(frame.pdu, frame.pdu_length, span);
    } else {
        CLAIM(result == 0 || result == -EBADMSG);
        CLAIM(frame.unit == 77 && frame.pdu == NULL);
        CLAIM(result != 0 || length < MODBUS_TCP_MAX_FRAME);
    }
}

static void check_request(const uint8_t *pdu, size_t length)
{
    struct span span = {.function = 99};
    uint8_t again[MODBUS_TCP_REQUEST];
    int result = modbus_parse_read(pdu, length, &span);

    CLAIM(result >= 0 && result <= 3);
    if (result != 0) {
        CLAIM(span.function == 99);
        return;
    }
    CLAIM(span.function >= 1 && span.function <= 4 && span.count >= 1);
    CLAIM(span.count <= (span.function <= 2 ? MODBUS_MAX_BITS : MODBUS_MAX_WORDS));
    CLAIM(span.start + span.count <= UINT16_MAX + 1);
    CLAIM(modbus_tcp_request(0, 0, &span, again) == MODBUS_TCP_HEADER + length);
    CLAIM(memcmp(again + MODBUS_TCP_HEADER, pdu, length) == 0);
}

static void check_rtu_request(const uint8_t *bytes, size_t length)
{
    struct modbus_frame frame = {.unit = 77};
    uint8_t again[MODBUS_RTU_MAX_FRAME];
    int result = modbus_rtu_parse_request(bytes, length, &frame);

    if (result <= 0) {
        CLAIM(result == (length < 8 ? 0 : -EBADMSG));
        CLAIM(frame.unit == 77);
        return;
    }
    CLAIM(result == 8 && length >= 8);
    CLAIM(frame.pdu == bytes + 1 && frame.pdu_length == 5);
    CLAIM(modbus_rtu_wrap(frame.unit, frame.pdu, frame.pdu_length, again) == 8);
    CLAIM(memcmp(again, bytes, 8) == 0);
}

/* A frame is found whatever came before it is made of, one byte after the other, and whole. */
static void check_ascii_stream(const uint8_t *bytes, size_t length)
{
    uint8_t room[MODBUS_ASCII_MAX_BYTES], again[MODBUS_ASCII_MAX_FRAME];
    struct modbus_frame frame = {.unit = 77};
    int result = modbus_ascii_parse(bytes, length, room, &frame);

    for (size_t less = 0; less < length && less <= MODBUS_ASCII_MAX_FRAME; less++) {
        struct modbus_frame shorter;
        int early = modbus_ascii_parse(bytes, less, room, &shorter);
        CLAIM(early == result || early == 0);
        CLAIM(early <= 0 || (size_t)early <= less);
    }
    if (result <= 0) {
        CLAIM(result == 0 || result == -EBADMSG);
        CLAIM(frame.unit == 77 && (result != 0 || length < MODBUS_ASCII_MAX_FRAME));
        return;
    }
    modbus_ascii_parse(bytes, length, room, &frame);
    CLAIM(frame.pdu == room + 1 && frame.pdu_length >= 1 && frame.pdu_length <= MODBUS_MAX_PDU);
    CLAIM(modbus_ascii_wrap(frame.unit, frame.pdu, frame.pdu_length, again) == (size_t)result);
    for (int i = 0; i < result; i++)
        CLAIM(again[i] == (bytes[i] >= 'a' && bytes[i] <= 'f' ? bytes[i] - 32 : bytes[i]));
}

/* What can answer a request, and how long it is then. */
static void check_answering(const uint8_t *pdu, size_t length, const struct span *span)
{
    uint8_t request[MODBUS_READ_PDU];
    size_t asked = modbus_build_read(span, request);
    size_t data = span->function <= 2 ? (span->count + 7u) / 8 : span->count * 2u;

    CLAIM(modbus_answer_length(request, asked) == 2 + data);
    if (length == 0)
        return;
    CLAIM(modbus_answer_length(pdu, length) <= MODBUS_MAX_PDU);
    bool answers = modbus_answers(request, asked, pdu, length);
    uint16_t words[MODBUS_MAX_BITS];
    CLAIM(answers == (modbus_answer(pdu, length, span, words) != -EBADMSG));
    if (modbus_answers(pdu, length, request, asked))
        CLAIM(pdu[0] == request[0]);
}

/* What is passed on is of a known function and length, and what reads is told from what writes. */
static void check_passed_on(const uint8_t *pdu, size_t length)
{
    struct span span;

    if (!modbus_is_request(pdu, length)) {
        CLAIM(length == 0 || modbus_parse_read(pdu, length, &span) != 0);
        return;
    }
    CLAIM(length >= MODBUS_IDENTITY_PDU && length <= MODBUS_MAX_PDU);
    CLAIM(modbus_is_write(pdu) == (pdu[0] != 43 && modbus_parse_read(pdu, length, &span) != 0));
    CLAIM((modbus_answer_length(pdu, length) > 0) == (pdu[0] != 43));
    CLAIM(modbus_check_answer(pdu, length, (const uint8_t[]){pdu[0] | 0x80, 9}, 2) == 9);
    if (modbus_is_write(pdu))
        CLAIM(modbus_check_answer(pdu, length, pdu, 5) == 0);
}

static bool is_printable(const char text[MODBUS_MAX_PDU])
{
    for (size_t i = 0; i < MODBUS_MAX_PDU; i++) {
        if (text[i] == '\0')
            return true;
        if (text[i] < ' ' || text[i] > '~')
            return false;
    }
    return false;
}

static void check_identity(const uint8_t *pdu, size_t length)
{
    struct modbus_identity identity = {"v", "p", "r"};
    const struct modbus_identity before = identity;
    int result = modbus_take_identity(pdu, length, &identity);

    if (result < 0) {
        CLAIM(result == -EBADMSG && memcmp(&identity, &before, sizeof before) == 0);
        return;
    }
    CLAIM(result <= UINT8_MAX && length >= 7 && length <= MODBUS_MAX_PDU);
    CLAIM(is_printable(identity.vendor) && is_printable(identity.product) &&
          is_printable(identity.revision));
}

/* What goes into a frame comes out of it; a CRC over all of an RTU frame is 0. */
static void check_wrapping(const uint8_t *pdu, size_t length, const struct span *span)
{
    uint8_t tcp[MODBUS_TCP_MAX_FRAME], rtu[MODBUS_RTU_MAX_FRAME], request[MODBUS_TCP_REQUEST];
    struct modbus_frame frame;
    struct span asked;

    CLAIM(modbus_tcp_request(7, 9, span, request) == MODBUS_TCP_REQUEST);
    CLAIM(modbus_tcp_parse(request, sizeof request, &frame) == MODBUS_TCP_REQUEST);
    if (span->start + span->count <= UINT16_MAX + 1) {
        CLAIM(modbus_parse_read(frame.pdu, frame.pdu_length, &asked) == 0);
        CLAIM(same_span(&asked, span));
    }
    size_t wrapped = modbus_rtu_wrap(9, frame.pdu, frame.pdu_length, rtu);
    check_rtu_request(rtu, wrapped);
    CLAIM(modbus_rtu_parse_request(rtu, wrapped, &frame) == (int)wrapped);
    if (length == 0 || length > MODBUS_MAX_PDU)
        return;
    wrapped = modbus_rtu_wrap((uint8_t)length, pdu, length, rtu);
    CLAIM(wrapped == length + 3 && modbus_crc(rtu, wrapped) == 0);
    wrapped = modbus_tcp_wrap(span->start, (uint8_t)length, pdu, length, tcp);
    CLAIM(modbus_tcp_parse(tcp, wrapped, &frame) == (int)wrapped);
    CLAIM(frame.transaction == span->start && frame.unit == (uint8_t)length);
    CLAIM(frame.pdu_length == length && memcmp(frame.pdu, pdu, length) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {data, size};
    struct span span = take_span(&input);
    uint8_t *bytes = input_copy(&input);

    check_tcp_stream(bytes, input.left, &span);
    check_answer(bytes, input.left, &span);
    check_request(bytes, input.left);
    check_passed_on(bytes, input.left);
    check_identity(bytes, input.left);
    check_rtu_request(bytes, input.left);
    check_ascii_stream(bytes, input.left);
    check_answering(bytes, input.left, &span);
    check_wrapping(bytes, input.left, &span);
    free(bytes);
    return 0;
}
