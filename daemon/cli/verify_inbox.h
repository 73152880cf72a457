/* Messages on their way from Paho's thread to ours. */
#ifndef BINDERY_VERIFY_INBOX_H
#define BINDERY_VERIFY_INBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct verify_inbox;

struct verify_mail {
    int64_t arrived_ms;    /* wall time */
    char *topic, *payload; /* the taker frees both */
    size_t length;
};

/* wake_fd is an eventfd that is written to when something has come. */
struct verify_inbox *verify_inbox_new(int wake_fd);
void verify_inbox_free(struct verify_inbox *inbox);

/* An uplink_message_fn; context is the inbox. Any thread. */
void verify_inbox_put(void *inbox, const char *topic, size_t topic_length, const void *payload,
                      size_t length, bool retained);

/* The next one, in order; false when there is none. One thread. */
bool verify_inbox_take(struct verify_inbox *inbox, struct verify_mail *ret_mail);

#endif
