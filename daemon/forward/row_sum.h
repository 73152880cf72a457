/* A checksum over the values of a row of the store, kept in the row: SQLite and the disk notice no
 * wrong bit in a text or a number, and a machine's name or a boot's time must not be wrong.
 * FNV-1a, folded to 32 bits. Pure. */
#ifndef BINDERY_ROW_SUM_H
#define BINDERY_ROW_SUM_H

#include <stddef.h>
#include <stdint.h>

#define ROW_SUM_START UINT64_C(0xcbf29ce484222325)

uint64_t row_sum_null(uint64_t sum);
uint64_t row_sum_int(uint64_t sum, int64_t number);
uint64_t row_sum_text(uint64_t sum, const void *bytes, size_t length);

/* What stands in the row. */
int64_t row_sum_end(uint64_t sum);

#endif
