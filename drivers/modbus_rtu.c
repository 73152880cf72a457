/* Modbus RTU on a serial port, or through a serial server reached over TCP. */
#include <errno.h>
#include <string.h>

#include "clock.h"
#include "modbus_line.h"

enum {
    EXCEPTION_FRAME = 5, /* unit, function, code, CRC */
    AROUND_PDU = 3,      /* unit, CRC */
    SHORTEST_FRAME = 4,  /* unit, function, CRC */
    UNKNOWN_QUIET_MS = 50,
};

/* How long the answer is that begins like this; 0 where it can't be the request's. `answer`: the
 * PDU's length where it is no exception. */
static size_t frame_length(const struct modbus_request *request, size_t answer,
                           const uint8_t *frame, size_t length)
{
    uint8_t function = request->pdu[0];

    if (length > 0 && frame[0] != request->unit)
        return 0;
    if (length > 1 && frame[1] == (function | 0x80))
        return EXCEPTION_FRAME;
    if (length > 1 && frame[1] != function)
        return 0;
    if (length > 2 && function <= 4 && frame[2] != answer - 2)
        return 0;
    return AROUND_PDU + answer;
}

/* The frame's end is known from its beginning. */
static int hear_length(struct line *line, const struct modbus_request *request, size_t answer,
                       int64_t until_ns, uint8_t *ret_frame)
{
    size_t length = 0, expected = EXCEPTION_FRAME;

    while (length < expected) {
        int count =
            modbus_line_read(line, until_ns, ret_frame + length, MODBUS_RTU_MAX_FRAME - length);
        if (count <= 0)
            return count < 0 ? count : -ETIMEDOUT;
        length += (size_t)count;
        expected = frame_length(request, answer, ret_frame, length);
        /* A second frame behind the first: one of them is late, and nothing says which. */
        if (expected == 0 || length >= expected + SHORTEST_FRAME)
            return -EBADMSG;
    }
    return (int)expected;
}

/* The frame ends where the line falls silent: for far longer than between two characters, since
 * adapters and networks hand on what they have in lumps. */
static int hear_silence(struct line *line, int64_t until_ns, uint8_t *ret_frame)
{
    size_t length = 0;
    int64_t end_ns = until_ns;

    while (length < MODBUS_RTU_MAX_FRAME) {
        int count =
            modbus_line_read(line, end_ns, ret_frame + length, MODBUS_RTU_MAX_FRAME - length);
        if (count < 0)
            return count;
        if (count == 0)
            break;
        length += (size_t)count;
        end_ns = line->last_ns + UNKNOWN_QUIET_MS * NS_PER_MS;
        end_ns = end_ns < until_ns ? end_ns : until_ns;
    }
    if (length == 0)
        return -ETIMEDOUT;
    return length >= SHORTEST_FRAME ? (int)length : -EBADMSG;
}

static int rtu_hear(struct line *line, const struct modbus_request *request, int64_t until_ns,
                    uint8_t *ret_pdu)
{
    uint8_t frame[MODBUS_RTU_MAX_FRAME];
    size_t answer = modbus_answer_length(request->pdu, request->length);
    int heard = answer > 0 ? hear_length(line, request, answer, until_ns, frame)
                           : hear_silence(line, until_ns, frame);

    if (heard < 0)
        return heard;
    size_t length = (size_t)heard - AROUND_PDU;
    uint16_t crc = modbus_crc(frame, length + 1);
    if (frame[length + 1] != (uint8_t)crc || frame[length + 2] != crc >> 8 ||
        frame[0] != request->unit ||
        !modbus_answers(request->pdu, request->length, frame + 1, length))
        return -EBADMSG;
    memcpy(ret_pdu, frame + 1, length);
    return (int)length;
}

static const struct modbus_framing rtu_framing = {
    .first_byte = -1,
    .shortest = SHORTEST_FRAME,
    .wrap = modbus_rtu_wrap,
    .hear = rtu_hear,
};

/* Three and a half characters; above 19200 baud a fixed time (Modbus over Serial Line V1.02,
 * 2.5.1.1). A serial server sees to that itself. */
static int64_t frame_silence_ns(const struct link *link)
{
    int64_t bits = 1 + link->data_bits + (link->parity != 'N') + link->stop_bits;

    if (!link_driver_is_serial(link->driver))
        return 0;
    return link->baud > 19200 ? 1750000 : bits * 7 * NS_PER_S / (2 * (int64_t)link->baud);
}

static int rtu_open(const struct link *link, struct line **ret_line)
{
    return modbus_line_open(link, &rtu_framing, frame_silence_ns(link), ret_line);
}

const struct line_driver modbus_rtu_driver = {
    .name = "modbus-rtu",
    .prepare = modbus_line_prepare,
    .discard = modbus_line_discard,
    .open = rtu_open,
    .remark = modbus_line_remark,
    .poll = modbus_line_poll,
    .transact = modbus_line_transact,
    .close = modbus_line_close,
};

const struct line_driver modbus_rtu_tcp_driver = {
    .name = "modbus-rtu-tcp",
    .prepare = modbus_line_prepare,
    .discard = modbus_line_discard,
    .open = rtu_open,
    .remark = modbus_line_remark,
    .poll = modbus_line_poll,
    .transact = modbus_line_transact,
    .close = modbus_line_close,
};
