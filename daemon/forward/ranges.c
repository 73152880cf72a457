#include "ranges.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"

void ranges_free(struct ranges *ranges)
{
    free(ranges->items);
    *ranges = (struct ranges){0};
}

/* The first range that ends at or after seq; count if there is none. */
static size_t range_index(const struct ranges *ranges, uint64_t seq)
{
    size_t low = 0;
    size_t high = ranges->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (ranges->items[middle].last < seq)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Puts `count` ranges where [from, to) stood. */
static void ranges_splice(struct ranges *ranges, size_t from, size_t to, const struct range *with,
                          size_t count)
{
    size_t new_count = ranges->count - (to - from) + count;
    if (new_count > ranges->capacity) {
        ranges->capacity = new_count * 2;
        ranges->items = mem_resize(ranges->items, ranges->capacity * sizeof(*ranges->items));
    }
    if (to < ranges->count)
        memmove(ranges->items + from + count, ranges->items + to,
                (ranges->count - to) * sizeof(*ranges->items));
    if (count > 0)
        memcpy(ranges->items + from, with, count * sizeof(*with));
    ranges->count = new_count;
}

void ranges_add(struct ranges *ranges, uint64_t first, uint64_t last)
{
    if (first > last)
        return;
    /* neighbours are joined, so look one further on either side */
    uint64_t reach = last == UINT64_MAX ? last : last + 1;
    size_t from = range_index(ranges, first == 0 ? 0 : first - 1);
    size_t to = from;
    struct range joined = {first, last};
    for (; to < ranges->count && ranges->items[to].first <= reach; to++) {
        if (ranges->items[to].first < joined.first)
            joined.first = ranges->items[to].first;
        if (ranges->items[to].last > joined.last)
            joined.last = ranges->items[to].last;
    }
    ranges_splice(ranges, from, to, &joined, 1);
}

void ranges_remove(struct ranges *ranges, uint64_t first, uint64_t last)
{
    if (first > last)
        return;
    size_t from = range_index(ranges, first);
    size_t to = from;
    struct range left[2];
    size_t left_count = 0;
    for (; to < ranges->count && ranges->items[to].first <= last; to++) {
        const struct range *range = &ranges->items[to];
        if (range->first < first)
            left[left_count++] = (struct range){range->first, first - 1};
        if (range->last > last)
            left[left_count++] = (struct range){last + 1, range->last};
    }
    if (to > from)
        ranges_splice(ranges, from, to, left, left_count);
}

bool ranges_contains(const struct ranges *ranges, uint64_t seq)
{
    size_t index = range_index(ranges, seq);
    return index < ranges->count && ranges->items[index].first <= seq;
}

bool ranges_next(const struct ranges *ranges, uint64_t seq, uint64_t *ret_seq)
{
    size_t index = range_index(ranges, seq);
    if (index == ranges->count)
        return false;
    *ret_seq = ranges->items[index].first > seq ? ranges->items[index].first : seq;
    return true;
}

uint64_t ranges_count_below(const struct ranges *ranges, uint64_t end)
{
    uint64_t count = 0;
    for (size_t i = 0; i < ranges->count && ranges->items[i].first < end; i++) {
        const struct range *range = &ranges->items[i];
        count += (range->last < end ? range->last + 1 : end) - range->first;
    }
    return count;
}

void ranges_to_text(const struct ranges *ranges, struct text *out)
{
    for (size_t i = 0; i < ranges->count; i++) {
        const struct range *range = &ranges->items[i];
        if (i > 0)
            text_add_char(out, ',');
        text_add_uint(out, range->first);
        if (range->last == range->first)
            continue;
        text_add_char(out, '-');
        if (range->last != SEQ_END)
            text_add_uint(out, range->last);
    }
}

/* Digits only: strtoull would let blanks and signs pass. */
static bool parse_seq(const char **at, uint64_t *ret_seq)
{
    const char *p = *at;
    uint64_t seq = 0;
    for (; *p >= '0' && *p <= '9'; p++) {
        if (__builtin_mul_overflow(seq, UINT64_C(10), &seq) ||
            __builtin_add_overflow(seq, (uint64_t)(*p - '0'), &seq))
            return false;
    }
    if (p == *at)
        return false;
    *at = p;
    *ret_seq = seq;
    return true;
}

static bool parse_range(const char **at, struct range *ret_range)
{
    struct range range;
    if (!parse_seq(at, &range.first))
        return false;
    range.last = range.first;
    if (**at == '-') {
        (*at)++;
        if (**at == '\0')
            range.last = SEQ_END;
        else if (!parse_seq(at, &range.last))
            return false;
    }
    *ret_range = range;
    return range.first <= range.last;
}

int ranges_parse(const char *text, struct ranges *ranges)
{
    struct ranges parsed = {0};
    const char *at = text;
    while (*at != '\0') {
        struct range range;
        if (parsed.count > 0 && *at++ != ',')
            goto invalid;
        if (!parse_range(&at, &range))
            goto invalid;
        if (parsed.count > 0 && range.first <= parsed.items[parsed.count - 1].last)
            goto invalid;
        ranges_add(&parsed, range.first, range.last);
    }
    ranges_free(ranges);
    *ranges = parsed;
    return 0;
invalid:
    ranges_free(&parsed);
    return -EINVAL;
}
