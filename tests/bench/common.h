/* What the bench's programs share: the clock, distributions, and the orders they take.
 *
 * Each program prints "ready" once it is, then obeys lines on its standard input:
 *   mark     forgets what was measured so far
 *   report   prints what was measured since, as one line of JSON
 * and ends when its standard input does. */
#ifndef BENCH_COMMON_H
#define BENCH_COMMON_H

#include <stddef.h>
#include <stdint.h>

#define NS_PER_S INT64_C(1000000000)
#define NS_PER_MS INT64_C(1000000)

int64_t bench_now_ns(void);  /* CLOCK_MONOTONIC */
int64_t bench_wall_ms(void); /* since 1970 */

/* Raises the limit of open files as far as it goes. */
void bench_raise_files(void);

/* A whole number from `lowest` to `highest`, or the end of the program with a message. */
long bench_number(const char *option, const char *text, long lowest, long highest);

/* Durations, all kept. */
struct spread {
    int64_t *values_ns;
    size_t count, capacity;
};

void spread_add(struct spread *spread, int64_t value_ns);
void spread_clear(struct spread *spread);

/* Prints "name":{"count":…,"p50_ms":…,"p99_ms":…,"max_ms":…}; nulls without values. */
void spread_print(struct spread *spread, const char *name);

enum order { ORDER_NONE, ORDER_MARK, ORDER_REPORT, ORDER_END };

/* Reads one order from standard input, which is to be readable. */
enum order bench_order(void);

void bench_ready(void);

#endif
