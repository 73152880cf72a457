/* One Modbus TCP connection that never blocks: connect, ask, take the answer. Whoever owns it
 * watches its descriptor, by edges or by levels, and keeps the time. One thread.
 *
 * Each request has a transaction id of its own; an answer to an earlier one is thrown away and
 * counted, so that a late reply is never taken for the next. */
#ifndef BINDERY_MODBUS_TCP_H
#define BINDERY_MODBUS_TCP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "modbus_frame.h"
#include "modbus_plan.h"
#include "tap.h"

struct modbus_tcp {
    int fd; /* -1: closed */
    uint16_t transaction;
    uint8_t unit;
    uint16_t length;    /* bytes in the buffer */
    bool more;          /* the last look left something behind: look again without being told */
    bool hung_up;       /* the other side has sent its last: the end comes behind what it sent */
    uint32_t discarded; /* answers thrown away; whoever counts them sets it to 0 */
    struct tap *tap;    /* the owner's, who may set it; gets what is sent and heard */
    uint8_t buffer[MODBUS_TCP_MAX_FRAME];
};

/* Transactions count up from the one given. Where each connection has another, an answer that a
 * device sends on the wrong connection is not taken for one of its own. */
void modbus_tcp_init(struct modbus_tcp *tcp, uint16_t transaction);

/* Begins to connect; the descriptor becomes writable when that has come to an end. 0 or negative
 * errno. */
int modbus_tcp_connect(struct modbus_tcp *tcp, const struct sockaddr *address, socklen_t length);

/* How connecting ended: 0 or negative errno. */
int modbus_tcp_connected(struct modbus_tcp *tcp);

/* Sends the request that reads the span. 0, or negative errno: the connection is gone. */
int modbus_tcp_ask(struct modbus_tcp *tcp, uint8_t unit, const struct span *span);

/* Takes what has arrived. 0 with span->count words; 1 to 255, an exception's code; -EAGAIN where
 * the answer isn't there yet; -EBADMSG where our transaction's answer answers something else; any
 * other: the connection is gone or its bytes are no Modbus, close it. */
int modbus_tcp_answer(struct modbus_tcp *tcp, const struct span *span, uint16_t *ret_words);

/* The same of one transaction that is no poll's: a PDU of at most MODBUS_MAX_PDU that is a request
 * by modbus_is_request, and its answer, which may be an exception. The answer's length, or as
 * modbus_tcp_answer. */
int modbus_tcp_ask_pdu(struct modbus_tcp *tcp, uint8_t unit, const uint8_t *pdu, size_t length);
int modbus_tcp_answer_pdu(struct modbus_tcp *tcp, const uint8_t *request, size_t length,
                          uint8_t ret_pdu[MODBUS_MAX_PDU]);

/* Throws away what arrives while nothing is asked. -EAGAIN when all is well, or negative errno: the
 * connection is gone. */
int modbus_tcp_discard(struct modbus_tcp *tcp);

/* Accepts a closed one. */
void modbus_tcp_close(struct modbus_tcp *tcp);

#endif
