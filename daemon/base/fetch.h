/* Memory that was last used a second ago has left the caches. Where much of it is needed at once,
 * asking for all of it first lets the waits overlap. */
#ifndef BINDERY_FETCH_H
#define BINDERY_FETCH_H

#include <stddef.h>

enum { FETCH_LINE_BYTES = 64 };

/* Only a hint: the memory need not even be there. */
static inline void fetch(const void *at, size_t bytes)
{
    for (size_t i = 0; i < bytes; i += FETCH_LINE_BYTES)
        __builtin_prefetch((const char *)at + i);
}

#endif
