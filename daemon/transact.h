/* The control socket's transactions: each client waits for its own, while the daemon goes on. Main
 * thread. */
#ifndef BINDERY_TRANSACT_H
#define BINDERY_TRANSACT_H

#include <stdbool.h>

#include "gateway.h"
#include "text.h"

struct transact;

/* 0 or negative errno. */
int transact_new(struct transact **ret_transact);

/* Once the gateway has stopped, which ends them all. Accepts NULL. */
void transact_free(struct transact *transact);

/* Readable when one has come to its end. */
int transact_fd(const struct transact *transact);

/* "LINK UNIT PDU", the PDU in hex. True where the client will be answered later: its descriptor is
 * ours now; else what to tell it is added to `out`. */
bool transact_begin(struct transact *transact, struct gateway *gateway, const char *arguments,
                    int client_fd, struct text *out);

/* Answers the clients of those that are at their end: {"pdu":"03041770FE5C"}, an exception
 * likewise, or {"failed":"timeout"}, with frame or link in its place. */
void transact_finish(struct transact *transact);

#endif
