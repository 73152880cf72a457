#include "verify_book.h"

#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "node.h"

/* Readings and events younger than this when we began to listen: others of their time may have
 * been sent before. */
enum { EARLY_MS = 30000 };

/* A message on its way into the book. */
struct letter {
    struct verify_book *book;
    struct verify_ledger *ledger;
    int64_t arrived_ms;
};

void verify_book_free(struct verify_book *book)
{
    for (size_t i = 0; i < book->store_count; i++) {
        verify_ledger_free(&book->stores[i].ledger);
        free(book->stores[i].gateway);
        free(book->stores[i].store);
    }
    free(book->stores);
    free(book->last_store);
}

static struct verify_ledger *find_ledger(struct verify_book *book, const char *gateway,
                                         const char *store)
{
    for (size_t i = 0; i < book->store_count; i++)
        if (strcmp(book->stores[i].store, store) == 0 &&
            strcmp(book->stores[i].gateway, gateway) == 0)
            return &book->stores[i].ledger;
    book->stores = mem_resize(book->stores, (book->store_count + 1) * sizeof(*book->stores));
    struct verify_store *added = &book->stores[book->store_count++];
    *added = (struct verify_store){.gateway = mem_string(gateway), .store = mem_string(store)};
    return &added->ledger;
}

/* FNV-1a */
static uint64_t hash_bytes(uint64_t hash, const char *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (uint8_t)bytes[i]) * 0x100000001b3U;
    return hash;
}

/* Of a reading, or of an event with both its ends. */
static bool is_time(const char *name)
{
    return strcmp(name, "ts") == 0 || strcmp(name, "from") == 0 || strcmp(name, "to") == 0;
}

/* Of everything that must be the same in a repeat: not of "clock", nor of a time that may have
 * been corrected since. Members may come in any order. */
static uint64_t hash_record(const struct node *record, const char *machine)
{
    bool corrected = node_member(record, "clock") != NULL;
    uint64_t hash = hash_bytes(0xcbf29ce484222325U, machine, strlen(machine));
    struct text value = {0};
    const char *name = NULL;
    const struct node *node = NULL;
    for (void *place = NULL; node_each(record, &place, &name, &node);) {
        if (strcmp(name, "clock") == 0 || (corrected && is_time(name)))
            continue;
        text_clear(&value);
        node_to_json(node, true, &value);
        uint64_t own = hash_bytes(0xcbf29ce484222325U, name, strlen(name) + 1);
        hash += hash_bytes(own, value.data, value.length);
    }
    text_free(&value);
    return hash;
}

/* True with a record that was not seen before. */
static bool take_record(const struct letter *letter, const struct node *record, const char *machine,
                        uint64_t *ret_seq)
{
    int64_t seq = node_int(node_member(record, "seq"), 0);
    if (seq <= 0) {
        letter->book->not_understood++;
        return false;
    }
    *ret_seq = (uint64_t)seq;
    return verify_ledger_take(letter->ledger, *ret_seq, hash_record(record, machine)) == VERIFY_NEW;
}

/* The record's time, 0 where it is not plain. */
static int64_t take_time(const struct letter *letter, const struct node *record, uint64_t seq)
{
    int64_t ts_ms = node_int(node_member(record, "ts"), 0);
    int64_t listening_ms = letter->book->listening_ms;
    if (node_member(record, "clock") || ts_ms <= 0)
        return 0;
    if (ts_ms < listening_ms && ts_ms >= listening_ms - EARLY_MS)
        verify_ledger_early(letter->ledger, seq);
    return ts_ms;
}

static void take_reading(const struct letter *letter, const struct node *record,
                         const char *machine)
{
    struct verify_book *book = letter->book;
    uint64_t seq;
    if (!take_record(letter, record, machine, &seq))
        return;
    book->readings++;
    int64_t ts_ms = take_time(letter, record, seq);
    if (ts_ms > 0)
        verify_latency_add(&book->latency, letter->arrived_ms - ts_ms);
}

static void take_list(const struct letter *letter, const struct node *list, const char *machine)
{
    for (size_t i = 0; i < node_count(list); i++)
        take_reading(letter, node_item(list, i), machine);
}

static void take_readings(const struct letter *letter, const struct node *message)
{
    const struct node *machines = node_member(message, "machines");
    const char *machine = NULL;
    const struct node *list = NULL;
    if (!machines)
        take_list(letter, node_member(message, "readings"),
                  node_text(node_member(message, "machine"), ""));
    for (void *place = NULL; node_each(machines, &place, &machine, &list);)
        take_list(letter, list, machine);
}

static void take_event(const struct letter *letter, const struct node *message)
{
    uint64_t seq;
    if (!take_record(letter, message, "", &seq))
        return;
    letter->book->events++;
    take_time(letter, message, seq);
}

/* 0 for what is no number above it. */
static uint64_t number_of(const struct node *message, const char *name)
{
    int64_t number = node_int(node_member(message, name), 0);
    return number < 0 ? 0 : (uint64_t)number;
}

static void take_gap(const struct letter *letter, const struct node *message)
{
    uint64_t seq;
    if (!take_record(letter, message, "", &seq))
        return;
    letter->book->gaps++;
    verify_ledger_declare(letter->ledger, number_of(message, "first_seq"),
                          number_of(message, "last_seq"), number_of(message, "missing"));
}

/* By the last level of the topic. A status only tells the store. */
static const struct {
    const char *level;
    void (*take)(const struct letter *letter, const struct node *message);
} forms[] = {
    {"readings", take_readings}, {"events", take_event}, {"gaps", take_gap}, {"status", NULL}};

static void remember_store(struct verify_book *book, const char *store)
{
    if (!store || (book->last_store && strcmp(book->last_store, store) == 0))
        return;
    free(book->last_store);
    book->last_store = mem_string(store);
}

static void take_form(struct verify_book *book, size_t form, const struct node *message,
                      int64_t arrived_ms)
{
    remember_store(book, node_text(node_member(message, "store"), NULL));
    if (!forms[form].take)
        return;
    book->messages++;
    if (!book->last_store || !node_is_object(message)) {
        book->not_understood++;
        return;
    }
    const char *gateway = node_text(node_member(message, "gateway"), NULL);
    if (!gateway)
        gateway = book->store_count ? book->stores[book->store_count - 1].gateway : "";
    struct letter letter = {book, find_ledger(book, gateway, book->last_store), arrived_ms};
    forms[form].take(&letter, message);
}

void verify_book_take(struct verify_book *book, const char *topic, const char *payload,
                      size_t length, int64_t arrived_ms)
{
    if (book->listening_ms == 0)
        book->listening_ms = arrived_ms;
    const char *slash = strrchr(topic, '/');
    const char *level = slash ? slash + 1 : topic;
    size_t form = 0, count = sizeof(forms) / sizeof(forms[0]);
    while (form < count && strcmp(forms[form].level, level) != 0)
        form++;
    if (form == count)
        return;
    struct text wrong = {0};
    struct node *message = node_parse(payload, length, &wrong);
    if (message)
        take_form(book, form, message, arrived_ms);
    else
        book->not_understood++;
    node_free(message);
    text_free(&wrong);
}

void verify_book_end(struct verify_book *book)
{
    for (size_t i = 0; i < book->store_count; i++)
        book->stores[i].ledger.end = book->stores[i].ledger.highest;
}
