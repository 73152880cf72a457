/* Modbus ASCII on a serial port, or through a serial server reached over TCP.
 *
 * Where a frame begins is sure, which in RTU it is not: noise and what answers something else is
 * passed over, and the line needs no silence between frames. Whose answer one is says only its
 * unit, function and length, so that after a time-out it has to fall silent here too. */
#include <errno.h>
#include <string.h>

#include "modbus_line.h"

/* What has been heard and not been looked at. */
struct stream {
    uint8_t bytes[2 * MODBUS_ASCII_MAX_FRAME];
    size_t length;
};

static void drop(struct stream *stream, size_t count)
{
    stream->length -= count;
    memmove(stream->bytes, stream->bytes + count, stream->length);
}

/* Up to where a frame begins, if one does; returns how much that was. */
static size_t drop_noise(struct stream *stream)
{
    const uint8_t *start = memchr(stream->bytes, ':', stream->length);
    size_t count = start != NULL ? (size_t)(start - stream->bytes) : stream->length;

    drop(stream, count);
    return count;
}

static int read_more(struct line *line, int64_t until_ns, struct stream *stream)
{
    int count = modbus_line_read(line, until_ns, stream->bytes + stream->length,
                                 sizeof stream->bytes - stream->length);

    if (count > 0)
        stream->length += (size_t)count;
    return count;
}

/* A second frame behind the answer: one of them is late, and nothing says which. */
static int take_answer(const struct stream *rest, const struct modbus_frame *frame,
                       uint8_t *ret_pdu)
{
    if (memchr(rest->bytes, ':', rest->length) != NULL)
        return -EBADMSG;
    memcpy(ret_pdu, frame->pdu, frame->pdu_length);
    return (int)frame->pdu_length;
}

static int ascii_hear(struct line *line, const struct modbus_request *request, int64_t until_ns,
                      uint8_t *ret_pdu)
{
    struct stream stream = {.length = 0};
    int trouble = -ETIMEDOUT; /* what it comes to at the deadline */
    size_t noise = 0;

    for (;;) {
        uint8_t bytes[MODBUS_ASCII_MAX_BYTES];
        struct modbus_frame frame;
        noise += drop_noise(&stream);
        if (noise >= MODBUS_ASCII_MIN_FRAME)
            trouble = -EBADMSG;
        int taken = modbus_ascii_parse(stream.bytes, stream.length, bytes, &frame);
        if (taken == 0) {
            int count = read_more(line, until_ns, &stream);
            if (count <= 0)
                return count < 0 ? count : trouble;
            continue;
        }
        drop(&stream, taken > 0 ? (size_t)taken : 1);
        if (taken > 0 && frame.unit == request->unit &&
            modbus_answers(request->pdu, request->length, frame.pdu, frame.pdu_length))
            return take_answer(&stream, &frame, ret_pdu);
        line->others += taken > 0;
        trouble = -EBADMSG;
    }
}

static const struct modbus_framing ascii_framing = {
    .first_byte = ':',
    .shortest = MODBUS_ASCII_MIN_FRAME,
    .wrap = modbus_ascii_wrap,
    .hear = ascii_hear,
};

static int ascii_open(const struct link *link, struct line **ret_line)
{
    return modbus_line_open(link, &ascii_framing, 0, ret_line);
}

const struct line_driver modbus_ascii_driver = {
    .name = "modbus-ascii",
    .prepare = modbus_line_prepare,
    .discard = modbus_line_discard,
    .open = ascii_open,
    .remark = modbus_line_remark,
    .poll = modbus_line_poll,
    .transact = modbus_line_transact,
    .close = modbus_line_close,
};

const struct line_driver modbus_ascii_tcp_driver = {
    .name = "modbus-ascii-tcp",
    .prepare = modbus_line_prepare,
    .discard = modbus_line_discard,
    .open = ascii_open,
    .remark = modbus_line_remark,
    .poll = modbus_line_poll,
    .transact = modbus_line_transact,
    .close = modbus_line_close,
};
