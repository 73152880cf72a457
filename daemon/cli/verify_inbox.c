#include "verify_inbox.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "memory.h"

struct list {
    struct verify_mail *items;
    size_t count, capacity;
};

struct verify_inbox {
    pthread_mutex_t lock;
    struct list arriving; /* under the lock */
    struct list taken;    /* the taker's own */
    size_t next;          /* in taken */
    int wake_fd;
};

struct verify_inbox *verify_inbox_new(int wake_fd)
{
    struct verify_inbox *inbox = mem_alloc(sizeof(*inbox));
    pthread_mutex_init(&inbox->lock, NULL);
    inbox->wake_fd = wake_fd;
    return inbox;
}

void verify_inbox_free(struct verify_inbox *inbox)
{
    struct verify_mail mail;
    while (verify_inbox_take(inbox, &mail)) {
        free(mail.topic);
        free(mail.payload);
    }
    free(inbox->arriving.items);
    free(inbox->taken.items);
    pthread_mutex_destroy(&inbox->lock);
    free(inbox);
}

static char *copy(const void *bytes, size_t length)
{
    char *to = mem_alloc(length + 1);
    if (length)
        memcpy(to, bytes, length);
    return to;
}

void verify_inbox_put(void *context, const char *topic, size_t topic_length, const void *payload,
                      size_t length, bool retained)
{
    (void)retained;
    struct verify_inbox *inbox = context;
    struct instant now;
    clock_now(&now);
    struct verify_mail mail = {now.wall_ms, copy(topic, topic_length), copy(payload, length),
                               length};
    pthread_mutex_lock(&inbox->lock);
    struct list *list = &inbox->arriving;
    if (list->count == list->capacity) {
        list->capacity = list->capacity ? 2 * list->capacity : 64;
        list->items = mem_resize(list->items, list->capacity * sizeof(*list->items));
    }
    list->items[list->count++] = mail;
    pthread_mutex_unlock(&inbox->lock);
    const uint64_t one = 1;
    /* A full eventfd wakes just as well. */
    ssize_t written = write(inbox->wake_fd, &one, sizeof(one));
    (void)written;
}

bool verify_inbox_take(struct verify_inbox *inbox, struct verify_mail *ret_mail)
{
    if (inbox->next == inbox->taken.count) {
        struct list emptied = inbox->taken;
        emptied.count = 0;
        pthread_mutex_lock(&inbox->lock);
        inbox->taken = inbox->arriving;
        inbox->arriving = emptied;
        pthread_mutex_unlock(&inbox->lock);
        inbox->next = 0;
    }
    if (inbox->next == inbox->taken.count)
        return false;
    *ret_mail = inbox->taken.items[inbox->next++];
    return true;
}
