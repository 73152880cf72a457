#include "modbus_frame.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

enum {
    RTU_REQUEST = 1 + MODBUS_READ_PDU + 2,
    WRITE_COIL = 5,
    WRITE_WORD = 6,
    WRITE_COILS = 15,
    WRITE_WORDS = 16,
    READ_WRITE_WORDS = 23,
    WRITE_ANSWER = 5, /* bytes of it: function, address, value or count */
    EXCEPTION_FLAG = 0x80,
    EXCEPTION_FUNCTION = 1,
    EXCEPTION_ADDRESS = 2,
    EXCEPTION_VALUE = 3,
};

static uint16_t get_word(const uint8_t *bytes)
{
    return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

static void put_word(uint8_t *bytes, uint16_t word)
{
    bytes[0] = (uint8_t)(word >> 8);
    bytes[1] = (uint8_t)word;
}

static bool reads_bits(uint8_t function)
{
    return function <= 2;
}

static size_t data_bytes(const struct span *span)
{
    return reads_bits(span->function) ? (span->count + 7u) / 8 : span->count * 2u;
}

static void put_tcp_header(uint16_t transaction, uint8_t unit, size_t pdu_length, uint8_t *bytes)
{
    put_word(bytes, transaction);
    put_word(bytes + 2, 0);
    put_word(bytes + 4, (uint16_t)(pdu_length + 1));
    bytes[6] = unit;
}

size_t modbus_build_read(const struct span *span, uint8_t ret_pdu[MODBUS_READ_PDU])
{
    ret_pdu[0] = span->function;
    put_word(ret_pdu + 1, span->start);
    put_word(ret_pdu + 3, span->count);
    return MODBUS_READ_PDU;
}

size_t modbus_tcp_request(uint16_t transaction, uint8_t unit, const struct span *span,
                          uint8_t ret_bytes[MODBUS_TCP_REQUEST])
{
    put_tcp_header(transaction, unit, MODBUS_READ_PDU, ret_bytes);
    return MODBUS_TCP_HEADER + modbus_build_read(span, ret_bytes + MODBUS_TCP_HEADER);
}

int modbus_tcp_parse(const uint8_t *bytes, size_t length, struct modbus_frame *ret_frame)
{
    size_t follows; /* the unit and the PDU */

    if (length < MODBUS_TCP_HEADER - 1)
        return length >= 4 && get_word(bytes + 2) != 0 ? -EBADMSG : 0;
    follows = get_word(bytes + 4);
    if (get_word(bytes + 2) != 0 || follows < 2 || follows > 1 + MODBUS_MAX_PDU)
        return -EBADMSG;
    if (length < MODBUS_TCP_HEADER - 1 + follows)
        return 0;
    *ret_frame = (struct modbus_frame){
        .transaction = get_word(bytes),
        .unit = bytes[6],
        .pdu = bytes + MODBUS_TCP_HEADER,
        .pdu_length = follows - 1,
    };
    return (int)(MODBUS_TCP_HEADER - 1 + follows);
}

/* Three bytes of bits are as long as the request that asked for them, and an adapter that hears
 * what it sends gives that back first. */
static bool is_own_request(const uint8_t *pdu, size_t length, const struct span *span)
{
    uint8_t request[MODBUS_READ_PDU];

    modbus_build_read(span, request);
    return length == sizeof request && memcmp(pdu, request, sizeof request) == 0;
}

int modbus_answer(const uint8_t *pdu, size_t length, const struct span *span, uint16_t *ret_words)
{
    if (length == 2 && pdu[0] == (span->function | EXCEPTION_FLAG) && pdu[1] != 0)
        return pdu[1];
    if (length < 2 || pdu[0] != span->function || pdu[1] != data_bytes(span) ||
        length != 2 + data_bytes(span) || is_own_request(pdu, length, span))
        return -EBADMSG;
    size_t count = span->count;
    if (reads_bits(span->function))
        for (size_t i = 0; i < count; i++)
            ret_words[i] = pdu[2 + i / 8] >> i % 8 & 1;
    else
        for (size_t i = 0; i < count; i++)
            ret_words[i] = get_word(pdu + 2 + 2 * i);
    return 0;
}

static bool reads(uint8_t function)
{
    return (function >= 1 && function <= 4) || function == READ_WRITE_WORDS;
}

/* Those whose answer repeats the request's beginning. */
static bool writes(uint8_t function)
{
    return function == WRITE_COIL || function == WRITE_WORD || function == WRITE_COILS ||
           function == WRITE_WORDS;
}

size_t modbus_answer_length(const uint8_t *request, size_t length)
{
    struct span span = {.function = request[0]};

    if (length < MODBUS_READ_PDU || (!reads(request[0]) && !writes(request[0])))
        return 0;
    if (writes(request[0]))
        return WRITE_ANSWER;
    span.count = get_word(request + 3);
    size_t answer = 2 + data_bytes(&span);
    return answer <= MODBUS_MAX_PDU ? answer : 0;
}

bool modbus_answers(const uint8_t *request, size_t request_length, const uint8_t *pdu,
                    size_t length)
{
    size_t expected = modbus_answer_length(request, request_length);

    if (pdu[0] == (request[0] | EXCEPTION_FLAG))
        return length == 2 && pdu[1] != 0;
    if (pdu[0] != request[0] || (expected > 0 && length != expected))
        return false;
    if (expected > 0 && writes(request[0]))
        return memcmp(pdu, request, WRITE_ANSWER) == 0;
    if (expected == 0)
        return true;
    return pdu[1] == expected - 2 &&
           !(length == request_length && memcmp(pdu, request, length) == 0);
}

uint16_t modbus_crc(const uint8_t *bytes, size_t length)
{
    uint16_t crc = 0xffff;

    for (size_t i = 0; i < length; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            crc = (uint16_t)(crc & 1 ? crc >> 1 ^ 0xa001 : crc >> 1);
    }
    return crc;
}

int modbus_parse_read(const uint8_t *pdu, size_t length, struct span *ret_span)
{
    uint16_t start, count;

    if (length == 0)
        return EXCEPTION_VALUE;
    if (pdu[0] < 1 || pdu[0] > 4)
        return EXCEPTION_FUNCTION;
    if (length != MODBUS_READ_PDU)
        return EXCEPTION_VALUE;
    start = get_word(pdu + 1);
    count = get_word(pdu + 3);
    if (count == 0 || count > (reads_bits(pdu[0]) ? MODBUS_MAX_BITS : MODBUS_MAX_WORDS))
        return EXCEPTION_VALUE;
    if (start + count > UINT16_MAX + 1)
        return EXCEPTION_ADDRESS;
    *ret_span = (struct span){.function = pdu[0], .start = start, .count = count};
    return 0;
}

size_t modbus_build_answer(const struct span *span, const uint16_t *words, uint8_t *ret_pdu)
{
    size_t bytes = data_bytes(span);

    ret_pdu[0] = span->function;
    ret_pdu[1] = (uint8_t)bytes;
    memset(ret_pdu + 2, 0, bytes);
    for (size_t i = 0; i < span->count; i++) {
        if (!reads_bits(span->function))
            put_word(ret_pdu + 2 + 2 * i, words[i]);
        else if (words[i] != 0)
            ret_pdu[2 + i / 8] |= (uint8_t)(1u << i % 8);
    }
    return 2 + bytes;
}

size_t modbus_build_exception(uint8_t function, uint8_t code, uint8_t *ret_pdu)
{
    ret_pdu[0] = function | EXCEPTION_FLAG;
    ret_pdu[1] = code;
    return 2;
}

size_t modbus_tcp_wrap(uint16_t transaction, uint8_t unit, const uint8_t *pdu, size_t length,
                       uint8_t ret_bytes[MODBUS_TCP_MAX_FRAME])
{
    put_tcp_header(transaction, unit, length, ret_bytes);
    memcpy(ret_bytes + MODBUS_TCP_HEADER, pdu, length);
    return MODBUS_TCP_HEADER + length;
}

size_t modbus_rtu_wrap(uint8_t unit, const uint8_t *pdu, size_t length,
                       uint8_t ret_bytes[MODBUS_RTU_MAX_FRAME])
{
    uint16_t crc;

    ret_bytes[0] = unit;
    memcpy(ret_bytes + 1, pdu, length);
    crc = modbus_crc(ret_bytes, 1 + length);
    ret_bytes[1 + length] = (uint8_t)crc;
    ret_bytes[2 + length] = (uint8_t)(crc >> 8);
    return 3 + length;
}

int modbus_rtu_parse_request(const uint8_t *bytes, size_t length, struct modbus_frame *ret_frame)
{
    uint16_t crc;

    if (length < RTU_REQUEST)
        return 0;
    crc = modbus_crc(bytes, RTU_REQUEST - 2);
    if (bytes[RTU_REQUEST - 2] != (uint8_t)crc || bytes[RTU_REQUEST - 1] != crc >> 8)
        return -EBADMSG;
    *ret_frame = (struct modbus_frame){
        .unit = bytes[0],
        .pdu = bytes + 1,
        .pdu_length = MODBUS_READ_PDU,
    };
    return RTU_REQUEST;
}

static const char hex_digits[] = "0123456789ABCDEF";

static uint8_t *put_hex(uint8_t *at, uint8_t byte)
{
    at[0] = (uint8_t)hex_digits[byte >> 4];
    at[1] = (uint8_t)hex_digits[byte & 15];
    return at + 2;
}

size_t modbus_ascii_wrap(uint8_t unit, const uint8_t *pdu, size_t length,
                         uint8_t ret_bytes[MODBUS_ASCII_MAX_FRAME])
{
    uint8_t *at = ret_bytes;
    uint8_t sum = unit;

    *at++ = ':';
    at = put_hex(at, unit);
    for (size_t i = 0; i < length; i++) {
        at = put_hex(at, pdu[i]);
        sum = (uint8_t)(sum + pdu[i]);
    }
    at = put_hex(at, (uint8_t)-sum);
    *at++ = '\r';
    *at++ = '\n';
    return (size_t)(at - ret_bytes);
}

static int hex_value(uint8_t digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    digit |= 'a' - 'A';
    return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

/* Up to what is no pair of digits. The number of bytes, or -EBADMSG where they are too many. */
static int unhex(const uint8_t *digits, size_t length, uint8_t room[MODBUS_ASCII_MAX_BYTES])
{
    int count = 0;

    for (size_t at = 0; at + 1 < length; at += 2) {
        int high = hex_value(digits[at]), low = hex_value(digits[at + 1]);
        if (high < 0 || low < 0)
            break;
        if (count == MODBUS_ASCII_MAX_BYTES)
            return -EBADMSG;
        room[count++] = (uint8_t)(high << 4 | low);
    }
    return count;
}

/* Whether nothing or the beginning of what may follow the digits is here. */
static bool is_begun(const uint8_t *rest, size_t length)
{
    return length == 0 || (length == 1 && (rest[0] == '\r' || hex_value(rest[0]) >= 0));
}

int modbus_ascii_parse(const uint8_t *bytes, size_t length, uint8_t room[MODBUS_ASCII_MAX_BYTES],
                       struct modbus_frame *ret_frame)
{
    uint8_t sum = 0;

    if (length == 0)
        return 0;
    int count = bytes[0] == ':' ? unhex(bytes + 1, length - 1, room) : -EBADMSG;
    if (count < 0)
        return count;
    size_t end = 1 + 2 * (size_t)count;
    if (is_begun(bytes + end, length - end))
        return 0;
    for (int i = 0; i < count; i++)
        sum = (uint8_t)(sum + room[i]);
    if (bytes[end] != '\r' || bytes[end + 1] != '\n' || sum != 0 ||
        end + 2 < MODBUS_ASCII_MIN_FRAME)
        return -EBADMSG;
    *ret_frame = (struct modbus_frame){
        .unit = room[0],
        .pdu = room + 1,
        .pdu_length = (size_t)count - 2,
    };
    return (int)(end + 2);
}
