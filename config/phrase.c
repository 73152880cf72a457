#include "phrase.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { QUOTE_MOST_BYTES = 60, DISTANCE_MOST_BYTES = 32 };

static bool is_utf8_continuation(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

struct phrase phrase_quote(const char *text)
{
    struct phrase quoted;
    size_t length = strnlen(text, QUOTE_MOST_BYTES + 1);
    bool cut = length > QUOTE_MOST_BYTES;

    if (cut) {
        length = QUOTE_MOST_BYTES;
        while (length > 0 && is_utf8_continuation(text[length]))
            length--;
    }
    snprintf(quoted.text, sizeof quoted.text, "\"%.*s%s\"", (int)length, text, cut ? "..." : "");
    for (char *c = quoted.text; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            *c = '?';
    return quoted;
}

struct unit {
    int64_t factor;
    const char *name;
};

/* In the first unit that divides the number; the last one divides every number. */
static struct phrase phrase_in_units(int64_t number, const struct unit *units)
{
    struct phrase phrase;

    while (units->factor > 1 && (number == 0 || number % units->factor != 0))
        units++;
    snprintf(phrase.text, sizeof phrase.text, "%" PRId64 "%s", number / units->factor, units->name);
    return phrase;
}

struct phrase phrase_duration(int64_t ms)
{
    static const struct unit units[] = {
        {INT64_C(3600000), "h"}, {60000, "m"}, {1000, "s"}, {1, "ms"}};

    return phrase_in_units(ms, units);
}

struct phrase phrase_size(int64_t bytes)
{
    static const struct unit units[] = {{INT64_C(1) << 40, "TiB"},
                                        {INT64_C(1) << 30, "GiB"},
                                        {INT64_C(1) << 20, "MiB"},
                                        {INT64_C(1) << 10, "KiB"},
                                        {1, "B"}};

    return phrase_in_units(bytes, units);
}

static size_t least_of(size_t a, size_t b, size_t c)
{
    size_t least = a < b ? a : b;
    return least < c ? least : c;
}

/* Levenshtein's distance, a row at a time. */
size_t phrase_distance(const char *a, const char *b)
{
    size_t row[DISTANCE_MOST_BYTES + 1];
    size_t a_length = strnlen(a, DISTANCE_MOST_BYTES);
    size_t b_length = strnlen(b, DISTANCE_MOST_BYTES);

    for (size_t k = 0; k <= b_length; k++)
        row[k] = k;
    for (size_t i = 1; i <= a_length; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t k = 1; k <= b_length; k++) {
            size_t replaced = diagonal + (a[i - 1] != b[k - 1]);
            diagonal = row[k];
            row[k] = least_of(replaced, row[k] + 1, row[k - 1] + 1);
        }
    }
    return row[b_length];
}
