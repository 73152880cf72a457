#include "modbus_tcp.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <unistd.h>

#include "modbus_pdu.h"

void modbus_tcp_init(struct modbus_tcp *tcp, uint16_t transaction)
{
    *tcp = (struct modbus_tcp){.fd = -1, .transaction = transaction};
}

int modbus_tcp_connect(struct modbus_tcp *tcp, const struct sockaddr *address, socklen_t length)
{
    int fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (connect(fd, address, length) < 0 && errno != EINPROGRESS) {
        int error = -errno;
        close(fd);
        return error;
    }
    tcp->fd = fd;
    tcp->length = 0;
    tcp->more = tcp->hung_up = false;
    tcp->discarded = 0;
    return 0;
}

int modbus_tcp_connected(struct modbus_tcp *tcp)
{
    int error = 0;
    socklen_t length = sizeof(error);
    if (getsockopt(tcp->fd, SOL_SOCKET, SO_ERROR, &error, &length) < 0)
        return -errno;
    return -error;
}

/* Appends what the socket holds. 0, or negative errno; -EAGAIN when there was nothing. */
static int receive(struct modbus_tcp *tcp)
{
    size_t room = sizeof(tcp->buffer) - tcp->length;
    ssize_t got = recv(tcp->fd, tcp->buffer + tcp->length, room, 0);
    tcp->more = got == (ssize_t)room || tcp->hung_up || (got < 0 && errno == EINTR);
    if (got < 0)
        return errno == EINTR ? -EAGAIN : -errno;
    if (got == 0)
        return -ECONNRESET;
    tap_put(tcp->tap, RECORDING_HEARD, tcp->buffer + tcp->length, (size_t)got);
    tcp->length = (uint16_t)(tcp->length + got);
    return 0;
}

static void drop(struct modbus_tcp *tcp, int length)
{
    tcp->length = (uint16_t)(tcp->length - length);
    memmove(tcp->buffer, tcp->buffer + length, tcp->length);
}

/* Looks through the buffer for the answer, none of which is one where nothing was asked. Its whole
 * length at the buffer's front, to be dropped by the caller; -EAGAIN if it isn't in there. */
static int search(struct modbus_tcp *tcp, bool asked, struct modbus_frame *ret_frame)
{
    for (;;) {
        int length = modbus_tcp_parse(tcp->buffer, tcp->length, ret_frame);
        if (length < 0)
            return -EPROTO;
        if (length == 0)
            return -EAGAIN;
        if (asked && ret_frame->transaction == tcp->transaction && ret_frame->unit == tcp->unit)
            return length;
        tcp->discarded++;
        drop(tcp, length);
    }
}

/* Likewise with what arrives meanwhile. */
static int await(struct modbus_tcp *tcp, bool asked, struct modbus_frame *ret_frame)
{
    /* Bounded, so that a peer that floods us can't keep the loop. */
    for (int reads = 0; reads < 8; reads++) {
        int error = receive(tcp);
        if (error < 0)
            return error;
        int length = search(tcp, asked, ret_frame);
        if (length != -EAGAIN)
            return length;
    }
    return -EAGAIN;
}

/* Takes the next transaction's id and unit; what came behind the last answer is nobody's, whatever
 * its transaction. 0 or negative errno. */
static int begin(struct modbus_tcp *tcp, uint8_t unit)
{
    struct modbus_frame frame;
    int error = tcp->more ? modbus_tcp_discard(tcp) : search(tcp, false, &frame);
    if (error != -EAGAIN)
        return error;
    tcp->unit = unit;
    tcp->transaction++;
    return 0;
}

static int send_all(struct modbus_tcp *tcp, const uint8_t *request, size_t length)
{
    ssize_t sent = send(tcp->fd, request, length, MSG_NOSIGNAL);
    if (sent < 0)
        return errno == EAGAIN ? -ENOBUFS : -errno;
    tap_put(tcp->tap, RECORDING_SENT, request, (size_t)sent);
    /* Few bytes that don't fit mean a peer that has read nothing for a very long time. */
    return (size_t)sent == length ? 0 : -ENOBUFS;
}

int modbus_tcp_ask(struct modbus_tcp *tcp, uint8_t unit, const struct span *span)
{
    uint8_t request[MODBUS_TCP_REQUEST];
    int error = begin(tcp, unit);
    if (error < 0)
        return error;
    size_t length = modbus_tcp_request(tcp->transaction, unit, span, request);
    return send_all(tcp, request, length);
}

int modbus_tcp_answer(struct modbus_tcp *tcp, const struct span *span, uint16_t *ret_words)
{
    struct modbus_frame frame;
    int length = await(tcp, true, &frame);
    if (length < 0)
        return length;
    int result = modbus_answer(frame.pdu, frame.pdu_length, span, ret_words);
    tcp->discarded += result == -EBADMSG;
    drop(tcp, length);
    return result;
}

int modbus_tcp_ask_pdu(struct modbus_tcp *tcp, uint8_t unit, const uint8_t *pdu, size_t length)
{
    uint8_t request[MODBUS_TCP_MAX_FRAME];
    int error = begin(tcp, unit);
    if (error < 0)
        return error;
    length = modbus_tcp_wrap(tcp->transaction, unit, pdu, length, request);
    return send_all(tcp, request, length);
}

int modbus_tcp_answer_pdu(struct modbus_tcp *tcp, const uint8_t *request, size_t length,
                          uint8_t ret_pdu[MODBUS_MAX_PDU])
{
    struct modbus_frame frame;
    int taken = await(tcp, true, &frame);
    if (taken < 0)
        return taken;
    int result = modbus_check_answer(request, length, frame.pdu, frame.pdu_length);
    if (result >= 0) {
        memcpy(ret_pdu, frame.pdu, frame.pdu_length);
        result = (int)frame.pdu_length;
    }
    tcp->discarded += result == -EBADMSG;
    drop(tcp, taken);
    return result;
}

int modbus_tcp_discard(struct modbus_tcp *tcp)
{
    struct modbus_frame frame;
    return await(tcp, false, &frame);
}

void modbus_tcp_close(struct modbus_tcp *tcp)
{
    if (tcp->fd >= 0)
        close(tcp->fd);
    tcp->fd = -1;
    tcp->more = tcp->hung_up = false;
}
