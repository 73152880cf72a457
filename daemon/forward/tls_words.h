/* Why a TLS handshake failed: it is only in Paho's trace and in OpenSSL's errors. Both are told on
 * the thread that tries to connect, ahead of the failure on the same thread and without a context,
 * so what is kept here is each thread's own. */
#ifndef BINDERY_TLS_WORDS_H
#define BINDERY_TLS_WORDS_H

#include <stddef.h>

#include "ring.h"

/* A line of Paho's trace. */
void tls_words_trace(const char *message);

/* One of OpenSSL's errors, "THREAD:error:CODE:library:function:reason:file:line:data". */
void tls_words_error(const char *line, size_t length);

/* What failed before the broker said anything; empty where nobody gave a hint. `message` is Paho's,
 * or NULL. Forgets what was told. */
void tls_words_take(const char *message, char ret_words[static RING_WORDS_BYTES]);
void tls_words_forget(void);

#endif
