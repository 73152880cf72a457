#include "ring.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>

#include "clock.h"
#include "memory.h"

/* A power of two, with room for a full window's acknowledgements, so that it seldom grows. */
enum { FIRST_CAPACITY = 256 };

struct ring {
    pthread_mutex_t lock;
    pthread_cond_t filled;
    int wake_fd;
    size_t first, count, capacity;
    size_t wake_at; /* see ring_wake_at */
    struct ring_event *events;
    char words[RING_WORDS_BYTES];
};

struct ring *ring_new(int wake_fd)
{
    struct ring *ring = mem_alloc(sizeof(*ring));
    pthread_condattr_t attributes;

    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&ring->filled, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&ring->lock, NULL);
    ring->wake_fd = wake_fd;
    ring->wake_at = 1;
    ring->capacity = FIRST_CAPACITY;
    ring->events = mem_array(ring->capacity, sizeof(*ring->events));
    return ring;
}

void ring_free(struct ring *ring)
{
    if (ring == NULL)
        return;
    pthread_cond_destroy(&ring->filled);
    pthread_mutex_destroy(&ring->lock);
    free(ring->events);
    free(ring);
}

static size_t place(const struct ring *ring, size_t offset)
{
    return (ring->first + offset) & (ring->capacity - 1);
}

static void grow(struct ring *ring)
{
    struct ring_event *events = mem_array(ring->capacity * 2, sizeof(*events));

    for (size_t i = 0; i < ring->count; i++)
        events[i] = ring->events[place(ring, i)];
    free(ring->events);
    ring->events = events;
    ring->first = 0;
    ring->capacity *= 2;
}

static void wake(const struct ring *ring)
{
    if (ring->wake_fd >= 0)
        eventfd_write(ring->wake_fd, 1);
}

static void put_locked(struct ring *ring, struct ring_event event)
{
    if (ring->count == ring->capacity)
        grow(ring);
    bool patient = event.kind == RING_TAKEN || event.kind == RING_NOT_TAKEN;
    ring->events[place(ring, ring->count)] = event;
    if (ring->count++ == 0)
        pthread_cond_signal(&ring->filled);
    if (!patient || ring->count == ring->wake_at)
        wake(ring);
}

void ring_wake_at(struct ring *ring, unsigned count)
{
    pthread_mutex_lock(&ring->lock);
    ring->wake_at = count;
    if (ring->count >= count)
        wake(ring);
    pthread_mutex_unlock(&ring->lock);
}

void ring_put(struct ring *ring, struct ring_event event)
{
    pthread_mutex_lock(&ring->lock);
    put_locked(ring, event);
    pthread_mutex_unlock(&ring->lock);
}

void ring_put_refused(struct ring *ring, int code, const char *words)
{
    pthread_mutex_lock(&ring->lock);
    snprintf(ring->words, sizeof(ring->words), "%s", words);
    put_locked(ring, (struct ring_event){.kind = RING_REFUSED, .code = code});
    pthread_mutex_unlock(&ring->lock);
}

bool ring_take(struct ring *ring, struct ring_event *ret_event)
{
    pthread_mutex_lock(&ring->lock);
    bool any = ring->count > 0;
    if (any) {
        *ret_event = ring->events[ring->first];
        ring->first = place(ring, 1);
        ring->count--;
    }
    pthread_mutex_unlock(&ring->lock);
    return any;
}

void ring_words(struct ring *ring, char ret_words[static RING_WORDS_BYTES])
{
    pthread_mutex_lock(&ring->lock);
    snprintf(ret_words, RING_WORDS_BYTES, "%s", ring->words);
    pthread_mutex_unlock(&ring->lock);
}

bool ring_wait(struct ring *ring, int64_t until_ns)
{
    const struct timespec until = {.tv_sec = until_ns / NS_PER_S, .tv_nsec = until_ns % NS_PER_S};
    int error = 0;

    pthread_mutex_lock(&ring->lock);
    while (ring->count == 0 && error == 0)
        error = pthread_cond_timedwait(&ring->filled, &ring->lock, &until);
    bool any = ring->count > 0;
    pthread_mutex_unlock(&ring->lock);
    return any;
}

void ring_clear(struct ring *ring)
{
    pthread_mutex_lock(&ring->lock);
    ring->count = 0;
    pthread_mutex_unlock(&ring->lock);
}
