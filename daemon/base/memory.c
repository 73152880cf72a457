#include "memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "log.h"

_Noreturn static void run_out(size_t size)
{
    log_error("out of memory: %zu more bytes were refused; stopping", size);
    _exit(EX_OSERR);
}

void *mem_alloc(size_t size)
{
    return mem_array(1, size);
}

void *mem_array(size_t count, size_t size)
{
    /* Of no bytes calloc may give NULL, which would read as a failure. */
    if (count == 0 || size == 0)
        count = size = 1;

    void *block = calloc(count, size);

    if (!block)
        run_out(size > SIZE_MAX / count ? SIZE_MAX : count * size);
    return block;
}

void *mem_resize(void *block, size_t size)
{
    void *moved = realloc(block, size > 0 ? size : 1);

    if (!moved)
        run_out(size);
    return moved;
}

char *mem_string(const char *string)
{
    if (!string)
        return NULL;

    size_t size = strlen(string) + 1;

    return memcpy(mem_alloc(size), string, size);
}
