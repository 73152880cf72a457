/* A link's parts: tcp_link.c asks machines, tcp_connect.c keeps the connection, tcp_transact.c puts
 * in what others ask. */
#ifndef BINDERY_TCP_LINK_INTERNAL_H
#define BINDERY_TCP_LINK_INTERNAL_H

#include "tcp_link.h"

#define TCP_NEVER INT64_MAX

void tcp_set_state(struct tcp_link *link, enum tcp_link_state state, int64_t deadline_ns);

void tcp_start_connecting(struct tcp_link *link, int64_t now_ns);
void tcp_use_addresses(struct tcp_link *link, const struct sockaddr_storage *addresses, int count,
                       int64_t now_ns);

/* Tries the host's next address; `error` is why the one before did not do. */
void tcp_connect_next(struct tcp_link *link, int64_t now_ns, int error);

/* The name servers take long: the link counts as down while they are waited for. */
void tcp_wait_for_name(struct tcp_link *link, int64_t now_ns);

/* Connecting has come to an end. */
void tcp_connected(struct tcp_link *link, int64_t now_ns);

void tcp_close(struct tcp_link *link);

/* The connection is gone, or could not be made, while it was needed. `why` is a constant. */
void tcp_fail(struct tcp_link *link, int64_t now_ns, const char *why);

/* The poll in progress: sends the request of its span; ends it, with what is missing marked. */
void tcp_ask(struct tcp_link *link, int64_t now_ns);
void tcp_fail_rest(struct tcp_link *link, enum quality quality);

/* Only an answer shows that a link works: some devices accept a connection and close it. */
void tcp_note_answer(struct tcp_link *link);

int64_t tcp_next_due(const struct tcp_link *link);

/* In TCP_READY: whether it sent the transaction that waits, or lost the connection over it. */
bool tcp_transact(struct tcp_link *link, int64_t now_ns);

/* In TCP_TRANSACTING: something arrived; nothing did in time. */
void tcp_transaction_arrived(struct tcp_link *link);
void tcp_transaction_timed_out(struct tcp_link *link);

/* Ends the transaction, if there is one. */
void tcp_end_transaction(struct tcp_link *link, int result);

#endif
