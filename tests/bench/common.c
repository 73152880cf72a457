#include "common.h"

#include <err.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static int64_t now_ns(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return now.tv_sec * NS_PER_S + now.tv_nsec;
}

int64_t bench_now_ns(void)
{
    return now_ns(CLOCK_MONOTONIC);
}

int64_t bench_wall_ms(void)
{
    return now_ns(CLOCK_REALTIME) / NS_PER_MS;
}

void bench_raise_files(void)
{
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

long bench_number(const char *option, const char *text, long lowest, long highest)
{
    char *end;
    errno = 0;
    long number = strtol(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || number < lowest || number > highest)
        errx(2, "--%s: '%s', expected a number from %ld to %ld", option, text, lowest, highest);
    return number;
}

void spread_add(struct spread *spread, int64_t value_ns)
{
    if (spread->count == spread->capacity) {
        spread->capacity = spread->capacity == 0 ? 4096 : spread->capacity * 2;
        spread->values_ns =
            reallocarray(spread->values_ns, spread->capacity, sizeof(*spread->values_ns));
        if (spread->values_ns == NULL)
            err(1, "durations");
    }
    spread->values_ns[spread->count++] = value_ns;
}

void spread_clear(struct spread *spread)
{
    spread->count = 0;
}

static int compare(const void *left, const void *right)
{
    const int64_t *a = left, *b = right;
    return (*a > *b) - (*a < *b);
}

static double at_ms(const struct spread *spread, unsigned percent)
{
    size_t index = spread->count * percent / 100;
    if (index >= spread->count)
        index = spread->count - 1;
    return (double)spread->values_ns[index] / (double)NS_PER_MS;
}

void spread_print(struct spread *spread, const char *name)
{
    if (spread->count == 0) {
        printf("\"%s\":{\"count\":0,\"p50_ms\":null,\"p99_ms\":null,\"max_ms\":null}", name);
        return;
    }
    qsort(spread->values_ns, spread->count, sizeof(*spread->values_ns), compare);
    printf("\"%s\":{\"count\":%zu,\"p50_ms\":%.3f,\"p99_ms\":%.3f,\"max_ms\":%.3f}", name,
           spread->count, at_ms(spread, 50), at_ms(spread, 99), at_ms(spread, 100));
}

enum order bench_order(void)
{
    char line[64];
    size_t length = 0;
    for (;;) {
        char byte;
        if (read(STDIN_FILENO, &byte, 1) <= 0)
            return ORDER_END;
        if (byte == '\n')
            break;
        if (length < sizeof(line) - 1)
            line[length++] = byte;
    }
    line[length] = '\0';
    if (strcmp(line, "mark") == 0)
        return ORDER_MARK;
    return strcmp(line, "report") == 0 ? ORDER_REPORT : ORDER_NONE;
}

void bench_ready(void)
{
    puts("ready");
    fflush(stdout);
}
