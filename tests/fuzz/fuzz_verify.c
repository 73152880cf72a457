/* What a broker sends to `bindery verify`: verify_book.c, verify_ledger.c, verify_report.c and the
 * JSON reader node.c.
 *
 * Input: what is expected (from, until), then messages with a byte 0 between them, each with the
 * last level of its topic by its first byte. */
#include "fuzz.h"
#include "node.h"
#include "text.h"
#include "verify_report.h"

#define NOW_MS INT64_C(1795412474123)

static const char *const topics[] = {"b/s/g/m/readings", "b/s/g/gaps", "b/s/g/m/events",
                                     "b/s/g/status",     "readings",   "b/s/g/m/about"};

struct counts {
    uint64_t records, declared_lost;
    size_t stores;
};

static struct counts count(const struct verify_book *book)
{
    struct counts counts = {book->readings + book->events + book->gaps, 0, book->store_count};

    for (size_t i = 0; i < book->store_count; i++)
        counts.declared_lost += book->stores[i].ledger.declared_lost;
    return counts;
}

/* A message that comes again brings no record that is new. */
static void take_twice(struct verify_book *book, const char *topic, const char *payload,
                       size_t length)
{
    verify_book_take(book, topic, payload, length, NOW_MS);
    struct counts first = count(book);
    uint64_t late = book->latency.count;
    verify_book_take(book, topic, payload, length, NOW_MS + 5);
    struct counts second = count(book);
    CLAIM(first.records == second.records && first.stores == second.stores);
    CLAIM(first.declared_lost == second.declared_lost && book->latency.count == late);
}

static void take_all(struct verify_book *book, struct input messages)
{
    while (messages.left > 0) {
        struct input message = input_part(&messages, 0);
        const char *topic = topics[input_byte(&message) % (sizeof topics / sizeof *topics)];
        char *payload = (char *)input_copy(&message);
        take_twice(book, topic, payload, message.left);
        free(payload);
    }
}

static void check_ledger(const struct verify_ledger *ledger)
{
    struct ranges missing = {0};

    for (size_t i = 0; i < ledger->seen.count; i++) {
        const struct range *range = &ledger->seen.items[i];
        CLAIM(range->first <= range->last && range->first >= 1);
        CLAIM(i == 0 || range[-1].last + 1 < range->first);
    }
    if (ledger->seen.count > 0) {
        CLAIM(ledger->lowest == ledger->seen.items[0].first);
        CLAIM(ledger->highest == ledger->seen.items[ledger->seen.count - 1].last);
    }
    verify_ledger_missing(ledger, 0, 0, &missing);
    for (size_t i = 0; i < missing.count; i++) {
        CLAIM(!ranges_contains(&ledger->seen, missing.items[i].first));
        CLAIM(!ranges_contains(&ledger->declared, missing.items[i].last));
        CLAIM(missing.items[i].last < ledger->highest);
    }
    ranges_free(&missing);
}

static void check_report(const struct verify_book *book, const struct verify_limits *limits)
{
    struct verify_result result = verify_judge(book, limits);
    struct text words = {0}, json = {0}, wrong = {0};

    CLAIM(!result.passed || (result.missing == 0 && result.differing == 0 && book->readings > 0));
    verify_report(book, limits, book->messages % 2, &words);
    CLAIM(words.length > 0 && words.data[words.length - 1] == '\n');
    CLAIM(strncmp(words.data, result.passed ? "PASSED" : "FAILED", 6) == 0);
    verify_report_json(book, limits, 0, &json);
    struct node *root = node_parse(json.data, json.length, &wrong);
    CLAIM(root != NULL);
    CLAIM(node_bool(node_member(root, "passed"), !result.passed) == result.passed);
    CLAIM(node_count(node_member(root, "stores")) == book->store_count);
    node_free(root);
    text_free(&words);
    text_free(&json);
    text_free(&wrong);
}

/* What is sorted comes back as it was read. */
static void check_json(const char *bytes, size_t length)
{
    struct text wrong = {0}, first = {0}, second = {0};
    struct node *root = node_parse(bytes, length, &wrong);

    CLAIM((root == NULL) == (wrong.length > 0));
    if (root != NULL) {
        node_to_json(root, true, &first);
        struct node *again = node_parse(first.data, first.length, &wrong);
        CLAIM(again != NULL);
        node_to_json(again, true, &second);
        CLAIM(first.length == second.length && memcmp(first.data, second.data, first.length) == 0);
        node_free(again);
    }
    node_free(root);
    text_free(&wrong);
    text_free(&first);
    text_free(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {data, size};
    struct verify_limits limits = {.expect_from = input_byte(&input)};
    struct verify_book book = {0};
    char *payload;

    limits.until_seq = input_byte(&input);
    payload = (char *)input_copy(&input);
    check_json(payload, input.left);
    free(payload);
    take_all(&book, input);
    for (size_t i = 0; i < book.store_count; i++)
        check_ledger(&book.stores[i].ledger);
    bool reached = verify_reached(&book, &limits);
    CLAIM(!reached || (limits.until_seq > 0 && book.store_count > 0));
    check_report(&book, &limits);
    verify_book_end(&book);
    check_report(&book, &limits);
    verify_book_free(&book);
    return 0;
}
