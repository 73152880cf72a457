/* What comes over a line in ASCII frames; see fuzz_line.h. */
#include "fuzz_line.h"

#include "modbus_ascii.c"

static const struct modbus_framing *framing_of_harness(void)
{
    return &ascii_framing;
}

/* What stands between ':' and CR LF at the front, with its LRC: the number of bytes, or 0. */
static size_t open_frame(const uint8_t *text, size_t length, uint8_t *ret_bytes)
{
    const uint8_t *end = memchr(text, '\r', length);
    uint8_t sum = 0;
    size_t count = 0;

    if (text[0] != ':' || end == NULL || end + 1 == text + length || end[1] != '\n')
        return 0;
    for (const uint8_t *at = text + 1; at < end; at += 2) {
        char digits[3] = {(char)at[0], (char)at[1], '\0'}, *rest;
        if (at + 1 == end || count == MODBUS_ASCII_MAX_BYTES)
            return 0;
        ret_bytes[count] = (uint8_t)strtoul(digits, &rest, 16);
        if (rest != digits + 2 || digits[0] < '0' || digits[1] < '0')
            return 0;
        sum = (uint8_t)(sum + ret_bytes[count++]);
    }
    return sum == 0 ? count : 0;
}

static void framing_open(const uint8_t *frame, size_t length, uint8_t ret_asked[6])
{
    uint8_t bytes[MODBUS_ASCII_MAX_BYTES];

    CLAIM(length == 17 && open_frame(frame, length, bytes) == 7);
    memcpy(ret_asked, bytes, 6);
}

static const uint8_t *framing_next(const struct request *request, size_t *at, size_t *ret_length)
{
    static uint8_t bytes[MODBUS_ASCII_MAX_BYTES];

    for (; *at < request->heard_length; ++*at) {
        size_t count = open_frame(request->heard + *at, request->heard_length - *at, bytes);
        if (count > 2) {
            ++*at;
            *ret_length = count - 1;
            return bytes;
        }
    }
    return NULL;
}
