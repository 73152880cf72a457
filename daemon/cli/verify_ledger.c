#include "verify_ledger.h"

#include <stdlib.h>
#include <string.h>

#include "memory.h"

enum { PAGE_HASHES = 4096 };

/* The hashes of the numbers from number × PAGE_HASHES on. */
struct hash_page {
    uint64_t number;
    uint64_t *hashes;
};

void verify_ledger_free(struct verify_ledger *ledger)
{
    for (size_t i = 0; i < ledger->page_count; i++)
        free(ledger->pages[i].hashes);
    free(ledger->pages);
    ranges_free(&ledger->seen);
    ranges_free(&ledger->declared);
}

/* Where the page is, or would be put. Nearly always the last. */
static size_t place_page(const struct verify_ledger *ledger, uint64_t number)
{
    size_t place = ledger->page_count;
    while (place > 0 && ledger->pages[place - 1].number >= number)
        place--;
    return place;
}

static uint64_t *hash_of(struct verify_ledger *ledger, uint64_t seq)
{
    uint64_t number = seq / PAGE_HASHES;
    size_t place = place_page(ledger, number);
    if (place == ledger->page_count || ledger->pages[place].number != number) {
        ledger->pages =
            mem_resize(ledger->pages, (ledger->page_count + 1) * sizeof(*ledger->pages));
        memmove(&ledger->pages[place + 1], &ledger->pages[place],
                (ledger->page_count - place) * sizeof(*ledger->pages));
        ledger->pages[place] = (struct hash_page){number, mem_array(PAGE_HASHES, sizeof(uint64_t))};
        ledger->page_count++;
    }
    return &ledger->pages[place].hashes[seq % PAGE_HASHES];
}

enum verify_verdict verify_ledger_take(struct verify_ledger *ledger, uint64_t seq, uint64_t hash)
{
    uint64_t *kept = hash_of(ledger, seq);
    if (ranges_contains(&ledger->seen, seq)) {
        bool same = *kept == hash;
        ledger->repeats += same;
        ledger->differing += !same;
        return same ? VERIFY_REPEAT : VERIFY_DIFFERS;
    }
    *kept = hash;
    ranges_add(&ledger->seen, seq, seq);
    if (ledger->lowest == 0 || seq < ledger->lowest)
        ledger->lowest = seq;
    if (seq > ledger->highest)
        ledger->highest = seq;
    return VERIFY_NEW;
}

void verify_ledger_declare(struct verify_ledger *ledger, uint64_t first, uint64_t last,
                           uint64_t missing)
{
    ledger->declared_lost += missing;
    if (first > 0 && last >= first && last < SEQ_END)
        ranges_add(&ledger->declared, first, last);
}

void verify_ledger_early(struct verify_ledger *ledger, uint64_t seq)
{
    if (seq > ledger->before_end)
        ledger->before_end = seq;
}

void verify_ledger_missing(const struct verify_ledger *ledger, uint64_t from, uint64_t to,
                           struct ranges *ret_missing)
{
    if (from == 0)
        from = ledger->before_end > ledger->lowest ? ledger->before_end : ledger->lowest;
    if (to == 0)
        to = ledger->highest;
    if (from == 0 || from > to)
        return;
    ranges_add(ret_missing, from, to);
    for (size_t i = 0; i < ledger->seen.count; i++)
        ranges_remove(ret_missing, ledger->seen.items[i].first, ledger->seen.items[i].last);
    for (size_t i = 0; i < ledger->declared.count; i++)
        ranges_remove(ret_missing, ledger->declared.items[i].first, ledger->declared.items[i].last);
}

uint64_t verify_count(const struct ranges *ranges)
{
    return ranges_count_below(ranges, SEQ_END);
}
