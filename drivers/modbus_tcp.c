#include "modbus_tcp.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <unistd.h>

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

/* Looks through the buffer for the answer, none of which is one where nothing was asked (no span).
 * -EAGAIN if it isn't in there. */
static int search(struct modbus_tcp *tcp, const struct span *span, uint16_t *ret_words)
{
    struct modbus_frame frame;
    for (;;) {
        int length = modbus_tcp_parse(tcp->buffer, tcp->length, &frame);
        if (length < 0)
            return -EPROTO;
        if (length == 0)
            return -EAGAIN;
        if (span != NULL && frame.transaction == tcp->transaction && frame.unit == tcp->unit) {
            int result = modbus_answer(frame.pdu, frame.pdu_length, span, ret_words);
            tcp->discarded += result == -EBADMSG;
            drop(tcp, length);
            return result;
        }
        tcp->discarded++;
        drop(tcp, length);
    }
}

int modbus_tcp_ask(struct modbus_tcp *tcp, uint8_t unit, const struct span *span)
{
    uint8_t request[MODBUS_TCP_REQUEST];
    /* What came behind the last answer is nobody's, whatever its transaction. */
    int error = tcp->more ? modbus_tcp_discard(tcp) : search(tcp, NULL, NULL);
    if (error != -EAGAIN)
        return error;
    tcp->unit = unit;
    size_t length = modbus_tcp_request(++tcp->transaction, unit, span, request);
    ssize_t sent = send(tcp->fd, request, length, MSG_NOSIGNAL);
    if (sent < 0)
        return errno == EAGAIN ? -ENOBUFS : -errno;
    tap_put(tcp->tap, RECORDING_SENT, request, (size_t)sent);
    /* Twelve bytes that don't fit mean a peer that has read nothing for a very long time. */
    return (size_t)sent == length ? 0 : -ENOBUFS;
}

int modbus_tcp_answer(struct modbus_tcp *tcp, const struct span *span, uint16_t *ret_words)
{
    /* Bounded, so that a peer that floods us can't keep the loop. */
    for (int reads = 0; reads < 8; reads++) {
        int error = receive(tcp);
        if (error < 0)
            return error;
        int result = search(tcp, span, ret_words);
        if (result != -EAGAIN)
            return result;
    }
    return -EAGAIN;
}

int modbus_tcp_discard(struct modbus_tcp *tcp)
{
    return modbus_tcp_answer(tcp, NULL, NULL);
}

void modbus_tcp_close(struct modbus_tcp *tcp)
{
    if (tcp->fd >= 0)
        close(tcp->fd);
    tcp->fd = -1;
    tcp->more = tcp->hung_up = false;
}
