/* A link's transactions that are no poll's: on its own connection, between two polls. */
#include <errno.h>
#include <string.h>

#include "clock.h"
#include "tcp_link_internal.h"

int tcp_link_transact(struct tcp_link *link, struct transaction *transaction)
{
    /* Where nobody polls, nobody else finds out whether the other side is there again. */
    if (link->failed && (link->machine_count > 0 || link->state == TCP_RESOLVING))
        return -ENOTCONN;
    if (link->transaction != NULL)
        return -EBUSY;
    link->transaction = transaction;
    return 0;
}

void tcp_end_transaction(struct tcp_link *link, int result)
{
    struct transaction *transaction = link->transaction;
    link->transaction = NULL;
    if (transaction != NULL)
        transaction_end(transaction, result);
}

/* It is not asked again on another connection: it may be a write that has been done. */
static void lose(struct tcp_link *link, int error)
{
    tcp_end_transaction(link, error);
    tcp_close(link);
    tcp_set_state(link, TCP_WAITING, tcp_next_due(link));
}

bool tcp_transact(struct tcp_link *link, int64_t now_ns)
{
    const struct transaction *transaction = link->transaction;
    if (transaction == NULL)
        return false;
    int64_t timeout_ns = link->config->timeout_ms * NS_PER_MS;
    if (!transaction_may_begin(transaction, link->machines, link->machine_count, now_ns,
                               timeout_ns))
        return false;
    int error = modbus_tcp_ask_pdu(&link->tcp, transaction->unit, transaction->request,
                                   transaction->length);
    if (error < 0) {
        lose(link, error);
        return true;
    }
    atomic_fetch_add(&link->live->requests, 1);
    tcp_set_state(link, TCP_TRANSACTING, now_ns + timeout_ns);
    return true;
}

void tcp_transaction_arrived(struct tcp_link *link)
{
    struct transaction *transaction = link->transaction;
    int result = modbus_tcp_answer_pdu(&link->tcp, transaction->request, transaction->length,
                                       transaction->answer);
    if (result == -EAGAIN)
        return;
    if (result < 0 && result != -EBADMSG) {
        lose(link, result);
        return;
    }
    tcp_note_answer(link);
    tcp_set_state(link, TCP_READY, TCP_NEVER);
    tcp_end_transaction(link, result);
}

void tcp_transaction_timed_out(struct tcp_link *link)
{
    atomic_fetch_add(&link->live->timeouts, 1);
    tcp_set_state(link, TCP_READY, TCP_NEVER);
    tcp_end_transaction(link, -ETIMEDOUT);
}
