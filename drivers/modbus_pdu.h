/* One Modbus transaction that is no poll's, as PDUs (function and data, no address, no check): a
 * read, a write of one value, a machine's identity. Pure; every byte from outside is bounded.
 * Source: Modbus Application Protocol V1.1b3, 6 and 6.21. */
#ifndef BINDERY_MODBUS_PDU_H
#define BINDERY_MODBUS_PDU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "modbus_frame.h"

enum { MODBUS_IDENTITY_PDU = 4 };

/* Requests; they return their length.
 *
 * Writes `count` words, 1 to 123, or one coil, which is on where its word is not 0. `several`: by
 * the function for several of them even where it is one. */
size_t modbus_build_write(bool coil, uint16_t address, const uint16_t *words, uint16_t count,
                          bool several, uint8_t ret_pdu[MODBUS_MAX_PDU]);

/* Asks for the basic identity (43/14), from this object on: 0, or what modbus_take_identity said.
 */
size_t modbus_build_identity(uint8_t object, uint8_t ret_pdu[MODBUS_IDENTITY_PDU]);

/* Whether it is a whole request of a function that is passed on: 1 to 6, 15, 16, 43/14. No others
 * are, since they restart, reset or reprogram controllers. */
bool modbus_is_request(const uint8_t *pdu, size_t length);

/* Of such a request: whether it changes the machine. */
bool modbus_is_write(const uint8_t *request);

/* What the PDU is to that request: its answer, 0; an exception's code, 1 to 255; or -EBADMSG. */
int modbus_check_answer(const uint8_t *request, size_t request_length, const uint8_t *pdu,
                        size_t length);

/* Printable ASCII, with '?' for every other byte; "" where it was not told. */
struct modbus_identity {
    char vendor[MODBUS_MAX_PDU], product[MODBUS_MAX_PDU], revision[MODBUS_MAX_PDU];
};

/* Takes what one answer tells. 0 where that was all, the object to ask for next, or -EBADMSG with
 * the identity untouched. */
int modbus_take_identity(const uint8_t *pdu, size_t length, struct modbus_identity *identity);

#endif
