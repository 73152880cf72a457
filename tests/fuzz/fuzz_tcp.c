/* The search for an answer in what a Modbus TCP connection brings, in pieces of any size:
 * drivers/modbus_tcp.c.
 *
 * Input: what is asked (function, start, count, unit, the transaction before), how the stream
 * ends, eight sizes of pieces that are used in turn (0: nothing there at the moment), the stream.
 * Whatever the pieces, the first request must end as a plain walk over the whole stream says. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fuzz.h"

enum { PIECES = 8, MOST_REQUESTS = 64 };

struct stream {
    const uint8_t *bytes;
    size_t length, at;
    uint8_t pieces[PIECES];
    unsigned piece;
    int end; /* what recv fails with at the end; 0: the other side closed */
    bool ended;
};

static struct stream stream;

static ssize_t stream_recv(int fd, void *ret_bytes, size_t room, int flags)
{
    size_t count = stream.pieces[stream.piece++ % PIECES];

    (void)flags;
    CLAIM(fd == 99 && room > 0);
    if (count > stream.length - stream.at)
        count = stream.length - stream.at;
    if (count > room)
        count = room;
    if (stream.at == stream.length) {
        stream.ended = true;
        errno = stream.end;
        return stream.end == 0 ? 0 : -1;
    }
    if (count == 0) {
        errno = stream.piece % 2 ? EAGAIN : EINTR;
        return -1;
    }
    memcpy(ret_bytes, stream.bytes + stream.at, count);
    stream.at += count;
    return (ssize_t)count;
}

static ssize_t stream_send(int fd, const void *bytes, size_t length, int flags)
{
    (void)bytes;
    CLAIM(fd == 99 && length == 12 && flags == MSG_NOSIGNAL);
    return (ssize_t)length;
}

#define recv stream_recv
#define send stream_send
#include "modbus_tcp.c"

struct question {
    struct span span;
    uint8_t unit;
    uint16_t transaction; /* of the first request */
};

static struct question take_question(struct input *input)
{
    struct question question = {.span.function = (uint8_t)input_between(input, 1, 4)};

    question.span.start = (uint16_t)input_number(input, 2);
    question.span.count =
        (uint16_t)input_between(input, 1, question.span.function <= 2 ? 2000 : 125);
    question.unit = input_byte(input);
    question.transaction = (uint16_t)input_number(input, 2);
    return question;
}

/* Until something is known, or the stream has nothing more to say. */
static int hear(struct modbus_tcp *tcp, const struct question *question, uint16_t *words)
{
    int result;

    stream.ended = false;
    do
        result = modbus_tcp_answer(tcp, &question->span, words);
    while (result == -EAGAIN && !stream.ended);
    CLAIM(tcp->length <= sizeof tcp->buffer);
    return result;
}

/* How it ends where the stream holds no answer, by what the walk stopped at. */
static int end_result(int stopped_at)
{
    if (stopped_at < 0)
        return -EPROTO;
    return stream.end == 0 ? -ECONNRESET : -stream.end;
}

/* The walk: how the first request ends, after how many frames that are not for it. With no
 * question every frame is one of those. */
static int expect(const struct question *question, uint16_t *words, uint32_t *ret_discarded)
{
    struct modbus_frame frame;
    size_t at = 0;
    int length;

    *ret_discarded = 0;
    while ((length = modbus_tcp_parse(stream.bytes + at, stream.length - at, &frame)) > 0) {
        if (question != NULL && frame.transaction == question->transaction &&
            frame.unit == question->unit) {
            int result = modbus_answer(frame.pdu, frame.pdu_length, &question->span, words);
            *ret_discarded += result == -EBADMSG;
            return result;
        }
        ++*ret_discarded;
        at += (size_t)length;
    }
    return end_result(length);
}

static void open_stream(struct modbus_tcp *tcp)
{
    modbus_tcp_init(tcp, 0);
    tcp->fd = 99;
    stream.at = stream.piece = 0;
    stream.ended = false;
}

static void check_answers(const struct question *question)
{
    struct modbus_tcp tcp;
    uint16_t words[MODBUS_MAX_BITS] = {0}, expected[MODBUS_MAX_BITS] = {0};
    uint32_t discarded;

    open_stream(&tcp);
    tcp.transaction = (uint16_t)(question->transaction - 1);
    CLAIM(modbus_tcp_ask(&tcp, question->unit, &question->span) == 0);
    CLAIM(tcp.transaction == question->transaction);
    int result = hear(&tcp, question, words);
    CLAIM(result == expect(question, expected, &discarded));
    CLAIM(tcp.discarded == discarded);
    CLAIM(memcmp(words, expected, sizeof words) == 0);

    for (int i = 0; i < MOST_REQUESTS && (result >= 0 || result == -EBADMSG); i++) {
        result = modbus_tcp_ask(&tcp, question->unit, &question->span);
        CLAIM(result <= 0 && result != -EAGAIN);
        if (result == 0)
            result = hear(&tcp, question, words);
    }
}

/* The same search for an answer that is taken as a PDU. */
static void check_pdu(const struct question *question)
{
    struct modbus_tcp tcp;
    uint16_t words[MODBUS_MAX_BITS], expected[MODBUS_MAX_BITS];
    uint8_t request[MODBUS_READ_PDU], pdu[MODBUS_MAX_PDU];
    size_t length = modbus_build_read(&question->span, request);
    uint32_t discarded;
    int result;

    open_stream(&tcp);
    tcp.transaction = (uint16_t)(question->transaction - 1);
    CLAIM(modbus_tcp_ask_pdu(&tcp, question->unit, request, length) == 0);
    do
        result = modbus_tcp_answer_pdu(&tcp, request, length, pdu);
    while (result == -EAGAIN && !stream.ended);
    CLAIM(result <= MODBUS_MAX_PDU && result != 0);
    if (result > 0)
        result = modbus_answer(pdu, (size_t)result, &question->span, words);
    CLAIM(result == expect(question, expected, &discarded));
    CLAIM(tcp.discarded == discarded);
}

/* While nothing is asked every frame is thrown away. */
static void check_discard(void)
{
    struct modbus_tcp tcp;
    uint32_t discarded;
    int result;

    open_stream(&tcp);
    do
        result = modbus_tcp_discard(&tcp);
    while (result == -EAGAIN && !stream.ended);
    CLAIM(result == expect(NULL, NULL, &discarded));
    CLAIM(tcp.discarded == discarded);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int ends[] = {EAGAIN, 0, ECONNRESET};
    struct input input = {data, size};
    struct question question = take_question(&input);

    stream = (struct stream){.end = ends[input_byte(&input) % 3]};
    for (size_t i = 0; i < PIECES; i++)
        stream.pieces[i] = input_byte(&input);
    stream.pieces[0] |= stream.pieces[0] == 0; /* else it might go on for ever */
    uint8_t *bytes = input_copy(&input);
    stream.bytes = bytes;
    stream.length = input.left;
    check_answers(&question);
    check_pdu(&question);
    check_discard();
    free(bytes);
    return 0;
}
