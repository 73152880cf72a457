/* A Modbus TCP link in service: one connection, the machines behind it one after the other, one
 * request at a time. It never blocks and owns no loop: the poller calls it when its descriptor is
 * ready or its time has come. */
#ifndef BINDERY_TCP_LINK_H
#define BINDERY_TCP_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include "backoff.h"
#include "machine.h"
#include "modbus_tcp.h"
#include "resolver.h"
#include "transaction.h"

/* What all links of a poller share. */
struct tcp_loop {
    const struct poll_output *output;
    struct resolver *resolver;
    int epoll_fd;
    struct instant now;  /* when the poller last looked for answers: they are stamped with it */
    unsigned asking;     /* links that wait for an answer or a connection */
    unsigned links_made; /* the adding thread's */
};

enum tcp_link_state {
    TCP_WAITING,     /* for the time of the next attempt, or for work */
    TCP_RESOLVING,   /* the host's name */
    TCP_CONNECTING,  /* to one of its addresses */
    TCP_READY,       /* connected, nothing asked */
    TCP_ASKING,      /* a request is out */
    TCP_PAUSING,     /* between two requests of a poll */
    TCP_TRANSACTING, /* a request is out that is no poll's */
};

struct tcp_link {
    /* what each poll uses */
    struct tcp_loop *loop;
    const struct link *config;
    struct live_link *live;
    struct machine_run **machines;
    size_t machine_count;
    unsigned index; /* the poller's */
    enum tcp_link_state state;
    int64_t deadline_ns;         /* of the state; not in TCP_READY */
    struct machine_run *current; /* the poll in progress; NULL for none */
    struct schedule_due due;
    size_t span;
    bool again;                 /* it is asked for once more, see machine_again.h */
    int64_t asked_ns;           /* the first of its requests; 0: not sent yet */
    struct instant answered_at; /* when the last of its answers came */
    int64_t failed_since_ns;    /* 0 once it answers */
    unsigned answers;           /* on this connection */
    unsigned unanswered;        /* requests in a row without any answer on it */
    bool answered;
    bool failed;                     /* it is known to be down: polls are told so */
    bool told_up, told_down;         /* what has been logged */
    struct transaction *transaction; /* waits for its turn, or is out; NULL: none */
    struct modbus_tcp tcp;

    /* what connecting uses */
    const struct plant *plant; /* retained */
    struct backoff backoff;
    struct sockaddr_storage *addresses; /* of the host, to be tried in turn */
    int address_count, address_next;
    bool ever_up;
};

struct tcp_link *tcp_link_new(struct tcp_loop *loop, const struct plant *plant,
                              const struct link *link, struct live_link *live);

/* Closes the connection; the machines remain their owner's. */
void tcp_link_free(struct tcp_link *link);

/* Puts other machines (the array stays the caller's) in the place of the present ones; the
 * connection stays, and so does the poll in progress if its machine does. */
void tcp_link_set_machines(struct tcp_link *link, struct machine_run **machines, size_t count);

/* Takes a transaction over; its turn comes with the next step. 0; -EBUSY where there is one
 * already, -ENOTCONN where the other side is known not to be there. */
int tcp_link_transact(struct tcp_link *link, struct transaction *transaction);

/* Before some links are served one after the other: what that will touch, and for answers the
 * values as well, is fetched into the caches for all of them. At most TCP_LINKS_AT_ONCE: with 4 KB
 * each they have to fit into what a small processor has. */
enum { TCP_LINKS_AT_ONCE = 32 };
void tcp_links_fetch(struct tcp_link *const *links, size_t count, bool answers);

/* All of these return when the link wants to be stepped next. */
int64_t tcp_link_step(struct tcp_link *link, int64_t now_ns);
int64_t tcp_link_ready(struct tcp_link *link, uint32_t events, int64_t now_ns); /* epoll's */
int64_t tcp_link_resolved(struct tcp_link *link, const struct resolver_answer *answer,
                          int64_t now_ns);

#endif
