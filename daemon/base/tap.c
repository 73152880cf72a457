#include "tap.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "memory.h"

/* In front of each chunk's bytes in the ring. */
struct chunk_head {
    int64_t at_ns;
    uint16_t length;
    uint8_t kind;
};

/* A copy of the ring, to be read at leisure. */
struct copy {
    uint8_t *ring;
    uint64_t tail, oldest, next;
};

static _Thread_local struct tap *used;

void tap_use(struct tap *tap)
{
    used = tap;
}

struct tap *tap_used(void)
{
    return used;
}

struct tap *tap_new(void)
{
    struct tap *tap = mem_alloc(sizeof *tap);

    pthread_mutex_init(&tap->lock, NULL);
    return tap;
}

void tap_free(struct tap *tap)
{
    if (tap == NULL)
        return;
    pthread_mutex_destroy(&tap->lock);
    free(tap->ring);
    free(tap);
}

static void ring_write(uint8_t *ring, uint64_t at, const void *bytes, size_t length)
{
    size_t place = at % TAP_BYTES;
    size_t first = length < TAP_BYTES - place ? length : TAP_BYTES - place;

    memcpy(ring + place, bytes, first);
    memcpy(ring, (const uint8_t *)bytes + first, length - first);
}

static void ring_read(const uint8_t *ring, uint64_t at, void *ret_bytes, size_t length)
{
    size_t place = at % TAP_BYTES;
    size_t first = length < TAP_BYTES - place ? length : TAP_BYTES - place;

    memcpy(ret_bytes, ring + place, first);
    memcpy((uint8_t *)ret_bytes + first, ring, length - first);
}

static void forget_oldest(struct tap *tap)
{
    struct chunk_head head;

    ring_read(tap->ring, tap->tail, &head, sizeof head);
    tap->tail += sizeof head + head.length;
    tap->oldest++;
}

/* With the lock held, as all below. */
static void turn_off(struct tap *tap)
{
    atomic_store(&tap->on, false);
    free(tap->ring);
    tap->ring = NULL;
    tap->listeners = 0;
    tap->tail = tap->head;
    tap->oldest = tap->next;
}

static void add_chunk(struct tap *tap, const struct chunk_head *head, const uint8_t *bytes)
{
    while (tap->head - tap->tail + sizeof *head + head->length > TAP_BYTES)
        forget_oldest(tap);
    ring_write(tap->ring, tap->head, head, sizeof *head);
    ring_write(tap->ring, tap->head + sizeof *head, bytes, head->length);
    tap->head += sizeof *head + head->length;
    tap->next++;
}

void tap_keep(struct tap *tap, enum recording_kind kind, const void *bytes, size_t length)
{
    const uint8_t *at = bytes;
    /* Zeroed as a whole: its padding goes into the ring too. */
    struct chunk_head head;

    memset(&head, 0, sizeof head);
    head.at_ns = clock_mono_ns();
    head.kind = (uint8_t)kind;
    pthread_mutex_lock(&tap->lock);
    if (tap->ring != NULL && head.at_ns - tap->fetched_ns > TAP_IDLE_S * NS_PER_S)
        turn_off(tap);
    while (tap->ring != NULL && length > 0) {
        head.length = (uint16_t)(length < RECORDING_MAX_CHUNK ? length : RECORDING_MAX_CHUNK);
        add_chunk(tap, &head, at);
        at += head.length;
        length -= head.length;
    }
    pthread_mutex_unlock(&tap->lock);
}

void tap_mark(struct tap *tap, const char *words)
{
    tap_put(tap, RECORDING_MARK, words, strlen(words));
}

uint64_t tap_begin(struct tap *tap)
{
    pthread_mutex_lock(&tap->lock);
    if (tap->ring == NULL)
        tap->ring = mem_alloc(TAP_BYTES);
    tap->fetched_ns = clock_mono_ns();
    tap->listeners++;
    atomic_store(&tap->on, true);
    uint64_t next = tap->next;
    pthread_mutex_unlock(&tap->lock);
    return next;
}

void tap_end(struct tap *tap)
{
    pthread_mutex_lock(&tap->lock);
    if (tap->listeners > 0)
        tap->listeners--;
    if (tap->listeners == 0)
        turn_off(tap);
    pthread_mutex_unlock(&tap->lock);
}

/* False where nobody listens, or to another tap: it has no such number yet. */
static bool copy_ring(struct tap *tap, uint64_t from, struct copy *ret_copy)
{
    int64_t now_ns = clock_mono_ns();

    pthread_mutex_lock(&tap->lock);
    if (tap->ring != NULL && now_ns - tap->fetched_ns > TAP_IDLE_S * NS_PER_S)
        turn_off(tap);
    bool listened = tap->ring != NULL && from <= tap->next;
    if (listened) {
        tap->fetched_ns = now_ns;
        memcpy(ret_copy->ring, tap->ring, TAP_BYTES);
        ret_copy->tail = tap->tail;
        ret_copy->oldest = tap->oldest;
        ret_copy->next = tap->next;
    }
    pthread_mutex_unlock(&tap->lock);
    return listened;
}

static void add_line(const struct chunk_head *head, int64_t began_ns, const void *bytes,
                     struct text *out)
{
    recording_add_chunk(out, &(struct recording_chunk){.at_ns = head->at_ns - began_ns,
                                                       .kind = head->kind,
                                                       .length = head->length,
                                                       .bytes = bytes});
}

/* In the place of what was forgotten. */
static void add_loss(const struct chunk_head *head, int64_t began_ns, uint64_t lost,
                     struct text *out)
{
    struct text words = {0};

    text_addf(&words, "lost %llu lines, not fetched in time", (unsigned long long)lost);
    add_line(&(struct chunk_head){head->at_ns, (uint16_t)words.length, RECORDING_MARK}, began_ns,
             words.data, out);
    text_free(&words);
}

/* What was kept before the listener came is not for it. */
static void add_lines(const struct copy *copy, uint64_t from, int64_t began_ns, struct text *out)
{
    uint64_t at = copy->tail;
    uint8_t bytes[RECORDING_MAX_CHUNK];
    struct chunk_head head;

    for (uint64_t number = copy->oldest; number < copy->next; number++) {
        ring_read(copy->ring, at, &head, sizeof head);
        ring_read(copy->ring, at + sizeof head, bytes, head.length);
        at += sizeof head + head.length;
        if (number < from || head.at_ns < began_ns)
            continue;
        if (number == copy->oldest && from < number)
            add_loss(&head, began_ns, number - from, out);
        add_line(&head, began_ns, bytes, out);
    }
}

int tap_fetch(struct tap *tap, uint64_t from, int64_t began_ns, struct text *out,
              uint64_t *ret_next, uint64_t *ret_lost)
{
    struct copy copy = {.ring = mem_alloc(TAP_BYTES)};
    bool listened = copy_ring(tap, from, &copy);

    if (listened) {
        add_lines(&copy, from, began_ns, out);
        *ret_next = copy.next;
        *ret_lost = from < copy.oldest ? copy.oldest - from : 0;
    }
    free(copy.ring);
    return listened ? 0 : -ENOENT;
}
