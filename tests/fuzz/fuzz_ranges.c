/* A cursor as the store gives it back, and the sets that are made of it: daemon/forward/ranges.c.
 *
 * Input: an even byte and the text of a cursor; or an odd one and changes to a set of numbers below
 * 256, three bytes each, which is held against a plain table. */
#include <errno.h>

#include "fuzz.h"
#include "ranges.h"

enum { NUMBERS = 256 };

static void check_order(const struct ranges *ranges)
{
    for (size_t i = 0; i < ranges->count; i++) {
        const struct range *range = &ranges->items[i];
        CLAIM(range->first <= range->last);
        CLAIM(i == 0 || (range[-1].last < SEQ_END - 1 && range[-1].last + 1 < range->first));
    }
}

static bool same(const struct ranges *a, const struct ranges *b)
{
    return a->count == b->count &&
           (a->count == 0 || memcmp(a->items, b->items, a->count * sizeof *a->items) == 0);
}

static void check_text_of(const struct ranges *ranges)
{
    struct text text = {0};
    struct ranges again = {0};

    text_add(&text, "");
    ranges_to_text(ranges, &text);
    CLAIM(ranges_parse(text.data, &again) == 0 && same(ranges, &again));
    ranges_free(&again);
    text_free(&text);
}

static void check_members(const struct ranges *ranges)
{
    uint64_t seq = 0, next;

    for (size_t i = 0; i < ranges->count; i++) {
        const struct range *range = &ranges->items[i];
        CLAIM(ranges_next(ranges, seq, &next) && next == range->first);
        CLAIM(ranges_contains(ranges, range->first) && ranges_contains(ranges, range->last));
        CLAIM(range->first == 0 || !ranges_contains(ranges, range->first - 1));
        if (range->last == SEQ_END)
            return;
        CLAIM(!ranges_contains(ranges, range->last + 1));
        seq = range->last + 1;
    }
    CLAIM(!ranges_next(ranges, seq, &next));
}

static void check_cursor(const struct input *input)
{
    char *text = input_string(input);
    struct ranges ranges = {0};

    ranges_add(&ranges, 7, 9);
    if (ranges_parse(text, &ranges) == 0) {
        check_order(&ranges);
        check_members(&ranges);
        check_text_of(&ranges);
    } else {
        CLAIM(ranges.count == 1 && ranges.items[0].first == 7 && ranges.items[0].last == 9);
    }
    ranges_free(&ranges);
    free(text);
}

static void check_table(const struct ranges *ranges, const bool *table)
{
    uint64_t count = 0, next;

    for (unsigned number = 0; number < NUMBERS; number++) {
        CLAIM(ranges_contains(ranges, number) == table[number]);
        CLAIM(ranges_count_below(ranges, number) == count);
        count += table[number];
        if (table[number])
            CLAIM(ranges_next(ranges, number, &next) && next == number);
    }
    CLAIM(ranges_count_below(ranges, SEQ_END) == count);
}

static void check_changes(struct input *input)
{
    struct ranges ranges = {0};
    bool table[NUMBERS] = {0};

    while (input->left > 0) {
        bool add = input_byte(input) & 1;
        unsigned first = input_byte(input), last = input_byte(input);
        if (add)
            ranges_add(&ranges, first, last);
        else
            ranges_remove(&ranges, first, last);
        for (unsigned number = first; number <= last; number++)
            table[number] = add;
    }
    check_order(&ranges);
    check_members(&ranges);
    check_table(&ranges, table);
    check_text_of(&ranges);
    ranges_free(&ranges);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {data, size};

    if (input_byte(&input) & 1)
        check_changes(&input);
    else
        check_cursor(&input);
    return 0;
}
