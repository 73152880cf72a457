/* Allocation that does not fail: out of memory ends the process with a clear line, and whoever
 * supervises it starts it again; everything taken is in the store. */
#ifndef BINDERY_MEMORY_H
#define BINDERY_MEMORY_H

#include <stddef.h>

void *mem_alloc(size_t size);               /* zeroed */
void *mem_array(size_t count, size_t size); /* zeroed; the product is checked */
void *mem_resize(void *block, size_t size);
char *mem_string(const char *string); /* NULL gives NULL */

#endif
