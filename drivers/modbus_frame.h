/* Modbus frames as bytes and back, asked and answered. Pure; every byte from outside is bounded.
 * Sources: Modbus Application Protocol V1.1b3; Modbus Messaging on TCP/IP V1.0b, 3.1.3;
 * Modbus over Serial Line V1.02, 2.5 (RTU and its CRC). */
#ifndef BINDERY_MODBUS_FRAME_H
#define BINDERY_MODBUS_FRAME_H

#include <stddef.h>
#include <stdint.h>

#include "modbus_plan.h"

enum {
    MODBUS_TCP_HEADER = 7,
    MODBUS_TCP_REQUEST = 12,
    MODBUS_MAX_PDU = 253,
    MODBUS_TCP_MAX_FRAME = MODBUS_TCP_HEADER + MODBUS_MAX_PDU,
    MODBUS_RTU_MAX_FRAME = 256,
};

/* A frame taken off a stream; pdu points into the stream's buffer. */
struct modbus_frame {
    uint16_t transaction; /* TCP only */
    uint8_t unit;
    const uint8_t *pdu;
    size_t pdu_length;
};

/* The request that reads a span, with its header. Returns its length, MODBUS_TCP_REQUEST. */
size_t modbus_tcp_request(uint16_t transaction, uint8_t unit, const struct span *span,
                          uint8_t ret_bytes[MODBUS_TCP_REQUEST]);

/* Takes one frame off the front. Its whole length if there is one, 0 if more bytes are needed,
 * -EBADMSG if these bytes can't begin a frame (protocol id, length): the stream is lost. */
int modbus_tcp_parse(const uint8_t *bytes, size_t length, struct modbus_frame *ret_frame);

/* Checks that a PDU answers the span and unpacks it into `words` (span->count of them; bits as 0
 * or 1). 0; an exception's code, 1 to 255; or -EBADMSG where it is no answer to this request. */
int modbus_answer(const uint8_t *pdu, size_t length, const struct span *span, uint16_t *ret_words);

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

/* An RTU request of a read function (8 bytes) at the front: 8, 0 if more is needed, -EBADMSG if the
 * CRC is wrong: drop a byte and look again. */
int modbus_rtu_parse_request(const uint8_t *bytes, size_t length, struct modbus_frame *ret_frame);

#endif
