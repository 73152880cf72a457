/* One Modbus request of somebody's own, put to a link between its polls.
 *
 * Who asks makes it and gives it to the link, whose thread ends it, once; from the one to the other
 * it is the link's. */
#ifndef BINDERY_TRANSACTION_H
#define BINDERY_TRANSACTION_H

#include <stdatomic.h>
#include <stdbool.h>

#include "machine.h"
#include "modbus_frame.h"

/* How long one is put off, at most, for the sake of polls that come too close for it, ms. */
enum { TRANSACTION_PATIENCE_MS = 2000 };

struct transaction {
    uint8_t unit;
    uint8_t request[MODBUS_MAX_PDU]; /* one by modbus_is_request */
    size_t length;
    int64_t since_ns; /* when it was asked for, CLOCK_MONOTONIC */
    int done_fd;      /* an eventfd that is written to at the end */
    /* Once `done`: the answer's length; -ETIMEDOUT, -EBADMSG, -ENOTCONN where the link is down,
     * -ECANCELED where it was taken out of service, or what else it failed with. */
    atomic_bool done;
    int result;
    uint8_t answer[MODBUS_MAX_PDU];
};

/* Whether the link of these machines may turn to it now. A unit that answers its polls costs them
 * little; any other may be silent, and then the line is gone for `longest_ns`: there must be that
 * much until the next poll, or else patience has to be at its end. */
bool transaction_may_begin(const struct transaction *transaction,
                           struct machine_run *const *machines, size_t count, int64_t now_ns,
                           int64_t longest_ns);

/* It belongs to its maker again. */
void transaction_end(struct transaction *transaction, int result);

#endif
