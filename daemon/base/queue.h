/* The one queue between those who poll and the one who stores. Records go in from any thread and
 * come out all at once. When it is full, what comes is counted and declared as a gap. */
#ifndef BINDERY_QUEUE_H
#define BINDERY_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "text.h"
#include "value.h"

struct queue;

/* What queue_take gives: a body of `count` records and what was lost since the last take. */
struct queue_content {
    struct text body;
    uint32_t count;
    struct gap lost; /* lost.missing is 0 when nothing was */
};

struct queue *queue_new(size_t limit_bytes);
void queue_free(struct queue *queue);

/* Encodes and appends the reading. False where it was over the limit and is counted as lost. Any
 * thread. */
bool queue_put(struct queue *queue, const struct reading *reading);

/* Events that are to come with a reading, as records. Zeroed: none. */
struct queue_events {
    struct text records;
    uint32_t count;
};

void queue_add_event(struct queue_events *events, const struct event *event);

/* Events and the reading behind them, which may be of no samples and is left out then: all of them
 * together, or none; queue_put's rules hold. The events are freed. */
bool queue_put_all(struct queue *queue, struct queue_events *events, const struct reading *reading);

/* Swaps the queue's content with *content, whose buffer is emptied and reused. One consumer.
 * Returns the number of records. */
uint32_t queue_take(struct queue *queue, struct queue_content *content);

/* The consumer may sleep: the next put writes to this eventfd, once. False, and nothing is awaited,
 * where there is something to take already. */
bool queue_await(struct queue *queue, int wake_fd);

#endif
