#include "modbus_frame.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

enum {
    READ_PDU = 5,
    RTU_REQUEST = 1 + READ_PDU + 2,
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

size_t modbus_tcp_request(uint16_t transaction, uint8_t unit, const struct span *span,
                          uint8_t ret_bytes[MODBUS_TCP_REQUEST])
{
    put_tcp_header(transaction, unit, READ_PDU, ret_bytes);
    ret_bytes[MODBUS_TCP_HEADER] = span->function;
    put_word(ret_bytes + MODBUS_TCP_HEADER + 1, span->start);
    put_word(ret_bytes + MODBUS_TCP_HEADER + 3, span->count);
    return MODBUS_TCP_REQUEST;
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

int modbus_answer(const uint8_t *pdu, size_t length, const struct span *span, uint16_t *ret_words)
{
    if (length == 2 && pdu[0] == (span->function | EXCEPTION_FLAG) && pdu[1] != 0)
        return pdu[1];
    if (length < 2 || pdu[0] != span->function || pdu[1] != data_bytes(span) ||
        length != 2 + data_bytes(span))
        return -EBADMSG;
    for (size_t i = 0; i < span->count; i++) {
        if (reads_bits(span->function))
            ret_words[i] = pdu[2 + i / 8] >> i % 8 & 1;
        else
            ret_words[i] = get_word(pdu + 2 + 2 * i);
    }
    return 0;
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
    if (length != READ_PDU)
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
        .pdu_length = READ_PDU,
    };
    return RTU_REQUEST;
}
