#include "log.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { LINE_BYTES = 1024 };

static const char cut_mark[] = "...";

static _Atomic enum log_level shown = LOG_LEVEL_INFO;

static const struct {
    const char *priority, *name;
} levels[] = {
    [LOG_LEVEL_ERROR] = {"<3>", "error"},
    [LOG_LEVEL_WARNING] = {"<4>", "warning"},
    [LOG_LEVEL_INFO] = {"<6>", "info"},
    [LOG_LEVEL_DEBUG] = {"<7>", "debug"},
};

void log_set_level(enum log_level level)
{
    atomic_store_explicit(&shown, level, memory_order_relaxed);
}

/* A terminal inherits JOURNAL_STREAM from a desktop that runs under systemd. */
static int add_prefix(char *line, size_t size, enum log_level level)
{
    if (getenv("JOURNAL_STREAM") && !isatty(STDERR_FILENO))
        return snprintf(line, size, "%s", levels[level].priority);

    struct timespec now;
    struct tm utc;

    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    return snprintf(line, size, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ %s: ", utc.tm_year + 1900,
                    utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec,
                    (int)(now.tv_nsec / 1000000), levels[level].name);
}

/* Ends a line that did not fit with a mark, and not amidst a UTF-8 character. */
static size_t cut(char *line, size_t length)
{
    length -= sizeof(cut_mark) - 1;
    while (length > 0 && ((unsigned char)line[length] & 0xC0) == 0x80)
        length--;
    for (size_t i = 0; cut_mark[i]; i++)
        line[length++] = cut_mark[i];
    return length;
}

/* What machines and brokers say is quoted in messages, and must not forge lines of its own. */
static void blank_controls(char *line, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)line[i] < 0x20 || line[i] == 0x7F)
            line[i] = ' ';
}

/* False where stderr is a pipe that is full. One that is closed takes everything. */
static bool put(const char *line, size_t length)
{
    struct pollfd out = {.fd = STDERR_FILENO, .events = POLLOUT};
    if (poll(&out, 1, 0) != 1)
        return false;
    ssize_t written = write(STDERR_FILENO, line, length);
    (void)written;
    return true;
}

/* Whoever reads the log may have stopped to, and must not stop us: lines that find no room are
 * counted, and told of when there is some. */
static void put_or_count(const char *line, size_t length)
{
    static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;
    static unsigned lost;

    pthread_mutex_lock(&turn);
    if (lost > 0) {
        char told[LINE_BYTES];
        int told_length = add_prefix(told, sizeof(told), LOG_LEVEL_WARNING);
        told_length += snprintf(told + told_length, sizeof(told) - (size_t)told_length,
                                "log: %u lines are lost, nobody was reading\n", lost);
        if (put(told, (size_t)told_length))
            lost = 0;
    }
    if (lost > 0 || !put(line, length))
        lost++;
    pthread_mutex_unlock(&turn);
}

__attribute__((format(printf, 2, 0))) static void write_line(enum log_level level,
                                                             const char *format, va_list args)
{
    if (level > atomic_load_explicit(&shown, memory_order_relaxed))
        return;

    char line[LINE_BYTES];
    int errno_before = errno;
    size_t length = (size_t)add_prefix(line, sizeof(line), level);
    int wanted = vsnprintf(line + length, sizeof(line) - length, format, args);

    if (wanted > 0)
        length += (size_t)wanted;
    if (length >= sizeof(line))
        length = cut(line, sizeof(line) - 1);
    blank_controls(line, length);
    line[length++] = '\n';

    put_or_count(line, length);
    errno = errno_before;
}

void log_error(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    write_line(LOG_LEVEL_ERROR, format, args);
    va_end(args);
}

void log_warn(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    write_line(LOG_LEVEL_WARNING, format, args);
    va_end(args);
}

void log_info(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    write_line(LOG_LEVEL_INFO, format, args);
    va_end(args);
}

void log_debug(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    write_line(LOG_LEVEL_DEBUG, format, args);
    va_end(args);
}
