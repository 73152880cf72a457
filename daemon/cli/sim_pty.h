/* A serial port that is none: a pseudo-terminal with a symbolic link at the device's path. */
#ifndef BINDERY_SIM_PTY_H
#define BINDERY_SIM_PTY_H

#include "text.h"

struct sim_pty {
    char *path;      /* the symbolic link */
    char target[64]; /* of the link */
    int master;      /* non-blocking */
    int slave;       /* kept open, so that the master lives on when a client leaves */
};

/* Makes way at the path: removes a symbolic link that leads nowhere, or that a simulation which
 * was killed left behind. Anything else is refused: 0, or -1 with a sentence in *ret_trouble. To
 * be done for all paths before the first port is opened, which may get the number that an old link
 * leads to. */
int sim_pty_clear(const char *path, struct text *ret_trouble);

/* 0; or -1 with a sentence in *ret_trouble. */
int sim_pty_open(const char *path, struct sim_pty *ret_pty, struct text *ret_trouble);

/* Sets a baud rate that no client asks for; it means nothing to a pseudo-terminal, which keeps no
 * parity either. But where parity is all that a client changes, as after one that was killed, its
 * tcsetattr fails: so let there be something else to change. To be done now and then. */
void sim_pty_forget_speed(const struct sim_pty *pty);

/* Removes the link if it is still ours. */
void sim_pty_close(struct sim_pty *pty);

#endif
