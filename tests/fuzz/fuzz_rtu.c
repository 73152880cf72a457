/* What comes over a line in RTU frames; see fuzz_line.h. */
#include "fuzz_line.h"

#include "modbus_rtu.c"

static const struct modbus_framing *framing_of_harness(void)
{
    return &rtu_framing;
}

static void framing_open(const uint8_t *frame, size_t length, uint8_t ret_asked[6])
{
    CLAIM(length == 8 && modbus_crc(frame, length) == 0);
    memcpy(ret_asked, frame, 6);
}

/* An answer begins with the first byte that was heard. */
static const uint8_t *framing_next(const struct request *request, size_t *at, size_t *ret_length)
{
    while (++*at <= request->heard_length)
        if (*at > 3 && modbus_crc(request->heard, *at) == 0) {
            *ret_length = *at - 2;
            return request->heard;
        }
    return NULL;
}
