#include "verify_report.h"

#include <inttypes.h>
#include <string.h>

#include "cli.h"

/* The numbers that a store should have told by now. */
static void find_missing(const struct verify_ledger *ledger, const struct verify_limits *limits,
                         struct ranges *ret_missing)
{
    uint64_t to = limits->until_seq ? limits->until_seq : ledger->end;
    verify_ledger_missing(ledger, limits->expect_from, to, ret_missing);
}

struct verify_result verify_judge(const struct verify_book *book,
                                  const struct verify_limits *limits)
{
    struct verify_result result = {0};
    for (size_t i = 0; i < book->store_count; i++) {
        const struct verify_ledger *ledger = &book->stores[i].ledger;
        struct ranges missing = {0};
        find_missing(ledger, limits, &missing);
        result.missing += verify_count(&missing);
        result.repeats += ledger->repeats;
        result.differing += ledger->differing;
        result.declared_lost += ledger->declared_lost;
        ranges_free(&missing);
    }
    result.passed = result.missing == 0 && result.differing == 0 && book->readings > 0;
    return result;
}

bool verify_reached(const struct verify_book *book, const struct verify_limits *limits)
{
    bool reached = false;
    for (size_t i = 0; limits->until_seq && i < book->store_count && !reached; i++) {
        const struct verify_ledger *ledger = &book->stores[i].ledger;
        struct ranges missing = {0};
        verify_ledger_missing(ledger, limits->expect_from, limits->until_seq, &missing);
        reached = ledger->highest > 0 && missing.count == 0;
        ranges_free(&missing);
    }
    return reached;
}

static void add_store(const struct verify_store *store, const struct verify_limits *limits,
                      struct text *out)
{
    char words[CLI_WORDS];
    const struct verify_ledger *ledger = &store->ledger;
    struct ranges missing = {0};
    find_missing(ledger, limits, &missing);
    text_addf(out, "  gateway %s, store %s: seq %" PRIu64 " to %" PRIu64, store->gateway,
              store->store, limits->expect_from ? limits->expect_from : ledger->lowest,
              ledger->highest);
    if (missing.count) {
        text_addf(out, "; MISSING %s: ", cli_number(verify_count(&missing), words));
        ranges_to_text(&missing, out);
    }
    if (ledger->differing)
        text_addf(out, "; %s", cli_count(ledger->differing, "DIFFERING REPEAT", words));
    text_add_char(out, '\n');
    ranges_free(&missing);
}

void verify_report(const struct verify_book *book, const struct verify_limits *limits,
                   unsigned lost_connections, struct text *out)
{
    char a[CLI_WORDS], b[CLI_WORDS], c[CLI_WORDS], d[CLI_WORDS], e[CLI_WORDS];
    struct verify_result result = verify_judge(book, limits);
    text_addf(out, "%s: %s, %s (%s differing), %s declared lost, %s missing",
              result.passed         ? "PASSED"
              : book->readings == 0 ? "FAILED, no reading came"
                                    : "FAILED",
              cli_count(book->readings, "reading", a), cli_count(result.repeats, "repeat", b),
              cli_number(result.differing, c), cli_number(result.declared_lost, d),
              cli_number(result.missing, e));
    if (book->latency.count)
        text_addf(out, "; latency p50 %" PRId64 " ms, p99 %" PRId64 " ms",
                  verify_latency_at(&book->latency, 0.5), verify_latency_at(&book->latency, 0.99));
    text_add_char(out, '\n');
    for (size_t i = 0; i < book->store_count; i++)
        add_store(&book->stores[i], limits, out);
    if (book->not_understood)
        text_addf(out, "  %s not understood\n", cli_count(book->not_understood, "message", a));
    if (lost_connections)
        text_addf(out,
                  "  our own connection was lost %u times: what was sent meanwhile is missing "
                  "here, and perhaps nowhere else\n",
                  lost_connections);
}

static void add_store_json(const struct verify_store *store, const struct verify_limits *limits,
                           struct text *out)
{
    const struct verify_ledger *ledger = &store->ledger;
    struct ranges missing = {0};
    find_missing(ledger, limits, &missing);
    text_add(out, "{\"gateway\":");
    text_add_json(out, store->gateway, strlen(store->gateway));
    text_add(out, ",\"store\":");
    text_add_json(out, store->store, strlen(store->store));
    text_addf(out, ",\"first_seq\":%" PRIu64 ",\"last_seq\":%" PRIu64 ",\"missing\":%" PRIu64,
              ledger->lowest, ledger->highest, verify_count(&missing));
    text_addf(out, ",\"differing\":%" PRIu64 ",\"missing_ranges\":\"", ledger->differing);
    ranges_to_text(&missing, out);
    text_add(out, "\"}");
    ranges_free(&missing);
}

void verify_report_json(const struct verify_book *book, const struct verify_limits *limits,
                        unsigned lost_connections, struct text *out)
{
    struct verify_result result = verify_judge(book, limits);
    text_addf(out, "{\"passed\":%s,\"readings\":%" PRIu64 ",\"events\":%" PRIu64,
              result.passed ? "true" : "false", book->readings, book->events);
    text_addf(out, ",\"gaps\":%" PRIu64 ",\"repeats\":%" PRIu64 ",\"differing\":%" PRIu64,
              book->gaps, result.repeats, result.differing);
    text_addf(out, ",\"declared_lost\":%" PRIu64 ",\"missing\":%" PRIu64 ",\"messages\":%" PRIu64,
              result.declared_lost, result.missing, book->messages);
    text_addf(out, ",\"not_understood\":%" PRIu64 ",\"lost_connections\":%u", book->not_understood,
              lost_connections);
    text_addf(out, ",\"latency_ms\":{\"p50\":%" PRId64 ",\"p99\":%" PRId64 "},\"stores\":[",
              verify_latency_at(&book->latency, 0.5), verify_latency_at(&book->latency, 0.99));
    for (size_t i = 0; i < book->store_count; i++) {
        if (i)
            text_add_char(out, ',');
        add_store_json(&book->stores[i], limits, out);
    }
    text_add(out, "]}\n");
}
