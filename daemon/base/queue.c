#include "queue.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>

#include "memory.h"
#include "record.h"

/* What a buffer may always keep, however little is put at the moment. */
enum { KEPT_BYTES = 256 * 1024 };

struct queue {
    size_t limit_bytes;
    size_t usual_bytes; /* what takes gave lately; the consumer's alone */

    pthread_mutex_t mutex; /* guards all below */
    struct text body;
    uint32_t count;
    struct gap lost;
    int wake_fd; /* -1: nobody waits */
};

struct queue *queue_new(size_t limit_bytes)
{
    struct queue *queue = mem_alloc(sizeof(*queue));

    queue->limit_bytes = limit_bytes;
    queue->wake_fd = -1;
    pthread_mutex_init(&queue->mutex, NULL);
    return queue;
}

void queue_free(struct queue *queue)
{
    if (!queue)
        return;
    pthread_mutex_destroy(&queue->mutex);
    text_free(&queue->body);
    free(queue);
}

static void count_lost(struct gap *lost, uint32_t count, int64_t wall_ms)
{
    if (lost->missing == 0)
        *lost = (struct gap){.why = GAP_MEMORY_FULL, .from_ms = wall_ms, .to_ms = wall_ms};
    lost->missing += count;
    /* Threads come in any order, and the wall clock may step. */
    if (wall_ms < lost->from_ms)
        lost->from_ms = wall_ms;
    if (wall_ms > lost->to_ms)
        lost->to_ms = wall_ms;
}

static void wake_consumer(struct queue *queue)
{
    if (queue->wake_fd >= 0)
        eventfd_write(queue->wake_fd, 1);
    queue->wake_fd = -1;
}

static bool put(struct queue *queue, const struct queue_events *events,
                const struct reading *reading)
{
    pthread_mutex_lock(&queue->mutex);

    size_t length_before = queue->body.length;
    uint32_t count = events->count + (reading->count > 0);

    if (length_before < queue->limit_bytes) {
        text_add_bytes(&queue->body, events->records.data, events->records.length);
        if (reading->count > 0)
            record_add_reading(&queue->body, reading);
    }
    bool fits = queue->body.length > length_before && queue->body.length <= queue->limit_bytes;
    if (fits) {
        queue->count += count;
    } else {
        queue->body.length = length_before;
        count_lost(&queue->lost, count, reading->at.wall_ms);
    }
    wake_consumer(queue);

    pthread_mutex_unlock(&queue->mutex);
    return fits;
}

bool queue_put(struct queue *queue, const struct reading *reading)
{
    return put(queue, &(const struct queue_events){0}, reading);
}

void queue_add_event(struct queue_events *events, const struct event *event)
{
    record_add_event(&events->records, event);
    events->count++;
}

bool queue_put_all(struct queue *queue, struct queue_events *events, const struct reading *reading)
{
    bool fits = put(queue, events, reading);
    text_free(&events->records);
    events->count = 0;
    return fits;
}

/* After an outage both buffers have its size. They pass through here in turn, and are given back
 * once what they are used for has long been smaller. */
static void empty_buffer(const struct queue *queue, struct text *buffer)
{
    if (buffer->capacity > KEPT_BYTES && buffer->capacity / 4 > queue->usual_bytes)
        text_free(buffer);
    else
        text_clear(buffer);
}

uint32_t queue_take(struct queue *queue, struct queue_content *content)
{
    empty_buffer(queue, &content->body);

    struct text emptied = content->body;

    pthread_mutex_lock(&queue->mutex);
    content->body = queue->body;
    content->count = queue->count;
    content->lost = queue->lost;
    queue->body = emptied;
    queue->count = 0;
    queue->lost = (struct gap){0};
    pthread_mutex_unlock(&queue->mutex);

    queue->usual_bytes -= queue->usual_bytes / 8;
    if (queue->usual_bytes < content->body.length)
        queue->usual_bytes = content->body.length;
    return content->count;
}

bool queue_await(struct queue *queue, int wake_fd)
{
    pthread_mutex_lock(&queue->mutex);
    bool empty = queue->count == 0 && queue->lost.missing == 0;
    queue->wake_fd = empty ? wake_fd : -1;
    pthread_mutex_unlock(&queue->mutex);
    return empty;
}
