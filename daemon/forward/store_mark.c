#include "store_mark.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { NUMBER_DIGITS = 20 };

void store_mark_to_text(const struct store_mark *mark, char ret_text[STORE_MARK_BYTES + 1])
{
    snprintf(ret_text, STORE_MARK_BYTES + 1, "%-*s %020" PRIu64 " %020" PRIu64, STORE_ID_DIGITS,
             mark->id, mark->next_seq, mark->owed_from);
}

/* A space and a number's digits. */
static bool take_number(const char **at, uint64_t *ret_number)
{
    const char *digits = *at + 1;
    if (**at != ' ' || strspn(digits, "0123456789") != NUMBER_DIGITS)
        return false;
    *ret_number = strtoull(digits, NULL, 10);
    *at = digits + NUMBER_DIGITS;
    return true;
}

struct store_mark store_mark_parse(const char *text, size_t length)
{
    struct store_mark mark = {0};
    char copy[STORE_MARK_BYTES + 1] = "";
    const char *at = copy + STORE_ID_DIGITS;
    if (length < STORE_MARK_BYTES)
        return mark;
    memcpy(copy, text, STORE_MARK_BYTES);
    if (strspn(copy, "0123456789abcdef") == STORE_ID_DIGITS && take_number(&at, &mark.next_seq) &&
        take_number(&at, &mark.owed_from))
        memcpy(mark.id, copy, STORE_ID_DIGITS);
    return mark;
}

void store_mark_write(int fd, const struct store_mark *mark)
{
    char text[STORE_MARK_BYTES + 1];
    store_mark_to_text(mark, text);
    text[STORE_MARK_BYTES] = '\n';
    ssize_t written = pwrite(fd, text, sizeof(text), 0);
    (void)written;
}

struct store_mark store_mark_read(int fd)
{
    char text[STORE_MARK_BYTES];
    ssize_t length = pread(fd, text, sizeof(text), 0);
    return store_mark_parse(text, length > 0 ? (size_t)length : 0);
}
