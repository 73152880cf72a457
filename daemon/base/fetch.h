/* Memory that was last used a second ago has left the caches. Where much of it is needed at once,
 * asking for all of it first lets the waits overlap. */
#ifndef BINDERY_FETCH_H
#define BINDERY_FETCH_H

#include <stddef.h>
#include <stdint.h>

enum {
    FETCH_LINE_BYTES = 64,
    FETCH_MOST_BYTES = 1024, /* of one object: what follows, the processor foresees by itself */
};

/* Only a hint: there need not be any memory. */
static inline void fetch(const void *at, size_t bytes)
{
    uintptr_t line = (uintptr_t)at & ~(uintptr_t)(FETCH_LINE_BYTES - 1);
    uintptr_t end = (uintptr_t)at + (bytes < FETCH_MOST_BYTES ? bytes : FETCH_MOST_BYTES);

    for (; line < end; line += FETCH_LINE_BYTES)
        __builtin_prefetch((const void *)line);
}

#endif
