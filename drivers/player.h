/* Plays a recording to whoever comes: on a listening socket to one client after the other, or on a
 * descriptor that is always there, as a pseudo-terminal's. One thread. */
#ifndef BINDERY_PLAYER_H
#define BINDERY_PLAYER_H

#include <stdbool.h>
#include <stdint.h>

#include "replay.h"

struct player {
    struct replay *replay;
    int listener; /* non-blocking; -1: none */
    int stream;   /* the client's, non-blocking; -1: nobody is there */
    int end;      /* readable when it is to end */
};

/* Plays until until_ns (CLOCK_MONOTONIC) at the latest; true once it is to end. */
bool player_step(struct player *player, int64_t until_ns);

/* The client's connection is closed; the other descriptors are the caller's. */
void player_leave(struct player *player);

#endif
