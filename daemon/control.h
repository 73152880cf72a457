/* The local socket on which the command-line tool asks how things stand. A client writes one line,
 * `status`, `values`, `values MACHINE`, `metrics`, `set MACHINE TAG TOTAL` or those of
 * link_record.h, gets JSON and the end; metrics are a text, as {"metrics":"…"}. Main thread. */
#ifndef BINDERY_CONTROL_H
#define BINDERY_CONTROL_H

#include "gateway.h"

struct control;

/* Listens; a socket that a dead process left behind is replaced, so the store's lock must be held
 * already. 0 or negative errno. */
int control_open(const char *path, struct control **ret_control);
void control_close(struct control *control); /* accepts NULL; removes the socket */

/* Readable when a client is there. */
int control_fd(const struct control *control);

/* Answers one client, for at most a second. */
void control_serve(struct control *control, struct gateway *gateway);

#endif
