/* Asking the running daemon over its local socket: one line goes, JSON comes until the end. */
#ifndef BINDERY_ASK_H
#define BINDERY_ASK_H

#include "node.h"
#include "text.h"

/* The socket's path in *ret_path (free it): `socket_path` itself, or the one that the
 * configuration names. A CLI_ status; what is wrong has been printed. */
int ask_find_socket(const char *config, const char *socket_path, char **ret_path);

/* Whether a daemon listens there: 1, 0, or -1 with the trouble where that can't be told. */
int ask_is_answered(const char *path, struct text *ret_trouble);

/* Asks, waits for at most 5 s and parses. NULL with a sentence of what is wrong and what to do in
 * *ret_trouble, be it that nobody answers or that the daemon refuses. */
struct node *ask_daemon(const char *path, const char *question, struct text *ret_trouble);
struct node *ask_daemon_within(const char *path, const char *question, int64_t within_ms,
                               struct text *ret_trouble);

#endif
