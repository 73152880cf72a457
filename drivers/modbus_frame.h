/* Modbus frames as bytes and back, asked and answered. Pure; every byte from outside is bounded.
 * Sources: Modbus Application Protocol V1.1b3; Modbus Messaging on TCP/IP V1.0b, 3.1.3;
 * Modbus over Serial Line V1.02, 2.5 (RTU and its CRC, ASCII and its LRC). */
#ifndef BINDERY_MODBUS_FRAME_H
#define BINDERY_MODBUS_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "modbus_plan.h"

enum {
    MODBUS_TCP_HEADER = 7,
    MODBUS_TCP_REQUEST = 12,
    MODBUS_READ_PDU = 5,
    MODBUS_MAX_PDU = 253,
    MODBUS_TCP_MAX_FRAME = MODBUS_TCP_HEADER + MODBUS_MAX_PDU,
    MODBUS_RTU_MAX_FRAME = 256,
    MODBUS_ASCII_MAX_BYTES = 1 + MODBUS_MAX_PDU + 1, /* unit, PDU, LRC */
    MODBUS_ASCII_MIN_FRAME = 1 + 2 * 3 + 2,          /* ':', unit, function, LRC, CR LF */
    MODBUS_ASCII_MAX_FRAME = 1 + 2 * MODBUS_ASCII_MAX_BYTES + 2,
};

/* A frame taken off a stream; pdu points into the stream's buffer. */
struct modbus_frame {
    uint16_t transaction; /* TCP only */
    uint8_t unit;
    const uint8_t *pdu;
    size_t pdu_length;
};

/* The PDU that reads a span. Returns its length, MODBUS_READ_PDU. */
size_t modbus_build_read(const struct span *span, uint8_t ret_pdu[MODBUS_READ_PDU]);

/* The request that reads a span, with its header. Returns its length, MODBUS_TCP_REQUEST. */
size_t modbus_tcp_request(uint16_t transaction, uint8_t unit, const struct span *span,
                          uint8_t ret_bytes[MODBUS_TCP_REQUEST]);

/* Takes one frame off the front. Its whole length if there is one, 0 if more bytes are needed,
 * -EBADMSG if these bytes can't begin a frame (protocol id, length): the stream is lost. */
int modbus_tcp_parse(const uint8_t *bytes, size_t length, struct modbus_frame *ret_frame);

/* Checks that a PDU answers the span and unpacks it into `words` (span->count of them; bits as 0
 * or 1). 0; an exception's code, 1 to 255; or -EBADMSG where it is no answer to this request. */
int modbus_answer(const uint8_t *pdu, size_t length, const struct span *span, uint16_t *ret_words);

/* How long the PDU is that answers a request, where it is no exception; 0 where the request doesn't
 * say, or no PDU is so long. Both are of at least one byte. */
size_t modbus_answer_length(const uint8_t *request, size_t length);

/* Whether a PDU can be the answer to a request, or an exception to it: its function, its length,
 * and what a write's answer repeats. */
bool modbus_answers(const uint8_t *request, size_t request_length, const uint8_t *pdu,
                    size_t length);

/* CRC-16/MODBUS; on the wire its low byte goes first. */
uint16_t modbus_crc(const uint8_t *bytes, size_t length);

/* The serving side, for the simulator.
 *
 * A PDU that reads: 0 with what it asks for, or an exception's code (1 for another function, 3 for
 * a count out of range or a wrong length). */
int modbus_parse_read(const uint8_t *pdu, size_t length, struct span *ret_span);

/* The answering PDU from span->count words; returns its length, at most MODBUS_MAX_PDU. */
size_t modbus_build_answer(const struct span *span, const uint16_t *words, uint8_t *ret_pdu);
size_t modbus_build_exception(uint8_t function, uint8_t code, uint8_t *ret_pdu);

/* Headers around a PDU of at most MODBUS_MAX_PDU; return the frame's length. */
size_t modbus_tcp_wrap(uint16_t transaction, uint8_t unit, const uint8_t *pdu, size_t length,
                       uint8_t ret_bytes[MODBUS_TCP_MAX_FRAME]);
size_t modbus_rtu_wrap(uint8_t unit, const uint8_t *pdu, size_t length,
                       uint8_t ret_bytes[MODBUS_RTU_MAX_FRAME]);
size_t modbus_ascii_wrap(uint8_t unit, const uint8_t *pdu, size_t length,
                         uint8_t ret_bytes[MODBUS_ASCII_MAX_FRAME]);

/* Takes one ASCII frame off the front, its digits upper- or lower-case; the frame's PDU then lies
 * in `room`. Its whole length if there is one, 0 if more bytes are needed, -EBADMSG if there is no
 * frame, or a damaged one: drop a byte and look again, from the next ':' on. */
int modbus_ascii_parse(const uint8_t *bytes, size_t length, uint8_t room[MODBUS_ASCII_MAX_BYTES],
                       struct modbus_frame *ret_frame);

/* An RTU request of a read function (8 bytes) at the front: 8, 0 if more is needed, -EBADMSG if the
 * CRC is wrong: drop a byte and look again. */
int modbus_rtu_parse_request(const uint8_t *bytes, size_t length, struct modbus_frame *ret_frame);

#endif
