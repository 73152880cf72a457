/* A connection or port of our own, for transactions by hand. One thread. */
#ifndef BINDERY_MODBUS_DIRECT_H
#define BINDERY_MODBUS_DIRECT_H

#include "line.h"
#include "modbus_tcp.h"
#include "plant.h"

struct modbus_direct {
    struct modbus_tcp tcp; /* fd -1: closed */
    struct line *line;     /* NULL: closed */
};

void modbus_direct_init(struct modbus_direct *direct);

/* Opens what is closed, and asks. The answer's length; -ETIMEDOUT, -EBADMSG, -EOPNOTSUPP where the
 * driver has no transactions, and for unit 0 of a line, which is all units; or another negative
 * errno: it is closed again. A name that can't be looked up gives -EADDRNOTAVAIL. */
int modbus_direct_transact(struct modbus_direct *direct, const struct link *link, uint8_t unit,
                           const uint8_t *request, size_t length, uint8_t ret_pdu[MODBUS_MAX_PDU]);

void modbus_direct_close(struct modbus_direct *direct, const struct link *link);

#endif
