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

/* An answer begins with the first byte that was heard, and says how long it is. */
static const uint8_t *framing_next(const struct request *request, size_t *at, size_t *ret_length)
{
    const uint8_t *heard = request->heard;

    if (*at > 0 || request->heard_length < 5)
        return NULL;
    *at = *ret_length = 3u + heard[2];
    if (*at + 2 > request->heard_length || modbus_crc(heard, *at + 2) != 0)
        return NULL;
    return heard;
}
