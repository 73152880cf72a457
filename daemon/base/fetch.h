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

/* Only a hint; of NULL nothing. */
static inline void fetch(const void *at, size_t bytes)
{
    if (at == NULL)
        return;

    const char *line = (const char *)at - (uintptr_t)at % FETCH_LINE_BYTES;
    const char *end = (const char *)at + (bytes < FETCH_MOST_BYTES ? bytes : FETCH_MOST_BYTES);

    for (; line < end; line += FETCH_LINE_BYTES)
        __builtin_prefetch(line);
}

#endif
