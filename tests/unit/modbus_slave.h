/* A Modbus RTU or ASCII slave that misbehaves to order, behind a pseudo-terminal or a TCP port of
 * the loopback, in a thread of its own. Its word at an address is `stamp` plus the address. */
#ifndef BINDERY_MODBUS_SLAVE_H
#define BINDERY_MODBUS_SLAVE_H

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <pty.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include "clock.h"
#include "modbus_frame.h"

enum act {
    ANSWER,
    REFUSE, /* with `code` */
    IGNORE,
    LATE, /* answers with what it knew, after `late_ms` */
    GARBAGE,
    BAD_CRC,
    TRUNCATE,
    DRIBBLE, /* the right answer, a byte every 50 ms */
    WRONG_UNIT,
    WRONG_FUNCTION,
    WRONG_COUNT,
    TWICE,
    WITH_NOISE, /* the answer, and one byte behind it */
    HANG_UP,
    HANG_UP_IN_FRAME,
};

enum { SLAVE_SCRIPT = 16 };

struct slave {
    bool serial, ascii;
    char device[64];
    int terminal; /* the pseudo-terminal's far end, kept open so that it outlives a session */
    int listener;
    uint16_t port;
    int peer;
    int stop;
    pthread_t thread;
    pthread_mutex_t mutex;
    enum act script[SLAVE_SCRIPT]; /* one a request, then ANSWER; under the mutex, as `left` */
    size_t left;
    const char *_Atomic prefix; /* sent before every answer; NULL: nothing */
    atomic_uint stamp, code, late_ms, requests;
    atomic_uint silent_unit, last_unit;
    atomic_bool babbles; /* a byte every 10 ms */
    atomic_llong replied_ns, least_pause_ns;
};

/* Does as it is told for this long, unless it is stopped. */
static inline bool slave_stopped_in(const struct slave *slave, int64_t ms)
{
    struct pollfd stop = {.fd = slave->stop, .events = POLLIN};

    return poll(&stop, 1, (int)ms) > 0;
}

static inline void slave_write(const struct slave *slave, const uint8_t *bytes, size_t length)
{
    ssize_t ignored;

    if (slave->serial)
        ignored = write(slave->peer, bytes, length);
    else
        ignored = send(slave->peer, bytes, length, MSG_NOSIGNAL);
    (void)ignored;
}

static inline void slave_hang_up(struct slave *slave)
{
    close(slave->peer);
    slave->peer = -1;
}

static inline void slave_dribble(const struct slave *slave, const uint8_t *frame, size_t length)
{
    for (size_t i = 0; i < length && !slave_stopped_in(slave, 50); i++)
        slave_write(slave, frame + i, 1);
}

/* The frames that are damaged before they go out; returns what is left of the length. */
static inline size_t slave_damage(const struct slave *slave, enum act act, uint8_t *frame,
                                  size_t length)
{
    switch (act) {
    case GARBAGE:
        memset(frame, 0xa5, length);
        return length;
    case BAD_CRC:
        frame[slave->ascii ? length - 3 : length - 1] ^= 1;
        return length;
    case TRUNCATE:
    case HANG_UP_IN_FRAME:
        return length / 2;
    case TWICE:
        memcpy(frame + length, frame, length);
        return 2 * length;
    case WITH_NOISE:
        frame[length] = 0;
        return length + 1;
    default:
        return length;
    }
}

/* Words, or what was asked itself, as writes of one word and echoes are answered. */
static inline size_t slave_pdu(const struct slave *slave, enum act act,
                               const struct modbus_frame *request, uint8_t *pdu)
{
    uint16_t words[MODBUS_MAX_BITS];
    struct span span;

    if (modbus_parse_read(request->pdu, request->pdu_length, &span) != 0) {
        memcpy(pdu, request->pdu, request->pdu_length);
        return request->pdu_length;
    }
    span.count = (uint16_t)(act == WRONG_COUNT ? span.count + 1 : span.count);
    for (size_t i = 0; i < span.count; i++)
        words[i] = (uint16_t)(slave->stamp + span.start + i);
    return modbus_build_answer(&span, words, pdu);
}

static inline size_t slave_frame(const struct slave *slave, enum act act,
                                 const struct modbus_frame *request, uint8_t *frame)
{
    uint8_t pdu[MODBUS_MAX_PDU];
    size_t length = slave_pdu(slave, act, request, pdu);
    uint8_t unit = (uint8_t)(act == WRONG_UNIT ? request->unit + 1 : request->unit);

    if (act == REFUSE)
        length = modbus_build_exception(pdu[0], (uint8_t)slave->code, pdu);
    if (act == WRONG_FUNCTION)
        pdu[0] = 4;
    length = slave->ascii ? modbus_ascii_wrap(unit, pdu, length, frame)
                          : modbus_rtu_wrap(unit, pdu, length, frame);
    return slave_damage(slave, act, frame, length);
}

static inline enum act slave_next_act(struct slave *slave, uint8_t unit)
{
    enum act act = ANSWER;

    pthread_mutex_lock(&slave->mutex);
    if (slave->left > 0) {
        act = slave->script[0];
        memmove(slave->script, slave->script + 1, --slave->left * sizeof slave->script[0]);
    }
    pthread_mutex_unlock(&slave->mutex);
    return unit == slave->silent_unit ? IGNORE : act;
}

static inline void slave_serve(struct slave *slave, const struct modbus_frame *request)
{
    uint8_t frame[2 * MODBUS_ASCII_MAX_FRAME];
    enum act act = slave_next_act(slave, request->unit);
    size_t length;

    if (slave->replied_ns != 0 && clock_mono_ns() - slave->replied_ns < slave->least_pause_ns)
        slave->least_pause_ns = clock_mono_ns() - slave->replied_ns;
    slave->last_unit = request->unit;
    slave->requests++;
    length = slave_frame(slave, act, request, frame);
    const char *prefix = slave->prefix;
    if (prefix != NULL)
        slave_write(slave, (const uint8_t *)prefix, strlen(prefix));
    if (act == LATE && slave_stopped_in(slave, slave->late_ms))
        return;
    if (act == DRIBBLE)
        slave_dribble(slave, frame, length);
    else if (act != IGNORE && act != HANG_UP)
        slave_write(slave, frame, length);
    slave->replied_ns = clock_mono_ns();
    if (act == HANG_UP || act == HANG_UP_IN_FRAME)
        slave_hang_up(slave);
}

static inline void slave_read(struct slave *slave, uint8_t *buffer, size_t *length)
{
    struct modbus_frame request;
    uint8_t room[MODBUS_ASCII_MAX_BYTES];
    ssize_t count = read(slave->peer, buffer + *length, MODBUS_ASCII_MAX_FRAME - *length);

    if (count <= 0) {
        slave_hang_up(slave);
        *length = 0;
        return;
    }
    *length += (size_t)count;
    while (slave->peer >= 0) {
        int taken = slave->ascii ? modbus_ascii_parse(buffer, *length, room, &request)
                                 : modbus_rtu_parse_request(buffer, *length, &request);
        if (taken == 0)
            return;
        if (taken > 0)
            slave_serve(slave, &request);
        else
            taken = 1;
        *length -= (size_t)taken;
        memmove(buffer, buffer + taken, *length);
    }
}

static inline void *slave_run(void *argument)
{
    struct slave *slave = argument;
    uint8_t buffer[MODBUS_ASCII_MAX_FRAME];
    size_t length = 0;

    for (;;) {
        struct pollfd ready[] = {
            {.fd = slave->stop, .events = POLLIN},
            {.fd = slave->peer, .events = POLLIN},
            {.fd = slave->peer < 0 ? slave->listener : -1, .events = POLLIN},
        };
        if (poll(ready, 3, 10) < 0 || ready[0].revents != 0)
            return NULL;
        if (slave->babbles && slave->peer >= 0)
            slave_write(slave, (const uint8_t *)"x", 1);
        if (ready[1].revents != 0)
            slave_read(slave, buffer, &length);
        if (ready[2].revents != 0) {
            slave->peer = accept(slave->listener, NULL, NULL);
            setsockopt(slave->peer, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
            length = 0;
        }
    }
}

static inline void slave_listen(struct slave *slave)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    slave->listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(slave->listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(slave->listener, 8), 0);
    assert_int_equal(getsockname(slave->listener, (struct sockaddr *)&address, &size), 0);
    slave->port = ntohs(address.sin_port);
}

static inline void slave_open_terminal(struct slave *slave)
{
    struct termios raw = {0};

    cfmakeraw(&raw);
    assert_int_equal(openpty(&slave->peer, &slave->terminal, slave->device, &raw, NULL), 0);
}

static inline void slave_start(struct slave *slave, bool serial, bool ascii)
{
    memset(slave, 0, sizeof *slave);
    slave->ascii = ascii;
    slave->serial = serial;
    slave->peer = slave->listener = slave->terminal = -1;
    slave->stop = eventfd(0, 0);
    slave->stamp = 100;
    slave->code = 2;
    slave->least_pause_ns = INT64_MAX;
    pthread_mutex_init(&slave->mutex, NULL);
    if (serial)
        slave_open_terminal(slave);
    else
        slave_listen(slave);
    assert_int_equal(pthread_create(&slave->thread, NULL, slave_run, slave), 0);
}

static inline void slave_end(struct slave *slave)
{
    int ends[] = {slave->terminal, slave->listener, -1, slave->stop};

    eventfd_write(slave->stop, 1);
    pthread_join(slave->thread, NULL);
    ends[2] = slave->peer;
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++)
        if (ends[i] >= 0)
            close(ends[i]);
    pthread_mutex_destroy(&slave->mutex);
}

static inline void slave_will(struct slave *slave, size_t count, const enum act *acts)
{
    pthread_mutex_lock(&slave->mutex);
    memcpy(slave->script, acts, count * sizeof *acts);
    slave->left = count;
    pthread_mutex_unlock(&slave->mutex);
}

#define SLAVE_WILL(slave, ...)                                              \
    slave_will(slave, sizeof((enum act[]){__VA_ARGS__}) / sizeof(enum act), \
               (const enum act[]){__VA_ARGS__})

#endif
