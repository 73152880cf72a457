/* The local socket on which the command-line tool asks how things stand. A client writes one line,
 * `status`, `values`, `values MACHINE`, `metrics`, `set MACHINE TAG TOTAL`, `transact LINK UNIT
 * PDU` or those of link_record.h, gets JSON and the end; metrics are a text, as {"metrics":"…"}.
 * Main thread. */
#ifndef BINDERY_CONTROL_H
#define BINDERY_CONTROL_H

#include "gateway.h"

struct control;

/* Listens; a socket that a dead process left behind is replaced, so the store's lock must be held
 * already. 0 or negative errno. */
int control_open(const char *path, struct control **ret_control);

/* No more clients: removes the socket. Those that wait for a transaction are answered by
 * control_close, once the gateway has stopped. Both accept NULL. */
void control_shut(struct control *control);
void control_close(struct control *control);

/* Readable when a client is there, or one's transaction at its end. */
int control_fd(const struct control *control);

/* Takes one client's request and answers it, for at most a second each; a transaction is answered
 * when it is at its end. */
void control_serve(struct control *control, struct gateway *gateway);

#endif
