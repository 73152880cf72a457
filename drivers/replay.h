/* A recording played as the machines: each recorded request is answered as it was answered then,
 * the first time with the first answer, the second time with the second. What was never asked, and
 * what was not answered, stays without an answer. Pure but for allocation: the time is an argument,
 * the bytes come and go through a player.
 *
 * What machines that are not Modbus said before the first request is said by itself, from the first
 * client's coming on. */
#ifndef BINDERY_REPLAY_H
#define BINDERY_REPLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "recording.h"

struct replay;

struct replay_options {
    uint16_t speed; /* so many times faster than recorded; 0: as fast as it is asked */
    bool repeat;    /* begin anew where a request's answers, or what is said unasked, have ended */
};

/* What is to be said next. */
struct replay_line {
    int64_t due_ns; /* not before */
    const uint8_t *bytes;
    size_t length;
    bool closed; /* no bytes: the other side closed the connection */
};

struct replay_totals {
    uint64_t requests; /* that were recorded */
    uint64_t asked;    /* of these, asked so far */
    uint64_t unknown; /* bytes that nobody asked when it was recorded, and requests asked more often
                         than then */
};

/* The recording must outlive it. */
struct replay *replay_new(const struct recording *recording, const struct replay_options *options);
void replay_free(struct replay *replay); /* accepts NULL */

/* A client came, and left: what it had begun to ask and what was to be said to it is forgotten. */
void replay_enter(struct replay *replay, int64_t now_ns);
void replay_leave(struct replay *replay);

/* Whether it takes input: not before an answer has been given whole. */
bool replay_listens(const struct replay *replay);

/* What a client sent. */
void replay_hear(struct replay *replay, int64_t now_ns, const uint8_t *bytes, size_t length);

/* What is said next, if anything, valid until the next call; said, it is passed over. */
bool replay_next(struct replay *replay, struct replay_line *ret_line);
void replay_said(struct replay *replay, int64_t now_ns);

struct replay_totals replay_totals(const struct replay *replay);

#endif
