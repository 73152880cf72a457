/* What a machine of the bench holds and answers: Modbus TCP, functions 3 and 4. For machines.c
 * alone, and inline in its loop. */
#ifndef BENCH_ANSWER_H
#define BENCH_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "common.h"

enum {
    FRAME_MAX = 260,
    READ_BYTES = 12, /* of a request for registers; only that is answered at length */
    WORDS_MAX = 125,
};

/* The first `changing` registers differ at every request, the first of them being the milliseconds
 * at answering; the others are constant. */
struct content {
    unsigned machine, registers, changing;
    uint32_t request; /* its number */
};

static inline unsigned get16(const uint8_t *bytes)
{
    return (unsigned)bytes[0] << 8 | bytes[1];
}

static inline void put16(uint8_t *ret_bytes, unsigned value)
{
    ret_bytes[0] = (uint8_t)(value >> 8);
    ret_bytes[1] = (uint8_t)value;
}

static inline unsigned constant_register(unsigned machine, unsigned number)
{
    uint32_t mixed = machine * UINT32_C(0x9E3779B1) + number * UINT32_C(0x85EBCA77);
    mixed = (mixed ^ mixed >> 15) * UINT32_C(0x2C1B3C6D);
    mixed = (mixed ^ mixed >> 12) * UINT32_C(0x297A2D39);
    return mixed >> 16;
}

/* Every step is one-to-one in 16 bits: two requests in a row never find the same value. */
static inline unsigned changing_register(unsigned seed, uint32_t request)
{
    unsigned mixed = (seed + request * 40503) & 0xFFFF;
    mixed = (mixed ^ mixed >> 8) * 0x88B5 & 0xFFFF;
    mixed = (mixed ^ mixed >> 7) * 0xDB2D & 0xFFFF;
    return mixed ^ mixed >> 9;
}

static inline unsigned register_value(const struct content *content, unsigned number)
{
    unsigned value = constant_register(content->machine, number);
    if (number >= content->changing)
        return value;
    if (number == 0)
        return (unsigned)bench_wall_ms() & 0xFFFF;
    return changing_register(value, content->request);
}

static inline bool is_read(const uint8_t *request)
{
    return request[7] == 3 || request[7] == 4;
}

/* How long the request at the front is: 0 for more bytes, -1 for rubbish. */
static inline int parse_request(const uint8_t *bytes, size_t length)
{
    if (length < 8)
        return 0;
    unsigned whole = 6 + get16(bytes + 4);
    if (get16(bytes + 2) != 0 || whole < 8 || whole > FRAME_MAX)
        return -1;
    if (is_read(bytes) && whole != READ_BYTES)
        return -1;
    return length < whole ? 0 : (int)whole;
}

static inline size_t put_exception(const uint8_t *request, uint8_t code, uint8_t *ret_answer)
{
    memcpy(ret_answer, request, 8);
    put16(ret_answer + 4, 3);
    ret_answer[7] |= 0x80;
    ret_answer[8] = code;
    return 9;
}

/* Writes the answer to a whole request: its length. */
static inline size_t put_answer(const struct content *content, const uint8_t *request,
                                uint8_t *ret_answer)
{
    if (!is_read(request))
        return put_exception(request, 1, ret_answer);
    unsigned start = get16(request + 8), count = get16(request + 10);
    if (count == 0 || count > WORDS_MAX || start + count > content->registers)
        return put_exception(request, 2, ret_answer);
    memcpy(ret_answer, request, 8);
    put16(ret_answer + 4, 3 + 2 * count);
    ret_answer[8] = (uint8_t)(2 * count);
    for (unsigned i = 0; i < count; i++)
        put16(&ret_answer[9 + 2 * i], register_value(content, start + i));
    return 9 + 2 * count;
}

#endif
